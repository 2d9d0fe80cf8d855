"""Planting secrets, and looking for them everywhere."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from tests.functional.base import (
    MIB,
    GlintTestCase,
    NewMember,
    application_credential_of,
    change,
)
from tests.functional.service import CHATTERS
from tests.minicloud.testcase import some_bytes

FERNET_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_=-]{40,}")
"""How every token of both Keystones looks, and what the database may hold: encrypted secrets."""


def disguises(secret: str) -> Iterator[str]:
    """The forms in which a secret may lie around."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield secret.encode().hex()
    yield secret.encode().hex().upper()
    for lead in range(3):  # the middle of its base64, whatever stands before it
        text = base64.b64encode(b"x" * lead + secret.encode()).decode()
        yield text[4:-4]


class SecretsCase(GlintTestCase):
    """A walk through everything that takes a secret, the failures too."""

    settings = {
        # All that the libraries have to say, too.
        "DEFAULT": {"default_log_levels": ",".join(f"{name}=DEBUG" for name in CHATTERS)},
    }

    def setUp(self) -> None:
        super().setUp()
        self.secrets: dict[str, str] = {}
        self.given = 0

    def plant(self, what: str) -> str:
        """A secret that cannot be anything else."""
        self.given += 1
        secret = f"PLANTED{self.given}-{uuid.uuid4().hex}"
        self.secrets[what] = secret
        return secret

    def known(self, what: str, secret: str) -> str:
        """A secret that somebody else has made."""
        self.secrets[what] = secret
        return secret

    def walk(self) -> None:
        self.known("token of the user", str(self.user.session.get_token()))
        self.known("password of the user", self.alto.credentials("hep-member").password)
        self.known("password of Glint", self.alto.credentials("glint").password)
        home = self.user.home(self.alto)
        site = self.user.site("DAIR", self.dair.auth_url)
        member = NewMember(self.dair)
        self.addCleanup(member.delete)
        self.known("password at DAIR", member.auth["password"])
        dair = self.user.client.credentials.create(site["id"], member.auth)
        auth = application_credential_of(self.dair, "bio-member", self.id())
        self.known("application credential", auth["application_credential_secret"])
        bio = self.user.client.credentials.create(site["id"], auth)
        self.fail_with(site["id"], member.auth, auth)
        image = self.registered(home, some_bytes(MIB), "carrier")
        self.assert_done(self.user.save(change(image, dair), change(image, bio)))
        self.assert_done(self.user.save(change(image, bio, False)))
        self.user.client.credentials.update(bio["id"], auth=auth)
        self.user.client.credentials.verify(dair["id"])
        self.user.client.sites.probe(site["id"])
        self.user.scan(dair)
        self.user.client.credentials.delete(bio["id"])
        self.fail_later(site["id"])

    def fail_with(self, site_id: str, password: dict[str, Any], secret: dict[str, Any]) -> None:
        """Requests that are refused, and whose refusal may quote too much."""
        field = "application_credential_secret"
        for auth in (
            password | {"password": self.plant("wrong password")},
            password | {"password": [self.plant("password in a list")]},
            password | {"passwort": self.plant("mistyped field")},
            secret | {field: self.plant("wrong application credential")},
            secret | {field: {"secret": self.plant("nested secret")}},
            secret | {"password": self.plant("secret of another kind")},
        ):
            answer = self.user.http.post("/v1/credentials", {"site_id": site_id, "auth": auth})
            self.assertEqual(400, answer.status_code, answer.text)
        broken = '{"site_id": "x", "auth": {"password": "' + self.plant("malformed JSON")
        headers = {"Content-Type": "application/json"}
        self.user.http("POST", "/v1/credentials", data=broken, headers=headers)
        headers = {"Content-Type": "text/plain"}
        plain = self.plant("wrong content type")
        self.user.http("POST", "/v1/credentials", data=plain, headers=headers)
        self.user.http.post("/v1/credentials", self.plant("body that is no object"))
        url = self.dair.auth_url.replace("//", f"//me:{self.plant('password in a URL')}@")
        body = {"name": "X", "type": "openstack", "connection": {"auth_url": url}}
        self.assertEqual(400, self.user.http.post("/v1/sites", body).status_code)
        self.glint.http(None).get("/v1/sites", headers={"X-Auth-Token": self.plant("bad token")})

    def fail_later(self, site_id: str) -> None:
        """A credential that goes bad, and what Glint says when it notices."""
        gone = NewMember(self.dair)
        self.known("password of one who is gone", gone.auth["password"])
        credential = self.user.client.credentials.create(site_id, gone.auth)
        gone.delete()
        answer = self.user.http.post(f"/v1/credentials/{credential['id']}/verify")
        self.assertEqual(400, answer.status_code, answer.text)
        self.user.scan(credential)

    # -- where they are looked for

    def answers(self) -> str:
        """Every answer of every route that only reads, and all answers to plain requests."""
        http = self.user.http
        for name in ("site-types", "matrix", "events"):
            http.get(f"/v1/{name}")
        for name in ("sites", "credentials", "images", "operations", "deployments", "transfers"):
            for one in http.get(f"/v1/{name}").json()[name]:
                http.get(f"/v1/{name}/{one['id']}")
        return "\n".join(f"{one.text}\n{one.headers}" for one in http.answers)

    def assert_none_in(self, where: str, text: str) -> None:
        for what, secret in self.secrets.items():
            for form in disguises(secret):
                at = text.find(form)
                around = text[max(0, at - 300) : at + 300].replace(form, "<HERE>")
                self.assertEqual(-1, at, f"{what} in {where}: {around}")

    def assert_no_token_in(self, where: str, text: str) -> None:
        found = FERNET_TOKEN.search(text)
        around = text[max(0, found.start() - 300) : found.start() + 20] if found else ""
        self.assertIsNone(found, f"a token in {where}: {around}")
