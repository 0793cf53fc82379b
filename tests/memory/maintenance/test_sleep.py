"""A sleep can be stopped at any point and goes on with what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from tests.support.themes import OpenMemory, corpus, topics_of

from iai_memory import Memory
from iai_memory.analysis.topic_file import load_topics, topics_path
from iai_memory.errors import StoreUnavailable
from iai_memory.maintenance.sleep import STEPS, SleepReport
from iai_memory.session_start.cache import cache_path

# A sleeper in a process of its own: it says where it is and goes on when it reads a line.
SLEEPER = """
import sys
from iai_memory import Memory

def pause(step, done, total):
    if step == sys.argv[1]:
        print(step, flush=True)
        sys.stdin.readline()

print(Memory().sleep(progress=pause).done, flush=True)
"""


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    opened = open_memory()
    opened.ingest(corpus())
    return opened


@pytest.fixture
def sleeper(memory: Memory) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that sleeps on the store and waits at the step."""
    started: list[subprocess.Popen[str]] = []
    environment = {
        **os.environ,
        "IAI_MCP_STORE": str(memory.paths.root),
        "IAI_MCP_MODEL": str(memory.settings.model),
    }

    def start(step: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEPER, step],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == step
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def events(memory: Memory) -> list[str]:
    newest_first = [event["event"] for event in memory.ledger.newest(100)]
    return [name for name in reversed(newest_first) if name.startswith("sleep_")]


def test_a_sleep_does_every_step_and_an_idle_store_is_not_slept_again(memory: Memory) -> None:
    seen: list[tuple[str, int, int]] = []
    assert memory.needs_sleep()
    report = memory.sleep(progress=lambda *at: seen.append(at))
    assert report.done == STEPS
    assert tuple(report.seconds) == STEPS
    assert not report.busy
    assert not report.interrupted
    assert {"compact", "topics", "refresh"} <= {step for step, _, _ in seen}
    assert all(0 <= done <= total for _, done, total in seen)
    assert events(memory) == ["sleep_started", "sleep_finished"]
    assert cache_path(memory.paths, None).exists()
    assert load_topics(memory.paths) == topics_of(memory)

    assert not memory.needs_sleep()
    assert memory.sleep() == SleepReport()
    assert events(memory) == ["sleep_started", "sleep_finished"]


def test_only_new_content_or_a_lost_map_calls_for_another_sleep(memory: Memory) -> None:
    memory.sleep()
    memory.store.compact(keep=timedelta())
    assert not memory.needs_sleep()

    [record] = memory.timeline(limit=1).records
    memory.forget([record.id])
    assert memory.needs_sleep()
    assert memory.sleep().done == STEPS
    assert not memory.needs_sleep()

    topics_path(memory.paths).unlink()
    assert memory.needs_sleep()
    assert memory.sleep().done == STEPS


def test_an_empty_store_needs_no_sleep_and_can_be_told_to(open_memory: OpenMemory) -> None:
    empty = open_memory("empty")
    assert not empty.needs_sleep()
    assert empty.sleep().done == ()
    assert empty.sleep(force=True).done == STEPS


# Before each step, after the one page and the one block of topics.
@pytest.mark.parametrize(("asked_before", "finished"), list(enumerate([0, 1, 2, 2, 2, 3])))
def test_a_sleep_interrupted_at_any_point_is_continued_with_what_is_left(
    open_memory: OpenMemory, memory: Memory, asked_before: int, finished: int
) -> None:
    answers = iter([False] * asked_before + [True])
    report = memory.sleep(interrupted=lambda: next(answers))
    assert report.interrupted
    assert report.done == STEPS[:finished]
    assert events(memory) == ["sleep_started", "sleep_interrupted"]
    assert memory.needs_sleep()

    rest = open_memory().sleep()
    assert rest.done == STEPS[finished:]
    assert not rest.interrupted
    assert not memory.needs_sleep()


def _stop_when(asked: list[str], wanted: str) -> Callable[[str, int, int], None]:
    def progress(step: str, done: int, total: int) -> None:
        if step == wanted:
            asked[:] = [step]

    return progress


def test_embedding_that_is_interrupted_is_continued_without_compacting_again(
    memory: Memory,
) -> None:
    with memory.store.writing() as writer:
        writer.drop_vectors()
    asked: list[str] = []
    report = memory.sleep(interrupted=lambda: bool(asked), progress=_stop_when(asked, "embed"))
    assert report.interrupted
    assert report.done == ("compact",)
    assert memory.sleep().done == STEPS[1:]
    assert memory.store.statistics().pending == 0
    assert len(topics_of(memory).lines[None]) == 3


def test_an_interrupted_sleep_starts_anew_when_something_was_stored_meanwhile(
    memory: Memory,
) -> None:
    asked: list[str] = []
    memory.sleep(interrupted=lambda: bool(asked), progress=_stop_when(asked, "topics"))
    memory.ingest("The mites are gone.")
    assert memory.sleep().done == STEPS


def test_what_is_stored_during_a_sleep_calls_for_the_next_one(memory: Memory) -> None:
    def progress(step: str, done: int, total: int) -> None:
        if step == "refresh":
            memory.ingest({"text": "The mites are gone.", "created_at": "2026-08-01"})

    assert memory.sleep(progress=progress).done == STEPS
    assert memory.needs_sleep()
    assert memory.sleep().done == STEPS
    assert not memory.needs_sleep()


def test_while_one_process_sleeps_another_is_told_so_and_does_nothing(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = sleeper("compact")  # it is inside its sleep now, and waits
    assert memory.sleep(force=True) == SleepReport(busy=True)
    assert process.poll() is None
    assert events(memory) == ["sleep_started"]
    output, _ = process.communicate("\n\n\n\n")
    assert output.splitlines()[-1] == str(STEPS)
    assert not memory.needs_sleep()


def test_a_sleep_that_was_killed_is_continued_by_another_process(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = sleeper("topics")
    process.kill()
    process.wait()
    assert load_topics(memory.paths) is None
    assert memory.sleep().done == ("topics", "refresh")
    assert not memory.needs_sleep()


def test_a_step_that_fails_is_told_and_is_tried_again_next_time(memory: Memory) -> None:
    blocked = cache_path(memory.paths, None)
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=r"could not be refreshed .*see `iai-mcp events`"):
        memory.sleep()
    assert events(memory)[-1] == "sleep_failed"
    assert memory.needs_sleep()
    (blocked / "in the way").rmdir()
    blocked.rmdir()
    assert memory.sleep().done == ("refresh",)


def test_the_command_sleeps_prints_json_and_knows_that_somebody_else_does(
    memory: Memory, sleeper: Callable[[str], subprocess.Popen[str]]
) -> None:
    def iai_mcp(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "iai_server", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "IAI_MCP_STORE": str(memory.paths.root),
                "IAI_MCP_MODEL": str(memory.settings.model),
            },
        )

    done = iai_mcp("sleep", "--json")
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert json.loads(done.stdout)["done"] == list(STEPS)
    assert iai_mcp("sleep").stdout.splitlines()[0].startswith("compact")

    memory.ingest("The mites are gone.")
    sleeper("compact")
    busy = iai_mcp("sleep")
    assert busy.returncode == 1
    assert "another process of this store is sleeping" in busy.stdout
    assert "Example: iai-mcp sleep" in iai_mcp("sleep", "--help").stdout
