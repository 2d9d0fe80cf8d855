"""Kills, freezes and restarts processes, in the order that the seed gives."""

from __future__ import annotations

import collections
import heapq
import itertools
import logging
import random
import signal
import threading
from collections.abc import Callable

import requests

from tests.chaos.glint import LEASE, children, send
from tests.chaos.world import World
from tests.functional.service import Process

LOG = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a conductor may take to end after SIGTERM, whatever else is away."""
STARTUP = 8.0
"""Seconds that a conductor needs, on a busy machine, until it handles signals."""

Step = Callable[[], None]


class Monkey:
    """Acts when :meth:`tick` is called, always from one thread that outlives the processes:

    Linux ends a process of ours when the thread that started it has ended.

    :param pace: mean seconds between two blows
    :ivar done: how often each kind of blow was struck
    :ivar wrong: processes that ended by themselves, or did not end in time after SIGTERM
    """

    def __init__(self, world: World, rng: random.Random, pace: float) -> None:
        self._world = world
        self._rng = rng
        self._pace = pace
        self._order = itertools.count()
        self._later: list[tuple[float, int, Step]] = []
        self._busy: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._started: dict[str, float] = {}
        self._now = 0.0
        self._next: float | None = None
        self.done: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []

    def tick(self, now: float) -> None:
        """Do what is due at ``now`` (seconds of any steady clock)."""
        self._now = now
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        self._look_for_dead()
        if self._next is None:
            self._next = now + self._pace
        if now >= self._next:
            self._next = now + self._rng.uniform(0.3, 1.7) * self._pace
            self._strike()

    def _look_for_dead(self) -> None:
        """Nothing but the monkey may end a process."""
        for process in self._world.glint.processes:
            if process.name not in self._busy and not process.running():
                self.wrong.append(f"{process.name} ended by itself")
                LOG.error(self.wrong[-1])
                self._restart(process, 0)

    def _in(self, seconds: float, step: Step) -> None:
        heapq.heappush(self._later, (self._now + seconds, next(self._order), step))

    # -- blows

    def _strike(self) -> None:
        rng = random.Random(self._rng.getrandbits(64))
        blows = self._blows()
        (blow,) = rng.choices([b for _, b in blows], [w for w, _ in blows])
        blow(rng)

    def _blows(self) -> list[tuple[int, Callable[[random.Random], None]]]:
        blows: list[tuple[int, Callable[[random.Random], None]]] = [
            (10, self._kill),
            (4, self._terminate),
            (7, self._freeze),
            (2, self._kill_cloud),
        ]
        if self._world.broker is not None:
            blows += [(3, self._kill_worker), (1, self._hang_up), (3, self._restart_broker)]
            blows += [(2, self._kill_api)]
        if self._world.database is not None:
            blows += [(2, self._restart_database)]
        return blows

    def _victim(self, rng: random.Random) -> Process | None:
        """A conductor that runs and that nothing is happening to."""
        able = [p for p in self._world.conductors if p.running() and p.name not in self._busy]
        if self._world.broker is None and able and not self._answers():
            # The only process: struck again before it answers, it would never do anything.
            return None
        return rng.choice(able) if able else None

    def _answers(self) -> bool:
        try:
            answer = requests.get(f"{self._world.glint.url}/healthcheck", timeout=1)
        except requests.RequestException:
            return False
        return answer.ok

    def _note(self, what: str, name: str) -> None:
        self.done[what] += 1
        LOG.info("%s %s", what, name)

    def _kill(self, rng: random.Random) -> None:
        victim = self._victim(rng)
        if victim is not None:
            self._note("kill -9", victim.name)
            victim.kill9()
            self._restart(victim, rng.choice((0.2, 2.0, LEASE + 3.0)))

    def _kill_api(self, rng: random.Random) -> None:
        api = self._world.api
        if api.running() and api.name not in self._busy:
            self._note("kill -9", api.name)
            api.kill9()
            self._restart(api, rng.uniform(0.2, 3))

    def _kill_worker(self, rng: random.Random) -> None:
        """Only the forked worker: its supervisor has to notice."""
        victim = self._victim(rng)
        workers = children(victim.pid) if victim and victim.pid else []
        if victim is not None and workers:
            self._note("kill -9 of the worker", victim.name)
            for worker in workers:
                send(worker, signal.SIGKILL)

    def _hang_up(self, rng: random.Random) -> None:
        """Only where it runs for a while: before it has its handlers, SIGHUP ends any program."""
        victim = self._victim(rng)
        young = victim is None or self._now - self._started.get(victim.name, 0) < STARTUP
        if victim is not None and not young and send(victim.pid, signal.SIGHUP):
            self._note("SIGHUP", victim.name)

    def _freeze(self, rng: random.Random) -> None:
        """For less or for more than its lease: then others take over while it still believes."""
        victim = self._victim(rng)
        if victim is not None and send(victim.pid, signal.SIGSTOP, group=True):
            self._note("SIGSTOP", victim.name)
            self._busy.add(victim.name)
            self._in(rng.choice((1.0, 4.0, LEASE + 2.0, LEASE + 5.0)), lambda: self._thaw(victim))

    def _thaw(self, victim: Process) -> None:
        send(victim.pid, signal.SIGCONT, group=True)
        self._busy.discard(victim.name)

    def _terminate(self, rng: random.Random) -> None:
        victim = self._victim(rng)
        if victim is not None and send(victim.pid, signal.SIGTERM):
            self._note("SIGTERM", victim.name)
            self._busy.add(victim.name)
            self._await_end(victim, self._now + PATIENCE, rng.uniform(0.2, 3))

    def _await_end(self, victim: Process, deadline: float, pause: float) -> None:
        if victim.running() and self._now < deadline:
            self._in(0.3, lambda: self._await_end(victim, deadline, pause))
            return
        if victim.running():
            self.wrong.append(f"{victim.name} still ran {PATIENCE:g} s after SIGTERM")
            LOG.error(self.wrong[-1])
        victim.kill9()  # and whatever of its group is left
        self._restart(victim, pause)

    def _restart(self, victim: Process, seconds: float) -> None:
        self._busy.add(victim.name)

        def start() -> None:
            LOG.info("start %s", victim.name)
            victim.start()
            self._started[victim.name] = self._now
            self._busy.discard(victim.name)

        self._in(seconds, start)

    # -- servers: they start slowly, so in threads; they do not end with the thread

    def _restart_broker(self, rng: random.Random) -> None:
        broker = self._world.broker
        assert broker is not None
        self._bounce("broker", broker.kill, broker.start, rng.uniform(0, 3))

    def _restart_database(self, rng: random.Random) -> None:
        database = self._world.database
        assert database is not None
        end = database.kill if rng.random() < 0.7 else database.stop
        self._bounce("database", end, database.start, rng.uniform(0, 4))

    def _kill_cloud(self, rng: random.Random) -> None:
        cloud = self._world.minicloud
        name = rng.choice(("alto-glance", "dair-glance", "dair-glance", "dair-keystone"))
        self._bounce(name, lambda: cloud.kill(name), lambda: cloud.revive(name), rng.uniform(0, 3))

    def _bounce(
        self, name: str, end: Callable[[], object], start: Callable[[], object], pause: float
    ) -> None:
        if name in self._busy:
            return
        self._busy.add(name)
        self._note("kill -9" if "-" in name else "restart", name)

        def work() -> None:
            try:
                end()
                threading.Event().wait(pause)
                start()
            except Exception:
                LOG.exception("%s did not come back", name)
            finally:
                self._busy.discard(name)

        thread = threading.Thread(target=work, name=f"bounce {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def calm(self) -> None:
        """No more blows: everything is started, thawed and answering when this returns.

        :raises RuntimeError: something does not come back
        """
        LOG.info("calm")
        for thread in self._threads:
            thread.join(180)
        for process in self._world.glint.processes:
            send(process.pid, signal.SIGCONT, group=True)
        # A conductor that is on its way out gets its time.
        waiting = threading.Event()
        for _ in range(int(PATIENCE)):
            ending = [p for p in self._world.conductors if p.name in self._busy and p.running()]
            if not ending:
                break
            waiting.wait(1)
        self._later.clear()
        self._busy.clear()
        self._world.mend()
