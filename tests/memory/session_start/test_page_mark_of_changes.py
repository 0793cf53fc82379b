"""What changes a page holds it back from the hook until it is shown, however its process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import pytest
from tests.support.checkout import ROOT
from tests.support.old_stores import forked, old_store, turn
from tests.support.page_writes import CHANGES, KILLED_AFTER_COMMIT, prepare, served
from tests.support.pages import cache, chosen, minutes_pass, opened, page, refresh, ring, sidecar
from tests.support.talking import WAIT_SEC, child_environment, child_server

from iai_memory import Memory
from iai_memory.base.locks import held
from iai_memory.base.page_mark import is_urgent, page_change, page_mark

INTERVAL = 3600


def live(memory: Memory) -> str:
    """The page as `iai-mcp session-start` prints it."""
    return memory.page_manager().render_now(None).payload


def assert_truth(memory: Memory) -> None:
    """The hook serves what the live command shows, or takes it."""
    assert served(memory) in (None, live(memory))


def with_page(root: Path) -> Memory:
    """A memory with a page that lacks nothing, within the interval of its server."""
    memory = opened(root, interval=INTERVAL)
    prepare(memory)
    assert refresh(memory, "manual").action == "wrote"
    assert served(memory) == live(memory)
    return memory


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_on_the_page_or_holds_it_back(tmp_path: Path, kind: str) -> None:
    memory = with_page(tmp_path / "store")
    before = live(memory)
    CHANGES[kind](memory)
    assert live(memory) != before
    if kind != "scrub":  # which renders the pages itself
        assert served(memory) is None
        assert refresh(memory, "manual").action == "wrote"
    assert served(memory) == live(memory)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_command_that_may_not_refresh_leaves_no_page_without_its_change(
    tmp_path: Path, kind: str
) -> None:
    memory = with_page(tmp_path / "store")
    command = Memory(settings=chosen(memory.paths.root, interval=INTERVAL))
    with held(memory.paths.lock("refresh"), timeout=0):
        CHANGES[kind](command)
        command.close()
        assert served(memory) is None
    assert refresh(memory, "manual").action == "wrote"
    assert served(memory) == live(memory)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_a_process_that_is_killed_right_after_its_commit_leaves_no_page_without_it(
    tmp_path: Path, kind: str
) -> None:
    memory = with_page(tmp_path / "store")
    before = live(memory)
    root = memory.paths.root
    environment = {**child_environment(root, None), "PYTHONPATH": os.pathsep.join(sys.path)}
    died = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_COMMIT, str(root), kind],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert live(memory) != before
    assert served(memory) is None
    memory.drain()  # the rings that a killed drain did not answer
    assert refresh(memory, "manual").action == "wrote"
    assert served(memory) == live(memory)


INGESTS = """
import sys
from iai_memory import Memory
memory = Memory(on_commit=lambda: None)
memory.store
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    memory.ingest(f"{sys.argv[1]} {number} wrote this")
    print(f"{sys.argv[1]} {number} wrote this", flush=True)
"""


def _pass_on(lines: Iterable[str], to: Queue[str]) -> None:
    for line in lines:
        to.put(line)


@pytest.mark.slow
def test_what_two_processes_acknowledge_is_on_the_page_or_holds_it_back(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    acknowledged: Queue[str] = Queue()
    environment = child_environment(memory.paths.root, None)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        for name in ("one", "two"):
            child = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", INGESTS, name],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            print("go", file=child.stdin, flush=True)
            pool.submit(_pass_on, child.stdout, acknowledged)
        for _ in range(24):
            text = acknowledged.get(timeout=WAIT_SEC)
            assert text in (served(memory) or text)
            refresh(memory, "manual")
            assert text in (served(memory) or text)
    refresh(memory, "manual")
    assert served(memory) == live(memory)
    assert "one 11 wrote this" in page(memory)
    assert "two 11 wrote this" in page(memory)


# --- what is not in the table -------------------------------------------------------------------


def test_topics_that_a_sleep_found_hold_the_page_back_until_it_shows_them(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    (memory.paths.root / "topics.json").unlink()
    with held(memory.paths.lock("refresh"), timeout=0):
        live(memory)  # builds the map that is missing
        assert (memory.paths.root / "topics.json").exists()
        assert served(memory) is None
    refresh(memory, "manual")
    assert served(memory) == live(memory)


def test_turns_that_could_not_be_kept_hold_the_page_back_until_it_says_so(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    ring(memory, "", session_id="gone")
    with held(memory.paths.lock("refresh"), timeout=0):
        for _ in range(3):
            memory.drain()
            minutes_pass(memory)
        assert "could not be read" in live(memory)
        assert served(memory) is None
    refresh(memory, "manual")
    assert "could not be read" in (served(memory) or "")


def test_an_upgrade_that_folds_copies_holds_the_page_back(tmp_path: Path) -> None:
    root = tmp_path / "store"
    old_store(root, *forked(2))
    cached = root / ".session-start-payload.cached.md"
    cached.write_text("of the version before")
    cached.chmod(0o600)
    memory = opened(root, interval=INTERVAL)
    assert memory.status().folded == 2
    assert served(memory) is None
    refresh(memory, "manual")
    assert served(memory) == live(memory)


def test_copies_that_come_back_hold_the_page_back(tmp_path: Path) -> None:
    root = tmp_path / "store"
    old_store(root, turn(1, "parent", 1), turn(1, "fork", 2))
    memory = opened(root, interval=INTERVAL)
    refresh(memory, "manual")
    assert served(memory) == live(memory)
    memory.restore_folded()
    assert served(memory) is None


# --- which refresh takes it away ----------------------------------------------------------------


def test_an_ordinary_change_keeps_the_interval_and_an_urgent_one_does_not(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    memory.ingest("an ordinary change")
    assert not is_urgent(page_mark(memory.paths))
    assert refresh(memory).reason == "min_interval_not_elapsed"
    assert served(memory) is None
    ring(memory, "an urgent one")
    memory.drain()
    memory.ingest("another ordinary change")
    assert is_urgent(page_mark(memory.paths))
    assert refresh(memory).action == "wrote"
    assert served(memory) == live(memory)


def test_a_mark_of_an_earlier_version_is_urgent(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    (memory.paths.root / ".page-behind").write_bytes(b"0123456789abcdef0123456789abcdef\n")
    assert is_urgent(page_mark(memory.paths))
    assert refresh(memory).reason == "no_new_records"
    assert served(memory) == live(memory)


def test_vectors_hold_no_page_back(memory: Memory) -> None:
    server = Memory(memory.paths.root, on_commit=lambda: None)
    ring(server, "plan the garden")
    server.drain()
    server.page_manager().refresh("manual")
    version = server.store.version
    assert server.embed_pending() == 1
    # The page names the version of the table, which says nothing of what it shows.
    now = live(server).replace(f"version {server.store.version}.", f"version {version}.")
    assert served(server) == now


@pytest.mark.parametrize("step", ["watermark", "rendered", "written"])
@pytest.mark.parametrize("kind", ["ingest", "supersede", "pin", "forget", "restore", "scrub"])
def test_a_change_during_a_refresh_keeps_its_mark(tmp_path: Path, kind: str, step: str) -> None:
    memory = with_page(tmp_path / "store")
    memory.ingest("the reason for a refresh")
    other = opened(memory.paths.root, interval=INTERVAL)

    def change(passed: str) -> None:
        if passed == step:
            CHANGES[kind](other)

    memory.page_manager(on_step=change).refresh("manual")
    assert_truth(memory)
    refresh(memory, "manual")
    assert served(memory) == live(memory)


def test_a_refresh_while_somebody_is_at_a_commit_takes_no_mark_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark stands, and the refresh cannot see what it stands for."""
    monkeypatch.setattr("iai_memory.base.page_mark._READ_WAIT_SEC", 0.0)
    memory = with_page(tmp_path / "store")
    memory.ingest("the reason for a refresh")
    with page_change(memory.paths):
        assert refresh(memory, "manual").action == "wrote"
        assert served(memory) is None
    assert served(memory) is None
    refresh(memory, "manual")
    assert served(memory) == live(memory)


def test_a_mark_without_a_change_costs_one_look(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    before = sidecar(memory)
    with page_change(memory.paths):
        pass  # killed before its commit
    assert served(memory) is None
    assert refresh(memory, "manual").reason == "no_new_records"
    assert served(memory) == live(memory)
    assert sidecar(memory) == before


def test_what_stands_in_the_marks_place_is_replaced(tmp_path: Path) -> None:
    memory = with_page(tmp_path / "store")
    mark, other = memory.paths.root / ".page-behind", tmp_path / "other"
    other.write_text("somebody's")
    for plant in (
        lambda: mark.symlink_to(other),
        lambda: mark.hardlink_to(other),
        lambda: os.mkfifo(mark),
        lambda: mark.write_text("x" * 1000),
    ):
        plant()
        memory.ingest(f"a change {os.urandom(4).hex()}")
        assert other.read_text() == "somebody's"
        assert served(memory) is None
        assert refresh(memory, "manual").action == "wrote"
        assert not mark.is_symlink()
        assert served(memory) == live(memory)


def test_what_a_tool_stored_within_the_interval_of_its_server_holds_the_page_back(
    tmp_path: Path,
) -> None:
    memory = with_page(tmp_path / "store")
    with child_server(
        memory.paths.root, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC=str(INTERVAL)
    ) as server:
        server.ask("ingest", {"memories": [{"text": "said to a tool"}]})
        assert served(memory) is None
        server.ask("ingest", {"memories": [{"text": "said better to a tool"}]})
        assert served(memory) is None
        assert "said better to a tool" in live(memory)
        assert cache(memory).exists()
        assert "said better" not in page(memory)
        server.end()  # it renders once more, if it has the time
    assert "said better to a tool" in (served(memory) or live(memory))
