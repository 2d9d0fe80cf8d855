"""Milliseconds of an answer, by the size of the catalogue: ``python -m tools.bench api``."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import pathlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.servers.rabbitmq import RabbitMQ
from tools.bench.api import asking, catalogue
from tools.bench.api.asking import Ask, Client, Times, get
from tools.bench.api.service import SERVERS, Service

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = 100
CHANGES = 1000
PER_IMAGE = 20
"""Changes of one image in a Save."""
SAMPLE = 1000
"""Images that requests are about."""

#: Requests of each kind: of the long run, and of the quick one.
TIMES, QUICK_TIMES = 60, 15
SAVES, QUICK_SAVES = 8, 3
CLIENTS = 4
SECONDS, QUICK_SECONDS = 5.0, 2.0

Tables = Iterator[tuple[str, list[list[str]]]]


class Subject:
    """A service over a catalogue of some size, and what is asked of it."""

    def __init__(self, service: Service, connection: str, images: int) -> None:
        self.images = images
        self.port = service.port
        self.cpu = lambda: service.cpu
        self.client = Client(service.port)
        self._rng = random.Random(3)
        self._sample = catalogue.some_images(connection, SAMPLE, seed=4)
        self._empty = iter(
            catalogue.empty_cells(connection, sorted(ident for ident, _ in self._sample))
        )
        reply = self.client(get("/v1/matrix", limit=PAGE))
        first = reply.json()
        self._sites = sorted({one["site_id"] for one in first["credentials"]})
        self._columns = [one["id"] for one in first["credentials"]]
        self._cursor = str(first["cursor"])
        self._tag = str(reply.headers["ETag"])

    def reading(self) -> Mapping[str, Callable[[], Ask]]:
        """Kinds of requests that change nothing: what makes one."""
        return {
            "first page": self._page,
            "page at a random place": lambda: self._page(marker=self._image()[0]),
            "page, by size, at a random place": lambda: self._page(
                sort="size:desc", marker=self._image()[0]
            ),
            "name=prefix:": lambda: self._page(name=f"prefix:{self._rng.choice(catalogue.KINDS)}"),
            "name=contains:, most have it": lambda: self._page(name="contains:build"),
            "name=contains:, one has it": lambda: self._page(
                name=f"contains:{self._image()[1].rpartition('-')[2]}"
            ),
            "site_id=": lambda: self._page(site_id=self._rng.choice(self._sites)),
            "site_id=, present=true": lambda: self._page(
                site_id=self._rng.choice(self._sites), present="true"
            ),
            "show=shared": lambda: self._page(show="shared"),
            "differs=true": lambda: self._page(differs="true"),
            "differs=true at a random place": lambda: self._page(
                differs="true", marker=self._image()[0]
            ),
            "status=failed": lambda: self._page(status="failed"),
            "conflict=same_name": lambda: self._page(conflict="same_name"),
            "conflict=same_content": lambda: self._page(conflict="same_content"),
            "conflict=duplicate": lambda: self._page(conflict="duplicate"),
            "counts=true, one row": lambda: get("/v1/matrix", counts="true", limit=1),
            "changes_since, nothing new": lambda: get("/v1/matrix", changes_since=self._cursor),
            "first page, 304": lambda: Ask(
                "/v1/matrix",
                (("limit", str(PAGE)),),
                headers=(("If-None-Match", self._tag),),
                expected=304,
            ),
            "images, 100": lambda: get("/v1/images", limit=PAGE),
            "images, 100, at a random place": lambda: get(
                "/v1/images", limit=PAGE, marker=self._image()[0]
            ),
            "one image": lambda: get(f"/v1/images/{self._image()[0]}"),
            "sites": lambda: get("/v1/sites"),
            "credentials": lambda: get("/v1/credentials"),
            "events, 100": lambda: get("/v1/events", limit=PAGE),
            "inventory of a column, 100": lambda: get(
                f"/v1/credentials/{self._rng.choice(self._columns)}/inventory", limit=PAGE
            ),
            "deployments, 100": lambda: get("/v1/deployments", limit=PAGE),
        }

    def saving(self) -> Mapping[str, Callable[[], Ask]]:
        """Saves of CHANGES new wishes each."""
        return {
            f"dry run, {CHANGES} changes": lambda: self._save(("dry_run", "true"), expected=200),
            f"save, {CHANGES} changes": lambda: self._save(expected=202),
        }

    def after(self) -> Mapping[str, Callable[[], Ask]]:
        """What is asked once there are changes."""
        return {
            "changes_since, after the Saves": lambda: get(
                "/v1/matrix", changes_since=self._cursor, limit=1000
            ),
            "operations, 1": lambda: get("/v1/operations", limit=1),
        }

    def working(self) -> Mapping[str, Callable[[], Ask]]:
        """What is asked by several clients at once."""
        reading = self.reading()
        return {
            "matrix, page of 20 rows": lambda: get("/v1/matrix", limit=20, marker=self._image()[0]),
            "matrix, page of 100 rows": reading["page at a random place"],
            "changes_since, nothing new": reading["changes_since, nothing new"],
            "one image": reading["one image"],
        }

    def _image(self) -> tuple[str, str]:
        return self._rng.choice(self._sample)

    def _page(self, **query: object) -> Ask:
        return get("/v1/matrix", limit=PAGE, **query)

    def _save(self, *query: tuple[str, str], expected: int) -> Ask:
        cells = [*itertools.islice(self._empty, CHANGES)]
        if len(cells) < CHANGES:
            raise RuntimeError("the sample has no empty cells left")
        changes = [
            {"image_id": image, "credential_id": column, "wanted": True} for image, column in cells
        ]
        return Ask("/v1/operations", query, "POST", {"changes": changes}, expected=expected)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", action="append", choices=[*SERVERS], help="may be repeated")
    parser.add_argument(
        "--images",
        type=lambda text: [int(one) for one in text.split(",")],
        help="sizes of the catalogues: 1000,100000; the last is held against the first",
    )
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="smaller, and fewer requests")


def bench(given: argparse.Namespace) -> Tables:
    """Titles and tables, as they become known."""
    images = given.images or ([1000, 10_000] if given.quick else [1000, 100_000])
    times = QUICK_TIMES if given.quick else TIMES
    saves = QUICK_SAVES if given.quick else SAVES
    seconds = QUICK_SECONDS if given.quick else SECONDS
    for database in given.database or ("mariadb",):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
            server = stack.enter_context(SERVERS[database]())
            broker = stack.enter_context(RabbitMQ())
            connections = {count: server.create_database() for count in images}
            yield f"{database}: catalogues", made(connections, given.columns)
            subjects = []
            for count, connection in connections.items():
                service = Service(folder / str(count), connection, broker.url, code=ROOT)
                stack.enter_context(service)
                subjects.append(Subject(service.start(), connection, count))
            kinds = [one.reading() for one in subjects]
            yield f"{database}: reading", together(kinds, subjects, times)
            kinds = [one.saving() for one in subjects]
            yield f"{database}: saving", together(kinds, subjects, saves)
            kinds = [one.after() for one in subjects]
            yield f"{database}: after that", together(kinds, subjects, saves)
            yield f"{database}: at once", at_once(subjects, seconds)


def made(connections: Mapping[int, str], columns: int) -> list[list[str]]:
    """Make the catalogues, and tell how many rows they have."""
    rows: list[list[str]] = []
    for count, connection in connections.items():
        began = time.monotonic()
        catalogue.build(connection, count, columns)
        seconds = time.monotonic() - began
        size = catalogue.size(connection)
        rows = rows or [["columns", *size, "seconds"]]
        rows.append([str(columns), *map(str, size.values()), f"{seconds:.0f}"])
    return rows


def together(
    kinds: Sequence[Mapping[str, Callable[[], Ask]]], subjects: Sequence[Subject], times: int
) -> list[list[str]]:
    """Each kind of request of all catalogues, in turns."""
    heading = ["request"]
    for subject in subjects:
        heading += [f"{subject.images}: p50 ms", "p95 ms", "CPU ms", "kB"]
    rows = [[*heading, "p50 ratio", "p95 ratio"]]
    for name in kinds[0]:
        clients, cpu = [s.client for s in subjects], [s.cpu for s in subjects]
        found = asking.in_turns(clients, [k[name] for k in kinds], cpu, times)
        rows.append([name, *(cell for one in found for cell in _shown(one)), *_growth(found)])
        print("  ".join(rows[-1]), flush=True)
    return rows


def _shown(found: Times) -> list[str]:
    return [f"{one:.1f}" for one in (found.p50, found.p95, found.cpu)] + [
        f"{found.size / 1000:.0f}"
    ]


def _growth(found: Sequence[Times]) -> list[str]:
    first, last = found[0], found[-1]
    return [f"{last.p50 / first.p50:.2f}", f"{last.p95 / first.p95:.2f}"]


def at_once(subjects: Sequence[Subject], seconds: float) -> list[list[str]]:
    """Answers per second of one worker process, to CLIENTS that ask all the time."""
    rows = [["request", *(f"{s.images}: per second" for s in subjects)]]
    for name in subjects[0].working():
        rates = [asking.rate(s.port, s.working()[name], CLIENTS, seconds) for s in subjects]
        rows.append([name, *(f"{one:.1f}" for one in rates)])
        print("  ".join(rows[-1]), flush=True)
    return rows
