"""What the database holds."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from glint.states import (
    DeploymentStatus,
    ImageOrigin,
    ImageState,
    SiteHealth,
    TransferKind,
    TransferMethod,
    TransferState,
)


@dataclasses.dataclass(frozen=True)
class Site:
    """One cloud endpoint. ``project_id`` None means shared with everyone by an administrator.

    ``user_id`` None means that it is not one user's alone.

    ``bandwidth`` is in bytes per second over all conductors, ``hours`` see :mod:`glint.hours`; None
    means no limit.
    """

    id: str
    name: str
    type: str
    project_id: str | None
    connection: Mapping[str, Any]
    enabled: bool
    home: bool
    health: SiteHealth
    health_code: str | None
    health_detail: str | None
    health_at: datetime.datetime | None
    max_transfers: int
    bandwidth: int | None
    hours: str | None
    facts: Mapping[str, Any]
    generation: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    user_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Credential:
    """The right to use one site as one remote project: a column of the matrix.

    ``auth`` holds what may be shown (auth type, user name, ...); the secret is not part of the
    object. ``user_id`` None means owned by the whole project. ``facts``: see :class:`Grants`.
    ``register``: visibilities of other projects' images that a scan takes into the catalogue too.
    """

    id: str
    site_id: str
    site_name: str
    project_id: str
    user_id: str | None
    name: str
    auth: Mapping[str, Any]
    managed: bool
    remote_project_id: str | None
    remote_project_name: str | None
    verified_at: datetime.datetime | None
    scanned_at: datetime.datetime | None
    facts: Mapping[str, Any] | None
    error_code: str | None
    error_detail: str | None
    generation: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    register: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Image:
    """A row of a project's catalogue. Its identity is the content; the name is a label.

    ``digests`` maps hash algorithm to hex digest: all that is proven about the content, among them
    ``os_hash_algo``/``os_hash_value`` (None until known). ``expected``: what its user says that
    they are, not proven. ``kept``: where its bytes lie in the upload folder, as ``store/file``.
    ``repair``: cells that drift are made true again without anybody's asking. ``ownership``: whose
    it was where it was found (glint.db.images.ownership).
    """

    id: str
    project_id: str
    user_id: str | None
    name: str
    size: int | None
    os_hash_algo: str | None
    os_hash_value: str | None
    digests: Mapping[str, str]
    disk_format: str
    container_format: str
    min_disk: int
    min_ram: int
    protected: bool
    os_hidden: bool
    properties: Mapping[str, str]
    tags: tuple[str, ...]
    generation: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    origin: str = str(ImageOrigin.SITE)
    source_url: str | None = None
    expected: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kept: str | None = None
    repair: bool = False
    ownership: str = "project"

    @property
    def state(self) -> ImageState:
        """Whether there is content, as far as the catalogue alone tells."""
        if self.digests or self.kept or self.origin == ImageOrigin.SITE:
            return ImageState.READY
        return ImageState.UNREAD if self.source_url else ImageState.EMPTY

    @property
    def has_own_source(self) -> bool:
        """Whether it can be read from elsewhere than a site."""
        return bool(self.kept or self.source_url)


@dataclasses.dataclass(frozen=True)
class Deployment:
    """One cell: image x credential. ``stamped`` tells whether the copy there was made by Glint."""

    id: str
    image_id: str
    credential_id: str
    project_id: str
    wanted: bool
    status: DeploymentStatus
    pending: bool
    remote_id: str | None
    stamped: bool
    seen_size: int | None
    seen_hash_algo: str | None
    seen_hash_value: str | None
    seen_at: datetime.datetime | None
    verified_at: datetime.datetime | None
    not_carried: tuple[Mapping[str, str], ...]
    error_code: str | None
    error_detail: str | None
    allow_foreign: bool
    allow_last_copy: bool
    generation: int
    updated_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Transfer:
    """One attempt to make one cell true.

    ``fence`` grows with every claim: a write that names an old fence changes nothing.
    ``rate`` is bytes per second over the last seconds. ``reason`` says why this method.
    """

    id: str
    deployment_id: str
    image_id: str
    credential_id: str
    site_id: str
    project_id: str
    kind: TransferKind
    method: TransferMethod | None
    reason: str | None
    state: TransferState
    phase: str | None
    source_credential_id: str | None
    remote_id: str | None
    bytes_done: int
    bytes_total: int | None
    rate: float
    attempts: int
    owner: str | None
    fence: int
    lease_until: datetime.datetime | None
    next_run_at: datetime.datetime
    cancel: bool
    alone: bool
    error_code: str | None
    error_detail: str | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class Change:
    """One cell of one Save. ``transfer_id`` is None until planned, and where none is needed."""

    deployment_id: str
    image_id: str
    credential_id: str
    wanted: bool
    transfer_id: str | None
    settled: bool


@dataclasses.dataclass(frozen=True)
class Operation:
    """One Save."""

    id: str
    project_id: str
    user_id: str | None
    request_id: str | None
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Event:
    """One line of history that a person can read."""

    id: int
    project_id: str
    at: datetime.datetime
    user_id: str | None
    action: str
    outcome: str
    message: str
    image_id: str | None
    credential_id: str | None
    site_id: str | None
    operation_id: str | None
    transfer_id: str | None
    error_code: str | None
