"""Whether prompts used what they were given is judged one by one, and survives what may happen."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.given_prompts import note_given

from iai_memory import Memory
from iai_memory.base.locks import held, waiting_until
from iai_memory.errors import StoreBusy, StoreUnavailable
from iai_memory.injection.judging import judge_next, reset_threshold
from iai_memory.injection.outcome_file import read_outcomes, write_outcomes
from iai_memory.injection.threshold import threshold_now

NOON = datetime(2026, 5, 8, 12, tzinfo=UTC)
PORT = "Prod listens on port 5544."
SILENT, USED, DENIED = "I do not know.", "It is 5544.", "Prod listens on 81."
JUDGES = """
import sys
from datetime import datetime
from iai_memory import Memory
from iai_memory.injection.judging import judge_next
from iai_memory.injection.outcome_file import read_outcomes
memory = Memory(sys.argv[1], on_commit=lambda: None)
print("ready", flush=True)
sys.stdin.readline()
while read_outcomes(memory.paths).complete_at is None:
    if judge_next(memory.store, memory.ledger, datetime.fromisoformat(sys.argv[2])):
        print("judged", flush=True)
"""


def hours(count: float) -> datetime:
    return NOON + timedelta(hours=count)


def given(memory: Memory, *answers: str, at: datetime = NOON, first: int = 0) -> str:
    """Sessions in each of which a prompt was given one memory; returns its id."""
    stored = memory.ingest({"text": PORT, "created_at": "2026-05-01"}).results[0].id
    assert stored is not None
    note_given(memory, stored, answers, at, first=first)
    return stored


def judge_all(memory: Memory, now: datetime) -> Counter[str]:
    while judge_next(memory.store, memory.ledger, now):
        pass
    return Counter(one.outcome for one in read_outcomes(memory.paths).judged)


def events(memory: Memory) -> list[str]:
    named = (one["event"] for one in memory.ledger.newest(1_000))
    return [one for one in named if one.startswith("prompt_")]


def test_what_is_never_used_raises_the_threshold_and_uses_bring_it_back(
    words_only: Memory,
) -> None:
    given(words_only, *[SILENT] * 12)
    assert not threshold_now(words_only.paths, hours(1)).is_raised
    assert judge_all(words_only, hours(2)) == {"not_used": 12}
    found = threshold_now(words_only.paths, hours(2))
    assert (found.judged, found.used, found.is_raised) == (12, 0, True)
    assert events(words_only) == ["prompt_threshold_raised"]

    given(words_only, *[USED, DENIED] * 2, at=hours(3), first=12)
    assert judge_all(words_only, hours(5)) == {"not_used": 12, "used": 2, "contradicted": 2}
    assert not threshold_now(words_only.paths, hours(5)).is_raised
    assert events(words_only) == ["prompt_threshold_lowered", "prompt_threshold_raised"]
    kept = words_only.paths.prompt_outcomes.read_text()
    assert "5544" not in kept
    assert "s-1" not in kept


def test_a_memory_that_many_sessions_use_is_used_in_each(words_only: Memory) -> None:
    given(words_only, *[USED] * 16)  # which is more than few memories with its words
    assert judge_all(words_only, hours(2)) == {"used": 16}


def test_a_prompt_is_looked_at_until_it_was_of_use_or_a_day_is_over(words_only: Memory) -> None:
    given(words_only, "", SILENT)
    assert judge_all(words_only, hours(0.9)) == {}
    assert judge_all(words_only, hours(1.1)) == {"unclear": 1, "not_used": 1}
    turn = {"role": "assistant", "session_id": "s-0"}
    words_only.ingest({"text": USED, "created_at": hours(1.2).isoformat(), **turn})
    assert judge_all(words_only, hours(2)) == {"unclear": 1, "not_used": 1}  # not twice the age
    assert judge_all(words_only, hours(2.5)) == {"used": 1, "not_used": 1}
    assert judge_all(words_only, hours(30)) == {"used": 1, "not_used": 1}
    late = {"text": USED, "created_at": hours(31).isoformat(), "role": "assistant"}
    words_only.ingest({**late, "session_id": "s-1"})
    assert judge_all(words_only, hours(500)) == {"used": 1, "not_used": 1}


def test_a_reset_sets_aside_what_was_given_whatever_the_clock_says(words_only: Memory) -> None:
    given(words_only, *[SILENT] * 12)
    judge_all(words_only, hours(2))
    assert not reset_threshold(words_only.paths, words_only.ledger, hours(900)).is_raised
    given(words_only, *[SILENT] * 10, at=hours(3), first=12)
    assert judge_all(words_only, hours(5)) == {"set_aside": 12, "not_used": 10}
    assert threshold_now(words_only.paths, hours(5)).judged == 10


def test_a_clock_that_was_set_back_raises_nothing_and_ends_no_judging(words_only: Memory) -> None:
    given(words_only, *[SILENT] * 12)
    judge_all(words_only, hours(2))
    back = hours(-24 * 365)
    assert not threshold_now(words_only.paths, back).is_raised
    given(words_only, *[USED] * 2, at=back, first=12)
    found = judge_all(words_only, back + timedelta(hours=2))
    assert found == {"not_used": 12, "used": 2}


DAMAGED = [
    b"",
    b"\x00" * 4_096,
    b'{"format": 1}',
    b'{"format": 2, "judged": []}',
    b'{"format": 1, "judged": [{"at": "2026-05-08T12:00:00Z", "id": "x"}]}',
    b'{"format": 1, "judged": [], "complete_at": "soon"}',
    *(
        b'{"format": 1, "judged": [{"at": "%s", "looked_at": "%s", "id": "%s", "outcome": %s}]}'
        % (
            b"2026-05-08T10:00:00Z",
            b"2026-05-08T10:00:00Z",
            b"01900000-0000-7000-8000-000000000000",
            outcome,
        )
        for outcome in (b"[]", b"{}", b"7", b'"lost"')
    ),
    b'{"format": 1, "judged": [{"at": "9999-12-31T23:59:59-23:59", "id": "' + b"0" * 36 + b'"}]}',
]


def test_a_damaged_file_counts_for_nothing_and_is_begun_anew(words_only: Memory) -> None:
    given(words_only, *[SILENT] * 11)
    paths = words_only.paths
    for content in DAMAGED:
        paths.prompt_outcomes.write_bytes(content)
        found = threshold_now(paths, hours(2))
        assert (found.is_damaged, found.is_raised) == (True, False), content
    assert judge_all(words_only, hours(2)) == {"not_used": 11}
    assert threshold_now(paths, hours(2)).is_raised
    assert events(words_only) == ["prompt_threshold_raised", "prompt_outcomes_damaged"]


def test_what_is_no_file_is_named_and_says_nothing(words_only: Memory, tmp_path: Path) -> None:
    given(words_only, SILENT)
    place = words_only.paths.prompt_outcomes
    place.symlink_to(tmp_path / "elsewhere")
    judge_all(words_only, hours(2))
    assert not (tmp_path / "elsewhere").exists()
    place.unlink()
    place.mkdir()
    assert threshold_now(words_only.paths, hours(2)).is_damaged
    with pytest.raises(StoreUnavailable, match=r"prompt-outcomes\.json cannot be written"):
        judge_next(words_only.store, words_only.ledger, hours(2))


def test_of_a_store_that_never_said_anything_nothing_is_kept(words_only: Memory) -> None:
    words_only.ingest({"text": PORT})
    assert not judge_next(words_only.store, words_only.ledger, hours(2))
    assert not words_only.paths.prompt_outcomes.exists()


def test_the_last_two_hundred_are_kept(words_only: Memory) -> None:
    given(words_only, SILENT)
    judge_all(words_only, hours(2))
    [one] = read_outcomes(words_only.paths).judged
    write_outcomes(words_only.paths, [one] * 300, None)
    assert len(read_outcomes(words_only.paths).judged) == 200


@pytest.mark.slow
def test_two_processes_and_a_kill_judge_each_prompt_once(words_only: Memory) -> None:
    given(words_only, *[SILENT, USED] * 15)
    root, now = str(words_only.paths.root), hours(2).isoformat()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", JUDGES, root, now],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        killed, other = started
        assert killed.stdout is not None
        assert killed.stdout.readline() == "judged\n"
        killed.kill()
        assert killed.wait() != 0, "it was at work"
        read_by_other = other.communicate(timeout=60)[0].split()
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert other.returncode == 0
    assert read_by_other.count("judged") < 29, "both were at work"
    assert judge_all(words_only, hours(2)) == {"not_used": 15, "used": 15}
    assert len({one.key for one in read_outcomes(words_only.paths).judged}) == 30


def test_while_another_process_judges_nothing_is_done(words_only: Memory) -> None:
    given(words_only, SILENT)
    with held(words_only.paths.lock("prompt-outcomes"), timeout=0):
        assert not judge_next(words_only.store, words_only.ledger, hours(2))
        with waiting_until(0.0), pytest.raises(StoreBusy, match=r"prompt-outcomes\.lock is held"):
            reset_threshold(words_only.paths, words_only.ledger, NOON)
    assert not words_only.paths.prompt_outcomes.exists()
