from __future__ import annotations

import pathlib
from typing import Any

import fixtures

from glint.osc.site import CreateSite, ListSiteType, ProbeSite, SetSite, ShowSiteType
from tests.unit.client.base import GLINT
from tests.unit.osc.base import DAIR, OscTestCase


class TestSiteTypes(OscTestCase):
    def test_list_and_show(self) -> None:
        kind = {"name": "openstack", "description": "d", "auth_schemas": {"password": {}, "a": {}}}
        self.http.get(f"{GLINT}/v1/site-types", json={"site_types": [kind]})
        self.http.get(f"{GLINT}/v1/site-types/openstack", json={"site_type": kind})

        self.assertEqual(
            [{"Name": "openstack", "Description": "d", "Auth Types": ["a", "password"]}],
            self.json(ListSiteType),
        )
        self.assertEqual(kind, self.json(ShowSiteType, "openstack"))


class TestCreate(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.http.post(f"{GLINT}/v1/sites", json={"site": DAIR}, status_code=201)

    def sent_by(self, *argv: str) -> dict[str, Any]:
        self.command(CreateSite, "DAIR", *argv)
        return self.body()

    def test_least(self) -> None:
        self.assertEqual(
            {
                "name": "DAIR",
                "type": "openstack",
                "connection": {"auth_url": "http://k"},
                "enabled": True,
                "shared": False,
                "probe": True,
            },
            self.sent_by("--auth-url", "http://k"),
        )

    def test_everything(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (folder / "ca.pem").write_text("PEM\n")
        argv = "--type other --region R --interface internal --insecure-tls --max-transfers 9"
        body = self.sent_by(
            *argv.split(),
            *("--shared", "--disabled", "--no-probe", "--ca-cert", str(folder / "ca.pem")),
            *("--connection", "a=1", "--connection", "b=one=two", "--connection", 'c={"d": []}'),
        )

        self.assertEqual(
            {
                "name": "DAIR",
                "type": "other",
                "connection": {
                    "region": "R",
                    "interface": "internal",
                    "ca_cert": "PEM\n",
                    "insecure": True,
                    "a": 1,
                    "b": "one=two",
                    "c": {"d": []},
                },
                "enabled": False,
                "shared": True,
                "probe": False,
                "max_transfers": 9,
            },
            body,
        )

    def test_wrong_arguments(self) -> None:
        self.assertIn("KEY=VALUE", self.fails(CreateSite, "S", "--connection", "a"))
        self.assertIn("cannot be read", self.fails(CreateSite, "S", "--ca-cert", "/nowhere.pem"))
        self.assertIn("above 0", self.refused(CreateSite, "S", "--max-transfers", "0"))
        self.assertEqual([], self.sent())


class TestSet(OscTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("sites", {**DAIR, "generation": 4, "connection": {"auth_url": "u", "a": "b"}})
        self.http.patch(f"{GLINT}/v1/sites/{DAIR['id']}", json={"site": DAIR})

    def test_only_what_is_given_with_the_generation_that_was_read(self) -> None:
        self.command(SetSite, "DAIR", "--disable")
        self.assertEqual({"enabled": False, "generation": 4}, self.body("PATCH"))

    def test_the_rest_of_the_connection_stays(self) -> None:
        self.command(SetSite, "DAIR", "--region", "R", "--name", "N")
        self.assertEqual(
            {
                "name": "N",
                "connection": {"auth_url": "u", "a": "b", "region": "R"},
                "generation": 4,
            },
            self.body("PATCH"),
        )

    def test_a_connection_value_can_be_forgotten(self) -> None:
        self.command(SetSite, "DAIR", "--unset-connection", "a", "--region", "R")
        self.assertEqual({"auth_url": "u", "region": "R"}, self.body("PATCH")["connection"])
        said = self.fails(SetSite, "DAIR", "--unset-connection", "ca_cert")
        self.assertIn("no connection value 'ca_cert'; it has: a, auth_url", said)

    def test_nothing_is_an_error(self) -> None:
        self.assertIn("Nothing to change", self.fails(SetSite, "DAIR"))


class TestProbe(OscTestCase):
    def test_exit_code_says_how_the_site_is(self) -> None:
        self.serve("sites", DAIR)
        well = {**DAIR, "health": "ok"}
        ill = {**DAIR, "health": "failing", "health_code": "site.tls_failed", "health_detail": "CA"}
        self.http.post(
            f"{GLINT}/v1/sites/{DAIR['id']}/probe", [{"json": {"site": s}} for s in (well, ill)]
        )

        self.assertEqual("ok", self.json(ProbeSite, "DAIR")["health"])
        self.assertEqual(
            "Site DAIR is not well: site.tls_failed: CA", self.fails(ProbeSite, "DAIR")
        )
        self.assertIn("site.tls_failed", self.out.getvalue())
