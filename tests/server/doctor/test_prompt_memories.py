"""Memories that no answer uses are said more rarely, and doctor, `why` and the log say so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.given_prompts import FACTS, PROMPTS, SURE, note_given
from tests.support.inventory import unnamed_files

from iai_memory import Memory, load_settings
from iai_memory.base.clock import utc_now
from iai_memory.results import PromptRecall
from iai_server.cli.main import run
from iai_server.doctor.check import WeakLink
from iai_server.doctor.prompt_checks import check_prompt_memories


@pytest.fixture
def told(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A memory of a few facts, which the environment names."""
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    monkeypatch.chdir(tmp_path)
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    memory = Memory(settings=settings, cwd=tmp_path, on_commit=lambda: None)
    old = {"role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    memory.ingest([{"text": text, **old} for text in FACTS], origin="import")
    return memory


def said(memory: Memory) -> dict[str, PromptRecall]:
    """What each prompt is given in a session of its own."""
    return {
        prompt: memory.prompt_recall(prompt, session_id="new", cwd=None, host="claude-code")
        for prompt in PROMPTS
    }


def spoken(memory: Memory) -> set[str]:
    return {prompt for prompt, recalled in said(memory).items() if recalled.text}


def was_given(memory: Memory, *answers: str) -> None:
    """Some hours ago so many sessions' prompts were given the first fact, and answered so."""
    [hit] = memory.recall(SURE, limit=1).hits
    note_given(memory, hit.id, answers, utc_now() - timedelta(hours=3))


def test_what_is_never_used_is_said_more_rarely_until_it_is_reset(
    told: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_prompt_memories(told) == "none judged yet, said where the answer has 0.80"
    was_given(told, *["Done."] * 40)
    before = spoken(told)
    assert run(["sleep"]) == 0

    now = said(told)
    after = {prompt for prompt, recalled in now.items() if recalled.text}
    assert SURE in after < before
    for prompt in before - after:
        assert now[prompt].reason == "threshold_raised"
        assert now[prompt].threshold == told.prompt_threshold()

    told_by_doctor = (
        r"^0 of the last 40 prompts used what they were given, so memories are said where "
        r"the answer has 0\.92 and not 0\.80: if they helped, run `iai-mcp why --reset-threshold`"
    )
    with pytest.raises(WeakLink, match=told_by_doctor):
        check_prompt_memories(told)
    capsys.readouterr()
    assert run(["why", "s-1"]) == 0
    assert "where the answer has 0.92 and not 0.80: `iai-mcp why" in capsys.readouterr().out

    assert run(["why", "s-1", "--reset-threshold"]) == 2
    assert "send --reset-threshold alone" in capsys.readouterr().err
    assert run(["why", "--reset-threshold"]) == 0
    assert "where the answer has 0.80" in capsys.readouterr().out
    assert spoken(told) == before
    assert run(["sleep"]) == 0
    assert spoken(told) == before


def test_what_is_used_or_contradicted_is_said_as_often_as_before(told: Memory) -> None:
    was_given(told, *["I took uv, as it is faster than pip."] * 6, *["Done."] * 10)
    while told.judge_prompts():
        pass
    finding = "6 of the last 16 prompts used what they were given, said where the answer has 0.80"
    assert check_prompt_memories(told) == finding


def test_a_damaged_file_of_outcomes_is_a_warning_that_the_next_sleep_ends(told: Memory) -> None:
    was_given(told, "Done.", "Done.")
    told.paths.prompt_outcomes.write_bytes(b"\x00")
    with pytest.raises(WeakLink, match=r"cannot be used, .*at its base, 0\.80: move it away"):
        check_prompt_memories(told)
    assert SURE in spoken(told)
    assert run(["sleep"]) == 0
    assert check_prompt_memories(told).startswith("0 of the last 2 prompts used")
    assert unnamed_files(told.paths.root) == []
