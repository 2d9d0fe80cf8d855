"""Objects to what the API shows of them. Nothing here can show a secret: objects hold none."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from typing import Any

from glint import exception, objects, states
from glint import plan as policy

View = dict[str, Any]


def when(moment: datetime.datetime | None) -> str | None:
    """Naive UTC as ISO 8601."""
    return None if moment is None else f"{moment.isoformat()}Z"


def eta(done: int, total: int | None, rate: float) -> int | None:
    """Seconds until ``total`` bytes are done at ``rate`` bytes per second, where that is known."""
    if total is None or rate <= 0 or done > total:
        return None
    return math.ceil((total - done) / rate)


def site_type(kind: objects.SiteType) -> View:
    """What a driver says about itself."""
    return {
        "name": kind.name,
        "description": kind.description,
        "connection_schema": dict(kind.connection_schema),
        "auth_schemas": {name: dict(schema) for name, schema in kind.auth_schemas.items()},
        "registers": list(kind.registers),
    }


def site(item: objects.Site) -> View:
    """A site, its connection included: that holds no secret."""
    return {
        "id": item.id,
        "name": item.name,
        "type": item.type,
        "project_id": item.project_id,
        "user_id": item.user_id,
        "shared": item.project_id is None,
        "private": item.user_id is not None,
        "connection": dict(item.connection),
        "enabled": item.enabled,
        "home": item.home,
        "health": str(item.health),
        "health_code": item.health_code,
        "health_detail": item.health_detail,
        "health_at": when(item.health_at),
        "max_transfers": item.max_transfers,
        "bandwidth": item.bandwidth,
        "hours": item.hours,
        "facts": dict(item.facts),
        "generation": item.generation,
        "created_at": when(item.created_at),
        "updated_at": when(item.updated_at),
    }


def credential(item: objects.Credential) -> View:
    """A credential; of its login what may be shown."""
    return {
        "id": item.id,
        "name": item.name,
        "site_id": item.site_id,
        "site_name": item.site_name,
        "project_id": item.project_id,
        "user_id": item.user_id,
        "shared": item.user_id is None,
        "auth": dict(item.auth),
        "managed": item.managed,
        "remote_project_id": item.remote_project_id,
        "remote_project_name": item.remote_project_name,
        "verified_at": when(item.verified_at),
        "scanned_at": when(item.scanned_at),
        "register": list(item.register),
        "facts": None if item.facts is None else dict(item.facts),
        "error_code": item.error_code,
        "error_detail": item.error_detail,
        "generation": item.generation,
        "created_at": when(item.created_at),
        "updated_at": when(item.updated_at),
    }


def image(item: objects.Image) -> View:
    """A row of the catalogue."""
    return {
        "id": item.id,
        "name": item.name,
        "project_id": item.project_id,
        "user_id": item.user_id,
        "size": item.size,
        "os_hash_algo": item.os_hash_algo,
        "os_hash_value": item.os_hash_value,
        "digests": dict(item.digests),
        "disk_format": item.disk_format,
        "container_format": item.container_format,
        "min_disk": item.min_disk,
        "min_ram": item.min_ram,
        "protected": item.protected,
        "os_hidden": item.os_hidden,
        "properties": dict(item.properties),
        "tags": list(item.tags),
        "repair": item.repair,
        "state": str(item.state),
        "origin": item.origin,
        "source_url": item.source_url,
        "expected": dict(item.expected),
        "generation": item.generation,
        "created_at": when(item.created_at),
        "updated_at": when(item.updated_at),
    }


_NO_PROGRESS = {"bytes_done": 0, "bytes_total": None, "rate": 0.0, "eta": None, "phase": None}


def _progress(item: objects.Transfer | None) -> View:
    if item is None:
        return dict(_NO_PROGRESS)
    rate = item.rate if item.state is states.TransferState.RUNNING else 0.0
    return {
        "bytes_done": item.bytes_done,
        "bytes_total": item.bytes_total,
        "rate": rate,
        "eta": eta(item.bytes_done, item.bytes_total, rate),
        "phase": item.phase if item.state in states.LIVE else None,
    }


#: What a cell shows where image and credential never met.
ABSENT: View = {
    "deployment_id": None,
    "wanted": False,
    "status": str(states.DeploymentStatus.ABSENT),
    **_NO_PROGRESS,
    "method": None,
    "reason": None,
    "transfer_id": None,
    "pending": False,
    "hash_state": "none",
    "generation": None,
    "remote_id": None,
    "stamped": False,
    "seen_hash_algo": None,
    "seen_hash_value": None,
    "verified_at": None,
    "error_code": None,
    "error_detail": None,
    "not_carried": [],
}


def hash_state(item: objects.Deployment) -> str:
    """What is known of the content of the copy in a cell."""
    if item.error_code == exception.ContentMismatch.code:
        return "mismatch"
    if item.remote_id is None:
        return "none"
    proven = item.status is states.DeploymentStatus.ACTIVE and item.verified_at is not None
    return "proven" if proven else "unproven"


def cell(item: objects.Cell) -> View:
    """What the matrix shows where a row and a column meet."""
    seen, transfer = item.deployment, item.transfer
    return {
        "deployment_id": seen.id,
        "wanted": seen.wanted,
        "status": seen.status.value,
        **_progress(transfer),
        "method": None if transfer is None or transfer.method is None else str(transfer.method),
        "reason": None if transfer is None else transfer.reason,
        "transfer_id": None if transfer is None else transfer.id,
        "pending": seen.pending,
        "hash_state": hash_state(seen),
        "generation": seen.generation,
        "remote_id": seen.remote_id,
        "stamped": seen.stamped,
        "seen_hash_algo": seen.seen_hash_algo,
        "seen_hash_value": seen.seen_hash_value,
        "verified_at": when(seen.verified_at),
        "error_code": seen.error_code,
        "error_detail": seen.error_detail,
        "not_carried": [dict(entry) for entry in seen.not_carried],
    }


def deployment(item: objects.Cell) -> View:
    """A cell by itself."""
    seen = item.deployment
    return {
        **cell(item),
        "id": seen.id,
        "image_id": seen.image_id,
        "credential_id": seen.credential_id,
        "project_id": seen.project_id,
        "seen_size": seen.seen_size,
        "seen_at": when(seen.seen_at),
        "updated_at": when(seen.updated_at),
    }


def column(item: objects.Credential, at: objects.Site) -> View:
    """The head of a column of the matrix."""
    return {
        "id": item.id,
        "name": item.name,
        "site_id": at.id,
        "site_name": at.name,
        "site_type": at.type,
        "home": at.home,
        "enabled": at.enabled,
        "health": str(at.health),
    }


def matrix_row(item: objects.MatrixRow, credential_ids: Iterable[str]) -> View:
    """A row with a cell for each of these columns."""
    return {
        "id": item.image.id,
        "name": item.image.name,
        "size": item.image.size,
        "os_hash_algo": item.image.os_hash_algo,
        "os_hash_value": item.image.os_hash_value,
        "disk_format": item.image.disk_format,
        "state": str(item.image.state),
        "ownership": item.image.ownership,
        "generation": item.image.generation,
        "created_at": when(item.image.created_at),
        "updated_at": when(item.image.updated_at),
        "conflicts": list(item.conflicts),
        "cells": {
            ident: cell(item.cells[ident]) if ident in item.cells else ABSENT
            for ident in credential_ids
        },
    }


def seen_image(item: objects.SeenImage) -> View:
    """What a scan saw at a site."""
    return {
        "remote_id": item.remote_id,
        "name": item.name,
        "status": item.status,
        "size": item.size,
        "os_hash_algo": item.os_hash_algo,
        "os_hash_value": item.os_hash_value,
        "visibility": item.visibility,
        "protected": item.protected,
        "stamped": item.stamped,
        "seen_at": when(item.seen_at),
        "image_id": item.image_id,
        "deployment_id": item.deployment_id,
    }


def transfer(item: objects.Transfer) -> View:
    """An attempt to make a cell true."""
    return {
        "id": item.id,
        "deployment_id": item.deployment_id,
        "image_id": item.image_id,
        "credential_id": item.credential_id,
        "site_id": item.site_id,
        "kind": str(item.kind),
        "method": None if item.method is None else str(item.method),
        "reason": item.reason,
        "state": str(item.state),
        "source_credential_id": item.source_credential_id,
        "remote_id": item.remote_id,
        **_progress(item),
        "attempts": item.attempts,
        "error_code": item.error_code,
        "error_detail": item.error_detail,
        "created_at": when(item.created_at),
        "started_at": when(item.started_at),
        "finished_at": when(item.finished_at),
        "next_run_at": when(item.next_run_at),
    }


def change_state(item: objects.ChangeView) -> states.TransferState:
    """What has become of one change.

    One that no transfer carries yet waits for the conductor's plan, or needed nothing.
    """
    if item.transfer is not None:
        return item.transfer.state
    settled = item.change.settled
    return states.TransferState.DONE if settled else states.TransferState.QUEUED


def change(item: objects.ChangeView) -> View:
    """One cell of a Save, and what has become of it."""
    return {
        "deployment_id": item.change.deployment_id,
        "image_id": item.change.image_id,
        "credential_id": item.change.credential_id,
        "wanted": item.change.wanted,
        "transfer_id": item.change.transfer_id,
        "state": str(change_state(item)),
        "error_code": item.transfer.error_code if item.transfer else None,
        "error_detail": item.transfer.error_detail if item.transfer else None,
    }


def operation(item: objects.OperationView) -> View:
    """A Save with its state and progress, derived from its transfers."""
    transfers = [c.transfer for c in item.changes if c.transfer is not None]
    state = states.operation_state([change_state(c) for c in item.changes])
    done = sum(t.bytes_done for t in transfers)
    totals = [t.bytes_total for t in transfers]
    # Unknown as long as one part of it is.
    unplanned = any(
        c.transfer is None and change_state(c) is states.TransferState.QUEUED for c in item.changes
    )
    known = [t for t in totals if t is not None]
    total = None if unplanned or len(known) < len(totals) else sum(known)
    rate = sum(t.rate for t in transfers if t.state is states.TransferState.RUNNING)
    return {
        "id": item.operation.id,
        "state": str(state),
        "project_id": item.operation.project_id,
        "user_id": item.operation.user_id,
        "created_at": when(item.operation.created_at),
        "bytes_done": done,
        "bytes_total": total,
        "rate": rate,
        "eta": eta(done, total, rate),
        "changes": [change(c) for c in item.changes],
    }


def plan(changes: Sequence[objects.WishedChange], found: Sequence[policy.Forecast]) -> View:
    """What a Save would do. What is streamed is read once for each image, however many sites."""
    cells = [
        {
            "image_id": change.image_id,
            "credential_id": change.credential_id,
            "wanted": change.wanted,
            "action": str(forecast.action),
            "method": None if forecast.method is None else str(forecast.method),
            "reason": forecast.reason,
            "bytes": forecast.bytes,
            "error_code": forecast.refusal.code if forecast.refusal else None,
            "error_detail": str(forecast.refusal) if forecast.refusal else None,
        }
        for change, forecast in zip(changes, found, strict=True)
    ]
    read = {
        change.image_id: forecast.bytes or 0
        for change, forecast in zip(changes, found, strict=True)
        if forecast.method is states.TransferMethod.STREAM
    }
    return {
        "cells": cells,
        "bytes_to_move": sum(forecast.bytes or 0 for forecast in found),
        "bytes_to_read": sum(read.values()),
    }


def event(item: objects.Event) -> View:
    """A line of history."""
    return {
        "id": str(item.id),
        "at": when(item.at),
        "project_id": item.project_id,
        "user_id": item.user_id,
        "action": item.action,
        "outcome": item.outcome,
        "message": item.message,
        "image_id": item.image_id,
        "credential_id": item.credential_id,
        "site_id": item.site_id,
        "operation_id": item.operation_id,
        "transfer_id": item.transfer_id,
        "error_code": item.error_code,
    }
