"""A private RabbitMQ node with a private port mapper."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Sequence

import amqp

from tests.servers import processes
from tests.servers.server import STOP_TIMEOUT, Server


class RabbitMQ(Server):
    """A node of a name of its own that knows no other node. Durable queues survive its kill.

    :ivar url: for ``transport_url``.
    """

    kind = "rabbitmq"
    programs = ("rabbitmq-server", "epmd")
    package = "rabbitmq-server"
    # On Debian the one on PATH is a wrapper that changes the user and reads the machine's settings.
    places = ("/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/lib/erlang/bin")

    @property
    def url(self) -> str:
        return f"rabbit://glint:{self.password}@127.0.0.1:{self.port}/"

    def _prepare(self) -> None:
        self._cookie = secrets.token_hex(16)
        self._node = f"glint-{secrets.token_hex(4)}@localhost"
        self._mapper: subprocess.Popen[bytes] | None = None
        self._write("plugins", "[].")
        self._write("env.conf", "")
        for folder in ("data", "log"):
            (self.folder / folder).mkdir(mode=0o700)

    def _choose_ports(self) -> None:
        self.port, self._dist_port, self._mapper_port = processes.free_ports(3)
        self._write(
            "rabbitmq.conf",
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "default_user = glint\n"
            f"default_pass = {self.password}\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
            "disk_free_limit.absolute = 64MB\n"
            "vm_memory_high_watermark.absolute = 512MB\n",
        )

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        return super()._environment() | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_ERLANG_COOKIE": self._cookie,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # The port mapper is ours, and in the foreground; no daemon is to be left behind.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            # Half the threads of a big machine are enough here, and busy waiting is none.
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            # The script then becomes the server instead of waiting for it.
            "RUNNING_UNDER_SYSTEMD": "1",
            "ERL_CRASH_DUMP": "/dev/null",
        }

    def _before_start(self) -> None:
        self._reap()
        self._mapper = self._spawn(self._programs["epmd"])

    def _command(self) -> Sequence[str]:
        return [self._programs["rabbitmq-server"]]

    def _answers(self) -> bool:
        try:
            with amqp.Connection(
                host=f"127.0.0.1:{self.port}",
                userid="glint",
                password=self.password,
                connect_timeout=5,
                read_timeout=5,
                write_timeout=5,
            ) as connection:
                connection.channel()
        except (OSError, amqp.exceptions.AMQPError):
            return False
        return True

    def stop(self) -> None:
        super().stop()
        self._reap()

    def kill(self) -> None:
        super().kill()
        self._reap()

    def _reap(self) -> None:
        if self._mapper:
            self._mapper.kill()
            self._mapper.wait(STOP_TIMEOUT)
            self._mapper = None
