"""The policy of the system, without a system."""

from __future__ import annotations

import dataclasses
import datetime

import testtools

from glint import exception, objects, states
from glint.plan import Action, SeenCopy, plan, same_content
from glint.states import DeploymentStatus as S
from glint.states import TransferKind

NOW = datetime.datetime(2026, 1, 1)  # noqa: DTZ001 - as the database gives them
HASH = "ab" * 64

IMAGE = objects.Image(
    id="image", project_id="p", user_id=None, name="cirros", size=10, os_hash_algo="sha512",
    os_hash_value=HASH, digests={"sha512": HASH}, disk_format="raw", container_format="bare",
    min_disk=0, min_ram=0, protected=False, os_hidden=False, properties={}, tags=(),
    generation=1, created_at=NOW, updated_at=NOW,
)  # fmt: skip


def cell(name: str, status: S, *, wanted: bool = True, **values: object) -> objects.Deployment:
    blank = objects.Deployment(
        id=name, image_id="image", credential_id=f"credential {name}", project_id="p",
        wanted=wanted, status=status, pending=True, remote_id=None, stamped=False, seen_size=None,
        seen_hash_algo=None, seen_hash_value=None, seen_at=None, verified_at=None,
        not_carried=(), error_code=None, error_detail=None, allow_foreign=False,
        allow_last_copy=False, generation=1, updated_at=NOW,
    )  # fmt: skip
    return dataclasses.replace(blank, **values)  # type: ignore[arg-type]


HOLDER = cell("a", S.ACTIVE, remote_id="r-a")


class TestWanted(testtools.TestCase):
    def plan(
        self,
        mine: objects.Deployment,
        seen: list[SeenCopy] | None = None,
        others: list[objects.Deployment] | None = None,
    ) -> Action:
        return plan(IMAGE, mine, seen or [], [HOLDER] if others is None else others)

    def test_copy(self) -> None:
        self.assertEqual(TransferKind.COPY, self.plan(cell("b", S.QUEUED)).kind)

    def test_there_already(self) -> None:
        action = self.plan(cell("b", S.ACTIVE, remote_id="r"))
        self.assertEqual((None, None), (action.kind, action.refusal))

    def test_no_source(self) -> None:
        action = self.plan(cell("b", S.QUEUED), others=[cell("a", S.FAILED)])
        self.assertIsInstance(action.refusal, exception.NoSource)

    def test_a_source_that_cannot_be_reached_now_is_a_source(self) -> None:
        action = self.plan(cell("b", S.QUEUED), others=[cell("a", S.UNKNOWN)])
        self.assertEqual(TransferKind.COPY, action.kind)

    def test_adopt_same_content(self) -> None:
        seen = SeenCopy("there", "active", 10, "sha512", HASH, False)
        action = self.plan(cell("b", S.QUEUED), [seen], others=[])
        self.assertEqual((TransferKind.ADOPT, "there"), (action.kind, action.remote_id))

    def test_adopt_prefers_what_others_made(self) -> None:
        ours = SeenCopy("ours", "active", 10, "sha512", HASH, True)
        theirs = SeenCopy("theirs", "active", 10, "sha512", HASH, False)
        self.assertEqual("theirs", self.plan(cell("b", S.QUEUED), [ours, theirs]).remote_id)

    def test_never_adopt_without_proof(self) -> None:
        for seen in (
            SeenCopy("x", "active", 11, "sha512", HASH, False),
            SeenCopy("x", "active", None, "sha512", HASH, False),
            SeenCopy("x", "active", 10, "sha256", HASH, False),
            SeenCopy("x", "active", 10, None, None, False),
            SeenCopy("x", "queued", 10, "sha512", HASH, False),
            SeenCopy("x", "deactivated", 10, "sha512", HASH, False),
        ):
            action = self.plan(cell("b", S.QUEUED), [seen])
            self.assertEqual(TransferKind.COPY, action.kind, str(seen))

    def test_a_known_copy_is_proven_before_it_is_copied_again(self) -> None:
        action = self.plan(cell("b", S.QUEUED, remote_id="r"), others=[])
        self.assertEqual((TransferKind.ADOPT, "r"), (action.kind, action.remote_id))


class TestUnwanted(testtools.TestCase):
    def plan(self, others: list[objects.Deployment], **values: object) -> Action:
        mine = cell("b", S.QUEUED, wanted=False, **values)
        return plan(IMAGE, mine, [], others)

    def test_remove(self) -> None:
        action = self.plan([HOLDER], remote_id="r", stamped=True)
        self.assertEqual((TransferKind.REMOVE, "r"), (action.kind, action.remote_id))

    def test_nothing_is_there(self) -> None:
        self.assertEqual((None, None), (self.plan([]).kind, self.plan([]).refusal))

    def test_foreign(self) -> None:
        refused = self.plan([HOLDER], remote_id="r").refusal
        self.assertIsInstance(refused, exception.ForeignImage)
        allowed = self.plan([HOLDER], remote_id="r", allow_foreign=True)
        self.assertEqual(TransferKind.REMOVE, allowed.kind)

    def test_last_copy(self) -> None:
        for others in (
            [],
            [cell("a", S.FAILED, remote_id="r")],
            [cell("a", S.COPYING)],
            [cell("a", S.DRIFTED, remote_id="r")],
            [cell("a", S.ACTIVE, remote_id="r", wanted=False)],
        ):
            refused = self.plan(others, remote_id="r", stamped=True).refusal
            self.assertIsInstance(refused, exception.LastCopy, str(others))
        allowed = self.plan([], remote_id="r", stamped=True, allow_last_copy=True)
        self.assertEqual(TransferKind.REMOVE, allowed.kind)

    def test_a_disk_is_no_copy_of_the_file(self) -> None:
        disk = cell("a", S.ACTIVE, remote_id="r", as_disk=True)
        refused = self.plan([disk], remote_id="r", stamped=True).refusal
        self.assertIsInstance(refused, exception.LastCopy)
        for others in ([HOLDER], [disk]):
            gone = self.plan(others, remote_id="r", stamped=True, as_disk=True)
            self.assertEqual(TransferKind.REMOVE, gone.kind)


class TestSameContent(testtools.TestCase):
    def test_a_missing_proof_proves_nothing(self) -> None:
        self.assertTrue(same_content(IMAGE, 10, "sha512", HASH))
        self.assertFalse(same_content(IMAGE, 10, "sha512", None))
        unknown = dataclasses.replace(IMAGE, size=None, digests={})
        self.assertFalse(same_content(unknown, None, "sha512", None))
        self.assertFalse(same_content(unknown, None, None, None))


class TestStates(testtools.TestCase):
    def test_every_status_has_moves(self) -> None:
        self.assertEqual(set(S), set(states.DEPLOYMENT_MOVES))
        self.assertEqual(set(states.TransferState), set(states.TRANSFER_MOVES))

    def test_every_status_can_be_reached_and_left(self) -> None:
        for status in S:
            self.assertTrue(states.DEPLOYMENT_MOVES[status], status)
            self.assertTrue(states.sources_of(status) - {status}, status)

    def test_active_only_after_proof(self) -> None:
        self.assertNotIn(S.COPYING, states.sources_of(S.ACTIVE))

    def test_operation_state(self) -> None:
        t, o = states.TransferState, states.OperationState
        table = [
            ([], o.DONE),
            ([t.QUEUED], o.QUEUED),
            ([t.QUEUED, t.DONE], o.RUNNING),
            ([t.RUNNING, t.FAILED], o.RUNNING),
            ([t.DONE, t.FAILED], o.FAILED),
            ([t.DONE, t.CANCELLED], o.CANCELLED),
            ([t.DONE, t.DONE], o.DONE),
        ]
        for transfers, expected in table:
            self.assertEqual(expected, states.operation_state(transfers), str(transfers))
