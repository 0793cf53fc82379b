"""From the doorbell to the table: every turn once, and the books balance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.checkout import HOOKS
from tests.support.pages import minutes_pass

from iai_memory import Memory
from iai_memory.base.clock import iso
from iai_memory.capture.drain import Drain
from iai_memory.capture.session_state import has_work
from iai_memory.capture.spool import Spool
from iai_memory.errors import InvalidInput, StoreFault
from iai_memory.results import IngestReport
from iai_memory.store.filter import Filter
from iai_memory.writing.new_memory import NewMemory

HOOK = HOOKS / "iai-mcp-capture.sh"


def at_rest(path: Path) -> None:
    """Sets the file's time as if nobody had written to it for a minute."""
    then = time.time() - 60
    os.utime(path, (then, then))


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: what is tested here is what arrives."""
    return words_only


class Host:
    """Writes a transcript in Claude Code's shape and rings the real hook."""

    def __init__(self, memory: Memory, folder: Path, session: str = "s1") -> None:
        self.memory = memory
        self.cwd = folder / "project"
        self.cwd.mkdir(exist_ok=True)
        self.session = session
        self.transcript = folder / f"{session}.jsonl"
        self.turns = 0

    def line(self, role: str, text: str, **more: Any) -> str:
        self.turns += 1
        return json.dumps(
            {
                "type": role,
                "uuid": f"{self.session}-{self.turns}",
                "parentUuid": None,
                "isSidechain": False,
                "sessionId": self.session,
                "timestamp": f"2026-11-01T10:{self.turns // 60:02}:{self.turns % 60:02}.000Z",
                "cwd": str(self.cwd),
                "message": {"role": role, "content": text},
                **more,
            }
        )

    def says(self, role: str, text: str, **more: Any) -> None:
        with self.transcript.open("a", encoding="utf-8") as file:
            file.write(self.line(role, text, **more) + "\n")

    def garbles(self) -> None:
        """Write a line that nobody can read."""
        with self.transcript.open("a", encoding="utf-8") as file:
            file.write('{"type": "user", "message": {"role\n')

    def rings(self, event: str = "Stop", **fields: Any) -> None:
        bell = {
            "session_id": self.session,
            "transcript_path": str(self.transcript),
            "cwd": str(self.cwd),
            "hook_event_name": event,
            **fields,
        }
        subprocess.run(
            [str(HOOK)],
            input=json.dumps(bell),
            text=True,
            check=True,
            timeout=30,
            env={
                **os.environ,
                "IAI_MCP_STORE": str(self.memory.paths.root),
                "IAI_MCP_DRAIN": "0",
            },
        )


@pytest.fixture
def host(memory: Memory, tmp_path: Path) -> Host:
    return Host(memory, tmp_path)


def texts(memory: Memory) -> list[str]:
    """Every stored text, oldest first."""
    return [record.text for record in reversed(memory.store.latest.newest(Filter(), 10_000))]


def waiting(memory: Memory) -> int:
    """How many rings wait."""
    return Spool(memory.paths).waiting().rings


def books(memory: Memory) -> list[dict[str, Any]]:
    """What `status` says of the last sessions."""
    return [session.model_dump() for session in memory.status().sessions]


def test_a_ring_brings_the_turns_of_its_transcript_into_the_table(
    memory: Memory, host: Host
) -> None:
    host.says("user", "which port?")
    host.says("assistant", "5544")
    host.rings()
    assert memory.drain().stored == 2
    assert texts(memory) == ["which port?", "5544"]
    records = memory.timeline(turns=True).records
    assert {(r.origin, r.host, r.session_id) for r in records} == {("hook", "claude-code", "s1")}


@pytest.mark.parametrize("spelling", ["{}//{}", "{}/./{}", "{}/{}/"])
def test_one_transcript_has_one_name_however_a_ring_spells_its_path(
    memory: Memory, host: Host, spelling: str
) -> None:
    host.says("user", "which port?")
    host.rings()
    odd = spelling.format(host.transcript.parent, host.transcript.name)
    host.rings(transcript_path=odd)

    assert memory.drain().stored == 1
    assert waiting(memory) == 0
    assert len(books(memory)) == 1
    host.says("assistant", "5544")
    host.rings(transcript_path=odd)
    assert memory.drain().stored == 1


def test_a_file_in_the_place_of_the_notes_folder_keeps_no_ring_waiting(
    memory: Memory, host: Host
) -> None:
    host.says("user", "which port?")
    host.rings()
    (memory.paths.spool / "failed").write_text("no folder")

    assert memory.drain().stored == 1
    assert waiting(memory) == 0


def test_ringing_again_stores_only_what_is_new(memory: Memory, host: Host) -> None:
    host.says("user", "one")
    host.rings()
    memory.drain()
    host.says("assistant", "two")
    host.rings()
    host.rings("SessionEnd")
    assert memory.drain().stored == 1
    assert texts(memory) == ["one", "two"]


def test_what_the_host_writes_after_the_ring_is_found_without_another_ring(
    memory: Memory, host: Host
) -> None:
    host.says("user", "one")
    host.rings()
    memory.drain()
    host.says("assistant", "written after the ring")
    assert memory.drain().stored == 1
    assert texts(memory)[-1] == "written after the ring"


def test_what_the_host_writes_days_after_its_last_ring_is_found_too(
    memory: Memory, host: Host
) -> None:
    host.says("user", "one")
    host.rings()
    memory.drain()
    state = memory.paths.spool / "sessions.json"
    noted = json.loads(state.read_text())
    noted[str(host.transcript)]["rung_at"] = iso(datetime.now(UTC) - timedelta(days=20))
    state.write_text(json.dumps(noted))
    host.says("assistant", "the turn was broken off, and nobody rang")
    assert has_work(memory.paths)
    assert memory.drain().stored == 1
    assert not has_work(memory.paths)


def test_half_a_line_at_the_end_of_a_transcript_is_looked_at_once(
    memory: Memory, host: Host
) -> None:
    host.says("user", "one")
    with host.transcript.open("a") as file:
        file.write('{"type":"user","mess')
    at_rest(host.transcript)
    host.rings()
    memory.drain()
    assert not has_work(memory.paths)
    with host.transcript.open("a") as file:
        file.write('age":broken}\n' + host.line("user", "two") + "\n")
    assert has_work(memory.paths)
    assert memory.drain().stored == 1


def test_a_line_without_its_end_is_read_when_nobody_writes_any_more(
    memory: Memory, host: Host
) -> None:
    host.says("user", "one")
    with host.transcript.open("a") as file:
        file.write(host.line("user", "the last words"))
    host.rings()
    memory.drain()
    at_rest(host.transcript)
    if has_work(memory.paths):
        memory.drain()
    assert texts(memory) == ["one", "the last words"]
    assert not has_work(memory.paths)


def test_the_clock_that_was_ahead_for_one_session_hides_no_later_loss(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    host.says("user", "one")
    host.rings()
    memory.drain()
    state = memory.paths.spool / "sessions.json"
    noted = json.loads(state.read_text())
    ahead = iso(datetime.now(UTC) + timedelta(days=3650))
    noted[str(host.transcript)] |= {"began_at": ahead, "rung_at": ahead}
    state.write_text(json.dumps(noted))
    other = Host(memory, tmp_path, "s2")
    other.garbles()
    other.says("user", "two")
    other.rings()
    memory.drain()
    assert "could not be kept" in memory.session_start().payload


def test_a_transcript_that_was_replaced_is_read_again_and_nothing_doubles(
    memory: Memory, host: Host
) -> None:
    for text in ("one", "two", "three"):
        host.says("user", text)
    host.rings()
    memory.drain()
    kept = host.transcript.read_text().splitlines()[:2]
    host.transcript.unlink()
    host.transcript.write_text("\n".join([*kept, host.line("user", "four")]) + "\n")
    host.rings()
    memory.drain()
    assert texts(memory) == ["one", "two", "three", "four"]
    [session] = books(memory)
    assert session["duplicate"] == 2


def test_the_books_balance_whatever_the_transcript_holds(memory: Memory, host: Host) -> None:
    host.says("user", "kept")
    host.says("user", "aside", isSidechain=True)
    host.says("user", "<system-reminder>the host speaks</system-reminder>")
    host.says("assistant", "<iai-mcp-session-start> our own page </iai-mcp-session-start>")
    host.says("user", "<private>only for me</private>")
    with host.transcript.open("a") as file:
        file.write("{not json\n")
    host.rings()
    memory.drain()
    [session] = books(memory)
    skipped = sum(session["skipped"].values())
    assert texts(memory) == ["kept"]
    assert session["seen"] == 6
    assert session["seen"] == (
        session["stored"] + session["duplicate"] + session["failed"] + skipped
    )
    assert "only for me" not in json.dumps(list(memory.export_lines()))


@settings(max_examples=12)
@given(
    kinds=st.lists(
        st.sampled_from(["user", "assistant", "sidechain", "marker", "broken", "same", "private"]),
        max_size=25,
    ),
    ring_after=st.sets(st.integers(0, 24)),
)
def test_the_books_balance_for_any_mix_and_any_moment_of_ringing(
    kinds: list[str], ring_after: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("books")
    memory = Memory(folder / "store")
    host = Host(memory, folder)
    last = ""
    for number, kind in enumerate(kinds):
        if kind == "broken":
            with host.transcript.open("a") as file:
                file.write("[]\n{\n")
        elif kind == "same" and last:
            with host.transcript.open("a") as file:
                file.write(last + "\n")
        else:
            role = "assistant" if kind == "assistant" else "user"
            text = {"marker": "<command-name>/x", "private": "<private>x"}.get(kind, f"t{number}")
            last = host.line(role, text, isSidechain=kind == "sidechain")
            with host.transcript.open("a") as file:
                file.write(last + "\n")
        if number in ring_after:
            host.rings()
            memory.drain()
    host.rings()
    memory.drain()
    said = [f"t{n}" for n, kind in enumerate(kinds) if kind in ("user", "assistant")]
    assert sorted(texts(memory)) == sorted(
        said
        + [f"t{n}" for n, kind in enumerate(kinds) if kind == "same" and f"t{n}" in texts(memory)]
    )
    for session in books(memory):
        skipped = sum(session["skipped"].values())
        assert session["seen"] == (
            session["stored"] + session["duplicate"] + session["failed"] + skipped
        )


def test_a_transcript_that_cannot_be_read_is_given_up_after_three_attempts(
    memory: Memory, host: Host
) -> None:
    host.rings()
    for _ in range(3):
        assert list((memory.paths.spool / "failed").glob("*")) == []
        memory.drain()
        minutes_pass(memory)
    [given_up] = (memory.paths.spool / "failed").glob("*.json")
    assert "does not exist" in json.loads(given_up.read_text())["why"]
    assert waiting(memory) == 0
    assert "could not be read: `iai-mcp events`" in memory.session_start().payload
    assert memory.ledger.newest(10, event="capture_failed")


def test_attempts_within_a_minute_are_one(memory: Memory, host: Host) -> None:
    host.rings()
    for _ in range(5):
        memory.drain()
    assert list((memory.paths.spool / "failed").glob("*")) == []
    assert waiting(memory) == 1
    host.says("user", "away for some seconds")
    memory.drain()
    assert texts(memory) == ["away for some seconds"]
    assert waiting(memory) == 0


@pytest.mark.parametrize("is_known", [True, False])
def test_a_given_up_transcript_that_is_there_again_is_read_by_any_drain(
    memory: Memory, host: Host, tmp_path: Path, is_known: bool
) -> None:
    host.rings()
    for _ in range(3):
        memory.drain()
        minutes_pass(memory)
    assert len(list((memory.paths.spool / "failed").glob("*.json"))) == 1
    assert not has_work(memory.paths)
    host.says("user", "the mount is back")
    if not is_known:
        (memory.paths.spool / "sessions.json").unlink()
    assert has_work(memory.paths)
    assert memory.drain().stored == 1
    assert texts(memory) == ["the mount is back"]
    assert list((memory.paths.spool / "failed").glob("*.json")) == []
    assert not has_work(memory.paths)


def test_a_given_up_transcript_that_stays_as_it_was_is_no_work_and_a_mended_one_is(
    memory: Memory, host: Host
) -> None:
    os.mkfifo(host.transcript)
    host.rings()
    for _ in range(3):
        memory.drain()
        minutes_pass(memory)
    assert waiting(memory) == 0
    assert not has_work(memory.paths)
    host.transcript.unlink()
    host.transcript.mkdir()
    assert memory.drain().stored == 0  # looked at once more, and given up as it is now
    assert not has_work(memory.paths)
    host.transcript.rmdir()
    host.says("user", "mended")
    assert memory.drain().stored == 1


def test_an_old_ring_whose_transcript_is_gone_is_given_up_too(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    folder = memory.paths.spool
    folder.mkdir(mode=0o700, parents=True)
    ring = {"event": "Stop", "transcript_path": str(tmp_path / "gone.jsonl"), "at": 1_700_000_000}
    (folder / "doorbell.jsonl").write_text(json.dumps(ring) + "\n")
    for _ in range(3):
        memory.drain()
        minutes_pass(memory)
    assert waiting(memory) == 0
    assert len(list((folder / "failed").glob("*.json"))) == 1


def test_a_ring_that_must_be_tried_again_keeps_nobody_else_waiting(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    host.rings()
    other = Host(memory, tmp_path, "s2")
    other.says("user", "from the other session")
    other.rings()
    memory.drain()
    assert texts(memory) == ["from the other session"]
    host.says("user", "late but there")
    memory.drain()
    assert sorted(texts(memory)) == ["from the other session", "late but there"]
    assert waiting(memory) == 0


def test_a_project_with_an_ignore_file_is_not_captured(memory: Memory, host: Host) -> None:
    host.says("user", "nobody's business")
    host.rings()
    (host.cwd / ".iai-mcp-ignore").touch()
    memory.drain()
    assert texts(memory) == []
    assert waiting(memory) == 0


@pytest.mark.slow
def test_three_processes_that_drain_at_once_store_every_turn_once(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    hosts = [host, *(Host(memory, tmp_path, f"s{n}") for n in range(2, 6))]
    for one in hosts:
        for number in range(30):
            one.says("user", f"{one.session} turn {number}")
        one.rings()
    code = """
import sys
from iai_memory import Memory
from iai_memory.capture.spool import Spool
memory = Memory(sys.argv[1], on_commit=lambda: None)
memory.store
print("ready", flush=True)
sys.stdin.readline()
while Spool(memory.paths).has_rings():
    memory.drain()
"""
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(memory.paths.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    while Spool(memory.paths).has_rings():
        memory.drain()
    for other in others:
        other.communicate(timeout=100)
        assert other.returncode == 0
    assert sorted(texts(memory)) == sorted(
        f"{one.session} turn {number}" for one in hosts for number in range(30)
    )


# --- what ends a drain, and what only ends one transcript ----------------------------------------


def run_child(memory: Memory, code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own, with the store as its argument."""
    return subprocess.run(
        [sys.executable, "-c", code, str(memory.paths.root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


DIES_AFTER_A_COMMIT = """
import os, signal, sys
from iai_memory import Memory, capturing as module
kept = module.ingest
def ingest_and_die(*args, **more):
    kept(*args, **more)
    os.kill(os.getpid(), signal.SIGKILL)
module.ingest = ingest_and_die
Memory(sys.argv[1]).drain()
"""


def test_kill_9_after_each_commit_loses_and_doubles_nothing(memory: Memory, host: Host) -> None:
    for number in range(600):
        host.says("user", f"turn {number}")
    host.rings()
    died = run_child(memory, DIES_AFTER_A_COMMIT)
    assert died.returncode == -9, died.stderr
    assert 0 < len(texts(memory)) < 600
    assert waiting(memory) == 1
    memory.drain()
    assert texts(memory) == [f"turn {number}" for number in range(600)]


def test_each_drain_goes_on_where_the_last_one_was_killed(memory: Memory, host: Host) -> None:
    for number in range(600):
        host.says("user", f"turn {number}")
    host.rings()
    code = DIES_AFTER_A_COMMIT.replace(
        "kept(*args, **more)\n",
        """done = kept(*args, **more)
    global calls
    calls += 1
    if calls < 2:
        return done
""",
    ).replace("def ingest", "calls = 0\ndef ingest")
    # The offset of the first commit is saved, that of the second is not.
    assert run_child(memory, code).returncode == -9
    assert len(texts(memory)) == 512
    memory.drain()
    [session] = books(memory)
    assert (session["stored"], session["duplicate"]) == (256 + 88, 256)
    assert texts(memory) == [f"turn {number}" for number in range(600)]


def test_the_shortest_transcript_comes_first_and_then_one_batch_of_each(
    memory: Memory, tmp_path: Path
) -> None:
    for session, count in (("long", 700), ("middle", 300), ("short", 2)):
        host = Host(memory, tmp_path, session)
        for number in range(count):
            host.says("user", f"{session} {number}")
        host.rings()
    order: list[tuple[str | None, int]] = []

    def stored(batch: list[NewMemory]) -> IngestReport:
        order.append((batch[0].session_id, len(batch)))
        return memory.ingest(batch, origin="hook")

    Drain(memory.paths, memory.ledger, stored, lambda gone, back: 0).run()
    assert order == [
        ("short", 2),
        ("middle", 256),
        ("long", 256),
        ("middle", 44),
        ("long", 256),
        ("long", 188),
    ]


def test_an_answer_of_360_kb_is_stored_with_those_behind_it(memory: Memory, host: Host) -> None:
    host.says("assistant", "beans and peas " * 24_000)
    host.says("user", "thank you")
    host.rings()
    assert memory.drain().stored == 2
    assert memory.status().pending == 2
    assert texts(memory)[1] == "thank you"


def test_a_turn_that_cannot_be_stored_costs_no_other_one(memory: Memory, host: Host) -> None:
    for text in ("before", "refused", "after"):
        host.says("user", text)
    host.rings()

    def ingest(turns: list[NewMemory]) -> IngestReport:
        if any(turn.text == "refused" for turn in turns):
            raise InvalidInput("this store takes no refusal: say something else")
        return memory.ingest(turns, origin="hook")

    Drain(memory.paths, memory.ledger, ingest, memory.tag_rewound).run()
    assert texts(memory) == ["before", "after"]
    [session] = books(memory)
    assert (session["stored"], session["failed"], session["fault"]) == (2, 1, "")
    [event] = memory.ledger.newest(5, event="capture_turn_failed")
    assert event["transcript"] == str(host.transcript)
    assert "1 of your turns could not be kept: `iai-mcp events`" in memory.session_start().payload
    assert waiting(memory) == 0


@pytest.mark.parametrize("name", ["uuid", "sessionId", "cwd", "gitBranch", "version"])
def test_an_endless_name_costs_that_name_and_no_turn(memory: Memory, host: Host, name: str) -> None:
    for text, value in (("one", "/x" * 2_000), ("two", "/x" * 50_000), ("three", "\n" * 5_000)):
        host.says("user", text, **{name: value})
    host.rings()
    memory.drain()
    assert texts(memory) == ["one", "two", "three"]
    assert books(memory)[0]["failed"] == 0


def test_no_secret_in_a_ring_or_in_names_of_a_turn_is_kept_beside_the_transcripts_path(
    memory: Memory, tmp_path: Path
) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    private = "<private>my salary 99999</private>"
    host = Host(memory, tmp_path)
    folder = f"/home/sam/{token}"
    host.says("user", "hello", uuid=f"u-{token}", sessionId=f"s-{private}", cwd=folder)
    host.rings(session_id=f"s-{token}", cwd=f"/home/sam/{private}")
    memory.drain()
    memory.session_start(f"/home/sam/{token}", refresh=True)

    assert texts(memory) == ["hello"]
    assert "hello" in memory.session_start(f"/home/sam/{token}").payload
    assert [one.text for one in memory.timeline(session_id=f"s-{private}", turns=True).records] == [
        "hello"
    ]
    for path in memory.paths.root.rglob("*"):
        assert token not in path.name
        # Of its last line a parser notes ids and folder as they are, to go on behind it.
        if path.is_file() and not path.is_symlink() and path.name != "sessions.json":
            assert token.encode() not in path.read_bytes(), path
            assert b"99999" not in path.read_bytes(), path
    assert not [line for line in memory.export_lines() if token in line or "99999" in line]
    assert memory.drain().stored == 0


def test_what_could_not_be_kept_is_said_until_a_later_session_lost_nothing(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    host.says("user", "kept")
    for _ in range(2):
        host.garbles()
    host.rings()
    memory.drain()
    told = "2 of your turns could not be kept"
    assert told in memory.session_start().payload
    other = Host(memory, tmp_path, "s2")
    other.says("user", "all is well")
    other.rings()
    memory.drain()
    assert told not in memory.session_start().payload
    # Nor does it come back when the first session goes on without a loss.
    host.says("user", "one more")
    host.rings()
    memory.drain()
    assert told not in memory.session_start().payload


def test_a_session_that_began_before_the_loss_does_not_hide_it(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    other = Host(memory, tmp_path, "s2")
    other.says("user", "early")
    other.rings()
    memory.drain()
    host.says("user", "kept")
    host.garbles()
    host.rings()
    other.says("user", "late")
    other.rings()
    memory.drain()
    assert "1 of your turns could not be kept" in memory.session_start().payload


def test_a_fault_that_nobody_foresaw_ends_one_transcript_alone(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    host.says("user", "of a host that nobody knows")
    host.rings()
    memory.drain()
    sessions = memory.paths.spool / "sessions.json"
    sessions.write_text(sessions.read_text().replace('"claude-code"', '"mainframe"'))
    other = Host(memory, tmp_path, "s2")
    for one in (host, other):
        one.says("user", f"more from {one.session}")
        one.rings()
    memory.drain()
    assert "more from s2" in texts(memory)
    faults = {session["session_id"]: session["fault"] for session in books(memory)}
    assert faults["s1"] != ""
    assert faults["s2"] == ""


def test_a_full_disk_is_nobodys_attempt_and_loses_nothing(memory: Memory, host: Host) -> None:
    memory.ingest("before")
    host.says("user", "during")
    host.rings()
    code = """
import resource, signal, sys
from iai_memory import Memory
from iai_memory.errors import InvalidInput, StoreFault
memory = Memory(sys.argv[1])
memory.store.statistics()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
for _ in range(5):
    try:
        memory.drain()
    except StoreFault as fault:
        print(str(fault).count(chr(10)))
"""
    done = run_child(memory, code)
    assert (done.stdout, done.stderr) == ("0\n" * 5, "")
    assert waiting(memory) == 1
    assert texts(memory) == ["before"]
    assert memory.drain().stored == 1
    assert sorted(texts(memory)) == ["before", "during"]
    assert books(memory)[0]["fault"] == ""


def test_a_store_that_cannot_be_written_keeps_its_rings(memory: Memory, host: Host) -> None:
    memory.ingest("before")
    host.says("user", "during")
    host.rings()
    (memory.paths.locks / "write.lock").unlink()
    (memory.paths.locks / "write.lock").mkdir()
    for _ in range(4):
        with pytest.raises(StoreFault, match="write"):
            memory.drain()
    assert waiting(memory) == 1
    (memory.paths.locks / "write.lock").rmdir()
    assert memory.drain().stored == 1


def test_a_drain_that_waits_for_another_reads_what_that_one_left(
    memory: Memory, host: Host
) -> None:
    host.says("user", "plan the garden")
    host.rings()
    code = """
import sys
from iai_memory.base.locks import held
from iai_memory.base.paths import StorePaths
from pathlib import Path
with held(StorePaths(Path(sys.argv[1])).lock("drain"), timeout=0):
    print("held", flush=True)
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(memory.paths.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert memory.drain().busy
        threading.Timer(0.2, other.kill).start()
        assert memory.drain(wait_seconds=30).stored == 1


def test_a_ring_that_comes_while_a_drain_holds_the_lock_is_not_left(
    memory: Memory, host: Host, tmp_path: Path
) -> None:
    other = Host(memory, tmp_path, "s2")
    host.says("user", "first")
    host.rings()

    def stored(batch: list[NewMemory]) -> IngestReport:
        if batch[0].session_id == "s1":
            other.says("user", "second")
            other.rings()
        return memory.ingest(batch, origin="hook")

    done = Drain(memory.paths, memory.ledger, stored, lambda gone, back: 0).run()
    assert (done.stored, done.rings) == (2, 2)
    assert waiting(memory) == 0
