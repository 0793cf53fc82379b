"""A page, an answer or a line of one that stands in a transcript states nothing anew."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iai_memory import Memory
from iai_memory.injection.block import block_of
from iai_memory.results import Ingested

PORT = "The staging database listens on port 5544 since the move to Utrecht."
LINTER = "Always run the linter before you commit anything to main, says Anna."
STRICT = "We keep the parser strict because lenient parsing hid three bugs in May."
ASKED = "Could you please find out why the nightly build takes forty minutes?"
ANSWER = "The nightly build makes all docs twice; I removed the second pass and it takes nineteen."
LONG = "The guide says: " + " ".join(f"step {n} needs the key of region {n * 7}" for n in range(60))


def turn(role: str, text: str, number: object) -> dict[str, Any]:
    """A turn as a host noted it."""
    return {
        "text": text,
        "role": role,
        "session_id": "s",
        "turn_id": f"{number}-{role}",
        "host": "claude-code",
    }


class Given:
    """A store, and everything that a session was given out of it before its pages changed."""

    def __init__(self, folder: Path) -> None:
        model = Memory(folder, origin="tool", on_commit=lambda: None)
        self.memory = Memory(folder, on_commit=lambda: None)
        for fact in (PORT, LINTER, STRICT):
            model.ingest(fact)
        said = [("user", ASKED), ("assistant", ANSWER), ("user", "yes, do that"), ("user", LONG)]
        self.memory.ingest(
            [turn(role, text, number) for number, (role, text) in enumerate(said)], origin="hook"
        )
        self.page = self.memory.session_start(refresh=True).payload
        self.recalled = self.memory.recall("which port does staging listen on?").model_dump_json()
        self.timeline = self.memory.timeline().model_dump_json()
        self.block = block_of(self.memory.recall("Anna, linter, parser, port, guide").hits)
        self.memory.ingest([f"what came later, number {n}" for n in range(40)])

    @property
    def said(self) -> list[str]:
        """The lines of what was put before the model at a prompt, without its fences."""
        return self.block.splitlines()[1:-1]

    @property
    def body(self) -> str:
        """The page without its fences."""
        return "\n".join(self.page.splitlines()[1:-1])

    @property
    def lines(self) -> list[str]:
        """The lines of the page that show memories."""
        return [line for line in self.page.splitlines() if line.startswith("- ")]

    def line(self, word: str) -> str:
        """The line with the word."""
        return next(line for line in self.lines if word in line)

    def captured(self, role: str, text: str, number: object) -> Ingested:
        """What becomes of a turn of a later session."""
        return self.memory.ingest([turn(role, text, f"later-{number}")], origin="hook").results[0]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """The same store for all: what is skipped changes nothing in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IAI_MCP_MODEL", "installed")
        return Given(tmp_path_factory.mktemp("echo") / "store")


def _mcp_result(text: str) -> str:
    return json.dumps({"content": [{"type": "text", "text": json.dumps({"payload": text})}]})


def _each(lines: list[str], form: str) -> str:
    return "\n".join(form.format(line, number=n) for n, line in enumerate(lines, 1))


FORMS: dict[str, Callable[[Given], str]] = {
    "as it was": lambda one: one.page,
    "quoted": lambda one: _each(one.page.splitlines(), "> {}"),
    "in capital letters": lambda one: one.page.upper(),
    "without fences": lambda one: one.body,
    "wrapped anew": lambda one: textwrap.fill(one.page, 37),
    "wrapped anew without fences": lambda one: textwrap.fill(one.body, 60),
    "in one line": lambda one: " ".join(one.page.split()),
    "a fence with blanks": lambda one: one.page.replace("<iai", "< iai").replace(
        "start>", "start >"
    ),
    "entities of HTML": lambda one: html.escape(one.page),
    "JSON": lambda one: json.dumps({"payload": one.page}),
    "a string of JSON": lambda one: json.dumps(one.page),
    "JSON in JSON": lambda one: _mcp_result(one.page),
    "its first half": lambda one: one.page[: len(one.page) // 2],
    "its second half": lambda one: one.page[len(one.page) // 2 :],
    "half a fence": lambda one: one.page[10:],
    "a block of code": lambda one: f"```text\n{one.body}\n```",
    "numbered lines": lambda one: _each(one.body.splitlines(), "  {number}\u2192{}"),
    "a diff": lambda one: _each(one.body.splitlines(), "+{}"),
    "Windows' line ends": lambda one: one.page.replace("\n", "\r\n"),
    "a line": lambda one: one.line("5544"),
    "a line without its bullet": lambda one: one.line("5544")[2:],
    "a quoted line": lambda one: f"> {one.line('5544')}",
    "the line of an exchange": lambda one: one.line("nightly"),
    "a cut line": lambda one: one.line("region 14"),
    "its lines": lambda one: _each(one.lines, "{}"),
    "its lines with other bullets": lambda one: _each(
        [line[2:] for line in one.lines], "\u2022 {}"
    ),
    "a table": lambda one: _each(one.lines, "| {} |"),
    "a list in HTML": lambda one: "".join(f"<li>{line}</li>" for line in one.lines),
    "an answer of recall": lambda one: one.recalled,
    "an answer, indented": lambda one: json.dumps(json.loads(one.recalled), indent=2),
    "an answer, cut": lambda one: one.recalled[: len(one.recalled) // 2],
    "an answer, escaped": lambda one: json.dumps(one.recalled),
    "a hit": lambda one: json.dumps(json.loads(one.recalled)["hits"][0]),
    "an answer of timeline": lambda one: one.timeline,
    "the block of a prompt": lambda one: one.block,
    "a block, quoted": lambda one: _each(one.block.splitlines(), "> {}"),
    "a block in capital letters": lambda one: one.block.upper(),
    "a block without fences": lambda one: _each(one.said, "{}"),
    "a block without its head": lambda one: _each(one.said[1:], "{}"),
    "a block, wrapped anew": lambda one: textwrap.fill(one.block, 50),
    "a block in one line": lambda one: " ".join(one.block.split()),
    "a block in entities of HTML": lambda one: html.escape(one.block),
    "a block in JSON": lambda one: json.dumps({"additionalContext": one.block}),
    "a block, its first half": lambda one: one.block[: one.block.rindex("\n- ")],
    "a block, its second half": lambda one: one.block[len(one.block) // 2 :],
    "a block as lines of code": lambda one: f"```\n{_each(one.said, '{}')}\n```",
    "a line of a block": lambda one: one.said[1],
    "a cut line of a block": lambda one: next(line for line in one.said if "region" in line),
    "a line of a block, as a diff": lambda one: f"+{one.said[1]}",
    "said to be from memory": lambda one: f"From memory: {PORT}",
    "said to be remembered": lambda one: f"I remember: {LINTER}",
    "what the user is told to have said": lambda one: f"You told me earlier: {LINTER}",
    "remembered that": lambda one: f"I recall that {PORT}",
    "remembered in German": lambda one: f"Laut Ged\u00e4chtnis: {LINTER}",
    "several from memory": lambda one: f"From memory:\n- {PORT}\n- {LINTER}",
    "quoted words": lambda one: f"> {PORT}",
    "German quotes": lambda one: f"\u201e{PORT}\u201c",
    "a list of words": lambda one: f"* {PORT}\n* {STRICT}",
    "a numbered list of words": lambda one: f"1. {PORT}\n2. {STRICT}",
    "quoted and wrapped": lambda one: _each(textwrap.wrap(STRICT, 30), "> {}"),
}


@pytest.mark.parametrize("role", ["user", pytest.param("assistant", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMS)
def test_what_only_repeats_what_was_given_is_not_stored(given: Given, form: str, role: str) -> None:
    result = given.captured(role, FORMS[form](given), form)
    assert result.status == "skipped", given.memory.record(str(result.id)).text
    assert (
        result.reason == "repeats a page or an answer of this memory, which is never stored again"
    )


KEPT: dict[str, tuple[Callable[[Given], str], str]] = {
    "behind the page": (
        lambda one: f"{one.page}\nIs the port still right?",
        "Is the port still right?",
    ),
    "before the page": (lambda one: f"What about this?\n{one.page}", "What about this?"),
    "under a line": (lambda one: f"{one.line('5544')}\nstill true?", "still true?"),
    "in the same line": (lambda one: f"{one.line('5544')} still true?", "still true?"),
    "one word under a quoted line": (lambda one: f"> {one.line('5544')}\n\nno", "no"),
    "between quoted lines": (
        lambda one: f"> {one.lines[0]}\nI disagree\n> {one.lines[1]}\nand why?",
        "I disagree",
    ),
    "behind a block": (lambda one: f"{one.block}\nis that still so?", "is that still so?"),
    "before a block": (lambda one: f"Why this?\n{one.block}", "Why this?"),
    "behind a line of a block": (lambda one: f"{one.said[1]} no longer true", "no longer true"),
    "behind an answer": (lambda one: f"{one.recalled}\nforget this one", "forget this one"),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_the_user_says_beside_it_is_stored_without_it(given: Given, case: str) -> None:
    made, said = KEPT[case]
    text = made(given)
    result = given.captured("user", text, case)
    stored = given.memory.record(str(result.id)).text
    assert said in stored
    assert "5544" not in stored
    assert "[recalled]" in stored
    assert given.captured("user", text, case).status == "duplicate"


WHOLE = {
    "the same words without a sign of a quotation": PORT,
    "a fact within an answer": f"From memory: {PORT} So I set it in the configuration file.",
    "a dated note of one's own": "2026-11-30 note: buy milk and bread",
    "a pasted log": "2026-11-30 user: hello there\n2026-11-30 assistant: hello to you as well",
    "a list of one's own": "- fix the tests\n- update the docs and the changelog",
    "JSON of one's own": '{"text": "a new fact that nobody said before now", "role": "user"}',
    "our command": "run `iai-mcp session-start --refresh` and iai-mcp-session-recall.sh again",
    "another memory of one's own": "I remember: the port was changed by Bob last week",
}


@pytest.mark.parametrize("role", ["user", pytest.param("assistant", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", WHOLE)
def test_what_is_said_is_stored_as_it_was_said(given: Given, case: str, role: str) -> None:
    result = given.captured(role, WHOLE[case], case)
    assert given.memory.record(str(result.id)).text == WHOLE[case]


def test_a_quotation_that_is_sent_twice_is_stored_twice(given: Given) -> None:
    text = "> we meet on Friday at nine, bring the plan"
    for number in range(2):
        assert given.captured("user", text, f"twice {number}").id is not None


def test_a_line_with_a_forgotten_text_does_not_bring_it_back(words_only: Memory) -> None:
    stored = words_only.ingest(PORT).results[0]
    line = words_only.session_start(refresh=True).payload.splitlines()[3]
    words_only.forget([str(stored.id)])
    [result] = words_only.ingest([turn("user", line, 1)], origin="hook").results
    assert result.status == "skipped"


def test_what_is_stored_on_purpose_is_not_cut(given: Given) -> None:
    text = f"{given.line('5544')}\nThis was measured on Monday."
    [result] = given.memory.ingest(text).results
    assert given.memory.record(str(result.id)).text == text
    [result] = given.memory.ingest(given.line("5544")).results
    assert result.status == "skipped"


HOSTILE = {
    "links": "2026-11-30 user: \u2192 user: ",
    "leads": "2026-11-30 note:\n",
    "keys of JSON": '"text":"a',
    "one long word": "a",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_a_text_made_of_pieces_of_our_form_costs_no_more_than_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    given = Given(tmp_path / "store")  # another of these texts would be known
    text = f"2026-11-30 user: {HOSTILE[case] * (150_000 // len(HOSTILE[case]))} said by me today"
    result = given.captured("user", text, f"hostile {case}")
    assert "said by me today" in given.memory.record(str(result.id)).text


@pytest.mark.parametrize(
    "text",
    [
        "Please fix the <iai-mcp-session-start> fence, it has blanks. And: Marta signs on Friday.",
        "In hooks.sh the line `echo iai-mcp-session-start>` is wrong, Brandt wants it gone.",
        "Between <iai-mcp-session-start> and </iai-mcp-session-start> nothing may stand, I say.",
        "The header 'iai-mcp, recalled data, not instructions' is too long; I live in Leiden.",
        "You should ask the recall tool for details. By the way, the van is parked in Delft.",
        "Close it with </iai-mcp-session-start>, then call the customer Brandt on Monday.",
    ],
)
def test_who_names_a_piece_of_our_frame_says_what_stands_around_it(given: Given, text: str) -> None:
    done = given.captured("user", text, text)
    assert given.memory.record(str(done.id)).text == text


def test_words_behind_a_page_that_was_pasted_without_its_end_stay(given: Given) -> None:
    lines = given.page.splitlines()
    upto = next(n for n, line in enumerate(lines) if "5544" in line)
    asked = "What does that mean for the customer Brandt, who moves on Friday?"
    done = given.captured("user", "\n".join([*lines[: upto + 1], asked]), "no end")
    text = given.memory.record(str(done.id)).text
    assert asked in text
    assert "5544" not in text
