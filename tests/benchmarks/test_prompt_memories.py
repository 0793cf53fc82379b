"""How what a prompt is given is measured: the right memories, and silence."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.benchmarks.prompt_memories import NOTHING, PROMPT, QUESTION, Given, measure, summary
from tests.benchmarks.real_data import Question, RealSet

FACT = "The staging database of project Heron listens on port 5544, because 5432 was taken."


def _line(session: int, turn: int, role: str, text: str) -> str:
    content = text if role == "user" else [{"type": "text", "text": text}]
    return json.dumps(
        {
            "type": role,
            "uuid": f"{session}-{turn}",
            "isSidechain": False,
            "sessionId": f"s{session}",
            "version": "2.1.332",
            "cwd": "/projects/measured",
            "timestamp": f"2026-05-0{session + 1}T10:0{turn}:00.000Z",
            "message": {"role": role, "content": content},
        }
    )


def _question(text: str, *evidence: str) -> Question:
    return Question(text, "fact" if evidence else "none", "en", None, frozenset(evidence))


def test_a_memory_is_right_if_its_exchange_answers_and_yes_asks_for_none(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    said = [
        ["Where does staging of Heron keep its data?", FACT],
        ["Please paint the shed.", "Painted: it is green now."],
        ["Which port does the staging database of Heron listen on?", "On 5544."],
        ["yes", "Done."],
    ]
    sessions = {
        f"s{number}": [
            _line(number, turn, role, text)
            for turn, (role, text) in enumerate(zip(("user", "assistant"), pair, strict=True))
        ]
        for number, pair in enumerate(said)
    }
    asked = [
        _question("which port does Heron's staging database listen on?", "0-1", "2-1"),
        _question("which port does Heron's staging database listen on?", "1-1"),
        _question("who won the chess world cup of 1972?"),
    ]
    given = list(measure(RealSet("made", sessions, asked)))
    right, wrong, nothing = given[:3]
    assert right.kind == wrong.kind == QUESTION
    assert right.memories == right.right == wrong.memories > wrong.right == 0
    assert (nothing.kind, nothing.memories) == (NOTHING, 0)
    prompts = given[3:]
    assert [one.kind for one in prompts] == [PROMPT] * 4
    assert prompts[0].memories == 0, "what it could be given was said later"
    assert prompts[2].memories > 0
    assert prompts[3].reason == "nothing_asked"


def test_the_table_counts_prompts_and_right_memories_apart() -> None:
    given = [Given("made", QUESTION, 2, 1, "answers"), Given("made", QUESTION, 0, 0, "unsure")]
    given.append(Given("made", PROMPT, 1, 0, "answers"))
    told = summary([asdict(one) for one in given]).splitlines()
    assert told[2] == f"| made | {QUESTION} | 2 | 1 | 1 of 2 |"
    assert told[3] == f"| made | {PROMPT} | 1 | 1 | - |"
