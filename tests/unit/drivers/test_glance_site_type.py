from __future__ import annotations

from typing import Any

import jsonschema
import testtools

from glint.drivers.glance.site_type import OPENSTACK
from tests.unit.drivers import fakes

APP = {
    "auth_type": "v3applicationcredential",
    "application_credential_id": "f" * 32,
    "application_credential_secret": "hush",
}
PEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"


def accepts(schema: Any, value: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


class TestSiteType(testtools.TestCase):
    def test_schemas_are_valid_and_described(self) -> None:
        for schema in (OPENSTACK.connection_schema, *OPENSTACK.auth_schemas.values()):
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertIs(False, schema["additionalProperties"])
            for name, rule in schema["properties"].items():
                self.assertTrue(rule["description"], name)
                self.assertTrue(
                    {"maxLength", "enum", "const"} & set(rule) or rule["type"] == "boolean", name
                )

    def test_secrets_are_named_and_marked(self) -> None:
        self.assertEqual({"password", "application_credential_secret"}, OPENSTACK.secret_fields)
        marked = {
            name
            for schema in OPENSTACK.auth_schemas.values()
            for name, rule in schema["properties"].items()
            if rule.get("writeOnly")
        }
        self.assertEqual(OPENSTACK.secret_fields, marked)

    def test_connections(self) -> None:
        schema = OPENSTACK.connection_schema
        url = "https://cloud.example.org:5000/v3"
        good: list[dict[str, Any]] = [
            {"auth_url": url},
            {"auth_url": "http://[::1]:5000"},
            {"auth_url": url, "region": "R", "interface": "internal", "ca_cert": PEM},
            {"auth_url": url, "insecure": True},
            {"auth_url": url, "server_side_import": False},
        ]
        bad: list[dict[str, Any]] = [
            {},
            {"auth_url": "ftp://cloud.example.org"},
            {"auth_url": "cloud.example.org:5000"},
            {"auth_url": "https://kim:pw@cloud.example.org"},
            {"auth_url": "https://cloud.example.org/v3?x=1"},
            {"auth_url": "https://cloud.example.org/v3#x"},
            {"auth_url": "https://cloud.example.org/v3\n"},
            {"auth_url": "https://cloud.example.org/" + "x" * 2048},
            {"auth_url": url, "interface": "private"},
            {"auth_url": url, "ca_cert": "/etc/ssl/ca.pem"},
            {"auth_url": url, "insecure": "yes"},
            {"auth_url": url, "region": ""},
            {"auth_url": url, "other": 1},
        ]
        self.assertEqual([], [value for value in good if not accepts(schema, value)])
        self.assertEqual([], [value for value in bad if accepts(schema, value)])

    def test_passwords(self) -> None:
        schema = OPENSTACK.auth_schemas["password"]
        ids = {"auth_type": "password", "user_id": "u", "password": "x", "project_id": "p"}
        good = [fakes.auth(), ids, fakes.auth(user_domain_name="D", project_domain_id="d")]
        without_project = {k: v for k, v in fakes.auth().items() if k != "project_name"}
        bad = [
            {},
            without_project,
            fakes.auth(user_id="both"),
            fakes.auth(project_id="both"),
            fakes.auth(user_domain_id="d", user_domain_name="D"),
            fakes.auth(password=""),
            fakes.auth(password="x" * 5000),
            fakes.auth(auth_type="v3applicationcredential"),
            fakes.auth(token="t"),
        ]
        self.assertEqual([], [value for value in good if not accepts(schema, value)])
        self.assertEqual([], [value for value in bad if accepts(schema, value)])

    def test_application_credentials(self) -> None:
        schema = OPENSTACK.auth_schemas["v3applicationcredential"]
        self.assertTrue(accepts(schema, APP))
        for name in APP:
            self.assertFalse(accepts(schema, {k: v for k, v in APP.items() if k != name}), name)
        self.assertFalse(accepts(schema, {**APP, "password": "x"}))
