"""Every state and every allowed move, as data in one place.

Moves are carried out as compare-and-swap in ``glint.db``: a row only moves from a state that the
table allows.
"""

from __future__ import annotations

from enum import StrEnum


class ImageOrigin(StrEnum):
    """Where the content of an image came from first."""

    SITE = "site"
    FILE = "file"
    URL = "url"


class ImageState(StrEnum):
    """Whether an image has content: a file may still have to come, a URL to be read."""

    EMPTY = "empty"
    UNREAD = "unread"
    READY = "ready"


class DeploymentStatus(StrEnum):
    """What a cell of the matrix shows."""

    ABSENT = "absent"
    QUEUED = "queued"
    COPYING = "copying"
    VERIFYING = "verifying"
    ACTIVE = "active"
    REMOVING = "removing"
    FAILED = "failed"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


class TransferState(StrEnum):
    """Life of a transfer."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TransferKind(StrEnum):
    """What a transfer does."""

    COPY = "copy"
    ADOPT = "adopt"
    REMOVE = "remove"
    VERIFY = "verify"


class TransferMethod(StrEnum):
    """How the bytes of a copy move."""

    STREAM = "stream"
    IMPORT = "import"
    NATIVE = "native"


class PlannedAction(StrEnum):
    """What a dry run says of a cell."""

    COPY = "copy"
    ADOPT = "adopt"
    IMPORT = "import"
    REMOVE = "remove"
    NOTHING = "nothing"
    REFUSED = "refused"


class OperationState(StrEnum):
    """Derived from the transfers of an operation, never stored."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SiteHealth(StrEnum):
    """What the last contact with a site told."""

    UNKNOWN = "unknown"
    OK = "ok"
    FAILING = "failing"


_D = DeploymentStatus

#: status -> statuses that may follow it. Any status may also follow itself.
DEPLOYMENT_MOVES: dict[DeploymentStatus, frozenset[DeploymentStatus]] = {
    _D.ABSENT: frozenset({_D.QUEUED, _D.ACTIVE, _D.DRIFTED, _D.UNKNOWN}),
    _D.QUEUED: frozenset(
        {_D.COPYING, _D.VERIFYING, _D.REMOVING, _D.ACTIVE, _D.ABSENT, _D.FAILED, _D.DRIFTED}
    ),
    _D.COPYING: frozenset({_D.VERIFYING, _D.QUEUED, _D.FAILED, _D.ABSENT}),
    _D.VERIFYING: frozenset({_D.ACTIVE, _D.COPYING, _D.QUEUED, _D.FAILED, _D.ABSENT}),
    _D.ACTIVE: frozenset({_D.QUEUED, _D.REMOVING, _D.DRIFTED, _D.UNKNOWN}),
    _D.REMOVING: frozenset({_D.ABSENT, _D.QUEUED, _D.FAILED}),
    _D.FAILED: frozenset({_D.QUEUED, _D.ACTIVE, _D.ABSENT, _D.DRIFTED}),
    _D.DRIFTED: frozenset({_D.QUEUED, _D.ACTIVE, _D.ABSENT, _D.UNKNOWN}),
    _D.UNKNOWN: frozenset({_D.ABSENT, _D.ACTIVE, _D.DRIFTED, _D.QUEUED}),
}

_T = TransferState

TRANSFER_MOVES: dict[TransferState, frozenset[TransferState]] = {
    _T.QUEUED: frozenset({_T.RUNNING, _T.CANCELLED}),
    _T.RUNNING: frozenset({_T.DONE, _T.FAILED, _T.CANCELLED, _T.QUEUED}),
    _T.DONE: frozenset(),
    _T.FAILED: frozenset(),
    _T.CANCELLED: frozenset(),
}

LIVE = frozenset({_T.QUEUED, _T.RUNNING})


def sources_of(status: DeploymentStatus) -> frozenset[DeploymentStatus]:
    """The statuses from which a deployment may move to ``status`` (itself included)."""
    return frozenset(s for s, after in DEPLOYMENT_MOVES.items() if status in after) | {status}


def operation_state(transfers: list[TransferState]) -> OperationState:
    """The aggregate state of an operation whose changes need ``transfers`` (none: done)."""
    if _T.RUNNING in transfers:
        return OperationState.RUNNING
    if _T.QUEUED in transfers:
        finished = any(t not in LIVE for t in transfers)
        return OperationState.RUNNING if finished else OperationState.QUEUED
    if _T.FAILED in transfers:
        return OperationState.FAILED
    if _T.CANCELLED in transfers:
        return OperationState.CANCELLED
    return OperationState.DONE
