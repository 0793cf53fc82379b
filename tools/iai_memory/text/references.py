"""What a text names by a number or a code: port 8443, LH1877, deploy_token.py.

A number is a reference if it stands behind the noun that it tells apart (room 312, PostgreSQL
15.4). Counts, sums, measures, years, dates and times of day are none: they are asked for roughly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import regex

from .analyzer import readable_form
from .calendar import MONTH, WEEKDAY
from .languages import Languages, detect
from .stemming import is_stop_word, without_accents

_MOST: Final = 8
"""References of a question that are looked at."""

# Letters of scripts that write no blanks end a number.
_SIGN: Final = r"[[\p{L}\p{M}\p{N}_]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]]"
_LETTER: Final = r"[\p{L}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]]"
_BLANKLESS: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_TOKEN: Final = regex.compile(rf"{_SIGN}+(?:(?:[-./\\:@&=~]+|[,'](?=\d{{3}})){_SIGN}+)*", regex.V1)
_RUN: Final = regex.compile(r"\p{N}+|\p{Lu}+(?!\p{Ll})|\p{Lu}?[^\W\p{Lu}\p{N}_]+")
_THOUSANDS: Final = regex.compile(r"[1-9]\d{0,2}(?:[,']\d{3})+")
_VERSION: Final = regex.compile(r"\d+(?:\.\d+){2,}")
_TIME: Final = regex.compile(
    r"\d{1,2}:\d\d(?::\d\d)?|\d{4}-\d\d?(?:-\d\d?)?|\d{1,4}([/.])\d{1,2}\1\d{1,4}|\d{1,2}/\d{1,2}"
)
_YEAR: Final = regex.compile(r"(?:19|20)\d\d(?:[-/]\d\d(?:\d\d)?)?")
_QUANTITY: Final = regex.compile(
    r"[\d.,]+(?:st|nd|rd|th|s|x|d|p|k|m|bn|mm|cm|km|ft|in|yd|mi|mg|g|kg|lbs?|oz|ml|l|cl|ms|sec|mins?"
    r"|hrs?|h|am|pm|uhr|[kmgt]i?b|mph|kmh|k?wh?|mah|v|[kmg]?hz|px|dpi|fps|usd|eur|chf|gbp|yo"
    r"|\.?[\u00aa\u00ba])|\d+(?:-\p{L}{3,}|\p{L}{2,})(?:-\p{L}+)*|\d+[i-z]",
    regex.I,
)
_UNIT: Final = regex.compile(
    r"\s*(?:[%\u20ac$\u00a3\u00b0\u5e74\u6708\u65e5\u865f\u65f6\u6642\u70b9\u5206\u5143\u5186\u5757"
    r"\u584a\u4e2a\u500b\u4eba\u4e07\u5343\u6b73\u5c81]|(?:percent|prozent|euros?|dollars?|st[u\u00fc]ck"
    r"|uhr|[ap]m|[mb]ill\w*|thousand|hundred|k[mg]|[cm]m|m[gl]|[mgt]b|ms|people|men|women|children"
    r"|years?|months?|weeks?|days?|hours?|minutes?|seconds?|times?)\b)",
    regex.I,
)
_NEXT_WORD: Final = regex.compile(r"\s+(\p{L}{3,})\b")
_DATE_WORD: Final = regex.compile(rf"(?:{MONTH}|{WEEKDAY})s?", regex.I)
_BEFORE: Final = regex.compile(
    rf"({_SIGN}+)(?P<numbered>(?:\s+(?:number|no|nr|num)\.?)?[\s:]*[#\u2116]?)$",
    regex.V1 | regex.I | regex.REVERSE,
)
# Of these numbers like 2049 are no years.
_NUMBERED: Final = frozenset({
    "port", "bug", "issue", "ticket", "pr", "request", "room", "note", "order", "invoice", "case",
    "error", "code", "page", "line", "locker", "flight", "raum", "zimmer", "seite", "rechnung",
    "puerto", "factura",
})  # fmt: skip
# Words before a number that is a count, a sum or an age.
_COUNTING: Final = frozenset({
    "about", "above", "age", "aged", "almost", "annees", "ano", "anos", "another", "ans",
    "approximately", "around", "average", "below", "between", "bezahlt", "bought", "buy",
    "charge", "charged", "circa", "cost", "costs", "coute", "cuesta", "drove", "earn", "earned",
    "etwa", "every", "exactly", "fast", "first", "gain", "gained", "get", "got", "hace", "hire",
    "hired", "jahr", "kosten", "kostet", "last", "lasted", "least", "lose", "lost", "made",
    "make", "max", "maximum", "min", "minimum", "most", "nearly", "need", "needs", "next", "only",
    "other", "owe", "owes", "paid", "past", "pay", "pays", "raise", "raised", "ran", "reach",
    "reached", "roughly", "run", "rund", "save", "saved", "score", "scored", "sell", "send",
    "sent", "since", "sold", "spend", "spent", "take", "takes", "till", "took", "top", "total",
    "turn", "turned", "until", "use", "used", "walked", "weigh", "weighed", "weighs", "year",
    "years", "zahlt",
})  # fmt: skip
_STEP: Final = regex.compile(r"[/\\:]")
_FILE: Final = regex.compile(r"(?P<stem>[\w-]*[^\W\d_]{2}[\w-]*)\.[a-z][a-z0-9]{0,4}")
_CODE_NAME: Final = regex.compile(r"[\w-]*[^\W_]_[^\W_][\w-]*|\p{Ll}+\p{Lu}\w*")
_SPELLED: Final = (
    "zero none", "one first", "two second ii", "three third iii", "four fourth iv", "five fifth",
    "six sixth vi", "seven seventh vii", "eight eighth viii", "nine ninth ix", "ten tenth",
    "eleven eleventh xi", "twelve twelfth xii",
)  # fmt: skip
_SIGNS_OF_AMOUNT: Final = tuple("$\u20ac\u00a3~<>=")
_LONGEST: Final = 16  # runs of one code
_BESIDE: Final = 60  # characters beside a number that tell what it is
_TELLING: Final = 3  # digits from which on a number says of itself what it is


@dataclass(frozen=True, slots=True)
class Reference:
    """What a text names by a number or a code.

    Attributes:
        kind: What it is one of, so that two of a kind with different numbers are two things: the
            noun before a number, the letters of a code.
        runs: Its runs of letters and of digits, without case and leading zeros.
        needs_kind: Whether the number is so short that a text must name the kind, too.
    """

    kind: str
    runs: tuple[str, ...]
    needs_kind: bool = False

    def is_in(self, text: str) -> bool:
        """Return whether a text, as `plain` gives it, has the number or code, or one of which it
        is a part; a short number only beside what it is one of.
        """
        if self.needs_kind and self.kind not in text:
            return False
        return self.is_written_in(text)

    def is_written_in(self, text: str) -> bool:
        """Return whether a text, as `plain` gives it, has the number or code."""
        if all(run[-3:] in text for run in self.runs) and _pattern(self.runs).search(text):
            return True
        small = self.runs[0] if len(self.runs) == 1 else ""
        if not small.isdigit() or int(small) >= len(_SPELLED):
            return False
        return _words(int(small)).search(text) is not None


def plain(text: str) -> str:
    """Return a text as references are looked for in it: small letters without accents."""
    return without_accents(readable_form(text).casefold())


def names_another(asked: Reference, text: str, plain_text: str) -> bool:
    """Return whether a text has a number or code of the same kind as one that it does not have.

    Args:
        asked: The one that it does not have.
        text: Its beginning is enough.
        plain_text: The text as `plain` gives it; most texts are done with by one search in it.
    """
    if not all(part in plain_text for part in asked.kind.split()):
        return False
    if _beside_a_digit(asked.kind.split()[-1]).search(plain_text) is None:
        return False
    return any(other.kind == asked.kind for other in references(text))


def references(text: str) -> list[Reference]:
    """Return what a text names by numbers and codes, in its order, each once."""
    text = readable_form(text)
    languages = detect(text)
    found: list[Reference] = []
    code_end = -1
    for match in _TOKEN.finditer(text):
        token, before = match[0].strip("_.-"), text[max(0, match.start() - _BESIDE) : match.start()]
        goes_on = code_end >= 0 and text[code_end : match.start()].isspace()
        has_digits = any(map(str.isdigit, token))
        if not has_digits:
            name = _name_of_code(token)
        elif any(map(str.isalpha, token)):
            name = _code(token)
        elif goes_on and found and len(found[-1].runs) < _LONGEST:
            # DE89 3704 0044 is one number.
            name = _continued(found.pop(), token)
        else:
            name = _number(token, before, text[match.end() : match.end() + _BESIDE], languages)
        if name is not None:
            found.append(name)
            code_end = match.end() if has_digits else -1
    return list(dict.fromkeys(found))[:_MOST]


def _name_of_code(token: str) -> Reference | None:
    """Return a name with an underscore, or in camelCase, and a file without its extension."""
    if token.isalpha() and token[1:].islower():
        return None  # a word
    last = _STEP.split(token)[-1]
    if (file := _FILE.fullmatch(last)) is not None:
        last = file["stem"]
    elif _CODE_NAME.fullmatch(last) is None:
        return None
    runs = _runs(last)
    return Reference("", runs) if runs else None


def _code(token: str) -> Reference | None:
    """Return a token of letters and digits; None for a measure, an ordinal or a time."""
    if _QUANTITY.fullmatch(token) or _TIME.match(token):
        return None
    runs = _runs(token)
    if runs[0] == "v" and token[1:2].isdigit():
        runs = runs[1:]
    return Reference(" ".join(run for run in runs if run.isalpha()), runs)


def _continued(code: Reference, token: str) -> Reference:
    return replace(code, runs=(*code.runs, *_runs(token)), needs_kind=False)


def _number(token: str, before: str, rest: str, languages: Languages) -> Reference | None:
    """Return a number that stands behind a noun; None for one that counts or dates."""
    runs = _runs(token.replace(",", "") if _THOUSANDS.fullmatch(token) else token)
    digits = len("".join(runs))
    if _TIME.fullmatch(token) or _UNIT.match(rest) or before.endswith(_SIGNS_OF_AMOUNT):
        return None
    if _VERSION.fullmatch(token):
        return Reference("", runs)
    is_year = _YEAR.fullmatch(token) is not None
    found = _BEFORE.search(before)
    if found is None:
        beside = _BLANKLESS.match(rest) or _BLANKLESS.match(before[-1:])
        tells = digits > _TELLING and not is_year and beside is not None
        return Reference("", runs) if tells or before.endswith("#") else None
    noun, is_numbered = found[1], found["numbered"].strip() != ""
    kind = plain(noun)
    kind = kind[:-1] if kind.endswith("s") and len(kind) > 3 else kind
    if is_stop_word(noun, languages) and is_numbered:
        return Reference("", runs)
    if not noun.isalpha() or len(noun) == 1 or _counts(noun, languages):
        return None
    if is_year and not is_numbered and kind not in _NUMBERED:
        return None
    if digits < _TELLING and _is_plural(rest, languages):
        return None
    return Reference(kind, runs, needs_kind=digits < _TELLING)


def _counts(word: str, languages: Languages) -> bool:
    """Return whether a number behind the word is mostly an amount or a date."""
    if languages.latin == "german" and word.islower():
        return True  # no noun
    is_date = _DATE_WORD.fullmatch(word) is not None
    return is_date or plain(word) in _COUNTING or is_stop_word(word, languages)


def _is_plural(rest: str, languages: Languages) -> bool:
    """Return whether the next word is things that are counted: 3 chairs."""
    following = _NEXT_WORD.match(rest)
    if following is None or is_stop_word(following[1], languages):
        return False
    return following[1].endswith("s") and not following[1].endswith(("ss", "us", "is"))


def _runs(token: str) -> tuple[str, ...]:
    """Return the runs of letters and of digits, the digits without leading zeros."""
    runs = map(plain, _RUN.findall(token))
    return tuple((run.lstrip("0") or "0") if run.isdigit() else run for run in runs)


@lru_cache(maxsize=64)
def _pattern(runs: tuple[str, ...]) -> regex.Pattern[str]:
    """Compile what finds these runs in a row, with or without signs between them."""
    parts = [_digits(run) if run.isdigit() else regex.escape(run) for run in runs]
    begin = r"(?<!\d|\d[.,])" if runs[0].isdigit() else rf"(?<!{_LETTER})"
    end = r"(?!\d)" if runs[-1].isdigit() else rf"(?!{_LETTER})"
    return regex.compile(begin + r"[\W_]{0,2}".join(parts) + end, regex.V1)


def _digits(run: str) -> str:
    """Return a pattern for a number with or without leading zeros and separators of thousands."""
    first = len(run) % 3
    groups = [run[:first], *(run[at : at + 3] for at in range(first, len(run), 3))]
    return "0*" + r"[,.'\u2019 \u00a0]?".join(filter(None, groups))


@lru_cache(maxsize=64)
def _beside_a_digit(letters: str) -> regex.Pattern[str]:
    """Compile what finds these letters where a number may stand behind or before them."""
    letters = regex.escape(letters)
    return regex.compile(
        rf"{letters}s?[\W_]{{0,2}}(?:number|no|nr|num)?[\W_]{{0,8}}\d|\d[\W_]*{letters}"
    )


@lru_cache(maxsize=64)
def _words(number: int) -> regex.Pattern[str]:
    return regex.compile(rf"\b(?:{'|'.join(_SPELLED[number].split())})\b")
