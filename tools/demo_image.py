"""A real, bootable image for the demo."""

from __future__ import annotations

import pathlib
import shlex
import shutil

from demo_common import DemoError, quiet, say

_PACKAGE = "grub-rescue-pc"
ISO_NAME = "grub-rescue-cdrom.iso"
_ISO = f"usr/lib/grub-rescue/{ISO_NAME}"


def find_image(given: str | None, cache: pathlib.Path) -> pathlib.Path:
    """The image to distribute: the user's, or the bootable ISO of Debian's grub-rescue-pc.

    :raises DemoError: there is none, and what to do.
    """
    if given:
        path = pathlib.Path(given).resolve()
        if not path.is_file() or not path.stat().st_size:
            raise DemoError(f"--image {given}: no such file, or it is empty.")
        return path
    for path in (pathlib.Path("/", _ISO), cache / _ISO):
        if path.is_file():
            return path
    return unpack_package(cache)


def unpack_package(cache: pathlib.Path) -> pathlib.Path:
    """Fetch the Debian package and unpack it into the cache: no root, nothing installed."""
    hint = "Give a bootable image yourself: tools/demo --image FILE"
    missing = [name for name in ("apt-get", "dpkg-deb") if not shutil.which(name)]
    if missing:
        raise DemoError(f"No image here, and no {' and no '.join(missing)} to fetch one. {hint}")
    say(f"fetching the Debian package {_PACKAGE} into {cache} (it is not installed)")
    cache.mkdir(parents=True, exist_ok=True)
    own_lists = private_apt(cache)
    attempts: list[list[list[str]]] = [
        [["apt-get", "-q", "download", _PACKAGE]],
        [
            ["apt-get", "-q", *own_lists, "update"],
            ["apt-get", "-q", *own_lists, "download", _PACKAGE],
        ],
    ]
    last = ""
    for commands in attempts:
        for command in commands:
            done = quiet(command, cache)
            last = f"{shlex.join(command)}: {(done.stderr.strip() or 'failed').splitlines()[-1]}"
        packages = sorted(cache.glob(f"{_PACKAGE}_*.deb"))
        if packages:
            quiet(["dpkg-deb", "-x", str(packages[-1]), str(cache)], cache)
            break
    if not (cache / _ISO).is_file():
        raise DemoError(f"{_PACKAGE} could not be fetched ({last}). {hint}")
    return cache / _ISO


def private_apt(cache: pathlib.Path) -> list[str]:
    """Options with which apt-get keeps package lists of its own, for who is not root."""
    lists, archives = cache / "apt" / "lists", cache / "apt" / "archives"
    for folder in (lists / "partial", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache::Archives={archives}"]


def disk_format(path: pathlib.Path) -> str:
    """What Glance is to be told; it refuses an image that says something else about itself."""
    with path.open("rb") as file:
        head = file.read(0x9000)
    if head.startswith(b"QFI\xfb"):
        return "qcow2"
    return "iso" if head[0x8001:0x8006] == b"CD001" else "raw"
