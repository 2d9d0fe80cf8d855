"""The examples of doc/source/user/client.rst do what the page says."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import pathlib
import re
from typing import Any

import fixtures
import yaml

from glint.osc import changes
from tests.unit.client.base import GLINT, KEYSTONE, ClientTestCase

USER = pathlib.Path(__file__).parents[3] / "doc" / "source" / "user"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("client_examples", USER / "client_examples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestExamples(ClientTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.examples = load()
        self.useFixture(fixtures.MonkeyPatch("time.sleep", lambda seconds: None))

    def said(self, example: str, *arguments: Any) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            getattr(self.examples, example)(self.client, *arguments)
        return out.getvalue()

    def test_each_example_is_on_the_page(self) -> None:
        page = (USER / "client.rst").read_text()
        code = (USER / "client_examples.py").read_text()
        names = re.findall(r"# \[(\w+)\]", code)
        self.assertEqual({*names} - {"end"}, set(re.findall(r":start-after: # \[(\w+)\]", page)))

    def test_connect(self) -> None:
        login = {"auth_url": KEYSTONE, "username": "ada", "password": "p", "project_name": "p"}
        domains = {"user_domain_id": "default", "project_domain_id": "default"}
        client = self.examples.connect(**login, **domains)
        self.assertEqual(f"{GLINT}/v1", client.http.base())

    def test_lists(self) -> None:
        cell = {"image_id": "i", "credential_id": "c", "error_code": "site.unreachable"}
        self.http.get(f"{GLINT}/v1/deployments", json={"deployments": [cell]})
        self.assertEqual(["i at c: site.unreachable"], self.examples.lists(self.client))
        self.assertEqual(["updated_at:desc"], self.sent()[0].qs["sort"])

    def test_deploy(self) -> None:
        self.http.get(f"{GLINT}/v1/images", json={"images": [{"id": "i"}]})
        columns = [{"id": n, "site_name": n.upper()} for n in ("alto", "dair")]
        self.http.get(f"{GLINT}/v1/credentials", json={"credentials": columns})
        operation = {"id": "o", "state": "running", "bytes_done": 1, "bytes_total": 2}
        self.http.post(f"{GLINT}/v1/operations", json={"operation": operation}, status_code=202)
        failed = {"state": "failed", "error_code": "x.y", "error_detail": "why"}
        ended = {**operation, "state": "failed", "changes": [failed]}
        self.http.get(
            f"{GLINT}/v1/operations/o",
            [{"json": {"operation": one}} for one in (operation, ended)],
        )
        said = self.said("deploy", "rescue", {"DAIR"})
        self.assertEqual("running 1 of 2 bytes\nfailed 1 of 2 bytes\nx.y why\n", said)
        (post,) = [r for r in self.sent() if r.method == "POST"]
        self.assertEqual(["dair"], [c["credential_id"] for c in post.json()["changes"]])

    def test_errors(self) -> None:
        path = f"{GLINT}/v1/images/i"
        self.http.delete(path, status_code=204)
        self.assertEqual("gone", self.examples.errors(self.client, "i"))
        self.http.delete(path, status_code=404, json={"errors": []})
        self.assertEqual("gone already", self.examples.errors(self.client, "i"))
        error = {"code": "image.in_use", "detail": "Wanted at DAIR."}
        self.http.delete(path, status_code=409, json={"errors": [error]})
        self.assertEqual("image.in_use: Wanted at DAIR.", self.examples.errors(self.client, "i"))

    def test_versions(self) -> None:
        one = {"id": "v1.0", "min_version": "1.0", "version": "1.2"}
        self.http.get(f"{GLINT}/", json={"versions": [one]})
        self.assertEqual("1.0 to 1.2", self.examples.versions(self.client))

    def test_follow(self) -> None:
        event = {"id": "1", "at": "T", "message": "m"}
        self.http.get(
            f"{GLINT}/v1/events",
            [{"json": {"events": [event]}}, {"status_code": 403, "json": {"errors": []}}],
        )
        with contextlib.suppress(Exception):
            self.said("follow")
        self.assertEqual(2, len(self.sent()))

    def test_the_file_of_wishes_is_of_its_format(self) -> None:
        found = changes.read(str(USER / "changes.yaml"))
        self.assertEqual(yaml.safe_load((USER / "changes.yaml").read_text())["changes"], found)
