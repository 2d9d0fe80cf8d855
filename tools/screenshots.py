"""Pictures of Glint's pages in Horizon, for the documentation: real clouds, real Horizon.

    .venv/bin/python tools/screenshots.py FOLDER [--theme material] [--width 1920]

Without --theme and --width all of them are made. Needs Chromium and its driver (``apt-get install
chromium chromium-driver``), and everything that tools/test installs.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys
import tempfile

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from glint.client import Resource
from tests.functional.base import Glance, User, change
from tests.functional.browser import Browser
from tests.functional.horizon import Horizon
from tests.functional.processes import eventually
from tests.functional.service import GlintService
from tests.minicloud.fixture import CloudHandle, MiniCloud

NAMES = ("centos-stream-10", "debian-12-genericcloud", "rocky-9.4", "ubuntu-24.04-amd64")
#: Name of a picture, address, and what has to be there before it is taken.
PAGES = (
    ("images", "/project/glint_images/", "#images tbody tr"),
    ("create", "/project/glint_images/create/", "#glint-upload[data-ready]"),
    ("found", "/project/glint_images/found/", "#found tbody tr"),
    ("sites", "/project/glint_sites/", "#sites tbody tr"),
    ("credentials", "/project/glint_credentials/", "#credentials tbody tr"),
    ("operations", "/project/glint_operations/", "#operations tbody tr"),
    ("events", "/project/glint_events/", "#events tbody tr"),
    ("admin-sites", "/admin/glint_sites/", "#sites tbody tr"),
    ("admin-operations", "/admin/glint_operations/", "#operations tbody tr"),
    ("conductors", "/admin/glint_conductors/", "#conductors tbody tr"),
)
MATRIX = "/project/glint_deployments/"
THEMES = ("default", "material")
WIDTHS = (1280, 1920)
HEIGHT = 1000
KIB = 1 << 10
MIB = 1 << 20
#: Colours of a picture: enough for these pages, and a third of the bytes.
COLOURS = 64
PATIENCE = 120.0


class Scene:
    """Two columns, and images in every state that a page can show.

    :ivar slow: an image that is being copied for minutes
    """

    def __init__(self, minicloud: MiniCloud, glint: GlintService) -> None:
        self.minicloud = minicloud
        self.alto, self.dair = minicloud.cloud("alto"), minicloud.cloud("dair")
        self.user = User(glint, "hep-admin")
        self.home = self.user.home(self.alto, shared=True)
        self.column = self.user.column("DAIR", self.dair, shared=True)
        self.glance = Glance(self.alto.session("hep-member"), self.alto.image_url)

    def image(self, name: str, size: int = MIB, **attributes: str) -> Resource:
        data = (f"{name} {attributes}".encode() * size)[:size]
        return self.user.register(self.home, self.glance.add(data, name, **attributes))

    def build(self) -> None:
        images = [self.image(name) for name in NAMES]
        for image in images[1:3]:
            self.user.save(change(image, self.column))
        self.user.register(self.home, self.glance.add(b"another" * MIB, NAMES[0]))
        self.user.client.image_files.create(
            "alma-9", "qcow2", source_url="https://images.example.org/alma-9.qcow2"
        )
        self.minicloud.kill("dair-glance")
        self.user.save(change(images[3], self.column))
        self.minicloud.revive("dair-glance")
        self.user.client.sites.update(self.column["site_id"], bandwidth=64 * KIB)
        self.slow = self.image("windows-server-2025", 64 * MIB)
        wish = self.user.client.operations.create([change(self.slow, self.column)])
        eventually(lambda: self._done(wish), "a copy in progress", PATIENCE)
        self.glance.add(b"not in the catalogue" * MIB, "gentoo-2026.10")
        self.user.scan(self.home)

    def _done(self, wish: Resource) -> bool:
        operation = self.user.client.operations.get(wish["id"])
        return operation["bytes_done"] > 4 * MIB or operation["state"] in ("done", "failed")


def shoot(browser: Browser, path: pathlib.Path) -> None:
    """Keep what the window shows, with few colours."""
    browser.screenshot(path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)
    print(f"{path} {path.stat().st_size} bytes")


def walk(browser: Browser, folder: pathlib.Path, suffix: str, slow: Resource) -> None:
    """Take a picture of every page."""

    def keep(name: str) -> None:
        shoot(browser, folder / f"{name}{suffix}.png")

    browser.go(MATRIX)
    browser.one("#glint[data-ready]")
    browser.click("tbody tr:nth-of-type(2) td:last-of-type .glint-box")
    browser.one(".is-pending")
    keep("matrix")
    browser.click(".is-failed .glint-state")
    browser.one("#glint-dialog .glint-details")
    keep("cell")
    browser.click("#glint-dialog [data-glint=close]")
    browser.click("#glint-undo")
    browser.click("tbody tr:nth-of-type(4) td:last-of-type .glint-box")
    browser.click("#glint-save")
    browser.one("#glint-dialog .glint-plan")
    keep("plan")
    browser.click("#glint-dialog [data-glint=close]")
    browser.click("#glint-undo")
    for name, address, sign in PAGES:
        browser.go(address)
        browser.one(sign)
        keep(name)
    browser.go(f"/project/glint_images/{slow['id']}/")
    browser.one(".glint-details")
    keep("image")
    browser.go("/project/glint_sites/")
    browser.click("#sites__action_add")
    browser.one(".modal.in #id_name")
    keep("add-site")


def log_in(browser: Browser, alto: CloudHandle) -> None:
    one = alto.credentials("hep-admin")
    browser.log_in(one.username, one.password, MATRIX)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--theme", action="append", choices=THEMES)
    parser.add_argument("--width", action="append", type=int)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        state = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glint-")))
        minicloud = MiniCloud(state / "clouds", owned=True)
        stack.callback(minicloud.down)
        minicloud.up()
        alto = minicloud.cloud("alto")
        port = minicloud.spare_ports[0]
        glint = stack.enter_context(GlintService(state / "glint", alto, port=port))
        glint.start()
        scene = Scene(minicloud, glint)
        scene.build()
        horizon = stack.enter_context(Horizon(state / "horizon", alto))
        browser = stack.enter_context(Browser(horizon.url))
        log_in(browser, alto)
        for theme in options.theme or THEMES:
            browser.driver.add_cookie({"name": "theme", "value": theme, "path": "/"})
            for width in options.width or WIDTHS:
                browser.driver.set_window_size(width, HEIGHT)
                walk(browser, options.folder, f"-{theme}-{width}", scene.slow)


if __name__ == "__main__":
    main()
