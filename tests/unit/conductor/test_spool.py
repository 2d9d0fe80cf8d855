"""What was read once is not read again: copies from the spool."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import fixtures

from glint import exception
from glint.conductor.manager import Manager
from glint.db import events, transfers
from glint.drivers.base import Piece, SizedBody
from glint.objects import Transfer
from tests.unit.conductor.base import PROJECT, ConductorTestCase
from tests.unit.conductor.memory import MemoryCloud, MemoryDriver, MemorySource
from tests.unit.transfer.fakes import altered

DATA = os.urandom(50_000)


class SpoolCase(ConductorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger(level=20))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "spool")
        self.alto = self.cloud("alto")
        self.source_id = self.alto.put("cirros", DATA)
        self.image_id = self.register("alto", self.source_id)

    def start(self, **changes: Any) -> Manager:
        options = {"spool_dir": str(self.folder), "attempts": 100, **changes}
        return super().start(**options)

    def kept(self) -> list[pathlib.Path]:
        return [path for path in self.folder.iterdir() if path.name != ".lock"]

    def contents(self) -> list[bytes]:
        return [path.read_bytes() for path in self.kept()]

    def transfer(self, name: str) -> Transfer:
        cell = self.cell(self.image_id, name)
        found: Sequence[Transfer] = self.wait(
            lambda: transfers.list(self.db, PROJECT, limit=1, deployment_id=cell.id)
        )
        return found[0]

    def wait_retried(self, name: str) -> None:
        self.wait(lambda: self.transfer(name).error_code)

    def assert_copied(self, cloud: MemoryCloud, name: str) -> None:
        cell = self.wait_cell(self.image_id, name, "active")
        self.assertEqual([cell.remote_id], [*cloud.images])
        self.assertEqual(DATA, cloud.data[cell.remote_id or ""])

    @contextlib.contextmanager
    def upload(
        self, cloud: MemoryCloud, before: Callable[[SizedBody], SizedBody | None]
    ) -> Iterator[None]:
        """Uploads to ``cloud`` go through ``before``."""
        real = MemoryDriver.upload

        def upload(driver: MemoryDriver, remote_id: str, body: SizedBody) -> None:
            mine = driver.cloud is cloud
            real(driver, remote_id, (before(body) if mine else None) or body)

        with mock.patch.object(MemoryDriver, "upload", upload):
            yield


class TestSpool(SpoolCase):
    def test_a_destination_that_broke_is_served_without_another_read(self) -> None:
        b, c = self.cloud("b"), self.cloud("c")
        b.faults["upload"] = exception.SiteBusy(reason="503")
        self.save(self.image_id, b=True, c=True)
        self.start()
        self.assert_copied(c, "c")
        self.wait_retried("b")
        self.assertEqual(len(DATA), self.alto.bytes_read)
        self.assertEqual([DATA], self.contents())
        b.faults.clear()
        self.assert_copied(b, "b")
        self.assertEqual((1, len(DATA)), (self.alto.reads, self.alto.bytes_read))
        self.assertIn(f"{len(DATA)} bytes from the spool to 1 sites", self.logged.output)
        self.assertEqual(self.columns["alto"], self.transfer("b").source_credential_id)

    def test_all_destinations_broke_and_the_rest_is_read_for_the_next_attempt(self) -> None:
        b, c = self.cloud("b"), self.cloud("c")
        broke: list[int] = []

        def breaking(body: SizedBody) -> None:
            if len(broke) < 2:
                broke.append(len(next(iter(body))))
                raise exception.StreamBroken(side="to", done=0, total=0, reason="reset")

        with self.upload(b, breaking), self.upload(c, breaking):
            self.save(self.image_id, b=True, c=True)
            self.start()
            self.assert_copied(b, "b")
            self.assert_copied(c, "c")
        self.assertEqual(2, len(broke))
        self.assertEqual(len(DATA), self.alto.bytes_read)

    def test_a_source_that_is_gone_is_not_missed(self) -> None:
        b, c = self.cloud("b"), self.cloud("c")
        b.faults["upload"] = exception.SiteBusy(reason="503")
        self.save(self.image_id, b=True, c=True)
        self.start()
        self.assert_copied(c, "c")
        self.wait_retried("b")
        for cloud in (self.alto, c):
            for call in ("get", "open", "list"):
                cloud.faults[call] = exception.SiteUnreachable(url="x", reason="dead")
        b.faults.clear()
        self.assert_copied(b, "b")

    def test_a_detached_site_is_served_from_the_spool(self) -> None:
        b, c = self.cloud("b"), self.cloud("c")
        slow = [True]

        def crawl(body: SizedBody) -> SizedBody | None:
            if not slow:
                return None
            slow.clear()

            def chunks() -> Iterator[Piece]:
                for chunk in body:
                    threading.Event().wait(0.05)
                    yield chunk

            return chunks()  # type: ignore[return-value]

        with self.upload(b, crawl):
            self.save(self.image_id, b=True, c=True)
            self.start(slow_site_grace=0.2)
            self.assert_copied(c, "c")
            self.assert_copied(b, "b")
        self.assertTrue(self.transfer("b").alone)
        self.assertEqual(len(DATA), self.alto.bytes_read)

    def test_one_more_site_later(self) -> None:
        b, c, d = self.cloud("b"), self.cloud("c"), self.cloud("d")
        self.save(self.image_id, b=True, c=True)
        self.start()
        self.assert_copied(b, "b")
        self.assert_copied(c, "c")
        self.wait(self.kept)
        self.save(self.image_id, d=True)
        self.assert_copied(d, "d")
        self.assertEqual(len(DATA), sum(cloud.bytes_read for cloud in (self.alto, b, c)))
        self.assertIn(
            self.transfer("d").source_credential_id,
            {self.columns[name] for name in ("alto", "b", "c")},
        )

    def test_one_site_is_spooled_where_it_was_asked_for(self) -> None:
        for single, expected in ((False, []), (True, [DATA])):
            with self.subTest(single=single):
                b = self.cloud(f"b{single}")
                self.save(self.image_id, **{f"b{single}": True})
                manager = self.start(spool_single=single)
                self.assert_copied(b, f"b{single}")
                manager.close()
                self.assertEqual(expected, self.contents())

    def test_a_second_attempt_to_one_site_is_spooled(self) -> None:
        b = self.cloud("b")
        b.faults["upload"] = exception.SiteBusy(reason="503")
        self.save(self.image_id, b=True)
        self.start()
        self.wait(lambda: self.transfer("b").attempts > 3)
        b.faults.clear()
        self.assert_copied(b, "b")
        self.assertLessEqual(self.alto.reads, 2)

    def test_nothing_is_read_for_nobody(self) -> None:
        b = self.cloud("b")
        b.faults["upload"] = exception.SiteForbidden(reason="no")
        b.gate = threading.Event()
        self.save(self.image_id, b=True)
        manager = self.start(spool_single=True)
        self.wait_cell(self.image_id, "b", "failed")
        manager.close()
        self.assertEqual([], self.kept())

    def test_a_cancelled_copy_ends_the_spooling(self) -> None:
        b = self.cloud("b")
        b.gate = threading.Event()
        self.addCleanup(b.gate.set)
        self.save(self.image_id, b=True)
        manager = self.start(spool_single=True)
        self.assertTrue(b.reached.wait(10))
        self.save(self.image_id, b=False)
        self.wait_cell(self.image_id, "b", "absent")
        manager.close()
        self.assertEqual([], self.kept())

    def test_a_cancel_while_only_the_spool_is_served_is_heard(self) -> None:
        b = self.cloud("b")
        b.faults["upload"] = exception.SiteBusy(reason="503")
        hangs, closed = threading.Event(), threading.Event()

        def read(source: MemorySource, size: int) -> bytes:
            hangs.set()
            closed.wait(30)
            raise OSError("closed")

        self.save(self.image_id, b=True)
        with (
            mock.patch.object(MemorySource, "read", read),
            mock.patch.object(MemorySource, "close", lambda _source: closed.set()),
        ):
            manager = self.start(spool_single=True, idle_timeout=60.0)
            self.addCleanup(closed.set)
            self.assertTrue(hangs.wait(10))
            self.assertEqual(1, len(self.kept()))
            self.save(self.image_id, b=False)
            self.wait_cell(self.image_id, "b", "absent")
            self.assertTrue(closed.is_set())
            manager.close()
        self.assertEqual([], self.kept())

    def test_unknown_content_is_learnt_and_kept(self) -> None:
        bare = self.cloud("bare", algorithm=None)
        image_id = self.register("bare", bare.put("x", DATA[:20_000]))
        self.cloud("c")
        self.save(image_id, alto=True, c=True)
        manager = self.start()
        self.wait_cell(image_id, "alto", "active")
        self.wait_cell(image_id, "c", "active")
        manager.close()
        self.assertEqual([DATA[:20_000]], self.contents())

    def test_a_weak_hash_names_nothing(self) -> None:
        old = self.cloud("old", algorithm="md5")
        image_id = self.register("old", old.put("x", DATA[:20_000]))
        b, c = self.cloud("b", algorithm="md5"), self.cloud("c", algorithm="md5")
        self.save(image_id, b=True, c=True)
        manager = self.start()
        self.wait_cell(image_id, "b", "active")
        self.wait_cell(image_id, "c", "active")
        manager.close()
        digests = {hashlib.md5(DATA[:20_000]).hexdigest()}  # noqa: S324
        self.assertEqual({2}, {len({*cloud.data} | digests) for cloud in (b, c)})
        for name in (path.name for path in self.kept()):
            self.assertNotIn("md5", name)

    def test_an_altered_source_is_not_kept(self) -> None:
        self.alto.data[self.source_id] = altered(DATA)
        for name in ("b", "c"):
            self.cloud(name)
        self.save(self.image_id, b=True, c=True)
        manager = self.start()
        for name in ("b", "c"):
            cell = self.wait_cell(self.image_id, name, "failed")
            self.assertEqual("content.mismatch", cell.error_code)
        manager.close()
        self.assertEqual([], self.kept())

    def test_a_spool_that_cannot_be_had_stops_no_copy(self) -> None:
        self.folder.mkdir(mode=0o755)
        b, c = self.cloud("b"), self.cloud("c")
        self.save(self.image_id, b=True, c=True)
        self.start()
        self.assert_copied(b, "b")
        self.assert_copied(c, "c")
        self.assertIn("mode 0700", self.logged.output)

    def test_an_image_larger_than_the_spool_is_copied_all_the_same(self) -> None:
        b, c = self.cloud("b"), self.cloud("c")
        self.save(self.image_id, b=True, c=True)
        self.start(spool_size=len(DATA) - 1)
        self.assert_copied(b, "b")
        self.assert_copied(c, "c")
        self.assertEqual([], self.kept())


class TestDamage(SpoolCase):
    """Bytes that went bad on the disk, behind size and time of change."""

    def setUp(self) -> None:
        super().setUp()
        self.b = self.cloud("b")
        self.c = self.cloud("c")
        self.b.faults["upload"] = exception.SiteBusy(reason="503")
        self.save(self.image_id, b=True, c=True)
        first = self.start()
        self.assert_copied(self.c, "c")
        self.wait_retried("b")
        first.close()

    def damage(self, write: Callable[[pathlib.Path], object]) -> None:
        """Nobody works now; what comes next is an attempt that reads the spool."""
        (path,) = self.kept()
        before = path.stat()
        write(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.b.faults.clear()

    def test_the_site_s_own_hash_finds_it(self) -> None:
        self.damage(lambda path: path.write_bytes(altered(DATA)))
        self.start()
        self.assert_copied(self.b, "b")
        self.assertEqual(2, self.alto.reads + self.c.reads)
        self.assertIn("transfer.spool_damaged", [event.error_code for event in self.events()])

    def test_hashing_again_finds_it_before_the_site_has_it(self) -> None:
        self.damage(lambda path: path.write_bytes(altered(DATA)))
        wrong: list[int] = []

        def count(body: SizedBody) -> SizedBody:
            def chunks() -> Iterator[Piece]:
                taken = 0
                try:
                    for chunk in body:
                        taken += len(chunk)
                        yield chunk
                finally:
                    wrong.append(taken)

            return chunks()  # type: ignore[return-value]

        with self.upload(self.b, count):
            self.start(spool_rehash=True)
            self.assert_copied(self.b, "b")
        self.assertEqual(2, len(wrong))
        self.assertLess(wrong[0], len(DATA))

    def test_a_disk_that_fails_costs_no_attempt(self) -> None:
        self.damage(lambda path: None)
        attempts = self.transfer("b").attempts
        real = os.pread

        def pread(fd: int, size: int, offset: int) -> bytes:
            if offset > 10_000:
                raise OSError(errno.EIO, "Input/output error")
            return real(fd, size, offset)

        with mock.patch.object(os, "pread", pread):
            self.start()
            self.assert_copied(self.b, "b")
        self.assertEqual(attempts + 1, self.transfer("b").attempts)

    def test_the_site_s_fault_is_not_the_spool_s_for_ever(self) -> None:
        """A site that spoils what it gets ends in failed, though each time bytes are there."""
        (good,) = self.contents()

        def spoil(body: SizedBody) -> SizedBody:
            def chunks() -> Iterator[Piece]:
                for number, chunk in enumerate(body):
                    yield chunk if number else bytes(len(chunk))

            return chunks()  # type: ignore[return-value]

        self.damage(lambda path: None)
        with self.upload(self.b, spoil):
            self.start()
            cell = self.wait_cell(self.image_id, "b", "failed")
        self.assertEqual("content.mismatch", cell.error_code)
        self.assertEqual({}, self.b.images)
        self.assertEqual(DATA, good)

    def events(self) -> list[Any]:
        return list(events.list(self.db, PROJECT, limit=100))
