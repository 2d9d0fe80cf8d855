"""``glint-all``: API and conductor in one process with SQLite, for newcomers and small sites."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from cheroot import wsgi
from oslo_config import cfg

from glint.cmd import serving, wiring
from glint.cmd.bodies import Gateway
from glint.conductor.manager import Manager
from glint.db.api import Database
from glint.metrics import Registry
from glint.rpc.api import ConductorClient, RemoteConductor
from glint.rpc.server import Server

LOG = logging.getLogger(__name__)

#: Seconds that requests at work get to end.
API_GRACE = 5

#: Seconds without a byte after which a request, such as an upload, is given up.
BODY_TIMEOUT = 60

#: Bytes of a request's line and headers. A token has a few KiB.
HEADER_LIMIT = 64 * 1024


class AllInOne:
    """One process: an HTTP server in a thread, and a conductor."""

    def __init__(self, conf: cfg.ConfigOpts, db: Database) -> None:
        self._conf = conf
        own = Registry()
        self._manager: Manager = wiring.make_manager(conf, db, own)
        self._metrics = wiring.serve_metrics(conf, own)
        # What names sites is behind the token of the API's page only.
        registry = wiring.service_metrics(db)
        registry.register(own)
        # Local dispatch: the API calls the conductor's methods directly. With fake:// it goes the
        # way of the messages between processes, for tests of it.
        self._rpc: Server | None = None
        conductor: ConductorClient = self._manager
        if conf.rpc_transport != "local":
            self._rpc = Server(conf, self._manager.settings.owner, self._manager)
            conductor = RemoteConductor(conf, timeout=conf.api.conductor_timeout)
        application = serving.build_application(conf, db=db, conductor=conductor, registry=registry)
        self._server = wsgi.Server(
            (conf.api.bind_host, conf.api.port),
            application,
            numthreads=conf.api.threads,
            timeout=BODY_TIMEOUT,
            shutdown_timeout=API_GRACE,
            server_name="glint",
        )
        self._server.gateway = Gateway
        # cheroot has no limit of its own. Bodies are measured where they are read.
        self._server.max_request_header_size = HEADER_LIMIT
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)
        self._ended = threading.Event()
        self.exit_code = 0

    def _serve(self) -> None:
        try:
            self._server.serve()
        except Exception:
            LOG.exception("the API server ended")
            self.exit_code = 1
            self._ended.set()

    def run(self) -> int:
        """Serve until :meth:`stop`; returns the exit code."""
        self._server.prepare()
        host, port = self._server.bind_addr[:2]
        LOG.info("API at http://%s:%s", host, port)
        self._manager.recover()
        self._manager.start()
        if self._rpc is not None:
            self._rpc.start()
        self._thread.start()
        self._ended.wait()
        # First nobody brings new work, then the work at hand ends.
        self._server.stop()
        if self._rpc is not None:
            self._rpc.stop()
        self._manager.close()
        for server in self._metrics:
            server.close()
        return self.exit_code

    def reload(self) -> None:
        """SIGHUP: options that may change at run time do."""
        self._manager.settings.follow(self._conf)

    def stop(self, *_signal: object) -> None:
        """SIGTERM or SIGINT."""
        self._ended.set()


def main() -> None:
    """Entry point."""
    # A reload that comes before there is something to reload must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    conf = wiring.configure(sys.argv[1:])
    wiring.check_combination(conf, embedded=True)
    serving.check_authentication(conf, embedded=True)
    wiring.check_notifications(conf)
    lock = wiring.lock_database(conf)
    service = AllInOne(conf, wiring.make_database(conf))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, service.stop)
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    with lock:
        sys.exit(service.run())
