"""Rows to objects: the only place that knows both."""

from __future__ import annotations

import dataclasses
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
        objects.Credential, row, site_name=row.site.name, name=f"{row.site.name} ({project})"
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
_STATUS, _NOT_CARRIED = _FIELDS.index("status"), _FIELDS.index("not_carried")


def deployment_of(row: Any) -> objects.Deployment:
    """:data:`DEPLOYMENT_COLUMNS` as an object: pages of the matrix have thousands of them."""
    values = list(row)
    values[_STATUS] = _STATUSES[values[_STATUS]]
    values[_NOT_CARRIED] = tuple(values[_NOT_CARRIED])
    return objects.Deployment(*values)


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
