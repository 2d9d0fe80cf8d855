"""The policy of the system: what has to be done so that a cell becomes what is wished.

Pure: no clock, no database, no network. The API asks it whether a wish can be taken and what would
come of it, the conductor asks it again right before it acts.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from glint import exception
from glint.methods import Column, Holder, choose_method, conversion
from glint.objects import Deployment, Grants, Image
from glint.states import DeploymentStatus, ImageState, PlannedAction, TransferKind, TransferMethod

#: What a cell may be in while its image is (as far as is known) at the site.
HOLDING = frozenset({DeploymentStatus.ACTIVE, DeploymentStatus.UNKNOWN, DeploymentStatus.REMOVING})

#: For so long a Save is refused because of what a site told. Older news only warn: somebody may
#: have made room, and the conductor asks again before it moves bytes.
FRESH = datetime.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True)
class SeenCopy:
    """An image in the inventory of the cell's own credential."""

    remote_id: str
    status: str
    size: int | None
    os_hash_algo: str | None
    os_hash_value: str | None
    stamped: bool


@dataclasses.dataclass(frozen=True)
class Action:
    """What to do. ``kind`` None: nothing. ``refusal``: the wish cannot be carried out, and why."""

    kind: TransferKind | None
    reason: str
    remote_id: str | None = None
    refusal: exception.GlintError | None = None


@dataclasses.dataclass(frozen=True)
class Claims:
    """What is on its way to a column, and not counted by its site yet."""

    bytes: int = 0
    images: int = 0


@dataclasses.dataclass(frozen=True)
class Situation:
    """What is known about one cell, its wish included.

    :ivar seen: what the column sees at its site.
    :ivar others: the image's other cells, which may be sources and further copies.
    :ivar holders: those of them that can be read, the best first.
    :ivar protected: whether the copy in the cell is protected at its site, as last seen.
    :ivar busy: a transfer is at work on the cell for the wish before this one.
    """

    image: Image
    cell: Deployment
    column: Column
    seen: Sequence[SeenCopy]
    others: Sequence[Deployment]
    holders: Sequence[Holder]
    claims: Claims = Claims()
    protected: bool = False
    busy: bool = False


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What would become of a cell.

    :ivar bytes: that would come to the site, None where the size is not known.
    :ivar firm: for a refusal: a Save that holds the cell is refused. Else it would be taken, and
        the conductor would come to the refusal.
    """

    action: PlannedAction
    reason: str
    method: TransferMethod | None = None
    bytes: int | None = 0
    refusal: exception.GlintError | None = None
    firm: bool = True


def same_content(image: Image, size: int | None, algo: str | None, value: str | None) -> bool:
    """Whether size and hash prove that bytes are the image's; False where a proof is missing."""
    if size is None or size != image.size or not algo or not value:
        return False
    return image.digests.get(algo) == value


def copies(image: Image, cells: Iterable[Deployment]) -> list[Deployment]:
    """The cells that hold the image and whose wish is to keep it."""
    return [c for c in cells if c.image_id == image.id and c.wanted and c.status in HOLDING]


def ranked(cells: Iterable[Deployment], exclude: Iterable[str] = ()) -> list[Deployment]:
    """Cells that may serve as source: seen lately and wished to stay before others (row G-13).

    :param exclude: credentials that are no source.
    """
    without = {*exclude}
    usable = [
        c for c in cells
        if c.status in HOLDING and c.remote_id and c.credential_id not in without
    ]  # fmt: skip
    return sorted(usable, key=lambda c: (c.status != DeploymentStatus.ACTIVE, not c.wanted, c.id))


def plan(
    image: Image, cell: Deployment, seen: Sequence[SeenCopy], others: Sequence[Deployment]
) -> Action:
    """Compare the wish of ``cell`` with what was seen.

    :param seen: what the cell's credential sees at its site.
    :param others: the image's other cells, which may be sources and further copies.
    """
    if cell.wanted:
        return _plan_copy(image, cell, seen, others)
    return _plan_removal(image, cell, others)


def _plan_copy(
    image: Image, cell: Deployment, seen: Sequence[SeenCopy], others: Sequence[Deployment]
) -> Action:
    if cell.status == DeploymentStatus.ACTIVE:
        return Action(None, "the copy is there")
    if cell.remote_id is not None:
        return Action(TransferKind.ADOPT, "a copy was there; it is proven first", cell.remote_id)
    for copy in sorted(seen, key=lambda c: c.stamped):
        if copy.status == "active" and same_content(
            image, copy.size, copy.os_hash_algo, copy.os_hash_value
        ):
            return Action(TransferKind.ADOPT, "the site has this content", copy.remote_id)
    if not image.has_own_source and not [c for c in others if c.status in HOLDING]:
        refusal = exception.NoSource(reason="no other site is known to hold it")
        return Action(None, "no source", refusal=refusal)
    return Action(TransferKind.COPY, "the copy is missing")


def _plan_removal(image: Image, cell: Deployment, others: Sequence[Deployment]) -> Action:
    if cell.remote_id is None:
        return Action(None, "nothing is there")
    if not cell.stamped and not cell.allow_foreign:
        refusal: exception.GlintError = exception.ForeignImage(
            image=image.id, credential=cell.credential_id
        )
        return Action(None, "not made by Glint", refusal=refusal)
    # What holds only the disk cannot give the file back.
    left = [c for c in copies(image, others) if cell.as_disk or not c.as_disk]
    if not left and not cell.allow_last_copy:
        refusal = exception.LastCopy(image=image.id, credential=cell.credential_id)
        return Action(None, "last copy", refusal=refusal)
    return Action(TransferKind.REMOVE, "the copy is not wanted", cell.remote_id)


# Whether the site takes it.


def too_small(image: Image, grants: Grants, claims: Claims = Claims()) -> str | None:
    """Why the quota does not allow one more image of this size; None: it does, or is not known."""
    quota = grants.quota or {}
    room, places = quota.get("bytes"), quota.get("images")
    if places and places.free is not None and places.free - claims.images < 1:
        return f"{places.used} of {places.limit} images are there{_coming(claims.images, '')}"
    if room and room.free is not None and room.free - claims.bytes < (image.size or 0):
        return (
            f"it has {image.size} bytes, and {room.used} of {room.limit} are used"
            f"{_coming(claims.bytes, ' bytes')}"
        )
    return None


def _coming(amount: int, unit: str) -> str:
    return f", {amount}{unit} more are on their way" if amount > 0 else ""


def not_accepted(image: Image, grants: Grants) -> str | None:
    """Why the site does not take the image's formats; None: it does, or is not known."""
    for what, value, known in (
        ("disk format", image.disk_format, grants.disk_formats),
        ("container format", image.container_format, grants.container_formats),
    ):
        if value and known and value not in known:
            return f"its {what} is {value}, the site takes {', '.join(known)}"
    return None


def _is_fresh(at: datetime.datetime | None, now: datetime.datetime) -> bool:
    return at is not None and now - at <= FRESH


# All of it, for a Save and for its dry run.


def foresee(situation: Situation, now: datetime.datetime) -> Forecast:
    """What would become of a cell whose wish is new."""
    image, cell, site = situation.image, situation.cell, situation.column.site
    if not site.enabled:
        return _refused(exception.SiteDisabled(site=site.name))
    action = plan(image, cell, situation.seen, situation.others)
    firm = not situation.busy
    if isinstance(action.refusal, exception.NoSource):
        if image.state == ImageState.EMPTY:
            return _refused(exception.ImageIsEmpty(image=image.id, reason="upload its file"), firm)
        return _refused(exception.ImageHasNoSource(image=image.id), firm)
    if action.refusal is not None:
        return _refused(action.refusal, firm)
    if action.kind == TransferKind.REMOVE and situation.protected:
        refusal = exception.ProtectedImage(image=image.id, credential=cell.credential_id)
        return _refused(refusal, firm)
    if action.kind == TransferKind.COPY:
        return _foresee_copy(situation, now, firm)
    reason = action.reason
    if action.kind is None:
        if situation.busy:
            reason = "the transfer that is at work for it is stopped"
        return Forecast(PlannedAction.NOTHING, reason)
    return Forecast(PlannedAction(str(action.kind)), reason)


def _refused(refusal: exception.GlintError, firm: bool = True) -> Forecast:
    return Forecast(PlannedAction.REFUSED, str(refusal), refusal=refusal, firm=firm)


def _foresee_copy(situation: Situation, now: datetime.datetime, firm: bool) -> Forecast:
    image, column = situation.image, situation.column
    grants, name = column.grants, column.credential.name
    doubts = ""
    wrong = not_accepted(image, grants)
    if wrong is not None:
        if _is_fresh(grants.seen_at, now):
            return _refused(exception.FormatNotAccepted(credential=name, reason=wrong), firm)
        doubts += f"; but at {grants.seen_at}: {wrong}"
    small = too_small(image, grants, situation.claims)
    if small is not None:
        if _is_fresh(grants.quota_at, now):
            return _refused(exception.QuotaTooSmall(credential=name, reason=small), firm)
        doubts += f"; but at {grants.quota_at}: {small}"
    choice = choose_method(image, column, situation.holders)
    imports = choice.method == TransferMethod.IMPORT
    action = PlannedAction.IMPORT if imports else PlannedAction.COPY
    streams = choice.method == TransferMethod.STREAM
    story = conversion(image, grants) if streams else ""
    reason = f"{story}; {choice.reason}" if story else choice.reason
    return Forecast(action, reason + doubts, choice.method, image.size)
