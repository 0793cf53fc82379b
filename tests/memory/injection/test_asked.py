"""What a prompt asks is looked for; assent, commands and what was pasted ask nothing."""

from __future__ import annotations

import pytest

from iai_memory.injection.asked import asked_of
from iai_memory.text.fence import RECALL_BEGIN, RECALL_END

QUESTION = "Which port does the staging database listen on?"


@pytest.mark.parametrize(
    "prompt",
    [
        *(
            "yes",
            "ok thanks",
            "continue",
            "2",
            "lgtm",
            "go ahead and commit",
            "why?",
            "how so?",
            "what next?",
            "deploy?",
            "/clear",
            "!ls",
        ),
        *(
            "weiter, bitte",
            "s\u00ed, gracias",
            "oui, continue",
            "\u0434\u0430, \u0434\u0430\u043b\u044c\u0448\u0435",
        ),
        *("\u597d\u7684\uff0c\u7ee7\u7eed", "\u7d9a\u3051\u3066\u304f\u3060\u3055\u3044"),
        "summarise this:\n\n" + "Lorem ipsum dolor sit amet. " * 2_000,
        f"```\n{QUESTION}\n```",
        f"> {QUESTION}",
        "x" * 100_000,
    ],
)
def test_what_asks_nothing_is_not_looked_for(prompt: str) -> None:
    assert asked_of(prompt) == ""


@pytest.mark.parametrize(
    "prompt",
    [
        QUESTION,
        "word of a paste " * 10_000 + f"\n\n{QUESTION}",
        f"{QUESTION}\n\n" + "word of a paste " * 10_000,
        f"```\nlisten(5544)\n```\n{QUESTION}\n```\nnever closed",
        f"{RECALL_BEGIN}\n- 2024-01-05 user: it is port 1\n{RECALL_END}\n{QUESTION}",
        f"2026-01-02 10:00:00 ERROR refused\n    at main(db.py:7)\n{QUESTION}",
    ],
)
def test_of_a_paste_what_is_asked_is_left(prompt: str) -> None:
    assert asked_of(prompt) == QUESTION


@pytest.mark.parametrize(
    "prompt",
    [
        "why is PROJ-123 red?",
        "/srv/x/app.py cannot be imported",
        "how do we deploy?",
        "And what port?",
        "Wie loggen wir?",
    ],
)
def test_a_name_a_path_or_a_short_question_is_asked_of(prompt: str) -> None:
    assert asked_of(prompt) == prompt
