"""Typing the commands of a page of the documentation, for tests."""

from __future__ import annotations

import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence

import testtools
from testtools import content, content_type

from tests.functional.base import WAIT
from tests.functional.cli import Done, OpenStack
from tests.functional.processes import clean_environment

TIMEOUT = WAIT + 120
#: What only a shell understands.
_SHELL = re.compile(r"[|<>$;&`]")


class Typist:
    """Types commands one after another, in the environment of one shell.

    :param folder: where the files of the commands are
    :param words: what the page leaves to its reader -> what it is here; longer words first
    :param env: the environment that the reader is said to have
    :param openstack: runs plain ``openstack`` commands; else each is a program of its own
    """

    def __init__(
        self,
        case: testtools.TestCase,
        folder: pathlib.Path,
        words: Mapping[str, str],
        env: Mapping[str, str],
        openstack: OpenStack | None = None,
    ) -> None:
        self._case = case
        self._openstack = openstack
        self._given = dict(env)
        self._folder = folder
        self._words = sorted(words.items(), key=lambda pair: -len(pair[0]))
        programs = pathlib.Path(sys.executable).parent
        self._env = clean_environment(folder) | dict(env)
        self._env["PATH"] = f"{programs}:{self._env['PATH']}"
        self._state = folder / "environment"
        self._state.touch(mode=0o600)
        self._said: list[str] = []
        case.addDetail("typed", content.Content(content_type.UTF8_TEXT, self._typed))

    def _typed(self) -> list[bytes]:
        return [text.encode() for text in self._said]

    def type(self, commands: Sequence[str], stdin: str = "") -> str:
        """What they print to standard output; the first that fails fails the test."""
        self._case.assertNotEqual([], commands, "the page has no such commands")
        return "".join(self._one(command, stdin) for command in commands)

    def _one(self, command: str, stdin: str) -> str:
        for word, here in self._words:
            command = command.replace(word, here)
        self._said.append(f"$ {command}\n")
        if self._openstack and command.startswith("openstack ") and not _SHELL.search(command):
            done = self._openstack(*shlex.split(command)[1:], **self._given)
        else:
            done = self._shell(command, stdin)
        self._said.append(done.out + done.err)
        self._case.assertEqual(0, done.code, f"{command}\n{done.out}{done.err}")
        return done.out

    def _shell(self, command: str, stdin: str) -> Done:
        state = self._state
        done = subprocess.run(
            ["bash", "-c", f". {state}\n{command}\nrc=$?\nexport -p >{state}\nexit $rc"],
            cwd=self._folder,
            env=self._env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)
