"""Questions about a time alone: the table answers them, session by session, whatever the words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from iai_memory import Memory, load_settings
from iai_memory.recall.time_question import time_question

ASKED = datetime(2026, 2, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "question",
    [
        "what did we do yesterday?",
        "What did I work on on 4 February, please?",
        "which things did we talk about last Tuesday?",
        "what was I busy with on January 29th?",
        "where did we leave off last time?",
        "give me a summary of last week",
        "was haben wir gestern gemacht?",
        "Woran habe ich am Donnerstag gearbeitet?",
        "¿qué hicimos ayer?",
        "qu'avons-nous fait hier ?",
        "我们昨天做了什么?",
        "continue where we stopped",
        "what did we do at 3pm yesterday?",
        "anything from Friday afternoon?",
        "vad gjorde vi igår?",
        "co jsme dělali včera?",
        "co robiliśmy wczoraj?",
        "dün ne yaptık?",
        "昨日は何をしましたか?",
        "어제 뭐 했어?",
        "mitä teimme eilen?",
        "hvad lavede vi i går?",
    ],
)
def test_a_question_may_be_about_a_time_alone(question: str) -> None:
    assert time_question(question, ASKED) is not None


@pytest.mark.parametrize(
    "question",
    [
        "what did we do about the parser last week?",
        "which port did we choose yesterday?",
        "what did Ann say on 4 February?",
        "was haben wir gestern am Parser gemacht?",
        "what did we do?",
        "what did we do about 5544 yesterday?",
        "昨日パーサーについて何をしましたか?",
        "vad gjorde vi med parsern igår?",
        "co jsme dělali včera s parserem?",
        "what's the latest version of node?",
    ],
)
def test_a_question_with_a_topic_is_searched(question: str) -> None:
    assert time_question(question, ASKED) is None


def turn(at: datetime, text: str, session: str, role: str = "user", **more: str) -> dict[str, str]:
    return {"created_at": at.isoformat(), "text": text, "session_id": session, "role": role, **more}


@pytest.fixture
def yesterday() -> datetime:
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(1)


def test_a_day_is_listed_by_session_in_order_and_nothing_else_is(
    words_only: Memory, yesterday: datetime
) -> None:
    minute = timedelta(minutes=1)
    words_only.ingest(
        [
            turn(yesterday - timedelta(days=1), "what did we do yesterday?", "older"),
            turn(yesterday + 60 * minute, "rename the parser", "second"),
            turn(yesterday + 61 * minute, "It is renamed.", "second", "assistant"),
            turn(yesterday, "remove the sorting", "first"),
            turn(yesterday + minute, "It is removed.", "first", "assistant"),
            turn(yesterday + timedelta(days=1), "we did it yesterday", "today"),
        ]
    )
    found = words_only.recall("what did we do yesterday?")
    assert found.mode == "time"
    assert [hit.text for hit in found.hits] == [
        "remove the sorting",
        "It is removed.",
        "rename the parser",
        "It is renamed.",
    ]
    assert found.period is not None
    assert found.period.start <= yesterday <= found.period.end


def test_a_day_with_many_turns_gives_some_of_each_session(
    words_only: Memory, yesterday: datetime
) -> None:
    minute = timedelta(minutes=1)
    words_only.ingest(
        [
            turn(yesterday + (n + 100 * (s == "b")) * minute, f"turn {n} of {s}", s)
            for s in "ab"
            for n in range(40)
        ]
    )
    found = words_only.recall("what did we do yesterday?", limit=6)
    texts = [hit.text for hit in found.hits]
    assert texts == sorted(texts, key=lambda text: (text[-1], int(text.split()[1])))
    assert {"turn 0 of a", "turn 39 of a", "turn 0 of b", "turn 39 of b"} < set(texts)


def test_the_same_moment_is_of_another_day_in_another_zone(
    tmp_path: Path, yesterday: datetime
) -> None:
    late = yesterday.replace(hour=23, minute=30)
    memories = {
        zone: Memory(settings=load_settings(store=tmp_path / "store", tz=zone))
        for zone in ("UTC", "Asia/Tokyo")
    }
    memories["UTC"].ingest(turn(late, "the late turn", "s"))
    assert memories["UTC"].recall("what did we do yesterday?").hits
    local = late.astimezone(ZoneInfo("Asia/Tokyo")).date()
    found = memories["Asia/Tokyo"].recall(f"what did we do on {local.isoformat()}?").hits
    assert [hit.text for hit in found] == ["the late turn"]
    assert not memories["Asia/Tokyo"].recall(f"what did we do on {late.date()}?").hits
    [listed] = memories["Asia/Tokyo"].timeline(since=str(local), until=str(local)).records
    assert listed.created_at == late


def test_where_we_left_off_is_the_end_of_the_newest_session_but_the_one_that_asks(
    words_only: Memory, yesterday: datetime
) -> None:
    minute = timedelta(minutes=1)
    words_only.ingest(
        [turn(yesterday + n * minute, f"step {n}", "work") for n in range(30)]
        + [turn(yesterday + timedelta(hours=5), "Where did we leave off?", "now")]
    )
    found = words_only.recall("where did we leave off last time?", limit=3)
    assert [hit.text for hit in found.hits] == ["step 27", "step 28", "step 29"]
    assert found.period is None


def test_a_day_without_a_year_is_the_latest_one_that_has_turns(words_only: Memory) -> None:
    day = datetime(datetime.now(UTC).year - 3, 5, 29, 12, tzinfo=UTC)
    words_only.ingest(turn(day, "an old turn", "s"))
    found = words_only.recall("what happened on May 29th?")
    assert [hit.text for hit in found.hits] == ["an old turn"]
    assert not words_only.recall("what happened on May 28th?").hits


@pytest.mark.parametrize("query", ["Thursday", "2021-03-03", "am Donnerstag", "星期四"])
def test_a_time_alone_of_which_there_is_nothing_is_searched_as_a_word(
    words_only: Memory, query: str
) -> None:
    words_only.ingest({"text": f"the meeting moved to {query}", "created_at": "2020-01-01"})
    assert words_only.recall(query).hits
    assert not words_only.recall(f"what did we do on {query}?").hits


def test_a_time_before_the_year_1000_can_be_asked_for(words_only: Memory) -> None:
    words_only.ingest("said today")
    assert len(words_only.timeline(since="0005-01-01").records) == 1
    assert words_only.recall("said", until="0999-12-31").hits == []


def test_what_was_taken_back_or_forgotten_did_not_happen(
    words_only: Memory, yesterday: datetime
) -> None:
    report = words_only.ingest(
        [
            turn(yesterday, "kept", "s"),
            turn(yesterday, "forgotten", "s"),
            {**turn(yesterday, "rewound", "s"), "tags": ["rewound"]},
        ]
    )
    forgotten = report.results[1].id
    assert forgotten is not None
    words_only.forget([forgotten])
    assert [hit.text for hit in words_only.recall("what did we do yesterday?").hits] == ["kept"]


def test_a_filter_holds_for_a_time_too_and_the_own_project_comes_first(
    tmp_path: Path, yesterday: datetime
) -> None:
    memory = Memory(tmp_path / "store", cwd=tmp_path)
    own = memory.own_project or ""
    memory.ingest(
        [
            turn(yesterday, "of another project", "a", project="other"),
            turn(yesterday + timedelta(hours=1), "of this one", "b", project=own),
        ]
    )
    everything = memory.recall("what did we do yesterday?").hits
    assert [hit.text for hit in everything] == ["of this one", "of another project"]
    narrow = memory.recall("what did we do yesterday?", project="other").hits
    assert [hit.text for hit in narrow] == ["of another project"]


def test_a_bare_date_and_a_naive_time_are_of_the_users_zone(tmp_path: Path) -> None:
    settings = load_settings(store=tmp_path / "store", tz="America/New_York")
    memory = Memory(settings=settings)
    memory.ingest({"text": "the late turn", "created_at": "2026-07-01T23:30:00"})
    [record] = memory.timeline(since="2026-07-01", until="2026-07-01").records
    assert record.created_at == datetime(2026, 7, 2, 3, 30, tzinfo=UTC)
    assert memory.recall("late turn", since="2026-07-02").hits == []
    assert memory.session_start().payload.count("2026-07-01") == 2


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "x" * 300])
def test_a_zone_that_is_none_is_refused_in_one_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_TZ", name)
    with pytest.raises(ValueError, match=r"^IAI_MCP_TZ has a value that cannot be used"):
        load_settings()


@pytest.mark.parametrize("name", ["Asia/Tokyo", ":Asia/Tokyo"])
def test_tz_of_the_environment_is_the_users_zone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IAI_MCP_TZ", raising=False)
    monkeypatch.setenv("TZ", name)
    moment = datetime(2026, 7, 1, tzinfo=UTC).astimezone(Memory(tmp_path / "store").zone)
    assert moment.utcoffset() == timedelta(hours=9)


def test_with_a_topic_the_day_counts_in_a_store_of_many_other_days(
    words_only: Memory, yesterday: datetime
) -> None:
    others = [
        turn(yesterday - timedelta(days=10 + n), f"the parser: the parser {n}", "s")
        for n in range(150)
    ]
    words_only.ingest([*others, turn(yesterday, "we gave the parser a longer timeout", "t")])
    found = words_only.recall("what did we do about the parser yesterday?").hits
    assert found[0].text == "we gave the parser a longer timeout"


# --- exchanges -----------------------------------------------------------------------------------


def said_to_host(at: datetime, session: str, count: int, **more: str) -> list[dict[str, str]]:
    """So many exchanges of a session of a host, each with narration, five minutes apart."""
    return [
        turn(at + timedelta(minutes=5 * n + m), text, session, role, host="claude-code", **more)
        for n in range(count)
        for m, (role, text) in enumerate(
            (
                ("user", f"task {n} of {session}"),
                ("assistant", "Let me look."),
                ("assistant", f"result {n} of {session}"),
            )
        )
    ]


def test_a_day_is_listed_as_what_was_asked_and_what_came_of_it(
    words_only: Memory, yesterday: datetime
) -> None:
    first, second = said_to_host(yesterday, "a", 2), said_to_host(yesterday, "b", 1)
    words_only.ingest([*first, *second])
    words_only.ingest({"text": "a note of the day", "created_at": yesterday.isoformat()})
    found = words_only.recall("what did we do yesterday?")
    assert sorted([hit.text, *(one.text for one in hit.turns)] for hit in found.hits) == [
        ["a note of the day"],
        ["task 0 of a", "result 0 of a"],
        ["task 0 of b", "result 0 of b"],
        ["task 1 of a", "result 1 of a"],
    ]
    assert (found.mode, found.coverage.cut) == ("time", 0)


def test_of_hundreds_of_exchanges_each_session_shows_its_first_and_its_last(
    words_only: Memory, yesterday: datetime
) -> None:
    at = yesterday - timedelta(hours=11)
    for session in "ab":
        words_only.ingest(said_to_host(at, session, 120))
        at += timedelta(seconds=20)
    found = words_only.recall("what did we do yesterday?", limit=8)
    tasks = [hit.text for hit in found.hits]
    assert {"task 0 of a", "task 119 of a", "task 0 of b", "task 119 of b"} <= set(tasks)
    numbers = [int(text.split()[1]) for text in tasks]
    assert numbers == [*sorted(numbers[:4]), *sorted(numbers[4:])]
    assert found.coverage.cut == 240 - 8
    assert all(hit.turns for hit in found.hits)
    assert found.tokens <= 450


def test_an_exchange_whose_folder_changed_is_one(words_only: Memory, yesterday: datetime) -> None:
    turns = said_to_host(yesterday, "a", 2)
    words_only.ingest([{**one, "project": "p" if n % 3 else "q"} for n, one in enumerate(turns)])
    found = words_only.recall("what did we do yesterday?").hits
    assert [(hit.text, len(hit.turns)) for hit in found] == [("task 0 of a", 1), ("task 1 of a", 1)]


def test_an_answer_that_was_forgotten_or_taken_back_is_not_listed(
    words_only: Memory, yesterday: datetime
) -> None:
    report = words_only.ingest(said_to_host(yesterday, "a", 1))
    gone = said_to_host(yesterday + timedelta(hours=1), "b", 1)
    words_only.ingest([{**one, "tags": ["rewound"]} for one in gone])
    words_only.forget([report.results[2].id or ""])
    [hit] = words_only.recall("what did we do yesterday?").hits
    assert [hit.text, *(one.text for one in hit.turns)] == ["task 0 of a"]


def test_with_a_topic_the_day_that_is_named_comes_before_the_days_around_it(
    words_only: Memory,
) -> None:
    for day in (24, 25, 26, 27):
        at = datetime(2026, 1, day, 12, tzinfo=UTC)
        words_only.ingest(turn(at, f"We looked at the validation, part {day}.", f"s-{day}"))
    found = words_only.recall("what did we do on 2026-01-25 about validation?")
    assert found.hits[0].created_at.day == 25
    shares = [float(hit.reason.partition("date ")[2][:5]) for hit in found.hits]
    assert shares[0] > max(shares[1:]) > 0
