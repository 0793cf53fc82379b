"""How a page is measured: what helps, what is filler, and what nobody comes back to."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tests.benchmarks.outcomes import OURS
from tests.benchmarks.page_usefulness import NEWEST, measure, summary
from tests.benchmarks.real_data import Question, RealSet

RULE = "Never write docstrings in the specs, I want the names of functions to say it all."


def _line(session: int, turn: int, role: str, text: str) -> str:
    content: Any = text if role == "user" else [{"type": "text", "text": text}]
    return json.dumps(
        {
            "type": role,
            "uuid": f"{session}-{turn}",
            "parentUuid": f"{session}-{turn - 1}" if turn else None,
            "isSidechain": False,
            "userType": "external",
            "sessionId": f"s{session}",
            "version": "2.1.332",
            "cwd": "/projects/measured",
            "gitBranch": "main",
            "timestamp": f"2026-05-0{session + 1}T10:{turn:02}:00.000Z",
            "message": {"role": role, "content": content},
        }
    )


def test_the_chosen_page_helps_where_the_newest_turns_do_not() -> None:
    talk = [
        text
        for number in range(20)
        for text in ("user", f"please show row {number} of the long table " + "again " * 60)
    ]
    first = ["user", RULE, "assistant", "Understood, none from now on.", *talk]
    last = ["user", "Are docstrings in specs welcome?", "assistant", "Let me look at that."]
    sessions = {
        f"s{number}": [
            _line(number, at, role, text)
            for at, (role, text) in enumerate(zip(said[::2], said[1::2], strict=True))
        ]
        for number, said in enumerate([first, last])
    }
    asked = Question("do I like them?", "preference", "en", None, frozenset({"0-0"}))
    other = Question("how many rows?", "fact", "en", None, frozenset({"0-0"}))
    shown = list(measure(RealSet("made", sessions, [asked, other])))
    start = {one.method: one for one in shown if one.session == "s1"}
    assert (start[OURS].asked, start[OURS].helped) == (1, 1)
    assert (start[NEWEST].asked, start[NEWEST].helped) == (1, 0)
    assert start[OURS].filler == 0
    assert start[OURS].untouched == start[OURS].lines - 1
    assert [one.filler for one in shown if one.method == NEWEST] == [0, 1]
    assert f"| made | **{OURS}** | 1 | 1.00 | 1 of 1 |" in summary([asdict(one) for one in shown])
