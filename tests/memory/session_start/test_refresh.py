"""How the page is refreshed: by whom, one at a time, traced, and without the flaws of before."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import ROOT
from tests.support.pages import (
    WAIT_SEC,
    cache,
    chosen,
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
    until,
    written_at,
)
from tests.support.talking import child_environment, child_server

from iai_memory import Memory
from iai_memory.base.ledger import Ledger
from iai_memory.base.locks import held
from iai_memory.projects.identity import project_key
from iai_memory.session_start.cache import cache_path, read_sidecar, sidecar_path
from iai_memory.session_start.refresh import RefreshOptions, SessionStart, Surroundings, Trigger
from iai_server.cli.main import run
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime

CLI = [sys.executable, "-m", "iai_server"]
SUCCESS = {
    "trigger": str,
    "cache_path": str,
    "rendered_chars": int,
    "records_count": int,
    "max_vec_label": str,
    "max_record_created_at": str,
    "max_updated_at": str,
    "table_version": int,
    "duration_ms": float,
}
EVERY_EVENT = {"at", "event", "pid"}
SIDECAR = {
    "table_version",
    "records_count",
    "max_vec_label",
    "max_created_at",
    "max_updated_at",
    "spool_bytes",
    "day",
    "embedder",
    "rendered_chars",
    "rendered_sha256",
    "generated_at",
    "trigger",
    "pid",
    "format",
}
NOT_SLEEP: list[Trigger] = ["wake_sequence", "periodic_wake", "manual", "shutdown"]
TEN_MINUTES = timedelta(minutes=10)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 8, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """An empty store without a model, whose interval is nothing."""
    return opened(tmp_path / "store")


@pytest.fixture
def command(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs `iai-mcp` on that store in this process; gives what it prints."""
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", "")

    def printed(*arguments: str) -> str:
        assert run(list(arguments)) == 0
        return capsys.readouterr().out

    return printed


# --- every attempt leaves a trace --------------------------------------------------------------


def test_a_render_leaves_started_and_success_with_every_field(memory: Memory) -> None:
    memory.ingest("a fact")

    refresh(memory, "wake_sequence")

    [started, success] = [e for e in events(memory) if e.get("section") is None]
    assert started["event"] == "session_start_cache_write_started"
    assert set(started) == {*EVERY_EVENT, "trigger", "cache_path", "force_rebuild"}
    assert started["trigger"] == "wake_sequence"
    assert started["cache_path"] == str(cache(memory))
    assert started["force_rebuild"] is False
    assert started["pid"] == os.getpid()
    assert success["event"] == "session_start_cache_write_success"
    assert set(success) == {*EVERY_EVENT, *SUCCESS}
    assert {name: type(success[name]) for name in SUCCESS} == SUCCESS
    fields = sidecar(memory)
    assert success["rendered_chars"] == fields["rendered_chars"] == len(page(memory))
    assert success["records_count"] == fields["records_count"] == 1
    assert success["max_vec_label"] == fields["max_vec_label"]
    assert success["max_record_created_at"] == fields["max_created_at"]
    assert success["max_updated_at"] == fields["max_updated_at"]
    assert success["table_version"] == fields["table_version"] == memory.store.version


def test_the_sidecar_has_every_field_of_the_specification(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory, "manual")
    fields = sidecar(memory)
    assert set(fields) >= SIDECAR
    assert fields["trigger"] == "manual"
    assert fields["pid"] == os.getpid()
    assert fields["day"] == datetime.now(UTC).date().isoformat()
    assert datetime.fromisoformat(fields["generated_at"]).utcoffset() == timedelta(0)


def test_a_forced_render_says_so(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    outcome = refresh(memory, "sleep_pipeline", force_rebuild=True)
    assert (outcome.action, outcome.reason) == ("wrote", "force_rebuild")
    assert events(memory, "started")[-1]["force_rebuild"] is True
    assert events(memory, "success")[-1]["trigger"] == "sleep_pipeline"


def test_a_failed_probe_leaves_its_reason_and_its_time(memory: Memory) -> None:
    memory.ingest("a fact")
    shutil.rmtree(memory.paths.database / "memories.lance")
    refresh(memory)
    [skipped] = events(memory, "skipped")
    assert set(skipped) >= {*EVERY_EVENT, "trigger", "cache_path", "reason", "duration_ms"}
    assert skipped["reason"] == "probe_failed"
    assert skipped["trigger"] == "periodic_wake"
    assert skipped["cache_path"] == str(cache(memory))
    assert skipped["duration_ms"] >= 0


def test_a_failed_render_leaves_type_and_text_and_keeps_the_old_pair(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    before = page(memory)
    memory.ingest("another")

    def fail(step: str) -> None:
        raise ValueError("x" * 500)

    outcome = memory.session_start_pages(on_step=fail).refresh("periodic_wake")

    assert (outcome.action, outcome.reason) == ("failed", "ValueError")
    [failed] = events(memory, "failed")
    wanted = {"trigger", "cache_path", "reason", "error", "duration_ms"}
    assert set(failed) == {*EVERY_EVENT, *wanted}
    assert failed["reason"] == "ValueError"
    assert failed["error"] == "x" * 200
    assert page(memory) == before
    assert refresh(memory).action == "wrote"
    assert "another" in page(memory)


def test_the_cold_topic_map_of_a_large_store_is_told_and_the_rest_is_rendered(
    memory: Memory,
) -> None:
    memory.ingest("a fact")
    built: list[str] = []

    def build() -> None:
        built.append("built")

    options = RefreshOptions(0, 2000, memory.embedder_key, topics_within_a_tick=0)
    pages = SessionStart(memory.store, memory.ledger, options, Surroundings, build)

    assert pages.refresh("periodic_wake").action == "wrote"

    assert not built
    assert "a fact" in page(memory)
    assert "## Topics\n(pending: " in page(memory)
    [cold] = events(memory, "skipped")
    assert (cold["reason"], cold["section"]) == ("runtime_graph_cache_cold", "Topics")
    assert cold["duration_ms"] >= 0
    memory.ingest("more")
    assert pages.refresh("periodic_wake").action == "wrote"
    assert events(memory, "skipped") == [cold], "said once, not with every render"
    pages.refresh("sleep_pipeline", force_rebuild=True)
    assert built == ["built"]


def test_a_topic_map_that_cannot_be_built_does_not_freeze_the_page(
    memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    memory.ingest("a fact")

    def build() -> None:
        raise ZeroDivisionError

    options = RefreshOptions(0, 2000, memory.embedder_key, topics_within_a_tick=500)
    pages = SessionStart(memory.store, memory.ledger, options, Surroundings, build)
    assert pages.refresh("periodic_wake").action == "wrote"
    assert "a fact" in page(memory)
    assert "the topic map could not be built" in caplog.text
    assert pages.refresh("sleep_pipeline", force_rebuild=True).reason == "ZeroDivisionError"


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_text("no folder"), lambda path: path.mkdir(mode=0o500)]
)
def test_a_ledger_that_cannot_be_written_fails_no_refresh(
    memory: Memory, damage: Callable[[Path], Any], caplog: pytest.LogCaptureFixture
) -> None:
    memory.ingest("a fact")
    damage(memory.paths.ledger)
    if memory.paths.ledger.is_dir():
        (memory.paths.ledger / "events.jsonl").mkdir()

    assert refresh(memory).action == "wrote"

    assert "a fact" in page(memory)
    assert "could not be written" in caplog.text


def test_a_folder_that_cannot_be_written_is_an_outcome_and_no_exception(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "project": "p"})
    (memory.paths.root / "session-start").write_text("a file where the folder should be")
    outcome = refresh(memory)
    assert outcome.action == "failed"
    assert events(memory, "failed")[-1]["reason"] == outcome.reason


def test_a_page_that_cannot_be_replaced_is_told_once_though_its_error_text_varies(
    memory: Memory,
) -> None:
    memory.ingest("a fact")
    cache(memory).mkdir()
    (cache(memory) / "in the way").touch()
    for _ in range(5):
        assert refresh(memory).action == "failed"
    assert len(events(memory, "failed")) == 1
    assert len(events(memory, "started")) == 1


def test_a_repeated_reason_is_written_when_it_changes_and_then_in_ten_minutes_with_a_count(
    memory: Memory,
) -> None:
    clock = Clock()
    memory.ledger = Ledger(memory.paths, clock)
    memory.ingest("a fact")
    with held(memory.paths.lock("refresh"), timeout=0):
        for _ in range(4):
            assert refresh(memory).reason == "refresh_in_progress"
        assert len(events(memory, "skipped", reason="refresh_in_progress")) == 1
        clock.now += TEN_MINUTES
        refresh(memory)
    [first, second] = events(memory, "skipped", reason="refresh_in_progress")
    assert "repeats" not in first
    assert second["repeats"] == 3
    table = memory.paths.database / "memories.lance"
    table.rename(table.with_name("away"))
    refresh(memory)
    refresh(memory)
    assert [e["reason"] for e in events(memory, "skipped")][2:] == ["probe_failed"]
    table.with_name("away").rename(table)
    assert refresh(memory).action == "wrote"
    with held(memory.paths.lock("refresh"), timeout=0):
        memory.ingest("more")
        refresh(memory)
    assert len(events(memory, "skipped", reason="refresh_in_progress")) == 3


def test_a_store_that_cannot_be_opened_is_told_with_every_field_and_does_not_end_the_thread(
    memory: Memory, tmp_path: Path
) -> None:
    memory.paths.root.mkdir()
    memory.paths.database.write_text("a file where the table should be")
    runtime = Runtime(chosen(memory.paths.root, refresh_tick_sec=0.05), tmp_path)
    refresher = Refresher(runtime)
    runtime.start()
    refresher.start()
    [failed] = until("the failure", lambda: events(memory, "failed"))
    wanted = {"trigger", "cache_path", "reason", "error", "duration_ms"}
    assert set(failed) == {*EVERY_EVENT, *wanted}
    assert (failed["reason"], failed["trigger"]) == ("StoreUnavailable", "periodic_wake")
    assert failed["cache_path"] == str(cache(memory))
    memory.paths.database.unlink()
    until("the first page", lambda: rendered(memory))
    assert refresher.stop()
    assert len(events(memory, "failed")) == 1


# --- every trigger, from a real server ---------------------------------------------------------


def test_what_a_tool_stored_is_rendered_at_once_without_waiting_for_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(
        store, None, IAI_MCP_REFRESH_TICK_SEC="3600", IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"
    ) as server:
        until("the first page", lambda: rendered(reading))
        [stored] = server.ask("ingest", {"memories": [{"text": "said to the tool"}]})["results"]
        until("the ingest", lambda: "said to the tool" in page(reading))
        server.ask("supersede", {"id": stored["id"], "text": "said better"})
        until("the supersede", lambda: "said to the tool" not in page(reading))
        assert "said better" in page(reading)
        [better] = server.ask("timeline", {"limit": 1})["records"]
        server.ask("forget", {"ids": [better["id"]]})
        until("the forget", lambda: "said better" not in page(reading))
    assert {e["trigger"] for e in events(reading, "success")[1:]} == {"wake_sequence"}


def test_what_another_process_stored_is_rendered_at_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"):
        until("the first page", lambda: rendered(reading))
        _store_elsewhere(store, "from another process")
        until("the tick", lambda: "from another process" in page(reading))
    last = [event for event in events(reading, "success") if event["trigger"] != "shutdown"][-1]
    assert last["trigger"] == "periodic_wake"


def test_what_another_process_stored_does_not_wait_for_a_tick(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(
        store, None, IAI_MCP_REFRESH_TICK_SEC="3600", IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"
    ):
        until("the first page", lambda: rendered(reading))
        _store_elsewhere(store, "long before the tick")
        until("the glance", lambda: "long before the tick" in page(reading))


def test_the_server_renders_a_captured_turn_before_and_after_it_is_drained(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"):
        until("the first page", lambda: rendered(reading))
        ring(reading, "typed a moment ago")
        until("the drain", lambda: not reading.surroundings().waiting)
        until("the page after", lambda: cache(reading).exists() and "typed" not in page(reading))


def test_sleep_renders_by_force_and_under_the_lock(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    reading.ingest("to sleep on")
    with child_server(store, None, IAI_MCP_SLEEP_AFTER_SEC="0.2", IAI_MCP_DROWSY_AFTER_SEC="0.1"):
        until("the sleep", lambda: events(reading, "success", trigger="sleep_pipeline"))
    assert events(reading, "started", trigger="sleep_pipeline")[-1]["force_rebuild"] is True


def test_the_command_line_refreshes_by_hand(memory: Memory, command: Callable[..., str]) -> None:
    memory.ingest("a fact")
    printed = command("session-start", "--refresh")
    assert printed == page(memory)
    assert [e["trigger"] for e in events(memory, "success")] == ["manual"]


def test_the_tool_refreshes_by_hand_inside_the_interval(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600") as server:
        until("the first page", lambda: rendered(reading))
        server.ask("ingest", {"memories": [{"text": "wanted now"}]})

        def asked() -> bool:
            # A tick of the thread may have its turn just then; who asks is told, and asks again.
            answer = server.ask("session_start", {"refresh": True})
            assert "wanted now" in answer["payload"]
            return bool(answer["action"] == "wrote")

        until("the refresh by hand", asked)
    assert "wanted now" in page(reading)
    assert events(reading, "success", trigger="manual")


def test_a_server_that_ends_leaves_a_fresh_page_though_the_interval_is_not_over(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="3600") as server:
        until("the first page", lambda: rendered(reading))
        server.ask("ingest", {"memories": [{"text": "the last words"}]})
        code, _, _ = server.end()
    assert code == 0
    assert "the last words" in page(reading)
    assert events(reading, "success")[-1]["trigger"] == "shutdown"
    assert refresh(reading).reason == "no_new_records"


def test_an_end_does_not_wait_for_ever_for_a_refresh_that_hangs(tmp_path: Path) -> None:
    store = tmp_path / "store"
    reading = opened(store)
    with child_server(store, None) as server:
        until("the first page", lambda: rendered(reading))
        with held(reading.paths.lock("write"), timeout=1):
            reading.paths.spool.mkdir(exist_ok=True)
            ring(reading, "x")
            code, _, _ = server.end()
    assert code == 0


# --- one at a time -----------------------------------------------------------------------------


def test_one_of_many_threads_renders_and_the_others_skip(memory: Memory) -> None:
    memory.ingest("a fact")
    _ = memory.store
    inside, go_on = threading.Event(), threading.Event()

    def pause(step: str) -> None:
        inside.set()
        assert go_on.wait(WAIT_SEC)

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(memory.session_start_pages(on_step=pause).refresh, "periodic_wake")
        assert inside.wait(WAIT_SEC)
        others = [pool.submit(refresh, memory, "wake_sequence") for _ in range(8)]
        reasons = {other.result(WAIT_SEC).reason for other in others}
        go_on.set()
        assert first.result(WAIT_SEC).action == "wrote"
    assert reasons == {"refresh_in_progress"}
    assert len(events(memory, "success")) == 1


HOLD = """
import sys
from iai_memory.base.locks import held
from iai_memory.base.paths import StorePaths
from pathlib import Path
with held(StorePaths(Path(sys.argv[1])).lock("refresh"), timeout=5):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_another_process_holds_it_and_only_sleep_waits(memory: Memory) -> None:
    memory.ingest("a fact")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(memory.paths.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder, ThreadPoolExecutor(1) as pool:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
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
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(memory.paths.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert refresh(memory).reason == "refresh_in_progress"
        holder.kill()
    assert refresh(memory).action == "wrote"


# --- files and paths ---------------------------------------------------------------------------


@pytest.mark.parametrize("project", [None, "github.com/acme/weather", "/home/anna/ä ö", "x" * 500])
def test_the_sidecar_of_a_page_is_found_from_the_page_alone(
    memory: Memory, project: str | None
) -> None:
    memory.ingest({"text": "a fact", "project": project})
    refresh(memory)
    key = None if project is None else project_key(project)
    path = cache_path(memory.paths, key)
    assert path.name.endswith(".cached.md")
    assert sidecar_path(path).name == f"{path.name.removesuffix('.md')}.meta.json"
    assert sidecar_path(path).parent == path.parent
    assert path.is_file()
    found = read_sidecar(path)
    assert found is not None
    assert found.payload == path.read_bytes()
    assert json.loads(sidecar_path(path).read_text()) == found.fields


def test_the_names_are_those_that_the_hook_looks_for(memory: Memory) -> None:
    root = memory.paths.root
    assert cache_path(memory.paths, None) == root / ".session-start-payload.cached.md"
    assert sidecar_path(cache(memory)) == root / ".session-start-payload.cached.meta.json"
    assert cache_path(memory.paths, "k") == root / "session-start" / "k.cached.md"
    assert sidecar_path(cache(memory, "k")) == root / "session-start" / "k.cached.meta.json"


def test_pages_and_sidecars_are_private_files_in_private_folders(memory: Memory) -> None:
    before = os.umask(0)
    try:
        memory.ingest({"text": "a fact", "project": "p"})
        os.umask(0)
        refresh(memory)
    finally:
        os.umask(before)
    for path in (cache(memory), cache(memory, "p")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(sidecar_path(path).stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_page_is_replaced_and_not_followed(
    memory: Memory, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("not ours")
    memory.ingest("a fact")
    cache(memory).symlink_to(elsewhere)
    assert refresh(memory).reason == "cache_absent"
    assert elsewhere.read_text() == "not ours"
    assert not cache(memory).is_symlink()
    assert "a fact" in page(memory)


def test_what_a_killed_writer_left_half_written_is_cleared_away(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "project": "p"})
    refresh(memory)
    left = [
        cache(memory).with_name(f"{cache(memory).name}.1.abcd.tmp"),
        cache(memory).with_name(f"{sidecar_path(cache(memory)).name}.1.abcd.tmp"),
        cache(memory, "p").with_name("p.cached.md.1.abcd.tmp"),
    ]
    for path in left:
        path.write_text("a page that was never finished")
    memory.ingest("more")
    refresh(memory)
    assert not [path for path in left if path.exists()]


def test_the_page_of_a_project_that_has_nothing_any_more_is_taken_away(memory: Memory) -> None:
    ring(memory, "not kept", cwd=str(memory.paths.root.parent))
    refresh(memory)
    folder = memory.paths.root / "session-start"
    assert [path.suffix for path in sorted(folder.iterdir())] == [".md", ".json"]
    memory.drain()
    assert refresh(memory).action == "wrote"
    assert not list(folder.iterdir())


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
        until("the removal", lambda: "to be forgotten" not in page(other))
        assert "to be forgotten" not in cache(other, "p").read_text()


# --- the eleven flaws of the first cure --------------------------------------------------------


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

    memory.session_start_pages(on_step=commit).refresh("periodic_wake")

    assert said
    assert sidecar(memory)["table_version"] < memory.store.version
    assert sidecar(memory)["records_count"] == 1
    assert refresh(memory).reason == "watermark_changed"
    assert "during the render" in page(memory)


def test_flaw_2_the_lock_holds_across_processes(memory: Memory) -> None:
    memory.ingest("a fact")

    def ask(step: str) -> None:
        if step == "watermark":
            _run(memory.paths.root, "session-start", "--refresh")

    memory.session_start_pages(on_step=ask).refresh("periodic_wake")

    mine, other = str(os.getpid()), events(memory, "skipped", reason="refresh_in_progress")
    assert [str(e["pid"]) != mine for e in other] == [True]
    assert [str(e["pid"]) for e in events(memory, "success")] == [mine]


def test_flaw_3_when_everything_was_forgotten_the_old_page_goes(memory: Memory) -> None:
    [gone] = memory.ingest({"text": "the only fact", "project": "p"}).results
    refresh(memory)
    memory.forget([gone.id or ""])
    assert refresh(memory).action == "wrote"
    for path in (cache(memory), cache(memory, "p")):
        assert "the only fact" not in path.read_text()
        assert "holds no memory yet" in path.read_text()
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
            ticking.stdout.readline()
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
    ring(memory, "typed a moment ago", cwd=str(memory.paths.root.parent))
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
    live = command("session-start")
    assert "not in the cache" in live
    assert "not in the cache" not in page(memory)
    refresh(memory)
    assert live == page(memory)


def test_flaw_10_paths_follow_the_setting_at_each_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "")
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
    _store_elsewhere(memory.paths.root, "from another process")
    assert refresh(memory).reason == "watermark_changed"
    assert "from another process" in page(memory)


def _store_elsewhere(store: Path, text: str) -> None:
    """Stores as another server does: the page is left to whoever refreshes next."""
    code = (
        "import sys; from iai_memory import Memory; "
        "Memory(sys.argv[1], on_commit=lambda: None).ingest(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(store), text], check=True, timeout=60)


def _run(store: Path, *command: str, **more: str) -> str:
    """Runs the command line; returns what it prints."""
    done = subprocess.run(
        [*CLI, *command],
        env=child_environment(store, None, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
