"""How much of each site's bandwidth one conductor may use now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import sqlalchemy as sa

from glint.db import api, models
from glint.states import TransferKind, TransferState


@dataclasses.dataclass(frozen=True)
class Due:
    """Bytes per second by site id; a site that is missing has no cap."""

    into: Mapping[str, float]
    out_of: Mapping[str, float]


@api.retry
def due(db: api.Database, owner: str) -> Due:
    """What ``owner`` may move into and out of the sites with a cap.

    Into a site each running copy has the same share. Out of it each conductor that reads there has:
    one read feeds any number of copies.
    """
    transfer, site = models.Transfer, models.Site
    running = sa.and_(
        transfer.state == str(TransferState.RUNNING),
        transfer.kind == str(TransferKind.COPY),
        site.bandwidth.is_not(None),
    )
    mine = sa.func.sum(sa.case((transfer.owner == owner, 1), else_=0))
    into = (
        sa.select(site.id, site.bandwidth, mine, sa.func.count())
        .join(transfer, transfer.site_id == site.id)
        .where(running)
        .group_by(site.id, site.bandwidth)
    )
    readers = sa.func.count(transfer.owner.distinct())
    out_of = (
        sa.select(site.id, site.bandwidth, readers)
        .join(models.Credential, models.Credential.site_id == site.id)
        .join(transfer, transfer.source_credential_id == models.Credential.id)
        .where(running)
        .group_by(site.id, site.bandwidth)
    )
    with db.reader() as session:
        return Due(
            # A copy that was claimed a moment ago may not be counted yet.
            into={
                i: int(cap or 0) * max(int(own), 1) / n for i, cap, own, n in session.execute(into)
            },
            out_of={i: int(cap or 0) / n for i, cap, n in session.execute(out_of)},
        )
