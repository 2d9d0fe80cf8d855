"""What a catalogue remembers: transfers, the Saves that they come from, events."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy as sa

from glint.db import models
from tools.bench.api.drawing import draw, ident_of, insert

#: Of 16 copies that Glint made, the history of how many is still kept.
TOLD = 2
#: Changes that a Save of the past had.
SAVE = 50

_D, _T = models.Deployment, models.Transfer
_C, _O = models.Credential, models.Operation


def write(session: sa.Connection, project: str, user: str, at: datetime.datetime) -> None:
    """The history of a catalogue that is there.

    :param at: when everything was saved.
    """
    session.execute(_transfers())
    session.execute(_failures())
    _saves(session, project, user, at)


def _transfer(state: str, error: Any) -> dict[str, Any]:
    done = state == "done"
    return {
        "id": ident_of(sa.func.md5(sa.func.concat(state, _D.id))),
        "deployment_id": _D.id,
        "live": sa.null() if state != "queued" else _D.id,
        "image_id": _D.image_id,
        "credential_id": _D.credential_id,
        "site_id": _C.site_id,
        "project_id": _D.project_id,
        "kind": sa.literal("copy"),
        "method": sa.literal("stream"),
        "reason": sa.literal("the site cannot fetch it by itself"),
        "state": sa.literal(state),
        "bytes_done": _D.seen_size if done else sa.literal(0),
        "bytes_total": _D.seen_size if done else sa.literal(2**30),
        "rate": sa.literal(0.0),
        "attempts": sa.literal(1),
        "fence": sa.literal(1),
        "next_run_at": _D.updated_at,
        "cancel": sa.false(),
        "alone": sa.false(),
        "error_code": error,
        "created_at": _D.updated_at,
        "finished_at": sa.null() if state == "queued" else _D.updated_at,
    }


def _transfers() -> Any:
    """The copies of the past that are still remembered."""
    digest = sa.func.md5(_D.id)
    return insert(
        _T,
        _transfer("done", sa.null()),
        lambda columns: (
            sa.select(*columns)
            .join(_C, _C.id == _D.credential_id)
            .where(_D.status == "active", _D.stamped.is_(True), draw(digest, 17, 16, TOLD))
        ),
    )


def _failures() -> Any:
    """What failed, and what would show its progress."""
    return insert(
        _T,
        _transfer("failed", sa.literal("site.unreachable")),
        lambda columns: (
            sa.select(*columns)
            .join(_C, _C.id == _D.credential_id)
            .where(_D.status.in_(["failed", "queued"]))
        ),
    )


def _saves(session: sa.Connection, project: str, user: str, at: datetime.datetime) -> None:
    """The Saves that these transfers come from, with their line of history."""
    count = session.scalar(sa.select(sa.func.count()).select_from(_T)) or 0
    ids = [str(uuid.UUID(int=number, version=4)) for number in range(max(1, count // SAVE))]
    made = [
        {"id": ident, "project_id": project, "user_id": user, "created_at": at} for ident in ids
    ]
    session.execute(sa.insert(_O), made)
    session.execute(
        sa.insert(models.Event),
        [
            {"at": at, "project_id": project, "user_id": user, "action": "operation.save",
             "outcome": "accepted", "message": "changes saved", "operation_id": ident,
             "notified": True}
            for ident in ids
        ],
    )  # fmt: skip
    number = (sa.func.row_number().over(order_by=_T.id) - 1).label("number")
    numbered = sa.select(_T.id, _T.deployment_id, number).subquery()
    order = sa.select(_O.id, (sa.func.row_number().over(order_by=_O.id) - 1).label("place"))
    saves = order.subquery()
    values = {
        "operation_id": saves.c.id,
        "deployment_id": numbered.c.deployment_id,
        "wanted": sa.true(),
        "transfer_id": numbered.c.id,
        "settled": sa.true(),
    }
    session.execute(
        insert(
            models.Change,
            values,
            lambda columns: sa.select(*columns).join(
                saves, saves.c.place == numbered.c.number % len(ids)
            ),
        )
    )
