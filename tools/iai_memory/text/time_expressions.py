"""The times that a question names, in the languages that dateparser reads."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from .languages import likely
from .time_locale import Ago, TimeLocale, alternatives, time_locale

_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_EARLIEST: Final = date(1970, 1, 1)
_CODES: Final = {
    "english": "en",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "portuguese": "pt",
    "italian": "it",
    "dutch": "nl",
    "swedish": "sv",
    "danish": "da",
    "norwegian": "nb",
    "finnish": "fi",
    "polish": "pl",
    "czech": "cs",
    "hungarian": "hu",
    "romanian": "ro",
    "turkish": "tr",
    "indonesian": "id",
    "russian": "ru",
    "serbian": "sr-Cyrl",
    "greek": "el",
    "arabic": "ar",
    "persian": "fa",
    "hindi": "hi",
    "tamil": "ta",
    "armenian": "hy",
    "hebrew": "he",
    "thai": "th",
    "korean": "ko",
    "japanese": "ja",
    "chinese": "zh",
}
# An English question without any of these names no time, and waits for no import of dateparser.
_MAYBE_ENGLISH: Final = re.compile(
    r"\d|\b(?:today|tonight|yesterday|ago|last|past|previous|this|since|until|till|between|recent|"
    r"latest|newest|weekend|week|month|year|days?|hours?|morning|night|where|catch|pick|just|"
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|(?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A time that a question names.

    Attributes:
        text: As it is written in the question.
        span: Where it stands, with the preposition before it.
        start: Its first moment, aware.
        end: Its last moment, aware.
        any_year: Whether the same days of every year may be meant, because no year is named.
        last_session: Whether the end of the newest session is asked for, whenever that was; start
            and end then hold everything until now.
    """

    text: str
    span: tuple[int, int]
    start: datetime
    end: datetime
    any_year: bool = False
    last_session: bool = False

    def a_year_earlier(self) -> TimeExpression | None:
        """Return the same days of the year before; None where the year is not open."""
        if not self.any_year or self.start.year <= _EARLIEST.year:
            return None
        start, end = (_in_the_year_before(moment) for moment in (self.start, self.end))
        return replace(self, start=start, end=end)


def _in_the_year_before(moment: datetime) -> datetime:
    leap = moment.month == 2 and moment.day == 29
    return moment.replace(year=moment.year - 1, day=28 if leap else moment.day)


def time_expressions(question: str, asked_at: datetime) -> list[TimeExpression]:
    """Return the times that the question names, in the zone of `asked_at`, in their order.

    A day without a year is the latest one; so is a weekday, and never the day of the asking.
    Of the languages that the question may be in, the first one with a time in it is taken.
    """
    for locale in locales_of(question):
        if found := list(_Reader(locale, asked_at).read(question)):
            return found
    return []


def locales_of(question: str) -> list[TimeLocale]:
    """Return the languages that the question may be in, most likely first; often none."""
    names = likely(question)
    if names[0] == "english" and _MAYBE_ENGLISH.search(question) is None:
        names = [name for name in names[1:] if name != "english"]
    return [time_locale(_CODES[name]) for name in names if name in _CODES]


@dataclass(frozen=True, slots=True)
class _Days:
    """First and last day of a time, or its moments."""

    start: date
    end: date
    any_year: bool = False
    moments: tuple[datetime, datetime] | None = None
    last_session: bool = False


_Read = Callable[[re.Match[str], "_Reader"], "_Days | None"]


class _Reader:
    """Reads the times of one language, as of one moment."""

    def __init__(self, locale: TimeLocale, asked_at: datetime) -> None:
        self.locale = locale
        self.asked_at = asked_at
        self.today = asked_at.date()

    def read(self, question: str) -> Iterator[TimeExpression]:
        """Yield the times; of two that overlap, the one that begins first or is longer."""
        at = 0
        while at < len(question):
            best = self._next(question, at)
            if best is None:
                return
            (start, end), days = best
            yield self._expression(question, (start, end), days)
            at = end

    def _next(self, question: str, at: int) -> tuple[tuple[int, int], _Days] | None:
        """Return the next time with what stands before it, as "since" or "the day before"."""
        found = self._simple(question, at)
        if found is None:
            return None
        span, days = found
        for pattern, change in _frames(self.locale.code):
            head = pattern.search(question[at : span[0]])
            if head is not None:
                second = None
                if change is _between and (second := self._second(question, span[1])) is None:
                    continue
                whole = span if second is None else (span[0], second[0][1])
                changed = change(days if second is None else replace(days, end=second[1].end), self)
                return (at + head.start(), whole[1]), changed
        lead = _lead(self.locale.code).search(question[at : span[0]])
        return ((at + lead.start(), span[1]) if lead else span), days

    def _second(self, question: str, at: int) -> tuple[tuple[int, int], _Days] | None:
        """Return the second time of "between … and …", where one follows at once."""
        found = self._simple(question, at)
        words = self.locale.words.between
        if found is None or words is None:
            return None
        between = question[at : found[0][0]]
        joined = re.fullmatch(rf"\s*(?:{words[1]})\s*", between, re.I)
        return found if joined else None

    def _simple(self, question: str, at: int) -> tuple[tuple[int, int], _Days] | None:
        found: list[tuple[int, int, _Days]] = []
        for pattern, read in _rules(self.locale.code):
            for match in pattern.finditer(question, at):
                days = read(match, self)
                if days is not None:
                    lead = match.end("lead") if "lead" in pattern.groupindex else match.start()
                    found.append((lead, -match.end(), days))
                    break
        if not found:
            return None
        start, end, days = min(found, key=lambda one: one[:2])
        return (start, -end), days

    def _expression(self, question: str, span: tuple[int, int], days: _Days) -> TimeExpression:
        zone = self.asked_at.tzinfo
        if days.moments is not None:
            start, end = days.moments
        else:
            start = datetime.combine(days.start, time(), zone)
            end = datetime.combine(days.end, time.max, zone)
        return TimeExpression(
            question[slice(*span)].strip(), span, start, end, days.any_year, days.last_session
        )

    def ago(self, ago: Ago) -> _Days | None:
        """Return the unit that was so many units ago: the day, the week from Monday, the month."""
        try:
            return self._ago(ago)
        except (OverflowError, ValueError):
            return None

    def _ago(self, ago: Ago) -> _Days:
        if ago.unit in ("minute", "hour"):
            step = timedelta(minutes=1 if ago.unit == "minute" else 60)
            middle = self.asked_at - ago.count * step
            around = (middle - step, min(middle + step, self.asked_at))
            return _Days(around[0].date(), around[1].date(), moments=around)
        if ago.unit == "day":
            day = self.today - ago.count * _DAY
            return _Days(day, day)
        if ago.unit == "week":
            monday = self.today - (self.today.weekday() + 7 * ago.count) * _DAY
            return _Days(monday, monday + 6 * _DAY)
        if ago.unit == "month":
            months = self.today.year * 12 + self.today.month - 1 - ago.count
            return month_of(months // 12, months % 12 + 1)
        year = self.today.year - ago.count
        return _Days(date(year, 1, 1), date(year, 12, 31))

    def lasting(self, count: int, unit: str) -> _Days | None:
        """Return the last so many units until now; of days and longer ones, whole days."""
        try:
            if unit in ("minute", "hour"):
                start = self.asked_at - timedelta(minutes=count * (1 if unit == "minute" else 60))
                return _Days(start.date(), self.today, moments=(start, self.asked_at))
            days = count * {"day": 1, "week": 7, "month": 30, "year": 365}[unit]
            return _Days(self.today - days * _DAY, self.today)
        except OverflowError:
            return None

    def weekday(self, number: int, *, this_week: bool = False) -> _Days:
        """Return the latest such weekday before today, or that of this week."""
        back = (self.today.weekday() - number) % 7 or 7
        if this_week:
            back = self.today.weekday() - number
        day = self.today - back * _DAY
        return _Days(day, day)

    def day(self, day: int, month: int, year: int | None = None) -> _Days | None:
        """Return the day; without a year the latest one. None where there is no such day."""
        if year is not None:
            found = _date(_full_year(year), month, day)
            return None if found is None else _Days(found, found)
        years = range(self.today.year, self.today.year - 9, -1)
        dates = [one for year in years if (one := _date(year, month, day)) is not None]
        past = [one for one in dates if one <= self.today]
        return _Days(past[0], past[0], any_year=True) if past else None

    def month(self, month: int, year: int | None = None) -> _Days:
        """Return the month; without a year the latest one that has begun."""
        if year is not None:
            return month_of(min(max(year, 2), 9998), month)
        latest = self.today.year - (month > self.today.month)
        return replace(month_of(latest, month), any_year=True)


def month_of(year: int, month: int) -> _Days:
    """Return the days of a month."""
    return _Days(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _date(year: int, month: int, day: int) -> date | None:
    """Return the day; None where there is none, or none on both sides of it."""
    if not 2 <= year <= 9998:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(year: int) -> int:
    return year + 2000 if year < 100 else year


def _since(days: _Days, reader: _Reader) -> _Days:
    return _Days(days.start, max(days.start, reader.today))


def _until(days: _Days, reader: _Reader) -> _Days:
    return _Days(_EARLIEST, days.end)


def _before(days: _Days, reader: _Reader) -> _Days:
    return _Days(days.start - _DAY, days.start - _DAY, days.any_year)


def _after(days: _Days, reader: _Reader) -> _Days:
    return _Days(days.end + _DAY, days.end + _DAY, days.any_year)


def _first(days: _Days, reader: _Reader) -> _Days:
    return _Days(days.start, days.start, days.any_year)


def _last(days: _Days, reader: _Reader) -> _Days:
    return _Days(days.end, days.end, days.any_year)


def _between(days: _Days, reader: _Reader) -> _Days:
    start, end = sorted((days.start, days.end))
    return _Days(start, end, days.any_year)


@lru_cache(maxsize=16)
def _frames(code: str) -> tuple[tuple[re.Pattern[str], Callable[[_Days, _Reader], _Days]], ...]:
    """Return what may stand just before a time, and what it makes of it."""
    locale = time_locale(code)
    words = locale.words
    of = rf"(?:\s+(?:{words.before}))*" if words.before else ""
    between = words.between[0] if words.between else ""
    rows = (
        (words.day_before, _before),
        (words.day_after, _after),
        (words.first_of, _first),
        (words.last_of, _last),
        (between, _between),
        (words.since, _since),
        (words.until, _until),
    )
    start = rf"(?<!\w)(?:(?:{words.before})\s+)*" if locale.spaced and words.before else ""
    return tuple(
        (re.compile(rf"{start}(?:{pattern}){of}\s*$", re.I), change)
        for pattern, change in rows
        if pattern
    )


@lru_cache(maxsize=16)
def _lead(code: str) -> re.Pattern[str]:
    """Return the prepositions just before a time, which say nothing else."""
    locale = time_locale(code)
    words = locale.words.before or r"(?!)"
    return re.compile(
        rf"(?:(?<!\w)(?:{words})\s+)+$" if locale.spaced else rf"(?:{words})\s*$", re.I
    )


@lru_cache(maxsize=16)
def _rules(code: str) -> tuple[tuple[re.Pattern[str], _Read], ...]:
    """Return the patterns of the times of a language, each with the function that reads a match."""
    locale = time_locale(code)
    return (
        *_phrase_rules(locale),
        *_weekday_rules(locale),
        *_day_rules(locale),
        *_number_rules(locale),
    )


def _phrase_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], _Read]]:
    words = locale.words
    normal = re.compile(r"\s+")
    yield (
        locale.whole(alternatives(locale.phrases)),
        lambda match, reader: reader.ago(locale.phrases[normal.sub(" ", match[0].lower())]),
    )
    for pattern in locale.counted:
        yield (
            pattern,
            lambda match, reader: reader.ago(
                Ago(locale.number(match[1]) or 0, locale.units[match[2].lower()])
            ),
        )
    if words.today:
        yield locale.whole(words.today), lambda match, reader: reader.ago(Ago(0, "day"))
    if words.last_night:
        yield locale.whole(words.last_night), lambda match, reader: reader.ago(Ago(1, "day"))
    if words.weekend:
        near = rf"(?:(?:{words.last}|{words.this})\s+)?" if words.last and words.this else ""
        after = rf"(?:\s+(?:{words.last}))?" if words.last else ""
        yield locale.whole(rf"{near}(?:{words.weekend}){after}"), _read_weekend
    if words.recent:
        number = rf"(\d{{1,4}}|{alternatives(locale.numbers)})"
        unit = rf"({alternatives(locale.units)})"
        gap = r"\s+" if locale.spaced else r"\s*"
        recents = [rf"(?:{words.recent}){gap}{number}{gap}{unit}"]
        if words.recent_after:
            recents.append(rf"(?:les|ces|des)?\s*{number}\s+(?:{words.recent_after})\s+{unit}")
        for pattern_text in recents:
            yield (
                locale.whole(pattern_text),
                lambda match, reader: reader.lasting(
                    locale.number(match[1]) or 1, locale.units[match[2].lower()]
                ),
            )
    if words.last_session:
        yield locale.whole(words.last_session), _read_last_session


def _read_weekend(match: re.Match[str], reader: _Reader) -> _Days:
    saturday = reader.today - ((reader.today.weekday() - 5) % 7) * _DAY
    return _Days(saturday, saturday + _DAY)


def _read_last_session(match: re.Match[str], reader: _Reader) -> _Days:
    return _Days(_EARLIEST, reader.today, last_session=True)


def _weekday_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], _Read]]:
    words, names = locale.words, alternatives(locale.weekdays)
    last = rf"(?:({words.this})\s+|(?:{words.last})\s+)?" if words.last and words.this else "()"
    after = rf"(?:\s+(?:{words.last}))?" if words.last else ""
    yield (
        locale.whole(rf"{last}({names}){after}"),
        lambda match, reader: reader.weekday(
            locale.weekdays[match[2].lower()], this_week=bool(match[1])
        ),
    )


def _day_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], _Read]]:
    words, months = locale.words, locale.months
    ordinal = rf"(?:{words.ordinals})?" if words.ordinals else r"\.?"
    of = rf"(?:\s*(?:{words.of}))?\s*" if words.of else r"\s*"
    name, year = rf"({alternatives(months)})\.?", r"(\d{4}|['\u2019]\d\d)"
    gap = r"\s*" if locale.spaced else ""

    def number(text: str | None) -> int | None:
        return None if text is None else int(text.lstrip("'\u2019"))

    if not locale.spaced:
        yield (
            re.compile(
                r"(?:(\d{4})\s*\u5e74\s*)?(\d{1,2})\s*\u6708\s*(\d{1,2})\s*[\u65e5\u53f7\u865f]?"
            ),
            lambda match, reader: reader.day(int(match[3]), int(match[2]), number(match[1])),
        )
    yield (
        locale.whole(rf"(\d{{1,2}}){ordinal}{of}{name}(?:{of}{year})?"),
        lambda match, reader: reader.day(int(match[1]), months[match[2].lower()], number(match[3])),
    )
    yield (
        locale.whole(rf"{name}{gap}(\d{{1,2}}){ordinal}(?!\d)(?:,?\s*{year})?"),
        lambda match, reader: reader.day(int(match[2]), months[match[1].lower()], number(match[3])),
    )
    yield (
        locale.whole(rf"{name}{of},?\s*(\d{{4}})"),
        lambda match, reader: reader.month(months[match[1].lower()], int(match[2])),
    )
    # A month alone counts only behind a word that precedes times: "may" and "march" are verbs.
    if words.before_month:
        leads = "|".join(
            one for one in (words.before_month, words.since, words.last, words.this) if one
        )
        yield (
            re.compile(rf"(?P<lead>(?<!\w)(?:{leads})\s+){name}(?!\w)(?!\s*\d)", re.I),
            lambda match, reader: replace(
                reader.month(months[match[2].lower()]),
                any_year=not re.match(
                    rf"(?:{words.last or '(?!)'}|{words.this or '(?!)'})\s", match[1], re.I
                ),
            ),
        )


_VERSION: Final = r"(?<![\w.])(?<!version )(?<!version of )(?<!release )(?<!tag )(?<!build )"


def _number_rules(locale: TimeLocale) -> Iterator[tuple[re.Pattern[str], _Read]]:
    yield (
        re.compile(r"(?<![\w.-])(\d{4})[-/](\d\d?)[-/](\d\d?)(?![\w-])"),
        lambda match, reader: reader.day(int(match[3]), int(match[2]), int(match[1])),
    )
    # With full stops the day comes first wherever that is written.
    yield (
        re.compile(rf"{_VERSION}(\d\d?)\.(\d\d?)\.(\d{{4}}|\d\d)(?![\w.])", re.I),
        lambda match, reader: reader.day(int(match[1]), int(match[2]), int(match[3])),
    )
    if locale.day_first:
        yield (
            re.compile(rf"{_VERSION}(\d\d?)\.(\d\d?)\.(?![\w])", re.I),
            lambda match, reader: reader.day(int(match[1]), int(match[2])),
        )
    yield re.compile(r"(?<![\w./])(\d\d?)/(\d\d?)/(\d{4}|\d\d)(?![\w/])"), _read_slashes
    words = locale.words
    if words.before:
        lead = rf"(?P<lead>(?<!\w)(?:{words.before}|{words.since or '(?!)'})\s+)"
        yield (
            re.compile(rf"{lead}(\d\d?)(?:{words.ordinals or '(?!)'})(?!\w)(?!\s*\d)", re.I),
            _read_day_of_month,
        )
        yield (
            re.compile(rf"{lead}((?:19|20)\d\d)(?![\w.-])", re.I),
            lambda match, reader: _Days(date(int(match[2]), 1, 1), date(int(match[2]), 12, 31)),
        )


def _read_slashes(match: re.Match[str], reader: _Reader) -> _Days | None:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if reader.locale.day_first != (second > 12):
        return reader.day(first, second, year)
    return reader.day(second, first, year)


def _read_day_of_month(match: re.Match[str], reader: _Reader) -> _Days | None:
    months = reader.today.year * 12 + reader.today.month - 1
    for back in range(13):
        year, month = divmod(months - back, 12)
        found = _date(year, month + 1, int(match[2]))
        if found is not None and found <= reader.today:
            return _Days(found, found)
    return None
