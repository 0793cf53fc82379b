"""One refresh at a time, of what changed and of nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.pages import (
    WAIT_SEC,
    cache,
    chosen,
    events,
    opened,
    page,
    refresh,
    rendered,
    sidecar,
    state,
    until,
    written_at,
)
from tests.support.talking import child_server

from iai_memory import Memory
from iai_memory.base.page_mark import page_mark
from iai_memory.session_start.refresh import Trigger

NOT_SLEEP: list[Trigger] = ["wake_sequence", "periodic_wake", "manual", "shutdown"]


HOLD = """
import sys
from iai_memory.base.locks import held
from iai_memory.base.paths import StorePaths
from pathlib import Path
with held(StorePaths(Path(sys.argv[1])).lock("refresh"), timeout=5):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def refresh_lock_held(memory: Memory) -> Generator[subprocess.Popen[bytes]]:
    """Another process that holds the lock of refreshing until it reads a line or is killed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(memory.paths.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder


# --- one at a time -----------------------------------------------------------------------------


def test_one_of_many_threads_renders_and_the_others_skip(memory: Memory) -> None:
    memory.ingest("a fact")
    _ = memory.store
    inside, go_on = threading.Event(), threading.Event()

    def pause(step: str) -> None:
        inside.set()
        assert go_on.wait(WAIT_SEC)

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(memory.page_manager(on_step=pause).refresh, "periodic_wake")
        assert inside.wait(WAIT_SEC)
        others = [pool.submit(refresh, memory, "wake_sequence") for _ in range(8)]
        reasons = {other.result(WAIT_SEC).reason for other in others}
        go_on.set()
        assert first.result(WAIT_SEC).action == "wrote"
    assert reasons == {"refresh_in_progress"}
    assert len(rendered(memory)) == 1


def test_another_process_holds_it_and_only_sleep_waits(memory: Memory) -> None:
    memory.ingest("a fact")
    with refresh_lock_held(memory) as holder, ThreadPoolExecutor(1) as pool:
        for trigger in NOT_SLEEP:
            assert refresh(memory, trigger).reason == "refresh_in_progress"
        assert refresh(memory, "manual", force_rebuild=True).reason == "refresh_in_progress"
        sleeping = pool.submit(refresh, memory, "sleep_pipeline", force_rebuild=True)
        assert not events(memory, "success")
        assert not sleeping.done()
        holder.communicate(b"\n", timeout=WAIT_SEC)
        assert sleeping.result(WAIT_SEC).action == "wrote"


def test_a_holder_that_is_killed_releases_it(memory: Memory) -> None:
    memory.ingest("a fact")
    with refresh_lock_held(memory) as holder:
        assert refresh(memory).reason == "refresh_in_progress"
        holder.kill()
    assert refresh(memory).action == "wrote"


# --- what is rendered, and what is not ---------------------------------------------------------


def test_a_compaction_moves_the_sidecar_and_not_the_page(memory: Memory) -> None:
    memory.ingest(["one", "two"])
    refresh(memory)
    before, written = written_at(cache(memory)), len(events(memory))
    memory.store.compact(keep=timedelta(0))
    assert memory.store.version > sidecar(memory)["table_version"]

    assert refresh(memory).reason == "no_new_records"

    assert sidecar(memory)["table_version"] == memory.store.version
    assert written_at(cache(memory)) == before
    assert len(events(memory)) == written
    idle = state(memory.paths.root)
    assert refresh(memory).reason == "no_new_records"
    assert state(memory.paths.root) == idle, "it was not asked again"


def test_only_what_changed_is_rendered(memory: Memory) -> None:
    memory.ingest([{"text": f"of {name}", "project": name} for name in ("a", "b", "c")])
    refresh(memory)
    before = {name: written_at(cache(memory, name)) for name in ("a", "b", "c")}
    memory.ingest({"text": "more of b", "project": "b"})
    written = len(events(memory, "success"))

    refresh(memory)

    after = {name: written_at(cache(memory, name)) for name in ("a", "b", "c")}
    assert after["a"] == before["a"]
    assert after["c"] == before["c"]
    assert "more of b" in cache(memory, "b").read_text()
    paths = [e["cache_path"] for e in events(memory, "success")[written:]]
    assert paths == [str(cache(memory, "b")), str(cache(memory))]


def test_what_belongs_to_no_project_changes_every_page(memory: Memory) -> None:
    memory.ingest([{"text": f"of {name}", "project": name} for name in ("a", "b")])
    refresh(memory)
    memory.ingest({"text": "of everybody", "pinned": True})
    refresh(memory)
    assert "of everybody" in cache(memory, "a").read_text()
    assert "of everybody" in cache(memory, "b").read_text()


def test_forgetting_without_a_server_renders_at_once(tmp_path: Path) -> None:
    memory = Memory(settings=chosen(tmp_path / "store", interval=3600))
    [gone] = memory.ingest({"text": "to be forgotten", "project": "p"}).results
    memory.session_start(refresh=True)
    assert "to be forgotten" in page(memory)
    memory.forget([gone.id or ""])
    assert "to be forgotten" not in page(memory)
    assert "to be forgotten" not in cache(memory, "p").read_text()


def test_the_command_line_forgets_from_the_page_without_a_server(
    memory: Memory, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [gone] = memory.ingest("to be forgotten").results
    refresh(memory)
    monkeypatch.setenv("IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC", "3600")
    command("forget", gone.id or "")
    assert "to be forgotten" not in page(memory)


def test_a_server_renders_a_removal_of_another_process_inside_the_interval(tmp_path: Path) -> None:
    store = tmp_path / "store"
    other = opened(store)
    [gone] = other.ingest({"text": "to be forgotten", "project": "p"}).results
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600"):
        until("the first page", lambda: rendered(other))
        assert "to be forgotten" in page(other)
        other.forget([gone.id or ""])
        assert not cache(other).exists() or "to be forgotten" not in page(other)
        until("the page without it", lambda: page_mark(other.paths) is None)
        assert "to be forgotten" not in page(other)
        assert "to be forgotten" not in cache(other, "p").read_text()
