"""A hash that may be kept in a file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iai_memory.store.stable_hash import cached_hashes_of, hashes_of

KNOWN = {
    "heron": 7_888_815_395_859_448_395,
    "": -5_426_141_060_434_712_860,
    "π": -6_422_885_115_853_408_674,
}


def test_a_string_has_the_same_hash_in_every_process() -> None:
    assert hashes_of(KNOWN).tolist() == list(KNOWN.values())


@given(st.lists(st.text()))
def test_few_strings_have_the_hashes_of_many_and_different_ones_differ(strings: list[str]) -> None:
    hashes = hashes_of(strings).tolist()
    assert cached_hashes_of(strings).tolist() == hashes
    assert len(set(hashes)) == len(set(strings))
