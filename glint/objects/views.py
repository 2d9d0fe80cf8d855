"""What is asked of the database, and how rows belong together."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from glint.objects.rows import Change, Deployment, Image, Operation, Transfer
from glint.states import DeploymentStatus


@dataclasses.dataclass(frozen=True)
class Scope:
    """Who asks: what the database shows and takes is bounded by it."""

    project_id: str
    user_id: str | None
    all_projects: bool = False


@dataclasses.dataclass(frozen=True)
class WishedChange:
    """One cell of a Save as a user sends it. ``generation`` is the image's, where it was named."""

    image_id: str
    credential_id: str
    wanted: bool
    generation: int | None = None
    allow_foreign: bool = False
    allow_last_copy: bool = False


@dataclasses.dataclass(frozen=True)
class SeenImage:
    """One image as a credential saw it at its site.

    :ivar stamped: it bears a stamp of Glint.
    :ivar deployment_id: the cell that holds it, None where no cell does.
    """

    remote_id: str
    name: str
    status: str
    size: int | None
    os_hash_algo: str | None
    os_hash_value: str | None
    visibility: str
    protected: bool
    stamped: bool
    seen_at: datetime.datetime
    image_id: str | None
    deployment_id: str | None


@dataclasses.dataclass(frozen=True)
class Cell:
    """A deployment with its live (or last) transfer."""

    deployment: Deployment
    transfer: Transfer | None


class MatrixCell(NamedTuple):
    """What the matrix shows of a deployment, with its live (or last) transfer.

    A page has thousands of them, and a dataclass of this size takes many times as long to make.
    """

    id: str
    image_id: str
    credential_id: str
    wanted: bool
    status: DeploymentStatus
    pending: bool
    remote_id: str | None
    stamped: bool
    seen_hash_algo: str | None
    seen_hash_value: str | None
    verified_at: datetime.datetime | None
    not_carried: Sequence[Mapping[str, str]]
    error_code: str | None
    error_detail: str | None
    generation: int
    transfer: Transfer | None = None


@dataclasses.dataclass(frozen=True)
class MatrixRow:
    """An image with the cells that exist, by credential id; ``conflicts`` names conflict kinds."""

    image: Image
    cells: Mapping[str, MatrixCell]
    conflicts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ChangeView:
    """A change of a Save with what has become of it."""

    change: Change
    transfer: Transfer | None


@dataclasses.dataclass(frozen=True)
class OperationView:
    """A save with what has become of each of its changes."""

    operation: Operation
    changes: tuple[ChangeView, ...]


@dataclasses.dataclass(frozen=True)
class RequestKey:
    """A creating request that may be repeated.

    :ivar id: hash of who asks, for what kind of thing, with which key.
    :ivar request: hash of what is asked for.
    """

    id: str
    request: str


@dataclasses.dataclass(frozen=True)
class Condition:
    """One filter of a list.

    :ivar operator: eq, neq, in, gt, gte, lt, lte, prefix or contains.
    :ivar values: one, or with ``in`` any number.
    """

    field: str
    operator: str
    values: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class ListQuery:
    """What is asked of a list.

    :ivar marker: id of the last entry of the page before.
    :ivar sort: field and whether it descends, the weightiest first; empty: the list's own order.
    """

    limit: int
    marker: str | None = None
    conditions: tuple[Condition, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()


@dataclasses.dataclass(frozen=True)
class RowChoice:
    """Which rows of the matrix are wanted, by their cells in the chosen columns.

    :ivar show: all, mine, shared or public: whose the image was where it was found.
    :ivar differs: has a cell that is not as wished (True), or none (False).
    :ivar present: has a copy, or something that may be one (True), or none (False).
    :ivar status: has a cell with one of these.
    :ivar conflict: same_name, same_content or duplicate.
    """

    show: str = "all"
    differs: bool | None = None
    present: bool | None = None
    status: tuple[str, ...] = ()
    conflict: str | None = None


@dataclasses.dataclass(frozen=True)
class MatrixChanges:
    """What changed: rows with only their changed cells, and ids of images that are gone."""

    rows: Sequence[MatrixRow]
    deleted: tuple[str, ...]
