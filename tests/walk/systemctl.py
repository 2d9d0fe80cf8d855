"""A stand-in for ``systemctl`` on the machine of the walk: starts what the guide's units say."""

from __future__ import annotations

import os
import pathlib
import shlex
import socket
import subprocess
import sys
import time

UNITS = pathlib.Path("/etc/systemd/system")
READY = ("controller", 9494)
PATIENCE = 120


def read(name: str) -> dict[str, str]:
    """The settings of a unit; of a template where the name has an instance."""
    base, at, rest = name.partition("@")
    path = UNITS / (f"{base}@.service" if at else name)
    text = path.read_text().replace("%i", rest.removesuffix(".service"))
    pairs = [line.partition("=")[::2] for line in text.splitlines() if "=" in line]
    return dict(pairs)


def start(name: str) -> None:
    """Start a unit as its user; one that tells when it is ready is waited for."""
    unit = read(name)
    user = unit["User"]
    environment = dict(word.split("=", 1) for word in shlex.split(unit.get("Environment", "")))
    with open(f"/var/log/glint/{name}.out", "ab") as output:
        subprocess.Popen(
            ["runuser", "-u", user, "--", *shlex.split(unit["ExecStart"])],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | environment,
            cwd="/",
        )
    if unit.get("Type") == "notify":
        wait()


def wait() -> None:
    """Until the API takes connections."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(READY, 5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def main() -> int:
    match sys.argv[1:]:
        case ["daemon-reload"]:
            return 0
        case ["enable", "--now", *names]:
            for name in names:
                start(name)
            return 0
    print(f"not on this machine: systemctl {' '.join(sys.argv[1:])}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
