"""Runs ``openstack`` commands in forks of one process that has loaded it: ``python -m`` this.

The command itself takes seconds of processor time to import its libraries, each time; a suite that
runs every command cannot afford that. What runs is the same ``main`` as that of the program, with
its own arguments, environment, folder and standard streams. One JSON object per line comes in on
standard input, one with the exit code goes out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from typing import Any


def _load() -> None:
    """Import what any command needs, by running one."""
    from openstackclient import shell

    with (
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.suppress(SystemExit),
    ):
        shell.main(["glint", "site", "list", "--help"])
    logging.getLogger().handlers.clear()


def _command(asked: dict[str, Any]) -> int:
    """In the child: become the command."""
    from openstackclient import shell

    signal.alarm(int(asked["timeout"]))
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    for number, (name, flags) in enumerate(
        (
            (asked["stdin"], os.O_RDONLY),
            (asked["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (asked["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        )
    ):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["openstack", *asked["arguments"]]
    try:
        return int(shell.main(sys.argv[1:]) or 0)
    except SystemExit as e:
        return int(e.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _fork(asked: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        code = 70  # a traceback is in standard error
        try:
            code = _command(asked)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Until standard input ends."""
    _load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps({"code": _fork(json.loads(line))}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
