"""The form of what this package gave to a host, found again in a text, however it was changed.

A page, and what is put before a model at a prompt, are known by their frame: fences, the sentence
at its head, the advice at its end. Of lines of them, and of what recall and timeline print, only
the form is known here: a date and who said it. It is the store that knows whether it holds the
words behind them.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

ECHO_MARK: Final = "[recalled]"
"""Stands in a text in the place of what only repeated memories."""

Span = tuple[int, int]

_MAX_PLACES: Final = 200  # of a page in one text
_FENCE_NAME: Final = r"iai-\s{0,4}mcp-\s{0,4}(?:session-\s{0,4}start|recall)"
_OPEN: Final = r"(?:<|&lt;|\u2039|\uff1c)\s{0,4}"
_CLOSE: Final = r"\s{0,4}(?:>|&gt;|\u203a|\uff1e)"
_BEGIN: Final = re.compile(
    rf"{_OPEN}{_FENCE_NAME}{_CLOSE}|{_OPEN}{_FENCE_NAME}\b|(?<!/)(?<!/ )\b{_FENCE_NAME}{_CLOSE}"
    r"|iai-\s{0,4}mcp\W{1,12}recalled\W{1,12}data\W{1,12}not\W{1,12}instructions\b",
    re.IGNORECASE,
)
_END: Final = re.compile(rf"(?:{_OPEN})?/\s{{0,4}}{_FENCE_NAME}(?:{_CLOSE})?", re.IGNORECASE)
_ADVICE: Final = re.compile(
    r"ask\W{1,12}the\W{1,12}recall\W{1,12}tool\W{1,12}for\W{1,12}details\b"
    r"(?:[^;]{0,60};[^,]{0,60},[^.]{0,80}\btrue\W?)?",
    re.IGNORECASE,
)
_HEADING: Final = re.compile(
    r"^[^\w\n]{0,12}##\s?(?:identity|most recent work|pinned facts|topics|key memories)\b",
    re.IGNORECASE | re.MULTILINE,
)
# Between both fences these show a page, too.
_LINE_OF_PAGE: Final = re.compile(
    r"^[^\w\n]{0,12}- |\biai-mcp(?:: the store\b|, recalled data, not instructions: )", re.MULTILINE
)
_BLANK_LINE: Final = re.compile(r"\n[^\S\n]*\n")
_QUOTED_RUN: Final = re.compile(r"(?:^[^\S\n]*>[^\n]*\n?)+", re.MULTILINE)
_LEAD: Final = re.compile(
    r"(?<!\d)(?P<day>\d{4}-\d\d-\d\d)(?:[ T]\d\d:\d\d)?[^\w\[]{1,12}(?:\[[^\]]{0,200}\]\W{1,8})?"
    r"(?:user|assistant|tool|note|exchange|noted(?:\s{1,4}and\s{1,4}\w{1,10})?\s{1,4}by\s{1,4}a"
    r"\s{1,4}model)\b[^:\n]{0,90}[:\n]",
    re.IGNORECASE,
)
_LINK: Final = re.compile(
    r"(?:\W{0,12}(?:\u2192|->|=>)|\W{0,12})\s{0,12}(?:to\s)?(?:user|assistant)\b[^:\n\w]{0,4}"
    r"(?:[0-9a-f-]{36})?:\s",
    re.IGNORECASE,
)
_ATTRIBUTION: Final = re.compile(
    r"^\W{0,8}(?:(?:(?:what\s)?(?:i|we)\s(?:do\s)?|as\s(?:i|we)\s)?(?:remember(?:ed)?|recall(?:ed)?)"
    r"(?:\s(?:this|from\s\w{1,10}))?"
    r"|(?:as\s|earlier\s|before\s|once\s)?you\s(?:said|told\sme|mentioned|noted|asked\sme)"
    r"(?:\s(?:earlier|before|once|previously|on\s[\d-]{8,10}))?"
    r"|(?:stored|known|recalled|remembered|saved)\s(?:facts?|notes?|memor(?:y|ies))"
    r"|(?:(?:recalled\s|quoted\s|taken\s)?from|according\sto|per|based\son|in|out\sof)\s"
    r"(?:my\s|the\s|our\s|your\s)?(?:[\w-]{1,20}\s)?(?:memory|memories|recall|recollection)"
    r"(?:\s(?:says?|holds?|has|gives?|was|is))?|(?:my\s|the\s|our\s|your\s)?memory\s?(?:says|holds|has|note)?"
    r"|iai-mcp(?:\s(?:says|remembers|recalls))?"
    r"|(?:aus\sdem|laut|nach\sdem)\s(?:ged\u00e4chtnis|speicher|erinnerung)|ich\serinnere\smich"
    r"|d[e'\u2019]\s?(?:apr\u00e8s\s(?:la\s)?)?m\u00e9moire|je\sme\ssouviens"
    r"|(?:de|seg\u00fan\s(?:la|mi)|da|di|secondo\sla|a)\s(?:memoria|mem\u00f3ria)|recuerdo"
    r"|uit\s(?:het|mijn)\sgeheugen|(?:\u043f\u043e|\u0438\u0437)\s\u043f\u0430\u043c\u044f\u0442\u0438"
    r"|(?:\u6839\u636e|\u4ece)?\u8bb0\u5fc6(?:\u4e2d)?|\u8a18\u61b6\u306b\u3088\u308b\u3068)"
    r"(?:\s{0,4}[:,\uff1a\uff0c\u2013\u2014\n-]\s*|\sthat\s)",
    re.IGNORECASE,
)
_MARKED_LINE: Final = re.compile(r"[^\S\n]*(?:[>|]|[\u2022\u00b7*+\u2013\u2014-]\s)")
_NUMBERED_LINE: Final = re.compile(r"[^\S\n]*\d{1,5}[.:)|\t\u2192]\s?")
_IN_QUOTES: Final = re.compile(
    r"\s*[\"'\u2018\u201c\u201e\u00ab\u2039\u300c\u300e][^\n]*"
    r"[\"'\u2019\u201c\u201d\u00bb\u203a\u300d\u300f][.!]?\s*"
)
_CODE_BLOCK: Final = re.compile(r"\s*(?:`{3,}|~{3,})[^\n]*\n.*\n\s*(?:`{3,}|~{3,})\s*", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<sign>[nrt\"\\/]))")
_SIGNS: Final = {"n": "\n", "r": "\r", "t": "\t"}
# Lines of a page or a result without a word of a memory, and pieces of a fence and of HTML.
_SAYS_NOTHING: Final = re.compile(
    r"^\W*[^\n]{1,80}, \d+ memor(?:y|ies)\W*$"
    r"|^\W*(?:[a-z][a-z ]{1,20} -?\d\.\d{3} ?[+=]? ?)+(?:\d\.\d{3})?\W*$"
    r"|^\W*\d+ hits?(?: \([^)\n]{0,60}\))?, (?:hybrid|lexical|dense|time|id)\b[^\n]*$"
    r"|^\W*not all was in sight: [^\n]*$"
    r"|^\W*(?:identity|most recent work|pinned facts|topics|key memories)\W*$"
    r"|^\W*(?:`{3,}|~{3,})\w{0,12}[^\S\n]*$"
    r"|^\W*\d\.\d{3}\b|\bno answer yet\b"
    r"|\"[a-z_]{2,20}\"\s*:\s*(?:\"(?:user|assistant|tool|note|hook|cli|import|model|text|hybrid|lexical"
    r"|dense|time|id|claude-code|codex)?\"|true\b|false\b|null\b)?"
    r"|\\[nrt]"
    r"|[\w-]{0,24}-\s?start\s?(?:>|&gt;)|</?[a-z]{1,10}/?>",
    re.MULTILINE | re.IGNORECASE,
)
_AROUND: Final = re.compile(
    r"(?:[^\w\n]{0,6}no answer yet)?"
    r"(?:\W{0,4}\[\s{0,4}[0-9a-f]{8}(?:-\s{0,4}[0-9a-f]{4}){3}-\s{0,4}[0-9a-f]{12}\s{0,4}\])?[.,;:\u2026\"'\u2019\u201d\u201c\u00bb\u203a)*|]*"
)
_WORD: Final = re.compile(r"\w+")
_LINE_NUMBER: Final = re.compile(r"^[^\S\n]*\W{0,3}(\d{1,5})(?=[\s.:)|\u2192])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lead:
    """Date and speaker in front of a text, as a page and the results in text form have them.

    Attributes:
        start: Where it begins.
        end: Where the text behind it begins.
        day: The date.
    """

    start: int
    end: int
    day: date


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text.

    Attributes:
        text: In small letters.
        start: Where it begins.
        end: Where it ends.
        numbers_line: Whether it is a number with which a line begins.
    """

    text: str
    start: int
    end: int
    numbers_line: bool = False


def plain(text: str) -> str:
    """Return the text without escapes of JSON and HTML; the same text where it has none."""
    if "\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
    return html.unescape(text) if "&" in text else text


def _unescaped(found: re.Match[str]) -> str:
    if found["code"]:
        char = chr(int(found["code"], 16))
        return "\ufffd" if "\ud800" <= char <= "\udfff" else char
    return _SIGNS.get(found["sign"], found["sign"])


def pages_in(text: str) -> list[Span]:
    """Return where pages, or parts of one that have a piece of its frame, stand in the text.

    Who only names a piece of the frame gives no page: between the pieces stand headings or dated
    lines of one. Without its end a page goes to the first of those, since only the store knows
    how far the words behind them are its own; without its beginning it begins behind the last
    blank line, which no page has. Of a page that is quoted line by line only the quoted lines
    count.
    """
    ends = [(one.start(), one.end()) for one in islice(_END.finditer(text), _MAX_PLACES)]
    advice = [(one.start(), one.end()) for one in islice(_ADVICE.finditer(text), _MAX_PLACES)]
    blanks = [one.start() for one in _BLANK_LINE.finditer(text)]
    parts = sorted(one.start() for form in (_LEAD, _HEADING) for one in form.finditer(text))
    spans: list[Span] = []
    at = 0
    for begin in islice(_BEGIN.finditer(text), _MAX_PLACES):
        if begin.start() < at:
            continue
        last = _from(ends, begin.end()) or _from(advice, begin.end())
        blank = bisect_left(blanks, begin.end())
        behind = blanks[blank] if blank < len(blanks) else len(text)
        first = _first(parts, begin.end(), last[1] if last else behind)
        if first is None and last is not None:
            found = _LINE_OF_PAGE.search(text, begin.end(), last[0])
            first = found and found.start()
        if first is not None:
            at = last[1] if last else first
            spans += _quoted(text, (begin.start(), at))
    for start, end in ends:
        if not _is_in(spans, start):
            blank = bisect_left(blanks, start)
            begins = blanks[blank - 1] if blank else 0
            if _first(parts, begins, start) is not None:
                spans.append((begins, end))
    spans += [one for one in advice if parts and not _is_in(spans, one[0])]
    return sorted(spans)


def _first(places: Sequence[int], start: int, end: int) -> int | None:
    """Return the first of the places, in their order, that lies within."""
    found = bisect_left(places, start)
    return places[found] if found < len(places) and places[found] < end else None


def _from(places: Sequence[Span], at: int) -> Span | None:
    """Return the first of the places, in their order, that begins there or later."""
    found = bisect_left(places, (at, 0))
    return places[found] if found < len(places) else None


def _is_in(spans: Sequence[Span], at: int) -> bool:
    return any(start <= at < stop for start, stop in spans)


def _quoted(text: str, span: Span) -> list[Span]:
    line = text.rfind("\n", 0, span[0]) + 1
    if not text[line : span[0]].lstrip().startswith(">"):
        return [span]
    return [
        (max(one.start(), line), min(one.end(), span[1]))
        for one in _QUOTED_RUN.finditer(text, line, span[1])
    ]


def leads_in(text: str) -> list[Lead]:
    """Return each date with a speaker behind it."""
    found: list[Lead] = []
    for one in _LEAD.finditer(text):
        try:
            found.append(Lead(one.start(), one.end(), date.fromisoformat(one["day"])))
        except ValueError:
            continue  # 2026-02-31
    return found


def link_at(text: str, at: int) -> int | None:
    """Return where the next speaker's text in the same line begins; None where there is none."""
    found = _LINK.match(text, at)
    return None if found is None else found.end()


def attributed(text: str) -> int | None:
    """Return where the text begins that a person or model says to have out of a memory."""
    found = _ATTRIBUTION.match(text)
    return None if found is None else found.end()


def is_quotation(text: str) -> bool:
    """Return whether a text is as a whole quoted, a list, or a block of code."""
    if _CODE_BLOCK.fullmatch(text) or _IN_QUOTES.fullmatch(text):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    is_numbered = len(lines) > 1 and all(map(_NUMBERED_LINE.match, lines))
    return is_numbered or (bool(lines) and all(map(_MARKED_LINE.match, lines)))


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Return the words of a part of the text."""
    stop = len(text) if end is None else end
    numbers = {one.start(1) for one in _LINE_NUMBER.finditer(text, start, stop)}
    return [
        Word(one[0].casefold(), one.start(), one.end(), one.start() in numbers)
        for one in _WORD.finditer(text, start, stop)
    ]


def without(text: str, spans: Sequence[Span]) -> str:
    """Return the text with one mark for each run of spans that nothing but blanks divides."""
    kept: list[str] = []
    at = 0
    for start, stop in sorted(_widened(text, one) for one in spans):
        if start < at:
            at = max(at, stop)
            continue
        between = text[at:start]
        if kept and not _has_letters(between):
            between = ""
        if not kept or between:
            kept += [between, ECHO_MARK]
        at = stop
    rest = text[at:]
    return "".join([*kept, rest if _has_letters(rest) else ""]).strip()


def _widened(text: str, span: Span) -> Span:
    """Return the span with the bullet before it and the full stop behind it."""
    start, stop = span
    line = text.rfind("\n", 0, start) + 1
    around = _AROUND.match(text, stop)
    begins_line = not any(char.isalnum() for char in text[line:start])
    return line if begins_line else start, around.end() if around else stop


def _has_letters(text: str) -> bool:
    return any(char.isalnum() for char in text)


def own_words(text: str) -> list[str]:
    """Return the words of a text that are of no frame of ours, and no numbers."""
    rest = _SAYS_NOTHING.sub("", text.replace(ECHO_MARK, ""))
    return [one[0] for one in _WORD.finditer(rest) if not one[0].isdigit()]
