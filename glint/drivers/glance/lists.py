"""Lists of an image service's records, page by page: the project's own, and others that it sees."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from glint.drivers.glance.errors import Refused
from glint.drivers.glance.records import is_id
from glint.drivers.glance.session import SiteSession
from glint.exception import SiteConflict, SiteError

#: Images that one request of a list asks for. Glance's own limit is 1000 by default.
PAGE_SIZE = 200

#: Images of one project that a scan takes in; a site that lists more is not believed.
LIST_LIMIT = 100_000


def own(site: SiteSession, query: Mapping[str, str]) -> Iterator[Any]:
    """The records of all images that the project owns, hidden ones too, each once."""
    owner = site.login().project_id
    seen: set[str] = set()
    for hidden in ("false", "true"):
        wanted = {"owner": str(owner), "os_hidden": hidden, "limit": str(PAGE_SIZE)}
        for record in _records(site, {**query, **wanted}):
            if not isinstance(record, dict):
                yield record
            elif record.get("owner") == owner and str(record.get("id")) not in seen:
                seen.add(str(record.get("id")))
                yield record
            if len(seen) > LIST_LIMIT:
                raise SiteError(reason=f"it lists more than {LIST_LIMIT} images")


def others(site: SiteSession, visibilities: Collection[str]) -> Iterator[Any]:
    """The records of other projects' images that the project can see, each once."""
    owner = site.login().project_id
    seen: set[str] = set()
    for visibility in sorted(visibilities):
        wanted = {"visibility": visibility, "limit": str(PAGE_SIZE)}
        if visibility == "shared":
            wanted["member_status"] = "accepted"
        for record in _records(site, wanted):
            # What the site made of the query is not believed.
            if not isinstance(record, dict) or record.get("visibility") != visibility:
                continue
            if record.get("owner") != owner and str(record.get("id")) not in seen:
                seen.add(str(record.get("id")))
                yield record
            if len(seen) > LIST_LIMIT:
                raise SiteError(reason=f"it lists more than {LIST_LIMIT} images")


def _records(site: SiteSession, query: Mapping[str, str]) -> Iterator[Any]:
    """Every record of a list, page by page."""
    markers: set[str | None] = set()
    marker: str | None = None
    while marker not in markers:
        markers.add(marker)
        records, marker = _page(site, query, marker)
        yield from records
        if marker is None:
            return
        if len(markers) > LIST_LIMIT:
            break
    raise SiteError(reason="its list of images never ends")


def _page(
    site: SiteSession, query: Mapping[str, str], marker: str | None
) -> tuple[list[Any], str | None]:
    """One page and the marker of the next; None: it is the last one."""
    # Only the marker is taken from the site's "next": the rest could lead anywhere.
    wanted = dict(query) if marker is None else {**query, "marker": marker}
    with site.images() as client:
        try:
            _, body = client.http.get(f"/v2/images?{urlencode(wanted)}")
        except Refused as exc:
            if marker is not None and exc.response.status_code in (400, 404):
                raise SiteConflict(reason="its list changed while it was read") from exc
            raise
        if not isinstance(body, dict) or not isinstance(body.get("images"), list):
            raise SiteError(reason="its list of images is not understood")
        following = parse_qs(urlsplit(str(body.get("next") or "")).query).get("marker")
    return body["images"], following[0] if following and is_id(following[0]) else None
