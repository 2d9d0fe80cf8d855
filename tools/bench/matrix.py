"""The page of the matrix in Horizon: how long the servers and the browser need for it.

Images, columns and cells are written into Glint's database; Keystone, Glint's API, Horizon and
Chromium are real.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import requests
import sqlalchemy as sa

from glint.db import api, models
from tests.functional.browser import WAIT, Browser
from tests.functional.horizon import Horizon
from tests.functional.service import GlintService
from tests.minicloud.fixture import MiniCloud

MATRIX = "/project/glint_deployments/"
TIMES = 5
#: How common each state of a cell is: most are there or not, some are anything else.
STATES = (
    (("absent", False), 40),
    (("active", True), 52),
    (("queued", True), 2),
    (("failed", True), 3),
    (("drifted", True), 2),
    (("unknown", True), 1),
)

#: Milliseconds from one mark of the browser's to another.
_LOADED = """
const [page] = performance.getEntriesByType("navigation");
return [page.responseEnd - page.requestStart, page.domInteractive - page.responseEnd,
        page.loadEventEnd - page.domInteractive];
"""
#: A click at something, and the layout after it.
_CLICKED = """
const began = performance.now();
document.querySelector(arguments[0]).click();
document.body.getBoundingClientRect();
return performance.now() - began;
"""
#: From the top of the table to its end and back; milliseconds of the slowest of the frames.
_SCROLLED = """
const done = arguments[0], place = document.querySelector(".glint-scroll"), times = [];
const step = Math.ceil(place.scrollHeight / 30);
let last = performance.now();
function frame(now) {
  times.push(now - last);
  last = now;
  place.scrollTop += step;
  if (times.length < 40) { requestAnimationFrame(frame); } else { done(Math.max(...times)); }
}
requestAnimationFrame(frame);
"""


def bench(given: argparse.Namespace) -> list[list[str]]:
    rows = [["images x columns", "what", "median ms", "longest ms", "KiB"]]
    for images, columns in ((25, 5), (200, 30)):
        found = measure(images, columns)
        for what, times, size in found:
            shown = "-" if size is None else f"{size / 1024:.0f}"
            median = f"{statistics.median(times):.0f}"
            rows.append([f"{images} x {columns}", what, median, f"{max(times):.0f}", shown])
            print("  ".join(rows[-1]), flush=True)
    return rows


def measure(images: int, columns: int) -> list[tuple[str, list[float], int | None]]:
    with contextlib.ExitStack() as stack:
        state = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        minicloud = MiniCloud(state / "clouds", owned=True)
        stack.callback(minicloud.down)
        minicloud.up(say=lambda line: None)
        alto = minicloud.cloud("alto")
        settings = {"DEFAULT": {"debug": "false"}, "api": {"response_validation": "warn"}}
        glint = GlintService(
            state / "glint", alto, port=minicloud.spare_ports[0], settings=settings
        )
        stack.enter_context(glint)
        session = alto.session("hep-member")
        prepare(glint.connection, str(session.get_project_id()), images, columns)
        horizon = stack.enter_context(Horizon(state / "horizon", alto))
        browser = stack.enter_context(Browser(horizon.url, width=1920))
        one = alto.credentials("hep-member")
        browser.log_in(one.username, one.password, MATRIX)
        return [
            *servers(glint, session, horizon, browser, images),
            *in_the_browser(browser, images),
        ]


def servers(
    glint: GlintService, session: Any, horizon: Horizon, browser: Browser, images: int
) -> list[tuple[str, list[float], int | None]]:
    plain, client = browser.plain(), glint.client(session)
    page = f"{horizon.url}{MATRIX}?size={size_for(images)}"
    cursor = str(client.http.get("/matrix", {"limit": 1})["cursor"])
    state = f"{horizon.url}{MATRIX}state/?size={size_for(images)}"

    def get(url: str, **query: str) -> Callable[[], requests.Response]:
        return lambda: plain.get(url, params=query, timeout=WAIT)

    direct = requests.Session()
    direct.trust_env = False
    direct.headers["X-Auth-Token"] = str(session.get_token())
    address = f"{glint.url}/v1/matrix?limit={images}&counts=true&sort=name:asc,id:asc"
    return [
        timed("Glint: a page with counts", lambda: direct.get(address, timeout=WAIT)),
        timed("Horizon: the page", get(page)),
        timed("Horizon: what changed", get(state, since=cursor)),
        timed("Horizon: everything anew", get(state, since=f"0.{'0' * 16}")),
    ]


def timed(what: str, ask: Callable[[], requests.Response]) -> tuple[str, list[float], int | None]:
    """The first answer fills caches and is not counted."""
    ask()
    times = []
    for _ in range(TIMES):
        began = time.monotonic()
        answer = ask()
        times.append((time.monotonic() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    return what, times, len(answer.content)


def in_the_browser(browser: Browser, images: int) -> list[tuple[str, list[float], int | None]]:
    found: dict[str, list[float]] = {}

    def note(what: str, milliseconds: float) -> None:
        found.setdefault(what, []).append(milliseconds)

    for _ in range(TIMES):
        browser.go(f"{MATRIX}?size={size_for(images)}")
        browser.one("#glint[data-ready]")
        browser.until(lambda: browser.script(_LOADED)[2] > 0, "the end of loading")
        waited, parsed, settled = browser.script(_LOADED)
        note("browser: waits for the page", waited)
        note("browser: takes it in", parsed)
        note("browser: script, style and layout", settled)
        note("browser: ticks a cell", browser.script(_CLICKED, ".glint-box"))
        note("browser: ticks a column", browser.script(_CLICKED, ".glint-column"))
        note(
            "browser: slowest frame when scrolling", browser.driver.execute_async_script(_SCROLLED)
        )
        browser.click("#glint-undo")
    return [(what, times, None) for what, times in found.items()]


def size_for(images: int) -> int:
    """Rows of the page that shows so many."""
    return next(size for size in (25, 50, 100, 200) if size >= images)


def prepare(connection: str, project: str, images: int, columns: int) -> None:
    """A catalogue, its columns and what is known of each cell."""
    rng, now = random.Random(1), models.utcnow()
    sites = [models.new_id() for _ in range(columns)]
    credentials = [models.new_id() for _ in range(columns)]
    rows = [models.new_id() for _ in range(images)]
    states, weights = [one for one, _ in STATES], [weight for _, weight in STATES]
    db = api.Database(connection)
    with db.writer() as session:
        session.execute(sa.insert(models.Site), [
            {"id": ident, "name": f"SITE{n:02}", "type": "openstack", "health": "ok",
             "connection": {"auth_url": "http://127.0.0.1:9/v3"}, "taken_name": ident}
            for n, ident in enumerate(sites)
        ])  # fmt: skip
        session.execute(sa.insert(models.Credential), [
            {"id": ident, "site_id": site, "project_id": project, "auth": {"auth_type": "password"},
             "secret": b"", "remote_project_name": "hep", "verified_at": now, "scanned_at": now}
            for ident, site in zip(credentials, sites, strict=True)
        ])  # fmt: skip
        session.execute(sa.insert(models.Image), [
            {"id": ident, "project_id": project, "name": f"linux-{n:03}-genericcloud-amd64",
             "disk_format": "qcow2", "container_format": "bare", "size": 2**29 + n,
             "os_hash_algo": "sha512", "os_hash_value": f"{n:0128x}",
             "digests": {"sha512": f"{n:0128x}"}}
            for n, ident in enumerate(rows)
        ])  # fmt: skip
        found = []
        for image in rows:
            for credential in credentials:
                ((status, wanted),) = rng.choices(states, weights)
                if status != "absent":
                    found.append({
                        "id": models.new_id(), "image_id": image, "credential_id": credential,
                        "project_id": project, "wanted": wanted, "status": status,
                        "updated_at": now, "remote_id": models.new_id(),
                    })  # fmt: skip
        session.execute(sa.insert(models.Deployment), found)
    db.dispose()
