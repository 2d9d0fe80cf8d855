"""Commands as the documentation has them, read by the parsers of their programs."""

from __future__ import annotations

import contextlib
import functools
import io
import pathlib
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from openstackclient import shell
from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from glint.cmd import manage
from glint.conf import register_opts

#: Groups of commands beside those that are always there; names of other services would be others.
GROUPS = (
    "openstack.common",
    "openstack.identity.v3",
    "openstack.image.v2",
    "openstack.image_distribution.v1",
)
_NEEDED = re.compile(r"arguments? .*required|required: ")


class Misread(Exception):
    """A parser does not take the words."""


def programs(command: str) -> Iterator[list[str]]:
    """The programs with their arguments of a line for the shell, those in ``$(...)`` too."""
    while inner := re.search(r"\$\(([^()]*)\)", command):
        yield from programs(inner[1])
        command = command[: inner.start()] + "VALUE" + command[inner.end() :]
    for part in re.split(r"\s(?:\||&&|;)\s", command):
        words = shlex.split(re.sub(r"\s\d?>\s*\S+", "", part))
        while words and (re.match(r"^[A-Z_]+=", words[0]) or words[0] in ("sudo", "exec")):
            words.pop(0)
        if words and words[0] == "runuser":
            words = words[words.index("--") + 1 :]
        if words:
            yield words


def read(words: Sequence[str], *, whole: bool) -> None:
    """Let a program's parser read its arguments; programs that are not ours are left alone.

    :param whole: what is needed must be there; else only what is there is looked at
    :raises Misread: with what the parser says
    """
    reader = READERS.get(pathlib.PurePath(words[0]).name)
    if reader is None:
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            reader([word for word in words[1:] if word != "..."], whole)
    except SystemExit as error:
        text = said.getvalue()
        if error.code and (whole or not _NEEDED.search(text)):
            raise Misread(f"{shlex.join(words)}: {text}") from None


@functools.cache
def _openstack() -> Any:
    app = shell.OpenStackShell()
    for group in GROUPS:
        app.command_manager.add_command_group(group)
    return app


def _read_openstack(words: list[str], whole: bool) -> None:
    app = _openstack()
    _, rest = app.parser.parse_known_args(words)
    names = app.command_manager.commands
    if not whole and any(f"{name} ".startswith(" ".join([*rest, ""])) for name in names):
        return
    try:
        factory, name, arguments = app.command_manager.find_command(rest)
    except ValueError as error:
        raise Misread(f"openstack {shlex.join(words)}: {error}") from None
    factory(app, None).get_parser(name).parse_args(arguments)


def _manage(conf: cfg.ConfigOpts) -> None:
    conf.register_cli_opt(cfg.SubCommandOpt("command", handler=manage._add_commands))


def _status(conf: cfg.ConfigOpts) -> None:
    upgradecheck.register_cli_options(conf, upgradecheck.UpgradeCommands())


def _oslo(register: Callable[[cfg.ConfigOpts], None], known: Sequence[tuple[str, ...]]) -> Any:
    def run(words: list[str], whole: bool) -> None:
        if not whole and any(tuple(words) == name[: len(words)] for name in known):
            return
        conf = cfg.ConfigOpts()
        register_opts(conf)
        register(conf)
        # The file that is named need not be there.
        files = [word for word in words if word.endswith(".conf")]
        if "--config-file" in words and files:
            at = words.index("--config-file")
            words = words[:at] + words[at + 2 :]
        conf(words, project="glint", default_config_files=[], default_config_dirs=[])

    return run


READERS: dict[str, Callable[[list[str], bool], None]] = {
    "openstack": _read_openstack,
    "glint-manage": _oslo(
        _manage,
        [("db",), ("credential",), ("user",), ("service",), ("operation",)],
    ),
    "glint-status": _oslo(_status, [("upgrade",)]),
    "glint-conductor": _oslo(lambda conf: None, []),
    "glint-all": _oslo(lambda conf: None, []),
}
