"""What a site is, grants and shows; all that comes from there is foreign, hostile input."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

#: Properties with which Glint stamps every remote image that it creates (architecture, promise 4).
STAMP_PREFIX = "glint_"

#: What every image of OpenStack has of itself (Image API v2); never a custom property.
IMAGE_ATTRIBUTES = frozenset(
    {"id", "name", "status", "visibility", "protected", "os_hidden", "owner", "size"}
    | {"virtual_size", "checksum", "os_hash_algo", "os_hash_value", "disk_format"}
    | {"container_format", "min_disk", "min_ram", "tags", "created_at", "updated_at", "self"}
    | {"file", "schema", "direct_url", "locations", "stores", "deleted", "deleted_at", "location"}
)

#: Namespaces that Glance keeps for itself.
RESERVED_PREFIXES = ("os_glance", "os_hash_")


@dataclasses.dataclass(frozen=True)
class Stamp:
    """Says which cell a remote image was made for, and by which transfer."""

    deployment_id: str
    image_id: str
    transfer_id: str

    def properties(self) -> dict[str, str]:
        return {
            "glint_deployment": self.deployment_id,
            "glint_image": self.image_id,
            "glint_transfer": self.transfer_id,
        }

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> Stamp | None:
        """The stamp in an image's properties, or None where Glint did not make the image."""
        try:
            return cls(
                deployment_id=str(properties["glint_deployment"]),
                image_id=str(properties["glint_image"]),
                transfer_id=str(properties["glint_transfer"]),
            )
        except KeyError:
            return None


@dataclasses.dataclass(frozen=True)
class SiteType:
    """A kind of cloud: what a driver needs to be told, as JSON schemas (draft 2020-12).

    ``auth_schemas`` maps an auth type to the schema of a credential's ``auth`` object;
    ``secret_fields`` names those of its properties that are secrets: encrypted, never shown.
    ``registers``: visibilities of other projects' images that a scan can look for besides.
    """

    name: str
    description: str
    connection_schema: Mapping[str, Any]
    auth_schemas: Mapping[str, Mapping[str, Any]]
    secret_fields: frozenset[str]
    registers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Quota:
    """One limit of a remote project.

    :ivar limit: None where there is none.
    :ivar free: what still goes: bytes of the largest image, or a number of images; None: any.
    """

    used: int
    limit: int | None
    free: int | None


@dataclasses.dataclass(frozen=True)
class Grants:
    """What a site grants to one credential, as it told. None: it did not tell.

    :ivar quota: by name: ``bytes`` (all images together), ``staging_bytes`` (what the site's own
        imports may hold meanwhile), ``images`` (how many).
    :ivar quota_at: when the quota was told; the rest was at ``seen_at``.
    :ivar unpacked: disk formats of which the site gets the disk that the file describes, as blocks.
    :ivar copies_among: sites of one type that say the same here copy images from each other.
    :ivar price: US dollars that a GiB costs which is sent, apart from what it costs to keep it.
    """

    quota: Mapping[str, Quota] | None = None
    quota_at: datetime.datetime | None = None
    disk_formats: tuple[str, ...] | None = None
    container_formats: tuple[str, ...] | None = None
    import_methods: tuple[str, ...] | None = None
    unpacked: tuple[str, ...] | None = None
    copies_among: str | None = None
    price: float | None = None
    seen_at: datetime.datetime | None = None

    @classmethod
    def read(cls, facts: Mapping[str, Any] | None) -> Grants:
        """From the ``facts`` of a credential, which :func:`glint.db.credentials.learn` writes."""
        values: dict[str, Any] = {}
        for name, value in (facts or {}).items():
            if name.endswith("_at"):
                value = datetime.datetime.fromisoformat(value.removesuffix("Z"))
            elif name == "quota":
                value = {what: Quota(**quota) for what, quota in value.items()}
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class RemoteImage:
    """An image as a site shows it to one credential. Everything in it is foreign, hostile input.

    ``properties`` holds custom properties only (no base attributes, nothing reserved). ``own``:
    False where a list says that it is another project's; a stamp on such a one says nothing.
    """

    id: str
    name: str
    status: str
    size: int | None
    os_hash_algo: str | None
    os_hash_value: str | None
    disk_format: str
    container_format: str
    min_disk: int
    min_ram: int
    visibility: str
    protected: bool
    os_hidden: bool
    owner: str | None
    properties: Mapping[str, str]
    tags: tuple[str, ...]
    own: bool = True

    @property
    def stamp(self) -> Stamp | None:
        return Stamp.read(self.properties) if self.own else None


@dataclasses.dataclass(frozen=True)
class NotCarried:
    """A part of an image that a site refused: which, and its reason."""

    item: str
    reason: str
