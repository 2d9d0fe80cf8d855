"""Glint as the demo runs it: one process, embedded, on SQLite."""

from __future__ import annotations

import pathlib
import subprocess

from demo_common import DemoError, end, program, quiet, start_with_us, until_answers

from tests.minicloud.fixture import MiniCloud

#: Seconds for the start of Glint, and for its end.
START_TIMEOUT = 60
STOP_TIMEOUT = 30

_CONF = """\
[DEFAULT]
log_file = {folder}/glint.log
use_stderr = false
rpc_transport = local

[database]
connection = sqlite:///{folder}/glint.sqlite

[images]
upload_dir = {folder}/uploads

[credentials]
key_repository = {folder}/credential-keys

[api]
bind_host = 127.0.0.1
port = {port}

[conductor]
graceful_shutdown_timeout = 10

[addresses]
# Both clouds of the demonstration are on this machine.
allowed_networks = 127.0.0.1/32

[home]
auth_url = {auth_url}

[keystone_authtoken]
www_authenticate_uri = {auth_url}
auth_url = {auth_url}
auth_type = password
username = {username}
password = {password}
project_name = {project_name}
user_domain_id = {user_domain_id}
project_domain_id = {project_domain_id}
region_name = {region_name}
interface = public
service_token_roles_required = true
"""


class Glint:
    """glint-all as a process of its own, with all its state in one folder."""

    def __init__(self, folder: pathlib.Path, minicloud: MiniCloud) -> None:
        self.folder = folder
        self.url = "(not started)"
        self.log = folder / "glint.log"
        self.output = folder / "glint-all.out"
        self.conf = folder / "glint.conf"
        self._minicloud = minicloud
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Configure it, start it, put it into ALTO's catalogue.

        :raises DemoError: it does not answer in time.
        """
        home = self._minicloud.cloud("alto")
        port = self._minicloud.spare_ports[0]
        self.url = f"http://127.0.0.1:{port}"
        self.folder.mkdir(mode=0o700)
        service_user = home.credentials("glint")
        values = {**service_user.auth_parameters(), "region_name": service_user.region_name}
        # oslo.config takes a dollar sign for the beginning of another option's name.
        values["password"] = values["password"].replace("$", "$$")
        self.conf.touch(mode=0o600)
        self.conf.write_text(_CONF.format(folder=self.folder, port=port, **values))
        for arguments in (["credential", "setup"], ["db", "sync"]):
            self._manage(*arguments)
        command = [program("glint-all"), "--config-file", str(self.conf)]
        self._process = start_with_us(command, self.output)
        until_answers(f"{self.url}/healthcheck", START_TIMEOUT, self.check)
        home.register_service("image-distribution", "glint", self.url)

    def _manage(self, *arguments: str) -> None:
        command = [program("glint-manage"), "--config-file", str(self.conf), *arguments]
        done = quiet(command, self.folder)
        if done.returncode:
            with self.output.open("a") as output:
                output.write(done.stdout + done.stderr)
            raise DemoError(f"glint-manage {' '.join(arguments)} failed.")

    def check(self) -> None:
        """:raises DemoError: the process is gone."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(f"glint-all has ended with exit code {self._process.returncode}.")

    def stop(self) -> None:
        end(self._process, "glint-all", STOP_TIMEOUT)
