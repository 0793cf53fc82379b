"""`iai-mcp session-start` leaves a page behind, so that the next session need not render."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.checkout import ROOT
from tests.support.hooks import RecallRun
from tests.support.modes import bound_by_modes, read_only
from tests.support.page_writes import served
from tests.support.pages import cache, events, opened, page, refresh, set_age, written_at
from tests.support.talking import CLI, WAIT_SEC, child_environment

from iai_memory import Memory
from iai_memory.base.locks import held
from iai_memory.base.page_mark import page_mark

HALF_A_DAY = 12 * 3600


@pytest.fixture
def recall(tmp_path: Path) -> RecallRun:
    """The hook with the real command."""
    run = RecallRun(["sh"], tmp_path)
    run.project.mkdir()
    path = os.pathsep.join([str(ROOT / "tools"), str(ROOT / "server"), *sys.path])
    command = f"PYTHONPATH={shlex.quote(path)} exec {shlex.join(CLI)}"
    run.live(f'{command} "$@"')
    return run


def live(memory: Memory) -> str:
    return memory.page_manager().render_now(None).payload


def test_only_the_first_session_after_a_change_waits_for_a_render(recall: RecallRun) -> None:
    memory = opened(recall.store, interval=3600)
    memory.ingest("a fact")
    refresh(memory)
    with held(memory.paths.lock("refresh"), timeout=0):
        memory.ingest("stored while a refresh was stuck")
        assert "while a refresh was stuck" in recall.run()
        assert page_mark(memory.paths) is not None
    assert "while a refresh was stuck" in recall.run()
    assert "while a refresh was stuck" in recall.run()
    log = [line.partition(" ")[0] for line in recall.log()]
    assert log == ["page-behind", "rc=0", "page-behind", "rc=0", "cache-hit"]
    assert served(memory) == live(memory)


def test_the_first_session_of_a_store_leaves_a_page(recall: RecallRun) -> None:
    memory = opened(recall.store)
    memory.ingest({"text": "a fact", "project": str(recall.project)})
    assert "a fact" in recall.run()
    assert "a fact" in recall.run()
    assert recall.log()[-1].startswith("cache-hit")
    [live_page, cached] = memory.why("s").injections
    assert {(one.by, one.reason, one.matched) for one in (live_page, cached)} == {
        ("page", "session start", "session")
    }
    assert [one.id for one in live_page.memories] == [one.id for one in cached.memories]


def test_a_page_that_is_old_and_true_is_rendered_once(recall: RecallRun) -> None:
    memory = opened(recall.store)
    memory.ingest("a fact")
    refresh(memory)
    for path in (cache(memory), recall.cache):
        set_age(path, HALF_A_DAY + 1)
    assert "a fact" in recall.run()
    assert "a fact" in recall.run()
    assert recall.log()[0].startswith("cache-stale")
    assert recall.log()[-1].startswith("cache-hit")


def test_it_ends_in_time_and_the_next_refresh_goes_on(tmp_path: Path) -> None:
    memory = opened(tmp_path / "store")
    memory.ingest([{"text": f"of {name}", "project": name} for name in "abc"])
    refresh(memory)
    before = written_at(cache(memory))
    memory.ingest({"text": "of everybody", "pinned": True})
    outcome = memory.page_manager().refresh("manual", max_seconds=0)
    assert (outcome.action, outcome.reason) == ("skipped", "out_of_time")
    assert written_at(cache(memory)) == before
    assert page_mark(memory.paths) is not None
    assert not events(memory, "failed")

    calls: list[str] = []

    def slow(step: str) -> None:
        calls.append(step)

    assert memory.page_manager(on_step=slow).refresh("manual").action == "wrote"
    assert calls.count("written") == 5
    assert "of everybody" in page(memory)
    assert page_mark(memory.paths) is None


def test_a_store_that_cannot_be_written_shows_its_page_and_says_nothing_more(
    tmp_path: Path,
) -> None:
    memory = opened(tmp_path / "store")
    memory.ingest("a fact")
    refresh(memory)
    memory.ingest("one more")
    with read_only(memory.paths.root):
        done = subprocess.run(
            [*bound_by_modes(), *CLI, "session-start"],
            env=child_environment(memory.paths.root, None),
            capture_output=True,
            text=True,
            timeout=WAIT_SEC,
            check=False,
        )
    assert "one more" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
