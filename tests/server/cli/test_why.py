"""`iai-mcp why`, as a person reads it on a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.results import PromptRecall
from iai_server.cli.main import run


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The memory that the commands open; it has no model."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setenv("TZ", "UTC")
    folder = tmp_path / "ship"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Memory(tmp_path / "store", cwd=folder, on_commit=lambda: None)


def given(memory: Memory) -> str:
    """A session in which a prompt was given one memory, whose id is returned."""
    turn = {"text": "Which port?", "role": "user", "session_id": "s-1", "project": str(Path.cwd())}
    told = {"text": "Staging: port 5544\x1b[31m\u202e.", "created_at": "2026-05-01"}
    id_ = memory.ingest([told, turn]).results[0].id
    assert id_ is not None
    recalled = PromptRecall(text="b", memory_ids=[id_], confidences=[0.934], reason="answers")
    memory.note_injected(recalled, session_id="s-1", by="prompt")
    answer = {"text": "5544.", "role": "assistant", "session_id": "s-1", "project": str(Path.cwd())}
    memory.ingest(answer)
    return id_


def test_the_last_session_of_the_folder_is_shown_line_by_line(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = given(memory)
    memory.note_answered("recall", [id_])
    assert run(["why"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    head, first, *_ = lines = shown.splitlines()
    assert re.fullmatch(r"session s-1, \S+/ship, 20[0-9: -]{17} to 20[0-9: -]{17}, 2 turns", head)
    assert first.endswith("  prompt (answers)")
    assert lines[2] == f"  {id_}  0.93  used: 5544"
    assert lines[3].startswith("       2026-05-01 note: Staging: port 5544")
    assert lines[4].endswith("  tool recall (asked), of this session by project and time")
    assert lines[5] == f"  {id_}  unclear"
    assert lines[-1] == "together: 1 used, 1 unclear"


def test_of_a_page_only_what_mattered_is_listed_unless_all_is_asked_for(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = [f"The port of crane number {n} is {5500 + n}." for n in range(40)]
    memory.ingest([{"text": text, "created_at": "2026-05-01"} for text in facts])
    page = memory.session_start(None)
    assert len(page.memory_ids) > 20
    assert "memory_ids" not in page.model_dump_json()
    memory.note_page(page, session_id="s-1")
    answer = {"text": "It is 5539.", "role": "assistant", "session_id": "s-1"}
    memory.ingest([{"text": "Which?", "role": "user", "session_id": "s-1"}, answer])

    assert run(["why", "s-1"]) == 0
    _, head, used, text, *rest = capsys.readouterr().out.splitlines()
    count = len(page.memory_ids)
    assert head.endswith(f"  page (session start), {count} memories")
    assert used.endswith("  used: 5539")
    assert text.endswith(facts[39])
    left_out = f"{count - 1} not used"
    assert rest == [f"  {left_out}: `--all` lists them", f"together: 1 used, {left_out}"]
    assert run(["why", "s-1", "--all"]) == 0
    assert capsys.readouterr().out.count("The port of crane") == count


def test_a_forgotten_memory_is_named_without_its_words(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = given(memory)
    memory.forget([id_])
    assert run(["why", "s-1", "--json"]) == 0
    [injection] = json.loads(capsys.readouterr().out)["injections"]
    assert injection["memories"][0]["state"] == "forgotten"
    assert run(["why", "s"]) == 0
    shown = capsys.readouterr().out
    assert f"  {id_}  0.93  (forgotten)  unclear\n" in shown
    assert "Staging" not in shown


def test_what_is_not_known_is_said_in_one_line(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.ingest(
        {"text": "Hello.", "role": "user", "session_id": "s-1", "project": str(Path.cwd())}
    )
    assert run(["why"]) == 0
    assert "nothing is known to have been put before its model" in capsys.readouterr().out
    assert run(["why", "nobody"]) == 1
    assert "no session has an id that begins with 'nobody'" in capsys.readouterr().err
