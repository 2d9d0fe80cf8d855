"""The main job: an image of one cloud lies in another, and nothing but its Glance is believed."""

from __future__ import annotations

import hashlib
from typing import Any

from glint.client import Resource
from tests.functional.base import (
    LONG,
    MIB,
    GlintTestCase,
    User,
    application_credential_of,
    change,
    named,
    password_of,
)
from tests.functional.faultcase import FILE
from tests.functional.processes import eventually
from tests.minicloud.state import Overrides
from tests.minicloud.testcase import some_bytes

LABELS: dict[str, Any] = {
    "min_disk": 3,
    "min_ram": 256,
    "protected": True,
    "os_hidden": True,
    "tags": ["grid", "nightly build"],
    "os_distro": "debian",
    "hw_disk_bus": "virtio",
    "note": 'Müller\'s "best" image, 100 % → tested',
}

PECULIAR: Overrides = {
    "alto-keystone": {"token": {"expiration": 4}},
    "dair-keystone": {"token": {"expiration": 4}},
    "dair-glance": {
        "DEFAULT": {
            "hashing_algorithm": "sha256",
            "image_property_quota": 6,
            "image_tag_quota": 2,
        }
    },
}
"""Everything peculiar in one pair of clouds, because a pair of its own costs 650 MB."""


class CopyTest(GlintTestCase):
    def test_bytes_and_labels_arrive(self) -> None:
        home = self.user.home(self.alto)
        site = self.user.site("DAIR", self.dair.auth_url)
        auth = application_credential_of(self.dair, "hep-member", self.id())
        dair = self.user.client.credentials.create(site["id"], auth)
        data = some_bytes(3 * MIB + 17)
        image = self.registered(home, data, "bl\u00fcten", **LABELS)
        self.assertEqual([], self.dair_images.records())

        operation = self.assert_done(self.user.save(change(image, dair)))

        (copy,) = self.dair_images.records()
        self.assert_same_bytes(data, copy)
        self.assertEqual(data, self.dair_images.download(copy["id"]))
        (original,) = self.alto_images.records()
        for label in ("name", "disk_format", "container_format", *LABELS):
            if label == "tags":
                self.assertEqual(sorted(LABELS["tags"]), sorted(copy["tags"]))
            else:
                self.assertEqual(original[label], copy[label], label)
        self.assert_stamped(copy, image)
        self.assertNotIn("glint_image", original)
        self.assertEqual(len(data), operation["bytes_done"])

    def test_the_catalogue_has_what_the_site_has(self) -> None:
        home = self.user.home(self.alto)
        data = some_bytes(MIB)
        remote_id = self.alto_images.add(data, "original", **LABELS)
        image = self.user.register(home, remote_id)
        self.assertEqual("original", image["name"])
        self.assertEqual(len(data), image["size"])
        self.assertEqual("sha512", image["os_hash_algo"])
        self.assertEqual(hashlib.sha512(data).hexdigest(), image["os_hash_value"])
        self.assertEqual(("raw", "bare"), (image["disk_format"], image["container_format"]))
        for label in ("min_disk", "min_ram", "protected", "os_hidden"):
            self.assertEqual(LABELS[label], image[label], label)
        self.assertEqual(sorted(LABELS["tags"]), sorted(image["tags"]))
        for label in ("os_distro", "hw_disk_bus", "note"):
            self.assertEqual(LABELS[label], image["properties"][label])
        again = self.user.http.post(
            "/v1/images", {"credential_id": home["id"], "remote_id": remote_id}
        )
        self.assertEqual((200, image["id"]), (again.status_code, again.json()["image"]["id"]))
        self.assertEqual(["original"], named(self.user.client.images.list()))

    def test_the_matrix_shows_both_hashes(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        image = self.registered(home, data, "shown")
        cell = self.user.cell(image, dair)
        self.assertEqual(("absent", False), (cell["status"], cell["wanted"]))

        self.assert_done(self.user.save(change(image, dair)))

        matrix = self.user.client.matrix()
        self.assertEqual([home["id"], dair["id"]], [one["id"] for one in matrix.credentials])
        self.assertEqual([True, False], [one["home"] for one in matrix.credentials])
        self.assertEqual(["ALTO (hep)", "DAIR (hep)"], named(matrix.credentials))
        (row,) = matrix.images
        self.assertEqual({home["id"], dair["id"]}, set(row["cells"]))
        sha512 = hashlib.sha512(data).hexdigest()
        for credential, glance in ((home, self.alto_images), (dair, self.dair_images)):
            cell = row["cells"][credential["id"]]
            self.assertEqual("active", cell["status"], str(cell))
            self.assertEqual(("sha512", sha512), (cell["seen_hash_algo"], cell["seen_hash_value"]))
            self.assertEqual(glance.one("shown")["id"], cell["remote_id"])
            self.assertEqual([], cell["not_carried"])
            self.assertIsNone(cell["error_code"])
        self.assertEqual(
            [False, True], [row["cells"][one["id"]]["stamped"] for one in (home, dair)]
        )
        self.assertEqual([], row["conflicts"])

    def test_history_tells_who_did_what(self) -> None:
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(MIB), "told")
        operation = self.assert_done(self.user.save(change(image, dair)))
        events = list(self.user.client.events.list(operation_id=operation["id"]))
        self.assertTrue(events)
        self.assertEqual(
            sorted((one["at"] for one in events), reverse=True), [one["at"] for one in events]
        )
        self.assertIn(self.user.session.get_user_id(), [one["user_id"] for one in events])
        done = [one for one in events if one["transfer_id"] and one["outcome"] == "done"]
        self.assertEqual(1, len(done), str(events))
        self.assertEqual((image["id"], dair["site_id"]), (done[0]["image_id"], done[0]["site_id"]))
        self.assertIn("told", done[0]["message"])
        self.glint.kill9()
        self.glint.start()
        self.assertEqual(events, list(self.user.client.events.list(operation_id=operation["id"])))

    def test_one_read_for_two_sites(self) -> None:
        source = self.proxied(self.alto)
        home = self.user.home(self.alto)
        first = self.user.column("DAIR", self.dair)
        auth = password_of(self.dair, "bio-member")
        second = self.user.client.credentials.create(first["site_id"], auth)
        self.assertNotEqual(first["id"], second["id"])
        others = self.glance(self.dair, "bio-member")
        data = some_bytes(8 * MIB)
        image = self.registered(home, data, "fan-out")
        source.forget()

        self.assert_done(self.user.save(change(image, first), change(image, second)))

        self.assertEqual(1, source.requests("GET", FILE))
        self.assertEqual(len(data), source.response_bytes("GET", FILE))
        for glance, credential in ((self.dair_images, first), (others, second)):
            copy = glance.one("fan-out")
            self.assert_same_bytes(data, copy)
            self.assertEqual(copy["id"], self.user.cell(image, credential)["remote_id"])

    def test_the_same_save_twice(self) -> None:
        sink = self.proxied(self.dair)
        home, dair = self.two_columns()
        data = some_bytes(4 * MIB)
        image = self.registered(home, data, "twice")
        throttle = sink.throttle("PUT", FILE, leg="request", rate=MIB)
        operation = self.user.client.operations.create([change(image, dair)])
        sink.wait_until(lambda: sink.request_bytes("PUT", FILE) > 0)
        while_running = self.user.http.post("/v1/operations", {"changes": [change(image, dair)]})
        self.assert_refused(while_running, 409, "operation.no_change")
        sink.clear(throttle)
        self.assert_done(self.user.wait(operation))
        afterwards = self.user.http.post("/v1/operations", {"changes": [change(image, dair)]})
        self.assert_refused(afterwards, 409, "operation.no_change")
        self.assertEqual(1, len(self.user.transfers(image_id=image["id"])))
        self.assertEqual(1, len(list(self.user.client.operations.list())))
        self.assert_same_bytes(data, self.dair_images.one("twice"))

    def test_progress_is_seen_while_it_runs(self) -> None:
        sink = self.proxied(self.dair)
        home, dair = self.two_columns()
        data = some_bytes(LONG)
        image = self.registered(home, data, "slow")
        throttle = sink.throttle("PUT", FILE, leg="request", rate=MIB)
        operation = self.user.client.operations.create([change(image, dair)])

        def moving() -> Resource | None:
            cell = self.user.cell(image, dair)
            known = cell["status"] == "copying" and cell["bytes_done"] and cell["rate"]
            return cell if known else None

        cell = eventually(moving, "progress in the matrix")
        assert cell is not None
        self.assertLess(cell["bytes_done"], len(data))
        self.assertEqual(len(data), cell["bytes_total"])
        self.assertGreater(cell["eta"], 0)
        now = self.user.client.operations.get(operation["id"])
        self.assertEqual(("running", len(data)), (now["state"], now["bytes_total"]))
        self.assertTrue(0 < now["bytes_done"] < len(data), str(now))
        sink.clear(throttle)
        self.assertEqual(len(data), self.assert_done(self.user.wait(operation))["bytes_done"])


class OtherHashTest(GlintTestCase):
    """DAIR hashes with SHA-256, ALTO with SHA-512: neither hash proves the other."""

    overrides = PECULIAR

    def test_both_hashes_are_seen(self) -> None:
        source = self.proxied(self.alto)
        home, dair = self.two_columns()
        data = some_bytes(4 * MIB)
        image = self.registered(home, data, "two-hashes")
        source.forget()
        self.assert_done(self.user.save(change(image, dair)))
        copy = self.dair_images.one("two-hashes")
        self.assertEqual("sha256", copy["os_hash_algo"])
        self.assert_same_bytes(data, copy)
        cell = self.user.cell(image, dair)
        sha256 = hashlib.sha256(data).hexdigest()
        self.assertEqual(
            ("active", "sha256", sha256),
            tuple(cell[key] for key in ("status", "seen_hash_algo", "seen_hash_value")),
        )
        self.assertEqual(len(data), source.response_bytes("GET", FILE))
        digests = self.user.client.images.get(image["id"])["digests"]
        self.assertEqual(sha256, digests["sha256"])
        self.assertEqual(hashlib.sha512(data).hexdigest(), digests["sha512"])

    def test_a_bit_that_flips_at_the_source(self) -> None:
        source = self.proxied(self.alto)
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(2 * MIB), "flipped")
        source.flip("GET", FILE, at=MIB + 5, times=None)
        self.assert_failed(self.user.save(change(image, dair)), "content.mismatch")
        self.assertEqual([], self.dair_images.records())
        self.assertEqual("failed", self.user.cell(image, dair)["status"])

    def test_a_bit_that_flips_on_the_way_to_the_site(self) -> None:
        sink = self.proxied(self.dair)
        home, dair = self.two_columns()
        image = self.registered(home, some_bytes(2 * MIB), "flipped")
        sink.flip("PUT", FILE, at=MIB + 5, leg="request", times=None)
        self.assert_failed(self.user.save(change(image, dair)), "content.mismatch")
        self.assertEqual([], self.dair_images.records())
        self.assertEqual("failed", self.user.cell(image, dair)["status"])


class ShortTokensTest(GlintTestCase):
    """Tokens of both clouds live for a few seconds, and transfers for longer."""

    overrides = PECULIAR

    def test_tokens_that_run_out_in_mid_transfer_cost_nothing(self) -> None:
        source, sink = self.proxied(self.alto), self.proxied(self.dair)
        home, dair = self.two_columns()
        data = some_bytes(4 * MIB)
        image = self.registered(home, data, "long")
        source.forget()
        sink.throttle("PUT", FILE, leg="request", rate=4 * MIB / 10)
        self.assert_done(self.user.save(change(image, dair)))
        self.assert_same_bytes(data, self.dair_images.one("long"))
        self.assertEqual(len(data), source.response_bytes("GET", FILE))
        self.assertEqual(len(data), sink.request_bytes("PUT", FILE))
        (transfer,) = self.user.transfers(image_id=image["id"])
        self.assertEqual(1, transfer["attempts"])


class NotCarriedTest(GlintTestCase):
    """DAIR takes fewer properties than the image has."""

    overrides = PECULIAR

    def test_what_the_site_refuses_is_listed(self) -> None:
        home, dair = self.two_columns()
        data = some_bytes(MIB)
        many = {f"property_{number}": str(number) for number in range(9)}
        tags = ["a", "b", "c", "d"]
        image = self.registered(home, data, "rich", tags=tags, **many)
        self.assert_done(self.user.save(change(image, dair)))
        copy = self.dair_images.one("rich")
        self.assert_same_bytes(data, copy)
        self.assert_stamped(copy, image)
        cell = self.user.cell(image, dair)
        self.assertEqual("active", cell["status"])
        missing = {name for name in many if name not in copy} | (set(tags) - set(copy["tags"]))
        self.assertTrue(missing)
        listed = " ".join(one["item"] for one in cell["not_carried"])
        for name in missing:
            self.assertIn(name, listed.replace("tags", "a b c d"))
        self.assertTrue(all(one["reason"] for one in cell["not_carried"]))


class HomeCredentialTest(GlintTestCase):
    def _application_credentials(self, user: User) -> list[str]:
        session = user.session
        url = f"{self.alto.auth_url}/users/{session.get_user_id()}/application_credentials"
        return [one["id"] for one in session.get(url).json()["application_credentials"]]

    def test_it_comes_and_goes_with_the_credential(self) -> None:
        before = self._application_credentials(self.user)
        home = self.user.home(self.alto)
        (made,) = set(self._application_credentials(self.user)) - set(before)
        self.assertTrue(home["managed"])
        self.assertTrue(self.user.client.sites.get(home["site_id"])["home"])
        self.user.client.credentials.delete(home["id"])
        self.assertEqual(before, self._application_credentials(self.user))
        self.assertEqual([], list(self.user.client.credentials.list()))
        self.assertNotIn(made, before)
