"""Who scans which credential: claims with a lease, as of transfers."""

from __future__ import annotations

import sqlalchemy as sa

from glint import objects
from glint.db import api, clock, convert, models


@api.retry
def want_scan(db: api.Database, ident: str) -> None:
    """Ask for an inventory scan; it is kept until a conductor does it."""
    with db.writer() as session:
        session.execute(
            sa.update(models.Credential)
            .where(models.Credential.id == ident)
            .values(scan_wanted_at=clock.now())
        )


@api.retry
def claim_scan(
    db: api.Database, owner: str, *, interval: float, lease: float
) -> objects.Credential | None:
    """Claim one credential whose inventory is wanted or older than ``interval`` seconds.

    The claim ends ``lease`` seconds after it was last renewed, or with what the scan wrote.
    """
    row, now = models.Credential, clock.now()
    due = sa.or_(
        row.scanned_at.is_(None),
        row.scanned_at < clock.after(-interval),
        sa.and_(row.scan_wanted_at.is_not(None), row.scan_wanted_at <= now),
    )
    free = sa.or_(row.scan_until.is_(None), row.scan_until < now)
    with db.reader() as session:
        query = (
            sa.select(row.id, row.scan_until)
            .join(models.Site)
            .where(row.draft.is_(False), models.Site.enabled.is_(True), due, free)
            .order_by(row.scan_wanted_at.is_(None), row.scanned_at)
            .limit(1)
        )
        found = session.execute(query).first()
    if found is None:
        return None
    # SQLAlchemy renders "== None" as IS NULL.
    same = row.scan_until == found.scan_until
    with db.writer() as session:
        won = session.execute(
            sa.update(row)
            .where(row.id == found.id, same)
            .values(
                scan_owner=owner,
                scan_until=clock.after(lease),
                scan_began_at=now,
            )
        )
        if won.rowcount != 1:  # type: ignore[attr-defined]
            return None
        return convert.credential(session.get_one(row, found.id))


@api.retry
def renew_scans(db: api.Database, owner: str, *, lease: float) -> None:
    """Keep the claims of ``owner`` for another ``lease`` seconds."""
    row = models.Credential
    with db.writer() as session:
        session.execute(
            sa.update(row).where(row.scan_owner == owner).values(scan_until=clock.after(lease))
        )
