"""The minicloud holds what its description promises."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from typing import Any

import fixtures
import testtools
import yaml
from keystoneauth1 import exceptions as ks_exceptions
from keystoneauth1 import identity, session

from tests.minicloud import bed, processes, topology
from tests.minicloud.fixture import MiniCloud
from tests.minicloud.state import StateError, StateFolder
from tests.minicloud.testcase import Images, MiniCloudTestCase, some_bytes

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = [service.name for service in topology.all_services()]
MIB = 1 << 20


def _password(parameters: dict[str, Any]) -> identity.V3Password:
    return identity.V3Password(**parameters)


class CloudsTest(MiniCloudTestCase):
    def test_everything_answers(self) -> None:
        rows = {row.name: row for row in self.minicloud.status()}
        self.assertEqual([], [name for name, row in rows.items() if not row.answering])
        self.assertLessEqual(set(SERVICES), set(rows))
        self.assertTrue(all(row.rss > 10 * MIB for row in rows.values()))

    def test_every_persona_gets_a_token_with_its_one_role(self) -> None:
        for cloud in (self.alto, self.dair):
            for persona in topology.PERSONAS:
                user = cloud.session(persona.name)
                assert isinstance(user.auth, identity.V3Password)
                access = user.auth.get_access(user)
                roles = access.role_names or []
                self.assertIn(persona.role, roles)
                self.assertEqual(persona.project, access.project_name)
                self.assertEqual(persona.role == "admin", "admin" in roles)

    def test_a_password_of_one_cloud_is_worth_nothing_in_the_other(self) -> None:
        parameters = self.alto.credentials().auth_parameters() | {"auth_url": self.dair.auth_url}
        stranger = session.Session(_password(parameters), timeout=10)
        self.assertRaises(ks_exceptions.Unauthorized, stranger.get_token)

    def test_a_token_of_one_cloud_is_worth_nothing_in_the_other(self) -> None:
        headers = {"X-Auth-Token": self.alto.session().get_token()}
        url = f"{self.dair.image_url}/v2/images"
        answer = self.dair.session().get(url, headers=headers, authenticated=False, raise_exc=False)
        self.assertEqual(401, answer.status_code)

    def test_ids_differ_between_the_clouds(self) -> None:
        for persona in topology.PERSONAS:
            ids = []
            for cloud in (self.alto, self.dair):
                one = cloud.session(persona.name)
                ids.append((one.get_user_id(), one.get_project_id()))
            self.assertNotEqual(ids[0][0], ids[1][0])
            self.assertNotEqual(ids[0][1], ids[1][1])

    def test_upload_and_download_through_each_glance(self) -> None:
        data = some_bytes(MIB + 1)
        for cloud in (self.alto, self.dair):
            images = self.images(cloud)
            image_id = images.add(data)
            self.assert_same_bytes(data, images.show(image_id))
            self.assertEqual(data, images.download(image_id))

    def test_the_same_connection_goes_on_after_a_chunked_upload(self) -> None:
        images = self.images(self.alto)
        image_id = images.create()
        data = some_bytes(100_000)
        images.upload(image_id, iter([data[:70_000], data[70_000:]]))
        self.assert_same_bytes(data, images.show(image_id))

    def test_projects_do_not_see_each_others_images(self) -> None:
        image_id = self.images(self.alto, "hep-member").add(b"hep only")
        self.assertNotIn(image_id, self.images(self.alto, "bio-member").ids())
        self.assertIn(image_id, self.images(self.alto, "hep-reader").ids())

    def test_a_reader_cannot_write(self) -> None:
        images = self.images(self.alto, "hep-reader")
        self.assertRaises(ks_exceptions.Forbidden, images.create)

    def test_the_service_user_may_validate_tokens(self) -> None:
        token = self.alto.session("bio-reader").get_token()
        answer = self.alto.session("glint").get(
            f"{self.alto.auth_url}/auth/tokens", headers={"X-Subject-Token": token}
        )
        self.assertEqual("bio-reader", answer.json()["token"]["user"]["name"])

    def test_registered_services_are_in_the_catalogue(self) -> None:
        for url in ("http://127.0.0.1:9494", "http://127.0.0.1:9495"):
            self.alto.register_service("image-distribution", "glint", url)
            found = self.alto.session().get_endpoint(
                service_type="image-distribution", skip_discovery=True
            )
            self.assertEqual(url, found)

    def test_clouds_yaml_has_private_entries_that_work(self) -> None:
        path = self.minicloud.clouds_yaml
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertEqual(0o700, path.parent.stat().st_mode & 0o777)
        clouds = yaml.safe_load(path.read_text())["clouds"]
        self.assertEqual(clouds["alto"], clouds["alto-hep-member"])
        self.assertNotIn("alto-glance", clouds)
        for name in ("dair", "dair-bio-admin", "dair-admin", "dair-glint"):
            auth = _password(clouds[name]["auth"])
            self.assertTrue(session.Session(auth, timeout=10).get_token())

    def test_files_with_secrets_are_for_the_owner_alone(self) -> None:
        secret = self.alto.credentials("glance").password.encode()
        files = [path for path in self.minicloud.folder.path.rglob("*") if path.is_file()]
        names = {path for path in files if secret in path.read_bytes()}
        self.assertEqual({"bed.json", "glance-api.conf"}, {path.name for path in names})
        self.assertEqual({0o600}, {path.stat().st_mode & 0o777 for path in names})

    def test_passwords_stay_out_of_repr(self) -> None:
        credentials = self.alto.credentials()
        self.assertNotIn(credentials.password, repr(credentials))


class ApplicationCredentialsTest(MiniCloudTestCase):
    """An application credential with access rules works, and only within its rules."""

    def setUp(self) -> None:
        super().setUp()
        owner = self.alto.session()
        base = f"{self.alto.auth_url}/users/{owner.get_user_id()}/application_credentials"
        rules = [
            {"service": "image", "method": "GET", "path": "/v2/images"},
            {"service": "image", "method": "GET", "path": "/v2/images/**"},
        ]
        body = {"name": self.id(), "access_rules": rules}
        made = owner.post(base, json={"application_credential": body}).json()
        self.credential = made["application_credential"]
        self.addCleanup(owner.delete, f"{base}/{self.credential['id']}")
        auth = identity.V3ApplicationCredential(
            auth_url=self.alto.auth_url,
            application_credential_id=self.credential["id"],
            application_credential_secret=self.credential["secret"],
        )
        self.limited = Images(session.Session(auth, timeout=30), self.alto.image_url)

    def test_what_the_rules_allow(self) -> None:
        image_id = self.images(self.alto).add(b"to be read")
        self.assertIn(image_id, self.limited.ids())
        self.assertEqual(b"to be read", self.limited.download(image_id))

    def test_what_they_do_not(self) -> None:
        self.assertRaises(ks_exceptions.Unauthorized, self.limited.create)


class KillAndReviveTest(MiniCloudTestCase):
    def test_a_killed_glance_comes_back_with_its_images(self) -> None:
        images = self.images(self.alto)
        image_id = images.add(b"survives")
        self.assertIsNotNone(self.minicloud.kill("alto-glance"))
        self.assertRaises(ks_exceptions.ConnectFailure, images.ids)
        self.assertIsNone(self.minicloud.kill("alto-glance"))
        self.assertIsNotNone(self.images(self.dair).ids())
        self.minicloud.revive("alto-glance")
        self.assertEqual(b"survives", images.download(image_id))

    def test_a_killed_keystone_comes_back_with_its_users(self) -> None:
        self.minicloud.kill("dair-keystone")
        self.assertRaises(ks_exceptions.ConnectFailure, self.dair.session().get_token)
        self.assertTrue(self.alto.session().get_token())
        self.minicloud.revive("dair-keystone")
        self.assertTrue(self.dair.session().get_token())

    def test_a_killed_zygote_does_not_prevent_reviving(self) -> None:
        for name in ("glance-zygote", "dair-glance"):
            self.minicloud.kill(name)
        self.minicloud.revive("dair-glance")
        self.assertIsNotNone(self.images(self.dair).ids())

    def test_unknown_service(self) -> None:
        self.assertRaises(LookupError, self.minicloud.kill, "alto-nova")
        self.assertRaises(LookupError, self.minicloud.revive, "alto-nova")
        self.assertRaises(LookupError, self.minicloud.cloud, "nimbus")
        self.assertRaises(LookupError, self.alto.credentials, "hep-owner")


class LifeTest(testtools.TestCase):
    """From nothing to nothing, by hand, in an environment that tries to interfere."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / ("deep" * 30)
        self.addCleanup(bed.down, self.folder)

    def command(self, *arguments: str, code: int = 0) -> str:
        hostile = {
            "OS_AUTH_URL": "http://192.0.2.1/v3",
            "OS_CLOUD": "elsewhere",
            "OS_DEFAULT__DEBUG": "nonsense",
            "OS_KEYSTONE_CONFIG_FILES": "nowhere.conf",
            "http_proxy": "http://192.0.2.1:3128",
            "HTTP_PROXY": "http://192.0.2.1:3128",
            "no_proxy": "",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.minicloud", *arguments, "--state", str(self.folder)],
            env=os.environ | hostile,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def left_over(self) -> list[int]:
        return list(processes.running(StateFolder(self.folder).path))

    def wait_for_nothing(self) -> None:
        deadline = time.monotonic() + 30
        while self.left_over() or self.folder.exists():
            self.assertLess(time.monotonic(), deadline, self.left_over())
            time.sleep(0.1)

    def test_by_hand(self) -> None:
        said = self.command("up")
        self.assertIn(str(self.folder / "clouds.yaml"), said)
        pids = {row.name: row.pid for row in bed.status(self.folder)}
        self.command("up")  # once more changes nothing
        self.assertEqual(pids, {row.name: row.pid for row in bed.status(self.folder)})
        self.command("status")

        self.command("kill", "dair-glance")
        self.assertIn("NO", self.command("status", code=1))
        self.command("revive", "dair-glance")
        self.command("status")

        ports = [row.port for row in bed.status(self.folder) if row.port]
        self.command("kill", "alto-keystone")
        self.command("kill", "glance-zygote")
        for pid in self.left_over()[::2]:  # and more, without anybody's knowing
            os.kill(pid, signal.SIGKILL)
        self.command("down")
        self.assertEqual([], self.left_over())
        self.assertFalse(self.folder.exists())
        for port in ports:
            with socket.socket() as sock:
                self.assertNotEqual(0, sock.connect_ex((topology.LOOPBACK, port)))
        self.command("down")

    def test_up_starts_again_what_is_dead_with_new_configuration(self) -> None:
        dair = MiniCloud(self.folder).up(say=lambda line: None).cloud("dair")
        images = Images(dair.session(), dair.image_url)
        before = images.add(b"kept")
        for pid in self.left_over():
            os.kill(pid, signal.SIGKILL)
        overrides = {"dair-glance": {"DEFAULT": {"hashing_algorithm": "sha256"}}}
        MiniCloud(self.folder, overrides).up(say=lambda line: None)
        self.assertEqual(b"kept", images.download(before))
        after = images.add(b"new")
        self.assertEqual("sha512", images.show(before)["os_hash_algo"])
        self.assertEqual("sha256", images.show(after)["os_hash_algo"])

    def test_the_clouds_end_when_their_owner_is_killed(self) -> None:
        script = f"""
            import os, signal
            from tests.minicloud.fixture import MiniCloud
            MiniCloud({str(self.folder)!r}, owned=True).up()
            os.kill(os.getpid(), signal.SIGKILL)
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
        self.assertEqual(-signal.SIGKILL, done.returncode, done.stderr.decode())
        self.wait_for_nothing()

    def test_the_clouds_end_when_their_folder_is_deleted(self) -> None:
        MiniCloud(self.folder).up(say=lambda line: None)
        shutil.rmtree(self.folder)
        self.wait_for_nothing()

    def test_a_cut_off_up_can_be_repeated(self) -> None:
        command = [sys.executable, "-m", "tests.minicloud", "up", "--state", str(self.folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as starting:
            assert starting.stdout is not None
            starting.stdout.readline()
            while not (self.folder / "alto-keystone").exists():
                self.assertIsNone(starting.poll())
                time.sleep(0.01)
            starting.kill()
        self.command("up")
        self.command("status")


class StateFolderTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def test_a_folder_with_other_things_is_left_alone(self) -> None:
        (self.folder / "thesis.tex").write_text("ten years")
        self.assertRaises(StateError, bed.up, self.folder)
        bed.down(self.folder)
        self.assertEqual("ten years", (self.folder / "thesis.tex").read_text())

    def test_no_minicloud_there(self) -> None:
        self.assertRaises(StateError, list, bed.status(self.folder))
        self.assertRaises(StateError, bed.kill, self.folder, "alto-glance")
        self.assertRaises(StateError, bed.revive, self.folder, "alto-glance")
        self.assertEqual(0, bed.down(self.folder / "never"))

    def test_override_for_an_unknown_service(self) -> None:
        overrides = {"alto-nova": {"DEFAULT": {"debug": True}}}
        self.assertRaises(StateError, bed.up, self.folder, overrides=overrides)

    def test_a_recycled_pid_is_not_ours(self) -> None:
        records = StateFolder(self.folder).records
        (self.folder / "pids").mkdir()
        records.write("alto-glance", os.getpid())
        self.assertIsNone(records.pid("alto-glance"))
        self.assertEqual([], list(records.pids()))
