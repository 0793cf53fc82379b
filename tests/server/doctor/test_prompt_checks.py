"""What `iai-mcp doctor` says of prompts."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.base.prompt_log import MAX_FILES, PromptLog
from iai_server.doctor.check import WeakLink
from iai_server.doctor.prompt_checks import check_prompts


@pytest.fixture
def log(memory: Memory) -> PromptLog:
    """The log of a store."""
    return PromptLog(memory.paths)


def test_a_store_without_prompts_says_so(memory: Memory) -> None:
    assert check_prompts(memory) == "no prompt in the last day"


def test_prompts_are_counted_by_what_became_of_them(memory: Memory, log: PromptLog) -> None:
    for line in ("said memories=2 reason=answers ms=9", *["silent memories=0 reason=x ms=8"] * 3):
        log.write(line)
    assert check_prompts(memory) == "4 answered in the last day, 1 of them with memories"

    log.write("late memories=0 reason=unsure ms=600")
    log.write("unanswered late")
    told = check_prompts(memory)
    assert told.startswith("4 answered in the last day, 1 of them with memories; 1 not, last at ")
    assert told.endswith("(no server answered in a quarter of a second)")


def test_a_hook_that_finds_no_server_is_a_warning(memory: Memory, log: PromptLog) -> None:
    for _ in range(4):
        log.write("unanswered nobody")

    with pytest.raises(WeakLink, match=r"4 not, .*no server ran.*`iai-mcp status`"):
        check_prompts(memory)


def test_only_the_last_day_counts(memory: Memory, log: PromptLog) -> None:
    log.write("said memories=1")
    [file] = memory.paths.logs.glob("prompt-*.log")
    before = datetime.now(UTC) - timedelta(days=1, minutes=1)
    old = file.with_name(f"prompt-{before:%Y-%m-%d}.log")
    with old.open("a", encoding="utf-8") as lines:
        lines.write(f"{before:%Y-%m-%dT%H:%M:%SZ} unanswered nobody\nno line of a log\n\n")

    assert log.counts().counts == {"said": 1}


def test_a_fortnight_of_logs_is_kept(memory: Memory, log: PromptLog) -> None:
    memory.paths.logs.mkdir(mode=0o700, parents=True)
    for day in range(1, 29):
        (memory.paths.logs / f"prompt-2020-01-{day:02}.log").touch()
    (memory.paths.logs / "server-2020-01-01.log").touch()

    log.write("said memories=1")

    left = sorted(path.name for path in memory.paths.logs.glob("prompt-*.log"))
    assert len(left) == MAX_FILES
    assert left[0] == "prompt-2020-01-16.log"
    assert (memory.paths.logs / "server-2020-01-01.log").exists()


def test_what_is_no_file_in_the_place_of_the_log_holds_nobody_up(
    memory: Memory, log: PromptLog, tmp_path: Path
) -> None:
    memory.paths.logs.mkdir(mode=0o700, parents=True)
    place = memory.paths.logs / f"prompt-{datetime.now(UTC):%Y-%m-%d}.log"
    os.mkfifo(place)
    assert check_prompts(memory) == "no prompt in the last day"
    with pytest.raises(OSError, match="No such device"):
        log.write("said memories=1")
    place.unlink()
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        log.write("said memories=1")
    assert not (tmp_path / "elsewhere").exists()
