"""Segments stay few and every merge small, whatever is written and replaced."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from iai_memory.store.snapshot.merge_policy import Size, to_merge

SMALL, LARGE = 512, 32_768


def merged(sizes: list[Size]) -> list[Size]:
    """The sizes after what the policy merges, from which replaced rows are gone."""
    for run in reversed(to_merge(sizes)):
        current = sum(size.current for size in sizes[run])
        sizes[run] = [Size(current, current)] if current else []
    return sizes


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=200))
def test_segments_are_few_and_none_is_larger_than_one_merge_may_be(rows: list[int]) -> None:
    sizes = list[Size]()
    for new in rows:
        sizes = merged([*sizes, Size(new, new)])
        assert all(size.rows <= LARGE for size in sizes)
        assert sum(size.rows < SMALL for size in sizes) <= 1
        for before, after in pairwise(sizes):
            assert before.rows >= 2 * after.rows or before.rows + after.rows > LARGE
    assert sum(size.rows for size in sizes) == sum(rows)


def test_a_large_segment_stays_as_it_is_while_others_grow_behind_it() -> None:
    sizes = [Size(100_000, 100_000)]
    for _ in range(100):
        sizes = merged([*sizes, Size(500, 500)])
        assert sizes[0] == Size(100_000, 100_000)
        assert len(sizes) < 9


def test_of_two_segments_that_are_half_replaced_one_is_rewritten_at_a_time() -> None:
    sizes = [Size(100_000, 49_999), Size(40_000, 40_000), Size(30_000, 1_000), Size(600, 600)]
    sizes = merged(sizes)
    assert sizes[0] == Size(49_999, 49_999)
    assert sizes[1] == Size(40_000, 40_000)
    assert sum(size.current for size in sizes[2:]) == 1_600


def test_a_segment_of_which_everything_was_replaced_is_gone() -> None:
    assert merged([Size(4_000, 0), Size(3_000, 3_000)]) == [Size(3_000, 3_000)]
    assert merged([Size(1, 0)]) == []
