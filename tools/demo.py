"""Two real clouds on loopback, Glint between them, one real image: seen with your own eyes.

Starts the minicloud (two independent clouds, ALTO and DAIR, each a real Keystone and a real Glance)
and glint-all, uploads a bootable image to ALTO, lets Glint distribute it to DAIR, and proves with
openstacksdk and hashlib, not with Glint, that both ends hold the same bytes as the file. Then it
stays until Ctrl-C, so that you can go on; afterwards nothing is left but the cached image.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any, NoReturn

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo_common import COMMAND_TIMEOUT, DemoError, program, say, step  # noqa: E402
from demo_glint import Glint  # noqa: E402
from demo_horizon import Horizon  # noqa: E402
from demo_image import ISO_NAME, disk_format, find_image  # noqa: E402

from tests.minicloud import processes  # noqa: E402 - the path has to be set first
from tests.minicloud.fixture import MiniCloud  # noqa: E402

#: Seconds for the copy of the image.
COPY_TIMEOUT = 600
CHUNK = 1 << 20


class Stop(BaseException):
    """SIGTERM or Ctrl-C."""


def digest(chunks: Iterator[bytes]) -> tuple[str, int]:
    """SHA-512 and number of bytes of a stream; our own count, nobody's promise."""
    sha512, size = hashlib.sha512(), 0
    for chunk in chunks:
        sha512.update(chunk)
        size += len(chunk)
    return sha512.hexdigest(), size


def file_chunks(path: pathlib.Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


class Demo:
    """From two empty clouds to a proven copy.

    :param folder: everything of this run.
    """

    def __init__(
        self, folder: pathlib.Path, image: pathlib.Path, *, with_horizon: bool = False
    ) -> None:
        self.folder = folder
        self.image = image
        self.name = "grub-rescue" if image.name == ISO_NAME else image.stem
        self.minicloud = MiniCloud(folder / "minicloud", owned=True)
        self.glint = Glint(folder / "glint", self.minicloud)
        self.horizon = Horizon(folder / "horizon", self.minicloud) if with_horizon else None
        self._secrets: set[str] = set()

    def start(self) -> None:
        step("Two independent clouds, each a real Keystone and a real Glance")
        self.minicloud.up(say=lambda line: say(f"   {line}"))
        for cloud in ("alto", "dair"):
            for persona in ("hep-member", "glint", "admin"):
                self._secrets.add(self.minicloud.cloud(cloud).credentials(persona).password)
        step("Glint: API and conductor in one process, on SQLite")
        self.glint.start()
        say(f"   glint-all answers on {self.glint.url} and is in ALTO's catalogue")

    def show(self) -> None:
        """Start the dashboard, where it is wanted; what it shows is there by now."""
        if self.horizon is not None:
            step("Horizon with Glint's panels, for ALTO's users")
            self.horizon.start()
            user = self.minicloud.cloud("alto").credentials("hep-member")
            say(f"   {self.horizon.url}")
            say(f"   user {user.username}, password {user.password}")

    def distribute(self) -> None:
        step("A real image, uploaded to ALTO with the plain image command")
        alto_id = self.openstack(
            *("image", "create", self.name, "--file", str(self.image), "--container-format"),
            *("bare", "--disk-format", disk_format(self.image), "--progress"),
            *("-f", "value", "-c", "id"),
        ).strip()
        step("The two sites, and the right to use them: two columns of the matrix")
        shown = ("-c", "name", "-c", "health", "-c", "id")
        for site in ("alto", "dair"):
            cloud = self.minicloud.cloud(site)
            where = ("--auth-url", cloud.auth_url, "--region", cloud.region)
            self.openstack("glint", "site", "create", site.upper(), *where, *shown)
        # Shared: for everybody in the project, so that its other users have something to look at.
        column = ("--shared", "-c", "name", "-c", "verified_at", "-c", "id")
        self.openstack("glint", "credential", "create", "ALTO", "--home", *column)
        secret = ("--application-credential-file", str(self.dair_credential()))
        self.openstack("glint", "credential", "create", "DAIR", *secret, *column)
        step("The image into Glint's catalogue, and to DAIR")
        what = ("--site-image", alto_id, "--credential", "ALTO")
        shown = ("-c", "name", "-c", "size", "-c", "id")
        self.openstack("glint", "image", "create", *what, *shown)
        wait = ("--wait", str(COPY_TIMEOUT))
        self.openstack("glint", "deploy", self.name, "--to", "DAIR", *wait, timeout=COPY_TIMEOUT)

    def dair_credential(self) -> pathlib.Path:
        """An application credential of the user at DAIR, in a file that only the user can read."""
        path = self.folder / "dair-application-credential.json"
        made = self.openstack(
            *("application", "credential", "create", "glint", "-f", "json"),
            cloud="dair",
            show=False,
        )
        secret = {key.lower(): value for key, value in json.loads(made).items()}["secret"]
        self._secrets.add(secret)
        path.touch(mode=0o600)
        path.write_text(made)
        say(f"   (written to {path})")
        return path

    def prove(self) -> None:
        """:raises DemoError: the three are not the same bytes, or the matrix does not say so."""
        step("The matrix")
        matrix = self.openstack("glint", "matrix", "show")
        cells = [c.strip() for line in matrix.splitlines() for c in line.split("|")]
        if cells.count("X") != 2:
            raise DemoError("The matrix does not show the image at both sites.")
        step("The proof: downloaded from both ends with openstacksdk, hashed with hashlib")
        wished = digest(file_chunks(self.image))
        seen = {"file": wished, "ALTO": self.download("alto"), "DAIR": self.download("dair")}
        for where, (sha512, size) in seen.items():
            say(f"   {where}  {size} bytes  sha512 {sha512}")
        if set(seen.values()) != {wished}:
            raise DemoError("The bytes at the two ends are not those of the file.")
        say("   the same bytes at both ends")

    def download(self, cloud: str) -> tuple[str, int]:
        """Hash and size of what a cloud gives back. Nothing of Glint is used."""
        import openstack

        config = openstack.config.OpenStackConfig(config_files=[str(self.minicloud.clouds_yaml)])
        with openstack.connection.Connection(config=config.get_one(cloud, api_timeout=60)) as there:
            found: list[Any] = list(there.image.images(name=self.name, status="active"))
            if len(found) != 1:
                raise DemoError(f"{cloud} has {len(found)} active images named {self.name}.")
            answer: Any = there.image.download_image(found[0], stream=True)
            with contextlib.closing(answer):
                sha512, size = digest(answer.iter_content(CHUNK))
        if found[0].hash_algo == "sha512" and found[0].hash_value != sha512:
            raise DemoError(f"{cloud} promises another hash than its bytes have.")
        return sha512, size

    def openstack(
        self,
        *arguments: str,
        cloud: str = "alto",
        show: bool = True,
        timeout: float = COMMAND_TIMEOUT,
    ) -> str:
        """Run the real openstack command, echo it, and return (and show) what it prints.

        :raises DemoError: it failed.
        """
        other = f"--os-cloud {cloud} " if cloud != "alto" else ""
        say(f"$ openstack {other}{shlex.join(arguments)}")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        environment["OS_CLIENT_CONFIG_FILE"] = str(self.minicloud.clouds_yaml)
        environment["OS_CLOUD"] = cloud
        try:
            done = subprocess.run(
                [program("openstack"), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                timeout=timeout + 60,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise DemoError(
                f"openstack {arguments[0]} ... took longer than {e.timeout:g} s."
            ) from e
        if show and done.stdout:
            say(done.stdout.rstrip())
        if done.returncode:
            raise DemoError(f"The command above ended with exit code {done.returncode}.")
        return done.stdout

    def how_to_go_on(self) -> None:
        step("Go on in another shell")
        openstack = shlex.quote(program("openstack"))
        alto, dair = self.minicloud.cloud("alto"), self.minicloud.cloud("dair")
        say(f"""
   Glint       {self.glint.url}   (configuration {self.glint.conf}, log {self.glint.log.name})
   ALTO        Keystone {alto.auth_url}   Glance {alto.image_url}
   DAIR        Keystone {dair.auth_url}   Glance {dair.image_url}
   users       in {self.minicloud.clouds_yaml}: alto, dair (a member of project hep),
               alto-bio-member (another project), alto-hep-reader, alto-admin, ...

   export OS_CLIENT_CONFIG_FILE={shlex.quote(str(self.minicloud.clouds_yaml))} OS_CLOUD=alto
   {openstack} glint matrix show
   {openstack} glint event list
   {openstack} glint undeploy {shlex.quote(self.name)} --from DAIR --wait
   {openstack} --os-cloud dair image list
   {openstack} --os-cloud alto-bio-member glint matrix show
""")

    def stay(self) -> NoReturn:
        """:raises Stop: somebody ended it.

        :raises DemoError: Glint or Horizon has died.
        """
        say("   Ctrl-C ends everything.")
        never = threading.Event()
        while True:
            never.wait(1)
            self.glint.check()
            if self.horizon is not None:
                self.horizon.check()

    def stop(self, keep: bool) -> None:
        """End every process; delete the folder unless it is to be kept."""
        if self.horizon is not None:
            self.horizon.stop()
        self.glint.stop()
        if keep:
            folder = self.minicloud.folder
            processes.kill_all(folder.path, folder.records)
            say(f"kept: {self.folder}")
        else:
            self.minicloud.down()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines: int = 25) -> str:
        """The end of Glint's log, without the passwords that the demo knows."""
        text = ""
        more = [] if self.horizon is None else [self.horizon.output]
        for path in (self.glint.output, self.glint.log, *more):
            if path.is_file():
                end = path.read_text(errors="replace").splitlines()[-lines:]
                text += f"-- {path.name}\n" + "".join(f"   {line}\n" for line in end)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


@contextlib.contextmanager
def only_one(state: pathlib.Path) -> Iterator[None]:
    """:raises DemoError: another demo uses the state folder."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise DemoError(f"A demo runs in {state} already; give another --state DIR.") from e
        yield


def interrupt(number: int, frame: types.FrameType | None) -> NoReturn:
    """End the walk; from now on signals are ignored, since the clean-up has time limits."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise Stop


def walk(args: argparse.Namespace) -> None:
    """:raises DemoError: something is off."""
    started = time.monotonic()
    state = pathlib.Path(args.state).resolve()
    with only_one(state):
        image = find_image(args.image, state / "cache")
        demo = Demo(state / "run", image, with_horizon=args.horizon)
        say(f"image: {demo.image} ({demo.image.stat().st_size} bytes, {disk_format(demo.image)})")
        demo.stop(keep=False)  # what a killed or kept run has left
        demo.folder.mkdir(mode=0o700)
        try:
            demo.start()
            demo.distribute()
            demo.prove()
            demo.show()
            say(f"\nAll this took {time.monotonic() - started:.0f} s.")
            if not args.once:
                demo.how_to_go_on()
                with contextlib.suppress(Stop):
                    demo.stay()
        except (DemoError, RuntimeError, OSError) as e:
            raise DemoError(f"{e}\n{demo.log_tail()}".rstrip()) from e
        finally:
            say("\n== Ending everything that was started")
            demo.stop(args.keep)


def main() -> int:
    """Entry point; 0 only when everything was as it should be."""
    parser = argparse.ArgumentParser(
        prog="tools/demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="end after the proof")
    parser.add_argument(
        "--horizon", action="store_true", help="also start the dashboard (a larger installation)"
    )
    parser.add_argument("--image", metavar="FILE", help="distribute this image instead of an ISO")
    parser.add_argument(
        "--state", metavar="DIR", default=str(ROOT / ".demo"), help="folder (default: .demo)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the files of the run behind")
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        walk(args)
    except DemoError as e:
        print(f"\n!! {e}", file=sys.stderr)
        return 1
    except Stop:
        print("\n!! interrupted before the proof", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
