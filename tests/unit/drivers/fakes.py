"""Clouds that answer what a test says: canned answers, and a server on a real socket."""

from __future__ import annotations

import dataclasses
import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Self

from glint.objects import Image, Stamp

AUTH_URL = "http://keystone.example.org:5000/v3"
IMAGE_URL = "http://glance.example.org:9292"
PROJECT = "0123456789abcdef0123456789abcdef"
SECRET = "Ex4mple-hush&<pw>"
STAMP = Stamp(deployment_id="dep-1", image_id="img-1", transfer_id="tra-1")


def auth(**more: Any) -> dict[str, Any]:
    """A credential as ``auth_schemas["password"]`` wants it."""
    base = {"auth_type": "password", "username": "kim", "password": SECRET, "project_name": "hep"}
    return {**base, **more}


def endpoint(
    url: str = IMAGE_URL, region: str = "alto", interface: str = "public"
) -> dict[str, str]:
    return {
        "id": f"{region}-{interface}",
        "url": url,
        "region": region,
        "region_id": region,
        "interface": interface,
    }


def token_body(*endpoints: dict[str, str], lifetime: float = 3600) -> dict[str, Any]:
    """Keystone's answer to a login.

    :param lifetime: seconds until the token ends
    """
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=lifetime)
    return {
        "token": {
            "methods": ["password"],
            "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "project": {"id": PROJECT, "name": "hep", "domain": {"id": "default", "name": "D"}},
            "user": {"id": "u1", "name": "kim", "domain": {"id": "default", "name": "D"}},
            "roles": [{"id": "r1", "name": "member"}],
            "catalog": [
                {
                    "id": "s1",
                    "type": "image",
                    "name": "glance",
                    "endpoints": list(endpoints or (endpoint(),)),
                }
            ],
        }
    }


def record(ident: str = "11111111-2222-3333-4444-555555555555", **more: Any) -> dict[str, Any]:
    """An image as Glance shows it."""
    return {
        "id": ident,
        "name": "an image",
        "status": "active",
        "size": 1000,
        "os_hash_algo": "sha512",
        "os_hash_value": "ab" * 64,
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 0,
        "min_ram": 0,
        "visibility": "private",
        "protected": False,
        "os_hidden": False,
        "owner": PROJECT,
        "tags": [],
        "self": f"/v2/images/{ident}",
        **more,
    }


def image(**more: Any) -> Image:
    """An image of the catalogue."""
    now = datetime.datetime(2026, 1, 1)  # noqa: DTZ001 - Glint's own times are naive UTC
    values: dict[str, Any] = {
        "id": "img-1",
        "project_id": "p",
        "user_id": None,
        "name": "an image",
        "size": 1000,
        "os_hash_algo": "sha512",
        "os_hash_value": "ab" * 64,
        "digests": {},
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 0,
        "min_ram": 0,
        "protected": False,
        "os_hidden": False,
        "properties": {},
        "tags": (),
        "generation": 1,
        "created_at": now,
        "updated_at": now,
    }
    return Image(**{**values, **more})


@dataclasses.dataclass
class Request:
    """One request as it came in; its body is still in ``stream``."""

    method: str
    path: str
    headers: Mapping[str, str]
    stream: BinaryIO
    sock: socket.socket

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer; ``Content-Length`` is that of ``body`` unless given."""
        all_headers = {"Content-Length": str(len(body)), **(headers or {})}
        lines = [f"HTTP/1.1 {status} Said"] + [f"{k}: {v}" for k, v in all_headers.items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def body(self) -> bytes:
        """The rest of the request's body."""
        return self.stream.read(int(self.headers.get("content-length", "0")))


class HangUp(Exception):
    """A handler wants the connection closed now."""


Handler = Callable[[Request], None]


class SocketCloud:
    """Keystone and Glance on one loopback port, whose handlers have the socket in their hands.

    :param tls: what to serve TLS with
    :param lifetime: seconds that its tokens are good for
    :ivar logins: how many tokens were given: ``token-1``, ``token-2``, ...
    """

    def __init__(self, tls: ssl.SSLContext | None = None, lifetime: float = 3600) -> None:
        self._tls = tls
        self._lifetime = lifetime
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.logins = 0
        self.seen: list[tuple[str, str]] = []
        self._handlers: dict[tuple[str, str], Handler] = {("POST", "/v3/auth/tokens"): self._login}
        self._open: list[socket.socket] = []

    def on(self, method: str, path: str, handler: Handler) -> None:
        """Let ``handler`` answer these requests."""
        self._handlers[method, path] = handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for sock in (self._listener, *self._open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls is None and sock.recv(1, socket.MSG_PEEK) == b"\x16":
                # What a server of plain HTTP says to the beginning of a TLS handshake.
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            with sock.makefile("rb") as stream:
                while self._one(sock, stream):
                    pass
        except (OSError, HangUp, ValueError):
            pass
        finally:
            sock.close()

    def _one(self, sock: socket.socket, stream: BinaryIO) -> bool:
        line = stream.readline(65536)
        if not line:
            return False
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while (raw := stream.readline(65536)) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        request = Request(method, path, headers, stream, sock)
        self.seen.append((method, path))
        handler = self._handlers.get((method, path.partition("?")[0]))
        if handler is None:
            request.body()
            request.answer(404)
        else:
            handler(request)
        return True

    def _login(self, request: Request) -> None:
        request.body()
        self.logins += 1
        body = token_body(endpoint(self.url), lifetime=self._lifetime)
        request.answer(
            201,
            json.dumps(body).encode(),
            {"X-Subject-Token": f"token-{self.logins}", "Content-Type": "application/json"},
        )
