"""The patterns of the times of a language, and what each one means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from typing import Final

from .time_days import DAY, EARLIEST, Asked, Days, day_of
from .time_locale import Ago, TimeLocale, alternatives, time_locale
from .time_words.pieces import TimeWords

Read = Callable[[re.Match[str], Asked], Days | None]
_SEVERAL: Final = 5  # "in the last days" says no number
Change = Callable[[Days, Asked], Days]


def _since(days: Days, asked: Asked) -> Days:
    return Days(days.start, max(days.start, asked.today))


def _until(days: Days, asked: Asked) -> Days:
    return Days(min(EARLIEST, days.end), days.end)


def _behind(days: Days, asked: Asked) -> Days:
    return Days(days.end + DAY, max(days.end + DAY, asked.today))


def _ahead(days: Days, asked: Asked) -> Days:
    return Days(min(EARLIEST, days.start - DAY), days.start - DAY)


def _before(days: Days, asked: Asked) -> Days:
    return Days(days.start - DAY, days.start - DAY, days.any_year)


def _after(days: Days, asked: Asked) -> Days:
    return Days(days.end + DAY, days.end + DAY, days.any_year)


def _first(days: Days, asked: Asked) -> Days:
    return Days(days.start, days.start, days.any_year)


def _last(days: Days, asked: Asked) -> Days:
    return Days(days.end, days.end, days.any_year)


def between(days: Days, asked: Asked) -> Days:
    """Return the days from the first of two times to the end of the second."""
    start, end = sorted((days.start, days.end))
    return Days(start, end, days.any_year)


@lru_cache(maxsize=16)
def frames(code: str) -> tuple[tuple[re.Pattern[str], Change], ...]:
    """Return what may stand just before a time, and what it makes of it."""
    locale = time_locale(code)
    words = locale.words
    of = rf"(?:\s+(?:{words.before}))*" if words.before else ""
    first_of_two = words.between[0] if words.between else ""
    rows = (
        (words.day_before, _before),
        (words.day_after, _after),
        (words.first_of, _first),
        (words.last_of, _last),
        (first_of_two, between),
        (words.since, _since),
        (words.until, _until),
        (words.after, _behind),
        (words.ahead, _ahead),
    )
    start = rf"(?<!\w)(?:(?:{words.before})\s+)*" if locale.spaced and words.before else ""
    return tuple(
        (re.compile(rf"{start}(?:{pattern}){of}\s*$", re.I), change)
        for pattern, change in rows
        if pattern
    )


@lru_cache(maxsize=16)
def lead(code: str) -> re.Pattern[str]:
    """Return the prepositions just before a time, which say nothing else."""
    locale = time_locale(code)
    words = locale.words.before or r"(?!)"
    return re.compile(
        rf"(?:(?<!\w)(?:{words})\s+)+$" if locale.spaced else rf"(?:{words})\s*$", re.I
    )


@lru_cache(maxsize=16)
def rules(code: str) -> tuple[tuple[re.Pattern[str], Read], ...]:
    """Return the patterns of the times of a language, each with the function that reads a match."""
    locale = time_locale(code)
    return (
        *_phrase_rules(locale),
        *_recent_rules(locale),
        *_part_of_year_rules(locale),
        *_weekday_rules(locale),
        *_day_rules(locale),
        *_month_rules(locale),
        *_number_rules(locale),
    )


def _phrase_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    words = locale.words
    normal = re.compile(r"\s+")
    yield (
        locale.whole(alternatives(locale.phrases)),
        lambda match, asked: asked.ago(locale.phrases[normal.sub(" ", match[0].lower())]),
    )
    for pattern in locale.counted:
        yield (
            pattern,
            lambda match, asked: _read_counted(locale, match, asked),
        )
    if words.today:
        yield locale.whole(words.today), lambda match, asked: asked.ago(Ago(0, "day"))
    if words.last_night:
        yield locale.whole(words.last_night), lambda match, asked: asked.ago(Ago(1, "day"))
    if words.weekend:
        near = rf"(?:(?:{words.last}|{words.this})\s+)?" if words.last and words.this else ""
        after = rf"(?:\s+(?:{words.last}))?" if words.last else ""
        yield locale.whole(rf"{near}(?:{words.weekend}){after}"), _read_weekend
    if words.last_session:
        yield locale.whole(words.last_session), _read_last_session


def _read_counted(locale: TimeLocale, match: re.Match[str], asked: Asked) -> Days | None:
    """Return the day of "3 days ago", and the days since "a few days ago"."""
    unit = locale.units[match[2].lower()]
    if locale.is_few(match[1]):
        return asked.lasting(locale.at_most(match[1]), unit)
    return asked.ago(Ago(locale.number(match[1]) or 0, unit))


def _recent_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    """Yield "in the last two days", "in the last days", "in the past week"."""
    words = locale.words
    unit = rf"({alternatives(locale.units)})"
    if words.recent:
        number = rf"(\d{{1,4}}|{alternatives([*locale.numbers, *locale.few])})"
        gap = r"\s+" if locale.spaced else r"\s*"
        recents = [rf"(?:{words.recent}){gap}{number}{gap}{unit}"]
        if words.recent_after:
            recents.append(rf"{number}\s+(?:{words.recent_after})\s+{unit}")
        for pattern_text in recents:
            yield (
                locale.whole(pattern_text),
                lambda match, asked: asked.lasting(
                    locale.at_most(match[1]), locale.units[match[2].lower()]
                ),
            )
    if words.recent and words.several:
        yield (
            locale.whole(rf"(?:{words.recent})\s+({words.several})"),
            lambda match, asked: asked.lasting(_SEVERAL, locale.units.get(match[1].lower(), "day")),
        )
    if words.recent_one:
        yield (
            locale.whole(rf"(?:{words.recent_one})\s+(?!(?:{words.several})(?!\w)){unit}"),
            lambda match, asked: asked.lasting(1, locale.units[match[1].lower()]),
        )


def _part_of_year_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    """Yield "in week 47", "in Q3 2026", "last quarter"."""
    words = locale.words
    year = r"(?:[\s,/-]+(?:of\s+)?(\d{4}))?(?![\w.-])"
    if words.week_number:
        yield (
            _behind_a_word(words, rf"(?:{words.week_number})\s*(\d\d?){year}"),
            lambda match, asked: asked.numbered_week(int(match[2]), _year(match[3])),
        )
    if words.quarter:
        yield (
            _behind_a_word(words, rf"[qt]([1-4]){year}"),
            lambda match, asked: asked.quarter(int(match[2]), _year(match[3])),
        )
        yield (
            locale.whole(rf"(?:({words.this})|(?:{words.last}))\s+(?:{words.quarter})"),
            lambda match, asked: asked.quarters_ago(0 if match[1] else 1),
        )


def _behind_a_word(words: TimeWords, pattern: str) -> re.Pattern[str]:
    """Return the pattern behind a word that precedes times, or as the whole question."""
    leads = "|".join(one for one in (words.before, words.since, words.until) if one)
    return re.compile(rf"(?P<lead>^\s*|(?<!\w)(?:{leads})\s+)(?:{pattern})", re.I)


def _year(text: str | None) -> int | None:
    """Return the year that is written so, as 2026 or '26."""
    return None if text is None else int(text.lstrip("'\u2019"))


def _read_weekend(match: re.Match[str], asked: Asked) -> Days:
    saturday = asked.today - ((asked.today.weekday() - 5) % 7) * DAY
    return Days(saturday, saturday + DAY)


def _read_last_session(match: re.Match[str], asked: Asked) -> Days:
    return Days(EARLIEST, asked.today, last_session=True)


def _weekday_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    words, names = locale.words, alternatives(locale.weekdays)
    last = rf"(?:({words.this})\s+|(?:{words.last})\s+)?" if words.last and words.this else "()"
    after = rf"(?:\s+(?:{words.last}))?" if words.last else ""
    yield (
        locale.whole(rf"{last}({names}){after}"),
        lambda match, asked: asked.weekday(
            locale.weekdays[match[2].lower()], this_week=bool(match[1])
        ),
    )
    weeks = alternatives(phrase for phrase, ago in locale.phrases.items() if ago.unit == "week")
    of = rf"(?:(?:{words.before})\s+)*" if words.before else ""
    yield (
        locale.whole(rf"({names}),?\s+{of}({weeks})"),
        lambda match, asked: _weekday_of_week(locale, match, asked),
    )


def _weekday_of_week(locale: TimeLocale, match: re.Match[str], asked: Asked) -> Days | None:
    """Return the day of "Friday of last week"."""
    week = asked.ago(locale.phrases[" ".join(match[2].lower().split())])
    if week is None:
        return None
    day = week.start + locale.weekdays[match[1].lower()] * DAY
    return Days(day, day)


def _day_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    words, months = locale.words, locale.months
    ordinal = rf"(?:{words.ordinals})?" if words.ordinals else r"\.?"
    of = rf"(?:\s*(?:{words.of}))?\s*" if words.of else r"\s*"
    name = rf"({alternatives(months)})\.?"
    # Two digits alone are a year at the end, and else "25 Jan 10 files changed".
    year = r"(\d{4}|['\u2019]\d\d|\d\d(?=[\s?.!]*$))"
    gap = r"\s*" if locale.spaced else ""

    if not locale.spaced:
        yield (
            re.compile(
                r"(?:(\d{4})\s*\u5e74\s*)?(\d{1,2})\s*\u6708\s*(\d{1,2})\s*[\u65e5\u53f7\u865f]?"
            ),
            lambda match, asked: asked.day(int(match[3]), int(match[2]), _year(match[1])),
        )
    short = rf"(?:(?:{words.short_weekdays})[.,]?\s+)?" if words.short_weekdays else ""
    yield (
        locale.whole(rf"{short}(\d{{1,2}}){ordinal}{of}{name}(?:{of}{year})?"),
        lambda match, asked: asked.day(int(match[1]), months[match[2].lower()], _year(match[3])),
    )
    if words.between:
        first, joint = words.between
        the = rf"(?:(?:{words.before})\s+)*" if words.before else ""
        yield (
            locale.whole(
                rf"(?:(?:{first})\s+)?{the}(\d{{1,2}}){ordinal}\s*(?:{joint})\s*"
                rf"{the}(\d{{1,2}}){ordinal}{of}{name}(?:{of}{year})?"
            ),
            lambda match, asked: _days_of_a_month(
                asked, int(match[1]), int(match[2]), months[match[3].lower()], _year(match[4])
            ),
        )
    yield (
        locale.whole(rf"{short}{name}{gap}(\d{{1,2}}){ordinal}(?!\d)(?:,?\s*{year})?"),
        lambda match, asked: asked.day(int(match[2]), months[match[1].lower()], _year(match[3])),
    )


def _month_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    """Yield months, and the first and the last week of one."""
    words, months = locale.words, locale.months
    of = rf"(?:\s*(?:{words.of}))?\s*" if words.of else r"\s*"
    name = rf"({alternatives(months)})\.?"
    yield (
        locale.whole(rf"{name}{of},?\s*(\d{{4}})"),
        lambda match, asked: asked.month(months[match[1].lower()], int(match[2])),
    )
    for of_week, take in ((words.first_week, slice(0, 7)), (words.last_week, slice(-7, None))):
        if of_week:
            yield (
                locale.whole(rf"(?:{of_week})\s*{name}(?:{of}(\d{{4}}))?"),
                partial(_week_of_month, months, take),
            )
    yield (
        re.compile(rf"^\s*{name}[\s?.!]*$", re.I),
        lambda match, asked: asked.month(months[match[1].lower()]),
    )
    # A month alone counts only behind a word that precedes times: "may" and "march" are verbs.
    if words.before_month:
        leads = "|".join(
            one for one in (words.before_month, words.since, words.last, words.this) if one
        )
        yield (
            re.compile(rf"(?P<lead>(?<!\w)(?:{leads})\s+){name}(?!\w)(?!\s*\d)", re.I),
            lambda match, asked: replace(
                asked.month(months[match[2].lower()]),
                any_year=not re.match(
                    rf"(?:{words.last or '(?!)'}|{words.this or '(?!)'})\s", match[1], re.I
                ),
            ),
        )


def _week_of_month(
    months: Mapping[str, int], take: slice, match: re.Match[str], asked: Asked
) -> Days:
    """Return seven days of a month: its first or its last."""
    month = asked.month(months[match[1].lower()], _year(match[2]))
    count = (month.end - month.start).days + 1
    days = [month.start + number * DAY for number in range(count)][take]
    return Days(days[0], days[-1], month.any_year)


def _days_of_a_month(
    asked: Asked, first: int, last: int, month: int, year: int | None
) -> Days | None:
    """Return the days of "3 to 5 March"."""
    end = asked.day(last, month, year)
    start = None if end is None else day_of(end.end.year, month, first)
    if end is None or start is None or start > end.end:
        return None
    return replace(end, start=start)


_VERSION: Final = r"(?<![\w.])(?<!version )(?<!version of )(?<!release )(?<!tag )(?<!build )"


def _number_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], Read]]:
    yield (
        re.compile(r"(?<![\w.-])(\d{4})[-/](\d\d?)[-/](\d\d?)(?:T\d\d:\d\d\S*)?(?![\w-])"),
        lambda match, asked: asked.day(int(match[3]), int(match[2]), int(match[1])),
    )
    # With full stops the day comes first wherever that is written.
    yield (
        re.compile(rf"{_VERSION}(\d\d?)\.(\d\d?)\.(\d{{4}}|\d\d)(?![\w.])", re.I),
        lambda match, asked: asked.day(int(match[1]), int(match[2]), int(match[3])),
    )
    if locale.day_first:
        yield (
            re.compile(rf"{_VERSION}(\d\d?)\.(\d\d?)\.(?![\w])", re.I),
            lambda match, asked: asked.day(int(match[1]), int(match[2])),
        )
    yield (
        re.compile(r"(?<![\w./])(\d\d?)/(\d\d?)/(\d{4}|\d\d)(?![\w/])"),
        lambda match, asked: _with_slashes(match, asked, day_first=locale.day_first),
    )
    yield (
        re.compile(rf"{_VERSION}(?<!-)(\d\d?)-(\d\d?)-(\d{{4}})(?![\w-])", re.I),
        lambda match, asked: _with_slashes(match, asked, day_first=locale.day_first),
    )
    words = locale.words
    if words.before:
        lead = rf"(?P<lead>(?<!\w)(?:{words.before}|{words.since or '(?!)'})\s+)"
        yield (
            re.compile(rf"{lead}(\d\d?)/(\d\d?)(?![\w/.])", re.I),
            lambda match, asked: _without_a_year(match, asked, day_first=locale.day_first),
        )
        weekdays = alternatives(locale.weekdays)
        yield (
            locale.whole(rf"(?:{weekdays}),?\s+(\d\d?)\.(\d\d?)\."),
            lambda match, asked: asked.day(int(match[1]), int(match[2])),
        )
        yield (
            re.compile(rf"{lead}(\d\d?)(?:{words.ordinals or '(?!)'})(?!\w)(?!\s*\d)", re.I),
            _read_day_of_month,
        )
        yield (
            re.compile(rf"{lead}((?:19|20)\d\d)(?![\w.-])", re.I),
            lambda match, asked: Days(date(int(match[2]), 1, 1), date(int(match[2]), 12, 31)),
        )


def _without_a_year(match: re.Match[str], asked: Asked, *, day_first: bool) -> Days | None:
    """Return the latest day of "on 3/4"; where one number is no month, it is the day."""
    first, second = int(match[2]), int(match[3])
    if first > 12 or (day_first and second <= 12):
        return asked.day(first, second)
    return asked.day(second, first)


def _with_slashes(match: re.Match[str], asked: Asked, *, day_first: bool) -> Days | None:
    """Return the day of 3/4/2026; where one number is no month, it is the day."""
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if first > 12 or (day_first and second <= 12):
        return asked.day(first, second, year)
    return asked.day(second, first, year)


def _read_day_of_month(match: re.Match[str], asked: Asked) -> Days | None:
    months = asked.today.year * 12 + asked.today.month - 1
    for back in range(13):
        year, month = divmod(months - back, 12)
        found = day_of(year, month + 1, int(match[2]))
        if found is not None and found <= asked.today:
            return Days(found, found)
    return None
