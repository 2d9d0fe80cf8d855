"""What a service has to live with for years: wrong clocks, lost servers, changed files.

``OS_TEST_OUTAGE`` says how many seconds a server is away; without, a little more than two leases.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import time
from typing import ClassVar

from tests.chaos.glint import LEASE, ScaledGlint, children, send
from tests.functional.base import MIB, change
from tests.functional.faultcase import FILE
from tests.functional.processes import Process, clean_environment, eventually
from tests.functional.test_scaled import ScaledCase
from tests.minicloud import config
from tests.minicloud.testcase import some_bytes
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL

ROOT = pathlib.Path(__file__).parents[2]
OUTAGE = float(os.environ.get("OS_TEST_OUTAGE", 2.2 * LEASE))
#: Seconds: far more than a lease, so that whoever went by his own clock would be seen.
SKEW = 40
#: Seconds within which another conductor goes on, on a busy machine; less than SKEW.
TAKEN_OVER = 30


class SkewedGlint(ScaledGlint):
    """The clock of the first conductor is fast, that of the second one slow."""

    def make_processes(self) -> list[Process]:
        api = super().make_processes()[0]
        return [api, self._skewed(1, SKEW), self._skewed(2, -SKEW)]

    def _skewed(self, number: int, skew: int) -> Process:
        name = f"glint-conductor-{number}"
        arguments = self.command("glint-conductor")[1:]
        command = [sys.executable, "-m", "tests.functional.skewed", str(skew), *arguments]
        environment = clean_environment(self.folder, PYTHONPATH=str(ROOT))
        return Process(name, command, environment, self.folder / f"{name}.out")


class OutageCase(ScaledCase):
    """A copy that takes longer than a lease as long as the way is slow."""

    def sent(self) -> int:
        return int(self.sink.request_bytes("PUT", FILE))

    def falls_silent(self) -> bool:
        """Whether no byte comes to DAIR for two seconds; what lay in buffers may still come."""
        before = self.sent()
        time.sleep(2)
        return self.sent() == before


class Clocks:
    """On each database: its clock alone decides when a lease ends."""

    glint_class: ClassVar[type[ScaledGlint]] = SkewedGlint

    def test_nobody_takes_over_too_early_or_too_late(self: OutageCase) -> None:  # type: ignore[misc]
        operation = self.slowly(rate=MIB)
        copier = self.copier()
        time.sleep(2 * LEASE)
        self.assertEqual(("running", 1), (self.transfer()["state"], self.transfer()["attempts"]))
        copier.kill9()
        began = time.monotonic()
        eventually(lambda: self.transfer()["attempts"] > 1, "it is taken over", SKEW * 2)
        self.assertLess(time.monotonic() - began, TAKEN_OVER)
        self.sink.clear()
        self.assert_copied(operation)
        self.assertEqual(2, self.transfer()["attempts"])


class ClocksOnMariaDBTest(Clocks, OutageCase):
    database_kind = MariaDB


class ClocksOnPostgreSQLTest(Clocks, OutageCase):
    database_kind = PostgreSQL


class Losses:
    """On each database."""

    def test_the_database_is_away_for_longer_than_a_lease(self: OutageCase) -> None:  # type: ignore[misc]
        """A conductor that cannot renew stops before its lease ends, and begins again later."""
        self.sink.clear()
        operation = self.slowly(rate=MIB)
        self.database.kill()
        ended = time.monotonic() + OUTAGE
        eventually(self.falls_silent, "no bytes without a lease", 60, 0)
        self.assertLess(self.sent(), self.size)
        time.sleep(max(0.0, ended - time.monotonic()))
        self.sink.clear()
        self.database.start()
        self.assert_copied(operation)
        for process in self.glint.processes:
            self.assertTrue(process.running(), process.name)


class LossesOnMariaDBTest(Losses, OutageCase):
    database_kind = MariaDB

    def test_the_broker_is_away_for_longer_than_a_lease(self) -> None:
        """Nothing but wake-ups is lost; and once it is back, conductors are reached again."""
        operation = self.slowly(rate=MIB)
        self.broker.kill()
        self.addCleanup(self.broker.start)
        time.sleep(OUTAGE)
        self.assertEqual(("running", 1), (self.transfer()["state"], self.transfer()["attempts"]))
        self.sink.clear()
        self.assert_copied(operation)
        self.assertEqual(1, self.transfer()["attempts"])
        self.broker.start()
        path = f"/v1/sites/{self.column['site_id']}/probe"
        eventually(lambda: self.user.http.post(path).ok, "conductors are reached again", 90, 1)


class LossesOnPostgreSQLTest(Losses, OutageCase):
    database_kind = PostgreSQL


class ReloadTest(OutageCase):
    """SIGHUP: the files are read again; the processes, and what they copy, go on."""

    def test_options_change_and_copies_go_on(self) -> None:
        operation = self.slowly(rate=MIB)
        copier = self.copier()
        workers = children(copier.pid or 0)
        self.assertTrue(workers)
        self.rewrite({"conductor": {"attempts": 1, "max_jobs": 3}})
        send(copier.pid, signal.SIGHUP)
        eventually(lambda: "attempts is 1 now" in self.glint.log_text(), "attempts are reloaded")
        self.assertNotIn("max_jobs is 3", self.glint.log_text())
        self.assertEqual(workers, children(copier.pid or 0))
        for other in self.glint.processes[1:]:
            send(other.pid, signal.SIGHUP)
        eventually(
            lambda: self.glint.log_text().count("attempts is 1 now") == 2, "both have reloaded"
        )
        self.sink.clear()
        self.assert_copied(operation)
        self.assertEqual(1, self.transfer()["attempts"])
        # The new value holds: what breaks once is not tried again.
        self.sink.cut("PUT", FILE, after=MIB, leg="request", times=None)
        image = self.registered(self.home_column, some_bytes(4 * MIB, seed=8), "another")
        self.assertEqual("failed", self.user.save(change(image, self.column))["state"])
        (last,) = self.user.transfers(image_id=image["id"])
        self.assertEqual(1, last["attempts"])

    def test_a_broken_file_changes_nothing(self) -> None:
        self.glint.conf.write_text("[conductor\nattempts = many\n")
        for conductor in self.glint.processes[1:]:
            send(conductor.pid, signal.SIGHUP)
        eventually(lambda: self.glint.log_text().count("is not reloaded") == 2, "both have noticed")
        self.glint.write_configuration()
        self.assert_copied(self.create())

    def rewrite(self, changes: dict[str, dict[str, int]]) -> None:
        settings = self.glint.base_settings()
        for group, options in changes.items():
            settings[group] |= options
        self.glint.conf.write_text(config.render(settings))
