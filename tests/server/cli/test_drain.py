"""`iai-mcp drain`, and the commands that drain before they answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.given_prompts import note_given
from tests.support.modes import bound_by_modes, read_only
from tests.support.modules import HEAVY, ours
from tests.support.mounts import fill, small_disk
from tests.support.pages import cache, minutes_pass, opened, page, refresh, ring, until
from tests.support.pairs import few_quick
from tests.support.talking import (
    CLI,
    WAIT_SEC,
    child_environment,
    child_server,
    output_of,
)

from iai_memory import Memory
from iai_memory.base.clock import utc_now
from iai_memory.base.locks import held
from iai_memory.base.page_mark import hasten_page, page_mark
from iai_memory.capture.spool import Spool
from iai_memory.store.filter import Filter
from iai_server.cli.main import run
from iai_server.doctor.capture_checks import check_capture

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `iai-mcp` on that store in this process; its code, stdout and stderr."""
    assert memory

    def done(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return done


def stored(memory: Memory) -> list[str]:
    """Every stored text, sorted."""
    return sorted(record.text for record in memory.store.latest.newest(Filter(), 10_000))


def test_it_stores_what_waits_and_says_so(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    assert command("drain") == (0, "1 ring answered, 1 turn stored\n", "")
    assert stored(memory) == ["plan the garden"]
    assert command("drain") == (0, "nothing waits\n", "")


def test_it_judges_whether_a_prompt_used_what_it_was_given(
    memory: Memory, command: Command
) -> None:
    [told] = memory.ingest("The staging database listens on port 5544.").results
    assert told.id is not None
    note_given(memory, told.id, ["It is 5544."], utc_now() - timedelta(hours=2))
    ring(memory, "plan the garden")
    assert command("drain")[0] == 0
    assert (memory.prompt_threshold().judged, memory.prompt_threshold().used) == (1, 1)


def test_it_speaks_json(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    code, out, _ = command("drain", "--json")
    assert (code, json.loads(out)) == (
        0,
        {
            "rings": 1,
            "stored": 1,
            "unreadable": 0,
            "waiting": 0,
            "finished": True,
            "nameless": 0,
            "busy": False,
        },
    )
    assert json.loads(command("drain", "--json")[1])["rings"] == 0


def test_it_leaves_a_page_that_has_everything(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    command("drain")
    assert "plan the garden" in page(memory)
    assert page_mark(memory.paths) is None
    ring(memory, "and the beans")
    command("drain")
    assert "and the beans" in page(memory)


def test_it_mends_a_page_that_a_killed_drain_left_behind(memory: Memory, command: Command) -> None:
    memory.ingest("before")
    refresh(memory)
    memory.ingest("after")
    hasten_page(memory.paths)
    assert command("drain")[0] == 0
    assert "after" in page(memory)
    assert page_mark(memory.paths) is None


def test_a_transcript_that_is_not_there_is_told_and_exits_1(
    memory: Memory, command: Command
) -> None:
    ring(memory, "", session_id="gone")
    ring(memory, "still here")
    for _ in range(2):
        code, out, _ = command("drain")
        assert code == 1
        assert "1 ring waits: see `iai-mcp events`" in out
        minutes_pass(memory)
    assert stored(memory) == ["still here"]
    assert command("drain")[0] == 0  # given up
    assert command("drain")[1] == "nothing waits\n"


def test_lines_that_are_no_ring_are_counted(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    with (memory.paths.spool / "doorbell.jsonl").open("ab") as file:
        file.write(b"garbage\n\n{half a ring")
    code, out, _ = command("drain")
    assert code == 1
    assert "1 ring answered, 1 turn stored" in out
    assert "2 lines of the spool were no ring" in out
    events = memory.ledger.newest(9, event="capture_rings_unreadable")
    assert sum(event["lines"] for event in events) == 2


@pytest.mark.parametrize("line", [b"garbage\n", b'{"event":"St\n', b"{}\n", b"\xff\xfe\n"])
def test_a_line_that_is_no_ring_is_said_though_nothing_else_waits(
    memory: Memory, command: Command, line: bytes
) -> None:
    memory.paths.spool.mkdir(parents=True)
    (memory.paths.spool / "doorbell.jsonl").write_bytes(line)
    code, out, _ = command("drain")
    assert code == 1
    assert out.startswith("1 line of the spool was no ring")
    assert "WARNING: a session's transcript could not be read" in command("session-start")[1]
    assert "could not be read" in command("status")[1]
    minutes_pass(memory)
    ring(memory, "all is well", session_id="later")
    assert command("drain")[0] == 0
    assert "WARNING" not in command("session-start")[1]
    assert [check.state for check in check_capture(memory)] == ["ok", "ok"]


@pytest.mark.parametrize("path", ["", None, "relative/q.jsonl", "~/q.jsonl", 7, ["/t"], "C:\\q"])
def test_a_ring_that_names_no_transcript_is_said_until_a_later_session_is_whole(
    memory: Memory, command: Command, path: object
) -> None:
    memory.paths.spool.mkdir(parents=True)
    bell = {"event": "Stop", "session_id": "lone", "transcript_path": path, "cwd": "/p"}
    (memory.paths.spool / "doorbell.jsonl").write_text(json.dumps(bell) + "\n")
    code, out, _ = command("drain")
    assert code == 1
    assert "1 ring names no transcript" in out
    [event] = memory.ledger.newest(9, event="capture_ring_nameless")
    assert event["session_id"] == "lone"
    [note] = (memory.paths.spool / "failed").glob("*.json")
    assert json.loads(note.read_text())["ring"]["session_id"] == "lone"
    assert "WARNING: a session's transcript could not be read" in command("session-start")[1]
    assert "lone" in command("status")[1]
    rings, _, given_up = check_capture(memory)
    assert (rings.state, given_up.state) == ("warning", "warning")
    assert "named no transcript" in given_up.finding
    assert command("drain") == (0, "nothing waits\n", "")
    minutes_pass(memory)
    ring(memory, "all is well", session_id="later")
    assert command("drain")[0] == 0
    assert "WARNING" not in command("session-start")[1]
    assert next(check_capture(memory)).state == "ok"


def test_a_session_that_names_its_transcript_after_all_has_lost_nothing(
    memory: Memory, command: Command
) -> None:
    ring(memory, "", session_id="s-2", transcript_path="")
    assert command("drain")[0] == 1
    ring(memory, "all that was said", session_id="s-2")
    assert command("drain")[0] == 0
    assert stored(memory) == ["all that was said"]
    assert [check.state for check in check_capture(memory)] == ["ok", "ok"]
    # And from then on its transcript is known.
    ring(memory, "more of it", session_id="s-2")
    (memory.paths.spool / "doorbell.jsonl").write_bytes(b'{"event":"Stop","session_id":"s-2"')
    assert command("drain") == (0, "1 ring answered, 1 turn stored\n", "")
    assert stored(memory) == ["all that was said", "more of it"]


def test_without_time_it_says_that_the_rest_waits(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    code, out, _ = command("drain", "--max-seconds", "0")
    assert code == 1
    assert "1 ring waits: run `iai-mcp drain` again" in out
    assert stored(memory) == []
    assert command("drain")[0] == 0
    assert stored(memory) == ["plan the garden"]


def test_beside_another_drain_it_ends_at_once(memory: Memory, command: Command) -> None:
    ring(memory, "plan the garden")
    with held(memory.paths.lock("drain"), timeout=1):
        code, out, err = command("drain")
        assert (code, err) == (0, "")
        assert out.startswith(f"process {os.getpid()} (`")
        assert out.endswith(" is reading: it answers what waits\n")
        # Whoever shows memories waits a moment for it, and says once what is missing.
        code, out, err = command("timeline")
        assert (code, err) == (0, "")
        assert out.count("1 ring waits") == 1
        assert f"not all was in sight: 1 ring waits, process {os.getpid()} (`" in out
        assert " is reading" in out
        code, _, err = command("status")
        assert code == 0
        assert f"1 ring waits, process {os.getpid()} (`" in err
        assert err.endswith(" is reading\n")
    assert stored(memory) == []


def test_a_spool_that_cannot_be_read_is_one_line_and_exits_1(
    memory: Memory, command: Command
) -> None:
    ring(memory, "from a good file")
    os.mkfifo(memory.paths.spool / "doorbell-1.json")
    code, _, err = command("drain")
    assert code == 1
    path = memory.paths.spool / "doorbell-1.json"
    assert err == f"iai-mcp: {path} is a FIFO: remove it with `rm {path}`\n"
    assert stored(memory) == ["from a good file"]


def test_a_spool_that_bars_the_hooks_is_named_by_each_command_until_it_is_free(
    memory: Memory, command: Command
) -> None:
    path = memory.paths.spool / "doorbell.jsonl"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    sentence = f"{path} is a FIFO: remove it with `rm {path}`"
    for _ in range(2):
        assert command("drain") == (1, "", f"iai-mcp: {sentence}\n")
        code, out, err = command("status", "--json")
        assert (code, json.loads(out)["capture_state"]) == (1, "BROKEN")
        assert json.loads(out)["capture"] == sentence
        assert err == f"iai-mcp: the newest turns may be missing: {sentence}\n"
        [rings, *_] = check_capture(memory)
        assert (rings.state, rings.finding) == ("BROKEN", sentence)
    assert "what is said now is not kept: `iai-mcp doctor`" in command("session-start")[1]
    path.unlink()
    assert command("drain") == (0, "nothing waits\n", "")
    assert command("status")[0] == 0
    assert "is not kept" not in command("session-start")[1]


def test_what_bars_no_hook_is_named_by_a_drain_and_hides_no_turn(
    memory: Memory, command: Command
) -> None:
    ring(memory, "plan the garden")
    stray = memory.paths.spool / "my notes.txt"
    stray.write_text("my diagnosis")
    sentence = f"{stray} does not belong in the spool: move it away"
    assert command("drain") == (1, "1 ring answered, 1 turn stored\n", f"iai-mcp: {sentence}\n")
    assert command("drain") == (1, "", f"iai-mcp: {sentence}\n")
    assert command("timeline")[2] == ""
    assert stray.read_text() == "my diagnosis"


STOPPED = """
import os, signal, sys
from pathlib import Path
lock = Path(sys.argv[1])
sys.argv = ["iai-mcp", "drain"]
from iai_memory.base.locks import held
with held(lock, timeout=0, bound=120):
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_drain_that_is_stopped_is_named_with_what_to_do_and_the_advice_works(
    memory: Memory, command: Command
) -> None:
    ring(memory, "plan the garden")
    lock = memory.paths.lock("drain")
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(lock)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            for arguments in (("drain",), ("drain", "--json")):
                code, out, err = command(*arguments)
                assert (code, out) == (1, "")
                assert f"process {process.pid} (`iai-mcp drain`) since " in err
                assert f"it is stopped: run `kill -CONT {process.pid}`" in err
            code, out, err = command("status", "--json")
            assert (code, json.loads(out)["capture_state"]) == (1, "BROKEN")
            told = json.loads(out)["capture"]
            assert told.startswith("1 ring waits since ")
            assert f"`kill -9 {process.pid}`" in told
            assert f"process {process.pid} (`iai-mcp drain`)" in err
            [rings, *_] = check_capture(memory)
            assert (rings.state, rings.finding) == ("BROKEN", told)
            assert command("timeline")[0] == 0
        finally:
            process.send_signal(signal.SIGCONT)
    assert command("drain")[0] == 0
    assert stored(memory) == ["plan the garden"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("recall", "garden"),
        ("timeline",),
        ("export", "jsonl"),
        ("session-start",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_shows_memories_drains_first(
    memory: Memory, command: Command, arguments: tuple[str, ...]
) -> None:
    ring(memory, "plan the garden")
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert "plan the garden" in out


@pytest.mark.parametrize("arguments", [("status",), ("sleep",)], ids=lambda arguments: arguments[0])
def test_a_command_on_the_store_drains_first(
    memory: Memory, command: Command, arguments: tuple[str, ...]
) -> None:
    ring(memory, "plan the garden")
    assert command(*arguments)[0] == 0
    assert stored(memory) == ["plan the garden"]


def test_an_answer_says_in_itself_what_is_still_missing(memory: Memory, command: Command) -> None:
    memory.ingest("a fact")
    ring(memory, "", session_id="gone")
    code, out, err = command("timeline", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [record["text"] for record in found["records"]] == ["a fact"]
    assert found["coverage"]["note"] == "1 ring waits: run `iai-mcp drain`"
    code, out, err = command("timeline")
    assert (code, out.count("1 ring waits"), err) == (0, 1, "")


def test_a_command_without_coverage_says_it_on_stderr(memory: Memory, command: Command) -> None:
    memory.ingest("a fact")
    ring(memory, "", session_id="gone")
    code, out, err = command("export", "jsonl")
    assert (code, json.loads(out)["text"]) == (0, "a fact")
    assert err == "iai-mcp: the newest turns may be missing: 1 ring waits: run `iai-mcp drain`\n"


def test_a_command_answers_though_the_spool_is_broken(memory: Memory, command: Command) -> None:
    memory.ingest("a fact")
    memory.paths.spool.write_text("no folder")
    code, out, err = command("timeline")
    assert (code, err) == (0, "")
    assert "a fact" in out
    assert out.count("is a file, and no folder: remove it with `rm ") == 1


def test_the_live_page_has_what_waited_and_the_cache_too(memory: Memory, command: Command) -> None:
    memory.ingest("a fact")
    refresh(memory)
    ring(memory, "plan the garden")
    assert "plan the garden" in command("session-start")[1]
    assert "plan the garden" in cache(memory).read_text()
    assert page_mark(memory.paths) is None


@pytest.mark.parametrize(
    ("charset", "form"), few_quick(["iso-8859-1", "iso-8859-9", "ascii"], [[], ["--json"]])
)
def test_the_live_page_is_utf_8_whatever_the_users_locale(
    memory: Memory, charset: str, form: list[str]
) -> None:
    ring(memory, "die Straße in 日本 🌱")
    environment = child_environment(memory.paths.root, None) | {"PYTHONIOENCODING": charset}
    done = subprocess.run(
        [*CLI, "session-start", *form], env=environment, capture_output=True, timeout=WAIT_SEC
    )
    assert "die Straße in 日本 🌱" in done.stdout.decode("utf-8")


@pytest.mark.parametrize("leave", [0, pytest.param(8 << 10, marks=pytest.mark.slow)])
def test_a_full_disk_is_named_by_each_command_and_after_room_is_made_all_is_there(
    tmp_path: Path, leave: int
) -> None:
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        store = disk / "store"
        memory = opened(store)
        memory.ingest("before")
        ring(memory, "during")
        environment = child_environment(store, None)
        ballast = fill(disk, leave)

        def told(*arguments: str) -> tuple[int, str, str]:
            done = subprocess.run(
                [*CLI, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=WAIT_SEC,
            )
            return done.returncode, done.stdout, done.stderr

        code, _, err = told("drain")
        assert code == 1
        assert "o space left on" in err
        assert "Traceback" not in err
        assert ".rs:" not in err
        code, out, _ = told("status", "--json")
        assert code == 1
        assert f"no space left on the disk of {store}: make room" in out
        code, out, _ = told("doctor")
        assert code == 1
        assert "no space left on" in out
        ballast.unlink()
        assert told("drain") == (0, "1 ring answered, 1 turn stored\n", "")
        assert told("status")[0] == 0
        assert stored(memory) == ["before", "during"]


IDLE = """
import contextlib, io, json, sys
from iai_server.__main__ import main

sys.argv = ["iai-mcp", "drain"]
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main()
assert out.getvalue() == "nothing waits\\n", out.getvalue()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("has_store", [False, True])
def test_an_idle_drain_loads_neither_the_table_nor_a_parser(
    memory: Memory, tmp_path: Path, has_store: bool
) -> None:
    store = tmp_path / "none"
    if has_store:
        store = memory.paths.root
        ring(memory, "captured before")
        memory.drain()
        refresh(memory)
    environment = child_environment(store, None)
    modules = set(json.loads(output_of([sys.executable, "-c", IDLE], env=environment)))
    assert modules & {*HEAVY, "pydantic", "typer", "rich", "asyncio"} == set()
    assert len(ours(modules)) <= 40, ours(modules)
    assert (tmp_path / "none").exists() is False


KILLED = """
import os, signal, sys
from iai_memory.capture import round_robin, session_state, spool
from iai_server.cli.main import run
from iai_server.doctor.capture_checks import check_capture

steps = 0
def dying(owner, name):
    kept = getattr(owner, name)
    def call(*args, **more):
        global steps
        steps += 1
        if steps == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(*args, **more)
    setattr(owner, name, call)
for owner, name in (
    (spool.Spool, "claim"), (spool.Claim, "read"), (spool.Claim, "answer"),
    (round_robin, "hasten_page"), (session_state.Sessions, "save"),
    (os, "replace"), (os, "rename"), (os, "unlink"),
):
    dying(owner, name)
sys.exit(run(["drain"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", [1, 2]
)  # every second step: all of them take longer than a test may
def test_a_drain_killed_at_any_step_loses_nothing_and_leaves_no_page_that_claims_too_much(
    first: int, tmp_path: Path
) -> None:
    for step in range(first, 200, 2):
        memory = opened(tmp_path / str(step))
        memory.ingest("a fact")
        refresh(memory)
        ring(memory, "plan the garden")
        died = subprocess.run(
            [sys.executable, "-c", KILLED, str(step)],
            env=child_environment(memory.paths.root, None),
            capture_output=True,
            timeout=WAIT_SEC * 2,
            check=False,
        )
        shows = cache(memory).exists() and "plan the garden" in page(memory)
        # What the hook asks before it serves the cache.
        waits = Spool(memory.paths).has_rings() or page_mark(memory.paths) is not None
        assert shows or waits
        if died.returncode == 0:
            break
        assert died.returncode == -9, died.stderr
        memory.drain()
        assert stored(memory) == ["a fact", "plan the garden"]
    else:
        pytest.fail("no run came to its end")
    assert step > 8


def test_two_drains_at_once_store_every_turn_once(memory: Memory) -> None:
    for number in range(40):
        ring(memory, f"turn {number:02}", session_id=f"s-{number % 8}")
    drains = [
        subprocess.Popen(
            [*CLI, "drain"],
            env=child_environment(memory.paths.root, None),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for drain in drains:
        _, err = drain.communicate(timeout=WAIT_SEC * 2)
        assert (drain.returncode, err) == (0, b"")
    assert stored(memory) == [f"turn {number:02}" for number in range(40)]
    assert not Spool(memory.paths).has_rings()


def test_a_read_only_store_is_one_sentence_and_keeps_its_rings(memory: Memory) -> None:
    memory.ingest("a fact")
    ring(memory, "plan the garden")
    environment = child_environment(memory.paths.root, None)
    with read_only(memory.paths.root):
        for arguments, code in ((["drain"], 1), (["timeline"], 0)):
            done = subprocess.run(
                [*bound_by_modes(), *CLI, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=WAIT_SEC,
                check=False,
            )
            assert done.returncode == code, done.stderr
            told = done.stderr if arguments == ["drain"] else done.stdout
            assert done.stderr.count("\n") == (arguments == ["drain"])
            assert told.count(str(memory.paths.root)) >= 1
            assert told.count("1 ring waits") == (arguments != ["drain"])
            assert "Traceback" not in done.stderr
    assert Spool(memory.paths).waiting().rings == 1
    memory.drain()
    assert stored(memory) == ["a fact", "plan the garden"]


@pytest.mark.slow
def test_beside_a_server_every_turn_is_stored_once(memory: Memory) -> None:
    with child_server(memory.paths.root, None) as server:
        server.ask("status")
        for number in range(12):
            ring(memory, f"turn {number:02}", session_id=f"s-{number % 3}")
            if number % 4 == 0:
                done = subprocess.run(
                    [*CLI, "drain"],
                    env=child_environment(memory.paths.root, None),
                    capture_output=True,
                    timeout=WAIT_SEC,
                    check=False,
                )
                assert (done.returncode, done.stderr) == (0, b"")
        until("every turn", lambda: len(stored(memory)) >= 12)
        until("the answers", lambda: not Spool(memory.paths).has_rings())
    assert stored(memory) == [f"turn {number:02}" for number in range(12)]


def test_it_is_not_switched_off_with_the_hooks(
    memory: Memory, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAI_MCP_DISABLE keeps hooks from ringing; what rang before is still stored on demand."""
    ring(memory, "rang before")
    monkeypatch.setenv("IAI_MCP_DISABLE", "1")
    assert command("drain")[0] == 0
    assert stored(memory) == ["rang before"]


def test_the_turns_of_a_folder_that_memory_stays_out_of_are_not_stored(
    memory: Memory, command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / ".iai-mcp-ignore").touch()
    ring(memory, "nobody's business", cwd=str(folder))
    assert command("drain") == (0, "1 ring answered, 0 turns stored\n", "")
    assert stored(memory) == []
