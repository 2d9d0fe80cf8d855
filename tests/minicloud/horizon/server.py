"""Serves Horizon with threads on loopback, its static files included."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import cheroot.wsgi

from tests.minicloud import topology

THREADS = 8
SOCKET_TIMEOUT = 60


def main() -> None:
    """Load Horizon and serve it until killed."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent))  # where its settings find ``local``
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
    for name in ("sessions", "static"):
        (pathlib.Path(os.environ["HORIZON_STATE"]) / name).mkdir(exist_ok=True)
    import django

    django.setup(set_prefix=False)
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.handlers.wsgi import WSGIHandler

    server = cheroot.wsgi.Server(
        (topology.LOOPBACK, int(os.environ["HORIZON_PORT"])),
        _one_slash(StaticFilesHandler(WSGIHandler())),
        numthreads=THREADS,
        timeout=SOCKET_TIMEOUT,
    )
    server.safe_start()


def _one_slash(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Horizon's AngularJS asks for addresses with ``//`` in them, which Apache takes for one."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        while "//" in environ["PATH_INFO"]:
            environ["PATH_INFO"] = environ["PATH_INFO"].replace("//", "/")
        return application(environ, start_response)

    return serve


if __name__ == "__main__":
    main()
