"""What an answer says is finished and left open: its own sentences, in four languages."""

from __future__ import annotations

import pytest

from iai_memory.text.outcomes import announces, outcomes_of


@pytest.mark.parametrize(
    ("text", "finished", "left_open"),
    [
        (
            "I've fixed the parser. All 12 tests pass. The docs are not yet updated.",
            ["I've fixed the parser.", "All 12 tests pass."],
            ["The docs are not yet updated."],
        ),
        (
            "Der Parser ist umgesetzt. Die Doku fehlt noch. Soll ich sie schreiben?",
            ["Der Parser ist umgesetzt."],
            ["Die Doku fehlt noch.", "Soll ich sie schreiben?"],
        ),
        (
            "He corregido el analizador. Falta actualizar la documentación.",
            ["He corregido el analizador."],
            ["Falta actualizar la documentación."],
        ),
        (
            "J'ai corrigé l'analyseur. Il reste à mettre à jour la documentation.",
            ["J'ai corrigé l'analyseur."],
            ["Il reste à mettre à jour la documentation."],
        ),
        ("- [x] the parser\n- [ ] docs\n", ["the parser"], ["docs"]),
        ("✅ Parser rewritten\n⏳ Release notes", ["Parser rewritten"], ["Release notes"]),
        (
            "## What I changed\n- the tide tables\n\n## Next steps\n- write the docs\n- ship it\n",
            ["the tide tables"],
            ["write the docs", "ship it"],
        ),
    ],
)
def test_sentences_are_taken_as_they_stand(
    text: str, finished: list[str], left_open: list[str]
) -> None:
    found = outcomes_of(text)
    assert (list(found.finished), list(found.left_open)) == (finished, left_open)


@pytest.mark.parametrize(
    "text",
    [
        "I will fix the parser.",
        "Let me check:",
        "I never fixed it.",
        "Once that is merged we could refactor.",
        "Is the parser fixed? Hm. The function reads a line. It returns a list.",
        "```\nfixed the parser\n```",
        "| fixed | parser |",
        "Is there anything else you'd like?",
        "解析器已经修好了。",
        "",
    ],
)
def test_what_is_planned_denied_code_or_of_another_language_is_nothing(text: str) -> None:
    found = outcomes_of(text)
    assert (found.finished, found.left_open) == ((), ())


def test_a_very_long_answer_is_looked_at_from_both_ends() -> None:
    text = f"I've fixed the parser. {'The sea is wide. ' * 20_000} The docs are not yet updated."
    found = outcomes_of(text)
    assert found.finished == ("I've fixed the parser.",)
    assert found.left_open == ("The docs are not yet updated.",)


def test_a_text_that_ends_by_saying_what_follows_announces() -> None:
    assert announces("Now let me run the tests: ")
    assert not announces("All tests pass.")
