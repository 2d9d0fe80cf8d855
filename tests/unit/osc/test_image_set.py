from __future__ import annotations

from typing import Any

from glint.osc.image_set import SetImage, UnsetImage
from tests.unit.client.base import GLINT
from tests.unit.osc.base import IMAGE, OscTestCase


class TestSetImage(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image = {**IMAGE, "properties": {"a": "1"}, "tags": ["old"], "generation": 5}
        self.serve("images", self.image)
        self.http.patch(f"{GLINT}/v1/images/{IMAGE['id']}", json={"image": self.image})

    def sent_by(self, kind: type[Any], *argv: str) -> dict[str, Any]:
        self.command(kind, "rescue", *argv)
        body = self.body("PATCH")
        self.assertEqual(5, body.pop("generation"))
        return body

    def test_what_is_not_named_stays(self) -> None:
        self.assertEqual({"name": "n"}, self.sent_by(SetImage, "--name", "n"))
        self.assertEqual(
            {"properties": {"a": "1", "b": "x=y"}, "tags": ["old", "new"], "min_disk": 0},
            self.sent_by(
                SetImage,
                *("--property", "b=x=y", "--tag", "new", "--tag", "old", "--min-disk", "0"),
            ),
        )

    def test_repair_of_drifted_copies(self) -> None:
        self.assertEqual({"repair": True}, self.sent_by(SetImage, "--repair"))
        self.assertEqual({"repair": False}, self.sent_by(SetImage, "--no-repair"))

    def test_unset(self) -> None:
        self.assertEqual({"properties": {}}, self.sent_by(UnsetImage, "--property", "a"))
        self.assertEqual({"tags": []}, self.sent_by(UnsetImage, "--tag", "old"))
        self.assertIn("no property 'z'", self.fails(UnsetImage, "rescue", "--property", "z"))
        self.assertIn("no tag 'z'", self.fails(UnsetImage, "rescue", "--tag", "z"))

    def test_wrong_arguments(self) -> None:
        self.assertIn("Nothing to change", self.fails(SetImage, "rescue"))
        self.assertIn("Nothing to change", self.fails(UnsetImage, "rescue"))
        self.assertIn("KEY=VALUE", self.fails(SetImage, "rescue", "--property", "a"))
        self.assertIn("below 0", self.refused(SetImage, "rescue", "--min-ram", "-1"))

    def test_somebody_was_faster(self) -> None:
        self.refuse("PATCH", f"/images/{IMAGE['id']}", 409, "image.generation_conflict", "Again.")
        self.assertIn("image.generation_conflict", self.fails(SetImage, "rescue", "--tag", "t"))
