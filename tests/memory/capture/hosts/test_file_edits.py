"""The files that a host's edit tools changed: with the next turn, by path and digest."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.transcript_lines import (
    CODEX_META,
    SESSION,
    claude,
    codex,
    new_parser,
    outcome_of,
    tool_call,
    tool_result,
)

from iai_memory.capture.file_hints import FileHints
from iai_memory.capture.hosts.registry import HOSTS, Parser
from iai_memory.capture.turn import Turn
from iai_memory.store.changed_files import FileChange, content_digest

CALC = "def add(a, b):\n    return a + b\n"
DIGEST = content_digest(CALC.encode())


def changes(parser: Parser, *lines: object) -> list[list[FileChange]]:
    """What each turn of these lines says of changed files."""
    outcomes = [outcome_of(parser, line) for line in lines]
    return [list(one.changes) for one in outcomes if isinstance(one, Turn)]


def in_claude(*lines: object) -> list[FileChange]:
    """What the answer after these lines of Claude Code says of changed files."""
    parser = new_parser("claude-code")
    return changes(parser, *lines, claude([{"type": "text", "text": "Done."}], "assistant"))[-1]


def in_codex(*items: dict[str, Any], parser: Parser | None = None) -> list[FileChange]:
    """What the answer after these items of Codex says of changed files."""
    lines = [{**CODEX_META, "type": "response_item", "payload": item} for item in items]
    return changes(parser or new_parser("codex"), CODEX_META, *lines, codex("Done.", "assistant"))[
        -1
    ]


def patch(body: str, call: str = "c1", **more: Any) -> dict[str, Any]:
    """The call of apply_patch with this patch."""
    text = f"*** Begin Patch\n{body}*** End Patch"
    return {
        "type": "custom_tool_call",
        "name": "apply_patch",
        "call_id": call,
        "input": text,
    } | more


def output(text: str = "Success. Updated the following files:\nM x\n") -> dict[str, Any]:
    """The result of that call."""
    return {"type": "custom_tool_call_output", "call_id": "c1", "output": text}


def at_work_in(folder: Path) -> Parser:
    """A parser of a rollout that was written just now, by a session in the folder."""
    now = datetime.fromtimestamp(time.time(), UTC)
    parser = HOSTS["codex"].parser(None, FileHints("r.jsonl", now, lambda: None))
    meta = {**CODEX_META, "payload": {**CODEX_META["payload"], "cwd": str(folder)}}
    outcome_of(parser, meta)
    turn = {**meta, "type": "turn_context", "payload": {"cwd": str(folder)}}
    outcome_of(parser, turn)
    return parser


def test_a_written_file_comes_with_the_digest_of_what_was_written() -> None:
    call = tool_call("Write", {"file_path": "/home/sam/code/calc.py", "content": CALC})
    told = {"type": "create", "filePath": "/home/sam/code/calc.py", "content": CALC}
    found = in_claude(call, tool_result("created", toolUseResult=told))
    assert found == [FileChange("/home/sam/code/calc.py", DIGEST)]
    assert in_claude(call, tool_result("created")) == found


@pytest.mark.parametrize("name", ["Edit", "MultiEdit"])
def test_an_edit_comes_with_the_digest_of_the_content_after(name: str) -> None:
    edit = {
        "oldString": "a - b",
        "newString": "a + b",
        "old_string": "a - b",
        "new_string": "a + b",
    }
    told: dict[str, Any] = {"filePath": "/p/calc.py", "originalFile": CALC.replace("+", "-")}
    told |= edit if name == "Edit" else {"edits": [edit]}
    call = tool_call(name, {"file_path": "/p/calc.py"})
    assert in_claude(call, tool_result("ok", toolUseResult=told)) == [
        FileChange("/p/calc.py", DIGEST)
    ]


def test_a_notebook_that_was_edited_is_named_by_its_path() -> None:
    call = tool_call("NotebookEdit", {"notebook_path": "/p/a.ipynb", "new_source": "1"})
    assert in_claude(call, tool_result("ok")) == [FileChange("/p/a.ipynb")]


def test_a_refused_or_failed_edit_changed_nothing() -> None:
    call = tool_call("Edit", {"file_path": "/p/calc.py"})
    assert in_claude(call, tool_result("String to replace not found", is_error=True)) == []
    result = tool_result("not found", toolUseResult="Error: String to replace not found")
    assert in_claude(call, result) == []


def test_tools_that_only_read_change_nothing() -> None:
    call = tool_call("Read", {"file_path": "/p/calc.py"})
    assert in_claude(call, tool_result("1 def add")) == []


def test_the_last_change_of_a_file_counts_and_each_turn_has_its_own() -> None:
    def write(content: str, call: str) -> list[dict[str, Any]]:
        given = {"file_path": "/p/calc.py", "content": content}
        return [tool_call("Write", given, call), tool_result("ok", call)]

    answer = claude([{"type": "text", "text": "Written."}], "assistant", uuid="a")
    lines = [*write("old", "t1"), *write(CALC, "t2"), answer, answer]
    assert changes(new_parser("claude-code"), *lines) == [[FileChange("/p/calc.py", DIGEST)], []]


def test_a_change_survives_a_read_that_ends_between_the_call_and_the_answer() -> None:
    call = tool_call("Write", {"file_path": "/p/calc.py", "content": CALC})
    first = new_parser("claude-code")
    outcome_of(first, call)
    second = new_parser("claude-code", json.loads(json.dumps(first.state())))
    outcome_of(second, tool_result("ok"))
    third = new_parser("claude-code", json.loads(json.dumps(second.state())))
    assert changes(third, claude([{"type": "text", "text": "Done."}], "assistant")) == [
        [FileChange("/p/calc.py", DIGEST)]
    ]
    assert CALC not in json.dumps(third.state())


def test_an_edit_of_a_sub_agent_is_the_sessions_and_its_words_are_not() -> None:
    given = {"file_path": "/p/calc.py", "content": CALC}
    call, result = tool_call("Write", given, isSidechain=True), tool_result("ok", isSidechain=True)
    said = claude([{"type": "text", "text": "sub"}], "assistant", isSidechain=True)
    assert in_claude(call, result, said) == [FileChange("/p/calc.py", DIGEST)]


@pytest.mark.parametrize("place", [f"{SESSION}/subagents", "."])
def test_an_edit_in_a_sub_agents_own_transcript_is_the_sessions(tmp_path: Path, place: str) -> None:
    def lines_of(name: str) -> list[dict[str, Any]]:
        given = {"file_path": f"/p/{name}", "content": CALC}
        failed = tool_call("Write", {**given, "file_path": "/p/failed.py"}, "t2", isSidechain=True)
        return [
            tool_call("Write", given, isSidechain=True),
            tool_result("ok", isSidechain=True),
            failed,
            tool_result("no", "t2", is_error=True, isSidechain=True),
        ]

    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for agent in ("a1b2", "other"):
        text = "".join(json.dumps(one) + "\n" for one in lines_of(f"{agent}.py"))
        (tmp_path / place / f"agent-{agent}.jsonl").write_text('{"tool_use": broken\n' + text)

    def changed(agent: object) -> list[FileChange]:
        hints = FileHints(tmp_path / f"{SESSION}.jsonl", datetime.now(UTC), lambda: None)
        parser = HOSTS["claude-code"].parser(None, hints)
        task = tool_call("Task", {"prompt": "write it"}, "t9")
        result = tool_result("done", "t9", toolUseResult={"agentId": agent})
        said = claude([{"type": "text", "text": "Done."}], "assistant")
        return changes(parser, task, result, said)[-1]

    assert changed("a1b2") == [FileChange("/p/a1b2.py", DIGEST)]
    assert [changed(one) for one in ("gone", f"x/../{place}/agent-a1b2", 7)] == [[], [], []]


def test_a_secret_in_a_path_is_not_stored() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    call = tool_call("Write", {"file_path": f"/p/{secret}/calc.py", "content": CALC})
    [change] = in_claude(call, tool_result("ok"))
    assert secret not in change.path
    assert change.path.startswith("/p/[redacted:")


def test_no_digest_tells_a_short_secret() -> None:
    content = 'API_TOKEN = "ghp_' + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8" + '"\n'
    call = tool_call("Write", {"file_path": "/p/.env", "content": content})
    assert in_claude(call, tool_result("ok")) == [FileChange("/p/.env")]


@pytest.mark.parametrize("value", [None, 7, [], {}, [None], {"file_path": 7}, "x"])
def test_no_shape_of_a_call_or_a_result_costs_a_turn(value: object) -> None:
    for call in (tool_call("Edit", value), tool_call("Edit", {"file_path": value})):
        assert in_claude(call, tool_result(value, toolUseResult=value)) in ([], [FileChange("x")])
    items = {"type": "function_call", "name": "apply_patch", "call_id": "c1", "arguments": value}
    assert in_codex(items, output()) == []


def test_a_patch_names_added_updated_moved_and_deleted_files() -> None:
    body = (
        "*** Add File: calc.py\n+def add(a, b):\n+    return a + b\n"
        "*** Update File: lib/old.py\n*** Move to: lib/new.py\n@@ def f\n-x\n+y\n"
        "*** Delete File: /etc/motd\n"
    )
    assert in_codex(patch(body), output()) == [
        FileChange("/home/sam/a/calc.py", DIGEST),
        FileChange("/home/sam/a/lib/old.py", is_deleted=True),
        FileChange("/home/sam/a/lib/new.py"),
        FileChange("/etc/motd", is_deleted=True),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"input": "*** Begin Patch\n*** Delete File: b.py\n*** End Patch"},
        {"command": ["apply_patch", "*** Begin Patch\n*** Delete File: b.py\n*** End Patch"]},
        {
            "command": [
                "bash",
                "-lc",
                "cd .. && apply_patch <<'E'\n"
                "*** Begin Patch\n*** Delete File: b.py\n*** End Patch\nE",
            ]
        },
    ],
)
def test_a_patch_in_a_shell_call_is_one(arguments: dict[str, Any]) -> None:
    call = {"type": "function_call", "name": "shell", "call_id": "c1"}
    call["arguments"] = json.dumps({**arguments, "workdir": "/home/sam/w"})
    if "input" in arguments:
        call["name"] = "apply_patch"
    found = in_codex(call, {**output(), "type": "function_call_output"})
    assert found == [FileChange("/home/sam/w/b.py", is_deleted=True)]


@pytest.mark.parametrize(
    "text",
    [
        "apply_patch verification failed: Failed to find expected lines",
        '{"output":"no","metadata":{"exit_code":1,"duration_seconds":0.1}}',
        "Exit code: 1\nOutput:\nno",
        "patch rejected by user",
        "unsupported custom tool call: apply_patch",
    ],
)
def test_a_patch_that_failed_changed_nothing(text: str) -> None:
    assert in_codex(patch("*** Delete File: b.py\n"), output(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Wall time: 0.0 seconds\nOutput:\nExit code: 0\nOutput:\nSuccess. Updated these files:",
        '{"output":"Success. Updated the following files:","metadata":{"exit_code":0}}',
        '{"output":"","metadata":{"exit_code":0}}',
        "",
    ],
)
def test_a_patch_that_was_applied_is_a_change(text: str) -> None:
    change = FileChange("/home/sam/a/b.py", is_deleted=True)
    assert in_codex(patch("*** Delete File: b.py\n"), output(text)) == [change]


def test_a_shell_that_only_shows_a_patch_changed_nothing() -> None:
    call = {"type": "function_call", "name": "shell", "call_id": "c1"}
    shown = "grep -n '*** Begin Patch\n*** Delete File: b.py\n*** End Patch' log"
    call["arguments"] = json.dumps({"command": ["bash", "-lc", shown]})
    assert in_codex(call, {**output(), "type": "function_call_output"}) == []


def test_an_updated_file_has_the_digest_of_what_is_there_if_the_patch_is_in_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "calc.py"
    file.write_text(CALC)
    update = patch(
        "*** Update File: calc.py\n@@\n def add(a, b):\n-    return a\n+    return a + b\n"
    )
    found = in_codex(update, output(), parser=at_work_in(tmp_path))
    assert found == [FileChange(str(file), DIGEST)]
    file.write_text("something else\n")
    found = in_codex(update, output(), parser=at_work_in(tmp_path))
    assert found == [FileChange(str(file))]


def test_a_file_that_was_written_after_the_transcript_is_not_what_the_host_left(
    tmp_path: Path,
) -> None:
    file = tmp_path / "calc.py"
    file.write_text(CALC)
    hints = FileHints(f"{SESSION}.jsonl", datetime(2026, 1, 1, tzinfo=UTC), lambda: None)
    assert hints.digest_on_disk(str(file), str(tmp_path), ["a + b"]) is None


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "large", "outside"])
def test_what_a_path_leads_to_is_only_read_if_it_is_a_small_file_of_the_folder(
    tmp_path: Path, kind: str
) -> None:
    folder, file = tmp_path / "p", tmp_path / "p" / "calc.py"
    folder.mkdir()
    (tmp_path / "secret").write_text(CALC)
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "link":
        file.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        file.mkdir()
    elif kind == "large":
        file.write_bytes(b" " * (1 << 20) + CALC.encode())
    else:
        file = tmp_path / "p" / ".." / "secret"
    hints = FileHints("r.jsonl", datetime.now(UTC), lambda: None)
    assert hints.digest_on_disk(str(file), str(folder), []) is None
    (folder / "b.py").write_text(CALC)
    assert hints.digest_on_disk(str(folder / "b.py"), str(folder), []) == DIGEST
