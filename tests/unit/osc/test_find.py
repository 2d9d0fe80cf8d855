from __future__ import annotations

from osc_lib import exceptions

from glint.osc.find import Finder
from tests.unit.osc.base import ALTO, AT_ALTO, AT_DAIR, DAIR, HOSTILE, IMAGE, OscTestCase


class TestFinder(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("sites", ALTO, DAIR)
        self.serve("credentials", AT_ALTO, AT_DAIR)
        self.serve("images", IMAGE)
        self.finder = Finder(self.client)

    def complaint(self, kind: str, ref: str) -> str:
        find = getattr(Finder(self.client), kind)
        return str(self.assertRaises(exceptions.CommandError, find, ref))

    def test_by_id(self) -> None:
        self.assertEqual(DAIR, self.finder.site(DAIR["id"]))
        self.assertEqual(IMAGE, self.finder.image(str(IMAGE["id"]).upper()))
        self.assertEqual(AT_DAIR, self.finder.credential(str(AT_DAIR["id"])))

    def test_by_name(self) -> None:
        self.assertEqual(DAIR, self.finder.site("DAIR"))
        self.assertEqual(IMAGE, self.finder.image("rescue"))

    def test_a_name_that_looks_like_an_id(self) -> None:
        odd = {**DAIR, "name": "deadbeef-0000-4000-8000-000000000000"}
        self.serve("sites", ALTO, odd)
        self.refuse("GET", f"/sites/{odd['name']}", 404, "site.not_found", "No.")

        self.assertEqual(odd, self.finder.site(odd["name"]))

    def test_site_means_its_only_credential(self) -> None:
        for ref in ("DAIR", "DAIR (hep)", DAIR["id"], str(AT_DAIR["id"])):
            self.assertEqual(AT_DAIR, self.finder.credential(ref))

    def test_site_with_two_credentials_is_ambiguous(self) -> None:
        other = {**AT_DAIR, "id": "c4ed0000-0000-4000-8000-00000000da19", "name": "DAIR (bio)"}
        self.serve("credentials", AT_ALTO, AT_DAIR, other)

        said = self.complaint("credential", "DAIR")

        for credential in (AT_DAIR, other):
            self.assertIn(str(credential["id"]), said)
            self.assertIn(str(credential["name"]), said)
        self.assertEqual(other, Finder(self.client).credential("DAIR (bio)"))

    def test_one_name_for_two_credentials(self) -> None:
        other = {**AT_DAIR, "id": "c4ed0000-0000-4000-8000-00000000da19", "shared": True}
        self.serve("credentials", AT_DAIR, other)

        said = self.complaint("credential", "DAIR (hep)")

        self.assertIn("(yours)", said)
        self.assertIn("(of your project)", said)

    def test_two_images_of_one_name_are_told_apart_by_content(self) -> None:
        other = {
            **IMAGE,
            "id": "13a9e000-0000-4000-8000-000000000002",
            "os_hash_value": "77" * 64,
        }
        self.serve("images", IMAGE, other)

        said = self.complaint("image", "rescue")

        self.assertIn(f"{IMAGE['id']}  rescue (5.0 MiB, sha512:abcdef0123456789)", said)
        self.assertIn(f"{other['id']}  rescue (5.0 MiB, sha512:7777777777777777)", said)

    def test_many_candidates_are_cut(self) -> None:
        many = [{**DAIR, "id": f"5a0e0000-0000-4000-8000-{n:012}"} for n in range(14)]
        self.serve("sites", *many)

        self.assertIn("and 4 more", self.complaint("site", "DAIR"))

    def test_unknown_says_where_to_look(self) -> None:
        self.assertIn("openstack glint site list", self.complaint("site", "NOWHERE"))
        self.assertIn("openstack glint image list", self.complaint("image", "NOTHING"))
        self.assertIn("openstack glint site list", self.complaint("credential", "NOWHERE"))

    def test_site_without_a_credential(self) -> None:
        self.serve("credentials", AT_ALTO)

        self.assertIn(
            "openstack glint credential create DAIR", self.complaint("credential", "DAIR")
        )

    def test_hostile_candidates_are_clean(self) -> None:
        evil = {**DAIR, "name": "DAIR", "type": HOSTILE}
        self.serve("sites", evil, evil)

        said = self.complaint("site", "DAIR")

        self.assertNotIn("\x1b", said)
        self.assertEqual(3, len(said.splitlines()))

    def test_name_of_an_image_that_is_gone(self) -> None:
        gone = "13a9e000-0000-4000-8000-00000000dead"
        self.refuse("GET", f"/images/{gone}", 404, "image.not_found", "No.")

        self.assertEqual(gone, self.finder.image_name(gone))
        self.assertEqual("rescue", self.finder.image_name(str(IMAGE["id"])))

    def test_a_cell_by_its_image_and_site(self) -> None:
        cell = {"image_id": IMAGE["id"], "credential_id": AT_DAIR["id"], "id": "d"}
        self.serve("deployments", cell)
        for ref in ("rescue@DAIR", f"{IMAGE['id']}@DAIR (hep)"):
            self.assertEqual(cell, self.finder.deployment(ref))
        self.assertIn("never wished", self.complaint("deployment", "rescue@ALTO"))
        self.assertIn("IMAGE@SITE", self.complaint("deployment", "rescue"))
        self.assertIn("IMAGE@SITE", self.complaint("deployment", "@DAIR"))
        self.assertIn("No image", self.complaint("deployment", "a@b@DAIR"))
