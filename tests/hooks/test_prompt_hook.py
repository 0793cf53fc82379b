"""The prompt hook: what it asks of a server that lives, what it prints, what it leaves behind.

The test is the server here; tests/server/serving/test_rendezvous.py has the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.hooks import PromptRun, needs_root
from tests.support.modes import bound_by_modes, read_only
from tests.support.shells import yash_loses_bytes

from iai_memory.base.process import began

TEXT = "- 2026-05-08 you: port 5544, `$(id)` \\n 'é'"


def answer(*lines: str) -> Callable[[str], bytes]:
    """An answer of these lines of text, as servers give it."""
    return lambda number: "".join(f"{line}\n" for line in (*lines, f"end {number}")).encode()


def saying(text: str) -> Callable[[str], bytes]:
    return answer(*(f"|{line}" for line in text.split("\n")))


@yash_loses_bytes
def test_what_a_server_says_is_printed_as_it_is_and_nothing_is_left(prompt: PromptRun) -> None:
    said = f"<iai-mcp-recall>\n{TEXT}\n\n  \\\n</iai-mcp-recall>"

    with prompt.awaited(saying(said)) as requests:
        assert prompt.run(b'{"prompt":"which port?"}') == f"{said}\n"

    assert requests == [b'{"prompt":"which port?"}']
    assert prompt.left() == set()
    assert prompt.log() == []


def test_a_server_that_has_nothing_to_say_has_nothing_printed(prompt: PromptRun) -> None:
    with prompt.awaited(answer()) as requests:
        assert prompt.run() == ""

    assert len(requests) == 1
    assert prompt.left() == set()
    assert prompt.log() == []


HOSTILE = [
    pytest.param(b'{"prompt":"' + b"a longer paste " * 70_000 + b'"}', id="a megabyte"),
    pytest.param(b'{"prompt":"a\0b"}\0', id="NUL"),
    pytest.param(b"'\"`$(touch pwned)`;\n\n|end\nlate\n\x04\n%s\\", id="of a shell"),
    pytest.param(b"</iai-mcp-recall>\xff\xfe", id="a fence, and no UTF-8"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("stdin", HOSTILE)
def test_a_server_gets_every_byte_of_the_host(prompt: PromptRun, stdin: bytes) -> None:
    with prompt.awaited(saying("said")) as requests:
        assert prompt.run(stdin) == "said\n"

    assert requests == [stdin]
    assert not list(prompt.folder.rglob("pwned"))


def test_text_that_looks_like_the_end_of_an_answer_is_text(prompt: PromptRun) -> None:
    with prompt.awaited(lambda number: f"|end {number}\n|late\n|\n|x\nend {number}\n".encode()):
        out = prompt.run()

    assert out.splitlines()[1:] == ["late", "", "x"]


def test_a_request_is_private(prompt: PromptRun) -> None:
    modes: list[int] = []

    def look(number: str) -> bytes:
        for name in (f"{number}.json", f"{number}.answer"):
            modes.append(stat.S_IMODE((prompt.meeting / name).stat().st_mode))
        return answer()(number)

    with prompt.awaited(look):
        prompt.run()

    assert modes == [0o600, 0o600]


@pytest.mark.parametrize("half", [b"|a part of", b"|a part\n|end 1\n", b"end 1\n", b"end"])
def test_an_answer_that_is_not_whole_is_none(prompt: PromptRun, half: bytes) -> None:
    with prompt.awaited(lambda _: half):
        assert prompt.run() == ""

    assert prompt.left() == set()
    assert prompt.log() == ["unanswered late"]


def test_a_server_that_is_stopped_holds_nobody_up(prompt: PromptRun) -> None:
    with prompt.awaited(None):
        assert prompt.run() == ""

    assert prompt.left() == set()
    assert prompt.log() == ["unanswered late"]


def test_where_no_server_lives_nothing_is_written_but_a_line_of_the_log(prompt: PromptRun) -> None:
    assert prompt.run(b'{"prompt":"' + b"x" * 200_000 + b'"}') == ""
    assert prompt.log() == ["unanswered nobody"]
    assert not prompt.meeting.exists()

    with prompt.awaited(answer()) as requests:
        (prompt.meeting / f"server-{os.getpid()}").rename(prompt.meeting / f"server-{ended()}")
        assert prompt.run() == ""
    assert requests == []
    assert prompt.log() == ["unanswered nobody"] * 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="nobody tells when one began")
def test_nobody_waits_for_a_process_that_has_a_dead_servers_number(prompt: PromptRun) -> None:
    with prompt.awaited(answer()) as requests:
        mark = prompt.meeting / f"server-{os.getpid()}"
        mark.write_text("1\n")
        assert prompt.run() == ""
        assert requests == []
        mark.unlink()
        os.mkfifo(mark)
        assert prompt.run() == ""
        assert requests == []
        mark.unlink()
        mark.write_text(f"{began(os.getpid())}\n")
        prompt.run()
        assert len(requests) == 1

    assert prompt.log() == ["unanswered nobody"] * 2


def ended() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen(["true"]) as child:
        return child.pid


def a_file(ask: Path) -> None:
    ask.write_text("not a FIFO")


def a_folder(ask: Path) -> None:
    ask.mkdir()


def a_link(ask: Path) -> None:
    os.mkfifo(ask.parent / "elsewhere")
    ask.symlink_to("elsewhere")


def a_dangling_link(ask: Path) -> None:
    ask.symlink_to("nowhere")


def nothing(ask: Path) -> None:
    pass


@pytest.mark.parametrize("put", [a_file, a_folder, a_link, a_dangling_link, nothing])
def test_what_is_no_fifo_in_its_place_is_not_asked(
    prompt: PromptRun, put: Callable[[Path], None]
) -> None:
    with prompt.awaited(None):
        prompt.ask.unlink()
        put(prompt.ask)
        before = sorted(prompt.meeting.iterdir())
        assert prompt.run() == ""

    assert prompt.log() == ["unanswered nobody"]
    assert sorted(prompt.meeting.iterdir()) == before
    assert not prompt.ask.is_file() or prompt.ask.read_text() == "not a FIFO"


@needs_root
@pytest.mark.parametrize("what", ["store/run/ask", "store/run", "store"])
def test_a_fifo_of_another_user_is_not_asked(prompt: PromptRun, what: str) -> None:
    with prompt.awaited(answer()) as requests:
        os.chown(prompt.folder / what, 65_534, 65_534)
        assert prompt.run() == ""

    assert requests == []


def test_a_folder_that_is_a_link_is_not_used(prompt: PromptRun) -> None:
    with prompt.awaited(answer()) as requests:
        prompt.meeting.rename(prompt.folder / "elsewhere")
        prompt.meeting.symlink_to(prompt.folder / "elsewhere")
        assert prompt.run() == ""

    assert requests == []


@pytest.mark.parametrize("value", ["0", "false", "no", "off", "F"])
def test_the_switch_keeps_the_prompt_to_the_host(prompt: PromptRun, value: str) -> None:
    prompt.env["IAI_MCP_PROMPT_RECALL"] = value

    with prompt.awaited(saying("said")) as requests:
        assert prompt.run(b"x" * 200_000) == ""

    assert requests == []
    assert prompt.log() == []


@pytest.mark.parametrize("value", ["", "1", "true", "yes"])
def test_the_switch_is_on_otherwise(prompt: PromptRun, value: str) -> None:
    prompt.env["IAI_MCP_PROMPT_RECALL"] = value

    with prompt.awaited(saying("said")):
        assert prompt.run() == "said\n"


@pytest.mark.parametrize("how", ["IAI_MCP_DISABLE", ".iai-mcp-ignore"])
def test_where_memory_is_off_nobody_is_asked(prompt: PromptRun, how: str) -> None:
    if how == "IAI_MCP_DISABLE":
        prompt.env[how] = "1"
    else:
        (prompt.folder / how).touch()

    with prompt.awaited(saying("said")) as requests:
        assert prompt.run(b"x" * 200_000) == ""

    assert requests == []


def test_what_a_killed_hook_leaves_goes_with_the_next_one(prompt: PromptRun) -> None:
    with prompt.awaited(None), prompt.start() as hook:
        assert hook.stdin is not None
        hook.stdin.write(b'{"prompt":"a secret"}')
        hook.stdin.flush()
        wait_for(lambda: any(path.suffix == ".json" for path in prompt.meeting.iterdir()))
        os.killpg(hook.pid, signal.SIGKILL)
        hook.wait()
        assert prompt.left() != set()
        prompt.run()

        assert prompt.left() == set()


def test_a_hook_that_is_ended_takes_its_request_with_it(prompt: PromptRun) -> None:
    with prompt.awaited(None), prompt.start() as hook:
        assert hook.stdin is not None
        hook.stdin.write(b'{"prompt":"a secret"}')
        hook.stdin.flush()
        wait_for(lambda: any(path.suffix == ".json" for path in prompt.meeting.iterdir()))
        os.killpg(hook.pid, signal.SIGTERM)
        hook.stdin.close()

        hook.wait(60)
        assert prompt.left() == set()


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_lies_where_a_request_is_to_lie_is_replaced(prompt: PromptRun) -> None:
    secret = prompt.folder / "mine"
    secret.write_text("mine")
    prompt.shell = [
        "sh",
        "-c",
        'ln -s ../../mine "$0/$$.json"; ln -s ../../mine "$0/$$.answer"; exec "$@"',
        str(prompt.meeting),
        *prompt.shell,
    ]

    with prompt.awaited(saying("said")):
        assert prompt.run() == "said\n"

    assert secret.read_text() == "mine"


def test_a_full_disk_costs_the_answer_and_nothing_else(prompt: PromptRun) -> None:
    (prompt.store / "logs").mkdir(mode=0o700)
    prompt.shell = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *prompt.shell]

    with prompt.awaited(saying("said")) as requests:
        assert prompt.run(json.dumps({"prompt": "x" * 200_000}).encode()) == ""

    assert requests == []
    assert prompt.left() == set()
    assert prompt.log() == ["failed: the request cannot be written"]


def test_a_store_that_cannot_be_written_costs_the_answer_and_nothing_else(
    prompt: PromptRun,
) -> None:
    prompt.shell = [*bound_by_modes(), *prompt.shell]
    with prompt.awaited(saying("said")) as requests, read_only(prompt.store):
        assert prompt.run(b"x" * 200_000) == ""

    assert requests == []


def test_an_answer_costs_three_small_processes(prompt: PromptRun) -> None:
    watched = ("cat", "mkfifo", "sleep", "stat", "date", "rm", "mkdir", "awk", "sed", "python3")
    for name in (*watched, "printf", "["):  # yash takes its own only where the PATH has one
        real = shutil.which(name) or "/bin/false"
        prompt.command(name, f'echo {name} >>"{prompt.folder}/started"\nexec {real} "$@"')
    prompt.env["PATH"] = str(prompt.folder / "bin")
    prompt.shell = [str(shutil.which(prompt.shell[0])), *prompt.shell[1:]]

    def say(number: str) -> bytes:
        for name in (f"{number}.json", f"{number}.answer"):  # as servers do
            (prompt.meeting / name).unlink()
        return answer("|said")(number)

    with prompt.awaited(say):
        assert prompt.run() == "said\n"

    started = (prompt.folder / "started").read_text().split()
    # A timer that is ended before it sleeps may run its parent's trap; the files are gone then.
    assert set(started) - {"printf"} <= {"cat", "mkfifo", "sleep", "rm"}
    assert len([name for name in started if name != "printf"]) <= 3
