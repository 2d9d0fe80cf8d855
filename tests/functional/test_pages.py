"""The commands of the guides, typed as they stand there.

What a page leaves to its reader (addresses, names, passwords) is replaced by what it is here.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
from collections.abc import Mapping

import fixtures

from tests import documents
from tests.functional.base import MIB, application_credential_of
from tests.functional.cli import OpenStack
from tests.functional.filecase import FileCase
from tests.functional.hostile import qcow2
from tests.functional.pages import Typist
from tests.functional.processes import eventually
from tests.functional.test_standalone import StandaloneCase
from tests.functional.webserver import WebServer
from tests.minicloud.testcase import some_bytes

USER = documents.SOURCE / "user"
ADMIN = documents.SOURCE / "admin"
SESSION = {"cirros-0.6": 2 * MIB, "debian-12": 3 * MIB, "rescue": MIB}


class KeystoneCase(FileCase):
    """With the environment that the guides suppose."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.openstack = self.useFixture(OpenStack(self.folder))

    def typist(self, words: Mapping[str, str], cloud: str = "alto", **env: str) -> Typist:
        clouds = str(self.minicloud.clouds_yaml)
        env |= {"OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": cloud}
        return Typist(self, self.folder, words, env, self.openstack)

    def commands(self, page: pathlib.Path) -> list[str]:
        return documents.commands(page, self.id())

    def file(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def login_at_dair(self) -> dict[str, str]:
        """An application credential of the user there."""
        auth = application_credential_of(self.dair, "hep-member", self.id())
        return {
            "id": auth["application_credential_id"],
            "secret": auth["application_credential_secret"],
        }


class UserTest(KeystoneCase):
    def test_first_steps(self) -> None:
        data = some_bytes(MIB)
        words = {
            "https://alto.example.org:5000/v3": self.alto.auth_url,
            "https://dair.example.org:5000/v3": self.dair.auth_url,
            "IMAGE_ID": self.alto_images.add(data, "first"),
            "IMAGE": "first",
        }
        self.addCleanup(self.forget_login, "glint")
        said = self.typist(words).type(self.commands(USER / "first-steps.rst"))
        self.assert_same_bytes(data, self.dair_images.one("first"))
        self.assertIn("first at DAIR", said)

    def forget_login(self, name: str) -> None:
        session = self.dair.session("hep-member")
        url = f"{self.dair.auth_url}/users/{session.get_user_id()}/application_credentials"
        for one in session.get(url, params={"name": name}).json()["application_credentials"]:
            session.delete(f"{url}/{one['id']}")

    def test_recorded_session(self) -> None:
        for name, size in SESSION.items():
            self.alto_images.add(some_bytes(size), name)
        commands = self.commands(USER / "cli.rst")
        at = [re.findall(r"--auth-url (\S+)", command) for command in commands[:2]]
        words = {at[0][0]: self.alto.auth_url, at[1][0]: self.dair.auth_url}
        self.file("dair.json", json.dumps(self.login_at_dair()))
        # A scan is asked for, and what it finds is looked at next: wait as a person would.
        typist = self.typist(words)
        scan = next(at for at, text in enumerate(commands) if " scan " in text)
        typist.type(commands[: scan + 1])
        self.wait_rows(len(SESSION))
        typist.type(commands[scan + 1 :])
        for name in SESSION:
            self.assertEqual("active", self.dair_images.one(name)["status"])

    def wait_rows(self, count: int) -> None:
        matrix = self.user.client.matrix
        eventually(lambda: len(list(matrix().images)) == count, f"{count} rows")

    def test_secrets(self) -> None:
        self.user.site("DAIR", self.dair.auth_url)
        member = self.dair.credentials("hep-member")
        words = {"ada": member.username, "physics": member.project_name}
        cloud = {"auth_type": "v3applicationcredential", "auth": {"auth_url": self.dair.auth_url}}
        for key, value in self.login_at_dair().items():
            cloud["auth"][f"application_credential_{key}"] = value  # type: ignore[index]
        self.file("clouds.yaml", json.dumps({"clouds": {"dair": cloud}}))
        typist = self.typist(words, DAIR_PW=member.password)
        said = typist.type(self.commands(USER / "cli.rst"))
        self.assertNotIn(member.password, said)

    def test_files(self) -> None:
        self.user.home(self.alto)
        dair = self.user.column("DAIR", self.dair)
        files = [qcow2(size=MIB + number) for number in range(3)]
        (self.folder / "debian-13.qcow2").write_bytes(files[0])
        web = self.useFixture(WebServer())
        url, _ = web.serve("/debian-13.qcow2", files[2])
        words = {
            "https://cloud.debian.org/.../debian-13.qcow2": url,
            "sha256:6f0c2a...": f"sha256:{hashlib.sha256(files[0]).hexdigest()}",
            '"6f0c2a..."': f'"{hashlib.sha256(files[1]).hexdigest()}"',
            "sha512:ab34...": f"sha512:{hashlib.sha512(files[2]).hexdigest()}",
        }
        env = {
            "GLINT": self.glint.url,
            "TOKEN": str(self.user.session.get_token()),
            "CREDENTIAL": dair["id"],
        }
        sent, posted, put, *rest = self.commands(USER / "files.rst")
        typist = self.typist(words, **env)
        typist.type([sent])
        image = self.user.client.images.list(name="eq:debian-13")
        self.user.client.images.update(next(image)["id"], name="the first")
        (self.folder / "debian-13.qcow2").write_bytes(files[1])
        ident = json.loads(typist.type([posted]))["image"]["id"]
        typist.type([f"export ID={ident}", put])
        typist.type(rest)
        self.assertEqual(files[2], (self.folder / "debian.qcow2").read_bytes())
        self.assert_same_bytes(files[2], self.dair_images.one("debian-13"))


class LookTest(KeystoneCase):
    def test_where_to_look(self) -> None:
        self.user.home(self.alto)
        words = {}
        for name in ("glint-manage", "glint-status"):
            words[name] = " ".join(self.glint.command(name))
        said = self.typist(words).type(self.commands(ADMIN / "troubleshooting.rst"))
        self.assertIn("All 1 stored secrets are readable", said)
        self.assertEqual(3, said.count("Result: Success"))


class LimitsTest(KeystoneCase):
    def test_quotas(self) -> None:
        words = {"physics": "hep"}
        self.addCleanup(self.forget_limits)
        self.typist(words, "alto-admin").type(self.commands(ADMIN / "quotas.rst"))
        limits = self.alto.session("admin").get(f"{self.alto.auth_url}/limits").json()["limits"]
        self.assertIn(
            ("sites", 50), [(one["resource_name"], one["resource_limit"]) for one in limits]
        )

    def forget_limits(self) -> None:
        admin = self.alto.session("admin")
        for kind in ("limits", "registered_limits"):
            url = f"{self.alto.auth_url}/{kind}"
            for one in admin.get(url, params={"resource_name": "sites"}).json()[kind]:
                admin.delete(f"{url}/{one['id']}")


class UsersTest(StandaloneCase):
    """A Glint without a Keystone."""

    def typist(self, **env: str) -> Typist:
        words = {
            "glint-manage": " ".join(self.glint.command("glint-manage")),
            "https://glint.example.org:9494": self.glint.url,
            "https://glint.example.org": self.glint.url,
            "OS_PASSWORD=...": "OS_PASSWORD=wonderland",
            "ada": "alice",
        }
        return Typist(self, self.folder, words, env)

    def test_users(self) -> None:
        commands = documents.commands(ADMIN / "security.rst", self.id())
        self.assertIn("alice", self.typist().type(commands, stdin="wonderland\n"))
        commands = documents.commands(USER / "cli.rst", self.id())
        self.typist(OS_PASSWORD="wonderland").type(commands)


class NobodyTest(StandaloneCase):
    strategy = "noauth"

    def test_nobody(self) -> None:
        words = {"http://127.0.0.1:9494": self.glint.url}
        commands = documents.commands(USER / "cli.rst", self.id())
        Typist(self, self.folder, words, {}).type(commands)
