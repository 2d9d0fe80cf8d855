"""One run from beginning to end: build, storm, mend, settle, judge."""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import pathlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from glint.db import models
from tests.chaos.judge import Evidence, Key, Verdict, judge
from tests.chaos.monkey import Monkey
from tests.chaos.options import Options
from tests.chaos.report import Report
from tests.chaos.users import User, script
from tests.chaos.watch import AWAY, Watcher
from tests.chaos.weather import Weather
from tests.chaos.world import World
from tests.functional.service import eventually

LOG = logging.getLogger(__name__)

ROUNDS = 8
"""How often what is not as wished is saved again after the storm."""
QUIET_TIMEOUT = 120
SWEEP_TIMEOUT = 20
"""Seconds: a scan says that it is over before it has removed what it found too much."""
TICK = 0.1
USERS = 2
LIVE = ("queued", "running")
KEPT = (models.Transfer, models.Deployment, models.Event, models.Operation, models.Change)
"""Tables of which the rows are kept for whoever looks into a failed run."""


def run(options: Options) -> Report:
    """Build everything, let it storm, judge; the folder keeps logs and report.

    Call it from a thread that outlives it, see :class:`~tests.chaos.monkey.Monkey`.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    report = Report(
        options.seed, options.database, options.conductors, options.transfers, options.folder
    )
    with _log_to(options.folder / "chaos.log"):
        began = time.monotonic()
        with World(options) as world:
            report.seconds["building"] = time.monotonic() - began
            try:
                _Run(world, report).run()
            finally:
                _keep(world)
                report.write()
    return report


class _Run:
    def __init__(self, world: World, report: Report) -> None:
        self._world = world
        self._report = report
        options = world.options
        storm = options.transfers / 5
        self._weather = Weather(
            world.proxies, options.rng("weather"), options.transfers, max(0.2, storm / 200)
        )
        self._monkey = Monkey(world, options.rng("monkey"), options.pace)
        self._watcher = Watcher(
            world.glint.connection,
            {c.credential["id"]: c.project for c in world.targets},
            world.originals,
            world.site_limits(),
        )
        self._users = self._make_users()
        self._engine = world.engine()
        self._trouble: list[str] = []

    def _make_users(self) -> list[User]:
        """The images are shared out, so that no two users quarrel about a cell."""
        options = self._world.options
        labels = {c.credential["id"]: c.label for c in self._world.targets}
        images = sorted(self._world.originals, key=lambda i: self._world.originals[i].name)
        cells = [(image, label) for image in images for label in sorted(labels.values())]
        cells = cells[: options.transfers]
        foreign = {
            (image, label)
            for image, label in cells
            for remote in self._world.before[label].values()
            if remote.sha512 == self._world.originals[image].sha512
        }
        users = []
        for number in range(USERS):
            mine = [cell for cell in cells if images.index(cell[0]) % USERS == number]
            steps = script(mine, foreign, options.rng(f"user {number}"), 0.8)
            users.append(User(number, self._world.glint.http(), steps, labels))
        return users

    # -- the storm

    def run(self) -> None:
        began = time.monotonic()
        self._watcher.start()
        try:
            self._storm()
            self._report.seconds["storm"] = time.monotonic() - began
            began = time.monotonic()
            self._settle()
            self._report.seconds["settling"] = time.monotonic() - began
        finally:
            self._watcher.stop()
            self._account()
        began = time.monotonic()
        self._judge()
        self._report.seconds["judging"] = time.monotonic() - began
        for line in self._report.verdict.lines():
            LOG.error("%s", line)

    def _storm(self) -> None:
        LOG.info("storm: %d cells", self._world.options.transfers)
        for user in self._users:
            user.start()
        end = time.monotonic() + self._world.options.minutes * 60
        pause = threading.Event()
        checked = 0.0
        while (now := time.monotonic()) < end:
            self._weather.tick(now)
            self._monkey.tick(now)
            if now > checked + 1:
                checked = now
                if not any(u.is_alive() for u in self._users) and not self._live():
                    break
            pause.wait(TICK)
        for user in self._users:
            user.end()
        self._weather.clear()
        self._monkey.calm()
        for user in self._users:
            user.join(60)

    def _live(self) -> list[str]:
        """Transfers that are not finished and wishes that wait; something where nobody knows."""
        t, d = models.Transfer, models.Deployment
        try:
            with self._engine.connect() as connection:
                ids = connection.execute(sa.select(t.id).where(t.state.in_(LIVE))).scalars().all()
                pending = sa.select(d.id).where(d.pending.is_(True))
                waiting = connection.execute(pending).scalars().all()
        except AWAY as error:
            return [type(error).__name__]
        return [*ids, *waiting]

    # -- after it

    def _settle(self) -> None:
        """Save again what failed, as a user would, until all is as wished or enough was tried."""
        for _ in range(ROUNDS):
            self._wait_until_quiet()
            wrong = self._wrong()
            if not wrong:
                break
            self._report.rounds += 1
            LOG.info("round %d: %d cells to save again", self._report.rounds, len(wrong))
            for user in self._users:
                for wanted in (True, False):
                    mine = [k for k in wrong if user.wishes.get(k) is wanted]
                    for cell in mine:
                        user.save([cell], wanted)
        LOG.info("one scan")
        try:
            self._world.scan()
        except AssertionError as error:
            LOG.error("%s", error)
            self._trouble.append(str(error))
        self._wait_until_quiet()

    def _wait_until_quiet(self) -> None:
        try:
            eventually(lambda: not self._live(), "no live transfer", QUIET_TIMEOUT, 0.5)
        except AssertionError:
            LOG.error("transfers do not end: %s", self._live())

    def _wrong(self) -> list[Key]:
        """Cells that are not what their user wants them to be, as Glint shows them."""
        cells = self._cells()
        return [
            key
            for key, wanted in self._wishes().items()
            if cells.get(key, {}).get("status", "absent") != ("active" if wanted else "absent")
        ]

    def _wishes(self) -> dict[Key, bool]:
        return {key: wanted for user in self._users for key, wanted in user.wishes.items()}

    def _cells(self) -> dict[Key, Mapping[str, Any]]:
        labels = {c.credential["id"]: c.label for c in self._world.targets}
        return {
            (row["id"], labels[credential]): cell
            for row in self._world.glint.client().matrix().images
            if row["id"] in self._world.originals
            for credential, cell in row["cells"].items()
            if credential in labels
        }

    # -- the judge

    def _evidence(self) -> Evidence:
        return Evidence(
            originals=self._world.originals,
            wishes=self._wishes(),
            clouds={c.label: c.project.remotes() for c in self._world.columns},
            before=self._world.before,
            cells=self._cells(),
            source=self._world.source.label,
            live=self._live(),
        )

    def _judge(self) -> None:
        LOG.info("the judge reads the clouds")
        deadline = time.monotonic() + SWEEP_TIMEOUT
        while True:
            verdict = judge(self._evidence())
            only_sweep = not any(
                count for name, count in verdict.counts().items() if name != "left_behind"
            )
            if verdict.clean or not only_sweep or time.monotonic() > deadline:
                break
            threading.Event().wait(1)
        self._report.verdict = self._add_seen(verdict)

    def _add_seen(self, verdict: Verdict) -> Verdict:
        """What was seen on the way, whatever it looks like now."""
        verdict.false_active += self._watcher.false_active.values()
        verdict.over_limit += self._watcher.over_limit
        verdict.other += self._monkey.wrong + self._trouble
        verdict.other += [line for user in self._users for line in user.refused]
        drifts = [what for what in self._report.events if " drifted" in what]
        verdict.false_active += [f"{self._report.events[what]} x {what}" for what in drifts]
        if not self._watcher.samples["cells"]:
            verdict.other.append("no active cell was ever compared with the clouds")
        return verdict

    def _account(self) -> None:
        report = self._report
        report.blows = dict(sorted(self._monkey.done.items()))
        report.faults = self._weather.fired()
        report.users = dict(sum((u.done for u in self._users), collections.Counter()))
        report.samples = dict(self._watcher.samples)
        report.take_overs = self._watcher.take_overs
        limits = self._world.site_limits()
        most = sorted(self._watcher.most.items())
        report.most = ", ".join(f"{count} of {limits.get(site, '?')}" for site, count in most)
        t, e = models.Transfer, models.Event
        with self._engine.connect() as connection:
            ends = connection.execute(
                sa.select(t.kind, t.state, t.error_code, sa.func.count())
                .group_by(t.kind, t.state, t.error_code)
            ).all()  # fmt: skip
            events = connection.execute(
                sa.select(e.action, e.outcome, e.error_code, sa.func.count())
                .group_by(e.action, e.outcome, e.error_code)
            ).all()  # fmt: skip
        report.ends = _counted(ends)
        report.events = _counted(events)


def _counted(rows: Sequence[Any]) -> dict[str, int]:
    return {" ".join(str(part) for part in row[:-1] if part): row[-1] for row in rows}


@contextlib.contextmanager
def _log_to(path: pathlib.Path) -> Iterator[None]:
    """Everything that the suite says, into a file, with times."""
    handler = logging.FileHandler(path)
    form = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s %(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("tests.chaos")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def _keep(world: World) -> None:
    """The rows of the database, and what the servers said."""
    with world.engine().connect() as connection:
        for model in KEPT:
            path = world.options.folder / f"{model.__tablename__}.jsonl"
            rows = connection.execute(sa.select(model.__table__)).mappings()
            path.write_text("".join(json.dumps(dict(row), default=str) + "\n" for row in rows))
    for server in (world.database, world.broker):
        if server is not None:
            shutil.copy(server.folder / "output", world.options.folder / f"{server.kind}.out")
