"""What a fault quotes may be anybody's: it is told in one short line that moves nothing."""

from __future__ import annotations

import pytest

from iai_memory.errors import (
    ForeignFileFault,
    InvalidInput,
    MemoryFault,
    StoreFault,
    TranscriptFault,
    UnknownRecord,
    one_line,
)


@pytest.mark.parametrize(
    "kind", [MemoryFault, InvalidInput, UnknownRecord, StoreFault, TranscriptFault]
)
def test_a_fault_with_an_endless_path_names_its_beginning_and_the_next_command(
    kind: type[MemoryFault],
) -> None:
    told = str(kind(f"/begin{'/z' * 50_000} cannot be read: run `iai-mcp doctor`"))
    assert len(told) < 1_100
    assert told.startswith("/begin/z")
    assert told.endswith("/z cannot be read: run `iai-mcp doctor`")


@pytest.mark.parametrize(
    "odd",
    ["\x1b[2J", "\x9b2J", "\r", "\n", "\0", "\x1b]0;t\x07", "\u202e", "\u2028", "\ud83d", "\x7f"],
)
def test_a_fault_is_one_line_that_hides_and_moves_nothing(odd: str) -> None:
    for fault in (ForeignFileFault(f"/a{odd}b", "is a FIFO"), InvalidInput(f"/a{odd}b is one")):
        assert str(fault).isprintable()
        assert odd not in str(fault)
        assert str(fault).startswith("/a\\")


def test_a_fault_of_plain_words_in_any_script_stays_as_it_is() -> None:
    for text in ("/home/jörg/東京 is a FIFO: look at it", "x" * 1_000, ""):
        assert one_line(text) == text
        assert str(MemoryFault(text)) == text
