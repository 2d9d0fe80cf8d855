"""Rows to objects: the only place that knows both."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from glint import objects, states
from glint.db import models

T = TypeVar("T")


def _build(cls: type[T], row: Any, **given: Any) -> T:
    names = [f.name for f in dataclasses.fields(cls) if f.name not in given]  # type: ignore[arg-type]
    return cls(**{name: getattr(row, name) for name in names}, **given)


def site(row: models.Site) -> objects.Site:
    """A row of ``sites`` as an object."""
    return _build(objects.Site, row, health=states.SiteHealth(row.health))


def credential(row: models.Credential) -> objects.Credential:
    """A row of ``credentials`` as an object."""
    project = row.remote_project_name or row.remote_project_id or "?"
    return _build(
        objects.Credential,
        row,
        site_name=row.site.name,
        name=f"{row.site.name} ({project})",
        register=tuple(row.register),
    )


def image(row: models.Image) -> objects.Image:
    """A row of ``images`` as an object."""
    disk = objects.Disk(**row.disk) if row.disk else None
    return _build(objects.Image, row, tags=tuple(row.tags), disk=disk)


def deployment(row: models.Deployment) -> objects.Deployment:
    """A row of ``deployments`` as an object."""
    return _build(
        objects.Deployment,
        row,
        status=states.DeploymentStatus(row.status),
        not_carried=tuple(row.not_carried),
    )


_FIELDS = tuple(field.name for field in dataclasses.fields(objects.Deployment))
#: What :func:`deployment_of` needs, in its order.
DEPLOYMENT_COLUMNS = tuple(getattr(models.Deployment, name) for name in _FIELDS)
_STATUSES = {str(status): status for status in states.DeploymentStatus}


def deployment_of(row: Sequence[Any]) -> objects.Deployment:
    """:data:`DEPLOYMENT_COLUMNS` as an object, where there are many."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["status"] = _STATUSES[values["status"]]
    values["not_carried"] = tuple(values["not_carried"])
    return objects.Deployment(**values)


#: What :func:`matrix_cell` needs, in its order.
CELL_COLUMNS = tuple(
    getattr(models.Deployment, name) for name in objects.MatrixCell._fields if name != "transfer"
)
_STATUS = objects.MatrixCell._fields.index("status")


def matrix_cell(row: Sequence[Any]) -> objects.MatrixCell:
    """:data:`CELL_COLUMNS` as a cell, without its transfer."""
    values = [*row]
    values[_STATUS] = _STATUSES[values[_STATUS]]
    return objects.MatrixCell(*values)


def transfer(row: models.Transfer) -> objects.Transfer:
    """A row of ``transfers`` as an object."""
    return _build(
        objects.Transfer,
        row,
        kind=states.TransferKind(row.kind),
        method=states.TransferMethod(row.method) if row.method else None,
        state=states.TransferState(row.state),
    )


def operation(row: models.Operation) -> objects.Operation:
    """A row of ``operations`` as an object."""
    return _build(objects.Operation, row)


def event(row: models.Event) -> objects.Event:
    """A row of ``events`` as an object."""
    return _build(objects.Event, row)
