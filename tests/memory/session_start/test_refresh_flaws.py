"""The eleven flaws that the first way to refresh the page had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.pages import (
    WAIT_SEC,
    cache,
    events,
    opened,
    page,
    refresh,
    rendered,
    rewrite_sidecar,
    ring,
    set_age,
    sidecar,
    state,
    store_elsewhere,
)
from tests.support.talking import child_environment, run_cli

from iai_memory import Memory
from iai_memory.base.locks import held


@pytest.mark.parametrize("at", ["watermark", "rendered", "written"])
def test_flaw_1_a_record_committed_during_the_render_is_in_the_next_payload(
    memory: Memory, at: str
) -> None:
    memory.ingest("before the render")
    said: list[str] = []

    def commit(step: str) -> None:
        if step == at and not said:
            said.append("during the render")
            memory.ingest("during the render")

    memory.page_manager(on_step=commit).refresh("periodic_wake")

    assert said
    assert sidecar(memory)["table_version"] < memory.store.version
    assert sidecar(memory)["records_count"] == 1
    assert refresh(memory).reason == "watermark_changed"
    assert "during the render" in page(memory)


def test_flaw_2_the_lock_holds_across_processes(memory: Memory) -> None:
    memory.ingest("a fact")

    def ask(step: str) -> None:
        if step == "watermark":
            run_cli(memory.paths.root, "session-start", "--refresh")

    memory.page_manager(on_step=ask).refresh("periodic_wake")

    mine, other = str(os.getpid()), events(memory, "skipped", reason="refresh_in_progress")
    assert [str(e["pid"]) != mine for e in other] == [True]
    assert [str(e["pid"]) for e in rendered(memory)] == [mine]


def test_flaw_3_when_everything_was_forgotten_the_old_page_goes(memory: Memory) -> None:
    [gone] = memory.ingest({"text": "the only fact", "project": "p"}).results
    refresh(memory)
    memory.forget([gone.id or ""])
    assert refresh(memory).action == "wrote"
    for path, told in (
        (cache(memory), "holds no memory yet"),
        (cache(memory, "p"), "holds nothing yet for this project"),
    ):
        assert "the only fact" not in path.read_text()
        assert told in path.read_text()
        assert path.read_text().count("\n") == 1


def test_flaw_4_a_page_from_the_future_is_rendered_again(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    set_age(cache(memory), -10 * 365 * 86_400)
    memory.ingest("another")
    assert refresh(opened(memory.paths.root, interval=60)).action == "wrote"
    assert "another" in page(memory)


def test_flaw_5_a_captured_turn_that_was_not_drained_moves_the_watermark(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    version = memory.store.version
    ring(memory, "typed a moment ago")
    assert refresh(memory).reason == "watermark_changed"
    assert memory.store.version == version
    assert sidecar(memory)["spool_bytes"] > 0
    memory.drain()
    assert refresh(memory).reason == "watermark_changed"
    assert sidecar(memory)["spool_bytes"] == 0
    assert "typed a moment ago" in page(memory)


def test_flaw_6_a_page_does_not_rot(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "created_at": "2026-05-08T23:59:59Z"})
    refresh(memory)
    before = cache(memory).read_bytes()
    rewrite_sidecar(memory, day="2026-05-09")
    assert refresh(memory).reason == "watermark_changed"
    assert cache(memory).read_bytes() == before
    assert b"2026-05-08" in before


def test_flaw_7_idle_ticks_write_nothing_at_all(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "project": "p"})
    refresh(memory)
    before = state(memory.paths.root)
    for _ in range(5):
        assert refresh(memory).reason == "no_new_records"
    assert state(memory.paths.root) == before


def test_flaw_7_a_tick_inside_the_interval_writes_nothing_at_all(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    memory.ingest("another")
    patient = opened(memory.paths.root, interval=3600)
    refresh(patient)
    before = state(memory.paths.root)
    for _ in range(5):
        assert refresh(patient).reason == "min_interval_not_elapsed"
    assert state(memory.paths.root) == before


TICKS = """
import sys
from pathlib import Path
from iai_memory import load_settings
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime

runtime = Runtime(load_settings(), Path.cwd())
refresher = Refresher(runtime)
count = 0
wait = runtime.committed.wait
def counted(timeout):
    # The event is the thread's clock: each wait on it is the end of a tick.
    global count
    count += 1
    print(count, flush=True)
    return wait(timeout)
runtime.committed.wait = counted
runtime.start()
refresher.start()
sys.stdin.readline()
refresher.stop()
"""


def test_flaw_7_the_thread_of_a_server_writes_nothing_while_it_is_idle(tmp_path: Path) -> None:
    store = tmp_path / "store"
    opened(store).ingest({"text": "a fact", "project": "p"})
    ticking = subprocess.Popen(
        [sys.executable, "-c", TICKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(store, None, IAI_MCP_REFRESH_TICK_SEC="0.02"),
        cwd=tmp_path,
    )
    with ticking:
        assert ticking.stdout is not None
        seen: list[dict[str, tuple[int, int, int]]] = []
        for _ in range(30):
            assert ticking.stdout.readline(), "the ticking process ended"
            seen.append(state(store))
        ticking.communicate(b"\n", timeout=WAIT_SEC)
    # The first ticks render, and what the thread itself commits is rendered once more.
    assert all(after == seen[10] for after in seen[10:])


def test_flaw_8_no_cut_breaks_a_character_or_a_line(memory: Memory) -> None:
    memory = opened(memory.paths.root, payload_tokens=10_000)
    memory.ingest([{"text": "漢字🐙" * 400 + str(n), "pinned": True} for n in range(60)])
    refresh(memory)
    content = cache(memory).read_bytes()
    assert 5_000 < len(content) <= 10_000
    assert content.endswith(b"</iai-mcp-session-start>\n")
    text = content.decode("utf-8")
    assert "\ufffd" not in text
    assert sidecar(memory)["rendered_chars"] == len(text)


def test_flaw_9_the_live_command_prints_what_the_cache_would(
    memory: Memory, command: Callable[..., str]
) -> None:
    memory.ingest([{"text": f"fact {n}", "project": "p", "pinned": n == 3} for n in range(40)])
    with held(memory.paths.lock("refresh"), timeout=0):  # else it leaves a page
        live = command("session-start")
        of_project = command("session-start", "--project", "p")
    assert not cache(memory).exists()
    refresh(memory)
    assert live == page(memory)
    assert of_project == cache(memory, "p").read_text()


def test_flaw_9_the_live_command_is_not_fooled_by_an_old_cache(
    memory: Memory, command: Callable[..., str]
) -> None:
    memory.ingest("in the cache")
    refresh(memory)
    memory.ingest("not in the cache")
    with held(memory.paths.lock("refresh"), timeout=0):
        live = command("session-start")
    assert "not in the cache" in live
    assert "not in the cache" not in page(memory)
    command("session-start")
    assert live == page(memory)


def test_flaw_10_paths_follow_the_setting_at_each_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    for name in ("one", "two"):
        monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / name))
        memory = Memory()
        memory.ingest(f"of {name}")
        memory.session_start(refresh=True)
        assert memory.paths.root == tmp_path / name
        assert f"of {name}" in (tmp_path / name / ".session-start-payload.cached.md").read_text()
        assert (tmp_path / name / "ledger" / "events.jsonl").exists()
        assert (tmp_path / name / "locks" / "refresh.lock").exists()
    assert "of one" in (tmp_path / "one" / ".session-start-payload.cached.md").read_text()


def test_flaw_11_an_open_handle_sees_the_commits_of_another_process(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    assert refresh(memory).reason == "no_new_records"
    store_elsewhere(memory.paths.root, "from another process")
    assert refresh(memory).reason == "watermark_changed"
    assert "from another process" in page(memory)
