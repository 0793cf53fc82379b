"""`iai-mcp unreadable`: transcripts that could not be read, and doing without them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.pages import ring

from iai_memory import Memory
from iai_memory.base.out_of_sight import OutOfSight
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.ring import ring_of
from iai_server.cli.main import run
from iai_server.doctor.capture_checks import check_capture


class Done(NamedTuple):
    """What became of a command."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `iai-mcp` in this process."""

    def done(*arguments: str) -> Done:
        capsys.readouterr()
        code, told = run(list(arguments)), capsys.readouterr()
        return Done(code, told.out, told.err)

    return done


def give_up(memory: Memory, transcript: Path) -> None:
    """Leaves the note of a transcript that is there and was tried in vain."""
    transcript.write_text("no transcript of any host")
    noted = ring_of({"transcript_path": str(transcript), "event": "Stop"}, datetime.now(UTC))
    assert noted is not None
    GivenUp(memory.paths).add(noted, "it is no transcript")


def given_up(memory: Memory) -> int:
    """How many an answer tells of."""
    hidden = memory.timeline().coverage.hidden
    return sum(one.count or 0 for one in hidden if one.reason == OutOfSight.EVENT_GIVEN_UP)


def test_without_one_it_says_so(command: Command) -> None:
    assert command("unreadable") == (0, "every transcript could be read\n", "")
    assert command("unreadable", "--accept").code == 0
    assert json.loads(command("unreadable", "--json").out) == []


def test_who_does_without_them_gets_complete_answers_until_that_is_undone(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    memory.ingest("The lamp is green.")
    for name in ("a.jsonl", "b.jsonl"):
        give_up(memory, tmp_path / name)
    assert given_up(memory) == 2
    assert "see `iai-mcp unreadable`" in (memory.timeline().coverage.note or "")
    listed = command("unreadable").out.splitlines()
    assert [line.split()[:2] for line in listed] == [["given", "up"]] * 2
    assert "it is no transcript" in listed[0]
    one = command("unreadable", "--accept", str(tmp_path / "a.jsonl"))
    assert (one.code, one.out.split()[:2]) == (0, ["done", "without"])
    assert given_up(memory) == 1
    assert command("unreadable", "--accept").code == 0
    assert (given_up(memory), memory.timeline().coverage.complete) == (0, True)
    [*_, check] = check_capture(memory)
    assert (check.state, check.finding[:24]) == ("ok", "2 that you do without: s")
    assert command("unreadable", "--undo").code == 0
    assert given_up(memory) == 2
    [*_, check] = check_capture(memory)
    assert check.state == "BROKEN"


def test_one_that_is_mended_is_read_though_nobody_waits_for_it(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    transcript = ring(memory, "The lamp is green.")
    whole = transcript.read_text()
    give_up(memory, transcript)
    assert command("unreadable", "--accept").code == 0
    transcript.write_text(whole)
    memory.drain()
    assert [one.text for one in memory.timeline().records] == ["The lamp is green."]
    assert command("unreadable").out == "every transcript could be read\n"


def test_accepted_notes_outlive_a_drain(memory: Memory, command: Command, tmp_path: Path) -> None:
    give_up(memory, tmp_path / "a.jsonl")
    memory.drain()
    assert command("unreadable", "--accept").code == 0
    ring(memory, "The lamp is green.")
    memory.drain()
    assert given_up(memory) == 0
    assert len(json.loads(command("unreadable", "--json").out)) == 1


def test_a_name_that_is_none_of_them_is_refused(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    give_up(memory, tmp_path / "a.jsonl")
    done = command("unreadable", "--accept", "/no/such\x1b[31m.jsonl")
    assert done.code == 2
    assert "`iai-mcp unreadable` lists them" in done.err
    assert "\x1b" not in done.err
    assert command("unreadable", "--accept", "--undo").code == 2
    assert given_up(memory) == 1
