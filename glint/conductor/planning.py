"""From wishes that wait to transfers in the queue."""

from __future__ import annotations

import logging

from glint import exception, objects
from glint.db import api, copies, credentials, deployments, images, plans
from glint.plan import Action, plan
from glint.states import DeploymentStatus

LOG = logging.getLogger(__name__)

#: Cells that are planned in one step, so that claims are not kept waiting.
BATCH = 200


def plan_pending(db: api.Database) -> int:
    """Plan cells whose wish is newer than their last plan; returns how many were planned.

    Any number of conductors may do this at once: what one has planned, the others pass over.
    """
    count = 0
    for cell in deployments.pending(db, BATCH):
        try:
            count += _plan_one(db, cell)
        except exception.NotFound as gone:
            LOG.info("deployment %s: %s", cell.id, gone)
    return count


def _plan_one(db: api.Database, cell: objects.Deployment) -> bool:
    image = images.load(db, cell.image_id)
    credential, site = credentials.load(db, cell.credential_id)
    others = [c for c in deployments.of_image(db, cell.image_id) if c.id != cell.id]
    action = plan(image, cell, copies.seen_of(db, image, cell), others)
    LOG.info("deployment %s at %s: %s", cell.id, credential.name, action.reason)
    return plans.planned(
        db,
        cell,
        site.id,
        kind=action.kind,
        remote_id=action.remote_id,
        bytes_total=image.size,
        status=_truth(cell, action),
        refusal=action.refusal,
    )


def _truth(cell: objects.Deployment, action: Action) -> DeploymentStatus | None:
    """What a cell with nothing to do is."""
    if action.kind is not None:
        return None
    return DeploymentStatus.ABSENT if cell.remote_id is None else DeploymentStatus.ACTIVE
