"""How a language names days: patterns made of dateparser's locale data and our `time_words`."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from .time_words.pieces import TimeWords
from .time_words.table import WORDS

MONTHS: Final = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
UNITS: Final = ("minute", "hour", "day", "week", "month", "year")

# A shorter name is mostly an abbreviation that is also a word: "so", "mar", "sat", "di".
_MIN_NAME: Final = 4
_AGO: Final = re.compile(r"(\d+) (minute|hour|day|week|month|year) ago")
# How dateparser writes the number in a pattern.
_NUMBER: Final = r"(\d++[.,]?\d*+)"


@dataclass(frozen=True, slots=True)
class Ago:
    """A time as so many units before now; 0 is the present one."""

    count: int
    unit: str


@dataclass(frozen=True)
class TimeLocale:
    """The names of times in one language; keys are lower case.

    Attributes:
        code: Of dateparser's locale.
        words: Our own words of the language.
        phrases: "yesterday", "last week".
        counted: Patterns of "3 days ago" with two groups, the number and the unit.
        units: The unit that a word names, as "days".
        months: The month, 1..12, that a word names.
        weekdays: The weekday, 0..6 from Monday, that a word names.
        numbers: The number that a word names.
        few: The number that a word for a few means at most.
        day_first: Whether 3/4 is 3 April.
        spaced: Whether words are separated by blanks.
    """

    code: str
    words: TimeWords
    phrases: Mapping[str, Ago]
    counted: tuple[re.Pattern[str], ...]
    units: Mapping[str, str]
    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    numbers: Mapping[str, int]
    few: Mapping[str, int]
    day_first: bool
    spaced: bool

    def whole(self, pattern: str) -> re.Pattern[str]:
        """Return the pattern, compiled, for whole words where the language separates them."""
        return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)" if self.spaced else pattern, re.I)

    def number(self, word: str) -> int | None:
        """Return the number that the word names, in digits or spelled out."""
        return int(word) if word.isdecimal() else self.numbers.get(word.lower())

    def is_few(self, word: str) -> bool:
        """Return whether the word names no number, but a few."""
        return _single_spaced(word) in self.few

    def at_most(self, word: str) -> int:
        """Return the number that the word names, or means at most."""
        return self.few.get(_single_spaced(word)) or self.number(word) or 1


@lru_cache(maxsize=16)
def time_locale(code: str) -> TimeLocale:
    """Return the locale; the first one costs the import of dateparser, 0.2 s.

    Raises:
        ValueError: dateparser has no such locale.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from dateparser.languages.loader import default_loader

    info: dict[str, Any] = default_loader.get_locale(code).info
    spaced = not info.get("no_word_spacing")
    words = WORDS.get(code, TimeWords())
    numbers, few = _numbers(info, words), dict(words.few)
    units = {name: unit for unit in UNITS for name in _names(info, unit, 2 if spaced else 1)}
    return TimeLocale(
        code=code,
        words=words,
        phrases=_phrases(info, words),
        counted=_counted(info, units, [*numbers, *few], spaced=spaced),
        units=units,
        months=_by_number(info, MONTHS, 1, 3 if spaced else 2),
        weekdays=_by_number(info, WEEKDAYS, 0, _MIN_NAME if spaced else 2),
        numbers=numbers,
        few=few,
        day_first=info.get("date_order", "DMY") != "MDY" or _writes_day_first(code),
        spaced=spaced,
    )


def _single_spaced(words: str) -> str:
    return " ".join(words.lower().split())


def _writes_day_first(code: str) -> bool:
    """Return whether the system's locale is of that language in a country that writes 31/12.

    dateparser has one order for a language: for English that of the United States.
    """
    language, _, rest = system_locale().partition("_")
    return language == code and bool(rest) and not rest.startswith("US")


def system_locale() -> str:
    """Return the system's locale for times, as "de_AT.UTF-8"; empty for none."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_TIME", "LANG"))
    return next(filter(None, names), "")


def alternatives(words: Iterable[str]) -> str:
    """Return a pattern of any of the words, longest first; never empty."""
    listed = sorted({*words}, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in listed) or r"(?!)"


def _phrases(info: Mapping[str, Any], words: TimeWords) -> dict[str, Ago]:
    found: dict[str, Ago] = {}
    for name, phrases in info.get("relative-type", {}).items():
        if (match := _AGO.fullmatch(name)) is not None:
            ago = Ago(int(match[1]), match[2])
            found |= {phrase.lower(): ago for phrase in phrases if len(phrase) > 1}
    for name, phrase in words.other_phrases:
        if (match := _AGO.fullmatch(name)) is not None:
            found[phrase.lower()] = Ago(int(match[1]), match[2])
    return found


def _counted(
    info: Mapping[str, Any], units: Mapping[str, str], numbers: Iterable[str], *, spaced: bool
) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of "3 days ago", made for every form of the unit."""
    number, unit = rf"(\d{{1,4}}|{alternatives(numbers)})", rf"({alternatives(units)})"
    names = re.compile(alternatives(units) if not spaced else rf"\b(?:{alternatives(units)})\b")
    shapes = dict[str, None]()
    for name in UNITS:
        for written in info.get("relative-type-regex", {}).get(rf"\1 {name} ago", []):
            text = written.lower().replace(_NUMBER, "\0")
            shape = names.sub("\1", text, count=1)
            if [mark for mark in shape if mark in "\0\1"] == ["\0", "\1"]:
                shapes[shape] = None
    filled = (
        shape.replace(" ", r"\s+").replace("\0", number).replace("\1", unit) for shape in shapes
    )
    before, after = (r"(?<!\w)", r"(?!\w)") if spaced else ("", "")
    return tuple(re.compile(f"{before}{pattern}{after}", re.I) for pattern in filled)


def _numbers(info: Mapping[str, Any], words: TimeWords) -> dict[str, int]:
    found = {
        word: int(value)
        for pair in info.get("simplifications", [])
        for word, value in pair.items()
        if str(value).isdecimal() and word.isalpha()
    }
    return found | {word: number for number, word in enumerate(words.numbers.split(), 1)}


def _by_number(
    info: Mapping[str, Any], keys: Iterable[str], first: int, shortest: int
) -> dict[str, int]:
    return {
        name: number
        for number, key in enumerate(keys, first)
        for name in _names(info, key, shortest)
    }


def _names(info: Mapping[str, Any], key: str, shortest: int) -> list[str]:
    return [name.lower() for name in info.get(key, []) if len(name) >= shortest]
