"""Turns that a person took back are known, and no others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.transcript_lines import claude, queue, queued_command, raw

from iai_memory.capture.rewinds import Branches, branch_count, branches_of
from iai_memory.capture.transcript import read_transcript

Lines = Sequence[dict[str, Any]]
CAVEAT = "<local-command-caveat>Caveat: \u2026</local-command-caveat>"


def said(uuid: str, parent: str | None, **fields: Any) -> dict[str, Any]:
    """A person's prompt."""
    return {**claude(f"prompt {uuid}", uuid=uuid, **fields), "parentUuid": parent}


def told(uuid: str, parent: str | None, **fields: Any) -> dict[str, Any]:
    """An answer of the model."""
    block = {"type": "text", "text": f"answer {uuid}"}
    return {**claude([block], "assistant", uuid=uuid, **fields), "parentUuid": parent}


def called(uuid: str, parent: str) -> dict[str, Any]:
    """A call of a tool."""
    block = {"type": "tool_use", "id": f"toolu_{uuid}", "name": "Bash", "input": {}}
    return {**claude([block], "assistant", uuid=uuid), "parentUuid": parent}


def result(uuid: str, parent: str) -> dict[str, Any]:
    """The result of a call."""
    block = {"type": "tool_result", "tool_use_id": f"toolu_{parent}", "content": "ok"}
    return {**claude([block], uuid=uuid), "parentUuid": parent}


def other(kind: str, uuid: str, parent: str | None, **fields: Any) -> dict[str, Any]:
    """A line of another kind: `system`, `progress`, `attachment`."""
    attachment: dict[str, Any] = {"attachment": {"type": "date"}} if kind == "attachment" else {}
    line = claude("", type=kind, message=None, uuid=uuid, **attachment, **fields)
    return {**line, "parentUuid": parent}


def boundary(uuid: str, logical: str | None) -> Lines:
    """A compaction with its summary."""
    line = other("system", uuid, None, subtype="compact_boundary")
    summary = claude("This session is \u2026", uuid=f"{uuid}-sum", isCompactSummary=True)
    return [{**line, "logicalParentUuid": logical}, {**summary, "parentUuid": uuid}]


def chosen(leaf: str | None) -> dict[str, Any]:
    """The host's word on which line is the newest one."""
    return {"type": "last-prompt", "leafUuid": leaf, "explicit": True, "sessionId": "s"}


def rewound(folder: Path, lines: Lines) -> set[str]:
    """Which turns of a file with these lines were taken back."""
    path = folder / "t.jsonl"
    path.write_bytes(raw(*lines))
    found = branches_of(path)
    assert not found.rewound & found.held
    return set(found.rewound)


TALK: Lines = [said("p1", None), told("a1", "p1"), said("p2", "a1"), told("a2", "p2")]
REWOUND: Lines = [*TALK, said("p3", "a1"), told("a3", "p3")]


def test_turns_that_were_taken_back_are_rewound_with_all_that_followed_them(tmp_path: Path) -> None:
    after = [said("p2b", "a2"), called("c", "p2b"), result("r", "c"), told("a2b", "r")]
    lines = [*TALK, *after, said("p3", "a1"), told("a3", "p3")]
    assert rewound(tmp_path, lines) == {"p2", "a2", "p2b", "a2b"}


def test_a_turn_is_rewound_before_the_new_prompt_is_answered(tmp_path: Path) -> None:
    assert rewound(tmp_path, REWOUND[:-1]) == {"p2", "a2"}


def test_all_turns_that_are_not_rewound_are_held(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*REWOUND))
    expected = Branches(frozenset({"p2", "a2"}), frozenset({"p1", "a1", "p3", "a3"}))
    assert branches_of(path) == expected


def test_turns_can_be_taken_back_again_and_again(tmp_path: Path) -> None:
    lines = [other("attachment", "s", None), said("p1", "s"), *REWOUND[1:], said("p4", "a1")]
    assert rewound(tmp_path, lines) == {"p2", "a2", "p3", "a3"}
    assert rewound(tmp_path, [*lines, said("p5", "s")]) == {
        *["p1", "a1", "p2", "a2", "p3", "a3", "p4"]
    }


def test_the_path_of_the_newest_line_holds_when_a_rewind_is_undone(tmp_path: Path) -> None:
    assert rewound(tmp_path, [*REWOUND, said("p6", "a2")]) == {"p3", "a3"}


def test_the_prompt_behind_the_lines_of_the_host_counts(tmp_path: Path) -> None:
    before = [
        *TALK[:2],
        other("system", "s1", "a1", subtype="turn_duration"),
        other("attachment", "t1", "s1"),
        {**claude("x", uuid="m1", isMeta=True), "parentUuid": "t1"},
        other("progress", "g1", "m1"),
        said("p2", "g1"),
        told("a2", "p2"),
    ]
    assert rewound(tmp_path, [*before, said("p3", "a1")]) == {"p2", "a2"}


def test_a_prompt_that_the_model_took_from_the_queue_is_rewound_with_its_branch(
    tmp_path: Path,
) -> None:
    taken = {**queued_command("plums", uuid="q"), "parentUuid": "a2"}
    lines = [*TALK, taken, told("a2b", "q"), said("p3", "a1")]
    assert rewound(tmp_path, lines) == {"p2", "a2", "q", "a2b"}


def queued_in(folder: Path, *lines: dict[str, Any]) -> tuple[bool, set[str]]:
    """Whether the one prompt of these lines that the queue held was taken back, and what else."""
    path = folder / "t.jsonl"
    path.write_bytes(raw(*lines))
    found = branches_of(path)
    (queued,) = [one for one in found.rewound | found.held if one.startswith("queued-")]
    return queued in found.rewound, set(found.rewound - {queued})


def test_a_prompt_without_a_line_is_rewound_with_the_work_that_it_went_into(tmp_path: Path) -> None:
    typed = [queue("enqueue", "plums"), queue("remove")]
    begun, working = [said("p2", "a1"), called("c", "p2")], [result("r", "c"), told("a2", "r")]
    talk = [*TALK[:2], *begun, *typed, *working]
    assert queued_in(tmp_path, *talk) == (False, set())
    assert queued_in(tmp_path, *talk, said("p3", "a2")) == (False, set())
    assert queued_in(tmp_path, *talk, said("p3", "a1")) == (True, {"p2", "a2"})
    undone = [*talk, said("p3", "a1"), said("p4", "a2")]
    assert queued_in(tmp_path, *undone) == (False, {"p3"})
    killed = [*TALK[:2], *begun, *typed]
    assert queued_in(tmp_path, *killed, said("p3", "a1")) == (True, {"p2"})
    assert queued_in(tmp_path, *killed, said("p3", "c")) == (False, set())


def test_a_prompt_without_a_line_holds_where_the_work_before_it_was_taken_back(
    tmp_path: Path,
) -> None:
    typed = [queue("enqueue", "plums"), queue("remove")]
    after = [said("p3", "a1"), called("c", "p3"), *typed, result("r", "c"), told("a3", "r")]
    assert queued_in(tmp_path, *TALK, *after) == (False, {"p2", "a2"})


def test_the_hosts_word_on_the_newest_line_counts_until_the_next_line(tmp_path: Path) -> None:
    assert rewound(tmp_path, [*TALK, chosen("a1")]) == {"p2", "a2"}
    assert rewound(tmp_path, [*TALK, chosen("p2"), chosen("a2")]) == set()
    assert rewound(tmp_path, [*REWOUND, chosen("a2")]) == {"p3", "a3"}
    assert rewound(tmp_path, [*REWOUND, chosen("a2"), said("p7", "a3")]) == {"p2", "a2"}
    nobody = "00000000-0000-0000-0000-000000000000"
    for leaf in (nobody, None):
        assert rewound(tmp_path, [*REWOUND, chosen(leaf)]) == {"p2", "a2"}


def test_a_talk_that_was_taken_back_to_its_first_prompt_is_rewound(tmp_path: Path) -> None:
    nobody = chosen("00000000-0000-0000-0000-000000000000")
    late = other("attachment", "t", "p3")
    lines = [*TALK, said("p3", None), late, nobody, told("a3", "t")]
    assert rewound(tmp_path, lines) == {"p1", "a1", "p2", "a2"}
    again = [*lines, said("p4", None), chosen(None), told("a4", "p4")]
    assert rewound(tmp_path, again) == {"p1", "a1", "p2", "a2", "p3", "a3"}
    undone = [*again, said("p5", "a2")]
    assert rewound(tmp_path, undone) == {"p3", "a3", "p4", "a4"}


def test_a_beginning_is_a_rewind_only_by_the_hosts_word(tmp_path: Path) -> None:
    nobody = chosen(None)
    assert rewound(tmp_path, [*TALK, said("p3", None), told("a3", "p3"), nobody]) == set()
    assert rewound(tmp_path, [nobody, said("p1", None), nobody, told("a1", "p1")]) == set()
    unlinked = [said("p1", None), told("a1", None), said("p2", None), nobody, told("a2", None)]
    assert rewound(tmp_path, unlinked) == set()


def test_a_rewind_stays_one_when_the_talk_begins_again(tmp_path: Path) -> None:
    assert rewound(tmp_path, [*REWOUND, said("p4", None)]) == {"p2", "a2"}
    assert rewound(tmp_path, [*REWOUND, said("p4", "gone")]) == {"p2", "a2"}
    assert rewound(tmp_path, [*REWOUND, *boundary("b", "gone")]) == {"p2", "a2"}


def test_a_slash_command_with_arguments_can_be_taken_back(tmp_path: Path) -> None:
    text = "<command-name>/fix</command-name><command-args>it</command-args>"
    command = {**claude(text, uuid="c"), "parentUuid": "a1"}
    assert rewound(tmp_path, [*TALK[:2], command, told("a2", "c"), said("p3", "a1")]) == {"c", "a2"}


KEPT: dict[str, Lines] = {
    "a straight talk": TALK,
    "calls that ran in parallel": [
        said("p1", None),
        called("c1", "p1"),
        called("c2", "c1"),
        result("r1", "c1"),
        result("r2", "c2"),
        told("a1", "r2"),
        said("p2", "a1"),
    ],
    "calls that ran in parallel, the other result on the path": [
        said("p1", None),
        told("a0", "p1"),
        called("c1", "a0"),
        called("c2", "c1"),
        result("r2", "c2"),
        result("r1", "c1"),
        told("a1", "r1"),
    ],
    "words beside a result on a branch": [
        said("p1", None),
        called("c1", "p1"),
        called("c2", "c1"),
        result("r1", "c1"),
        said("q1", "r1"),
        result("r2", "c2"),
        told("a1", "r2"),
    ],
    "progress that ends late": [*TALK, other("progress", "g", "p1"), other("system", "s", "g")],
    "a compaction": [*TALK, *boundary("b", "a2"), said("p3", "b-sum"), told("a3", "p3")],
    "a summary of what follows an earlier line": [
        *TALK,
        *boundary("b", "a1"),
        said("p3", "b-sum"),
        told("a3", "p3"),
    ],
    "a summary of what came before": [
        *TALK,
        said("p3", "a2"),
        told("a3", "p3"),
        *boundary("b", "a2"),
        said("p4", "b-sum"),
    ],
    "a compaction whose line before is missing": [*TALK, *boundary("b", "x"), said("p3", "b-sum")],
    "a compaction without the line before": [*TALK, *boundary("b", None), said("p3", "b-sum")],
    "a session that was resumed from nothing": [*TALK, said("p3", None), told("a3", "p3")],
    "a missing parent": [*TALK, said("p3", "gone"), told("a3", "p3")],
    "a missing parent at the beginning": [said("p1", "gone"), *TALK[1:]],
    "a prompt with a missing parent": [*TALK[:2], said("p9", "gone"), said("p3", "a1")],
    "a command of the host's that was left out": [
        *TALK[:2],
        {**claude(CAVEAT, uuid="v", isMeta=True), "parentUuid": "a1"},
        {
            **claude(
                "<command-name>/model</command-name><command-args>opus</command-args>", uuid="c"
            ),
            "parentUuid": "v",
        },
        {**claude("<local-command-stdout>ok</local-command-stdout>", uuid="o"), "parentUuid": "c"},
        said("p3", "a1"),
    ],
    "a host's command whose lines are in another order": [
        *TALK[:2],
        {**claude("<command-name>/exit</command-name>", uuid="c"), "parentUuid": "v"},
        {**claude("<local-command-stdout>Bye</local-command-stdout>", uuid="o"), "parentUuid": "c"},
        {**claude(CAVEAT, uuid="v", isMeta=True), "parentUuid": "a1"},
        told("n", "o"),
        said("p3", "n"),
    ],
    "a sub-agent in the same file": [
        *TALK[:2],
        said("s1", None, isSidechain=True),
        told("s2", "s1", isSidechain=True),
        said("s3", "a1", isSidechain=True),
        said("p2", "a1"),
        said("s4", "s2", isSidechain=True),
    ],
    "a fork that repeats its lines": [*TALK, *TALK, said("p3", "a2")],
    "a line that is its own parent": [said("p1", "p1"), said("p2", "p1")],
    "a ring": [said("p1", "p3"), said("p2", "p1"), said("p3", "p2")],
    "a ring beside the path": [said("x", "y"), told("y", "x"), *TALK],
    "lines without ids": [claude("a", uuid=None), claude("b", uuid=None)],
    "ids of another type": [
        {**claude("a", uuid=7), "parentUuid": ["p1"]},
        {**claude("b", uuid="b"), "parentUuid": {}, "logicalParentUuid": 3},
    ],
    "nothing": [],
}


@pytest.mark.parametrize("lines", KEPT.values(), ids=KEPT.keys())
def test_nothing_is_rewound_that_nobody_took_back(lines: Lines, tmp_path: Path) -> None:
    assert rewound(tmp_path, lines) == set()


def test_lines_that_cannot_be_read_take_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"{broken\n\xff\n[1]\n" + raw(*REWOUND) + b'{"type": "user", "uuid": "u"}\n')
    assert branches_of(path).rewound == {"p2", "a2"}


def test_a_long_talk_is_no_deep_recursion(tmp_path: Path) -> None:
    ids = [f"p{number}" for number in range(5_000)]
    lines = [said(ids[0], None), *(said(uuid, parent) for parent, uuid in pairwise(ids))]
    assert rewound(tmp_path, [*lines, said("x", "p0")]) == set(ids[1:])


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_what_is_on_the_path_of_the_newest_line_is_never_rewound(
    tmp_path_factory: pytest.TempPathFactory, seed: int, length: int
) -> None:
    draw = random.Random(seed)
    makers = [said, told, called, result]
    ids = [f"n{number}" for number in range(length)]
    lines = [draw.choice(makers)(uuid, draw.choice([*ids, "gone"])) for uuid in ids]
    found = rewound(tmp_path_factory.mktemp("tree"), lines)
    parents = {line["uuid"]: line["parentUuid"] for line in lines}
    path, at = set[str](), ids[-1]
    while at in parents and at not in path:
        path.add(at)
        at = parents[at]
    assert not path & found


# --- when to look -------------------------------------------------------------------------------


def test_a_prompt_that_goes_back_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*REWOUND, said("p8", "a3"), said("p9", "a1")))
    cursors = [None, *(parsed.cursor for parsed in read_transcript(path, "claude-code"))]
    assert [branch_count(cursor) for cursor in cursors] == [0, 0, 0, 0, 0, 1, 1, 1, 2]


def test_calls_that_ran_in_parallel_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*KEPT["calls that ran in parallel"]))
    assert branch_count(list(read_transcript(path, "claude-code"))[-1].cursor) == 0


def test_a_rewind_across_two_readings_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*TALK))
    before = list(read_transcript(path, "claude-code"))[-1].cursor
    with path.open("ab") as stream:
        stream.write(raw(said("p3", "a1")))
    after = list(read_transcript(path, "claude-code", before))[-1].cursor
    assert (branch_count(before), branch_count(after)) == (0, 1)
