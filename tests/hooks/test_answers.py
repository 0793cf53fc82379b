"""The hooks answer each host as it wants it, also one that runs the hooks of another."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.hooks import PAGE, CaptureRun, RecallRun, put

# What each host writes, by its documentation of 2026-12-01, and where it looks for the text.
IN_HOOK = ("hookSpecificOutput", "additionalContext")
ANSWERS = {
    "vscode": ({"sessionId": "s", "hookEventName": "SessionStart", "cwd": "{}"}, "", IN_HOOK),
    "gemini": (
        {"session_id": "s", "cwd": "{}", "hook_event_name": "SessionStart"},
        "hook",
        IN_HOOK,
    ),
    "copilot": ({"sessionId": "s", "cwd": "{}", "source": "new"}, "", ("additionalContext",)),
    "cursor": (
        {"conversation_id": "c", "workspace_roots": ["{}", "/other"]},
        "",
        ("additional_context",),
    ),
}


def _in_folder(value: Any, folder: str) -> Any:
    return json.loads(json.dumps(value).replace("{}", folder))


@pytest.mark.parametrize("host", ANSWERS)
def test_the_page_comes_in_the_shape_that_the_host_reads(recall: RecallRun, host: str) -> None:
    told, answer, keys = ANSWERS[host]
    recall.env["IAI_MCP_ANSWER"] = answer
    page = PAGE + "\n\ta\x1bb\\"
    put(recall.cache, page)

    printed = json.loads(recall.run(json.dumps(_in_folder(told, str(recall.project))).encode()))

    assert set(printed) == {keys[0]}
    assert printed.get("hookSpecificOutput", {}).get("hookEventName") in (None, "SessionStart")
    for key in keys:
        printed = printed[key]
    assert printed == page.replace("\t", " ").replace("\x1b", " ")
    assert recall.log()[0].startswith("cache-hit")


@pytest.mark.parametrize("host", [host for host in ANSWERS if host != "gemini"])
def test_a_host_that_runs_the_hooks_of_another_rings_nothing_and_nothing_fails(
    capture: CaptureRun, host: str
) -> None:
    told, _, _ = ANSWERS[host]
    capture.ring({**_in_folder(told, "/p"), "transcript_path": "/t.jsonl", "prompt": "hello"})

    assert not capture.store.exists()
