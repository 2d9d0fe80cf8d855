"""From Saves of many cells to the transfers in the queue, on each database."""

from __future__ import annotations

import argparse
import statistics
import time

import sqlalchemy as sa

from glint import objects
from glint.conductor.planning import plan_pending
from glint.db import api, models, operations
from tools.bench import claims

COLUMNS = 10
CHANGES = 1000
"""Of one Save: as many as the API takes."""
SCOPE = objects.Scope("p", "u")


def bench(given: argparse.Namespace) -> list[list[str]]:
    rows = [
        [
            "database", "cells", "Saves", "seconds of a Save: median", "longest",
            "until all are saved s", "planned per second", "until all are queued s",
        ]
    ]  # fmt: skip
    for name in given.database or ("sqlite", "mariadb", "postgresql"):
        with claims.database(name) as connection:
            db = api.Database(connection)
            rows.append([name, *measure(db, given.cells)])
            db.dispose()
        print("  ".join(rows[-1]), flush=True)
    return rows


def measure(db: api.Database, cells: int) -> list[str]:
    """One process that saves, and then plans, as the API and a conductor do."""
    images, columns = prepare(db, cells // COLUMNS)
    changes = [
        objects.WishedChange(image, column, wanted=True) for image in images for column in columns
    ]
    began, times = time.monotonic(), []
    for first in range(0, len(changes), CHANGES):
        before = time.monotonic()
        operations.save(db, SCOPE, changes[first : first + CHANGES])
        times.append(time.monotonic() - before)
    saved = time.monotonic()
    while plan_pending(db):
        pass
    ended = time.monotonic()
    query = sa.select(sa.func.count()).where(models.Transfer.state == "queued")
    with db.reader() as session:
        queued = session.scalar(query)
    assert queued == len(changes), f"{queued} of {len(changes)} are in the queue"
    return [
        str(len(changes)), str(len(times)), f"{statistics.median(times):.2f}", f"{max(times):.2f}",
        f"{saved - began:.1f}", f"{len(changes) / (ended - saved):.0f}", f"{ended - began:.1f}",
    ]  # fmt: skip


def prepare(db: api.Database, count: int) -> tuple[list[str], list[str]]:
    """Images that one column holds, and the other columns."""
    sites = [models.new_id() for _ in range(COLUMNS + 1)]
    columns = [models.new_id() for _ in sites]
    images = [models.new_id() for _ in range(count)]
    digest = "0" * 128
    with db.writer() as session:
        session.execute(sa.insert(models.Site), [
            {"id": ident, "name": f"site {ident}", "type": "openstack", "connection": {},
             "taken_name": ident}
            for ident in sites
        ])  # fmt: skip
        session.execute(sa.insert(models.Credential), [
            {"id": ident, "site_id": site, "project_id": "p", "auth": {}, "secret": b""}
            for ident, site in zip(columns, sites, strict=True)
        ])  # fmt: skip
        session.execute(sa.insert(models.Image), [
            {"id": ident, "project_id": "p", "name": f"image {ident}", "disk_format": "raw",
             "container_format": "bare", "size": 2**30 + number, "os_hash_algo": "sha512",
             "os_hash_value": f"{digest[32:]}{ident.replace('-', '')}"}
            for number, ident in enumerate(images)
        ])  # fmt: skip
        session.execute(sa.insert(models.Deployment), [
            {"id": models.new_id(), "image_id": image, "credential_id": columns[0],
             "project_id": "p", "wanted": True, "status": "active", "remote_id": image}
            for image in images
        ])  # fmt: skip
    return images, columns[1:]
