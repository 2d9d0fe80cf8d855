"""Walks through the installation guide; exits with 0 when its first copy is proved."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tests.walk import guide, machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 900
#: What the guide leaves to its reader, and what the minicloud calls it.
READERS = (("--username alice --project science", "--username hep-member --project hep"),)
REGION = "RegionOne"


def own_namespaces() -> None:
    """Become the first process of a machine of our own; does not return."""
    if os.geteuid() != 0:
        raise SystemExit("python -m tests.walk makes a machine of namespaces, and needs root")
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    os.execvp(unshare[0], [*unshare, sys.executable, "-m", "tests.walk", "--inside"])  # noqa: S606


class Walker:
    """Carries out the steps one after another, in one shell's environment."""

    def __init__(self, place: machine.Machine) -> None:
        self._place = place
        self._state = place.folder / "environment"
        self._state.write_text(f"export PATH={place.shims}:$PATH\nunset PYTHONPATH VIRTUAL_ENV\n")
        self._began = time.monotonic()

    def take(self, step: guide.Step) -> str:
        """Do one step; return what it printed.

        :raises SystemExit: the command failed
        """
        if step.not_run:
            self._say(f"(not run: {step.not_run}) {step.text.strip()}")
            return ""
        if step.file:
            pathlib.Path(step.file).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(step.file).write_text(step.text)
            self._say(f"wrote {step.file}")
            return ""
        return self._run(self._reader(step.text))

    def _reader(self, command: str) -> str:
        for words, ours in READERS:
            command = command.replace(words, ours)
        return command.replace(REGION, "dair" if "THERE" in command else "alto")

    def _run(self, command: str) -> str:
        self._say(f"$ {command}")
        script = f". {self._state}; {command}\nrc=$?; export -p >{self._state}; exit $rc"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode != 0:
            self._logs()
            raise SystemExit(f"exit code {done.returncode}: {command}")
        return done.stdout

    def _logs(self) -> None:
        for path in sorted(pathlib.Path("/var/log/glint").glob("*.out")):
            print(f"-- {path}\n{path.read_text()[-3000:]}", flush=True)

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)


def prove(place: machine.Machine) -> None:
    """Ask both clouds, and not Glint, for the image.

    :raises SystemExit: they do not hold the same
    """
    found = []
    for name in ("alto", "dair"):
        cloud = place.clouds.cloud(name)
        url = f"{cloud.image_url}/v2/images"
        images = cloud.session().get(url, params={"name": "cirros"}).json()["images"]
        found.append([(one["status"], one["size"], one["os_hash_value"]) for one in images])
    print(f"ALTO {found[0]}\nDAIR {found[1]}")
    if len(found[0]) != 1 or found[0] != found[1] or found[0][0][0] != "active":
        raise SystemExit("the clouds do not hold the same image")


def image(place: machine.Machine) -> None:
    """The image of the guide's user."""
    cloud = place.clouds.cloud("alto")
    session, url = cloud.session(), f"{cloud.image_url}/v2/images"
    body = {"name": "cirros", "disk_format": "raw", "container_format": "bare"}
    ident = session.post(url, json=body).json()["id"]
    headers = {"Content-Type": "application/octet-stream"}
    session.put(f"{url}/{ident}/file", data=os.urandom(3 << 20), headers=headers)


def inside() -> int:
    """The walk itself."""
    steps = list(guide.steps())
    with tempfile.TemporaryDirectory(prefix="glint-walk-") as name:
        folder = pathlib.Path(name)
        for kept in (*machine.KEPT, str(ROOT)):
            machine.overlay(kept, folder / "scratch")
        machine.open_python()
        place = machine.Machine(folder)
        walker = Walker(place)
        # Packages come from outside; after them there is no outside.
        first = next(i for i, step in enumerate(steps) if step.text.startswith("mariadb "))
        for step in steps[:first]:
            walker.take(step)
        machine.leave_network()
        try:
            place.up()
            image(place)
            for step in steps[first:]:
                walker.take(step)
            prove(place)
        finally:
            place.down()
    return 0


def main() -> int:
    if sys.argv[1:] == ["--inside"]:
        return inside()
    own_namespaces()
    return 1


if __name__ == "__main__":
    sys.exit(main())
