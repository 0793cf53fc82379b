"""What a prompt is given unasked: `python -m tests.benchmarks.prompt_memories [FOLDER…]`.

Each set (the folders given, and the written sessions) is stored and embedded whole. Then are asked,
as prompts are, of a session without a page:

- its questions, those of the set and ours: each memory that is given is right if it is evidence, or
  of an exchange with evidence;
- its questions that nothing answers: silence is right;
- its own prompts, each by its session. Nobody said which of them needed anything. Counted are those
  to which something is given that another session had said before.

All of the set is stored when a prompt is asked, so that a later turn may take the place of an
earlier one. The limits were chosen on the questions about the given sets, and not on the written.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_memory.results import PromptRecall

from .evaluation_tables import table
from .real_data import Question, RealSet, Turns, told_to
from .sets_of_sessions import measure_sets

QUESTION, NOTHING, PROMPT = "question", "question that nothing answers", "own prompt"
_HOST = "claude-code"


@dataclass(frozen=True, slots=True)
class Given:
    """What one prompt was given.

    Attributes:
        set: Of which set.
        kind: `QUESTION`, `NOTHING` or `PROMPT`.
        memories: How many.
        right: How many of them are right; 0 where nobody said.
        reason: Why nothing was given, or "answers".
    """

    set: str
    kind: str
    memories: int
    right: int
    reason: str


def measure(one: RealSet) -> Iterator[Given]:
    """Yield what each prompt of a set is given."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-prompts-") as name:
        folder = Path(name)
        chosen = load_settings(store=folder / "store", tz="UTC")
        with closing(Memory(settings=chosen, on_commit=lambda: None)) as memory:
            turns = told_to(memory, one.sessions, folder / "transcripts")
            for question in one.questions:
                yield _asked(one.name, memory, turns, question)
            yield from _own_prompts(one.name, memory, turns)


def _asked(name: str, memory: Memory, turns: Turns, question: Question) -> Given:
    found = _recalled(memory, question.text, None)
    right = sum(
        not question.evidence.isdisjoint(turns.of(turns.exchange(id_))) for id_ in found.memory_ids
    )
    kind = QUESTION if question.evidence else NOTHING
    return Given(name, kind, len(found.memory_ids), right, found.reason)


def _own_prompts(name: str, memory: Memory, turns: Turns) -> Iterator[Given]:
    said_at = {record.id: record.created_at for record in turns.records}
    for record in turns.records:
        if record.role == "user":
            found = _recalled(memory, record.text, record.session_id)
            earlier = [id_ for id_ in found.memory_ids if said_at[id_] < record.created_at]
            yield Given(name, PROMPT, len(earlier), 0, found.reason)


def _recalled(memory: Memory, prompt: str, session_id: str | None) -> PromptRecall:
    return memory.prompt_recall(prompt, session_id=session_id, cwd=None, host=_HOST)


def summary(given: Sequence[Mapping[str, object]]) -> str:
    """Return the table of what `measure` found, a line for each set and kind."""
    kept = [Given(**fields) for fields in given]  # type: ignore[arg-type]
    rows: list[list[object]] = []
    for name, kind in dict.fromkeys((one.set, one.kind) for one in kept):
        of_it = [one for one in kept if (one.set, one.kind) == (name, kind)]
        memories = sum(one.memories for one in of_it)
        right = f"{sum(one.right for one in of_it)} of {memories}" if kind == QUESTION else "-"
        rows.append([name, kind, len(of_it), sum(one.memories > 0 for one in of_it), right])
    return table(("set", "asked", "n", "given something", "right memories"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    return measure_sets("prompt_memories", __doc__, arguments, measure, summary)


if __name__ == "__main__":
    sys.exit(main())
