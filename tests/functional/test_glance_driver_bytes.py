"""The OpenStack driver moves bytes from and to real Glances."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterator

from glint import exception
from glint.drivers.glance.driver import GlanceDriver
from tests.functional.glance_driver import (
    CAP,
    MIB,
    PATIENCE,
    Body,
    GlanceDriverTestCase,
    an_image,
    content,
)
from tests.minicloud.faultproxy import FaultProxy


class TestBytes(GlanceDriverTestCase):
    def test_ranges(self) -> None:
        used = self.driver(self.alto)
        remote_id = self.create(used)
        data = content(MIB)
        used.upload(remote_id, Body(data))
        for offset in (0, 1, 700_000, MIB - 1):
            source = used.open(remote_id, offset)
            self.assertEqual((offset, MIB), (source.offset, source.size))
            source.close()
            self.assertEqual(data[offset:], self.read(used, remote_id, offset))
        self.assertRaises(exception.SiteConflict, used.open, remote_id, MIB)

    def test_what_is_not_active_is_not_read(self) -> None:
        used = self.driver(self.alto)
        remote_id = self.create(used)
        self.assertRaises(exception.SiteConflict, used.open, remote_id)
        used.upload(remote_id, Body(b"x"))
        self.assertRaises(exception.SiteConflict, used.upload, remote_id, Body(b"y"))
        admin = self.alto.session("admin")
        url = f"{self.alto.image_url}/v2/images/{remote_id}/actions"
        admin.post(f"{url}/deactivate")
        self.addCleanup(admin.post, f"{url}/reactivate")
        self.assertEqual("deactivated", used.get_image(remote_id).status)
        self.assertRaises(exception.SiteForbidden, used.open, remote_id)

    def test_empty(self) -> None:
        used = self.driver(self.alto)
        remote_id = self.create(used)
        used.upload(remote_id, Body(b""))
        self.assertEqual(
            ("active", 0), (used.get_image(remote_id).status, used.get_image(remote_id).size)
        )

    def test_refusals(self) -> None:
        used = self.driver(self.dair)
        too_big = self.create(used)
        self.assertRaises(
            exception.SiteQuotaExceeded, used.upload, too_big, Body(content(CAP + MIB))
        )
        self.assertEqual("queued", used.get_image(too_big).status)
        no_qcow2 = self.create(used, an_image(disk_format="qcow2"))
        self.assertRaises(exception.SiteFormatRefused, used.upload, no_qcow2, Body(b"raw" * 9999))
        self.assertRaises(
            exception.SiteFormatRefused, used.create, an_image(disk_format="floppy"), self.stamp
        )
        no_format = self.create(used, an_image(disk_format="", container_format=""))
        self.assertRaises(exception.SiteFormatRefused, used.upload, no_format, Body(b"x"))
        self.assertRaises(exception.SiteImageNotFound, used.upload, str(uuid.uuid4()), Body(b"x"))

    def behind_proxy(self) -> tuple[GlanceDriver, FaultProxy]:
        proxy = self.proxy(self.alto.image_url)
        self.minicloud.set_endpoint("alto", "image", proxy.url)
        return self.driver(self.alto), proxy

    def test_a_cut_upload_can_be_sent_again(self) -> None:
        used, proxy = self.behind_proxy()
        remote_id = self.create(used)
        data = content(4 * MIB)
        proxy.cut("PUT", "/file$", after=MIB, leg="request")
        self.assertRaises(exception.StreamBroken, used.upload, remote_id, Body(data))
        self.upload_when_possible(used, remote_id, data)
        self.assertEqual(hashlib.sha512(data).hexdigest(), used.get_image(remote_id).os_hash_value)

    def test_an_upload_can_be_aborted(self) -> None:
        used, proxy = self.behind_proxy()
        remote_id = self.create(used)
        stall = proxy.stall("PUT", "/file$", after=MIB, leg="request")
        raised: list[BaseException] = []

        def upload() -> None:
            try:
                used.upload(remote_id, Body(content(64 * MIB)))
            except exception.SiteError as exc:
                raised.append(exc)

        thread = threading.Thread(target=upload)
        thread.start()
        stall.wait(PATIENCE)
        used.abort_upload(remote_id)
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())
        self.assertIsInstance(raised[0], exception.StreamBroken)
        proxy.clear()
        self.wait_for(used, remote_id, "queued")

    def test_a_body_that_fails_leaves_no_active_image(self) -> None:
        class Failing(Body):
            def __iter__(self) -> Iterator[bytes]:
                yield self.data[:MIB]
                raise exception.Cancelled

        used = self.driver(self.alto)
        remote_id = self.create(used)
        self.assertRaises(exception.Cancelled, used.upload, remote_id, Failing(content(4 * MIB)))
        self.wait_for(used, remote_id, "queued")

    def test_a_cut_download_is_noticed_and_goes_on(self) -> None:
        used, proxy = self.behind_proxy()
        remote_id = self.create(used)
        data = content(4 * MIB)
        used.upload(remote_id, Body(data))
        proxy.cut("GET", "/file$", after=MIB)
        source = used.open(remote_id)
        found = bytearray()

        def drain() -> None:
            while chunk := source.read(65536):
                found.extend(chunk)

        self.assertRaises(exception.StreamBroken, drain)
        self.assertTrue(0 < len(found) <= MIB)
        self.assertEqual(data[len(found) :], self.read(used, remote_id, len(found)))

    def test_a_dead_token_costs_nothing(self) -> None:
        used = self.driver(self.alto)
        remote_id = self.create(used)
        session = self.alto.session()

        def revoke() -> None:
            used.renew()  # a token that Glance has seen is valid there from its cache
            token = used._site.login().auth_token
            session.delete(f"{self.alto.auth_url}/auth/tokens", headers={"X-Subject-Token": token})

        revoke()
        self.assertEqual(remote_id, used.get_image(remote_id).id)
        revoke()
        self.assertRaises(exception.SiteCredentialsRejected, used.upload, remote_id, Body(b"once"))
        used.renew()
        used.upload(remote_id, Body(b"once"))
        revoke()
        self.assertEqual(b"once", self.read(used, remote_id))
