"""The audit trail, with the map that Glint ships."""

from __future__ import annotations

import ast
import pathlib
import re
from typing import Any

from tests.unit.api import base

MAP = pathlib.Path(__file__).resolve().parents[3] / "etc" / "glint" / "api_audit_map.conf"


class AuditTest(base.ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("audit_map_file", str(MAP), "api")
        # Registers the options that are set next.
        self.make_app()
        group = "audit_middleware_notifications"
        self.conf.set_override("use_oslo_messaging", False, group)
        self.app = self.make_app()

    def trail(self) -> list[dict[str, Any]]:
        """The events that tell how a request ended."""
        found = re.findall(
            r"Event type: audit\.http\.response, Context: .*?, Payload: (\{.*\})$",
            self.log.output,
            re.MULTILINE,
        )
        return [ast.literal_eval(text) for text in found]

    def test_who_did_what_and_how_it_ended(self) -> None:
        site = self.make_site()
        self.call("DELETE", f"/v1/sites/{site['id']}", expect=204)
        self.call("DELETE", f"/v1/sites/{site['id']}", expect=404)
        made, removed, failed = self.trail()
        self.assertEqual(["create", "delete", "delete"], [e["action"] for e in self.trail()])
        self.assertEqual("alice-id", made["initiator"]["id"])
        self.assertEqual(["success", "success", "failure"], [e["outcome"] for e in self.trail()])
        self.assertEqual("404", failed["reason"]["reasonCode"])
        self.assertIn("/v1/sites", removed["requestPath"])

    def test_reading_leaves_no_trace_and_secrets_never_do(self) -> None:
        site = self.make_site()
        self.call("GET", "/v1/sites", expect=200)
        body = {"site_id": site["id"], "auth": base.AUTH}
        self.call("POST", "/v1/credentials", body)
        self.assertEqual(2, len(self.trail()))
        self.assertNotIn(base.PASSWORD, self.log.output)

    def test_off_unless_it_is_wanted(self) -> None:
        self.conf.set_override("audit_map_file", None, "api")
        self.app = self.make_app()
        self.make_site()
        self.assertEqual([], self.trail())
