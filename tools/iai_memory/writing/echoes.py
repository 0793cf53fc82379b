"""What repeats memories instead of saying something: a page, an answer, a line out of one.

Who pastes a page into a prompt, and a model that says what it was given, state nothing: stored,
such a text would vouch for words that another origin vouched for less. What has the form of a page
or an answer is compared with the store, and only what it holds is taken out; everything else that
was said stays. A text of no such form costs a few searches with patterns, none in the store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final

from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from ..text.echo import (
    Span,
    Word,
    attributed,
    is_quotation,
    leads_in,
    link_at,
    own_words,
    pages_in,
    plain,
    without,
    words_of,
)
from ..text.inert import neutralise

_MAX_CLAIMS: Final = 60
_MAX_WORDS: Final = 2_000
_MAX_CLAIM_CHARS: Final = 20_000
_MAX_CHARS: Final = 200_000
_ASKED_WORDS: Final = 24
_CANDIDATES: Final = 10
# Fewer words in a row are in many texts by chance.
_MIN_WORDS: Final = 4
_MAX_DECODED: Final = 40
# An answer around a repeated page that is no more than "here you are".
_FEW_OWN: Final = 3
_CUT: Final = re.compile(r"\W{0,4}(?:\u2026|\.\.\.|\[cut\])")
_CUT_BEFORE: Final = re.compile(r"\W*(?:\[cut\]\s*)?\u2026\s*")
_OPEN_END: Final = re.compile(r"\W{0,6}no answer yet")
_TEXT_KEY: Final = re.compile(r"\"(?:text|payload)\"\s*:\s*\"")
_FEW_WORDS: Final = re.compile(r"(?:[^\w\n]{0,4}\w+\b){1,8}?[^\w\n]*(?=\n|\u2192|->|$)")
_CODE_HEAD: Final = re.compile(r"\s*(?:`{3,}|~{3,})[^\n]*\n")
_OPENING: Final = re.compile(r"[{\[]")
_ANY_LINE_END: Final = re.compile(r"\n|$")
# Sentences of ours beside the texts in a result.
_OWN_FIELDS: Final = frozenset({"reason", "note", "fix", "undo", "cwd", "project", "session_id"})


def said_beside_memories(reader: TableReader, text: str, role: str) -> str:
    """Return what a text says beside memories that it repeats; empty where it says nothing else.

    In the place of what was taken out stands a mark. A text that repeats nothing is returned as it
    is, and so is an answer in whose own sentences a memory is repeated.

    Args:
        reader: Of the table as it is.
        text: Redacted, as those of the table are.
        role: Who said it. Of the user each word counts.

    Raises:
        StoreFault: The table could not be read.
    """
    if len(text) > _MAX_CHARS or not _has_its_form(text):
        return text
    known = _Known(reader)
    for form in dict.fromkeys((text, plain(text))):
        spans = [*pages_in(form), *_results_in(form, known)]
        spans += _lines_in(form, known, spans)
        if spans:
            rest = without(form, spans)
            said = len(own_words(rest))
            return rest if said > (0 if role == "user" else _FEW_OWN) else ""
    return "" if _is_only_repeated(text, known) else text


def _has_its_form(text: str) -> bool:
    """Return whether a text may repeat what was given: without a look into the store."""
    return (
        "mcp" in text.casefold()
        or "recall tool" in text
        or _TEXT_KEY.search(plain(text) if '\\"' in text else text) is not None
        or bool(leads_in(text))
        or attributed(text) is not None
        or is_quotation(text)
    )


@dataclass(frozen=True, slots=True)
class _Match:
    """A stored text at a place of another one.

    Attributes:
        end: Where it ends there.
        words: How many words it has there.
        whole: Whether all of the stored text is there.
        record: Whose text.
    """

    end: int
    words: int
    whole: bool
    record: Record


@dataclass(slots=True)
class _Known:
    """The texts of the store, looked for by their words; each claim is looked up once."""

    reader: TableReader
    asked: int = 0
    _words: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def at(
        self, text: str, start: int, end: int | None = None, day: date | None = None
    ) -> _Match | None:
        """Return the longest stored text whose beginning stands at a place of the text.

        Args:
            text: Any.
            start: The place.
            end: Where to stop; None is the end of the text.
            day: The day of the stored text, give or take one; None is any.
        """
        if self.asked >= _MAX_CLAIMS:
            return None
        end = min(len(text) if end is None else end, start + _MAX_CLAIM_CHARS)
        is_cut_before = _CUT_BEFORE.match(text, start)
        begin = is_cut_before.end() if is_cut_before else start
        words = list(islice(words_of(text, begin, end), _MAX_WORDS))
        if not words:
            return None
        self.asked += 1
        asked = " ".join(one.text for one in words[:_ASKED_WORDS] if not one.numbers_line)
        ids = list(self.reader.matching(asked, _of_day(day), _CANDIDATES))
        found = [
            match
            for record in self.reader.get(ids)
            if (match := self._match(words, record, inside=is_cut_before is not None))
        ]
        return max(found, default=None, key=lambda one: (one.words, one.whole))

    def _match(self, words: Sequence[Word], record: Record, *, inside: bool) -> _Match | None:
        stored = self._words.setdefault(
            record.id, [one.text for one in words_of(neutralise(record.text[:_MAX_CHARS]))]
        )
        first = next((one.text for one in words if not one.numbers_line), "")
        begins = [at for at, one in enumerate(stored) if one == first] if inside else [0]
        best: _Match | None = None
        for begin in begins:
            count, end = _in_a_row(words, stored, begin)
            if count and (best is None or count > best.words):
                best = _Match(end, count, begin + count == len(stored), record)
        return best


def _of_day(day: date | None) -> Filter:
    everything = Filter(include_superseded=True, include_tombstoned=True)
    if day is None or not date(1900, 1, 1) < day < date(9000, 1, 1):
        return everything
    noon = datetime.combine(day, time(12), UTC)
    around = timedelta(hours=38)  # in whatever zone that day was
    return everything.within(noon - around, noon + around)


def _in_a_row(words: Sequence[Word], stored: Sequence[str], begin: int) -> tuple[int, int]:
    """Return how many words are the same from there on, and where the last of them ends.

    Numbers with which lines begin may stand between; the last word may be cut.
    """
    count, end = 0, 0
    for word in words:
        at = begin + count
        if at == len(stored):
            break
        if word.text != stored[at]:
            if word.numbers_line:
                continue
            if count and len(word.text) > 1 and stored[at].startswith(word.text):
                end = word.end
            break
        count, end = count + 1, word.end
    return count, end


def _lines_in(text: str, known: _Known, taken: Sequence[Span]) -> Iterator[Span]:
    """Yield where lines of a page, or of a result in text form, repeat stored texts."""
    leads = [
        one
        for one in leads_in(text)[:_MAX_CLAIMS]
        if not any(start <= one.start < end for start, end in taken)
    ]
    ends = [one.start for one in leads[1:]] + [len(text)]
    found: list[Span] = []
    for lead, end in zip(leads, ends, strict=False):
        stop = _end_of_texts(text, lead.end, end, known, lead.day)
        if stop is not None:
            found.append((lead.start, stop))
    yield from found
    if len(found) >= 2 and 2 * len(found) >= len(leads):
        # What has no word to be found by, among others that were found.
        starts = {start for start, _ in found}
        for lead in leads:
            if lead.start not in starts:
                line_end = _ANY_LINE_END.search(text, lead.end)
                yield lead.start, line_end.start() if line_end else len(text)


def _end_of_texts(text: str, at: int, end: int, known: _Known, day: date) -> int | None:
    """Return where the stored texts end that stand one after the other from there on."""
    stop: int | None = None
    begins: int | None = link_at(text, at) or at
    while begins is not None and begins < end:
        match = known.at(text, begins, end, day)
        if match is not None and (match.whole or match.words >= _MIN_WORDS):
            cut = _CUT.match(text, match.end) or _OPEN_END.match(text, match.end)
            at = stop = cut.end() if cut else match.end
        else:
            few = _FEW_WORDS.match(text, begins)  # "yes, do that" has no word to be found by
            if few is None:
                break
            at = few.end()
            stop = stop and at
        begins = link_at(text, at)
    return stop


def _results_in(text: str, known: _Known) -> Iterator[Span]:
    """Yield where JSON stands that holds stored texts: whole values, then what is left of some."""
    at, decoder = 0, json.JSONDecoder()
    for _ in range(_MAX_DECODED):
        begin = min(
            (one for one in (text.find("{", at), text.find("[", at)) if one >= 0), default=-1
        )
        if begin < 0:
            break
        try:
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            at = begin + 1
            continue
        at = end
        if _Repeated(known).is_all_of(value):
            yield begin, end
    yield from _broken_results(text, known)


def _broken_results(text: str, known: _Known) -> Iterator[Span]:
    done = 0
    for key in islice(_TEXT_KEY.finditer(text), _MAX_CLAIMS):
        match = known.at(text, key.end()) if key.start() >= done else None
        if match is None or not (match.whole or match.words >= _MIN_WORDS):
            continue
        begin = max(text.rfind("{", done, key.start()), done)
        closed = text.rfind("}", match.end) + 1
        following = text.find("{", match.end)
        blank = text.find("\n\n", match.end)
        done = next(one for one in (following, closed, blank, len(text)) if one > 0)
        yield begin, done


@dataclass(slots=True)
class _Repeated:
    """Whether a value of JSON says nothing but stored texts."""

    known: _Known
    found: int = 0

    def is_all_of(self, value: Any) -> bool:
        return self._holds(value, "", 0) and self.found > 0

    def _holds(self, value: Any, key: str, depth: int) -> bool:
        if depth > 8:
            return False
        if isinstance(value, dict):
            return all(self._holds(one, str(name), depth + 1) for name, one in value.items())
        if isinstance(value, list):
            return all(self._holds(one, key, depth + 1) for one in value)
        return not isinstance(value, str) or key in _OWN_FIELDS or self._is_known(value, depth)

    def _is_known(self, text: str, depth: int) -> bool:
        if text.lstrip().startswith(("{", "[")):
            try:
                return self._holds(json.loads(text), "", depth + 1)
            except (ValueError, RecursionError):
                pass
        if _is_time_or_id(text) or len(words_of(text[:_MAX_CHARS])) < _MIN_WORDS:
            return True
        pages = pages_in(text)
        if pages and not own_words(without(text, pages)):
            self.found += 1
            return True
        match = self.known.at(text, 0)
        if match is None or words_of(text, match.end)[1:]:
            return False
        self.found += 1
        return True


_TIME_OR_ID: Final = re.compile(r"[\dT:.Z+-]{8,40}|[0-9a-f-]{8,64}")


def _is_time_or_id(text: str) -> bool:
    return _TIME_OR_ID.fullmatch(text) is not None


def _is_only_repeated(text: str, known: _Known) -> bool:
    """Return whether a text is nothing but whole stored texts, quoted or said to be remembered."""
    begin = attributed(text)
    if begin is None:
        if not is_quotation(text):
            return False
        head = _CODE_HEAD.match(text)
        begin = head.end() if head else 0
    at, said = begin, 0
    while _next_word(text, at) is not None:
        match = known.at(text, at)
        if match is None or match.record.text.strip() == text.strip():
            return False  # what is sent a second time is said a second time
        cut = _CUT.match(text, match.end)
        if not match.whole and not (cut and match.words >= _MIN_WORDS):
            return False
        at = cut.end() if cut else match.end
        said += match.words
    return said >= _MIN_WORDS


def _next_word(text: str, at: int) -> Word | None:
    words = words_of(text, at, min(len(text), at + _MAX_CLAIM_CHARS))
    return next((one for one in words if not one.numbers_line), None)
