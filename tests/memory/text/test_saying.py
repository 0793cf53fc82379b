"""Texts that say the same are found by a cheap look before their words are compared."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_memory.text.saying import normalised_text, sketch

# What is left out or changed, and what stands beside it, more often than by chance.
PIECES = st.sampled_from(
    [
        *(
            "the",
            "The",
            "please",
            "Please",
            "Stra\u00dfe",
            "\ufb01nd",
            "\u0130stanbul",
            "ok",
            "\u96ea",
        ),
        *("\u201c", "\u201d", "\u00ab", "\u2039", "'", "`", ".", ",", "!", "?", ":", "5!", "-3.0"),
        *(" ", "\n", "\n  ", "\t", "\x85", "\u2028", "\u3000", "\xa0"),
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=3))).map("".join)


@given(TEXTS)
def test_nothing_that_the_words_keep_is_missing_in_the_sketch(text: str) -> None:
    """So two texts with the same words have the same sketch, and no copy is overlooked."""
    assert sketch(" ".join(normalised_text(text))) == sketch(text)


def test_every_blank_of_unicode_is_left_out() -> None:
    blanks = [chr(n) for n in range(sys.maxunicode + 1) if chr(n).isspace()]
    assert [one for one in blanks if sketch(f"a{one}b") != sketch("ab")] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Port 5544 is free.", "Port 5545 is free."),
        ("It is not safe.", "It is safe."),
        ("\u96ea\u304c\u964d\u308b", "\u96e8\u304c\u964d\u308b"),
        ("bring oars", "bring boards"),
        ("why?", "why"),
    ],
)
def test_other_words_have_another_sketch(one: str, other: str) -> None:
    assert sketch(one) != sketch(other)
