"""``glint-conductor``: carries out what users wish. Any number of them, on any number of hosts."""

from __future__ import annotations

import signal
import sys
from typing import Any

import cotyledon
import cotyledon.types
from oslo_config import cfg

from glint.cmd import wiring
from glint.conductor.manager import Manager
from glint.metrics import Registry
from glint.rpc.server import Server


class ConductorService(cotyledon.Service):
    """The forked worker. Whatever holds a socket or a thread begins in ``run``, after the fork."""

    name = "glint-conductor"

    def __init__(self, worker_id: cotyledon.types.WorkerId, conf: cfg.ConfigOpts) -> None:
        super().__init__(worker_id)
        self._conf = conf
        self._parts: list[Any] = []
        self._manager: Manager | None = None

    def run(self) -> None:
        """Start the engine first: it works from the database, broker or not."""
        registry = Registry()
        manager = wiring.make_manager(self._conf, wiring.make_database(self._conf), registry)
        data = wiring.serve_data(self._conf, manager)
        manager.start()
        self._manager = manager
        # Its figures are of interest until the last copy has ended.
        self._parts = [*data, manager, *wiring.serve_metrics(self._conf, registry)]
        server = Server(self._conf, manager.settings.owner, manager)
        server.start()
        self._parts.insert(0, server)

    def terminate(self) -> None:
        """SIGTERM: stop listening, then drain."""
        for part in self._parts:
            stop = getattr(part, "stop", None) or part.close
            stop()

    def reload(self) -> None:
        """SIGHUP: options that may change at run time do, in this very process."""
        if self._manager is not None:
            self._manager.settings.follow(self._conf)


def main() -> None:
    """Entry point."""
    # A reload that comes before there is something to reload must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    conf = wiring.configure(sys.argv[1:])
    wiring.check_combination(conf, embedded=False)
    wiring.check_notifications(conf)
    # The drain ends by itself; the supervisor's limit is for what hangs.
    limit = conf.conductor.graceful_shutdown_timeout + 60
    services = cotyledon.ServiceManager(graceful_shutdown_timeout=limit)
    services.add(ConductorService, workers=1, args=(conf,))
    services.run()
