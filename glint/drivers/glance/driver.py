"""The driver of OpenStack sites."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import requests

from glint.drivers.addresses import STRICT, AddressPolicy
from glint.drivers.base import ByteSource, Identity, ImportProgress, SiteDriver, SizedBody
from glint.drivers.glance import imports, lists, offers
from glint.drivers.glance.finish import Finisher, patch, replace
from glint.drivers.glance.records import is_id, remote_image
from glint.drivers.glance.session import LONG_CALL, ImageClient, Line, SiteSession
from glint.drivers.glance.streams import GlanceSource, send
from glint.drivers.text import clean, host_of
from glint.exception import (
    SiteAddressWrong,
    SiteConflict,
    SiteCredentialsRejected,
    SiteError,
    SiteForbidden,
    SiteImageNotFound,
)
from glint.objects import Image, NotCarried, Quota, RemoteImage, Stamp

LOG = logging.getLogger(__name__)

#: Name of a copy until it is verified, before the id of its transfer.
INCOMING = "glint-incoming-"


class GlanceDriver(SiteDriver):
    """One region of an OpenStack cloud, used as one project.

    See :class:`glint.drivers.base.SiteDriver` for what each method promises.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        auth: Mapping[str, Any] | None,
        timeout: float = 60.0,
        addresses: AddressPolicy = STRICT,
    ) -> None:
        super().__init__(connection, auth, timeout, addresses)
        self._site = SiteSession(connection, auth, timeout, addresses)
        self._lock = threading.Lock()
        self._uploads: dict[str, Line] = {}

    def __repr__(self) -> str:
        return f"<GlanceDriver {host_of(self._site.auth_url)}>"

    def probe(self) -> Mapping[str, Any]:
        """Read Keystone's version document.

        :returns: ``identity_version``, such as ``v3.14``.
        """
        response = self._site.probe()
        if response.status_code >= 300:
            raise self._site.errors.from_login(response, self._site.auth_url)
        try:
            version = response.json()["version"]["id"]
        except (ValueError, LookupError, TypeError):
            version = None
        if not isinstance(version, str) or not version.startswith("v3"):
            raise SiteAddressWrong(
                url=host_of(self._site.auth_url), reason="what answers is not Keystone v3"
            )
        return {"identity_version": clean(version, limit=32)}

    def verify(self) -> Identity:
        """Log in, find the image service and list an image.

        ``facts``: ``regions`` with an image service; ``import_methods`` and ``hash_algo`` where
        they can be learnt.
        """
        access = self._site.login()
        facts: dict[str, Any] = {}
        with self._site.images() as client:
            facts["regions"] = self._site.regions(access)
            facts.update(offers.hash_algorithm(client))
            facts.update(offers.import_methods(client))
        return Identity(
            project_id=access.project_id,
            project_name=clean(access.project_name or "") or None,
            user_name=clean(access.username or "") or None,
            facts=facts,
        )

    def quota(self) -> Mapping[str, Quota]:
        """See :meth:`SiteDriver.quota`: Keystone's unified limits, where the site uses them."""
        with self._site.images() as client:
            return offers.quota(client)

    def grants(self) -> Mapping[str, Any]:
        with self._site.images() as client:
            return offers.grants(client)

    def list_images(self, others: Collection[str] = ()) -> Iterator[RemoteImage]:
        owner = self._site.login().project_id
        for record in itertools.chain(lists.own(self._site, {}), lists.others(self._site, others)):
            try:
                image = remote_image(record)
                yield dataclasses.replace(image, own=record.get("owner") == owner)
            except ValueError as exc:
                ident = record.get("id") if isinstance(record, dict) else None
                LOG.warning(
                    "%s: an image record (id %s) is left out: %s",
                    host_of(self._site.auth_url),
                    clean(repr(ident), limit=80),
                    exc,
                )

    def stamped(self, deployment_id: str) -> Sequence[RemoteImage]:
        """See :meth:`SiteDriver.stamped`. A record that makes no sense is an error here."""
        found = []
        for record in lists.own(self._site, {"glint_deployment": deployment_id}):
            try:
                image = remote_image(record)
            except ValueError as exc:
                raise SiteError(reason=f"it lists a record of no image: {exc}") from exc
            # Whether or not the site looked at the filter.
            if image.properties.get("glint_deployment") == deployment_id:
                found.append(image)
        return found

    def twins(self, digests: Mapping[str, str]) -> Sequence[RemoteImage]:
        """See :meth:`SiteDriver.twins`: Glance filters by ``os_hash_value``."""
        found = []
        for algorithm, value in digests.items():
            for record in lists.own(self._site, {"os_hash_value": value}):
                try:
                    image = remote_image(record)
                except ValueError as exc:
                    LOG.debug("a record that makes no sense is no twin: %s", exc)
                    continue
                if (image.os_hash_algo, image.os_hash_value) == (algorithm, value):
                    found.append(image)
        return found

    def get_image(self, remote_id: str) -> RemoteImage:
        with self._images(remote_id) as client:
            return _get(client, remote_id)

    @contextlib.contextmanager
    def _images(self, remote_id: str) -> Iterator[ImageClient]:
        if not is_id(remote_id):
            raise SiteImageNotFound(ident=clean(str(remote_id)))
        with self._site.images(remote_id) as client:
            yield client

    def open(self, remote_id: str, offset: int = 0) -> ByteSource:
        if not is_id(remote_id):
            raise SiteImageNotFound(ident=clean(str(remote_id)))
        self._site.login()
        try:
            source = self._open(remote_id, offset)
        except SiteCredentialsRejected:
            # The token died before its time: once more with a new one.
            self.renew()
            source = self._open(remote_id, offset)
        if source.size is None:
            try:
                source.size = self.get_image(remote_id).size
            except BaseException:
                source.close()
                raise
        return source

    def _open(self, remote_id: str, offset: int) -> GlanceSource:
        line, endpoint, headers = self._site.line()
        headers["Accept-Encoding"] = "identity"
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            with self._site.errors.guard(endpoint, remote_id):
                response = line.request("GET", f"{endpoint}/v2/images/{remote_id}/file", headers)
            if response.status_code == 204:
                raise SiteConflict(reason="it holds no bytes yet, so it is not active")
            if response.status_code not in (200, 206):
                raise self._site.errors.from_answer(response, endpoint, remote_id)
            return GlanceSource(line, response, self._site.errors, offset)
        except BaseException:
            line.close()
            raise

    def create(self, image: Image, stamp: Stamp) -> str:
        record: dict[str, Any] = {
            "name": INCOMING + stamp.transfer_id,
            "visibility": "private",
            "min_disk": image.min_disk,
            "min_ram": image.min_ram,
            **stamp.properties(),
        }
        formats = {"disk_format": image.disk_format, "container_format": image.container_format}
        record.update({name: value for name, value in formats.items() if value})
        with self._site.images() as client:
            _, body = client.http.post("/v2/images", data=record)
            remote_id = body["id"]
            if not is_id(remote_id):
                raise SiteError(reason="it gives an id that is none")
            return str(remote_id)

    def upload(self, remote_id: str, body: SizedBody) -> None:
        """See :meth:`SiteDriver.upload`. :meth:`abort_upload` ends it from another thread.

        A token that the site refuses surfaces as SiteCredentialsRejected: the body is spent by
        then, so the caller renews and begins anew.
        """
        if not is_id(remote_id):
            raise SiteImageNotFound(ident=clean(str(remote_id)))
        line, endpoint, token = self._site.line()
        with self._lock:
            self._uploads[remote_id] = line
        try:
            url = f"{endpoint}/v2/images/{remote_id}/file"
            response = send(line, url, token, body, self._site.errors)
            if response.status_code >= 300:
                raise self._upload_refused(response, endpoint, remote_id)
        finally:
            with self._lock:
                if self._uploads.get(remote_id) is line:
                    del self._uploads[remote_id]
            line.close()

    def _upload_refused(
        self, response: requests.Response, endpoint: str, remote_id: str
    ) -> SiteError:
        error = self._site.errors.from_answer(response, endpoint, remote_id)
        if isinstance(error, SiteImageNotFound):
            # Not so where Glance's clean-up after an earlier, cut upload came in between.
            image = self.get_image(remote_id)
            reason = f"it is {image.status}, and an earlier upload to it ended during this one"
            return SiteConflict(reason=f"{clean(reason)} (HTTP {response.status_code})")
        return error

    def import_from(self, remote_id: str, region: str, source_remote_id: str) -> None:
        """See :meth:`SiteDriver.import_from`: Glance's ``glance-download``.

        The site reads the source with the token of this credential, so that must be able to.
        """
        # It may wait for its turn at the site before the token is used.
        self._site.login(LONG_CALL)
        with self._images(remote_id) as client:
            method = imports.glance_download(region, source_remote_id)
            imports.start(client, self._site.errors, remote_id, method)

    def import_url(self, remote_id: str, url: str) -> None:
        """See :meth:`SiteDriver.import_url`: Glance's ``web-download``."""
        with self._images(remote_id) as client:
            imports.start(client, self._site.errors, remote_id, imports.web_download(url))

    def import_progress(self, remote_id: str) -> ImportProgress:
        with self._images(remote_id) as client:
            return imports.progress(client, remote_id, self._site.secrets())

    def abort_upload(self, remote_id: str) -> None:
        """Cut the connection of a running :meth:`upload`, which then raises StreamBroken.

        Any thread may call it, at any time; without a running upload nothing happens.
        """
        with self._lock:
            line = self._uploads.get(remote_id)
        if line is not None:
            line.cut()

    def finish(self, remote_id: str, image: Image) -> tuple[NotCarried, ...]:
        with self._images(remote_id) as client:
            finisher = Finisher(client, self._site.errors, image, _get(client, remote_id))
            finisher.run()
            return tuple(finisher.refused)

    def delete(self, remote_id: str) -> None:
        """Remove an image. The protection of one is lifted only where it bears Glint's stamp."""
        try:
            self._delete(remote_id)
        except SiteImageNotFound:
            LOG.debug("Image %s is gone already", remote_id)
        except SiteForbidden:
            if not self._unprotect(remote_id):
                raise
            self._delete_unprotected(remote_id)

    def _delete(self, remote_id: str) -> None:
        with self._images(remote_id) as client:
            client.images.delete(remote_id)

    def _unprotect(self, remote_id: str) -> bool:
        """Lift the protection of a copy that Glint made; False: there is none to lift."""
        with self._images(remote_id) as client:
            image = _get(client, remote_id)
            if not image.protected or image.stamp is None:
                return False
            patch(client, remote_id, [replace("protected", False)])
            return True

    def _delete_unprotected(self, remote_id: str) -> None:
        try:
            self._delete(remote_id)
        except SiteImageNotFound:
            LOG.debug("Image %s is gone already", remote_id)
        except SiteError:
            # It stays, so it stays protected.
            try:
                with self._images(remote_id) as client:
                    patch(client, remote_id, [replace("protected", True)])
            except SiteError as exc:
                LOG.warning("Image %s stays without its protection: %s", remote_id, exc)
            raise

    def renew(self) -> None:
        self._site.renew()

    def close(self) -> None:
        self._site.close()


def _get(client: ImageClient, remote_id: str) -> RemoteImage:
    """:raises ValueError: the site's record makes no sense."""
    _, body = client.http.get(f"/v2/images/{remote_id}")
    image = remote_image(body)
    if image.id != remote_id:
        raise ValueError("it is another image")
    return image
