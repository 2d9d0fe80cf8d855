"""Commands with a real client, whose service is requests-mock, and a caught terminal."""

from __future__ import annotations

import argparse
import io
import json
import types
from typing import Any

import fixtures
from osc_lib import exceptions

from glint.osc import base
from tests.unit.client.base import GLINT, ClientTestCase

ALTO = {"id": "5a0e0000-0000-4000-8000-00000000a170", "name": "ALTO", "type": "openstack"}
DAIR = {"id": "5a0e0000-0000-4000-8000-00000000da18", "name": "DAIR", "type": "openstack"}
IMAGE = {
    "id": "13a9e000-0000-4000-8000-000000000001",
    "name": "rescue",
    "size": 5242880,
    "disk_format": "iso",
    "os_hash_algo": "sha512",
    "os_hash_value": "abcdef0123456789" * 8,
}
AT_ALTO = {
    "id": "c4ed0000-0000-4000-8000-00000000a170",
    "name": "ALTO (hep)",
    "site_id": ALTO["id"],
    "site_name": "ALTO",
    "shared": True,
}
AT_DAIR = {
    "id": "c4ed0000-0000-4000-8000-00000000da18",
    "name": "DAIR (hep)",
    "site_id": DAIR["id"],
    "site_name": "DAIR",
    "shared": False,
}

#: A name that clears the screen, turns the text and forges a line.
HOSTILE = "evil\x1b[2J\x9b31m\u202egpj\nX forged"


class Terminal(io.StringIO):
    def __init__(self, tty: bool = False) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


class OscTestCase(ClientTestCase):
    """``self.out`` and ``self.err`` hold what a command has said."""

    def setUp(self) -> None:
        super().setUp()
        self.err = Terminal()
        self.useFixture(fixtures.MonkeyPatch("sys.stderr", self.err))
        self.out = Terminal()
        self.options = argparse.Namespace(verbose_level=1)

    def serve(self, many: str, *things: dict[str, Any]) -> None:
        """Let a collection answer: by id, by equality of what is asked for, and as a whole."""

        def answer(request: Any, context: Any) -> dict[str, Any]:
            asked = {k: v[0].removeprefix("eq:") for k, v in request.qs.items() if k != "limit"}
            found = [t for t in things if all(str(t.get(k)).lower() == asked[k] for k in asked)]
            return {many.replace("-", "_"): found}

        self.http.get(f"{GLINT}/v1/{many}", json=answer)
        for thing in things:
            one = many.replace("-", "_").removesuffix("s")
            self.http.get(f"{GLINT}/v1/{many}/{thing['id']}", json={one: thing})

    def refuse(self, method: str, path: str, status: int, code: str, detail: str) -> None:
        body = {"errors": [{"status": status, "code": code, "detail": detail}]}
        self.http.register_uri(method, f"{GLINT}/v1{path}", status_code=status, json=body)

    def command(self, kind: type[base.Glint], *argv: str, code: int = 0, tty: bool = False) -> str:
        """Run a command as the openstack client does; its standard output.

        :raises CommandError: where the exit code would be 1.
        """
        self.out = Terminal(tty)
        manager = types.SimpleNamespace(image_distribution=self.client)
        app: Any = types.SimpleNamespace(client_manager=manager, stdout=self.out)
        command = kind(app, self.options)
        args = command.get_parser("openstack").parse_args(list(argv))
        self.assertEqual(code, command.run(args) or 0)
        return self.out.getvalue()

    def json(self, kind: type[base.Glint], *argv: str) -> Any:
        return json.loads(self.command(kind, *argv, "-f", "json"))

    def fails(self, kind: type[base.Glint], *argv: str) -> str:
        """What a command says when it fails."""
        error = self.assertRaises(exceptions.CommandError, self.command, kind, *argv)
        return str(error)

    def late(self, kind: type[base.Glint], *argv: str) -> str:
        """What a command says when the time was over: its exit code is 3."""
        self.command(kind, *argv, code=3)
        return self.err.getvalue()

    def refused(self, kind: type[base.Glint], *argv: str) -> str:
        """What the parser says about wrong arguments."""
        error = self.assertRaises(SystemExit, self.command, kind, *argv)
        self.assertEqual(2, error.code)
        return self.err.getvalue()

    def body(self, method: str = "POST") -> dict[str, Any]:
        """What the service was sent last."""
        request = [r for r in self.sent() if r.method == method][-1]
        return dict(request.json())
