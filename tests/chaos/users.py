"""The users' side: wishes saved in groups, taken back, cancelled, tried again."""

from __future__ import annotations

import collections
import dataclasses
import logging
import random
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import requests
from keystoneauth1 import exceptions as ks_exceptions

from tests.chaos.judge import Key
from tests.functional.service import Http

LOG = logging.getLogger(__name__)

PATIENCE = 90.0
"""Seconds for which a user repeats a request that nobody answers."""
GETTING_UP = 40.0
"""Seconds of them after the end of the storm."""
AWAY = (requests.RequestException, ks_exceptions.ClientException)
#: Nothing is to be done: the wish, or the end of it, is in the database already.
SETTLED = frozenset({"operation.no_change", "operation.nothing_to_act"})


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing that a user does.

    :ivar what: ``save``, ``untick``, ``cancel`` or ``retry``
    :ivar cells: what a save or untick is about, and what a cancel may hit
    :ivar pause: seconds to wait before it
    """

    what: str
    cells: tuple[Key, ...]
    pause: float


def script(cells: Sequence[Key], keep: set[Key], rng: random.Random, pace: float) -> list[Step]:
    """What one user will do: save all ``cells`` in groups, and change their mind about some.

    A cancel is followed by a save of the same cells some steps later: what the user wants in the
    end is known, whatever the cancel hit.

    :param keep: cells that are never unticked, because Glint would rightly refuse
    :param pace: mean seconds between two steps
    """
    queue = _groups(cells, rng)
    steps: list[Step] = []
    saved: list[Key] = []
    last: tuple[Key, ...] = ()
    while queue:
        group = queue.popleft()
        steps.append(Step("save", group, rng.expovariate(1 / pace)))
        saved += [cell for cell in group if cell not in saved]
        dice = rng.random()
        if dice < 0.2:
            loose = [cell for cell in saved if cell not in keep]
            some = tuple(rng.sample(loose, min(len(loose), rng.randint(1, 4))))
            if some:
                steps.append(Step("untick", some, rng.expovariate(1 / pace)))
                if rng.random() < 0.6:
                    queue.insert(rng.randint(0, min(6, len(queue))), some)
        elif dice < 0.28:
            steps.append(Step("cancel", group, rng.uniform(0, 2 * pace)))
            queue.insert(rng.randint(0, min(6, len(queue))), group)
        elif dice < 0.4 and last:
            steps.append(Step("retry", last, rng.uniform(0, pace)))
        last = group
    return steps


def _groups(cells: Sequence[Key], rng: random.Random) -> collections.deque[tuple[Key, ...]]:
    """Cells in groups of one to some images, each with some of its columns.

    What is left of an image comes soon after, in another save: its copies should share one read.
    """
    by_image: dict[str, list[Key]] = {}
    for cell in cells:
        by_image.setdefault(cell[0], []).append(cell)
    images = list(by_image.values())
    rng.shuffle(images)
    groups: collections.deque[tuple[Key, ...]] = collections.deque()
    left: list[Key] = []
    while images or left:
        group, left = left, []
        for mine in [images.pop() for _ in range(min(len(images), rng.randint(1, 5)))]:
            rng.shuffle(mine)
            some = rng.randint(1, len(mine))
            group += mine[:some]
            left += mine[some:]
        groups.append(tuple(group))
    return groups


class User(threading.Thread):
    """Goes through a script, stubbornly: a request without an answer is sent again.

    :ivar wishes: what the user wanted last of each cell
    :ivar refused: answers that a user with these wishes should not have got
    """

    def __init__(self, number: int, http: Http, steps: Sequence[Step], labels: dict[str, str]):
        super().__init__(name=f"user-{number}", daemon=True)
        self._http = http
        self._steps = steps
        self._credentials = {label: ident for ident, label in labels.items()}
        self._operations: dict[tuple[Key, ...], str] = {}
        self._ended = threading.Event()
        self.wishes: dict[Key, bool] = {}
        self.done: collections.Counter[str] = collections.Counter()
        self.refused: list[str] = []

    def end(self) -> None:
        """Take no further step."""
        self._ended.set()

    def run(self) -> None:
        for step in self._steps:
            if self._ended.wait(step.pause):
                return
            if step.what in ("save", "untick"):
                self.save(step.cells, step.what == "save")
            else:
                self._act(step)

    def save(self, cells: Iterable[Key], wanted: bool) -> None:
        """Wish, and do not rest before it is answered."""
        group = tuple(cells)
        changes = [
            {"image_id": image, "credential_id": self._credentials[label], "wanted": wanted}
            for image, label in group
        ]
        # Also when no answer comes: a user who saw none must expect that it was heard.
        self.wishes.update(dict.fromkeys(group, wanted))
        answer = self._post("/v1/operations", {"changes": changes})
        self.done["save" if wanted else "untick"] += 1
        if answer is not None:
            self._operations[group] = answer["operation"]["id"]

    def _act(self, step: Step) -> None:
        operation = self._operations.get(step.cells)
        if operation is not None:
            self._post(f"/v1/operations/{operation}/{step.what}", None)
            self.done[step.what] += 1

    def _post(self, path: str, body: Any) -> dict[str, Any] | None:
        """The answer's body; None where there was nothing to do."""
        waited = late = 0.0
        while True:
            code = "no answer"
            try:
                answer = self._http.post(path, body)
                if answer.ok:
                    return dict(answer.json())
                code = f"{answer.status_code} {answer.json()['errors'][0]['code']}"
            except AWAY as error:
                code = type(error).__name__
            except (ValueError, LookupError):
                code = "an answer that is not Glint's"
            if code.partition(" ")[2] in SETTLED:
                return None
            self.done[f"sent again: {code}"] += 1
            if waited > PATIENCE or (code.startswith("4") and waited > 5):
                LOG.error("%s: %s", path, code)
                self.refused.append(f"POST {path}: {code}")
                return None
            waited += 0.5
            if self._ended.wait(0.5):
                # What was struck last gets up again before a user gives up.
                time.sleep(0.5)
                late += 0.5
            if late > GETTING_UP:
                self.refused.append(f"POST {path}: {code}, until the end")
                return None
