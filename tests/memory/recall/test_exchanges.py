"""An exchange with an assistant: one hit, found by either side, shown with the other."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.themes import OpenMemory, store_all

from iai_memory import Memory
from iai_memory.recall.features import Features
from iai_memory.recall.weights import SESSIONS
from iai_memory.results import Hit
from iai_memory.store.session_order import Exchange, SessionOrder
from iai_memory.text.tokens import estimate_tokens

DIALOGUE = (
    ("user", "Should the list of books be sorted by title in the output?"),
    ("assistant", "Sorting by title needs a locale, and nobody reads the list from its top."),
    ("user", "right, remove it again"),
    ("assistant", "Let me run the tests first."),
    ("assistant", "Done: the sorted() call is gone from the library listing and its test too."),
    ("user", "Why does the importer retry three times?"),
    (
        "assistant",
        "The mirror answers 503 while it rotates its logs; the third attempt works.",
    ),
    ("user", "yes, do that"),
    ("assistant", "The timeout of the healthcheck is 20 seconds now instead of five."),
    ("user", "Welche Schriftart nehmen wir für die Rechnungen?"),
    ("assistant", "Für die Rechnungen nehmen wir Source Serif, weil sie schmale Ziffern hat."),
)


def turns(*dialogue: tuple[str, str], session: str = "s", hour: int = 9) -> list[dict[str, Any]]:
    """The turns of one session of a host, a minute each."""
    return [
        {
            "text": text,
            "role": role,
            "host": "claude-code",
            "session_id": session,
            "turn_id": f"{session}-{minute}",
            "created_at": f"2026-05-08T{hour:02}:{minute:02}:00Z",
        }
        for minute, (role, text) in enumerate(dialogue)
    ]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, model_folder: Any) -> Memory:
    """A memory of one session."""
    from iai_memory import load_settings

    settings = load_settings(store=tmp_path_factory.mktemp("talk") / "store", model=model_folder)
    memory = Memory(settings=settings, on_commit=lambda: None)
    store_all(memory, turns(*DIALOGUE))
    return memory


def shown(hit: Hit) -> set[str]:
    return {hit.text, *(turn.text for turn in hit.turns)}


def test_an_exchange_runs_from_one_turn_of_the_user_to_the_next() -> None:
    order = SessionOrder(("a0", "u1", "u2", "n", "a1", "u3"), frozenset({"u1", "u2", "u3"}))
    assert order.exchange("a0") == Exchange("a0", (), "a0")
    assert order.exchange("n") == Exchange("u1", ("u1", "u2"), "a1")
    assert order.exchange("u3") == Exchange("u3", ("u3",), None)
    assert order.exchange("of another session") is None


@pytest.mark.parametrize(
    ("question", "asked", "answered"),
    [
        ("why does the importer retry three times?", 5, 6),
        ("what does the mirror answer while it rotates its logs?", 5, 6),
        ("how long is the timeout of the healthcheck?", 7, 8),
        ("was the sorted() call removed from the library listing?", 2, 4),
        ("is the list of books sorted by title?", 0, 1),
        ("Welche Schriftart haben die Rechnungen?", 9, 10),
    ],
)
def test_either_side_of_an_exchange_brings_the_other(
    talk: Memory, question: str, asked: int, answered: int
) -> None:
    first = talk.recall(question).hits[0]
    assert {DIALOGUE[asked][1], DIALOGUE[answered][1]} <= shown(first)
    assert {turn.role for turn in first.turns} | {first.role} == {"user", "assistant"}


def test_an_exchange_is_one_hit_whatever_of_its_turns_matches(talk: Memory) -> None:
    found = talk.recall("sorted list of books library listing tests", min_confidence=0).hits
    seen = [text for hit in found for text in shown(hit)]
    assert len(seen) == len(set(seen))


def test_narration_that_matches_comes_with_what_was_asked_and_answered(talk: Memory) -> None:
    [hit] = [
        one
        for one in talk.recall("let me run the tests first", min_confidence=0).hits
        if one.text == DIALOGUE[3][1]
    ]
    assert [turn.text for turn in hit.turns] == [DIALOGUE[2][1], DIALOGUE[4][1]]


def test_an_answer_with_both_sides_stays_within_the_budget(open_memory: OpenMemory) -> None:
    memory = open_memory()
    long = "The cache of thumbnails is emptied when a cover changes. " * 60
    store_all(
        memory,
        [
            one
            for number in range(8)
            for one in turns(
                ("user", f"When is the cache of thumbnails number {number} emptied? " + long),
                ("assistant", f"Number {number}: " + long),
                session=f"s{number}",
                hour=number,
            )
        ],
    )
    for budget in (50, 120, 450):
        found = memory.recall("when is the cache emptied?", budget_tokens=budget)
        texts = [text for hit in found.hits for text in (hit.text, *(t.text for t in hit.turns))]
        assert sum(map(estimate_tokens, texts)) == found.tokens <= budget
        assert found.hits
    assert all(hit.turns for hit in found.hits)


def test_questions_without_answers_do_not_stand_before_the_exchange_that_answers(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    answer = "It listens on port 7001, since 7000 is taken by AirPlay on a Mac."
    for number, words in enumerate(("", "Tell me:", "Once more:", "And now?", "Hello,", "So,")):
        asked = f"{words} which port does the preview server listen on?"
        store_all(memory, turns(("user", asked), session=f"s{number}", hour=number))
    said = ("user", "And where does the preview listen?"), ("assistant", answer)
    store_all(memory, turns(*said, session="b", hour=8))
    found = memory.recall("which port does the preview server listen on?", limit=5)
    assert answer in shown(found.hits[0])


def test_the_words_of_question_and_answer_are_compared_together(open_memory: OpenMemory) -> None:
    memory = open_memory()
    answer = "It takes 7001, since AirPlay has the other one."
    dialogue = (
        ("user", "Where does the preview server listen?"),
        ("assistant", answer),
        ("user", "Does the preview reload when a template changes?"),
        ("assistant", "It watches the folder of templates."),
        ("user", "What plays the sound in the lobby?"),
        ("assistant", "An old speaker that knows AirPlay."),
    )
    store_all(memory, turns(*dialogue))
    hits = memory.recall("the preview server and AirPlay", min_confidence=0.0).hits
    compared = {
        one: float(part.rpartition(" ")[2])
        for one, hit in enumerate(hits)
        for part in hit.reason.replace(" = ", " + ").split(" + ")
        if part.startswith("late interaction")
    }
    assert answer in shown(hits[0])
    assert compared[0] == pytest.approx(SESSIONS.late_interaction)
    assert all(part < 0.8 * compared[0] for one, part in compared.items() if one)


def test_the_reply_to_a_list_of_questions_is_found_beside_the_list(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    reply = "1: 7001, since 7000 is taken by AirPlay. 2: only this machine. 3: no."
    questions = (
        "Before I begin: 1. Which port should the preview server listen on? 2. Who may reach "
        "the preview server? 3. Should the preview server reload by itself?"
    )
    dialogue = (
        ("user", "Add a preview server, please."),
        ("assistant", questions),
        ("user", reply),
        ("assistant", "The preview server listens on 7001 of the loopback interface."),
        *DIALOGUE,
    )
    store_all(memory, turns(*dialogue))
    found = memory.recall("which port should the preview server listen on?", limit=5)
    assert any(reply in shown(hit) for hit in found.hits)


def test_a_prompt_that_is_sent_again_with_the_same_answer_is_one_hit(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    prompt = "Please review the migration of the ledger table once more."
    for number in range(4):
        store_all(
            memory,
            turns(
                ("user", prompt),
                ("assistant", "The ledger migration lacks an index on the account column."),
                session=f"s{number}",
                hour=number,
            ),
        )
    found = memory.recall("review of the ledger migration", min_confidence=0).hits
    assert len(found) == 1
    assert found[0].reason.endswith("3 more say the same")


def test_a_short_prompt_that_is_sent_again_is_as_many_hits_as_it_has_answers(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    answers = [f"Committed: the parser of {name} is in." for name in ("Avro", "Parquet", "Thrift")]
    dialogue = [pair for text in answers for pair in (("user", "commit"), ("assistant", text))]
    store_all(memory, turns(*dialogue))
    found = memory.recall("which parser was committed?", min_confidence=0).hits
    assert {hit.text for hit in found} | {t.text for hit in found for t in hit.turns} >= {*answers}


def test_a_forgotten_side_of_an_exchange_is_not_shown_beside_the_other(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    ids = store_all(memory, turns(*DIALOGUE[5:7]))
    memory.forget([ids[0]])
    [hit] = memory.recall("what does the mirror answer while it rotates its logs?").hits
    assert (hit.text, hit.turns) == (DIALOGUE[6][1], [])


def test_a_turn_that_the_filter_leaves_out_is_not_shown_beside_one_that_passes(
    talk: Memory,
) -> None:
    found = talk.recall("what does the mirror answer?", since="2026-05-08T09:06:00Z").hits
    assert found[0].text == DIALOGUE[6][1]
    assert found[0].turns == []


@pytest.mark.parametrize("as_turns", [False, True])
@pytest.mark.parametrize(
    "question",
    [
        "do we deploy on Fridays?",
        "should we deploy on Fridays?",
        "may I deploy on a Friday?",
        "don't we deploy on Fridays?",
        "why should we not deploy on Fridays?",
    ],
)
def test_statements_that_say_the_opposite_are_shown_beside_each_other(
    open_memory: OpenMemory, question: str, as_turns: bool
) -> None:
    memory = open_memory()
    opposites = ["We deploy on Fridays.", "Do not deploy on Fridays."]
    others = [
        ("The office plants are watered on Mondays.", "Noted."),
        ("Backups of the wiki run at four.", "The schedule is stored."),
    ]
    if as_turns:
        said = [*((text, "Understood.") for text in opposites), *others]
        for number, (mine, answer) in enumerate(said):
            dialogue = (("user", mine), ("assistant", answer))
            store_all(memory, turns(*dialogue, session=f"s{number}", hour=number))
    else:
        store_all(memory, [{"text": text} for text in (*opposites, *(one for one, _ in others))])
    found = memory.recall(question).hits
    assert {*opposites} <= {hit.text for hit in found}
    assert all((hit.confidence or 0) > 0.02 for hit in found if hit.text in opposites)


def test_hits_far_less_likely_than_the_first_are_cut_unless_a_minimum_is_given(
    talk: Memory,
) -> None:
    question = "why does the importer retry three times?"
    cut, whole = talk.recall(question).hits, talk.recall(question, min_confidence=0).hits
    assert len(cut) < len(whole)
    assert [hit.id for hit in cut] == [hit.id for hit in whole][: len(cut)]


@pytest.mark.parametrize(
    "question",
    ["Who repairs the violin of Zelda?", "Which visa does one need for Mongolia?"],
)
def test_a_question_that_no_session_answers_has_no_hits(talk: Memory, question: str) -> None:
    found = talk.recall(question)
    assert found.hits == []
    assert found.confidence is not None


def test_sessions_are_recalled_by_exchange_without_a_model(words_only: Memory) -> None:
    store_all(words_only, turns(*DIALOGUE))
    found = words_only.recall("importer retry")
    assert found.degraded
    assert {DIALOGUE[5][1], DIALOGUE[6][1]} == shown(found.hits[0])


@pytest.mark.parametrize("field", ["host", "session_id"])
def test_turns_without_host_or_session_are_found_one_by_one(words_only: Memory, field: str) -> None:
    store_all(words_only, [{**one, field: None} for one in turns(*DIALOGUE)])
    assert all(not hit.turns for hit in words_only.recall("importer retry books").hits)


@pytest.mark.parametrize(
    "text",
    [
        "You're absolutely right, the flag is gone.",
        "Good catch! I restored the import.",
        "Du hast völlig recht, das Feld fehlt.",
        "Tienes toda la razón: faltaba el índice.",
        "Tienes razón, lo quito.",
        "Vous avez raison, je retire ce test.",
        "Hai ragione, lo tolgo.",
        "Você tem razão, vou remover.",
        "你说得对，我改回来。",
    ],
)
def test_an_assistant_that_gives_in_is_heard_in_its_language(text: str) -> None:
    assert Features(text).agrees


@pytest.mark.parametrize(
    "text",
    [
        "The right margin is 3 px.",
        "Die rechte Spalte bleibt.",
        "La razón social va en la cabecera.",
        "La raison du retard est le disque.",
    ],
)
def test_words_that_only_look_like_consent_are_none(text: str) -> None:
    assert not Features(text).agrees
