"""`Memory.why`: what was put before a model in a session, and what became of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from iai_memory import Memory
from iai_memory.base.ledger import Ledger
from iai_memory.errors import InvalidInput, UnknownRecord
from iai_memory.results import InjectedMemory, Injections, PromptRecall

NOON = datetime(2026, 5, 8, 12, tzinfo=UTC)
LATER = {"user": timedelta(0), "assistant": timedelta(minutes=1)}
PORT = "The staging database listens on port 5544."
HIVES = "Marta keeps eleven hives behind the orchard."


class Sessions:
    """A store in which sessions talk at minutes after noon."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def remembers(self, text: str, project: str | None = "ship") -> str:
        fields = {"text": text, "created_at": "2026-05-01", "project": project}
        id_ = self.memory.ingest(fields).results[0].id
        assert id_ is not None
        return id_

    def says(self, minute: float, role: str, text: str, session: str = "s-1", **more: str) -> None:
        at = (NOON + timedelta(minutes=minute)).isoformat()
        fields = {"text": text, "role": role, "created_at": at, "session_id": session}
        self.memory.ingest({"project": "ship", **fields, **more})

    def is_given(self, minute: float, *ids: str, session: str | None = "s-1") -> None:
        self.at(minute)
        recalled = PromptRecall(
            text="block", memory_ids=[*ids], confidences=[0.93] * len(ids), reason="answers"
        )
        self.memory.note_injected(recalled, session_id=session, by="prompt")

    def at(self, minute: float) -> None:
        moment = NOON + timedelta(minutes=minute)
        self.memory.ledger = Ledger(self.memory.paths, lambda: moment)


@pytest.fixture
def sessions(words_only: Memory) -> Sessions:
    """A store without a model."""
    return Sessions(words_only)


def only(found: Injections) -> InjectedMemory:
    [injection] = found.injections
    [memory] = injection.memories
    return memory


def test_what_a_prompt_was_given_is_shown_with_its_way_reason_and_confidence(
    sessions: Sessions,
) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Which port has staging?")
    sessions.is_given(0.1, id_)
    sessions.says(1, "assistant", "It is 5544.")

    found = sessions.memory.why("s-1")
    [injection] = found.injections
    assert (injection.by, injection.reason, injection.matched) == ("prompt", "answers", "session")
    assert injection.at == NOON + timedelta(seconds=6)
    memory = only(found)
    assert (memory.id, memory.text, memory.state, memory.confidence) == (id_, PORT, "current", 0.93)
    assert (memory.outcome, memory.words) == ("used", ["5544"])


CASES = [
    (PORT, "Which port has staging?", "I do not know that port.", "not_used"),
    (HIVES, "How is Marta?", "Her eleven hives are well.", "used"),
    (HIVES, "How is Marta?", "Marta is well.", "not_used"),
    ("Indent with tabs.", "How do I indent?", "I used tabs.", "used"),
    ("Ulf tauft das Boot Seeschwalbe.", "Wie heißt es?", "Es heißt Seeschwalbe.", "used"),
    ("Ulf tauft das Boot Seeschwalbe.", "Wie heißt es?", "Das steht dort nicht.", "not_used"),
    ("船の名前は海燕丸である", "何と言いますか", "海燕丸と言います", "used"),
    ("Лодку зовут Ласточка", "Как её зовут?", "Её зовут Ласточка.", "used"),
    ("We moved to parser_v2.", "Which one is it?", "parser_v2, since May.", "used"),
    ("Prod listens on port 80.", "Where is it?", "Prod listens on 81.", "contradicted"),
]


def test_what_an_answer_has_of_a_memory_alone_says_whether_it_was_used(sessions: Sessions) -> None:
    turns = [
        {"text": text, "role": role, "session_id": f"s-{n}", "created_at": NOON + LATER[role]}
        for n, (_, asked, answer, _) in enumerate(CASES)
        for role, text in (("user", asked), ("assistant", answer))
    ]
    memories = list(dict.fromkeys(case[0] for case in CASES))
    report = sessions.memory.ingest([*({"text": text} for text in memories), *turns])
    ids = dict(zip(memories, [one.id or "" for one in report.results], strict=False))
    for n, (memory, *_) in enumerate(CASES):
        sessions.is_given(0, ids[memory], session=f"s-{n}")

    outcomes = [only(sessions.memory.why(f"s-{n}")).outcome for n in range(len(CASES))]
    assert outcomes == [outcome for *_, outcome in CASES]


def test_words_that_the_user_said_first_are_no_use_of_a_memory(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.is_given(0, id_)
    sessions.says(0.1, "user", "The staging database listens on port 5544, right?")
    sessions.says(1, "assistant", "Yes: the staging database listens on port 5544.")
    assert only(sessions.memory.why("s-1")).outcome == "unclear"


def test_what_was_answered_before_a_memory_came_is_no_use_of_it(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Which port?")
    sessions.says(1, "assistant", "5544.")
    sessions.is_given(2, id_)
    assert only(sessions.memory.why("s-1")).outcome == "unclear"
    sessions.says(3, "assistant", "As I said: 5544.")
    assert only(sessions.memory.why("s-1")).outcome == "not_used"


def test_words_that_many_memories_have_are_no_use_of_one(sessions: Sessions) -> None:
    id_ = sessions.remembers("The harbour crew sails.")
    sessions.memory.ingest([f"The harbour crew counts {n} crates." for n in range(20)])
    sessions.says(0, "user", "What is new?")
    sessions.is_given(0, id_)
    sessions.says(1, "assistant", "The harbour crew rests.")
    assert only(sessions.memory.why("s-1")).outcome == "not_used"


def test_what_is_hidden_or_gone_since_is_named_and_not_shown(sessions: Sessions) -> None:
    forgotten, replaced = map(sessions.remembers, [PORT, "The ship has two masts."])
    gone = "01900000-0000-7000-8000-000000000000"
    sessions.says(0, "user", "Tell me.")
    sessions.is_given(0, forgotten, replaced, gone)
    sessions.memory.forget([forgotten])
    sessions.memory.supersede(replaced, "The ship has three masts.")

    [injection] = sessions.memory.why("s-1").injections
    assert [one.state for one in injection.memories] == ["forgotten", "superseded", "gone"]
    assert [one.text for one in injection.memories] == [None, "The ship has two masts.", None]
    assert "5544" not in injection.model_dump_json()


@pytest.mark.slow
def test_of_a_purged_memory_only_its_id_is_left(sessions: Sessions) -> None:
    id_ = sessions.remembers(HIVES)
    sessions.says(0, "user", "Tell me.")
    sessions.is_given(0, id_)
    sessions.memory.purge([id_])
    memory = only(sessions.memory.why("s-1"))
    assert (memory.id, memory.state, memory.text) == (id_, "purged", None)


def test_a_scrubbed_text_is_in_no_answer(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Tell me.")
    sessions.is_given(0, id_)
    sessions.memory.scrub("5544")
    assert "5544" not in sessions.memory.why("s-1").model_dump_json()


def test_the_ledger_has_no_text_of_what_was_given(sessions: Sessions) -> None:
    sessions.is_given(0, sessions.remembers(PORT))
    sessions.memory.note_answered("recall", [sessions.remembers(HIVES)], [0.5])
    kept = sessions.memory.ledger.current.read_text()
    assert kept.count("memory_injected") == 2
    assert "5544" not in kept
    assert "hives" not in kept


def test_without_a_session_the_last_one_of_the_project_is_meant(sessions: Sessions) -> None:
    with pytest.raises(UnknownRecord, match="no session is known"):
        sessions.memory.why()
    sessions.says(0, "user", "First.", "s-1")
    sessions.says(5, "user", "Second.", "s-2", project="shore")
    assert sessions.memory.why().session == "s-2"
    sessions.memory.default_project = "ship"
    assert sessions.memory.why().session == "s-1"
    sessions.memory.default_project = "sky"
    with pytest.raises(UnknownRecord, match="no session of the project sky is known"):
        sessions.memory.why()


def test_a_session_is_named_by_the_beginning_of_its_id(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Hello.", "abc-1")
    sessions.is_given(0, id_, session="silent-1")
    sessions.is_given(0, id_, session="silent-22")
    assert sessions.memory.why("ABC").session == "abc-1"
    found = sessions.memory.why("silent-1")
    assert (found.session, found.turns, found.started_at) == ("silent-1", 0, None)
    assert only(found).outcome == "unclear"
    with pytest.raises(InvalidInput, match="2 sessions have ids that begin so: send more of"):
        sessions.memory.why("silent")
    for nobody in ("x", "", "\x1b[31m"):
        with pytest.raises(UnknownRecord, match="no session has an id that begins with"):
            sessions.memory.why(nobody)


def test_a_tools_answer_is_of_the_session_that_spoke_then_in_its_project(
    sessions: Sessions,
) -> None:
    sessions.says(0, "user", "Which port?", "s-1")
    sessions.says(2, "assistant", "5544.", "s-1")
    sessions.says(1, "user", "Elsewhere.", "s-2", project="shore")
    sessions.at(1)
    sessions.memory.default_project = "ship"
    sessions.memory.note_answered("recall", [sessions.remembers(PORT)], [0.8])
    sessions.at(60)
    sessions.memory.note_answered("recall", [sessions.remembers(HIVES)])

    [injection] = sessions.memory.why("s-1").injections
    assert (injection.by, injection.tool, injection.matched) == ("tool", "recall", "time")
    assert (injection.sessions, injection.memories[0].outcome) == (1, "used")
    assert sessions.memory.why("s-2").injections == []

    sessions.says(1, "user", "At the same time.", "s-3")
    assert sessions.memory.why("s-1").injections[0].sessions == 2
    assert sessions.memory.why("s-3").injections[0].sessions == 2


def test_a_tool_that_found_nothing_leaves_no_event(sessions: Sessions) -> None:
    sessions.memory.note_answered("recall", [])
    assert sessions.memory.ledger.newest(10) == []


def test_events_of_two_processes_and_damaged_ones_lie_in_one_ledger(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.is_given(0, id_)
    Memory(sessions.memory.paths.root).note_injected(
        PromptRecall(text="b", memory_ids=[id_], reason="answers"), session_id="s-1", by="page"
    )
    event = {"at": NOON.isoformat(), "event": "memory_injected", "session": "s-1", "by": "prompt"}
    damaged = [
        {**event, "ids": "x"},
        {**event, "ids": [id_], "at": "yesterday"},
        {**event, "ids": [id_], "at": 10**30},
        {**event, "ids": [id_], "by": "\x1b"},
        {**event, "ids": [id_], "session": ["s-1"]},
        {**event, "ids": [7, "' OR 1", id_], "confidences": ["NaN", None, 9]},
    ]
    with sessions.memory.ledger.current.open("a", encoding="utf-8") as ledger:
        ledger.writelines(f"{json.dumps(one)}\n" for one in damaged)
        ledger.write('{"event": "memory_injected", "ids": [\n\0\n')

    found = sessions.memory.why("s-1").injections
    assert [one.by for one in found] == ["prompt", "prompt", "page"]
    assert [[each.id for each in one.memories] for one in found] == [[id_]] * 3
    assert [one.memories[0].confidence for one in found] == [0.93, None, None]


def test_a_clock_that_was_wrong_makes_an_outcome_unclear(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Which port?")
    sessions.is_given(60 * 24 * 365, id_)
    sessions.says(1, "assistant", "5544.")
    assert only(sessions.memory.why("s-1")).outcome == "unclear"


def test_a_large_ledger_shows_the_newest_and_counts_the_rest(sessions: Sessions) -> None:
    id_ = sessions.remembers(PORT)
    sessions.says(0, "user", "Which port?")
    sessions.is_given(0, id_)
    line = sessions.memory.ledger.current.read_bytes().splitlines(keepends=True)[-1]
    with sessions.memory.ledger.current.open("ab") as ledger:
        ledger.write(line * 7_000)
    found = sessions.memory.why("s-1")
    assert (len(found.injections), found.cut) == (200, 4_800)
