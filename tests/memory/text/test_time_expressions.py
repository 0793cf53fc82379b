"""Times in questions of many languages: found whole, read as of the asking, in the user's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_memory import Memory
from iai_memory.text.time_expressions import TimeExpression, time_expressions
from iai_memory.text.time_locale import time_locale
from iai_memory.text.time_rules import rules

# A Monday.
ASKED = datetime(2026, 2, 16, 9, tzinfo=ZoneInfo("Europe/Berlin"))


def only(question: str, asked_at: datetime = ASKED) -> TimeExpression:
    [found] = time_expressions(question, asked_at)
    return found


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("what did we work on today?", "2026-02-16", "2026-02-16"),
        ("what did we work on yesterday?", "2026-02-15", "2026-02-15"),
        ("what happened the day before yesterday?", "2026-02-14", "2026-02-14"),
        ("what did we get done three days ago?", "2026-02-13", "2026-02-13"),
        ("what happened last Tuesday?", "2026-02-10", "2026-02-10"),
        ("what did we do on Monday?", "2026-02-09", "2026-02-09"),
        ("what did we do this week?", "2026-02-16", "2026-02-22"),
        ("what did we do last week?", "2026-02-09", "2026-02-15"),
        ("what did we do two weeks ago?", "2026-02-02", "2026-02-08"),
        ("what did we do last month?", "2026-01-01", "2026-01-31"),
        ("what did we do in the last two days?", "2026-02-14", "2026-02-16"),
        ("what did we do since Thursday?", "2026-02-12", "2026-02-16"),
        ("what did we do on 3 March?", "2025-03-03", "2025-03-03"),
        ("what did we do on February 3rd?", "2026-02-03", "2026-02-03"),
        ("what did we do on the 3rd?", "2026-02-03", "2026-02-03"),
        ("what did we do the day before the 25th of May?", "2025-05-24", "2025-05-24"),
        ("what did we do on the last day of January?", "2026-01-31", "2026-01-31"),
        ("what did we do between 3 and 5 March?", "2025-03-03", "2025-03-05"),
        ("what did we do on 3-5 March 2024?", "2024-03-03", "2024-03-05"),
        ("what did we do from the 3rd to the 5th of March?", "2025-03-03", "2025-03-05"),
        ("Was haben wir vom 3. bis 5. März gemacht?", "2025-03-03", "2025-03-05"),
        ("¿qué hicimos del 3 al 5 de marzo?", "2025-03-03", "2025-03-05"),
        ("what did we do between 3 March and 5 March?", "2025-03-03", "2025-03-05"),
        ("what did we do from Tuesday to Thursday?", "2026-02-10", "2026-02-12"),
        ("what was going on on 2026-01-25?", "2026-01-25", "2026-01-25"),
        ("what was going on on 11/26/2025?", "2025-11-26", "2025-11-26"),
        ("what was going on on 26/11/2025?", "2025-11-26", "2025-11-26"),
        ("11/26/2025", "2025-11-26", "2025-11-26"),
        ("26/11/2025", "2025-11-26", "2025-11-26"),
        ("26-11-2025", "2025-11-26", "2025-11-26"),
        ("what did we do on Sunday 25 January?", "2026-01-25", "2026-01-25"),
        ("what did we do on Sunday, the 25th of January 2026?", "2026-01-25", "2026-01-25"),
        ("was war am Sonntag, dem 25. Januar?", "2026-01-25", "2026-01-25"),
        ("¿qué hicimos el domingo 25 de enero?", "2026-01-25", "2026-01-25"),
        ("qu'a-t-on fait dimanche 25 janvier ?", "2026-01-25", "2026-01-25"),
        ("Sunday 2026-01-25", "2026-01-25", "2026-01-25"),
        ("what did we do before 21 January 2026?", "1970-01-01", "2026-01-20"),
        ("what did we do after 14 February?", "2026-02-15", "2026-02-16"),
        ("was haben wir nach dem 14. Februar gemacht?", "2026-02-15", "2026-02-16"),
        ("what did we do until 21 January 2026?", "1970-01-01", "2026-01-21"),
        ("what happened on 25 Jan 26?", "2026-01-25", "2026-01-25"),
        ("what did we do on 25. Januar?", "2026-01-25", "2026-01-25"),
        ("what did we do in the first week of February?", "2026-02-01", "2026-02-07"),
        ("what did we do in the last week of January?", "2026-01-25", "2026-01-31"),
        ("what did you do on 2026-01-25T10:47?", "2026-01-25", "2026-01-25"),
        ("what did we do on Fri Nov 14", "2025-11-14", "2025-11-14"),
        ("what did we do on Fri, 14 November?", "2025-11-14", "2025-11-14"),
        ("was war am Fr. 14. November?", "2025-11-14", "2025-11-14"),
        ("what did we do on 11/27?", "2025-11-27", "2025-11-27"),
        ("what did we do on 27/11?", "2025-11-27", "2025-11-27"),
        ("what did we do on Friday 14.11.?", "2025-11-14", "2025-11-14"),
        ("January", "2026-01-01", "2026-01-31"),
        ("gestern", "2026-02-15", "2026-02-15"),
        ("anteayer", "2026-02-14", "2026-02-14"),
        ("vorletzte Woche", "2026-02-02", "2026-02-08"),
        ("the week before last", "2026-02-02", "2026-02-08"),
        ("what did we do on Friday of last week?", "2026-02-13", "2026-02-13"),
        ("what did we do on Tuesday last week?", "2026-02-10", "2026-02-10"),
        ("was war am Freitag letzter Woche?", "2026-02-13", "2026-02-13"),
        ("¿qué hicimos el viernes de la semana pasada?", "2026-02-13", "2026-02-13"),
        ("qu'a-t-on fait vendredi de la semaine dernière ?", "2026-02-13", "2026-02-13"),
        ("what did we do in the last few days?", "2026-02-11", "2026-02-16"),
        ("what did we do in the last days?", "2026-02-11", "2026-02-16"),
        ("what did we do a couple of days ago?", "2026-02-13", "2026-02-16"),
        ("what did we do in the past week?", "2026-02-09", "2026-02-16"),
        ("was haben wir in den letzten Tagen gemacht?", "2026-02-11", "2026-02-16"),
        ("qu'avons-nous fait ces derniers jours ?", "2026-02-11", "2026-02-16"),
        ("¿qué hicimos en los últimos días?", "2026-02-11", "2026-02-16"),
        ("what did we do in week 5?", "2026-01-26", "2026-02-01"),
        ("what did we do in week 53 of 2020?", "2020-12-28", "2021-01-03"),
        ("was haben wir in KW 47 gemacht?", "2025-11-17", "2025-11-23"),
        ("what did we do in Q3?", "2025-07-01", "2025-09-30"),
        ("what did we do in Q1 2024?", "2024-01-01", "2024-03-31"),
        ("what did we do last quarter?", "2025-10-01", "2025-12-31"),
        ("vad gjorde vi igår?", "2026-02-15", "2026-02-15"),
        ("co jsme dělali včera?", "2026-02-15", "2026-02-15"),
        ("what did we do last weekend?", "2026-02-14", "2026-02-15"),
        ("what did we do in 2025?", "2025-01-01", "2025-12-31"),
        ("what did we do last night?", "2026-02-15", "2026-02-15"),
        ("Was haben wir gestern gemacht?", "2026-02-15", "2026-02-15"),
        ("was haben wir vorgestern gemacht", "2026-02-14", "2026-02-14"),
        ("Was haben wir am Donnerstag gemacht?", "2026-02-12", "2026-02-12"),
        ("Was haben wir letzten Donnerstag gemacht?", "2026-02-12", "2026-02-12"),
        ("Woran haben wir letzte Woche gearbeitet?", "2026-02-09", "2026-02-15"),
        ("Was haben wir am 3. März gemacht?", "2025-03-03", "2025-03-03"),
        ("Was haben wir am 26.11.2025 besprochen?", "2025-11-26", "2025-11-26"),
        ("Was haben wir am 26.11. besprochen?", "2025-11-26", "2025-11-26"),
        ("Was haben wir in den letzten zwei Tagen gemacht?", "2026-02-14", "2026-02-16"),
        ("Was haben wir vor drei Tagen gemacht?", "2026-02-13", "2026-02-13"),
        ("Was haben wir seit Donnerstag gemacht?", "2026-02-12", "2026-02-16"),
        ("¿Qué hicimos ayer?", "2026-02-15", "2026-02-15"),
        ("¿qué hicimos anteayer?", "2026-02-14", "2026-02-14"),
        ("¿Qué hicimos el jueves pasado?", "2026-02-12", "2026-02-12"),
        ("¿qué hicimos hace tres días?", "2026-02-13", "2026-02-13"),
        ("¿qué hicimos en los últimos dos días?", "2026-02-14", "2026-02-16"),
        ("¿qué hicimos el 3 de marzo?", "2025-03-03", "2025-03-03"),
        ("¿qué hicimos la semana pasada?", "2026-02-09", "2026-02-15"),
        ("qu'avons-nous fait hier ?", "2026-02-15", "2026-02-15"),
        ("qu\u2019avons-nous fait avant-hier ?", "2026-02-14", "2026-02-14"),
        ("qu'est-ce qu'on a fait jeudi dernier ?", "2026-02-12", "2026-02-12"),
        ("qu'avons-nous fait le 3 mars ?", "2025-03-03", "2025-03-03"),
        ("qu'avons-nous fait il y a trois jours ?", "2026-02-13", "2026-02-13"),
        ("qu'avons-nous fait depuis jeudi ?", "2026-02-12", "2026-02-16"),
        ("Cosa abbiamo fatto ieri?", "2026-02-15", "2026-02-15"),
        ("cosa abbiamo fatto due giorni fa?", "2026-02-14", "2026-02-14"),
        ("O que fizemos ontem?", "2026-02-15", "2026-02-15"),
        ("o que fizemos na quinta-feira?", "2026-02-12", "2026-02-12"),
        ("Wat hebben we gisteren gedaan?", "2026-02-15", "2026-02-15"),
        ("что мы делали вчера?", "2026-02-15", "2026-02-15"),
        ("我们昨天做了什么?", "2026-02-15", "2026-02-15"),
        ("2月3日我们做了什么?", "2026-02-03", "2026-02-03"),
        ("昨日は何をしましたか?", "2026-02-15", "2026-02-15"),
        ("dün ne yaptık?", "2026-02-15", "2026-02-15"),
        ("어제 우리가 뭐 했지?", "2026-02-15", "2026-02-15"),
    ],
)  # fmt: skip
def test_a_time_is_whole_days_of_the_user(question: str, first: str, last: str) -> None:
    found = only(question)
    assert (found.start.date().isoformat(), found.end.date().isoformat()) == (first, last)
    assert (found.start.hour, found.end.hour) == (0, 23)


@pytest.mark.parametrize(
    "question",
    [
        "what did we do last time?",
        "where did we leave off?",
        "where were we up to?",
        "what's the latest?",
        "where were we?",
        "what were we doing?",
        "what was I working on last?",
        "what did we last do?",
        "what did we do recently?",
        "what's new?",
        "what did we talk about the other day?",
        "neulich",
        "woran waren wir gerade?",
        "What's the most recent news?",
        "wo haben wir aufgehört?",
        "was haben wir letztes Mal gemacht?",
        "¿dónde lo dejamos?",
        "où en étions-nous ?",
        "dove eravamo rimasti?",
        "上次我们做了什么?",
    ],
)
def test_the_end_of_the_last_session_is_asked_for(question: str) -> None:
    assert only(question).last_session


@pytest.mark.parametrize(
    "question",
    [
        "What may we do?",
        "March on!",
        "the march of the ants",
        "which version of 2.10.2024 do we use?",
        "version 2.10.2024",
        "what's the latest version of node?",
        "was ist hier los?",
        "Which port?",
        "12 items",
        "python 3.11",
        "issue 14",
        "quarter past",
        "our Q3 report",
        "1-2-3",
        "where are we with the parser?",
        "what were we doing wrong?",
        "the sun is out",
        "",
    ],
)
def test_what_is_no_time_is_not_read_as_one(question: str) -> None:
    assert time_expressions(question, ASKED) == []


def test_a_day_ends_where_the_zone_says_also_when_the_clocks_change() -> None:
    night = datetime(2026, 3, 30, 8, tzinfo=ZoneInfo("Europe/Berlin"))
    found = only("what did we do yesterday?", night)
    length = found.end.astimezone(UTC) - found.start.astimezone(UTC)
    assert length == timedelta(hours=23) - timedelta(microseconds=1)


@pytest.mark.parametrize("hours", [-12, -5, 0, 9, 14])
def test_yesterday_is_of_the_zone_in_which_it_is_asked(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    asked = datetime(2026, 2, 16, 20, tzinfo=UTC).astimezone(zone)
    found = only("what did we do yesterday?", asked)
    assert found.start == datetime(asked.year, asked.month, asked.day, tzinfo=zone) - timedelta(1)


@pytest.mark.parametrize(
    ("name", "day"),
    [("en_GB.UTF-8", "2025-04-03"), ("en_US.UTF-8", "2025-03-04"), ("C", "2025-03-04")],
)
def test_slashes_are_read_as_the_systems_locale_writes_them(
    name: str, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LC_ALL", "LC_TIME", "LANG"):
        monkeypatch.setenv(variable, name)
    for remembered in (time_locale, rules):
        remembered.cache_clear()
    try:
        assert only("what did we do on 03/04/2025?").start.date().isoformat() == day
    finally:
        for remembered in (time_locale, rules):
            remembered.cache_clear()


def test_some_hours_are_hours() -> None:
    found = only("what did we do in the last two hours?")
    assert (found.start, found.end) == (ASKED - timedelta(hours=2), ASKED)


@pytest.mark.parametrize(
    "question",
    [
        "what did we do 2025 years ago?",
        "what did we do 2024 years ago?",
        "what did we do in the last 2025 years?",
        "what did we do 9999 months ago?",
        "what did we do until 3 March 1960?",
        "what did we do on 31 December 9998?",
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_time_at_the_end_of_the_calendar_ends_no_recall(
    words_only: Memory, question: str, zone: str
) -> None:
    asked = datetime(2026, 2, 16, 9, tzinfo=ZoneInfo(zone))
    for found in time_expressions(question, asked):
        assert found.start.astimezone(UTC) <= found.end.astimezone(UTC)
    words_only.ingest("We did it.")
    words_only.recall(question)


@given(st.text(max_size=60), st.sampled_from(["yesterday", "in 9999 days", "am 99.99.", "el 31"]))
def test_any_text_can_be_asked(text: str, time: str) -> None:
    for found in time_expressions(f"{text} {time} {text}", ASKED):
        assert found.start <= found.end
        assert 0 <= found.span[0] < found.span[1]
