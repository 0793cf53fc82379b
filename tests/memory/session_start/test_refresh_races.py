"""Several processes and one page: no render twice, none at once, and no kill leaves a lie."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.pages import (
    WAIT_SEC,
    cache,
    events,
    opened,
    page,
    refresh,
    rendered,
    sidecar,
    until,
)
from tests.support.talking import child_environment, child_server

from iai_memory import Memory
from iai_memory.base.presence import alive_servers
from iai_memory.session_start.cache import read_sidecar, sidecar_path

SERVERS = 4
KILLS = 36

KILLED_AT_A_STEP = """
import os, signal, sys
from iai_memory import Memory
memory = Memory(on_commit=lambda: None)
memory.ingest({"text": "the newest fact", "project": "p"})
wanted, count = sys.argv[1], int(sys.argv[2])
def kill(step):
    global count
    count -= step == wanted
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
memory.page_manager(on_step=kill).refresh("periodic_wake")
"""

KILLED_BEFORE_A_REPLACEMENT = """
import os, signal, sys
from iai_memory import Memory
memory = Memory(on_commit=lambda: None)
memory.ingest({"text": "the newest fact", "project": "p"})
count = int(sys.argv[1])
def kill(event, arguments):
    # Python tells its audit hooks of a replacement before the system makes it.
    global count
    if event == "os.rename" and ".cached." in str(arguments[1]):
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill)
memory.page_manager().refresh("periodic_wake")
"""

WRITES_AND_RENDERS = """
import sys
from iai_memory import Memory
memory = Memory(on_commit=lambda: None)
start = int(sys.argv[1])
_ = memory.store
print("ready", flush=True)
for n in range(start, start + 100_000):
    memory.ingest({"text": f"fact {n}", "project": f"p{n % 3}"})
    print(n, flush=True)
    memory.page_manager().refresh("periodic_wake")
"""

COMMITS_WHEN_TOLD = """
import sys, time
from iai_memory import Memory
memory = Memory(on_commit=lambda: None)
_ = memory.store
print("ready", flush=True)
for line in sys.stdin:
    begun = time.time_ns()
    memory.ingest(line.strip())
    print(begun, time.time_ns(), flush=True)
"""


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """One fact, rendered."""
    memory = opened(tmp_path / "store")
    memory.ingest({"text": "an old fact", "project": "p"})
    assert refresh(memory).action == "wrote"
    return memory


@contextmanager
def child(memory: Memory, code: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """A Python process on that store, gone after the block."""
    started = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(memory.paths.root, None, IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0"),
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def read(process: subprocess.Popen[str]) -> str:
    """The next line of a child."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def shown_count(payload: str) -> int:
    """The number of memories that a page says it is about."""
    found = re.search(r", (\d+) memor(y|ies), newest ", payload)
    return int(found[1]) if found else 0


def assert_no_lie(memory: Memory) -> bool:
    """Holds after every kill, for every page; returns whether any pair was torn."""
    torn = False
    folder = memory.paths.root / "session-start"
    for path in [cache(memory), *folder.glob("*.cached.md")]:
        if not path.exists():
            continue
        payload = path.read_text(encoding="utf-8")
        assert payload.endswith("</iai-mcp-session-start>\n"), "half of a page"
        found = read_sidecar(path)
        if found is not None:
            assert found.payload.decode() == payload
            assert found.watermark.records_count == shown_count(payload)
            continue
        torn = True
        if sidecar_path(path).exists():
            fields = json.loads(sidecar_path(path).read_text(encoding="utf-8"))
            assert fields["records_count"] <= shown_count(payload), "claims more than is shown"
    return torn


def assert_mended(memory: Memory) -> None:
    """The next refresh makes every page true again and leaves nothing behind."""
    assert refresh(memory).action in ("wrote", "skipped")
    assert refresh(memory).reason == "no_new_records"
    assert page(memory) == memory.page_manager().render_now(None).payload
    assert read_sidecar(cache(memory)) is not None
    for path in (memory.paths.root / "session-start").glob("*.cached.md"):
        assert read_sidecar(path) is not None
    assert_no_lie(memory)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "count"),
    [("watermark", 1), ("rendered", 1), ("written", 1), ("written", 2)],
)
def test_a_process_killed_in_a_refresh_leaves_a_pair_that_the_next_one_mends(
    memory: Memory, step: str, count: int
) -> None:
    before = page(memory)
    with child(memory, KILLED_AT_A_STEP, step, str(count)) as killed:
        assert killed.wait(WAIT_SEC) == -signal.SIGKILL

    assert not assert_no_lie(memory)
    last = (step, count) == ("written", 2)
    assert ("the newest fact" in page(memory)) is last
    assert (page(memory) == before) is not last
    assert refresh(memory).reason == ("no_new_records" if last else "watermark_changed")
    assert "the newest fact" in page(memory)
    assert "the newest fact" in cache(memory, "p").read_text()
    assert_mended(memory)


@pytest.mark.slow
@pytest.mark.parametrize("replacement", range(1, 9))
def test_a_process_killed_between_page_and_sidecar_leaves_a_torn_pair_that_the_next_one_mends(
    memory: Memory, replacement: int
) -> None:
    # Of each page: its ids go aside, then come page, ids and sidecar.
    torn_of_project, torn_of_all = replacement in (3, 4), replacement in (7, 8)
    with child(memory, KILLED_BEFORE_A_REPLACEMENT, str(replacement)) as killed:
        assert killed.wait(WAIT_SEC) == -signal.SIGKILL
    assert assert_no_lie(memory) is (torn_of_project or torn_of_all)
    assert (read_sidecar(cache(memory)) is None) is torn_of_all
    assert (read_sidecar(cache(memory, "p")) is None) is torn_of_project
    assert refresh(memory).action == "wrote"
    assert "the newest fact" in page(memory)
    assert "the newest fact" in cache(memory, "p").read_text()
    assert not list(memory.paths.root.rglob("*.tmp")), "half a page was left behind"
    assert_mended(memory)


def test_a_new_page_beside_an_old_sidecar_is_torn_and_mended(memory: Memory) -> None:
    old = sidecar_path(cache(memory)).read_bytes()
    memory.ingest("the newest fact")
    refresh(memory)
    # What a kill between the two replacements leaves; no step of ours stands between them.
    sidecar_path(cache(memory)).write_bytes(old)
    assert read_sidecar(cache(memory)) is None
    assert assert_no_lie(memory)
    assert refresh(memory).reason == "meta_absent"
    assert_mended(memory)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_at_any_moment_of_writing_and_rendering_leave_no_lie(memory: Memory) -> None:
    chance = random.Random(20260508)
    number, torn, stored = 1000, 0, 1
    for _ in range(KILLS):
        with child(memory, WRITES_AND_RENDERS, str(number)) as process:
            assert read(process) == "ready"
            killer = threading.Timer(chance.uniform(0, 1.0), process.kill)
            killer.start()
            assert process.stdout is not None
            acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
            killer.join()
            assert process.wait(WAIT_SEC) == -signal.SIGKILL
        torn += assert_no_lie(memory)
        stored += len(acknowledged)
        number += len(acknowledged) + 1
        assert_mended(memory)
        # One more may have been committed and not acknowledged.
        assert sidecar(memory)["records_count"] >= stored
        stored = sidecar(memory)["records_count"]
        if acknowledged:
            assert f"fact {acknowledged[-1]}" in page(memory)
    assert stored > KILLS, "nothing was written before the kills"
    print(f"{KILLS} kills, {stored} records, {torn} torn pairs")  # noqa: T201 - shown with -s


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_four_servers_and_forty_commits_give_the_renders_that_the_content_asked_for(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    memory = opened(store)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                child_server(
                    store,
                    None,
                    IAI_MCP_REFRESH_TICK_SEC="0.02",
                    IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC="0",
                    IAI_MCP_COMMIT_BUDGET="1000",
                )
            )
            for _ in range(SERVERS)
        ]
        pids = {server.process.pid for server in servers}
        until("four refreshers", lambda: {s.pid for s in alive_servers(memory.paths)} == pids)
        until("the first page", lambda: rendered(memory))
        # Twenty that are each waited for, twenty as fast as they go, by us and by every server.
        for n in range(20):
            memory.ingest(f"waited for {n}")
            until(f"commit {n}", partial(is_shown, memory, f"waited for {n}\n"))
        # The event follows the page.
        until("its event", lambda: len(rendered(memory)) >= 1 + 20)
        one_by_one = len(rendered(memory))
        assert one_by_one == 1 + 20
        for n in range(10):
            memory.ingest(f"fast {n}")
            servers[n % SERVERS].ask("ingest", {"memories": [{"text": f"by a server {n}"}]})
        until("all forty", lambda: rendered(memory)[-1]["records_count"] == 40)
        assert {s.pid for s in alive_servers(memory.paths)} == pids, "all four were there all along"
        for server in servers:
            server.end()

    done = rendered(memory)
    marks = [(e["records_count"], e["max_vec_label"], e["max_updated_at"]) for e in done]
    assert len(set(marks)) == len(marks), "one content was rendered twice"
    assert one_by_one < len(done) <= 1 + 40
    assert sorted(marks) == marks, "an older content was rendered after a newer one"
    assert not events(memory, "failed")
    assert len({e["pid"] for e in done}) > 1, "only one server ever had its turn"
    assert_one_at_a_time(events(memory))
    assert page(memory) == memory.page_manager().render_now(None).payload


def is_shown(memory: Memory, text: str) -> bool:
    """Whether the page shows it now."""
    return text in page(memory)


def assert_one_at_a_time(found: list[dict[str, Any]]) -> None:
    """From each process's `started` to its last `success` no other process was at it."""
    refreshes: list[tuple[datetime, list[datetime], int]] = []
    written: dict[int, list[datetime]] = {}
    for event in found:
        at, pid = datetime.fromisoformat(event["at"]), int(event["pid"])
        if str(event["event"]).endswith("started"):
            written[pid] = []
            refreshes.append((at, written[pid], pid))
        elif str(event["event"]).endswith("success"):
            written[pid].append(at)  # of each page one
    spans = sorted((began, max(pages), pid) for began, pages, pid in refreshes if pages)
    assert spans
    for (_, ended, one), (started, _, other) in pairwise(spans):
        assert ended <= started, f"{one} and {other} rendered at once"


def test_commits_of_another_process_during_the_render_are_in_the_next_payload(
    memory: Memory,
) -> None:
    memory.ingest("before the render")
    spans: list[tuple[int, int]] = []
    with child(memory, COMMITS_WHEN_TOLD) as other:
        assert read(other) == "ready"
        assert other.stdin is not None

        def commit(step: str) -> None:
            assert other.stdin is not None
            other.stdin.write(f"at the step {step}\n")
            other.stdin.flush()
            begun, ended = read(other).split()
            spans.append((int(begun), int(ended)))

        first = memory.page_manager(on_step=commit).refresh("periodic_wake")
        version = sidecar(memory)["table_version"]

    [started] = events(memory, "started")[-1:]
    [success] = rendered(memory)[-1:]
    inside = [_ns(started["at"]) < begun and ended < _ns(success["at"]) for begun, ended in spans]
    assert inside[1:], "nothing was committed while the page was rendered"
    assert any(inside)
    assert first.watermark is not None
    assert first.watermark.table_version == version < memory.store.version
    assert "at the step" not in page(memory)
    assert refresh(memory).reason == "watermark_changed"
    for step in ("watermark", "rendered", "written"):
        assert f"at the step {step}" in page(memory)


def _ns(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1e6) * 1000
