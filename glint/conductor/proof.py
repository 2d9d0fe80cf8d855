"""Promise 1, never a lie: a copy counts when size and hash of its bytes equal the catalogue's.

Where the site and the catalogue share a hash algorithm, comparing is the whole proof. Where they do
not, what is missing is computed in flight, together with an algorithm that the catalogue knows:
a new digest is believed only for bytes that were shown to be the image's.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from glint import exception, objects
from glint.conductor.settings import Settings
from glint.db import api, images, models
from glint.db import sites as db_sites
from glint.drivers.base import Receipt, SiteDriver
from glint.transfer import Result, digest

LOG = logging.getLogger(__name__)

#: Glance's default; what a site really uses is learnt from its images.
DEFAULT_ALGORITHM = "sha512"


def target_algorithms(
    db: api.Database, image: objects.Image, site_ids: Sequence[str], hashless: bool = False
) -> tuple[str, ...]:
    """What must be hashed in flight so that each site's own hash can be held against it.

    :param site_ids: of sites that keep hashes.
    :param hashless: there are sites that keep none: what they get is shown to be the image.
    """
    used = {
        str(db_sites.load(db, site_id).facts.get("hash_algo") or DEFAULT_ALGORITHM)
        for site_id in site_ids
    }
    missing = used - set(image.digests)
    if not missing and not hashless:
        return ()
    return tuple(sorted(missing | {image.os_hash_algo or DEFAULT_ALGORITHM}))


class Prover:
    """Proves copies of one image. Its catalogue row may learn digests on the way."""

    as_disk: ClassVar[bool] = False

    def __init__(self, db: api.Database, image: objects.Image, settings: Settings) -> None:
        self._db = db
        self._image = image
        self._settings = settings

    def held(
        self, remote: objects.RemoteImage, refused: Sequence[objects.NotCarried] = ()
    ) -> dict[str, Any]:
        """Columns of a cell that holds a proven copy.

        :param refused: what the site did not take.
        """
        now = models.utcnow()
        if self.as_disk:
            refused = [objects.NotCarried("file", "the site holds the disk in it"), *refused]
        return {
            "remote_id": remote.id,
            "stamped": remote.stamp is not None,
            "seen_size": remote.size,
            "seen_hash_algo": remote.os_hash_algo,
            "seen_hash_value": remote.os_hash_value,
            "seen_at": now,
            "verified_at": now,
            "not_carried": [dataclasses.asdict(item) for item in refused],
            "as_disk": self.as_disk,
        }

    @property
    def can_judge_early(self) -> bool:
        """The catalogue has a digest, so that a site's answer may be judged at once."""
        return bool(self._image.digests)

    def learn(self, size: int, result: Result) -> None:
        """Keep the digests that were computed in flight over the whole image of ``size`` bytes."""
        if result.complete and result.digests:
            self._keep("The source", result.digests, size)

    def _keep(self, where: str, digests: Mapping[str, str], size: int) -> None:
        known = self._image.digests
        proven = not known or any(known.get(a) == d for a, d in digests.items())
        if not proven or any(known.get(a, d) != d for a, d in digests.items()):
            raise exception.ContentMismatch(where=where, reason="its bytes have other digests")
        self._store(digests, size)

    def _store(self, digests: Mapping[str, str], size: int) -> None:
        images.learn_digests(self._db, self._image.id, digests, size)
        self._image = images.load(self._db, self._image.id)

    def prove(
        self,
        driver: SiteDriver,
        remote_id: str,
        site_id: str,
        digests: Mapping[str, str],
        receipt: Receipt | None = None,
    ) -> objects.RemoteImage:
        """Hold what a site says of a copy against the catalogue.

        :param digests: computed in flight over the bytes that were sent.
        :param receipt: what a site without hashes checked of these bytes.
        :raises ContentMismatch: the copy is not the image.
        :raises SiteConflict: the copy is not active (yet).
        """
        remote = driver.get_image(remote_id)
        if remote.status != "active":
            raise exception.SiteConflict(reason=f"after the upload it is {remote.status}")
        if self._image.size is not None and remote.size != self._image.size:
            raise exception.ContentMismatch(
                where="The copy", reason=f"{remote.size} bytes instead of {self._image.size}"
            )
        if remote.os_hash_algo is None or remote.os_hash_value is None:
            if not self._proven_in_flight(remote, digests, receipt):
                self._prove_by_reading(driver, remote)
            return remote
        wanted = self._image.digests.get(remote.os_hash_algo) or digests.get(remote.os_hash_algo)
        if wanted is None:
            db_sites.set_fact(self._db, site_id, "hash_algo", remote.os_hash_algo)
            wanted = self._late(remote.os_hash_algo, driver, remote)
        if wanted != remote.os_hash_value:
            raise exception.ContentMismatch(
                where="The copy",
                reason=f"{remote.os_hash_algo} {remote.os_hash_value} instead of {wanted}",
            )
        return remote

    def _late(self, algorithm: str, driver: SiteDriver, remote: objects.RemoteImage) -> str:
        """A digest that nobody thought of before: read the copy itself, beside the known one."""
        LOG.info("image %s: %s is computed from the copy", self._image.id, algorithm)
        known = self._image.os_hash_algo or DEFAULT_ALGORITHM
        found = self._read(driver, remote, sorted({algorithm, known}))
        self._keep("The copy", found, remote.size or 0)
        return found[algorithm]

    def _proven_in_flight(
        self,
        remote: objects.RemoteImage,
        digests: Mapping[str, str],
        receipt: Receipt | None,
    ) -> bool:
        """The bytes that were sent are the image's, and the site holds just these.

        :raises ContentMismatch: they are other bytes.
        """
        known = self._image.digests
        shared = digests.keys() & known.keys()
        if any(known[name] != digests[name] for name in shared):
            raise exception.ContentMismatch(where="The copy", reason="other bytes were sent")
        return bool(shared) and receipt is not None and receipt.size == remote.size

    def _prove_by_reading(self, driver: SiteDriver, remote: objects.RemoteImage) -> None:
        """The site keeps no hash: its bytes have to be read back."""
        known = self._image.os_hash_algo or DEFAULT_ALGORITHM
        found = self._read(driver, remote, [known])
        if self._image.digests.get(known) != found[known]:
            raise exception.ContentMismatch(
                where="The copy", reason=f"its bytes have {known} {found[known]}"
            )

    def _read(
        self, driver: SiteDriver, remote: objects.RemoteImage, algorithms: Sequence[str]
    ) -> Mapping[str, str]:
        return digest(
            lambda offset: driver.open(remote.id, offset),
            remote.size,
            algorithms,
            chunk=self._settings.chunk_size,
            idle=self._settings.idle_timeout,
        )


class DiskProver(Prover):
    """Proves copies of the disk that an image's file describes.

    :param image: as its ``as_disk`` is.
    :param data: bytes of the disk for which the file holds data.
    """

    as_disk = True

    def __init__(
        self, db: api.Database, image: objects.Image, settings: Settings, data: int = 0
    ) -> None:
        super().__init__(db, image, settings)
        self._data = image.disk.data if image.disk else data

    def _store(self, digests: Mapping[str, str], size: int) -> None:
        images.learn_disk(self._db, self._image.id, objects.Disk(size, self._data, digests))
        self._image = images.load(self._db, self._image.id).as_disk


def prover_of(db: api.Database, image: objects.Image, settings: Settings, as_disk: bool) -> Prover:
    """The prover for a cell that holds the file, or the disk in it."""
    return DiskProver(db, image.as_disk, settings) if as_disk else Prover(db, image, settings)
