"""Images of other projects at a site: in the catalogue where the column says so."""

from __future__ import annotations

from tests.functional.base import MIB, GlintTestCase, change, named
from tests.minicloud.testcase import some_bytes


class ImagesOfOthersTest(GlintTestCase):
    def test_they_are_registered_and_copied_and_stay_their_owners(self) -> None:
        theirs = self.glance(self.alto, "bio-member")
        data = some_bytes(MIB)
        community = theirs.add(data, "of the community", visibility="community")
        theirs.add(b"not theirs", "of bio alone", visibility="private")
        offered = theirs.add(some_bytes(MIB, seed=3), "shared with hep", visibility="shared")
        theirs.add(b"somebody else", "shared with nobody", visibility="shared")
        member = {"member": self.user.session.get_project_id()}
        theirs.session.post(f"{theirs.base}/{offered}/members", json=member)
        mine = f"{self.alto_images.base}/{offered}/members/{member['member']}"
        self.alto_images.session.put(mine, json={"status": "accepted"})
        self.alto_images.add(b"own", "own")
        home, dair = self.two_columns()
        self.scan(home)
        self.assertEqual(["own"], named(self.user.client.images.list()))

        home = self.user.client.credentials.update(home["id"], register=["community", "shared"])
        self.scan(home)

        wished = ["of the community", "own", "shared with hep"]
        self.assertEqual(wished, named(self.user.client.images.list()))
        image = next(self.user.client.images.list(name="of the community"))
        self.assertEqual("active", self.user.cell(image, home)["status"])
        self.assert_done(self.user.save(change(image, dair)))
        self.assert_same_bytes(data, self.dair_images.one("of the community"))
        # Not looked for any more, and looked after nevertheless.
        home = self.user.client.credentials.update(home["id"], register=[])
        self.scan(home)
        self.assertEqual("active", self.user.cell(image, home)["status"])
        theirs.delete(community)
        self.scan(home)
        self.assertEqual("drifted", self.user.cell(image, home)["status"])

    def scan(self, column: dict[str, object]) -> None:
        """One that begins now: what was ordered before may be at work still."""
        self.user.scan(column)
        self.user.scan(column)
