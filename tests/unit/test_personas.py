"""Every route as every persona: who gets in is written down here, and nowhere guessed."""

from __future__ import annotations

import sys
import uuid

from tests.unit.api.base import ApiTestCase
from tests.unit.test_contract import routes

#: Persona and the token of the tests that has its roles; None: no token at all.
PERSONAS: dict[str, str | None] = {
    "nobody": None,
    "stranger": "stranger",
    "service": "sven",
    "reader": "rita",
    "member": "alice",
    "manager": "mona",
    "admin": "root",
}
EVERYBODY = frozenset(PERSONAS)
READERS = frozenset({"reader", "member", "manager", "admin"})
MEMBERS = READERS - {"reader"}
ADMINS = frozenset({"admin"})

EXPECTED: dict[str, frozenset[str]] = {
    "GET /": EVERYBODY,
    "GET /v1": READERS,
    "GET /v1/openapi.json": READERS,
    "GET /v1/site-types": READERS,
    "GET /v1/site-types/{name}": READERS,
    "GET /v1/sites": READERS,
    "POST /v1/sites": MEMBERS,
    "GET /v1/sites/{id}": READERS,
    "PATCH /v1/sites/{id}": MEMBERS,
    "DELETE /v1/sites/{id}": MEMBERS,
    "POST /v1/sites/{id}/probe": MEMBERS,
    "GET /v1/credentials": READERS,
    "POST /v1/credentials": MEMBERS,
    "GET /v1/credentials/{id}": READERS,
    "PATCH /v1/credentials/{id}": MEMBERS,
    "DELETE /v1/credentials/{id}": MEMBERS,
    "POST /v1/credentials/{id}/verify": MEMBERS,
    "POST /v1/credentials/{id}/scan": MEMBERS,
    "GET /v1/credentials/{id}/inventory": READERS,
    "GET /v1/images": READERS,
    "POST /v1/images": MEMBERS,
    "GET /v1/images/{id}": READERS,
    "PATCH /v1/images/{id}": MEMBERS,
    "DELETE /v1/images/{id}": MEMBERS,
    "PUT /v1/images/{id}/file": MEMBERS,
    "GET /v1/images/{id}/file": READERS,
    "GET /v1/matrix": READERS,
    "GET /v1/operations": READERS,
    "POST /v1/operations": MEMBERS,
    "GET /v1/operations/{id}": READERS,
    "POST /v1/operations/{id}/cancel": MEMBERS,
    "POST /v1/operations/{id}/retry": MEMBERS,
    "GET /v1/deployments": READERS,
    "GET /v1/deployments/{id}": READERS,
    "POST /v1/deployments/{id}/cancel": MEMBERS,
    "POST /v1/deployments/{id}/retry": MEMBERS,
    "GET /v1/transfers": READERS,
    "GET /v1/transfers/{id}": READERS,
    "POST /v1/transfers/{id}/cancel": MEMBERS,
    "POST /v1/transfers/{id}/retry": MEMBERS,
    "GET /v1/events": READERS,
    "GET /v1/quotas": READERS,
    "GET /v1/conductors": ADMINS,
}


class PersonasTest(ApiTestCase):
    def test_every_route_as_every_persona(self) -> None:
        table: dict[str, frozenset[str]] = {}
        for path, method, spec in routes():
            table[f"{method} {path}"] = self.let_in(method, path)
            if spec.all_projects:
                table[f"{method} {path}?all_projects=true"] = self.let_in(
                    method, f"{path}?all_projects=true"
                )
        sys.stdout.write(as_text(table))
        for route, seen in table.items():
            plain, _, every = route.partition("?")
            self.assertIn(
                plain, EXPECTED, f"say in {__name__} (EXPECTED) who may {plain}, and in its docs"
            )
            self.assertEqual(ADMINS if every else EXPECTED[plain], seen, route)
        self.assertEqual(set(), set(EXPECTED) - set(table), "these routes are gone")

    def let_in(self, method: str, path: str) -> frozenset[str]:
        """The personas that the route lets in, whatever it answers them then."""
        url = path.replace("{id}", str(uuid.uuid4())).replace("{name}", "openstack")
        found = set()
        for persona, token in PERSONAS.items():
            answer = self.call(method, url, who=token)
            if answer.status == 401:
                self.assertEqual("nobody", persona, f"{method} {path}")
            elif answer.status == 403:
                self.assertEqual("request.forbidden", answer.error["code"])
            else:
                self.assertLess(answer.status, 500, f"{method} {path} as {persona}")
                found.add(persona)
        return frozenset(found)


def as_text(table: dict[str, frozenset[str]]) -> str:
    """The table for people: routes down, personas across."""
    width = max(map(len, table))
    lines = [" " * width + "  " + "  ".join(PERSONAS)]
    for route, seen in table.items():
        cells = ("x".center(len(p)) if p in seen else "-".center(len(p)) for p in PERSONAS)
        lines.append(f"{route:{width}}  " + "  ".join(cells))
    return "\n".join(lines) + "\n"
