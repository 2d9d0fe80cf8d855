"""The pictures of the documentation are those that their texts describe."""

from __future__ import annotations

import importlib
from typing import Any
from xml.etree import ElementTree

import testtools

pictures: Any = importlib.import_module("tools.pictures")


class PicturesTest(testtools.TestCase):
    def test_fresh(self) -> None:
        sources = sorted(pictures.SOURCES.glob("*.txt"))
        self.assertGreaterEqual(len(sources), 7)
        for path in sources:
            drawn = (pictures.IMAGES / f"{path.stem}.svg").read_text("utf-8")
            self.assertEqual(
                pictures.draw(path.read_text("utf-8")), drawn, "python -m tools.pictures"
            )
            ElementTree.fromstring(drawn)  # noqa: S314 - our own

    def test_none_is_left_over(self) -> None:
        drawn = {path.stem for path in pictures.IMAGES.glob("*.svg")}
        self.assertEqual({path.stem for path in pictures.SOURCES.glob("*.txt")}, drawn)

    def test_what_is_not_understood(self) -> None:
        self.assertRaises(ValueError, pictures.draw, "circle a 1 1 2 2: text")
        self.assertRaises(ValueError, pictures.draw, "box a 1 1 2 2: text\narrow a b")
