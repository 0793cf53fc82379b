"""Token vectors in memory: at most so many bytes, of one model, and none of what changed."""

from __future__ import annotations

import pytest

from iai_memory.store.snapshot.token_cache import TokenCache

ROOM = 1_000
THIRD = bytes(200)  # three of them fit, with what an entry takes


@pytest.fixture
def tokens() -> TokenCache:
    return TokenCache(ROOM)


def held(tokens: TokenCache, key: str = "model") -> str:
    return "".join(tokens.found("abcdef", key))


def test_those_that_came_first_make_room(tokens: TokenCache) -> None:
    assert tokens.add(dict.fromkeys("abc", THIRD), "model")
    assert not tokens.add(dict.fromkeys("de", THIRD), "model")
    assert held(tokens) == "cde"
    assert tokens.nbytes <= ROOM


def test_one_that_is_read_again_takes_the_room_of_one(tokens: TokenCache) -> None:
    for _ in range(9):
        assert tokens.add({"a": THIRD}, "model")
    assert tokens.add(dict.fromkeys("bc", THIRD), "model")
    assert held(tokens) == "abc"


def test_one_that_does_not_fit_leaves_nothing_behind(tokens: TokenCache) -> None:
    tokens.add({"a": bytes(2 * ROOM)}, "model")
    assert (held(tokens), tokens.nbytes) == ("", 0)


def test_vectors_of_another_model_are_not_these(tokens: TokenCache) -> None:
    tokens.add({"a": THIRD}, "model")
    assert held(tokens, "other") == ""
    tokens.add({"b": THIRD}, "other")
    assert (held(tokens), held(tokens, "other")) == ("", "b")


def test_what_changed_is_not_in_the_next_one_and_leaves_its_room(tokens: TokenCache) -> None:
    tokens.add(dict.fromkeys("abc", THIRD), "model")
    later = tokens.without(["b", "f"])
    assert (held(tokens), held(later)) == ("abc", "ac")
    assert later.add({"d": THIRD}, "model")
    assert held(later) == "acd"


@pytest.mark.parametrize(("rows", "fits"), [(3, True), (4, False)])
def test_all_are_read_once_where_they_fit(tokens: TokenCache, rows: int, fits: bool) -> None:
    assert not tokens.begins_to_fill(rows, "model")  # nobody knows how large they are
    tokens.add({"a": THIRD}, "model")
    assert tokens.begins_to_fill(rows, "model") is fits
    assert not tokens.begins_to_fill(rows, "model") or not fits


def test_who_comes_after_an_unfinished_one_fills_itself(tokens: TokenCache) -> None:
    tokens.add({"a": THIRD}, "model")
    assert tokens.begins_to_fill(1, "model")
    assert tokens.without([]).begins_to_fill(1, "model")
    tokens.is_filled()
    assert not tokens.without([]).begins_to_fill(1, "model")
