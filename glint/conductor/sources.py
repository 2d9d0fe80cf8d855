"""Where to read an image from."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator

from glint import exception, objects
from glint.conductor.access import Access
from glint.db import api, credentials, deployments
from glint.drivers.base import ByteSource, SiteDriver
from glint.plan import ranked, same_content

LOG = logging.getLogger(__name__)

#: How many times in all a source that breaks in mid stream is opened again.
RESUMES = 3


@dataclasses.dataclass(frozen=True)
class Source:
    """A site that holds the image and can be read now. ``size`` in bytes."""

    driver: SiteDriver
    credential_id: str
    site_id: str
    remote: objects.RemoteImage
    size: int
    resumes: int = RESUMES

    @property
    def where(self) -> str:
        return self.credential_id

    def open(self, offset: int) -> ByteSource:
        return self.driver.open(self.remote.id, offset)


@dataclasses.dataclass(frozen=True)
class OwnSource:
    """Where an image comes from that no site gave: a file of the upload folder, a URL.

    :ivar where: for the log.
    :ivar open: begins to read at a byte offset.
    """

    where: str
    open: Callable[[int], ByteSource]
    size: int
    resumes: int
    credential_id: None = None


@contextlib.contextmanager
def open_source(
    db: api.Database,
    access: Access,
    image: objects.Image,
    exclude: set[str],
    as_disk: bool = False,
) -> Iterator[Source]:
    """The first site that has the image, active and with the catalogue's content.

    :param as_disk: sites that hold the disk in the image's file, which ``image`` then is.
    :raises NoSource: with what each site said.
    """
    reasons = []
    with contextlib.ExitStack() as stack:
        source = None
        cells = [c for c in deployments.of_image(db, image.id) if c.as_disk == as_disk]
        for cell in ranked(cells, exclude):
            try:
                driver = stack.enter_context(access.open(cell.credential_id))
                source = look(db, driver, cell, image)
                break
            except exception.SiteError as error:
                LOG.warning("image %s: no source at %s: %s", image.id, cell.credential_id, error)
                reasons.append(str(error))
        if source is None:
            raise exception.NoSource(reason="; ".join(reasons)[:1000] or "no cell holds it")
        yield source


def look(
    db: api.Database, driver: SiteDriver, cell: objects.Deployment, image: objects.Image
) -> Source:
    """The source that a cell is, if the site says that the image is there and the catalogue's.

    :raises SiteError: it is not.
    """
    assert cell.remote_id is not None
    remote = driver.get_image(cell.remote_id)
    if remote.status != "active" or not remote.size:
        raise exception.SiteConflict(reason=f"it is {remote.status} there")
    told = remote.os_hash_algo in image.digests
    if told and not same_content(image, remote.size, remote.os_hash_algo, remote.os_hash_value):
        raise exception.ContentMismatch(
            f"Image {remote.id} is not the catalogue's image {image.id} any more."
        )
    if image.size is not None and remote.size != image.size:
        raise exception.ContentMismatch(
            f"Image {remote.id} has {remote.size} bytes, the catalogue's has {image.size}."
        )
    site_id = credentials.load(db, cell.credential_id)[1].id
    return Source(driver, cell.credential_id, site_id, remote, remote.size)
