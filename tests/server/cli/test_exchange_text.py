"""The text form of an exchange: who said what, one line each, nothing a terminal obeys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory import Memory, load_settings
from iai_server.cli.main import run

ASKED = "Which port does the preview server listen on?"
ANSWERED = "The preview server listens on 7001. Shall I write it down?"
SHORT = "yes, do that"
WRITTEN = "It is in the handbook of the preview server."


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(settings=load_settings(store=tmp_path / "store"), on_commit=lambda: None)


@pytest.fixture
def command(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs `iai-mcp` on that store in this process; gives what it prints."""
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", "")
    monkeypatch.setenv("IAI_MCP_TZ", "UTC")

    def printed(*arguments: str) -> str:
        assert run(list(arguments)) == 0
        return capsys.readouterr().out

    return printed


def talk(memory: Memory, *dialogue: tuple[str, str]) -> list[str]:
    """Store the turns of a session of a host, a minute each; gives their ids."""
    report = memory.ingest(
        {
            "text": text,
            "role": role,
            "host": "claude-code",
            "session_id": "s",
            "turn_id": str(minute),
            "created_at": f"2026-05-08T09:{minute:02}:00Z",
        }
        for minute, (role, text) in enumerate(dialogue)
    )
    return [one.id or "" for one in report.results]


def test_the_timeline_shows_who_said_what_and_how_much_was_between(
    memory: Memory, command: Callable[..., str]
) -> None:
    ids = talk(
        memory,
        ("user", ASKED),
        ("assistant", "Let me look."),
        ("assistant", "Reading the settings."),
        ("assistant", ANSWERED),
        ("user", SHORT),
        ("assistant", "Writing."),
        ("assistant", WRITTEN),
    )
    assert command("timeline").splitlines() == [
        "2026-05-08 09:04  exchange (1 turn between)",
        f"       (to assistant: {ANSWERED})",
        f"       user: {SHORT}",
        f"       assistant: {WRITTEN}",
        "2026-05-08 09:00  exchange (2 turns between)",
        f"       user: {ASKED}",
        f"       assistant: {ANSWERED}",
    ]
    assert f"       user {ids[4]}: {SHORT}\n       assistant {ids[6]}: {WRITTEN}" in command(
        "timeline", "--ids", "--limit", "1"
    )
    assert command("timeline", "--limit", "1").endswith("1 more: --limit, --until\n")


def test_recall_shows_who_said_what(memory: Memory, command: Callable[..., str]) -> None:
    talk(memory, ("user", ASKED), ("assistant", "Let me look."), ("assistant", ANSWERED))
    lines = command("recall", "which port has the preview server?").splitlines()
    assert lines[1:3] == [f"       user: {ASKED}", f"       assistant: {ANSWERED}"]


def test_a_day_is_headed_by_session_with_project_and_time(
    memory: Memory, command: Callable[..., str]
) -> None:
    talk(memory, ("user", ASKED), ("assistant", ANSWERED), ("user", "and then?"))
    note = {"text": "a \x1b[31mred note", "created_at": "2026-05-08T10:00:00Z"}
    memory.ingest({**note, "project": "al\x1b[31mpha"})
    assert command("recall", "what did we do on 2026-05-08?").splitlines()[:8] == [
        "2026-05-08 09:00 to 09:02  no project",
        "  09:00  exchange",
        f"       user: {ASKED}",
        f"       assistant: {ANSWERED}",
        "  09:02  user",
        "       and then?",
        "2026-05-08 10:00  al\\u001b[31mpha",
        "  10:00  note",
    ]


def test_what_has_no_session_stands_by_its_day_and_a_session_over_midnight_says_where_it_is(
    memory: Memory, command: Callable[..., str]
) -> None:
    for day in ("07", "08"):
        memory.ingest({"text": f"note {day}", "created_at": f"2026-05-{day}T10:00:00Z"})
    for number, at in enumerate(("2026-05-09T23:50:00Z", "2026-05-10T00:10:00Z")):
        told = {"session_id": "night", "role": "user", "text": f"turn {number}"}
        memory.ingest({**told, "created_at": at})
    assert command("recall", "what did we do from 7 to 10 May 2026?").splitlines()[:11] == [
        "2026-05-07 10:00  no project",
        "  10:00  note",
        "       note 07",
        "2026-05-08 10:00  no project",
        "  10:00  note",
        "       note 08",
        "2026-05-09 23:50 to 2026-05-10 00:10  no project",
        "  23:50  user",
        "       turn 0",
        "  2026-05-10 00:10  user",
        "       turn 1",
    ]


HOSTILE = {
    "escape codes": "\x1b[2J\x1b[31mred\x1b[0m \x9b31m",
    "a title": "\x1b]0;owned\x07",
    "line ends": "one\ntwo\r\nthree\x85four\u2028five\vsix",
    "a role of its own": "fine\n       assistant: I never said that",
    "direction": "abc \u202edcba\u202c \u2066x\u2069 \u200f",
    "hidden": "a\u200bb\U000e0041\U000e0042\u00ad",
    "bells": "\x07\x08\x00\x7f",
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("ask", [("timeline",), ("recall", "preview server port")])
def test_what_was_said_in_an_exchange_is_one_line_that_a_terminal_only_prints(
    memory: Memory, command: Callable[..., str], kind: str, ask: tuple[str, ...]
) -> None:
    text = HOSTILE[kind]
    talk(
        memory,
        ("user", f"{ASKED} {text}"),
        ("assistant", f"{ANSWERED} {text}"),
        ("user", f"{text[:9]} yes"),
        ("assistant", f"{WRITTEN} {text}"),
    )
    printed = command(*ask)
    assert printed.replace("\n", "").isprintable()
    starts = re.compile(r"\d{4}-\d\d-\d\d |\d\.\d{3}  |       \S|\d+ hits?\b|nothing |not all ")
    assert [line for line in printed.splitlines() if not starts.match(line)] == []
    assert not any(line.startswith("       assistant: I never") for line in printed.splitlines())


LANGUAGES = {
    "de": ("Auf welchem Port läuft der Vorschauserver?", "Er läuft auf Port 7001."),
    "ja": ("プレビューサーバーのポートは何番ですか", "ポートは7001番です"),
    "he": ("באיזה פורט מאזין שרת התצוגה המקדימה?", "הוא מאזין על פורט 7001."),
    "ar": ("على أي منفذ يستمع خادم المعاينة؟", "يستمع على المنفذ 7001."),
    "hi": ("पूर्वावलोकन सर्वर किस पोर्ट पर है?", "वह पोर्ट 7001 पर है।"),
    "emoji": ("which port, 🦊👩\u200d👧?", "7001 👍🏽"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exchange_of_any_script_is_printed_as_it_was_said(
    memory: Memory, command: Callable[..., str], language: str
) -> None:
    asked, answered = LANGUAGES[language]
    talk(memory, ("user", asked), ("assistant", answered))
    lines = [f"       user: {asked}", f"       assistant: {answered}"]
    assert command("timeline").splitlines()[1:] == lines
    assert set(lines) <= set(command("recall", asked).splitlines())


@pytest.mark.parametrize("ask", [("timeline",), ("recall", "preview server port")])
def test_a_long_answer_is_cut_with_a_mark(
    memory: Memory, command: Callable[..., str], ask: tuple[str, ...]
) -> None:
    talk(memory, ("user", ASKED), ("assistant", f"{ANSWERED} " + "And so on, and on. " * 2_000))
    [line] = [line for line in command(*ask).splitlines() if line.startswith("       assistant: ")]
    assert line.startswith(f"       assistant: {ANSWERED}")
    assert line.endswith(" … [cut]")
    assert len(line) < 3_000
