"""How the bytes of a copy come: by the site itself, or through Glint. Pure, as the plan is."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Sequence

from glint.objects import Credential, Deployment, Grants, Image, Site
from glint.states import DeploymentStatus, TransferMethod

#: What Glance calls the import from another region of the same Keystone.
GLANCE_DOWNLOAD = "glance-download"

#: What it calls the import from a URL.
WEB_DOWNLOAD = "web-download"

#: Visibilities of an image that every project of its cloud can read.
_READABLE = frozenset({"public", "community"})


@dataclasses.dataclass(frozen=True)
class Column:
    """A credential with its site."""

    credential: Credential
    site: Site

    @property
    def grants(self) -> Grants:
        return Grants.read(self.credential.facts)


@dataclasses.dataclass(frozen=True)
class Holder:
    """A cell that holds the image, and its column.

    :ivar visibility: of the image there, as far as it was seen.
    """

    cell: Deployment
    column: Column
    visibility: str | None = None


@dataclasses.dataclass(frozen=True)
class Choice:
    """How the bytes of a copy are to come, and why so.

    :ivar source: the site that an import reads, where it reads one.
    :ivar url: what an import reads instead.
    """

    method: TransferMethod
    reason: str
    source: Holder | None = None
    url: str | None = None


def is_unpacked(image: Image, grants: Grants) -> bool:
    """Whether a site gets the disk that the image's file describes, and not the file."""
    return image.disk_format in (grants.unpacked or ())


def conversion(image: Image, grants: Grants) -> str:
    """What becomes of the image's file on its way to a site, and what that costs; "": nothing."""
    words = ""
    size = image.size
    if is_unpacked(image, grants):
        words = f"convert {image.disk_format} -> blocks"
        if image.disk is not None:
            size = image.disk.data
            words += f", {in_words(size)} of {in_words(image.disk.size)}"
        elif size is not None:
            words += f", about {in_words(size)}"
    if grants.price and size is not None:
        words += f"{', ' if words else ''}at most ${max(0.0001, grants.price * size / 2**30):.4f}"
    return words


def in_words(size: int) -> str:
    """Bytes for people."""
    unit, name = (2**30, "GiB") if size >= 2**30 else (2**20, "MiB")
    return f"{-(-size * 10 // unit) / 10:g} {name}"


def choose_method(image: Image, target: Column, holders: Sequence[Holder]) -> Choice:
    """Let the site fetch the image itself where it can, else stream it through Glint.

    :param holders: possible sources, the best first.
    """
    if target.grants.copies_among:
        return _choose_native(image, target, holders)
    against = _against_import(image, target)
    if against is not None:
        return Choice(TransferMethod.STREAM, against)
    offered = target.grants.import_methods or ()
    reasons: list[tuple[int, str]] = []
    if GLANCE_DOWNLOAD not in offered:
        reasons.append((5, f"the site does not offer {GLANCE_DOWNLOAD}"))
        holders = ()
    for holder in holders:
        found = _out_of_reach(target, holder)
        if found is None:
            return Choice(
                TransferMethod.IMPORT,
                f"{holder.column.site.name} is another region of the same Keystone, and the site"
                " fetches the image from there by itself",
                holder,
            )
        reasons.append(found)
    if image.source_url is not None and WEB_DOWNLOAD in offered:
        return Choice(
            TransferMethod.IMPORT,
            "its content is at a URL, and the site fetches it from there by itself",
            url=image.source_url,
        )
    nearest = max(reasons, default=(0, _no_holder(image)))
    return Choice(TransferMethod.STREAM, nearest[1])


def _choose_native(image: Image, target: Column, holders: Sequence[Holder]) -> Choice:
    """A copy that the target's cloud makes between two of its sites, or a stream."""
    as_disk = is_unpacked(image, target.grants)
    reason = _no_holder(image)
    for holder in holders:
        source, name = holder.column, holder.column.site.name
        near = source.site.type == target.site.type
        if not near or source.grants.copies_among != target.grants.copies_among:
            reason = f"{name} is of another cloud or account"
        elif holder.cell.status != DeploymentStatus.ACTIVE or not source.site.enabled:
            reason = f"{name} cannot be read now"
        elif source.site.bandwidth is not None or target.site.bandwidth is not None:
            reason = "the bandwidth of a site is limited, and its own copying keeps to no limit"
        elif not (image.as_disk if as_disk else image).digests or holder.cell.as_disk != as_disk:
            reason = "its bytes have to be hashed anyway"
        else:
            return Choice(
                TransferMethod.NATIVE,
                f"{name} is another region of the same account, and the site copies from there by"
                " itself",
                holder,
            )
    return Choice(TransferMethod.STREAM, reason)


def _no_holder(image: Image) -> str:
    if image.has_own_source:
        return "no site holds it yet"
    return "no site that holds it is known to be readable"


def _against_import(image: Image, target: Column) -> str | None:
    """Why the target imports nothing of this image, wherever it is."""
    connection, grants = target.site.connection, target.grants
    offered = {GLANCE_DOWNLOAD} if image.source_url is None else {GLANCE_DOWNLOAD, WEB_DOWNLOAD}
    if not connection.get("auth_url") or not offered & {*(grants.import_methods or ())}:
        return f"the site does not offer {' or '.join(sorted(offered))}"
    if not connection.get("server_side_import", True):
        return "the site is set to import nothing by itself (server_side_import)"
    if not image.disk_format or not image.container_format:
        return "the image has no formats, which an import needs"
    algorithm = target.site.facts.get("hash_algo")
    if not image.digests or (algorithm and algorithm not in image.digests):
        return f"its bytes have to be hashed anyway ({algorithm or 'no hash'} is not known of it)"
    if target.site.bandwidth is not None:
        return "the site's bandwidth is limited, and its own import keeps to no limit"
    staging = (grants.quota or {}).get("staging_bytes")
    if staging and staging.free is not None and staging.free < (image.size or 0):
        return "the site's quota for imports is too small"
    return None


def _out_of_reach(target: Column, holder: Holder) -> tuple[int, str] | None:
    """Why the target's own login cannot fetch from a holder, and how near it comes to that."""
    source = holder.column
    here, there = target.site.connection, source.site.connection
    if source.site.type != target.site.type or not same_address(
        str(here.get("auth_url")), str(there.get("auth_url"))
    ):
        return 0, "no site that holds it has the same Keystone"
    if not here.get("region") or not there.get("region"):
        return 1, "the sites do not name their regions"
    if here["region"] == there["region"]:
        return 1, "the image is in the same region, not in another one"
    if holder.cell.as_disk:
        return 2, f"{source.site.name} holds the disk in the image's file, not the file"
    if holder.cell.status != DeploymentStatus.ACTIVE or not source.site.enabled:
        return 2, f"{source.site.name} cannot be read now"
    if source.site.bandwidth is not None:
        return (
            3,
            f"the bandwidth of {source.site.name} is limited, which an import does not keep to",
        )
    mine, theirs = target.credential.remote_project_id, source.credential.remote_project_id
    if holder.visibility not in _READABLE and (mine is None or mine != theirs):
        return 4, f"the image at {source.site.name} belongs to another project there"
    return None


def same_address(one: str, other: str) -> bool:
    """Whether two identity URLs name the same cloud, with or without a version at their end."""
    return _normal(one) == _normal(other)


def _normal(url: str) -> tuple[str, str | None, int | None, str]:
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    path = parts.path.rstrip("/").removesuffix("/v3").rstrip("/")
    return parts.scheme, parts.hostname, port, path
