"""The OpenStack driver against real Keystones and real Glances."""

from __future__ import annotations

import hashlib
import pathlib
import socket
import uuid
from typing import Any

import fixtures

from glint import exception
from glint.drivers.glance.driver import GlanceDriver
from tests.functional.glance_driver import (
    LOOPBACK,
    MIB,
    Body,
    GlanceDriverTestCase,
    an_image,
    content,
)
from tests.minicloud import tls


class TestSite(GlanceDriverTestCase):
    def test_probe_needs_no_credential(self) -> None:
        probed = GlanceDriver({"auth_url": self.alto.auth_url}, None, addresses=LOOPBACK).probe()
        self.assertRegex(probed["identity_version"], r"v3\.\d+")

    def test_identity(self) -> None:
        used = self.driver(self.dair)
        remote_id = self.create(used)
        used.upload(remote_id, Body(b"some bytes"))
        found = used.verify()
        self.assertEqual(("hep", "hep-member"), (found.project_name, found.user_name))
        self.assertEqual("sha256", found.facts["hash_algo"])
        self.assertEqual(["dair"], found.facts["regions"])
        self.assertIn("web-download", found.facts["import_methods"])
        self.assertEqual(found.project_id, used.get_image(remote_id).owner)

    def test_ids_in_place_of_names(self) -> None:
        session = self.alto.session()
        by_id = {
            "auth_type": "password",
            "user_id": session.get_user_id(),
            "password": self.alto.credentials().password,
            "project_id": session.get_project_id(),
        }
        self.assertEqual("hep", self.driver(self.alto, by_id).verify().project_name)

    def test_application_credential(self) -> None:
        session = self.alto.session()
        url = f"{self.alto.auth_url}/users/{session.get_user_id()}/application_credentials"
        asked = {"application_credential": {"name": f"test {uuid.uuid4()}"}}
        made = session.post(url, json=asked).json()["application_credential"]
        self.addCleanup(session.delete, f"{url}/{made['id']}")
        auth = {
            "auth_type": "v3applicationcredential",
            "application_credential_id": made["id"],
            "application_credential_secret": made["secret"],
        }
        used = self.driver(self.alto, auth)
        self.assertEqual("hep", used.verify().project_name)
        remote_id = self.create(used)
        used.upload(remote_id, Body(b"some bytes"))
        self.assertEqual(b"some bytes", self.read(used, remote_id))
        for wrong in ({"application_credential_secret": "x"}, {"application_credential_id": "x"}):
            self.assertRaises(
                exception.SiteCredentialsRejected, self.driver(self.alto, {**auth, **wrong}).verify
            )

    def test_what_is_wrong_is_told_apart(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        keystone = self.alto.auth_url.removesuffix("/v3")
        rejected, address = exception.SiteCredentialsRejected, exception.SiteAddressWrong
        cases: list[tuple[type[Exception], dict[str, Any], dict[str, Any]]] = [
            (rejected, {"password": "wrong"}, {}),
            (rejected, {"username": "nobody"}, {}),
            (rejected, {"project_name": "bio"}, {}),
            (rejected, {"user_domain_name": "nowhere"}, {}),
            (exception.SiteNoImageService, {}, {"region": "nowhere"}),
            (address, {}, {"auth_url": self.alto.image_url}),
            (address, {}, {"auth_url": f"{keystone}/dashboard"}),
            (address, {}, {"auth_url": keystone.replace("http:", "https:")}),
            (exception.SiteUnreachable, {}, {"auth_url": closed}),
        ]
        for kind, auth, connection in cases:
            used = self.driver(self.alto, self.auth(self.alto, **auth), **connection)
            raised = self.assertRaises(kind, used.verify)
            self.assertNotIn(self.alto.credentials().password, str(raised))

    def test_probe_tells_a_wrong_address(self) -> None:
        for url in (self.alto.image_url, f"{self.alto.auth_url.removesuffix('/v3')}/dashboard"):
            probed = GlanceDriver({"auth_url": url}, None, addresses=LOOPBACK)
            self.assertRaises(exception.SiteAddressWrong, probed.probe)

    def test_tls(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        right, wrong = tls.Authority(folder / "right"), tls.Authority(folder / "wrong")
        context = right.issue().server_context()
        keystone = self.proxy(self.alto.auth_url.removesuffix("/v3"), tls=context)
        glance = self.proxy(self.alto.image_url, tls=context)
        self.minicloud.set_endpoint("alto", "image", glance.url)
        pem = right.certificate.read_text()
        used = self.driver(self.alto, auth_url=keystone.url, ca_cert=pem)
        remote_id = self.create(used)
        data = content(3 * MIB)
        used.upload(remote_id, Body(data))
        self.assertEqual(data, self.read(used, remote_id))
        self.assertEqual(1, glance.requests("PUT", "/file$"))
        others: list[dict[str, Any]] = [{"ca_cert": wrong.certificate.read_text()}, {}]
        for other in others:
            refused = self.driver(self.alto, auth_url=keystone.url, **other)
            self.assertRaises(exception.SiteTLSFailed, refused.verify)
        keystone.wait_until(lambda: keystone.failed_handshakes == 2)


class TestImages(GlanceDriverTestCase):
    def test_a_whole_life(self) -> None:
        used = self.driver(self.alto)
        wish = an_image(
            protected=True,
            os_hidden=True,
            tags=("plain", "with space", "slash/ünï"),
            properties={
                "os_distro": "debian",
                "hw_disk_bus": "scsi",
                "owner_specified.openstack.sha256": "0" * 64,
                "with/slash~tilde": "1",
                "größe": "überall",
                "empty": "",
                "long": "x" * 60_000,
            },
        )
        remote_id = used.create(wish, self.stamp)
        fresh = used.get_image(remote_id)
        self.assertEqual(("queued", "private"), (fresh.status, fresh.visibility))
        self.assertEqual(f"glint-incoming-{self.stamp.transfer_id}", fresh.name)
        self.assertEqual(self.stamp, fresh.stamp)
        self.assertIn(remote_id, [one.id for one in used.stamped(self.stamp.deployment_id)])

        data = content(5 * MIB + 7)
        used.upload(remote_id, Body(data))
        there = used.get_image(remote_id)
        self.assertEqual(
            ("active", len(data), "sha512"), (there.status, there.size, there.os_hash_algo)
        )
        self.assertEqual(hashlib.sha512(data).hexdigest(), there.os_hash_value)

        self.assertEqual((), used.finish(remote_id, wish))
        self.assertEqual((), used.finish(remote_id, wish))
        final = used.get_image(remote_id)
        self.assertEqual({**wish.properties, **self.stamp.properties()}, final.properties)
        self.assertEqual(tuple(sorted(wish.tags)), final.tags)
        for name in ("name", "min_disk", "min_ram", "protected", "os_hidden", "disk_format"):
            self.assertEqual(getattr(wish, name), getattr(final, name))

        self.assertIn(remote_id, [one.id for one in used.list_images()])
        self.assertEqual([remote_id], [one.id for one in used.stamped(self.stamp.deployment_id)])
        used.delete(remote_id)
        used.delete(remote_id)
        self.assertRaises(exception.SiteImageNotFound, used.get_image, remote_id)
        self.assertRaises(exception.SiteImageNotFound, used.open, remote_id)
        self.assertNotIn(remote_id, [one.id for one in used.list_images()])

    def test_what_the_site_refuses_is_listed(self) -> None:
        used = self.driver(self.alto)
        remote_id = self.create(used)
        used.upload(remote_id, Body(b"x"))
        wish = an_image(
            name="n" * 256,
            tags=("good", "t" * 256, "penguin 🐧"),
            properties={"fine": "yes", "img_signature": "s", **{f"p{n}": "v" for n in range(130)}},
        )
        refused = {one.item: one.reason for one in used.finish(remote_id, wish)}
        final = used.get_image(remote_id)
        self.assertIn("HTTP 400", refused["name"])
        self.assertIn("HTTP 400", refused["tags." + "t" * 256])
        self.assertIn("HTTP 400", refused["tags.penguin 🐧"])
        self.assertIn("key store", refused["properties.img_signature"])
        too_many = {item for item, reason in refused.items() if "HTTP 413" in reason}
        self.assertEqual(("good",), final.tags)
        self.assertEqual("yes", final.properties["fine"])
        carried = set(final.properties) - set(self.stamp.properties())
        self.assertEqual(128, len(final.properties))
        self.assertEqual(131, len(carried) + len(too_many))

    def test_lists_every_own_image_and_no_other(self) -> None:
        used = self.driver(self.alto)
        session = self.alto.session()
        other = self.driver(self.alto, self.auth(self.alto, "bio-member"))
        self.useFixture(fixtures.MonkeyPatch("glint.drivers.glance.lists.PAGE_SIZE", 4))
        mine = {self.create(used) for _ in range(10)}
        mine.add(self.create(used, an_image(os_hidden=True)))
        theirs = self.create(other)
        changes = {"os_hidden": True, "visibility": "community"}
        for remote_id, (name, value) in zip(sorted(mine)[:2], changes.items(), strict=True):
            session.patch(
                f"{self.alto.image_url}/v2/images/{remote_id}",
                json=[{"op": "replace", "path": f"/{name}", "value": value}],
                headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
            )
        found = [one.id for one in used.list_images()]
        self.assertEqual(set(), mine - set(found))
        self.assertEqual(len(found), len(set(found)))
        self.assertNotIn(theirs, found)
        self.assertEqual(mine, {one.id for one in used.stamped(self.stamp.deployment_id)})

    def test_a_foreign_protected_image_stays(self) -> None:
        session = self.alto.session()
        url = f"{self.alto.image_url}/v2/images"
        asked = {"name": "foreign", "protected": True}
        remote_id = session.post(url, json=asked).json()["id"]
        used = self.driver(self.alto)
        self.assertRaises(exception.SiteForbidden, used.delete, remote_id)
        self.assertTrue(used.get_image(remote_id).protected)
        session.patch(
            f"{url}/{remote_id}",
            json=[{"op": "replace", "path": "/protected", "value": False}],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        used.delete(remote_id)

    def test_another_projects_image_is_not_there(self) -> None:
        remote_id = self.create(self.driver(self.alto))
        other = self.driver(self.alto, self.auth(self.alto, "bio-member"))
        for call in (other.get_image, other.open):
            self.assertRaises(exception.SiteImageNotFound, call, remote_id)
        other.delete(remote_id)  # as good as gone, for that project
        self.assertEqual("queued", self.driver(self.alto).get_image(remote_id).status)

    def test_a_reader_may_not_create(self) -> None:
        used = self.driver(self.alto, self.auth(self.alto, "hep-reader"))
        self.assertRaises(exception.SiteForbidden, used.create, an_image(), self.stamp)
