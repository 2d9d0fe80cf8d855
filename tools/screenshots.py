"""Pictures of Glint's pages in Horizon, for the documentation: real clouds, real Horizon.

    .venv/bin/python tools/screenshots.py FOLDER [--theme material] [--width 1920]

Needs Chromium and its driver (``apt-get install chromium chromium-driver``), and everything that
tools/test installs.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys
import tempfile

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tests.functional.base import Glance, User, change
from tests.functional.browser import Browser
from tests.functional.horizon import Horizon
from tests.functional.service import GlintService
from tests.minicloud.fixture import CloudHandle, MiniCloud

NAMES = ("centos-stream-10", "debian-12-genericcloud", "rocky-9.4", "ubuntu-24.04-amd64")
LISTS = ("images", "sites", "credentials", "operations", "events")
MIB = 1 << 20
#: Colours of a picture: enough for these pages, and a third of the bytes.
COLOURS = 64


def populate(glint: GlintService, alto: CloudHandle, dair: CloudHandle) -> None:
    """Two columns, four images, two of them copied."""
    user = User(glint, "hep-member")
    home, column = user.home(alto), user.column("DAIR", dair)
    glance = Glance(alto.session("hep-member"), alto.image_url)
    for number, name in enumerate(NAMES):
        image = user.register(home, glance.add(name.encode() * MIB, name))
        if number % 2:
            user.save(change(image, column))


def shoot(browser: Browser, folder: pathlib.Path, name: str) -> None:
    """Keep what the window shows, with few colours."""
    path = folder / f"{name}.png"
    browser.screenshot(path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)
    print(f"{path} {path.stat().st_size} bytes")


def pages(browser: Browser, folder: pathlib.Path) -> None:
    """Walk through all pages."""
    browser.one("#glint[data-ready]")
    browser.click("tbody tr:first-of-type td:last-of-type .glint-box")
    browser.one(".is-pending")
    shoot(browser, folder, "matrix")
    browser.click("tbody tr:nth-of-type(2) td:last-of-type .glint-state")
    browser.one("#glint-dialog .glint-details")
    shoot(browser, folder, "cell")
    for name in LISTS:
        browser.go(f"/project/glint_{name}/")
        browser.one("table.table")
        shoot(browser, folder, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--theme", default="default", choices=("default", "material"))
    parser.add_argument("--width", type=int, default=1280)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        state = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-")))
        minicloud = MiniCloud(state / "clouds", owned=True)
        stack.callback(minicloud.down)
        minicloud.up()
        alto, dair = minicloud.cloud("alto"), minicloud.cloud("dair")
        port = minicloud.spare_ports[0]
        glint = stack.enter_context(GlintService(state / "glint", alto, port=port))
        populate(glint, alto, dair)
        horizon = stack.enter_context(Horizon(state / "horizon", alto))
        browser = stack.enter_context(Browser(horizon.url, width=options.width))
        browser.go("/auth/login/")
        browser.driver.add_cookie({"name": "theme", "value": options.theme, "path": "/"})
        one = alto.credentials("hep-member")
        browser.log_in(one.username, one.password, "/project/glint_deployments/")
        pages(browser, options.folder)


if __name__ == "__main__":
    main()
