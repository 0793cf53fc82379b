"""Questions about a time alone: `python -m tests.benchmarks.time_questions`.

Sessions over eight weeks, some of them around midnight, in stores of 3,000 and 30,000 turns; the
questions in four languages, asked in three time zones. A question is right where its first hit is
of a day that was asked for, and whole where every hit is.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from iai_memory import Memory, load_settings

from .timings import timing

ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata")
_DAYS = 56
_SESSION_TURNS = 30
_TASKS = ("parser", "sorting", "linter", "export", "release", "search", "cache", "login")
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the days that it asks for, as distances from today."""

    language: str
    text: str
    days: range


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcome of one question in one zone."""

    question: Question
    zone: str
    right: bool
    whole: bool
    milliseconds: float


def questions(today: date) -> Iterator[Question]:
    """Yield the questions of all languages as they are asked on that day."""
    back = 9
    day = today - timedelta(days=back)
    monday = today.weekday()
    ranges = {
        "yesterday": range(1, 2),
        "the day before": range(2, 3),
        "three days ago": range(3, 4),
        "that day": range(back, back + 1),
        "last week": range(monday + 1, monday + 8),
        "two days": range(3),
        "latest": range(2),
    }
    for language, texts in _TEXTS.items():
        weekday = _WEEKDAYS[language].split()[(today - timedelta(days=3)).weekday()]
        month = _MONTHS[language].split()[day.month - 1]
        for text, days in texts:
            filled = text.format(weekday=weekday, day=day.day, month=month, iso=day.isoformat())
            yield Question(language, filled, ranges[days])


_TEXTS: dict[str, list[tuple[str, str]]] = {
    "en": [
        ("what did we do yesterday?", "yesterday"),
        ("what happened the day before yesterday?", "the day before"),
        ("what did we work on on {weekday}?", "three days ago"),
        ("what did we get done three days ago?", "three days ago"),
        ("what did we talk about on {day} {month}?", "that day"),
        ("what was going on on {iso}?", "that day"),
        ("what did we do last week?", "last week"),
        ("what did we do in the last two days?", "two days"),
        ("where did we leave off last time?", "latest"),
    ],
    "de": [
        ("was haben wir gestern gemacht?", "yesterday"),
        ("was haben wir vorgestern gemacht?", "the day before"),
        ("woran haben wir am {weekday} gearbeitet?", "three days ago"),
        ("was haben wir vor drei Tagen gemacht?", "three days ago"),
        ("was haben wir am {day}. {month} besprochen?", "that day"),
        ("was war am {iso} los?", "that day"),
        ("was haben wir letzte Woche gemacht?", "last week"),
        ("was haben wir in den letzten zwei Tagen gemacht?", "two days"),
        ("wo haben wir aufgehört?", "latest"),
    ],
    "es": [
        ("¿qué hicimos ayer?", "yesterday"),
        ("¿qué hicimos anteayer?", "the day before"),
        ("¿en qué trabajamos el {weekday}?", "three days ago"),
        ("¿qué hicimos hace tres días?", "three days ago"),
        ("¿de qué hablamos el {day} de {month}?", "that day"),
        ("¿qué pasó el {iso}?", "that day"),
        ("¿qué hicimos la semana pasada?", "last week"),
        ("¿qué hicimos en los últimos dos días?", "two days"),
        ("¿dónde lo dejamos?", "latest"),
    ],
    "fr": [
        ("qu'avons-nous fait hier ?", "yesterday"),
        ("qu'avons-nous fait avant-hier ?", "the day before"),
        ("sur quoi avons-nous travaillé {weekday} ?", "three days ago"),
        ("qu'avons-nous fait il y a trois jours ?", "three days ago"),
        ("de quoi avons-nous parlé le {day} {month} ?", "that day"),
        ("que s'est-il passé le {iso} ?", "that day"),
        ("qu'avons-nous fait la semaine dernière ?", "last week"),
        ("qu'avons-nous fait ces deux derniers jours ?", "two days"),
        ("où en étions-nous ?", "latest"),
    ],
}


def turns(count: int, seed: int = 11) -> list[dict[str, str]]:
    """Return so many turns of sessions over eight weeks until now, oldest first."""
    draw = random.Random(seed)
    length = max(1, min(_SESSION_TURNS, count // (2 * _DAYS)))  # two sessions a day at least
    sessions = count // length
    now = datetime.now(UTC)
    found = []
    for number in range(sessions):
        start = now - timedelta(days=_DAYS) * (1 - number / sessions) - timedelta(hours=1)
        task = draw.choice(_TASKS)
        for place in range(length):
            said = "Please look at" if place % 2 == 0 else "I changed"
            found.append(
                {
                    "text": f"{said} the {task}, step {place} of yesterday's plan {number}.",
                    "role": "user" if place % 2 == 0 else "assistant",
                    "session_id": f"session-{number}",
                    "created_at": (start + timedelta(minutes=place)).isoformat(),
                }
            )
    return found


def measure(count: int, store: Path, zones: Sequence[str] = ZONES) -> list[Asked]:
    """Fill a store with so many turns, without vectors, and ask every question in every zone."""
    writer = Memory(settings=load_settings(store=store, model=None), on_commit=lambda: None)
    made = turns(count)
    for first in range(0, len(made), 2_000):
        writer.ingest(made[first : first + 2_000])
    asked = []
    for name in zones:
        memory = Memory(settings=load_settings(store=store, tz=name), on_commit=lambda: None)
        today = datetime.now(memory.zone).date()
        for question in questions(today):
            found = memory.recall(question.text, limit=10)
            days = [hit.created_at.astimezone(memory.zone).date() for hit in found.hits]
            inside = [(today - day).days in question.days for day in days]
            right, whole = bool(inside) and inside[0], bool(inside) and all(inside)
            asked.append(Asked(question, name, right, whole, found.latency_ms))
    return asked


def report(count: int, asked: Sequence[Asked]) -> list[str]:
    """Return lines of a table: each language and each zone, and what was missed."""
    lines = []
    for title, group in _groups(asked):
        times = timing([one.milliseconds for one in group])
        lines.append(
            f"{count:>7,}  {title:<22} n={len(group):>3}  right day first {_share(group, 'right')}"
            f"  only right days {_share(group, 'whole')}  ms median {times.median:.0f}"
        )
    lines += [f"missed in {one.zone}: {one.question.text}" for one in asked if not one.right]
    return lines


def _groups(asked: Sequence[Asked]) -> Iterator[tuple[str, list[Asked]]]:
    yield "all", list(asked)
    for language in _TEXTS:
        yield language, [one for one in asked if one.question.language == language]
    for zone in dict.fromkeys(one.zone for one in asked):
        yield zone, [one for one in asked if one.zone == zone]


def _share(group: Sequence[Asked], name: str) -> str:
    return f"{sum(bool(getattr(one, name)) for one in group) / len(group):.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with --json also write the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="3000,30000", help="turns of the stores")
    parser.add_argument("--json", type=Path, help="write the shares to this file")
    given = parser.parse_args(arguments)
    shares: dict[str, float] = {}
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            asked = measure(size, Path(folder) / "store")
        print("\n".join(report(size, asked)))
        shares[str(size)] = sum(one.right for one in asked) / len(asked)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(shares), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
