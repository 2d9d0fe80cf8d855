"""What each project uses of Glint, counted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm

from glint.db import api, models
from glint.states import TransferKind, TransferState

_T = models.Transfer


def _in_flight() -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """Running transfers, and the bytes of the images that are being copied."""
    size = sa.case(
        (_T.kind == str(TransferKind.COPY), sa.func.coalesce(_T.bytes_total, 0)), else_=0
    )
    return sa.func.count(_T.id), sa.func.coalesce(sa.func.sum(size), 0)


def _running() -> sa.ColumnElement[bool]:
    return _T.state == str(TransferState.RUNNING)


@api.retry
def of_project(db: api.Database, project_id: str) -> dict[str, int]:
    """By the names of :data:`glint.quotas.RESOURCES`."""
    site, credential, image = models.Site, models.Credential, models.Image
    with db.reader() as session:
        count, size = session.execute(
            sa.select(*_in_flight()).where(_running(), _T.project_id == project_id)
        ).one()
        return {
            "images": _count(session, image.id, image.project_id == project_id),
            "sites": _count(session, site.id, site.project_id == project_id, site.draft.is_(False)),
            "credentials": _count(
                session,
                credential.id,
                credential.project_id == project_id,
                credential.draft.is_(False),
            ),
            "running_transfers": int(count),
            "bytes_in_flight": int(size),
        }


@api.retry
def in_flight(db: api.Database) -> dict[str, tuple[int, int]]:
    """Project -> running transfers and their bytes, of all projects that have any."""
    with db.reader() as session:
        rows = session.execute(
            sa.select(_T.project_id, *_in_flight()).where(_running()).group_by(_T.project_id)
        )
        return {project: (int(count), int(size)) for project, count, size in rows}


def _count(
    session: orm.Session, column: orm.InstrumentedAttribute[str], *where: sa.ColumnElement[bool]
) -> int:
    return session.scalar(sa.select(sa.func.count(column)).where(*where)) or 0
