"""Turns that were taken back are tagged when their transcript is drained or imported."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.transcript_lines import claude, raw

from iai_memory import Memory
from iai_memory.capture.history_import import ImportProgress
from iai_memory.capture.transcript_files import look_at


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """An empty memory without a model."""
    return words_only


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A transcript to be written."""
    return tmp_path / "talk.jsonl"


def said(uuid: str, parent: str | None, role: str = "user") -> dict[str, Any]:
    """A turn that goes on from another."""
    return {**claude(f"text {uuid}", role, uuid=uuid), "parentUuid": parent}


BEFORE = [said("p1", None), said("a1", "p1", "assistant"), said("p2", "a1")]
BACK = [said("p3", "a1"), said("a3", "p3", "assistant")]
UNDONE = [said("p4", "p2")]


def write(path: Path, *lines: dict[str, Any]) -> None:
    """Append lines to a transcript."""
    with path.open("ab") as stream:
        stream.write(raw(*lines))


def drain(memory: Memory, path: Path) -> int:
    """Ring for a transcript and answer it; how many turns were stored."""
    memory.paths.spool.mkdir(parents=True, exist_ok=True)
    ring = {"event": "Stop", "session_id": "s", "transcript_path": str(path), "at": 1796000000}
    with (memory.paths.spool / "doorbell.jsonl").open("a") as bell:
        bell.write(json.dumps(ring) + "\n")
    return memory.drain().stored


def import_all(memory: Memory, path: Path) -> None:
    """Import a transcript."""
    memory.import_transcripts([look_at(path)], "claude-code")


def rewound(memory: Memory) -> set[str]:
    """The host's ids of the stored turns with the tag."""
    table = memory.store.latest
    return {one.text.removeprefix("text ") for one in table.get(table.ids_tagged("rewound"))}


def test_a_drain_tags_what_was_taken_back_since_the_last_one(memory: Memory, path: Path) -> None:
    write(path, *BEFORE)
    assert drain(memory, path) == 3
    assert rewound(memory) == set()
    write(path, *BACK)
    assert drain(memory, path) == 2
    assert rewound(memory) == {"p2"}


def test_a_rewind_that_is_undone_loses_the_tag(memory: Memory, path: Path) -> None:
    write(path, *BEFORE, *BACK)
    drain(memory, path)
    write(path, *UNDONE)
    drain(memory, path)
    assert rewound(memory) == {"p3", "a3"}


@pytest.mark.parametrize("read", ["drain", "import"])
def test_a_fork_that_goes_on_from_the_old_branch_takes_the_tag_off(
    memory: Memory, path: Path, tmp_path: Path, read: str
) -> None:
    write(path, *BEFORE, *BACK)
    drain(memory, path)
    assert rewound(memory) == {"p2"}
    fork = tmp_path / "fork.jsonl"
    write(fork, *BEFORE, *UNDONE)
    if read == "drain":
        drain(memory, fork)
    else:
        import_all(memory, fork)
    assert rewound(memory) == set()
    write(fork, said("p5", "p1"))
    drain(memory, fork)
    assert rewound(memory) == set()


def test_a_rewind_in_the_first_of_several_batches_is_tagged(memory: Memory, path: Path) -> None:
    ids = ["a3", *(f"n{number}" for number in range(300))]
    write(path, *BEFORE, *BACK, *(said(uuid, parent) for parent, uuid in pairwise(ids)))
    assert drain(memory, path) == 305
    assert rewound(memory) == {"p2"}


def test_the_page_is_behind_when_a_turn_was_tagged(memory: Memory, path: Path) -> None:
    write(path, *BEFORE, *BACK)
    drain(memory, path)
    assert "text p2" not in memory.session_start(refresh=True).payload
    assert "text p3" in memory.session_start().payload
    write(path, *UNDONE)
    drain(memory, path)
    payload = memory.session_start().payload
    assert "text p2" in payload
    assert "text p3" not in payload


def test_an_import_tags_what_was_taken_back_also_of_turns_that_it_knew(
    memory: Memory, path: Path
) -> None:
    write(path, *BEFORE)
    import_all(memory, path)
    assert rewound(memory) == set()
    write(path, *BACK)
    import_all(memory, path)
    import_all(memory, path)
    assert rewound(memory) == {"p2"}


def test_an_import_that_was_interrupted_tags_when_it_goes_on(memory: Memory, path: Path) -> None:
    ids = ["a3", *(f"n{number}" for number in range(1500))]
    write(path, *BEFORE, *BACK, *(said(uuid, parent) for parent, uuid in pairwise(ids)))

    pressed: list[int] = []

    def interrupt(progress: ImportProgress) -> None:
        if progress.counts.stored and not pressed:
            pressed.append(progress.counts.stored)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        memory.import_transcripts([look_at(path)], "claude-code", advanced=interrupt)
    assert rewound(memory) == set()
    import_all(memory, path)
    assert memory.status().records == 1505
    assert rewound(memory) == {"p2"}
