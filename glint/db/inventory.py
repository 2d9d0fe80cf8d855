"""What each credential sees at its site, and what that says about the cells."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from glint import exception, objects
from glint.db import api, changes, clock, convert, deployments, events, images, models, wishes
from glint.plan import same_content
from glint.states import DeploymentStatus

#: Statuses that a scan may change; what a transfer is at work on, the scan leaves alone.
_QUIET = frozenset(
    {
        DeploymentStatus.ABSENT,
        DeploymentStatus.ACTIVE,
        DeploymentStatus.DRIFTED,
        DeploymentStatus.UNKNOWN,
    }
)


#: What is repaired without anybody's asking where the image says so. Not a copy that was
#: deactivated: whoever did that had a reason, and another copy would go round it.
_REPAIRED = frozenset({"deployment.missing", "content.mismatch", "deployment.not_ours"})


@dataclasses.dataclass
class Findings:
    """What a scan found, for the log and the event."""

    seen: int = 0
    registered: int = 0
    drifted: int = 0


Held = tuple[str | None, datetime.datetime]
"""The remote id that a cell holds, and when the cell changed last."""
Snapshot = Mapping[str, Held]


@api.retry
def snapshot(db: api.Database, credential_id: str) -> Snapshot:
    """How the cells of a column stand before its site is listed, for :func:`record`."""
    cell = models.Deployment
    query = sa.select(cell.id, cell.remote_id, cell.updated_at).where(
        cell.credential_id == credential_id
    )
    with db.reader() as session:
        return {row.id: (row.remote_id, row.updated_at) for row in session.execute(query)}


@api.retry
def record(
    db: api.Database,
    credential: objects.Credential,
    remotes: Iterable[objects.RemoteImage],
    before: Snapshot,
    owner: str,
) -> Findings:
    """Write a whole scan: the inventory, new images of the catalogue, cells that drifted.

    :param before: cells that changed since then are not judged: the list is older than they are.
    :param owner: who claimed the scan.
    :raises LeaseLost: another conductor scans the column by now.
    """
    found = [*remotes]
    findings = Findings(seen=len(found))
    with db.writer() as session:
        _end_scan(session, credential, owner)
        labels = changes.labels(session, credential.id)
        session.execute(sa.delete(models.Seen).where(models.Seen.credential_id == credential.id))
        session.add_all(_row(credential.id, remote) for remote in found)
        session.flush()
        renamed = labels.items() ^ changes.labels(session, credential.id).items()
        changes.touch_contents(
            session,
            {
                images.identity(credential.project_id, algo, value)
                for (algo, value, _), _ in renamed
            },
        )
        known = {
            cell.remote_id: cell
            for cell in session.scalars(
                sa.select(models.Deployment).where(
                    models.Deployment.credential_id == credential.id,
                    models.Deployment.remote_id.is_not(None),
                )
            )
        }
        for remote in found:
            cell = known.pop(remote.id, None)
            if cell is not None:
                if before.get(cell.id) == (cell.remote_id, cell.updated_at):
                    findings.drifted += _look(session, cell, remote)
            elif _is_wished(credential, remote) and not _is_ours(session, credential, remote):
                findings.registered += discover(session, credential, remote)
        for cell in known.values():
            if before.get(cell.id) == (cell.remote_id, cell.updated_at):
                findings.drifted += _missing(session, cell)
    return findings


def _end_scan(session: orm.Session, credential: objects.Credential, owner: str) -> None:
    """The claim ends with what it brought; a wish that came meanwhile stays."""
    row = models.Credential
    ended = session.execute(
        sa.update(row)
        .where(row.id == credential.id, row.scan_owner == owner)
        .values(
            scanned_at=clock.now(),
            scan_owner=None,
            scan_until=None,
            scan_wanted_at=sa.case(
                (row.scan_wanted_at > row.scan_began_at, row.scan_wanted_at), else_=None
            ),
            error_code=None,
            error_detail=None,
        )
    )
    if ended.rowcount != 1:  # type: ignore[attr-defined]
        raise exception.LeaseLost(ident=f"scan of {credential.name}")


def _is_wished(credential: objects.Credential, remote: objects.RemoteImage) -> bool:
    """Whether an image that no cell holds belongs into the catalogue."""
    return remote.status == "active" and (remote.own or remote.visibility in credential.register)


def _is_ours(
    session: orm.Session, credential: objects.Credential, remote: objects.RemoteImage
) -> bool:
    """Whether an image bears the stamp of a cell of this column."""
    stamp = remote.stamp
    cell = session.get(models.Deployment, stamp.deployment_id) if stamp else None
    return cell is not None and cell.credential_id == credential.id


def _row(credential_id: str, remote: objects.RemoteImage) -> models.Seen:
    stamp = remote.stamp
    return models.Seen(
        credential_id=credential_id,
        remote_id=remote.id,
        name=remote.name[:255],
        status=remote.status[:32],
        size=remote.size,
        os_hash_algo=remote.os_hash_algo,
        os_hash_value=remote.os_hash_value,
        visibility=remote.visibility[:16],
        protected=remote.protected,
        stamp_deployment=stamp.deployment_id[:64] if stamp else None,
        stamp_transfer=stamp.transfer_id[:64] if stamp else None,
    )


def discover(
    session: orm.Session, credential: objects.Credential, remote: objects.RemoteImage
) -> bool:
    """An active image that no cell holds yet: into the catalogue, and its cell ticked.

    The wish begins as what is seen; what was there before Glint is never marked as Glint's.
    """
    image = images.register(session, credential, remote)
    deployment = models.Deployment
    cell = session.scalar(
        sa.select(deployment).where(
            deployment.image_id == image.id, deployment.credential_id == credential.id
        )
    )
    if cell is None:
        cell = deployment(
            id=models.new_id(),
            image_id=image.id,
            credential_id=credential.id,
            project_id=credential.project_id,
            wanted=True,
            status=str(DeploymentStatus.ABSENT),
            not_carried=[],
            generation=1,
        )
        session.add(cell)
    elif not (cell.wanted and cell.status == DeploymentStatus.DRIFTED and not cell.pending):
        # Wished away, at work, or held by another remote image: the inventory row is enough.
        return False
    _hold(cell, remote)
    cell.as_disk = False
    return True


def _hold(cell: models.Deployment, remote: objects.RemoteImage) -> None:
    cell.status = str(DeploymentStatus.ACTIVE)
    cell.remote_id = remote.id
    cell.stamped = remote.stamp is not None
    cell.seen_size = remote.size
    cell.seen_hash_algo, cell.seen_hash_value = remote.os_hash_algo, remote.os_hash_value
    cell.seen_at = cell.verified_at = models.utcnow()
    cell.error_code = cell.error_detail = None


def _look(session: orm.Session, cell: models.Deployment, remote: objects.RemoteImage) -> bool:
    """Hold one cell against what is there; True where it has just drifted."""
    if cell.pending or cell.status not in _QUIET:
        return False
    cell.seen_at = models.utcnow()
    image = convert.image(session.get_one(models.Image, cell.image_id))
    if cell.as_disk:
        image = image.as_disk
    if remote.status != "active":
        return _drift(session, cell, "deployment.not_active", f"the copy is {remote.status}")
    hashless = remote.os_hash_value is None and remote.size == image.size
    if hashless or same_content(image, remote.size, remote.os_hash_algo, remote.os_hash_value):
        # One with the stamp of another Glint was seen so from the first moment: it did not change.
        if cell.stamped and remote.stamp is None:
            return _drift(
                session, cell, "deployment.not_ours", "the copy bears Glint's stamp no more"
            )
        if cell.wanted and cell.status != DeploymentStatus.ACTIVE:
            _hold(cell, remote)
        return False
    if remote.os_hash_algo and remote.os_hash_algo not in image.digests:
        # The site changed its hash algorithm: this says nothing about the content.
        return False
    return _drift(session, cell, "content.mismatch", "the copy holds other content")


def _missing(session: orm.Session, cell: models.Deployment) -> bool:
    """The remote id is kept: a list that was wrong once is mended by the next one."""
    if cell.pending or cell.status not in _QUIET:
        return False
    if not cell.wanted:
        deployments.move(session, cell.id, DeploymentStatus.ABSENT, remote_id=None, stamped=False)
        return False
    return _drift(session, cell, "deployment.missing", "the copy is gone from the site")


def _drift(session: orm.Session, cell: models.Deployment, code: str, detail: str) -> bool:
    if cell.status == DeploymentStatus.DRIFTED and cell.error_code == code:
        return False
    cell.status = str(DeploymentStatus.DRIFTED)
    cell.error_code, cell.error_detail = code, detail
    events.add(
        session,
        project_id=cell.project_id,
        action="deployment.drift",
        outcome="drifted",
        message=detail,
        image_id=cell.image_id,
        credential_id=cell.credential_id,
        error_code=code,
    )
    image = session.get_one(models.Image, cell.image_id)
    if image.repair and cell.wanted and code in _REPAIRED:
        wishes.renew(session, [cell])
    return True


@api.retry
def register(db: api.Database, credential: objects.Credential, remote: objects.RemoteImage) -> str:
    """Take one image at a site into the catalogue; returns the catalogue's image id."""
    deployment = models.Deployment
    held = sa.select(deployment.image_id).where(
        deployment.credential_id == credential.id, deployment.remote_id == remote.id
    )
    with db.writer() as session:
        if session.scalar(held) is None:
            discover(session, credential, remote)
        known = session.scalar(held)
        if known is not None:
            return known
        # The cell of that content is wished away or holds another remote image.
        return images.register(session, credential, remote).id


@api.retry
def is_held(db: api.Database, cell: objects.Deployment, remote_id: str) -> bool:
    """Whether another cell of the same column holds a remote image."""
    deployment = models.Deployment
    query = sa.select(deployment.id).where(
        deployment.credential_id == cell.credential_id,
        deployment.remote_id == remote_id,
        deployment.id != cell.id,
    )
    with db.reader() as session:
        return session.scalar(query.limit(1)) is not None


@api.retry
def orphans(
    db: api.Database, credential: objects.Credential, remotes: Sequence[objects.RemoteImage]
) -> Sequence[str]:
    """Remote ids that bear the stamp of a cell of ours which neither holds them nor works.

    ``remotes`` must have been listed before this is called: a transfer that begins later makes a
    record that is not among them. A stamp of a cell that is not in this database belongs to
    another Glint, and its image is left alone.
    """
    deployment, transfer = models.Deployment, models.Transfer
    stamps = {r.id: r.stamp.deployment_id for r in remotes if r.stamp is not None}
    with db.reader() as session:
        cells = {
            cell.id: cell
            for cell in session.scalars(
                sa.select(deployment).where(
                    deployment.credential_id == credential.id,
                    deployment.id.in_([*stamps.values()]),
                )
            )
        }
        busy = set(session.scalars(sa.select(transfer.live).where(transfer.live.in_([*cells]))))
    return [
        remote_id
        for remote_id, cell_id in stamps.items()
        if cell_id in cells
        and cell_id not in busy
        and not cells[cell_id].pending
        and cells[cell_id].remote_id != remote_id
    ]


@api.retry
def forget(db: api.Database, credential_id: str, remote_id: str) -> None:
    """An image is known to be gone before the next scan."""
    with db.writer() as session:
        session.execute(
            sa.delete(models.Seen).where(
                models.Seen.credential_id == credential_id, models.Seen.remote_id == remote_id
            )
        )


@api.retry
def unknown(db: api.Database, credential_id: str) -> None:
    """The site cannot be reached: what its cells hold is not known."""
    deployment = models.Deployment
    with db.writer() as session:
        session.execute(
            sa.update(deployment)
            .where(
                deployment.credential_id == credential_id,
                deployment.status == str(DeploymentStatus.ACTIVE),
            )
            .values(status=str(DeploymentStatus.UNKNOWN))
        )
