"""The machine of the walk: namespaces, two hosts, their clouds, a database, a broker."""

from __future__ import annotations

import ctypes
import os
import pathlib
import socket
import socketserver
import subprocess
import sys
import threading
from typing import Any

import pymysql

from tests.minicloud.fixture import MiniCloud
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

CLONE_NEWNET = 0x40000000
ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTS = {"controller": "10.0.0.5", "cloud-b.example.org": "10.0.0.6"}
KEPT = ("/etc", "/opt", "/root", "/run", "/var")
"""Folders that the guide writes to. It sees what is there, and changes a copy."""
TIMEOUT = 120


def overlay(folder: str, scratch: pathlib.Path) -> None:
    """Let all later changes of a folder go elsewhere."""
    name = folder.strip("/").replace("/", "-")
    upper, work = scratch / name / "upper", scratch / name / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    options = f"lowerdir={folder},upperdir={upper},workdir={work}"
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", options, folder], check=True, timeout=TIMEOUT
    )


def open_python() -> None:
    """Let the user of the service run a Python that is in root's home, as it is with pyenv.

    Only here: root's home is an overlay by now.
    """
    os.chmod("/root", 0o711)  # noqa: S103


def leave_network() -> None:
    """Go on with a loopback of our own, on which the guide's hosts are.

    To be called before there are threads: a network is a thread's.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")
    for command in (
        "link set lo up",
        *(f"address add {address}/32 dev lo" for address in HOSTS.values()),
    ):
        subprocess.run(["ip", *command.split()], check=True, timeout=TIMEOUT)
    lines = [f"{address} {name}" for name, address in HOSTS.items()]
    pathlib.Path("/etc/hosts").write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))


class _Relay(socketserver.ThreadingTCPServer):
    """Brings connections to a port of the guide to where the server really is."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, target: int) -> None:
        self.target = target
        super().__init__((HOSTS[host], port), _Pipe)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A server that is gone is no surprise at the end."""


class _Pipe(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Relay)
        with socket.create_connection(("127.0.0.1", self.server.target), TIMEOUT) as other:
            other.settimeout(None)
            back = threading.Thread(target=_pump, args=(other, self.request), daemon=True)
            back.start()
            _pump(self.request, other)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side is gone


class AdminMariaDB(MariaDB):
    """With an administrator as after the installation of the package, and no user of Glint."""

    def _prepare(self) -> None:
        super()._prepare()
        self._write(
            "init.sql",
            f"CREATE OR REPLACE USER admin@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"
            "DELETE FROM mysql.global_priv WHERE user IN ('root', '');\n"
            "FLUSH PRIVILEGES;\n",
        )

    def _connect(self) -> None:
        pymysql.connect(
            host="127.0.0.1", port=self.port, user="admin", password=self.password,
            connect_timeout=5, read_timeout=5,
        ).close()  # fmt: skip


class Machine:
    """Everything that the guide finds there.

    :param folder: for the minicloud and the stand-ins
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.shims = folder / "shims"
        self.shims.mkdir()
        self.database, self.broker = AdminMariaDB(), RabbitMQ()
        self.clouds = MiniCloud(folder / "minicloud", owned=True)

    def up(self) -> None:
        self.database.setUp()
        self.broker.setUp()
        self.clouds.up()
        for host, name in (("controller", "alto"), ("cloud-b.example.org", "dair")):
            cloud = self.clouds.cloud(name)
            _Relay(host, 5000, cloud.ports[f"{name}-keystone"])
            _Relay(host, 9292, cloud.ports[f"{name}-glance"])
            self.clouds.set_endpoint(name, "image", f"http://{HOSTS[host]}:9292")
        _Relay("controller", 3306, self.database.port)
        _Relay("controller", 5672, self.broker.port)
        self._stand_ins()
        self._people()

    def down(self) -> None:
        self.clouds.down()
        self.broker.cleanUp()
        self.database.cleanUp()

    def _stand_ins(self) -> None:
        """Commands of the machine that must not reach the machine's own servers."""
        database = self.database
        self._shim(
            "mariadb",
            f"exec mariadb --no-defaults -h127.0.0.1 -P{database.port} -uadmin"
            f' -p{database.password} "$@"',
        )
        environment = self.broker._environment()
        names = " ".join(
            f"{name}={value!r}" for name, value in environment.items()
            if name.startswith(("RABBITMQ_", "ERL_EPMD", "HOME"))
        )  # fmt: skip
        self._shim("rabbitmqctl", f'exec env {names} /usr/lib/rabbitmq/bin/rabbitmqctl "$@"')
        subprocess.run(
            [str(self.shims / "rabbitmqctl"), "delete_user", "glint"], check=True, timeout=TIMEOUT
        )
        self._shim("systemctl", f'cd {ROOT} && exec {sys.executable} -m tests.walk.systemctl "$@"')

    def _shim(self, name: str, body: str) -> None:
        path = self.shims / name
        rest = ":".join(p for p in os.environ["PATH"].split(":") if p != str(self.shims))
        path.write_text(f'#!/bin/sh\nPATH="{rest}:/usr/sbin:/sbin"\n{body}\n')
        path.chmod(0o700)

    def _people(self) -> None:
        """The administrator and the user of the guide, and the image that the user has."""
        alto, dair = self.clouds.cloud("alto"), self.clouds.cloud("dair")
        admin = alto.session("admin")
        (old,) = admin.get(f"{alto.auth_url}/users", params={"name": "glint"}).json()["users"]
        admin.delete(f"{alto.auth_url}/users/{old['id']}")
        for file, persona in (("admin-openrc", "admin"), ("user-openrc", "hep-member")):
            one = alto.credentials(persona)
            values = {
                "OS_AUTH_URL": "http://controller:5000/v3",
                "OS_USERNAME": one.username,
                "OS_PASSWORD": one.password,
                "OS_PROJECT_NAME": one.project_name,
                "OS_USER_DOMAIN_ID": "default",
                "OS_PROJECT_DOMAIN_ID": "default",
                "OS_IDENTITY_API_VERSION": "3",
            }
            text = "".join(f"export {name}={value}\n" for name, value in values.items())
            (ROOT / file).write_text(text)
        (ROOT / "alice.password").write_text(dair.credentials("hep-member").password)
