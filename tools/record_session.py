"""Records doc/source/user/session.txt: from an empty Glint to a full matrix, in nine commands.

Starts two real clouds on loopback and Glint between them, as tools/demo does, puts three images
into the first cloud, and then writes down what a person types and what the openstack command
answers, standard error included. Nothing is edited but the folder's name. Run it again with

    python tools/record_session.py [FILE]
"""

from __future__ import annotations

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo_common import COMMAND_TIMEOUT, DemoError, program, say  # noqa: E402
from demo_glint import Glint  # noqa: E402

from tests.functional.base import Glance, application_credential_of  # noqa: E402
from tests.minicloud.fixture import MiniCloud  # noqa: E402

RECORD = ROOT / "doc" / "source" / "user" / "session.txt"
MIB = 1 << 20
#: Images at the first cloud: name and size in bytes.
IMAGES = {"cirros-0.6": 8 * MIB, "debian-12": 24 * MIB, "rescue": 3 * MIB}

SESSION = """
openstack glint site create ALTO --auth-url {alto} -c name -c health
openstack glint site create DAIR --auth-url {dair} -c name -c health
openstack glint credential create ALTO --home -c name -c verified_at
openstack glint credential create DAIR --application-credential-file dair.json -c name
openstack glint credential scan ALTO -c name -c scanned_at
openstack glint matrix show
openstack glint deploy cirros-0.6 debian-12 rescue --all --wait 600
openstack glint matrix show
openstack glint event list --limit 5 -c At -c Outcome -c Message
""".strip()


def run(line: str, folder: pathlib.Path, clouds: MiniCloud) -> str:
    """What a command prints.

    :raises DemoError: it failed.
    """
    words = shlex.split(line)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    environment |= {"OS_CLIENT_CONFIG_FILE": str(clouds.clouds_yaml), "OS_CLOUD": "alto"}
    done = subprocess.run(
        [program(words[0]), *words[1:]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_TIMEOUT + 600,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"{line}\n{done.stdout}\nended with exit code {done.returncode}")
    return done.stdout


def write_credential(folder: pathlib.Path, clouds: MiniCloud) -> None:
    """dair.json: an application credential of the user at the second cloud."""
    auth = application_credential_of(clouds.cloud("dair"), "hep-member", "glint")
    path = folder / "dair.json"
    path.touch(mode=0o600)
    ident, secret = auth["application_credential_id"], auth["application_credential_secret"]
    path.write_text(f'{{"id": "{ident}", "secret": "{secret}"}}')


def record(folder: pathlib.Path) -> str:
    """The whole session, as text."""
    clouds = MiniCloud(folder / "minicloud", owned=True)
    glint = Glint(folder / "glint", clouds)
    try:
        clouds.up(say=say)
        glint.start()
        alto, dair = clouds.cloud("alto"), clouds.cloud("dair")
        glance = Glance(alto.session("hep-member"), alto.image_url)
        for name, size in IMAGES.items():
            glance.add(os.urandom(size), name)
        write_credential(folder, clouds)
        lines = []
        for line in SESSION.format(alto=alto.auth_url, dair=dair.auth_url).splitlines():
            say(f"$ {line}")
            lines.append(f"$ {line}\n{run(line, folder, clouds)}")
        return "\n".join(lines).replace(str(folder), "FOLDER")
    finally:
        glint.stop()
        clouds.down()


def main() -> None:
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RECORD
    with tempfile.TemporaryDirectory(prefix="glint-session-") as folder:
        text = record(pathlib.Path(folder))
    if text.count("X") < 2 * len(IMAGES):
        raise DemoError("the matrix is not full")
    target.write_text(text)
    say(f"written: {target}")


if __name__ == "__main__":
    main()
