"""The last line of an export tells a whole file from any other."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from iai_memory.transfer.end_line import CheckedLines, end_of, with_end

LINES = [json.dumps({"iai_mcp": 1, "text": f"memory {number} äöü"}) for number in range(4)]


def exported(missing: int | None = 0) -> list[str]:
    return [f"{line}\n" for line in with_end(LINES, lambda: missing)]


def checked(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The lines that are given on, what is wrong with the file, and what else is said."""
    given = CheckedLines(lines)
    return [line.rstrip("\r\n") for line in given], given.faults, given.warnings


def test_an_export_ends_with_the_number_of_its_lines_and_their_digest() -> None:
    *lines, last = exported()
    assert [line.rstrip("\n") for line in lines] == LINES
    fields = json.loads(last)
    assert (fields["end_of_export"], fields["missing"]) == (4, 0)
    assert len(fields["sha256"]) == 64


def test_a_whole_file_has_nothing_said_of_it() -> None:
    assert checked(exported()) == (LINES, [], [])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda lines: [*lines[:1], *lines[2:]], "1 line is missing: 4 were exported"),
        (lambda lines: lines[3:], "3 lines are missing: 4 were exported, the file has 1"),
        (lambda lines: lines[4:], "4 lines are missing: 4 were exported, the file has 0"),
        (lambda lines: [lines[0], *lines], "4 lines were exported, the file has 5"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "a line was changed"),
        (lambda lines: [lines[0].replace("0", "9"), *lines[1:]], "a line was changed"),
        (lambda lines: [*lines[:2], lines[2][:9]], "line 3 ends in the middle"),
    ],
    ids=["one", "first", "all", "doubled", "order", "a character", "cut"],
)
def test_a_file_that_is_not_what_was_exported_is_said_to_be_so(
    changed: Callable[[list[str]], list[str]], told: str
) -> None:
    [fault] = checked(changed(exported()))[1]
    assert told in fault


def test_a_file_without_its_last_line_was_cut_or_is_older() -> None:
    given, faults, [warning] = checked(exported()[:-1])
    assert (given, faults) == (LINES, [])
    assert "it was cut short behind line 4, or an earlier iai-mcp exported it" in warning


def test_a_last_line_without_a_line_end_is_a_line() -> None:
    *lines, last = exported()
    assert checked([*lines, last.rstrip("\n")]) == (LINES, [], [])
    assert checked([*lines[:-1], lines[-1].rstrip("\n")])[1] == []


def test_other_line_ends_and_blank_lines_change_nothing() -> None:
    crossed = [line.replace("\n", "\r\n") for line in exported()]
    assert checked(["\n", *crossed, "\n"]) == (LINES, [], [])


def test_exports_may_stand_one_behind_the_other() -> None:
    assert checked(exported() + exported()) == (LINES * 2, [], [])
    assert len(checked(exported()[1:] + exported())[1]) == 1
    assert len(checked(exported() + exported()[:2])[2]) == 1


@pytest.mark.parametrize(("missing", "told"), [(9, "lacks 9 of its memories"), (None, "nobody")])
def test_a_file_of_a_damaged_store_says_that_it_is(missing: int | None, told: str) -> None:
    given, faults, [warning] = checked(exported(missing))
    assert (given, faults) == (LINES, [])
    assert told in warning


@pytest.mark.parametrize(
    "line",
    [
        *LINES,
        "",
        "not JSON",
        '{"end_of_export"',
        '["end_of_export"]',
        json.dumps({"text": "say " * 20 + '"end_of_export"'}),
        '{"end_of_export": ' + "[" * 100_000,
    ],
    ids=[*"abcd", "empty", "no JSON", "cut", "a list", "a text", "deep"],
)
def test_no_other_line_is_a_last_line(line: str) -> None:
    assert end_of(line) is None


@pytest.mark.parametrize("count", ["4", None, True, 4.0, [4]])
def test_a_last_line_without_a_number_is_a_fault(count: object) -> None:
    *lines, last = exported()
    forged = json.dumps({**json.loads(last), "end_of_export": count})
    assert len(checked([*lines, forged])[1]) == 1
