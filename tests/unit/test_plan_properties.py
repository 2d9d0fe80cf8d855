"""What holds of the policy and of allowed hours whatever the situation is."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import testtools
from hypothesis import given
from hypothesis import strategies as st

from glint import exception, hours, objects
from glint.plan import HOLDING, SeenCopy, copies, plan, ranked, same_content
from glint.states import DeploymentStatus as S
from glint.states import TransferKind
from tests.unit.properties import short
from tests.unit.test_plan import HASH, IMAGE, cell

sizes = st.none() | st.sampled_from([0, 10, 11])
hashes = st.none() | st.sampled_from([HASH, "cd" * 64])
algorithms = st.none() | st.sampled_from(["sha512", "sha256"])
images = st.builds(
    lambda size, digests, url: dataclasses.replace(
        IMAGE, size=size, digests=digests, source_url=url
    ),
    sizes,
    st.dictionaries(st.sampled_from(["sha512", "sha256"]), hashes.filter(bool), max_size=2),
    st.none() | st.just("https://web.example/image"),
)
seen_copies = st.lists(
    st.builds(
        SeenCopy,
        remote_id=st.sampled_from(["s1", "s2", "s3"]),
        status=st.sampled_from(["active", "queued", "deactivated", "killed"]),
        size=sizes,
        os_hash_algo=algorithms,
        os_hash_value=hashes,
        stamped=st.booleans(),
    ),
    max_size=4,
)


def cells(names: Sequence[str]) -> st.SearchStrategy[objects.Deployment]:
    return st.builds(
        cell,
        st.sampled_from(names),
        st.sampled_from(S),
        wanted=st.booleans(),
        remote_id=st.none() | st.just("held"),
        stamped=st.booleans(),
        allow_foreign=st.booleans(),
        allow_last_copy=st.booleans(),
    )


others = st.lists(cells(["a", "b", "c"]), max_size=3)


class TestPlan(testtools.TestCase):
    @short
    @given(images, cells(["mine"]), seen_copies, others)
    def test_never_a_lie_and_never_careless(
        self,
        image: objects.Image,
        mine: objects.Deployment,
        seen: list[SeenCopy],
        rest: list[objects.Deployment],
    ) -> None:
        action = plan(image, mine, seen, rest)

        self.assertTrue(action.reason)
        self.assertFalse(action.kind is not None and action.refusal is not None)
        if mine.wanted:
            self.assertNotEqual(TransferKind.REMOVE, action.kind)
        else:
            self.assertIn(action.kind, (None, TransferKind.REMOVE))
        if action.kind == TransferKind.REMOVE:
            self.assertEqual(mine.remote_id, action.remote_id)
            self.assertTrue(mine.stamped or mine.allow_foreign)
            self.assertTrue(copies(image, rest) or mine.allow_last_copy)
        if action.kind == TransferKind.ADOPT and action.remote_id != mine.remote_id:
            # What Glint does not hold yet is taken over with a proof only.
            proofs = [
                one
                for one in seen
                if one.status == "active"
                and same_content(image, one.size, one.os_hash_algo, one.os_hash_value)
            ]
            self.assertIn(action.remote_id, [one.remote_id for one in proofs])
        if action.kind == TransferKind.COPY:
            sources = [one for one in rest if one.status in HOLDING]
            self.assertTrue(sources or image.has_own_source)

    @short
    @given(images, cells(["mine"]), seen_copies, others)
    def test_the_same_question_has_the_same_answer(
        self,
        image: objects.Image,
        mine: objects.Deployment,
        seen: list[SeenCopy],
        rest: list[objects.Deployment],
    ) -> None:
        first, again = plan(image, mine, seen, rest), plan(image, mine, seen, rest[::-1])
        self.assertEqual((first.kind, first.remote_id), (again.kind, again.remote_id))
        self.assertEqual(type(first.refusal), type(again.refusal))

    @short
    @given(images, sizes, algorithms, hashes)
    def test_content_is_the_same_by_size_and_hash_only(
        self, image: objects.Image, size: int | None, algorithm: str | None, value: str | None
    ) -> None:
        if same_content(image, size, algorithm, value):
            self.assertIsNotNone(size)
            self.assertEqual(image.size, size)
            self.assertEqual(image.digests[str(algorithm)], value)

    @short
    @given(others, st.sets(st.sampled_from(["credential a", "credential b"])))
    def test_sources_hold_the_image(
        self, rest: list[objects.Deployment], not_from: set[str]
    ) -> None:
        found = ranked(rest, not_from)
        for one in found:
            self.assertIn(one.status, HOLDING)
            self.assertTrue(one.remote_id)
            self.assertNotIn(one.credential_id, not_from)
        active = [one.status == S.ACTIVE for one in found]
        self.assertEqual(sorted(active, reverse=True), active)


minutes = st.integers(0, 24 * 60 - 1)
spans = st.lists(st.tuples(minutes, minutes).filter(lambda s: s[0] != s[1]), min_size=1, max_size=4)


def written(wished: list[tuple[int, int]]) -> str:
    return ",".join(
        f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}" for begin, end in wished
    )


class TestHours(testtools.TestCase):
    @short
    @given(spans, minutes)
    def test_open_within_a_span_and_at_no_other_time(
        self, wished: list[tuple[int, int]], minute: int
    ) -> None:
        text = written(wished)
        self.assertEqual(tuple(wished), hours.parse(text))
        inside = any(
            minute in {(begin + n) % 1440 for n in range((end - begin) % 1440)}
            for begin, end in wished
        )
        now = datetime.datetime(2026, 11, 21, minute // 60, minute % 60, 59)  # noqa: DTZ001
        self.assertEqual(inside, hours.is_open(text, now))

    @short
    @given(st.text("0123456789:-, ٣x", max_size=24) | spans.map(written).map(lambda t: t + ","))
    def test_hours_are_understood_or_refused_and_nothing_else(self, text: str) -> None:
        try:
            found = hours.parse(text)
        except exception.BadHours as error:
            self.assertIn(text, str(error))
        else:
            self.assertEqual(text.replace(" ", ""), written([*found]))
