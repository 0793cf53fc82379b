"""Whether the page helps a session: `python -m tests.benchmarks.page_usefulness [FOLDER…]`.

Each set (the folders given, or the written sessions) is stored session by session. Before each but
the first, its page is rendered, without a model, as a host would have been given it. Counted are:

- helped: of the questions about preferences, decisions and corrections whose evidence had been said
  by then, the share of which the evidence, or the turn beside it, stands on the page: 45 letters of
  it without a break;
- filler: the share of its lines that announce work or praise, and say no fact;
- untouched: the share of its lines that no later session ever touches: no later turn has two of
  the line's rare words (that at most one in fifty turns has, or three turns).

Beside the product stand the newest turns, and turns drawn at random from a seed, each cut to 60
estimated tokens, as many as the product's page has room for.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_memory.capture.transcript_files import look_at
from iai_memory.store.record import Record
from iai_memory.text.inert import neutralise
from iai_memory.text.tokens import cut_to_tokens, estimate_tokens

from .evaluation_tables import table
from .outcomes import OURS
from .real_data import PAGE, Question, RealSet, Turns, questions_about, told_to
from .sets_of_sessions import measure_sets

NEWEST, RANDOM = "newest turns", "random turns"
KINDS = ("preference", "decision", "correction")
_SEED = 20261130
_TURN_TOKENS = 60
_SAME, _STEP, _LEAST = 45, 15, 25
_RARE_SHARE = 50
_RARE_TURNS = 3
_RARE_WORD = re.compile(r"[^\W\d]{4,}")
_LEAD = re.compile(r"^- (?:\d{4}-\d\d-\d\d (?:\[[^\]]*\] )?)?(?:\w+: )?\"?")
_FILLER = re.compile(
    r"(?:let me|let's|now |perfect|great|good|excellent|you're absolutely right|ci is running"
    r"|lass mich|ich sehe mir|gut|perfekt)",
    re.I,
)
_MAX_FILLER = 260


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page was worth.

    Attributes:
        set: Of which set.
        method: Who made it.
        session: Of the session that starts with it; empty for that after all of a project.
        asked: Questions that could be answered by then.
        helped: How many the page helps with.
        tokens: A quarter of its characters.
        lines: How many it has.
        filler: How many of them say nothing.
        untouched: How many no later session touches.
    """

    set: str
    method: str
    session: str
    asked: int
    helped: int
    tokens: int
    lines: int
    filler: int
    untouched: int


class _Said:
    """The turns of a set in their order, and what they are compared by."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.words = {one.id: _words(one.text) for one in turns.records}
        self._plain = {one.id: _plain(one.text) for one in turns.records}
        having = Counter(word for words in self.words.values() for word in words)
        most = max(_RARE_TURNS, len(turns.records) // _RARE_SHARE)
        self.rare = {word for word, count in having.items() if count <= most}

    def helps(self, question: Question, page: str) -> bool:
        """Return whether a page, as `_plain` makes it, has words of the evidence or beside it."""
        near = {
            other
            for one in self.turns.records
            if self.turns.turn[one.id] in question.evidence
            for other in self.turns.pair(one.id)
        }
        return any(_shares(self._plain[id_], page) for id_ in near)

    def is_touched(self, line: str, later: Sequence[Record]) -> bool:
        """Return whether a later turn has two of its rare words, or the only one."""
        rare = _words(line) & self.rare
        return bool(rare) and any(
            len(rare & self.words[one.id]) >= min(2, len(rare)) for one in later
        )


def measure(one: RealSet) -> Iterator[Shown]:
    """Yield what each page of a set is worth, the product's beside plain ones."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-page-") as name:
        folder = Path(name)
        said = _Said(told_to(_opened(folder / "whole"), one.sessions, folder / "transcripts"))
        began = _begins(said.turns.records)
        memory = _opened(folder / "store")
        order = [session for session in began if session in one.sessions]
        for number, session in enumerate(order):
            project = began[session].project
            before = [r for r in said.turns.records if r.session_id in order[:number]]
            if any(r.project == project for r in before):
                page = memory.session_start(project).payload
                yield from _compared(one, session, page, said, before, project)
            file = folder / "transcripts" / f"{session}.jsonl"
            memory.import_transcripts([look_at(file)], "claude-code")
        for project in dict.fromkeys(r.project for r in said.turns.records):
            page = memory.session_start(project).payload
            yield from _compared(one, "", page, said, said.turns.records, project)


def _compared(
    one: RealSet,
    session: str,
    page: str,
    said: _Said,
    before: Sequence[Record],
    project: str | None,
) -> Iterator[Shown]:
    """Yield what a page and plain pages of the same room are worth to a session of a project."""
    mine = [r for r in said.turns.records if r.project == project]
    known = {r.id for r in before}
    earlier = [r for r in mine if r.id in known]
    later = [r for r in mine if r.id not in known]
    for method, text in _pages(page, earlier):
        yield _shown(one, method, session, text, said, earlier, later)


def _opened(store: Path) -> Memory:
    chosen = load_settings(store=store, tz="UTC", model=None)
    return Memory(settings=chosen, on_commit=lambda: None)


def _begins(records: Sequence[Record]) -> dict[str, Record]:
    """Return the first turn of each session, in the order in which the sessions began."""
    found: dict[str, Record] = {}
    for one in records:
        found.setdefault(str(one.session_id), one)
    return found


def _pages(page: str, earlier: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Yield the body of the product's page, and plain pages that cost as much."""
    body = "\n".join(page.splitlines()[2:-2])
    yield OURS, body
    room = estimate_tokens(body)
    mixed = list(earlier)
    random.Random(_SEED).shuffle(mixed)
    yield NEWEST, _filled(reversed(earlier), room)
    yield RANDOM, _filled(iter(mixed), room)


def _filled(records: Iterator[Record], room: int) -> str:
    lines: list[str] = []
    for one in records:
        said = cut_to_tokens(neutralise(one.text), _TURN_TOKENS, " …")
        lines.append(f"- {one.created_at.date()} {one.role}: {said}")
        room -= estimate_tokens(lines[-1]) + 1
        if room < 0:
            return "\n".join(lines[:-1])
    return "\n".join(lines)


def _shown(
    one: RealSet,
    method: str,
    session: str,
    page: str,
    said: _Said,
    earlier: Sequence[Record],
    later: Sequence[Record],
) -> Shown:
    known = said.turns.of(record.id for record in earlier)
    asked = [q for q in one.questions if q.kind in KINDS and q.evidence and q.evidence <= known]
    lines = [line for line in page.splitlines() if line.startswith("- ")]
    bare = [_LEAD.sub("", line) for line in lines]
    plain = _plain(page)
    return Shown(
        set=one.name,
        method=method,
        session=session,
        asked=len(asked),
        helped=sum(said.helps(question, plain) for question in asked),
        tokens=len(page) // 4,
        lines=len(lines),
        filler=sum(_FILLER.match(line) is not None and len(line) < _MAX_FILLER for line in bare),
        untouched=sum(not said.is_touched(line, later) for line in bare),
    )


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def _shares(turn: str, page: str) -> bool:
    if len(turn) <= _LEAST:
        return False
    starts = range(0, max(1, len(turn) - _SAME), _STEP)
    return any(turn[at : at + _SAME] in page for at in starts)


def _words(text: str) -> set[str]:
    return set(_RARE_WORD.findall(text.lower()))


def summary(shown: Sequence[Mapping[str, object]]) -> str:
    """Return the table of what `measure` found, a line for each set and method."""
    kept = [Shown(**fields) for fields in shown]  # type: ignore[arg-type]
    rows: list[list[object]] = []
    for name, method in dict.fromkeys((one.set, one.method) for one in kept):
        of_it = [one for one in kept if (one.set, one.method) == (name, method)]
        starts = [one for one in of_it if one.session and one.asked]
        last = [one for one in of_it if not one.session]
        lines = sum(one.lines for one in of_it if one.session)
        rows.append(
            [
                name,
                f"**{method}**" if method == OURS else method,
                len(starts),
                _mean([one.helped / one.asked for one in starts]),
                f"{sum(one.helped for one in last)} of {sum(one.asked for one in last)}",
                f"{sum(one.tokens for one in of_it) / len(of_it):.0f}",
                _mean([sum(one.filler for one in of_it) / sum(one.lines for one in of_it)]),
                _mean([sum(one.untouched for one in of_it if one.session) / lines] * bool(lines)),
            ]
        )
    columns = ("set", "page", "sessions", "helped", "helped after the last")
    return table((*columns, "tokens", "filler", "untouched"), rows)


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}".removeprefix("0") if values else "-"


def _asking(one: RealSet) -> RealSet:
    """Return a set with our questions about it that the page is measured by."""
    return RealSet(one.name, one.sessions, [*one.questions, *questions_about(one, PAGE)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    return measure_sets(
        "page_usefulness", __doc__, arguments, lambda one: measure(_asking(one)), summary
    )


if __name__ == "__main__":
    sys.exit(main())
