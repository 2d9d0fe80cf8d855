"""All that the API can, the commands can: routes, parameters and properties are held against them.

What no command does is named here with its reason.
"""

from __future__ import annotations

import argparse
import re
import types
from typing import Any

import testtools

from tests.unit.osc.test_plugin import commands
from tests.unit.test_contract import routes

#: Route -> the commands that are for it.
COMMANDS = {
    "GET /v1/site-types": "site type list",
    "GET /v1/site-types/{name}": "site type show",
    "GET /v1/sites": "site list",
    "POST /v1/sites": "site create",
    "GET /v1/sites/{id}": "site show",
    "PATCH /v1/sites/{id}": "site set",
    "DELETE /v1/sites/{id}": "site delete",
    "POST /v1/sites/{id}/probe": "site probe",
    "GET /v1/credentials": "credential list",
    "POST /v1/credentials": "credential create",
    "GET /v1/credentials/{id}": "credential show",
    "PATCH /v1/credentials/{id}": "credential set",
    "DELETE /v1/credentials/{id}": "credential delete",
    "POST /v1/credentials/{id}/verify": "credential verify",
    "POST /v1/credentials/{id}/scan": "credential scan",
    "GET /v1/credentials/{id}/inventory": "site image list",
    "GET /v1/images": "image list",
    "POST /v1/images": "image create",
    "GET /v1/images/{id}": "image show",
    "PATCH /v1/images/{id}": "image set, image unset",
    "DELETE /v1/images/{id}": "image delete",
    "PUT /v1/images/{id}/file": "image create",
    "GET /v1/images/{id}/file": "image save",
    "GET /v1/matrix": "matrix show",
    "GET /v1/operations": "operation list",
    "POST /v1/operations": "deploy, undeploy, save",
    "GET /v1/operations/{id}": "operation show, operation wait",
    "POST /v1/operations/{id}/cancel": "operation cancel",
    "POST /v1/operations/{id}/retry": "operation retry",
    "GET /v1/deployments": "deployment list",
    "GET /v1/deployments/{id}": "deployment show",
    "POST /v1/deployments/{id}/cancel": "deployment cancel",
    "POST /v1/deployments/{id}/retry": "deployment retry",
    "GET /v1/transfers": "transfer list",
    "GET /v1/transfers/{id}": "transfer show",
    "POST /v1/transfers/{id}/cancel": "transfer cancel",
    "POST /v1/transfers/{id}/retry": "transfer retry",
    "GET /v1/events": "event list",
    "GET /v1/quotas": "quota show",
}
#: Route -> why no command is for it.
NO_COMMAND = {
    "GET /": "every command asks it for itself when versions have to be told",
    "GET /v1": "as above",
    "GET /v1/conductors": "for the dashboard; operators have glint-manage service list",
    "GET /v1/openapi.json": "for programs that make clients; curl reads it",
}

#: Parameter or property -> the option that is for it, where that is called otherwise.
OPTIONS = {
    "site create": {
        "connection": "--connection", "enabled": "--disabled", "probe": "--no-probe",
    },
    "site set": {"connection": "--connection", "enabled": "--enable"},
    "credential create": {
        "site_id": "site", "auth": "--auth", "verify": "--no-verify",
    },
    "credential set": {"auth": "--auth"},
    "image create": {
        "credential_id": "--credential", "remote_id": "--site-image", "source_url": "--url",
        "expected": "--checksum", "properties": "--property", "tags": "--tag",
    },
    "image set": {"properties": "--property", "tags": "--tag"},
    "image unset": {"properties": "--property", "tags": "--tag"},
    "deploy": {"changes": "--to"},
    "undeploy": {"changes": "--from"},
    "save": {"changes": "file"},
}  # fmt: skip
#: Parameter or property -> why no option is for it.
NO_OPTION = {
    "generation": "commands name the one that they have read",
    "fields": "-c chooses columns",
    "changes_since": "for programs that show the matrix all the time",
}


def parser_of(name: str) -> argparse.ArgumentParser:
    app: Any = types.SimpleNamespace()
    found: argparse.ArgumentParser = commands()[f"glint_{name.replace(' ', '_')}"](
        app, None
    ).get_parser(name)
    return found


def options_of(name: str) -> set[str]:
    """Option strings, and the names of positional arguments."""
    return {
        option
        for action in parser_of(name)._actions
        for option in (action.option_strings or [action.dest])
    }


class CoverageTest(testtools.TestCase):
    def test_every_route_has_a_command(self) -> None:
        known = {f"{method} {path}" for path, method, _ in routes()}
        self.assertEqual(known, {*COMMANDS, *NO_COMMAND})
        self.assertEqual(set(), {*COMMANDS} & {*NO_COMMAND})
        existing = {name.removeprefix("glint_").replace("_", " ") for name in commands()}
        used = {command for text in COMMANDS.values() for command in text.split(", ")}
        self.assertEqual(existing, used)

    def test_every_parameter_has_an_option(self) -> None:
        """What one command of a route lacks, another may have."""
        for path, method, spec in routes():
            route = f"{method} {path}"
            if route in NO_COMMAND:
                continue
            names = COMMANDS[route].split(", ")
            known = {name: options_of(name) for name in names}
            filters = set(spec.listing.filters) if spec.listing else set()
            body = spec.body.schema.get("properties", {}) if spec.body else {}
            for parameter in {*spec.query, *body} - {*NO_OPTION}:
                if parameter in filters and any("--filter" in known[name] for name in names):
                    continue
                plain = f"--{parameter.replace('_', '-')}"
                self.assertTrue(
                    any(
                        {OPTIONS.get(name, {}).get(parameter), plain, parameter} & known[name]
                        for name in names
                    ),
                    f"{route}: no option of {names} is for {parameter!r}",
                )

    def test_examples_of_lists_are_understood(self) -> None:
        for path, method, spec in routes():
            if spec.listing is None:
                continue
            (name,) = COMMANDS[f"{method} {path}"].split(", ")
            help_of = {a.dest: str(a.help) for a in parser_of(name)._actions}
            with self.subTest(name):
                keys = re.findall(r"such as (\S+)", help_of["sort"])[0].split(",")
                for key in keys:
                    self.assertIn(key.partition(":")[0], spec.listing.sort)
                (pair,) = re.findall(r"such as (\S+)", help_of["filter"])
                field, _, value = pair.partition("=")
                operator = value.partition(":")[0]
                self.assertIn(operator, spec.listing.filters[field].allowed)
                self.assertIn("default: ", help_of["limit"])
