"""A memory that only repeats the question takes nothing's place."""

from __future__ import annotations

import pytest
from tests.support.records import candidate, record

from iai_memory.recall.repetition import saying_more


@pytest.mark.parametrize(
    ("question", "text", "is_kept"),
    [
        ("And now: which port is it?", "Which port is it?", False),
        ("Which port is it?", "Which port is it, 5544?", True),
        ("Do we use tabs or spaces?", "We use tabs.", True),
        ("Fix the parser.", "fix the parser", False),
        ("Fix the parser and the lexer.", "Fix the lexer.", True),
    ],
)
def test_a_memory_that_only_repeats_the_question_is_left_out(
    question: str, text: str, is_kept: bool
) -> None:
    one = candidate(record("a", text))

    assert saying_more([one], question) == ([one] if is_kept else [])
