"""Saves: the wishes of one user, written together."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from glint import exception, objects
from glint.db import (
    api,
    convert,
    credentials,
    events,
    forecasts,
    idempotency,
    listing,
    models,
    transfers,
    wishes,
)


@api.retry
def save(
    db: api.Database,
    scope: objects.Scope,
    changes: Sequence[objects.WishedChange],
    *,
    request_id: str | None = None,
    key: objects.RequestKey | None = None,
) -> objects.OperationView:
    """Write all wishes of one Save, or none.

    :param key: of a Save that may be repeated; the operation of the first one is returned.

    :raises NotFound: an image or credential is not there, or another project's.
    :raises GenerationConflict: an image's row changed since the caller read it.
    :raises NothingToDo: every cell is wished so already.
    :raises Conflict: a wish that must not be carried out: last copy, foreign image, disabled site.
    """
    try:
        with db.writer() as session:
            return _save(session, scope, changes, request_id, key)
    except db_exc.DBDuplicateEntry as error:
        raise api.Again from error


def _save(
    session: orm.Session,
    scope: objects.Scope,
    changes: Sequence[objects.WishedChange],
    request_id: str | None,
    key: objects.RequestKey | None,
) -> objects.OperationView:
    first = idempotency.claim(session, key) if key is not None else None
    if first is not None:
        return _view(session, scope, [find(session, scope, first.made_id or "")])[0]
    operation = models.Operation(
        id=models.new_id(),
        project_id=scope.project_id,
        user_id=scope.user_id,
        request_id=request_id,
    )
    session.add(operation)
    if key is not None:
        session.get_one(models.IdempotencyKey, key.id).made_id = operation.id
    session.flush()
    places = wishes.find(session, scope, changes)
    session.add_all(place.cell for place in places)
    fresh = _wish(changes, places)
    if not fresh:
        running = next(iter(transfers.live(session, [p.cell.id for p in places]).values()), None)
        at_work = f" and transfer {running} is at work" if running else ""
        raise exception.NothingToDo(running=at_work)
    wishes.renew(session, [place.cell for place in fresh])
    session.flush()
    for forecast in forecasts.judge(session, [convert.deployment(p.cell) for p in fresh]):
        if forecast.refusal is not None and forecast.firm:
            raise forecast.refusal
    for image in {place.image.id: place.image for place in fresh}.values():
        image.generation += 1
    new = {place.cell.id for place in fresh}
    running_ids = transfers.live(session, [p.cell.id for p in places if p.cell.id not in new])
    for change, place in zip(changes, places, strict=True):
        session.add(
            models.Change(
                operation_id=operation.id,
                deployment_id=place.cell.id,
                wanted=change.wanted,
                transfer_id=running_ids.get(place.cell.id),
                settled=place.cell.id not in new,
            )
        )
    events.add(
        session,
        project_id=scope.project_id,
        user_id=scope.user_id,
        action="operation.save",
        outcome="accepted",
        message=f"{len(fresh)} changes saved",
        operation_id=operation.id,
    )
    session.flush()
    return _view(session, scope, [operation])[0]


def _wish(
    changes: Sequence[objects.WishedChange], places: Sequence[wishes.Place]
) -> Sequence[wishes.Place]:
    """Write the wishes; returns where there is something to do about them."""
    fresh = []
    for change, place in zip(changes, places, strict=True):
        cell, site = place.cell, place.column.site
        if not wishes.is_news(cell, change.wanted):
            continue
        if not site.enabled:
            raise exception.SiteDisabled(site=site.name)
        cell.wanted = change.wanted
        cell.allow_foreign, cell.allow_last_copy = change.allow_foreign, change.allow_last_copy
        fresh.append(place)
    return fresh


def _view(
    session: orm.Session, scope: objects.Scope, operations: Sequence[models.Operation]
) -> Sequence[objects.OperationView]:
    """With those changes whose columns the scope sees: a colleague's own are not among them."""
    change, deployment, transfer = models.Change, models.Deployment, models.Transfer
    columns = credentials.visible(scope).with_only_columns(models.Credential.id)
    query = (
        sa.select(change, deployment.image_id, deployment.credential_id, transfer)
        .join(deployment, deployment.id == change.deployment_id)
        .outerjoin(transfer, transfer.id == change.transfer_id)
        .where(change.operation_id.in_([o.id for o in operations]))
        .where(deployment.credential_id.in_(columns))
        .order_by(deployment.image_id, deployment.credential_id)
    )
    views: dict[str, MutableSequence[objects.ChangeView]] = {o.id: [] for o in operations}
    for c, image_id, credential_id, t in session.execute(query):
        seen = objects.Change(
            deployment_id=c.deployment_id, image_id=image_id, credential_id=credential_id,
            wanted=c.wanted, transfer_id=c.transfer_id, settled=c.settled,
        )  # fmt: skip
        views[c.operation_id].append(objects.ChangeView(seen, convert.transfer(t) if t else None))
    return [objects.OperationView(convert.operation(o), tuple(views[o.id])) for o in operations]


def find(session: orm.Session, scope: objects.Scope, ident: str) -> models.Operation:
    """The row, or NotFound where the scope does not see it."""
    row = session.get(models.Operation, ident)
    if row is None or not _may_see(scope, row):
        raise exception.NotFound("operation", ident)
    return row


@api.retry
def get(db: api.Database, scope: objects.Scope, ident: str) -> objects.OperationView:
    """:raises NotFound: no such operation in the scope."""
    with db.reader() as session:
        return _view(session, scope, [find(session, scope, ident)])[0]


def _may_see(scope: objects.Scope, row: models.Operation) -> bool:
    return scope.all_projects or row.project_id == scope.project_id


def _visible(scope: objects.Scope) -> sa.Select[models.Operation]:
    query = sa.select(models.Operation)
    if scope.all_projects:
        return query
    return query.where(models.Operation.project_id == scope.project_id)


#: Newest first.
list = listing.Listing(  # noqa: A001
    models.Operation, _visible, _view, (("created_at", True),)
)
