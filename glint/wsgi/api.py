"""The HTTP API for any WSGI server: ``glint.wsgi.api:application``.

Configuration is read from ``glint.conf`` where oslo.config looks for it (``/etc/glint`` among
others), or from the folder that the environment variable ``OS_GLINT_CONFIG_DIR`` names.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from glint.api.middleware import WSGIApp
from glint.cmd import serving, wiring
from glint.rpc.api import RemoteConductor

CONFIG_DIR = "OS_GLINT_CONFIG_DIR"


def _build() -> WSGIApp:
    folder = os.environ.get(CONFIG_DIR)
    arguments = ["--config-file", os.path.join(folder, "glint.conf")] if folder else []
    conf = wiring.configure(arguments)
    wiring.check_combination(conf, embedded=False)
    serving.check_authentication(conf, embedded=False)
    db = wiring.make_database(conf)
    conductor = RemoteConductor(
        conf, timeout=conf.api.conductor_timeout, data=wiring.make_data_client(conf, db)
    )
    registry = wiring.service_metrics(db)
    app = serving.build_application(conf, db=db, conductor=conductor, registry=registry)
    # What is there by now, stays: looked through with each full collection, it held up one request
    # in some for longer than the request itself took.
    gc.collect()
    gc.freeze()
    return app


class _Lazy:
    """Builds the application with the first request, in the process that serves it.

    Servers fork after they imported the module; connections and threads must not exist by then.
    """

    def __init__(self, build: Callable[[], WSGIApp]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._app: WSGIApp | None = None

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        with self._lock:
            if self._app is None:
                self._app = self._build()
            app = self._app
        return app(environ, start_response)


application = _Lazy(_build)
