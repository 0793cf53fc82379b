"""The choice of what the user decided, corrected and prefers, out of all that the user said.

Of the newest 3,000 turns of hosts and of the user. Each of the user's is worth what `acts` says, a
little more where the answer gave in, where it is recent, and where it was said in several sessions.
Of those that say nearly the same the newest is shown. What a model noted is never among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from ..recall.exchange_list import is_short
from ..store.arrow import pc
from ..store.reader import TableReader
from ..store.record import BY_TOOL, ORIGINS, REWOUND, Record
from ..text.speakers import utterance
from ..text.tokens import fits
from .acts import GIVEN_IN, LEAST_WORTH, ends_asking, excerpt, gives_in, is_reply, points
from .outline import PageOutline

EXCERPT_TOKENS: Final = 24
_SHORT_TURN_TOKENS: Final = 56
_MAX_ROWS: Final = 3_000
_MAX_CANDIDATES: Final = 45  # of which the answers are read
_ORDER: Final = ("session_id", "created_at", "id")
_OF_USER: Final = tuple(origin for origin in ORIGINS if origin != BY_TOOL)
_NEWEST_WORTH: Final = 1.0
_HALVED_AFTER: Final = 300  # turns of the user
_SAID_AGAIN: Final = 0.5
_SAME_SHARE: Final = 0.6  # of the words of the shorter one
_WORD: Final = re.compile(r"[^\W\d_]{4,}|[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{2}")
_NOTHING: Final = -1


@dataclass(frozen=True, slots=True)
class Chosen:
    """A turn of the user that may stand on the page.

    Attributes:
        turn: Its record.
        excerpt: The sentences that say it, verbatim.
        answer: What came of it, where it is a question and the answer did not just give in.
        before: What it answers, where it is too short to be understood without; else None.
        longer: What else a turn of a few sentences says, with the excerpt; else empty.
    """

    turn: Record
    excerpt: str
    answer: Record | None = None
    before: Record | None = None
    longer: str = ""


@dataclass(slots=True)
class _Said:
    """A turn of the user as a row, with the rows of what was said around it.

    Attributes:
        row: Its own.
        before: Of the answer before it.
        first: Of what the assistant said first after it.
        last: Of what it said last.
        is_answered: Whether it said anything; then `last` is nothing where that may not be shown.
    """

    row: int
    before: int = _NOTHING
    first: int = _NOTHING
    last: int = _NOTHING
    is_answered: bool = False

    def answered_by(self, row: int) -> None:
        """Take one more turn of the assistant in; nothing where it may not be shown."""
        if not self.is_answered:
            self.first = row
        self.last, self.is_answered = row, True


class _Points:
    """What turns are worth, by the ids of their records: a text never changes. No text is kept."""

    _MOST = 20_000

    def __init__(self) -> None:
        self._of: dict[str, float] = {}

    def of(self, reader: TableReader, rows: pa.Table) -> list[float]:
        """Return what the turns of an outline are worth; reads those that it does not know."""
        ids = rows["id"].to_pylist()
        unknown = [at for at, id_ in enumerate(ids) if id_ not in self._of]
        known = {id_: self._of.get(id_, 0.0) for id_ in ids}
        if unknown:
            found = reader.in_outline(rows.take(pa.array(unknown, pa.int64())))
            known |= {id_: points(record.text) for id_, record in found.items()}
            if len(self._of) + len(unknown) > self._MOST:
                self._of = {}
            self._of |= known
        return [known[id_] for id_ in ids]


_POINTS: Final = _Points()


def choose(outline: PageOutline) -> list[Chosen]:
    """Return what the user decided, corrected and prefers, the most worth first.

    Args:
        outline: Of the page.

    Raises:
        StoreFault: The table could not be read.
    """
    reader = outline.reader
    whole = replace(outline.mine, include_superseded=True, include_tombstoned=True)
    whole = replace(whole, roles=("user", "assistant"), origins=_OF_USER)
    rows = outline.newest(whole, _MAX_ROWS).sort_by([(name, "ascending") for name in _ORDER])
    said = _said(rows)
    if not said:
        return []
    own = _POINTS.of(reader, rows.take(pa.array([one.row for one in said], pa.int64())))
    times = rows["created_at"].cast(pa.int64()).to_numpy()
    by_age = sorted(range(len(said)), key=lambda at: -times[said[at].row])
    valued = [
        (own[at] + _NEWEST_WORTH * 0.5 ** (age / _HALVED_AFTER), said[at])
        for age, at in enumerate(by_age)
        if own[at] >= LEAST_WORTH
    ]
    best = sorted(valued, key=lambda pair: -pair[0])[:_MAX_CANDIDATES]
    return _folded(_candidates(reader, rows, best))


def _said(rows: pa.Table) -> list[_Said]:
    """Return the user's turns that may be shown, with what was said around them in their session.

    Args:
        rows: In the order of `_ORDER`.
    """
    live = pc.and_(pc.is_null(rows["tombstoned_at"]), pc.is_null(rows["superseded_by"])).to_pylist()
    shown = [
        is_live and REWOUND not in (tags or ())
        for is_live, tags in zip(live, rows["tags"].to_pylist(), strict=True)
    ]
    found: list[_Said] = []
    turn, answer, before, last_session = False, _NOTHING, _NOTHING, None
    roles, sessions = rows["role"].to_pylist(), rows["session_id"].to_pylist()
    for row, (role, session) in enumerate(zip(roles, sessions, strict=True)):
        if session is None or session != last_session:
            turn, before, last_session = False, _NOTHING, session
        answer = row if shown[row] else _NOTHING
        if role == "user":
            turn = shown[row]
            if turn:
                found.append(_Said(row, before))
        else:
            before = answer
            if turn:
                found[-1].answered_by(answer)
    return found


def _candidates(
    reader: TableReader, rows: pa.Table, best: Sequence[tuple[float, _Said]]
) -> Iterator[tuple[float, Chosen]]:
    """Yield what may be shown with its points; a question without its answer is left out."""
    wanted = {row for _, one in best for row in (one.row, one.before, one.first, one.last)}
    wanted.discard(_NOTHING)
    taken = rows.take(pa.array(sorted(wanted), pa.int64()))
    ids = dict(zip(sorted(wanted), taken["id"].to_pylist(), strict=True))
    records = reader.in_outline(taken)

    def record(row: int) -> Record | None:
        return records.get(ids.get(row, ""))

    for worth, one in best:
        turn, first, last = record(one.row), record(one.first), record(one.last)
        if turn is None:
            continue
        before = record(one.before) if is_short([turn]) else None
        if before is None and is_short([turn]) and is_reply(turn.text):
            continue  # to what is not known
        words = utterance(turn.text).words
        said = excerpt(words, EXCERPT_TOKENS)
        agreed = first is not None and gives_in(first.text)
        asks = ends_asking(said) and not agreed
        if said and (last is not None or not asks):
            more = GIVEN_IN if agreed else 0.0
            longer = _longer(words, said)
            yield worth + more, Chosen(turn, said, last if asks else None, before, longer)


def _longer(words: str, said: str) -> str:
    """Return the excerpt of a turn of a few sentences that leaves none out; empty for no more."""
    if not fits(words, _SHORT_TURN_TOKENS):
        return ""
    whole = excerpt(words, _SHORT_TURN_TOKENS)
    return "" if whole == said or ends_asking(whole) else whole


def _folded(candidates: Iterable[tuple[float, Chosen]]) -> list[Chosen]:
    """Return the candidates, the most worth first, of near-duplicates the newest one."""
    kept: list[_Fold] = []
    ranked = sorted(candidates, key=lambda pair: (-pair[0], pair[1].turn.id))
    for worth, one in ranked:
        words = frozenset(_WORD.findall(one.excerpt.casefold()))
        same = next((fold for fold in kept if fold.says(words)), None)
        if same is None:
            kept.append(_Fold(worth, one, words, {one.turn.session_id}))
        else:
            same.add(one)
    kept.sort(key=lambda fold: (-fold.total, fold.chosen.turn.id))
    return [fold.chosen for fold in kept]


@dataclass(slots=True)
class _Fold:
    """Turns that say nearly the same.

    Attributes:
        worth: Of the one that is worth most.
        chosen: The newest.
        words: Of the one that is worth most.
        sessions: In which it was said.
    """

    worth: float
    chosen: Chosen
    words: frozenset[str]
    sessions: set[str | None]

    @property
    def total(self) -> float:
        """What it is worth, more if it was said in several sessions."""
        return self.worth + (_SAID_AGAIN if len(self.sessions) > 1 else 0.0)

    def says(self, words: frozenset[str]) -> bool:
        """Return whether most words of the shorter one are the other's too."""
        fewest = min(len(words), len(self.words))
        return fewest > 0 and len(words & self.words) > _SAME_SHARE * fewest

    def add(self, other: Chosen) -> None:
        """Take in another one that says it."""
        self.sessions.add(other.turn.session_id)
        self.chosen = max(self.chosen, other, key=lambda one: (one.turn.created_at, one.turn.id))
