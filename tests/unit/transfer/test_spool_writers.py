"""Several writers of one spool, and what a killed one leaves."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading

import testtools

from glint.transfer import Spool, spool
from tests.unit.transfer import fakes
from tests.unit.transfer.test_spool import OWNER, SpoolCase, sha

ROOT = pathlib.Path(__file__).resolve().parents[3]


class TestWriters(SpoolCase):
    def test_what_was_not_written_whole_is_not_kept(self) -> None:
        draft = self.spool.begin(10)
        with testtools.ExpectedException(OSError, "3 bytes came.*"):
            draft.put([b"abc"])
        self.assertFalse(draft.keep(OWNER, "sha256", sha(b"abc")))
        self.assertEqual([], self.files())

    def test_the_faster_of_two_wins_and_both_are_right(self) -> None:
        other = Spool(str(self.folder), 1000)
        first, second = self.draft(b"abc"), self.draft(b"abc", other)
        self.assertTrue(second.keep(OWNER, "sha256", sha(b"abc")))
        self.assertFalse(first.keep(OWNER, "sha256", sha(b"abc")))
        self.assertEqual(1, len(self.files()))
        self.assertEqual(b"abc", self.read(b"abc"))

    def test_many_at_once(self) -> None:
        contents = [fakes.content(90, seed=number % 5) for number in range(40)]
        homes = [Spool(str(self.folder), 1000) for _ in range(4)]
        wrong: list[object] = []

        def work(home: Spool, mine: list[bytes]) -> None:
            for data in mine:
                try:
                    self.draft(data, home).keep(OWNER, "sha256", sha(data))
                except spool.Unusable as error:
                    wrong.append(error)
                found = home.find(OWNER, {"sha256": sha(data)}, len(data))
                if found is None or found.open().read(1000) != data:
                    wrong.append(found)
                if found is not None:
                    found.close()

        threads = [
            threading.Thread(target=work, args=(home, contents[number * 10 :][:10]))
            for number, home in enumerate(homes)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(fakes.PATIENCE)
        self.assertEqual([], wrong)
        self.assertEqual(5, len(self.files()))

    def test_dropping_under_a_writer_waits_for_nothing(self) -> None:
        draft = self.spool.begin(200)
        reached, go_on = threading.Event(), threading.Event()

        def body() -> object:
            yield b"x" * 100
            reached.set()
            go_on.wait(fakes.PATIENCE)
            yield b"x" * 100

        def put() -> None:
            draft.put(body())  # type: ignore[arg-type]

        thread = threading.Thread(target=put)
        thread.start()
        self.assertTrue(reached.wait(fakes.PATIENCE))
        fd = draft._file._fd
        assert fd is not None
        draft.drop()
        os.fstat(fd)  # still its own
        go_on.set()
        thread.join(fakes.PATIENCE)
        self.assertEqual([], self.files())
        with testtools.ExpectedException(OSError):
            os.fstat(fd)
        self.assertFalse(draft.keep(OWNER, "sha256", sha(b"x" * 200)))

    def test_what_a_killed_process_left_is_removed(self) -> None:
        program = (
            "import sys, time\n"
            "from glint.transfer import Spool\n"
            "draft = Spool(sys.argv[1], 1000).begin(800)\n"
            "print('begun', flush=True)\n"
            "draft.put(iter(lambda: time.sleep(60), 0))\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(self.folder)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        with child:
            self.addCleanup(child.kill)
            assert child.stdout is not None
            self.assertEqual("begun\n", child.stdout.readline())
            Spool(str(self.folder), 1000)
            self.assertEqual(1, len(self.files()), "somebody writes it still")
            with testtools.ExpectedException(spool.Unusable):
                self.spool.begin(800)
            child.send_signal(signal.SIGKILL)
            child.wait(fakes.PATIENCE)
        Spool(str(self.folder), 1000)
        self.assertEqual([], self.files())
