"""The chaos suite in its short form, and its judge, who must find what is wrong.

``OS_TEST_CHAOS_SEED``, ``OS_TEST_CHAOS_TRANSFERS`` and ``OS_TEST_CHAOS_DATABASE`` alter the short
form; the long one is ``tox -e chaos``. ``OS_TEST_CHAOS_FOLDER`` keeps logs and report there.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import random
from typing import Any

import fixtures
import testtools
from testtools import content, content_type

from tests.chaos.clouds import Original, Remote, make_bytes, original
from tests.chaos.judge import Evidence, Verdict, judge
from tests.chaos.options import Options
from tests.chaos.run import run
from tests.chaos.users import script
from tests.chaos.watch import contradiction

SEED = int(os.environ.get("OS_TEST_CHAOS_SEED", "20261121"))
TRANSFERS = int(os.environ.get("OS_TEST_CHAOS_TRANSFERS", "30"))
DATABASE = os.environ.get("OS_TEST_CHAOS_DATABASE", "mariadb")
LOG_TAIL = 40_000

HOME, AWAY = "ALTO (hep)", "DAIR (hep)"


class ChaosTest(testtools.TestCase):
    def test_nothing_is_lost_doubled_left_behind_or_a_lie(self) -> None:
        kept = os.environ.get("OS_TEST_CHAOS_FOLDER")
        folder = pathlib.Path(kept or self.useFixture(fixtures.TempDir()).path)
        self.addOnException(lambda _: self._show(folder))
        report = run(
            Options(
                seed=SEED,
                transfers=TRANSFERS,
                conductors=2,
                database=DATABASE,
                minutes=1,
                folder=folder,
                pace=3,
            )
        )
        self._add("report", report.table())
        self.assertEqual([], list(report.verdict.lines()))
        # A quiet run would prove nothing.
        self.assertGreater(sum(report.blows.values()), 0, "nothing was killed")
        self.assertGreater(sum(report.faults.values()), 0, "no fault hit a request")
        self.assertGreaterEqual(sum(report.ends.values()), TRANSFERS)

    def _show(self, folder: pathlib.Path) -> None:
        for path in [folder / "chaos.log", *sorted(folder.glob("glint/*.out"))]:
            if path.exists():
                self._add(path.name, path.read_text(errors="replace")[-LOG_TAIL:])

    def _add(self, name: str, text: str) -> None:
        detail = content.Content(content_type.UTF8_TEXT, lambda: [text.encode()])
        self.addDetail(name, detail)


def remote(ident: str, image: Original, **record: Any) -> Remote:
    """An image at a site with an original's bytes."""
    whole = {"id": ident, "name": image.name, "status": "active", "size": image.size, **record}
    return Remote(ident, image.sha512, image.size, whole)


STAMP = {"glint_deployment": "d", "glint_image": "i", "glint_transfer": "t"}


class JudgeTest(testtools.TestCase):
    """A small world in good order, and one thing wrong in it at a time."""

    def setUp(self) -> None:
        super().setUp()
        rng = random.Random(1)
        self.kept, self.gone = (original(name, make_bytes(rng)) for name in ("kept", "gone"))
        self.foreign = remote("f", original("foreign", make_bytes(rng)))
        self.copy = remote("c", self.kept, **STAMP)
        self.evidence = Evidence(
            originals={"i1": self.kept, "i2": self.gone},
            wishes={("i1", AWAY): True, ("i2", AWAY): False},
            clouds={HOME: [remote("s", self.kept)], AWAY: [self.foreign, self.copy]},
            before={HOME: {"s": remote("s", self.kept)}, AWAY: {"f": self.foreign}},
            cells={
                ("i1", AWAY): {"status": "active", "remote_id": "c"},
                ("i2", AWAY): {"status": "absent", "remote_id": None},
            },
            source=HOME,
        )

    def verdict(self, *at_dair: Remote, **changes: Any) -> Verdict:
        if at_dair:
            changes["clouds"] = {**self.evidence.clouds, AWAY: list(at_dair)}
        return judge(dataclasses.replace(self.evidence, **changes))

    def assert_found(self, verdict: Verdict, *kinds: str) -> None:
        found = {name for name, count in verdict.counts().items() if count}
        self.assertEqual(set(kinds), found, "\n".join(verdict.lines()))

    def cell(self, image: str = "i1", **values: Any) -> dict[Any, Any]:
        cells = {**self.evidence.cells}
        cells[image, AWAY] = {**cells[image, AWAY], **values}
        return cells

    def test_good_order(self) -> None:
        self.assertEqual([], list(self.verdict().lines()))

    def test_lost(self) -> None:
        lost = self.verdict(self.foreign, cells=self.cell(status="failed", remote_id=None))
        self.assert_found(lost, "lost")
        self.assert_found(self.verdict(self.foreign), "lost", "false_active")

    def test_doubled(self) -> None:
        twice = remote("c2", self.kept, **STAMP)
        self.assert_found(self.verdict(self.foreign, self.copy, twice), "doubled")

    def test_left_behind(self) -> None:
        unfinished = Remote("h", None, 0, {"name": "x", "status": "queued", **STAMP})
        self.assert_found(self.verdict(self.foreign, self.copy, unfinished), "left_behind")
        nameless = Remote("h", None, 0, {"name": "x", "status": "queued"})
        self.assert_found(self.verdict(self.foreign, self.copy, nameless), "left_behind")
        unticked = remote("u", self.gone, **STAMP)
        self.assert_found(self.verdict(self.foreign, self.copy, unticked), "left_behind")

    def test_false_active(self) -> None:
        other = dataclasses.replace(self.copy, sha512=self.gone.sha512)
        self.assert_found(self.verdict(self.foreign, other), "lost", "false_active", "left_behind")

    def test_foreign(self) -> None:
        self.assert_found(self.verdict(self.copy), "foreign")
        renamed = dataclasses.replace(self.foreign, record={**self.foreign.record, "name": "x"})
        self.assert_found(self.verdict(renamed, self.copy), "foreign")
        clouds = {**self.evidence.clouds, HOME: []}
        self.assert_found(self.verdict(clouds=clouds), "foreign")

    def test_disagree(self) -> None:
        self.assert_found(self.verdict(cells=self.cell(status="failed")), "disagree")
        self.assert_found(self.verdict(cells=self.cell("i2", status="removing")), "disagree")
        incoming = dataclasses.replace(
            self.copy, record={**self.copy.record, "name": "glint-incoming-t"}
        )
        self.assert_found(self.verdict(self.foreign, incoming), "disagree")

    def test_stuck(self) -> None:
        self.assert_found(self.verdict(live=["t"]), "stuck")

    def test_adopted(self) -> None:
        """The content was there before: it is the copy, and a second one is one too many."""
        theirs = remote("a", self.kept)
        before = {**self.evidence.before, AWAY: {"a": theirs}}
        adopted = self.cell(remote_id="a")
        self.assert_found(self.verdict(theirs, before=before, cells=adopted))
        self.assert_found(
            self.verdict(theirs, self.copy, before=before, cells=adopted), "left_behind"
        )


class PartsTest(testtools.TestCase):
    def test_the_watcher_knows_a_lie(self) -> None:
        image = original("one", make_bytes(random.Random(1)))
        record = {
            "status": "active",
            "size": image.size,
            "os_hash_algo": "sha256",
            "os_hash_value": image.digests["sha256"],
        }
        self.assertIsNone(contradiction(image, record))
        for wrong in (
            {"status": "saving"},
            {"size": image.size - 1},
            {"os_hash_value": image.sha512},
            {"os_hash_algo": "md5"},
        ):
            self.assertIsNotNone(contradiction(image, {**record, **wrong}), str(wrong))
        self.assertIsNotNone(contradiction(image, None))

    def test_a_script_covers_all_cells_and_is_the_same_for_a_seed(self) -> None:
        cells = [(f"i{number}", label) for number in range(40) for label in "abc"]
        keep = set(cells[:6])
        steps = script(cells, keep, random.Random(3), 0.1)
        self.assertEqual(steps, script(cells, keep, random.Random(3), 0.1))
        self.assertNotEqual(steps, script(cells, keep, random.Random(4), 0.1))
        saved = [cell for step in steps if step.what == "save" for cell in step.cells]
        self.assertEqual(set(cells), set(saved))
        kinds = {step.what for step in steps}
        self.assertLessEqual({"save", "untick", "cancel", "retry"}, kinds)
        unticked = {cell for step in steps if step.what == "untick" for cell in step.cells}
        self.assertEqual(set(), unticked & keep)
