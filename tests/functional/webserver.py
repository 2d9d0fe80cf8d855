"""A web server for tests: files, redirects, ranges, and faults of its own."""

from __future__ import annotations

import http.server
import re
import threading
from typing import Any

import fixtures


class File:
    """What is served at one path.

    :ivar sized: tell the size
    :ivar ranges: understand Range
    :ivar breaks: byte positions at which a connection is cut, each once
    :ivar redirect: where to go instead
    :ivar gets: the Range headers that were sent
    """

    def __init__(self, data: bytes = b"", **values: Any) -> None:
        self.data = data
        self.sized = True
        self.ranges = True
        self.breaks: list[int] = []
        self.redirect: str | None = None
        self.status = 200
        self.etag = '"one"'
        self.gets: list[str | None] = []
        vars(self).update(values)


class WebServer(fixtures.Fixture):
    """:param port: 0 takes a free one.

    :ivar files: path -> file
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._port = port

    def _setUp(self) -> None:  # the name is the library's
        self.files: dict[str, File] = {}
        files = self.files

        class Handler(_Handler):
            served = files

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(self._server.server_close)
        self.addCleanup(self._server.shutdown)

    def serve(self, path: str, data: bytes = b"", **values: Any) -> tuple[str, File]:
        """A file; return its URL, and itself."""
        self.files[path] = File(data, **values)
        return self.url + path, self.files[path]


class _Handler(http.server.BaseHTTPRequestHandler):
    served: dict[str, File]

    def log_message(self, *_args: Any) -> None:
        """Nothing to the terminal."""

    def do_GET(self) -> None:
        file = self.served.get(self.path)
        if file is None:
            return self._end(404)
        file.gets.append(self.headers.get("Range"))
        if file.redirect is not None:
            return self._end(302, Location=file.redirect)
        if file.status != 200:
            return self._end(file.status)
        begin = 0
        wished = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wished and file.ranges:
            begin = int(wished[1])
        headers = {"ETag": file.etag}
        if file.sized:
            headers["Content-Length"] = str(len(file.data) - begin)
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(file.data) - 1}/{len(file.data)}"
        self._head(206 if begin else 200, headers)
        end = len(file.data)
        if file.breaks and file.breaks[0] > begin:
            end = file.breaks.pop(0)
        self.wfile.write(file.data[begin:end])
        self.close_connection = True
        return None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _end(self, status: int, **headers: str) -> None:
        self._head(status, {"Content-Length": "0", **headers})
