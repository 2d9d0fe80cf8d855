"""Glint end to end: from a Save to the cells being active."""

from __future__ import annotations

import contextlib
import pathlib
import time
from collections.abc import Sequence

import sqlalchemy as sa

from glint.client import Resource
from glint.db import models
from tests.functional.service import GlintService, Settings, eventually
from tests.minicloud.fixture import MiniCloud
from tools.bench.copy.watch import high_water

#: The delivered configuration, where the tests' own is another.
SETTINGS: Settings = {
    "DEFAULT": {"debug": "false"},
    "api": {"response_validation": "warn"},
    "conductor": {"poll_interval": 5, "lease": 60, "beat": 1, "max_jobs": 8},
}
PATIENCE = 300.0

Where = tuple[str, str, str | None]
"""Cloud, persona, region."""


class Service(contextlib.ExitStack):
    """``glint-all`` at the first cloud, with that as the source and a column for each target."""

    def __init__(
        self, minicloud: MiniCloud, folder: pathlib.Path, targets: Sequence[Where]
    ) -> None:
        super().__init__()
        self._glint = GlintService(folder / "glint", minicloud.cloud("alto"), settings=SETTINGS)
        self._glint.setUp()
        self.callback(self._glint.cleanUp)
        self._engine = sa.create_engine(self._glint.connection, poolclass=sa.NullPool)
        self._client = self._glint.client()
        self._sites: dict[tuple[str, str | None], Resource] = {}
        home = self._site(minicloud, "alto", None)
        self._home = self._client.credentials.create(home["id"], {"auth_type": "home"})
        self._columns = [self._column(minicloud, *one) for one in targets]
        self._known: set[str] = set()
        self._done = 0

    def _site(self, minicloud: MiniCloud, cloud: str, region: str | None) -> Resource:
        if (cloud, region) not in self._sites:
            connection = {"auth_url": minicloud.cloud(cloud).auth_url}
            if region is not None:
                connection["region"] = region
            name = "-".join(filter(None, (cloud, region))).upper()
            self._sites[cloud, region] = self._client.sites.create(name, "openstack", connection)
        return self._sites[cloud, region]

    def _column(
        self, minicloud: MiniCloud, cloud: str, persona: str, region: str | None
    ) -> Resource:
        given = minicloud.cloud(cloud).credentials(persona)
        auth = {"auth_type": "password", **given.auth_parameters()}
        del auth["auth_url"]
        site = self._site(minicloud, cloud, region)
        return self._client.credentials.create(site["id"], auth)

    def register(self, count: int = 1) -> list[str]:
        """The new images of the source into the catalogue; their ids there."""
        self._client.credentials.scan(self._home["id"])

        def there() -> set[str]:
            new = {row["id"] for row in self._client.images.list()} - self._known
            return new if len(new) >= count else set()

        new = eventually(there, f"{count} new images in the catalogue", PATIENCE, 0.2)
        self._known |= new
        return sorted(new)

    def save(self, image: str, count: int) -> float:
        """Wish an image at the first ``count`` columns; seconds until all cells are active.

        :raises RuntimeError: a transfer failed.
        """
        changes = [
            {"image_id": image, "credential_id": column["id"], "wanted": True}
            for column in self._columns[:count]
        ]
        began = time.monotonic()
        self._client.operations.create(changes)
        self._done += count
        eventually(self._all_done, f"{count} copies", PATIENCE, 0.01)
        return time.monotonic() - began

    def _all_done(self) -> bool:
        with self._engine.connect() as connection:
            states = list(connection.scalars(sa.select(models.Transfer.state)))
        if "failed" in states:
            raise RuntimeError("a transfer failed: the measurement is worth nothing")
        return states.count("done") == self._done

    def memory(self) -> float:
        """Peak RSS, MiB, of the largest of its processes."""
        from tests.chaos.glint import children

        pids = [process.pid or 0 for process in self._glint.processes]
        return max(high_water(one) for pid in pids for one in (pid, *children(pid)))
