"""Memories that may not both be true: which pairs are listed, and that nothing is done to them."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import InvalidInput, ModelMissing
from iai_server.cli.main import run

BESIDE = [
    "Please water the plants on Friday.",
    "The minutes of the audit are in the shared folder.",
    "I lost the umbrella stand yesterday.",
    "Otis and Petra talked about the hiring round.",
]


@pytest.fixture
def memory(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A memory with something else in it, which the environment names."""
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    memory.ingest([{"text": text, "created_at": "2026-01-01"} for text in BESIDE])
    return memory


def tell(memory: Memory, *texts: str, project: str | None = None) -> list[str]:
    """Stores the texts a month apart; returns their ids."""
    dated = [
        {"text": text, "created_at": f"2026-{month:02}-01", "project": project}
        for month, text in enumerate(texts, 1)
    ]
    return [str(result.id) for result in memory.ingest(dated).results]


def pairs(memory: Memory) -> list[tuple[str, str]]:
    """The older and the newer text of each candidate."""
    return [(one.older.text, one.newer.text) for one in memory.contradictions()]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (
            "The staging database listens on port 5544.",
            "The staging database listens on port 6000.",
        ),
        ("Marta lives in Ghent.", "Marta no longer lives in Ghent, she has moved to Turin."),
        ("Lumen goes live on 18 September.", "The launch of Lumen is moved to 5 October."),
        ("Heron is backed up to tape every night.", "Heron is backed up to Backblaze instead."),
        ("We deploy on Fridays.", "We do not deploy on Fridays any more."),
        ("Desplegamos los viernes.", "Ya no desplegamos los viernes."),
        ("The Atlas API returns XML.", "The Atlas API returns JSON since v3."),
        ("Ravi drives a Skoda to work.", "Ravi traded the Skoda for a Tesla."),
        ("Peter wohnt in K\u00f6ln.", "Peter ist nach Mainz gezogen."),
    ],
)
def test_another_value_of_the_same_subject_is_listed(
    memory: Memory, older: str, newer: str
) -> None:
    tell(memory, older, newer)
    assert pairs(memory) == [(older, newer)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The staging database listens on port 5544.", "The staging database listens on port 5544"),
        ("Marta lives in Ghent.", "Marta spent a weekend in Turin last week."),
        ("Marta lives in Ghent.", "Bela lives in Turin."),
        (
            "Lumen was slow yesterday, Petra looked at it.",
            "Petra wrote a test for Lumen last week.",
        ),
        ("I repaired the projector yesterday.", "I repaired the heater this morning."),
        ("Priya rides a Yamaha.", "Tim says Priya rides a Vespa."),
        ("Hugo teaches maths.", "Hugo teaches physics."),
        ("We do not deploy on Fridays.", "We deploy on Mondays."),
    ],
)
def test_what_can_both_be_true_is_not_listed(memory: Memory, one: str, other: str) -> None:
    tell(memory, one, other)
    assert pairs(memory) == []


def test_what_was_superseded_or_forgotten_contradicts_nothing(memory: Memory) -> None:
    old, new = tell(memory, "Staging listens on port 5544.", "Staging listens on port 6000.")
    assert len(pairs(memory)) == 1
    memory.forget([new])
    assert pairs(memory) == []
    memory.supersede(old, "Staging listens on port 6000.")
    assert pairs(memory) == []


def test_two_projects_may_say_different_things(memory: Memory) -> None:
    tell(memory, "Staging listens on port 5544.", project="shop")
    tell(memory, "Staging listens on port 6000.", project="blog")
    assert pairs(memory) == []


def test_a_candidate_says_why_and_what_to_run_and_changes_nothing(memory: Memory) -> None:
    old, new = tell(memory, "Staging listens on port 5544.", "Staging listens on port 6000.")
    version = memory.store.version
    [one] = memory.contradictions()
    assert memory.store.version == version
    assert (one.older.id, one.newer.id) == (old, new)
    assert "other number 0.9" in one.reason
    assert one.reason.endswith(f"= {one.score}")
    assert one.next == f'iai-mcp supersede {old} "…" --at 2026-02-01T00:00:00Z'
    command = shlex.split(one.next)[1:]
    assert run(command) == 0
    assert memory.store.latest.get([old])[0].superseded_by is not None


def test_what_begins_later_contradicts_nothing_yet(memory: Memory) -> None:
    later = datetime.now(UTC) + timedelta(hours=3)
    tell(memory, "Staging listens on port 5544.")
    memory.ingest([{"text": "Staging listens on port 6000.", "created_at": later.isoformat()}])
    assert pairs(memory) == []


def test_an_assistants_word_is_never_advised_to_replace_the_users(memory: Memory) -> None:
    told = {"text": "The deploy key is kept in Vault.", "created_at": "2026-01-01", "role": "user"}
    memory.ingest([told], origin="import")
    told = {
        "text": "The deploy key is now kept in the public wiki.",
        "created_at": "2026-02-01",
        "role": "assistant",
    }
    memory.ingest([told], origin="hook")
    [one] = memory.contradictions()
    assert one.next == f"iai-mcp forget {one.newer.id}"


def test_no_reason_begins_as_a_line_of_a_list_does(memory: Memory) -> None:
    tell(memory, "Staging listens on port 5544.", "Staging listens on port 6000.")
    tell(memory, "Staging of Lumen listens on port 5544 as well.", "Staging listens on port 7.")
    found = memory.contradictions()
    assert any(" - nearness" in one.reason for one in found)
    assert all(one.reason[0].isalpha() for one in found)


def test_the_newest_come_first_and_the_limit_cuts_the_rest(memory: Memory) -> None:
    tell(memory, "Staging listens on port 5544.", "Staging listens on port 6000.")
    tell(memory, "The cellar key hangs on hook 3.", "x", "y", "The cellar key hangs on hook 9.")
    found = memory.contradictions()
    dates = [one.newer.created_at for one in found]
    assert len(found) == 2
    assert dates == sorted(dates, reverse=True)
    assert memory.contradictions(1) == found[:1]


@pytest.mark.parametrize("limit", [0, 501, True])
def test_a_limit_that_makes_no_sense_is_refused(memory: Memory, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit is"):
        memory.contradictions(limit)


def test_without_a_model_the_command_is_named(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    with pytest.raises(ModelMissing, match="run `iai-mcp model install`"):
        Memory(tmp_path / "store").contradictions()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["", "?!", "I", "\x00", "\u202e" * 40, "x" * 50_000, "Ann: ", "a. " * 3_000, "東京です"]
)
def test_any_text_can_be_compared(memory: Memory, text: str) -> None:
    tell(memory, f"port {text}", f"port {text} now", f"port 7 {text}")
    assert isinstance(memory.contradictions(), list)


def test_the_doctor_lists_them_as_text_and_as_json(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    old, _ = tell(memory, "Staging listens on port 5544.", "Staging listens on \x1b[2J port 6000.")
    assert run(["doctor", "--contradictions"]) == 0
    shown = capsys.readouterr().out
    assert f"iai-mcp supersede {old}" in shown
    assert "2026-02-01  note" in shown
    assert "\x1b" not in shown
    assert shown.endswith("1 pairs that may contradict each other; nothing was changed\n")
    assert run(["doctor", "--contradictions", "--json"]) == 0
    [one] = json.loads(capsys.readouterr().out)
    assert one["older"]["id"] == old


def test_what_is_trusted_less_is_to_be_forgotten_instead(memory: Memory) -> None:
    tell(memory, "Staging listens on port 5544.")
    claim = {"text": "Staging listens on port 6000.", "role": "tool", "created_at": "2026-03-01"}
    [new] = memory.ingest([claim], origin="import").results
    assert [one.next for one in memory.contradictions()] == [f"iai-mcp forget {new.id}"]


@pytest.mark.parametrize(
    "other",
    [
        "Staging might listen on port 6000.",
        "Staging used to listen on port 6000.",
        "Staging also listens on port 6000.",
    ],
)
def test_plans_the_past_and_one_more_contradict_nothing(memory: Memory, other: str) -> None:
    tell(memory, "Staging listens on port 5544.", other)
    assert pairs(memory) == []


def test_the_doctor_says_what_was_not_looked_at(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert memory.not_compared() == (0, 0)
    memory.ingest([{"text": "word " * 8_000}])
    assert memory.not_compared() == (0, 1)
    assert run(["doctor", "--contradictions"]) == 0
    assert "not looked at: 1 memories that wait for vectors\n" in capsys.readouterr().out
