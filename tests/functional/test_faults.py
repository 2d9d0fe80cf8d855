"""Everything that can break between two clouds is broken, by a proxy before each Glance.

Whatever happens: what was saved is carried out or ends ``failed`` with a reason, nothing wrong
becomes active, and nothing half-made stays at a site.
"""

from __future__ import annotations

from tests.functional.base import MIB, NewMember, change, password_of
from tests.functional.faultcase import FILE, STREAM_CODES, FaultCase
from tests.functional.processes import eventually


class SourceTest(FaultCase):
    settings = {"transfer": {"idle_timeout": 2, "site_timeout": 5}}

    def test_corrupted_bytes(self) -> None:
        self.source.flip("GET", FILE, at=self.size // 2, bit=3, times=None)
        self.assert_nothing_there(self.create(), "content.mismatch")

    def test_corrupted_last_byte(self) -> None:
        self.source.flip("GET", FILE, at=self.size - 1, bit=7, times=None)
        self.assert_nothing_there(self.create(), "content.mismatch")

    def test_content_that_changed_at_the_source(self) -> None:
        """The bytes in the catalogue's record are not those that Glance has."""
        folder = self.minicloud.folder.path / "alto-glance"
        (path,) = folder.rglob(self.alto_images.one("tested")["id"])
        self.assertEqual(self.size, path.stat().st_size)
        with path.open("r+b") as file:
            file.seek(self.size // 3)
            file.write(b"somebody else's bytes")
        self.assert_nothing_there(self.create(), "content.mismatch")

    def test_breaks_once_and_is_read_on(self) -> None:
        self.source.cut("GET", FILE, after=self.size // 2)
        self.assert_copied(self.create())
        self.assertEqual([200, 206], [one.status for one in self.source.seen("GET", FILE)])
        self.assertLess(self.source.response_bytes("GET", FILE), self.size * 1.1)
        self.assertEqual(1, self.sink.requests("PUT", FILE))

    def test_breaks_always(self) -> None:
        """Always before the byte after: reading on does not help."""
        self.source.cut("GET", FILE, after=100, times=None)
        self.assert_nothing_there(
            self.create(), "transfer.stream_broken", "transfer.no_source", "site.unreachable"
        )
        self.assertLess(self.source.requests("GET", FILE), 30)

    def test_falls_silent(self) -> None:
        self.source.stall("GET", FILE, after=100, times=None)
        self.assert_nothing_there(
            self.create(), "transfer.stalled", "transfer.stream_broken", "transfer.no_source"
        )

    def test_the_image_is_gone_there(self) -> None:
        self.alto_images.delete(self.alto_images.one("tested")["id"])
        self.assert_nothing_there(
            self.create(), "transfer.no_source", "image.no_source", "site.image_not_found"
        )

    def test_is_away_for_a_while(self) -> None:
        self.minicloud.kill("alto-glance")
        operation = self.create()
        eventually(lambda: any(one["attempts"] for one in self.user.transfers()), "a first attempt")
        self.minicloud.revive("alto-glance")
        self.assert_copied(operation)


class DestinationTest(FaultCase):
    settings = {"transfer": {"idle_timeout": 2, "site_timeout": 5}}

    def test_dies_always_at_half(self) -> None:
        self.sink.cut("PUT", FILE, after=self.size // 2, leg="request", times=None)
        self.assert_nothing_there(self.create(), *STREAM_CODES)
        self.assertEqual(3, self.transfer()["attempts"])
        self.assertEqual(3, self.sink.requests("PUT", FILE))

    def test_dies_always_at_half_with_a_reset(self) -> None:
        self.sink.cut("PUT", FILE, after=self.size // 2, leg="request", reset=True, times=None)
        self.assert_nothing_there(self.create(), *STREAM_CODES)

    def test_dies_once_at_half(self) -> None:
        self.sink.cut("PUT", FILE, after=self.size // 2, leg="request")
        self.assert_copied(self.create())
        self.assertEqual(2, self.sink.requests("PUT", FILE))
        self.assertEqual(2, self.transfer()["attempts"])

    def test_the_answer_to_the_upload_is_lost(self) -> None:
        """The bytes are there, and Glint was not told: they must not lie there twice."""
        self.sink.cut("PUT", FILE, after=None, leg="response")
        self.assert_copied(self.create())

    def test_the_answer_to_the_creation_is_lost(self) -> None:
        """A record was made whose id Glint never learned: it is found by its stamp."""
        self.sink.cut("POST", r"/v2/images$", after=None, leg="response")
        self.assert_copied(self.create())

    def test_a_bit_flips_on_the_way(self) -> None:
        self.sink.flip("PUT", FILE, at=self.size // 2, leg="request", times=None)
        self.assert_nothing_there(self.create(), "content.mismatch")

    def test_falls_silent(self) -> None:
        self.sink.stall("PUT", FILE, after=self.size // 2, leg="request", times=None)
        self.assert_nothing_there(self.create(), "transfer.stalled", *STREAM_CODES)

    def test_says_401_to_the_upload_once(self) -> None:
        self.sink.answer("PUT", FILE, 401)
        self.assert_copied(self.create())

    def test_says_401_in_the_middle_of_the_upload(self) -> None:
        self.sink.answer("PUT", FILE, 401, after=self.size // 2)
        self.assert_copied(self.create())

    def test_says_503_with_retry_after(self) -> None:
        self.sink.answer("PUT", FILE, 503, headers={"Retry-After": "2"})
        self.assert_copied(self.create())

    def test_has_no_room(self) -> None:
        self.sink.answer("PUT", FILE, 413, body=b"over quota", after=MIB, times=None)
        self.assert_nothing_there(self.create(), "site.quota_exceeded")
        self.assertEqual(1, self.transfer()["attempts"])

    def test_the_user_is_gone_there(self) -> None:
        gone = NewMember(self.dair)
        site_id = self.column["site_id"]
        self.column = self.user.client.credentials.create(site_id, gone.auth)
        gone.delete()
        self.assert_nothing_there(self.create(), "site.credentials_rejected")
        self.assertEqual(1, self.transfer()["attempts"])

    def test_a_failed_wish_can_be_saved_again(self) -> None:
        self.sink.flip("PUT", FILE, at=0, leg="request", times=None)
        self.assert_nothing_there(self.create(), "content.mismatch")
        self.sink.clear()
        self.assert_copied(self.create())

    def test_a_dying_site_harms_only_its_own_cell(self) -> None:
        """The other site of the same read is one that is well: a second project of ALTO."""
        auth = password_of(self.alto, "bio-member")
        site = self.user.site("ALTO too", self.alto.auth_url)
        other = self.user.client.credentials.create(site["id"], auth)
        others = self.glance(self.alto, "bio-member")
        image = self.dair_images
        self.sink.cut("PUT", FILE, after=self.size // 2, leg="request", times=None)
        changes = [change(self.image, self.column), change(self.image, other)]
        operation = self.user.save(*changes)
        self.assertEqual("failed", operation["state"])
        states = {one["credential_id"]: one["state"] for one in operation["changes"]}
        self.assertEqual({self.column["id"]: "failed", other["id"]: "done"}, states)
        self.assert_same_bytes(self.data, others.one("tested"))
        self.assertEqual("active", self.user.cell(self.image, other)["status"])
        self.assertEqual([], image.records())
