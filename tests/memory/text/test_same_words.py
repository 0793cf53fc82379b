"""Two texts of one turn are compared though one is cut, redacted or scrubbed."""

from __future__ import annotations

import pytest

from iai_memory.text.same_words import CUT, has_all_words


@pytest.mark.parametrize(
    ("stored", "told", "redacted"),
    [
        ("port 5544", "port 5544", "port 5544"),
        ("key [redacted:api-key] here", "key sk-1 here", "key [redacted:api-key] here"),
        ("key [redacted:scrub] here", "key sk-1 here", "key sk-1 here"),
        ("key sk-1 here", "key sk-1 here", "key [redacted:api-key] here"),
        ("[redacted:a] and [redacted:b]", "one and two", "one and two"),
        ("it went well", "it went", "it went"),
        ("it went well", "it went \u2026", "it went \u2026"),
        (f"head{CUT}tail", f"head{CUT}tail", f"head{CUT}tail"),
        ("head, middle, tail", f"head, {CUT}tail", f"head, {CUT}tail"),
    ],
)
def test_a_stored_text_has_all_words_of_its_copy(stored: str, told: str, redacted: str) -> None:
    assert has_all_words(stored, told, redacted)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("left", "right"),
        ("it went", "it went well"),
        ("it went well", "well"),
        ("it went well", "\u2026"),
        ("key [redacted:scrub] here", "key sk-1 there"),
        ("key [redacted:scrub] here", "a key sk-1 here"),
        ("a [redacted:scrub] b [redacted:scrub] a", "a 1 a"),
        ("[redacted:scrub]", "anything"),
        (f"head{CUT}tail", "head, middle, tail"),
    ],
)
def test_words_that_are_not_stored_are_found(stored: str, told: str) -> None:
    assert not has_all_words(stored, told, told)
