"""The devstack plugin, phase by phase: what it installs, configures, registers, starts and removes.

The phases run against stand-ins for devstack's functions. With ``GLINT_TEST_DEVSTACK``, the path of
a checkout of devstack, they run once more against devstack's own; packages, systemd and Apache are
left out there too. A whole ``stack.sh`` is run by no test.
"""

from __future__ import annotations

import configparser
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import requests
import yaml
from testtools import content

from tests.functional.processes import Process, clean_environment, eventually, free_port, program
from tests.minicloud.testcase import MiniCloudTestCase
from tests.servers.databases import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.server import Shared

HERE = pathlib.Path(__file__).resolve().parents[1] / "devstack"
DEVSTACK = os.environ.get("GLINT_TEST_DEVSTACK", "")
PHASES = ("stack install", "stack post-config", "stack extra")
PATIENCE = 300
REGION = "RegionOne"


class StandInTest(MiniCloudTestCase):
    devstack = ""

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("bash") is None:
            raise RuntimeError("the plugin needs bash")
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="glint-devstack-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.port = free_port()
        database = self.useFixture(Shared(MariaDB)).server
        assert isinstance(database, DatabaseServer)
        # One of its own: the plugin's queues are of another type than those of the other tests.
        broker = self.useFixture(RabbitMQ())
        user = self.alto.credentials("glint")
        self.environment = clean_environment(
            self.work,
            WORK=str(self.work),
            DEVSTACK=self.devstack,
            BIN_DIR=str(pathlib.Path(program("glint-manage")).parent),
            DATABASE_URL=database.create_database(),
            TRANSPORT_URL=broker.url,
            KEYSTONE_SERVICE_URI=self.alto.auth_url,
            SERVICE_PASSWORD=user.password,
            GLINT_SERVICE_PORT=str(self.port),
            OS_CLIENT_CONFIG_FILE=str(self.clouds_yaml()),
        )
        self.environment["PATH"] = f"{self.environment['BIN_DIR']}:{self.environment['PATH']}"
        self.conf = self.work / "etc" / "glint"

    def clouds_yaml(self) -> pathlib.Path:
        """What devstack's functions call its administrator by."""
        auth = self.alto.credentials("admin").auth_parameters()
        cloud = {"auth": auth, "region_name": self.alto.region, "identity_api_version": 3}
        path = self.work / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"devstack-system-admin": cloud}}))
        path.chmod(0o600)
        return path

    def phases(self, *phases: str, **more: str) -> list[list[str]]:
        """Run phases; return what was called of devstack."""
        calls = self.work / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["bash", str(HERE / "phases.sh"), *phases],
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
        self.addDetail(" ".join(phases), content.text_content(said))
        self.assertEqual(0, done.returncode, said)
        self.assertNotIn("command not found", said)
        self.assertNotIn(self.environment["SERVICE_PASSWORD"], said)
        return [shlex.split(line) for line in calls.read_text().splitlines()]

    def ini(self, name: str) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(default_section="none")
        parser.read(self.conf / name)
        return parser

    def start(self, calls: list[list[str]]) -> None:
        """Do what systemd would do with the calls."""
        for call in self.services(calls):
            environment = dict(item.split("=", 1) for item in call[5:] if "=" in item)
            command = shlex.split(call[2])
            process = Process(
                call[1], command, self.environment | environment, self.work / f"{call[1]}.out"
            )
            process.start()
            self.addCleanup(process.stop)

    def services(self, calls: list[list[str]]) -> list[list[str]]:
        """Name, command and the rest of each service that is to run."""
        return [call for call in calls if call[0] == "run_process"]

    def answers(self) -> bool:
        try:
            found = requests.get(f"http://127.0.0.1:{self.port}/", timeout=10)
        except requests.RequestException:
            return False
        return found.status_code in (200, 300) and "versions" in found.json()

    def manage(self, *arguments: str) -> str:
        command = [program("glint-manage"), "--config-file", str(self.conf / "glint.conf")]
        return subprocess.run(
            [*command, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        ).stdout

    def test_from_install_to_clean(self) -> None:
        calls = self.phases(*PHASES)
        self.assertIn(["setup_develop", str(HERE.parents[1]), "mysql,cli"], calls)
        self.check_files()
        self.check_catalogue(calls)

        self.start(calls)
        eventually(self.answers, "the API under uWSGI", PATIENCE)
        eventually(lambda: " up" in self.manage("service", "list"), "the conductor", PATIENCE)

        # Stacking again changes nothing that users have.
        keys = sorted(path.name for path in (self.conf / "credential-keys").iterdir())
        self.phases("stack post-config")
        self.assertEqual(
            keys, sorted(path.name for path in (self.conf / "credential-keys").iterdir())
        )
        self.check_stopped(self.phases("unstack"))
        self.phases("clean")
        self.assertFalse(self.conf.exists())
        self.assertFalse((self.work / "data" / "glint").exists())
        enabled = self.work / "opt" / "horizon" / "openstack_dashboard" / "local" / "enabled"
        self.assertEqual([], list(enabled.iterdir()))

    def check_files(self) -> None:
        glint, uwsgi = self.ini("glint.conf"), self.ini("glint-uwsgi.ini")
        self.assertEqual(0o640, (self.conf / "glint.conf").stat().st_mode & 0o777)
        self.assertEqual("oslo", glint["DEFAULT"]["rpc_transport"])
        self.assertEqual(self.environment["DATABASE_URL"], glint["database"]["connection"])
        self.assertEqual(self.alto.auth_url, glint["home"]["auth_url"])
        self.assertEqual("glint", glint["keystone_authtoken"]["username"])
        self.assertEqual("127.0.0.1/32", glint["addresses"]["allowed_networks"])
        self.assertEqual("glint.wsgi.api:application", uwsgi["uwsgi"]["module"])
        self.assertEqual(f"127.0.0.1:{self.port}", uwsgi["uwsgi"]["http"])

    def check_catalogue(self, calls: list[list[str]]) -> None:
        url = f"http://127.0.0.1:{self.port}"
        self.assertIn(["create_service_user", "glint"], calls)
        self.assertIn(
            ["get_or_create_endpoint", "image-distribution", "RegionOne", url, url, url], calls
        )

    def check_stopped(self, calls: list[list[str]]) -> None:
        stopped = [call[1] for call in calls if call[0] == "stop_process"]
        self.assertEqual(["glint-cond", "glint-api"], stopped)

    def test_behind_tls_and_with_a_second_region(self) -> None:
        more = {"EXTRA_SERVICES": "tls-proxy", "GLINT_SECOND_REGION": "True"}
        calls = self.phases(*PHASES, **more)
        self.assertEqual("127.0.0.1:19494", self.ini("glint-uwsgi.ini")["uwsgi"]["http"])
        proxies = [call for call in calls if call[0] == "start_tls_proxy"]
        self.assertEqual(
            [["start_tls_proxy", "glint", "*", str(self.port), "127.0.0.1", "19494"]], proxies
        )
        self.assertIn(["get_endpoint_url", "image_remote", "public"], calls)
        remote = "http://127.0.0.1:60999"
        self.assertIn(
            ["get_or_create_endpoint", "image", "RegionTwo", remote, remote, remote], calls
        )

    def test_not_enabled_is_not_touched(self) -> None:
        more = {"GLINT_NOT_ENABLED": "1"}
        self.assertEqual([], self.phases(*PHASES, **more))
        self.assertFalse(self.conf.exists())


class OwnFunctionsTest(StandInTest):
    """Against devstack's own functions: what they write and register is what is looked at."""

    devstack = DEVSTACK

    def setUp(self) -> None:
        super().setUp()
        self.admin = self.alto.session("admin")
        # As devstack's bootstrap of Keystone does.
        self.admin.post(f"{self.alto.auth_url}/regions", json={"region": {"id": REGION}})
        self.addCleanup(self.forget_region)

    def forget_region(self) -> None:
        """The minicloud goes on to other tests."""
        url = f"{self.alto.auth_url}/endpoints"
        for endpoint in self.admin.get(url, params={"region_id": REGION}).json()["endpoints"]:
            self.admin.delete(f"{url}/{endpoint['id']}")
        self.admin.delete(f"{self.alto.auth_url}/regions/{REGION}")

    def services(self, calls: list[list[str]]) -> list[list[str]]:
        found = []
        for name in ("glint-api", "glint-cond"):
            self.assertIn(["systemctl", "start", f"devstack@{name}.service"], calls)
            unit = (self.work / "systemd" / f"devstack@{name}.service").read_text()
            lines = [line.partition("=")[::2] for line in unit.splitlines() if "=" in line]
            values = {key.strip(): value.strip() for key, value in lines}
            found.append(["run_process", name, values["ExecStart"], "", "", values["Environment"]])
        return found

    def check_catalogue(self, calls: list[list[str]]) -> None:
        # The session knows the catalogue from before.
        self.admin.invalidate()
        found = self.admin.get_endpoint(
            service_type="image-distribution", interface="public", region_name=REGION
        )
        self.assertEqual(f"http://127.0.0.1:{self.port}", found)

    def check_stopped(self, calls: list[list[str]]) -> None:
        for name in ("glint-cond", "glint-api"):
            self.assertIn(["systemctl", "stop", f"devstack@{name}.service"], calls)

    def test_behind_tls_and_with_a_second_region(self) -> None:
        self.phases("stack install", "stack post-config", EXTRA_SERVICES="tls-proxy")
        self.assertEqual("127.0.0.1:19494", self.ini("glint-uwsgi.ini")["uwsgi"]["http"])


def load_tests(
    loader: unittest.TestLoader, tests: unittest.TestSuite, _pattern: str | None
) -> unittest.TestSuite:
    """Without a checkout of devstack there is nothing to run against its own functions."""
    if DEVSTACK:
        return tests
    return loader.loadTestsFromTestCase(StandInTest)
