"""The rendezvous of the prompt hook with a real server: processes, hook and model."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.support.checkout import HOOKS
from tests.support.given_prompts import FACTS, PROMPTS, SURE, note_given
from tests.support.hooks import needs_root
from tests.support.talking import ChildServer, child_environment, child_server, run_cli

from iai_memory import Memory, load_settings
from iai_memory.base.clock import utc_now
from iai_memory.base.ledger import Ledger
from iai_memory.base.paths import StorePaths
from iai_memory.base.process import began
from iai_memory.base.prompt_log import PromptLog
from iai_memory.errors import StoreUnavailable
from iai_memory.results import PromptRecall
from iai_server.serving.rendezvous import Prompt, open_ask, sweep

T = TypeVar("T")
FACT = "The staging database of the weather station listens on port 5544."
QUESTION = "which port does the staging database of the weather station listen on?"


def ask(store: Path, folder: Path, prompt: str = QUESTION, **fields: Any) -> str:
    """What the hook prints for a prompt in a folder; a busy machine may need more than one try."""
    # A session of its own: nothing is said twice in one.
    session = f"s-{time.monotonic_ns()}"
    asked = {"prompt": prompt, "cwd": str(folder), "session_id": session, **fields}
    done = subprocess.run(
        [HOOKS / "iai-mcp-prompt-recall.sh"],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
        cwd=folder,
        env=child_environment(store, None),
        timeout=60,
    )
    assert done.stderr == b""
    return done.stdout.decode()


def until_said(store: Path, folder: Path, **fields: Any) -> str:
    """What is said at the prompt, once a server that loads or a machine that is busy is in time."""
    return until(lambda: ask(store, folder, **fields))


def until(look: Callable[[], T]) -> T:
    end = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the server, which is started in the project around it."""
    project = tmp_path_factory.mktemp("prompts")
    (project / ".git").mkdir()
    return project / "store"


@pytest.fixture(scope="module")
def server(store: Path, model_folder: Path) -> Generator[ChildServer]:
    """A server that knows the fact, which is on no page; each test leaves it running."""
    told = {"text": FACT, "role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    memory = Memory(settings=load_settings(store=store, model=model_folder))
    memory.ingest([told], origin="import")
    with child_server(store, model_folder) as child:
        child.ask("recall", {"query": QUESTION})
        until((store / "run" / f"server-{child.process.pid}").exists)
        yield child


@pytest.mark.slow
def test_a_server_that_sees_no_use_of_what_it_says_says_less_until_it_is_reset(
    tmp_path: Path, model_folder: Path
) -> None:
    (tmp_path / ".git").mkdir()
    store = tmp_path / "store"
    memory = Memory(settings=load_settings(store=store, model=model_folder))
    old = {"role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    told = memory.ingest([{"text": text, **old} for text in FACTS], origin="import").results[0]
    assert told.id is not None
    note_given(memory, told.id, ["Done."] * 40, utc_now() - timedelta(hours=3))
    said = {prompt for prompt in PROMPTS if _recalled(memory, prompt).text}
    memory.close()

    with child_server(store, model_folder, IAI_MCP_REFRESH_TICK_SEC="0.1") as child:
        child.ask("recall", {"query": SURE})
        until(lambda: memory.ledger.last("prompt_threshold_raised"))
        until(lambda: memory.prompt_threshold().judged == 40)
        doubtful = next(one for one in said if not _recalled(memory, one).text)
        log = until(lambda: ask(store, tmp_path, doubtful) or _last_line(store, "silent"))
        assert re.search(r"reason=threshold_raised ms=\d+ threshold=0\.916$", log)
        assert until_said(store, tmp_path, prompt=SURE)

        assert "0.80" in run_cli(store, "why", "--reset-threshold")
        assert until_said(store, tmp_path, prompt=doubtful)


def _recalled(memory: Memory, prompt: str) -> PromptRecall:
    return memory.prompt_recall(prompt, session_id="new", cwd=None, host="claude-code")


def _last_line(store: Path, word: str) -> str:
    """The last line of the log of prompts, if it begins with that word behind its time."""
    [file] = (store / "logs").glob("prompt-*.log")
    line = file.read_text().splitlines()[-1]
    return line if line.split()[1] == word else ""


@pytest.fixture
def folder(store: Path, tmp_path: Path) -> Path:
    """A folder of that project."""
    made = store.parent / tmp_path.name
    made.mkdir()
    return made


def test_a_prompt_that_a_memory_answers_gets_it_and_others_get_nothing(
    server: ChildServer, store: Path, folder: Path
) -> None:
    said = until_said(store, folder, session_id="s")

    first, *lines, last = said.splitlines()
    assert (first, last) == ("<iai-mcp-recall>", "</iai-mcp-recall>")
    assert FACT in "\n".join(lines)
    assert ask(store, folder, prompt="yes") == ""
    assert ask(store, folder, prompt="write a poem about the sea") == ""
    assert [path.name for path in (store / "run").iterdir() if path.suffix] == []
    event = until(lambda: Ledger(StorePaths(store)).last("memory_injected")) or {}
    assert (event["by"], event["session"], len(event["ids"])) == ("prompt", "s", 1)
    assert FACT not in json.dumps(event)
    assert until(lambda: PromptLog(StorePaths(store)).counts().counts["said"])


def test_a_project_may_switch_it_off(server: ChildServer, store: Path, folder: Path) -> None:
    below = folder / "src"
    below.mkdir()
    until_said(store, below)

    (folder / ".iai-mcp.toml").write_text("prompt_recall = false\n")
    assert ask(store, below) == ""
    (below / ".iai-mcp.toml").write_text("prompt_recall = true\n")
    assert FACT in until_said(store, below)
    (below / ".iai-mcp.toml").write_text("prompt_recall = maybe\n")
    assert ask(store, below) == ""
    (below / ".iai-mcp.toml").unlink()
    (folder / ".iai-mcp.toml").unlink()
    (folder / ".iai-mcp-ignore").touch()
    assert ask(store, store.parent, cwd=str(below)) == ""

    (folder / ".iai-mcp-ignore").unlink()
    assert FACT in until_said(store, below)


def test_of_two_servers_the_one_that_lives_answers(
    server: ChildServer, store: Path, folder: Path, model_folder: Path
) -> None:
    with child_server(store, model_folder) as other:
        until((store / "run" / f"server-{other.process.pid}").exists)
        for stopped in (server, other):
            stopped.process.send_signal(signal.SIGSTOP)
            assert FACT in until_said(store, folder)
            stopped.process.send_signal(signal.SIGCONT)
        ended = other.end()[0]
        assert FACT in until_said(store, folder)

    assert ended == 0
    assert (store / "run" / "ask").exists()
    server.process.send_signal(signal.SIGSTOP)
    assert ask(store, folder) == ""
    server.process.send_signal(signal.SIGCONT)
    assert FACT in until_said(store, folder)


def test_the_last_server_leaves_nothing_where_it_met_hooks(
    tmp_path: Path, model_folder: Path
) -> None:
    met = tmp_path / "store" / "run"
    with child_server(tmp_path / "store", model_folder) as child:
        until((met / f"server-{child.process.pid}").exists)
        assert child.end()[0] == 0

    assert list(met.iterdir()) == []


def test_a_fifo_that_is_taken_away_is_made_again(
    server: ChildServer, store: Path, folder: Path
) -> None:
    (store / "run" / "ask").unlink()

    assert FACT in until_said(store, folder)


def test_what_a_killed_hook_left_is_swept_by_a_server(server: ChildServer, store: Path) -> None:
    left = store / "run" / f"{os.getpid()}.json"
    left.write_text("a secret")
    os.utime(left, (time.time() - 10, time.time() - 10))

    until(lambda: not left.exists())


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    """A folder where hooks and servers meet."""
    made = tmp_path / "run"
    made.mkdir(mode=0o700)
    return made


def test_only_what_is_old_or_of_no_living_server_is_swept(meeting: Path) -> None:
    kept = ["ask", f"server-{os.getpid()}", "7.json", "notes.json"]
    gone = ["5.json", "6.answer", f"server-{2**22 + 1}", "server-x", "8.json"]
    gone.append(f"server-{os.getppid()}")  # alive, but not the one that made it
    for name in (*kept, *gone):
        (meeting / name).touch()
    (meeting / f"server-{os.getpid()}").write_text(f"{began(os.getpid())}\n")
    (meeting / gone[-1]).write_text("1\n")
    for name, age in {"5.json": 10, "6.answer": 10, "8.json": -10, "notes.json": 10}.items():
        os.utime(meeting / name, (time.time() - age, time.time() - age))

    sweep(meeting)

    assert sorted(path.name for path in meeting.iterdir()) == sorted(kept)


def test_a_folder_of_sweepings_that_is_gone_or_made_by_nobody_is_no_fault(meeting: Path) -> None:
    (meeting / "5.json").mkdir()
    os.utime(meeting / "5.json", (0, 0))

    sweep(meeting)

    assert (meeting / "5.json").is_dir()


@pytest.mark.parametrize("what", ["file", "link", "dangling link", "nothing"])
def test_what_has_the_place_of_the_fifo_gives_it_up(meeting: Path, what: str) -> None:
    place, elsewhere = meeting / "ask", meeting / "elsewhere"
    if what == "file":
        place.write_text("not a FIFO")
    elif what != "nothing":
        place.symlink_to(elsewhere)
        if what == "link":
            os.mkfifo(elsewhere)

    os.close(open_ask(meeting, place))

    assert stat.S_ISFIFO(place.lstat().st_mode)
    assert stat.S_IMODE(place.lstat().st_mode) == 0o600
    assert {path.name for path in meeting.iterdir()} <= {"ask", "elsewhere"}


def test_a_fifo_that_is_there_is_shared(meeting: Path) -> None:
    one, other = (open_ask(meeting, meeting / "ask") for _ in range(2))
    try:
        os.write(one, b"1\n")
        assert os.read(other, 9) == b"1\n"
    finally:
        os.close(one)
        os.close(other)


def test_a_folder_in_its_place_and_a_link_to_a_folder_are_told(meeting: Path) -> None:
    (meeting / "ask").mkdir()
    with pytest.raises(StoreUnavailable, match="is a folder: remove it"):
        open_ask(meeting, meeting / "ask")

    link = meeting.parent / "link"
    link.symlink_to(meeting)
    with pytest.raises(StoreUnavailable, match="is not a folder of this user"):
        open_ask(link, link / "ask")
    assert [path.name for path in meeting.iterdir()] == ["ask"]


@needs_root
def test_a_fifo_of_another_user_is_replaced_and_a_folder_of_one_is_told(meeting: Path) -> None:
    os.mkfifo(meeting / "ask")
    os.chown(meeting / "ask", 65_534, 65_534)
    os.close(open_ask(meeting, meeting / "ask"))
    assert (meeting / "ask").lstat().st_uid == os.geteuid()

    os.chown(meeting, 65_534, 65_534)
    with pytest.raises(StoreUnavailable, match="is not a folder of this user"):
        open_ask(meeting, meeting / "ask")


def of(**fields: Any) -> Prompt:
    return Prompt.of(json.dumps({"prompt": "which port?", **fields}).encode())


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"hookEventName": "UserPromptSubmit", "sessionId": "s"}, "UserPromptSubmit"),
        ({"hook_event_name": "BeforeAgent", "session_id": "s"}, "BeforeAgent"),
        (
            {"session_id": "s", "transcript_path": "/home/a/.qwen/tmp/s.jsonl"},
            "UserPromptSubmit",
        ),
    ],
)
def test_hosts_that_read_json_only_get_json(fields: dict[str, str], event: str) -> None:
    prompt = of(**fields)

    said = json.loads(prompt.formatted('a "b"\nc'))

    assert said == {"hookSpecificOutput": {"hookEventName": event, "additionalContext": 'a "b"\nc'}}
    assert prompt.formatted("") == ""
    assert prompt.session_id == "s"


def test_claude_code_and_codex_get_the_text() -> None:
    claude = of(hook_event_name="UserPromptSubmit", session_id="s", cwd="/p")
    codex = of(hook_event_name="UserPromptSubmit", session_id="s", cwd="/p", turn_id="t")

    assert [one.formatted("a\nb") for one in (claude, codex)] == ["a\nb"] * 2
    assert [one.host for one in (claude, codex)] == ["claude-code", "codex"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"{", b'"x"', b"[" * 100_000, b'{"prompt":7}', b'{"prompt":null}', b"\0"],
)
def test_what_is_no_prompt_is_none(raw: bytes) -> None:
    assert Prompt.of(raw).text is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"prompt":"a\0b"}', "a\0b"),
        (b'{"prompt":"a\nb"}', "a\nb"),
        (b'\xef\xbb\xbf{"prompt":"a"}', "a"),
        (b'{"prompt":"\\ud83d"}', "?"),
        (b'{"prompt":"\xff"}', "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_prompt_is_read_whatever_characters_it_has(raw: bytes, text: str) -> None:
    assert Prompt.of(raw).text == text
