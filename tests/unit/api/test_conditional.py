"""ETag and If-Match, and Idempotency-Key."""

from __future__ import annotations

import datetime
import threading
from typing import Any

from glint import exception
from glint.db import idempotency, models
from tests.unit.api.base import AUTH, CONNECTION, PASSWORD, Answer, ApiTestCase

SITE = {"name": "DAIR", "type": "openstack", "connection": CONNECTION}


class EtagTest(ApiTestCase):
    def test_what_a_client_knows_is_not_sent_again(self) -> None:
        site = self.make_site()
        column = self.make_credential(site["id"])
        image = self.make_image(column["id"])
        for path in (
            "/v1/matrix", "/v1/images", f"/v1/images/{image['id']}", f"/v1/sites/{site['id']}",
            f"/v1/credentials/{column['id']}", "/v1/site-types/openstack", "/v1", "/",
        ):  # fmt: skip
            tag = self.call("GET", path, expect=200).headers["ETag"]
            self.assertRegex(tag, r'^W/"([0-9]+-)?[0-9a-f]{16}"$')
            for known in (tag, f'"other", {tag}', "*"):
                answer = self.call("GET", path, headers={"If-None-Match": known}, expect=304)
                self.assertEqual(("", tag), (answer.text, answer.headers["ETag"]))
            self.call("GET", path, headers={"If-None-Match": 'W/"other"'}, expect=200)
        known = {"If-None-Match": self.call("GET", "/v1/matrix").headers["ETag"]}
        self.call("PATCH", f"/v1/images/{image['id']}", {"name": "new"}, expect=200)
        self.call("GET", "/v1/matrix", headers=known, expect=200)

    def test_changes_only_of_what_was_seen(self) -> None:
        site = self.make_site()
        column = self.make_credential(site["id"], who="root")
        image = self.make_image(column["id"], who="root")
        for kind, ident, body in (
            ("image", image["id"], {"name": "new"}),
            ("site", site["id"], {"max_transfers": 7}),
            ("credential", column["id"], {"shared": True}),
        ):
            url, who = f"/v1/{kind}s/{ident}", "root"
            stale = self.call("GET", url, who=who).headers["ETag"]
            changed = self.call("PATCH", url, body, who=who, headers={"If-Match": stale})
            self.assertEqual(200, changed.status, changed.text)
            for method, sent in (("PATCH", body), ("DELETE", None)):
                answer = self.refused(
                    "request.precondition_failed", 412, method, url, sent, who=who,
                    headers={"If-Match": stale},
                )  # fmt: skip
                self.assertEqual(changed.body[kind]["generation"],
                                 answer.error["fresh"]["generation"])  # fmt: skip
            both = {**body, "generation": 1}
            fresh = {"If-Match": changed.headers["ETag"]}
            self.refused("request.invalid", 400, "PATCH", url, both, who=who, headers=fresh)
            self.refused(f"{kind}.generation_conflict", 409, "PATCH", url, both, who=who)
            for foreign in ('"abc"', "nonsense", 'W/""'):
                self.refused("request.precondition_failed", 412, "PATCH", url, body, who=who,
                             headers={"If-Match": foreign})  # fmt: skip
            self.call("PATCH", url, body, who=who, headers={"If-Match": "*"}, expect=200)


class IdempotencyTest(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        site = self.make_site("CERN")
        source = self.make_credential(site["id"])
        image = self.make_image(source["id"])
        self.conductor.remote_project = ("remote-2", "chemistry")
        target = self.make_credential(site["id"])
        wish = {"image_id": image["id"], "credential_id": target["id"], "wanted": True}
        self.wish, self.source = {"changes": [wish]}, source

    def post(self, path: str, body: Any, key: str = "k1", who: str = "alice") -> Answer:
        return self.call("POST", path, body, who=who, headers={"Idempotency-Key": key})

    def test_the_same_save_is_one_operation(self) -> None:
        first = self.post("/v1/operations", self.wish)
        again = self.post("/v1/operations", self.wish)
        self.assertEqual((202, 202), (first.status, again.status), again.text)
        self.assertEqual(first.body["operation"]["id"], again.body["operation"]["id"])
        self.assertEqual("true", again.headers["Idempotent-Replayed"])
        self.assertNotIn("Idempotent-Replayed", first.headers)
        self.assertEqual(first.headers["Location"], again.headers["Location"])
        self.assertEqual(1, self.rows(models.Operation))
        plan = self.call("POST", "/v1/operations?dry_run=true", self.wish,
                         headers={"Idempotency-Key": "k1"}, expect=200)  # fmt: skip
        self.assertIn("plan", plan.body)

    def test_another_request(self) -> None:
        self.post("/v1/operations", self.wish)
        other = {"changes": [{**self.wish["changes"][0], "wanted": False}]}
        for body, code in ((other, "idempotency.key_reused"), (self.wish, "operation.no_change")):
            answer = self.post("/v1/operations", body, "k2" if body is self.wish else "k1")
            self.assertEqual((409, code), (answer.status, answer.error["code"]))
        # What failed leaves no key behind.
        self.assertEqual(1, self.rows(models.IdempotencyKey))

    def test_keys_belong_to_a_user_of_a_project(self) -> None:
        self.post("/v1/operations", self.wish)
        for who in ("carol", "bob"):
            answer = self.post("/v1/operations", self.wish, who=who)
            self.assertEqual(404, answer.status, answer.text)

    def test_at_once(self) -> None:
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(self.post("/v1/operations", self.wish)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([202] * 4, [a.status for a in answers], str([a.text for a in answers]))
        self.assertEqual(1, len({a.body["operation"]["id"] for a in answers}))
        self.assertEqual(1, self.rows(models.Operation))

    def test_sites_credentials_images(self) -> None:
        self.conductor.remote_project = ("remote-3", "biology")
        login = {"site_id": self.source["site_id"], "auth": AUTH}
        register = {"credential_id": self.source["id"], "remote_id": "r1"}
        for path, kind, body in (
            ("/v1/sites", "site", SITE),
            ("/v1/credentials", "credential", login),
            ("/v1/images", "image", register),
        ):
            first, again = self.post(path, body), self.post(path, body)
            self.assertEqual(201, again.status, again.text)
            self.assertEqual(first.body[kind]["id"], again.body[kind]["id"])
            self.assertEqual("true", again.headers["Idempotent-Replayed"])
            other = self.post(path, {**body, **({"name": "x"} if kind == "site" else {})}, "k2")
            self.assertIn(other.status, (200, 201), other.text)
            answer = self.post(path, SITE if kind != "site" else {**SITE, "name": "x"})
            self.assertIn(answer.status, (400, 409), answer.text)
        with self.db.reader() as session:
            for row in session.query(models.IdempotencyKey):
                self.assertNotIn(PASSWORD, f"{row.id}{row.request}")

    def test_one_that_is_at_work(self) -> None:
        """The second is told to wait; after a failure, or a dead process, it may try."""
        seen: list[str] = []

        class Meanwhile(exception.SiteUnreachable):
            def __init__(inner) -> None:
                super().__init__(url="x", reason="y")

        def probe(site_id: str) -> None:
            seen.append(self.post("/v1/sites", SITE).error["code"])
            raise Meanwhile

        original = self.conductor.probe_site
        self.conductor.probe_site = probe  # type: ignore[method-assign]
        self.assertEqual("site.unreachable", self.post("/v1/sites", SITE).error["code"])
        self.assertEqual(["idempotency.in_progress"], seen)
        self.conductor.probe_site = original  # type: ignore[method-assign]
        self.assertEqual(201, self.post("/v1/sites", SITE).status)
        with self.db.writer() as session:
            row = session.query(models.IdempotencyKey).one()
            row.made_id, row.until = None, models.utcnow()
        # As if the process had died after the site was made.
        self.assertEqual("site.name_in_use", self.post("/v1/sites", SITE).error["code"])

    def test_keys_end(self) -> None:
        self.post("/v1/operations", self.wish)
        idempotency.forget(self.db)
        self.assertEqual(1, self.rows(models.IdempotencyKey))
        with self.db.writer() as session:
            session.query(models.IdempotencyKey).one().created_at -= datetime.timedelta(hours=25)
        self.assertEqual(409, self.post("/v1/operations", self.wish).status)
        idempotency.forget(self.db)
        self.assertEqual(0, self.rows(models.IdempotencyKey))

    def test_bad_keys(self) -> None:
        for key in ("", "a b", "é", "x" * 256):
            headers = {"Idempotency-Key": key}
            self.refused("request.invalid", 400, "POST", "/v1/operations", self.wish,
                         headers=headers)  # fmt: skip
