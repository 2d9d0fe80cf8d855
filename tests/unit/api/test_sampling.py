"""What of an answer is checked in production, and how it is written."""

from __future__ import annotations

import json
from typing import Any

import testtools

from glint.api import jsontext
from glint.api.sampling import SAMPLE, sample
from glint.api.schemas import matrix, parts


class SampleTest(testtools.TestCase):
    def test_the_first_of_many(self) -> None:
        row = {
            "id": "r",
            "cells": {f"c{n}": {"status": "active", "not_carried": []} for n in range(50)},
        }
        shown = sample(
            {"images": [row] * 100, "credentials": [], "links": []},
            matrix.LISTING.full_response(),
        )
        self.assertEqual(SAMPLE, len(shown["images"]))
        self.assertEqual(["c0", "c1", "c2"], [*shown["images"][0]["cells"]])

    def test_all_properties(self) -> None:
        names = [f"p{n}" for n in range(10)]
        thing = dict.fromkeys(names, 1)
        schema: dict[str, Any] = parts.answer(**dict.fromkeys(names, parts.COUNT))
        self.assertEqual(thing, sample(thing, schema))
        self.assertEqual({**thing, "more": 1}, sample({**thing, "more": 1}, schema))


class TextTest(testtools.TestCase):
    def test_what_it_says(self) -> None:
        for value in (
            {"a": [1, None, True, 1.5, "\u00e9\U0001f600"]},
            {"n": 10**30},
            {"s": "\ud83d"},
        ):
            self.assertEqual(value, json.loads(jsontext.encode(value)))

    def test_without_the_library(self) -> None:
        self.patch(jsontext, "_ORJSON", None)
        self.assertEqual({"a": "\u00e9"}, json.loads(jsontext.encode({"a": "\u00e9"})))
