"""Sessions of some hours ago, in each of which a prompt was given one memory and then answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from iai_memory import Memory
from iai_memory.base.ledger import Ledger
from iai_memory.results import PromptRecall

FACTS = (
    "We use uv and not pip for the python environment, because it is faster.",
    "The harbour crane was repainted yellow.",
    "Releases are tagged by Marta on Fridays.",
)
SURE = "Do we use uv or pip for the python environment?"
PROMPTS = (
    SURE,
    "Set up python environments",
    "Set up a python environment for me",
    "Install the python environment",
    "I need a python environment",
    "What colour is the crane?",
)


def note_given(
    memory: Memory, id_: str, answers: Sequence[str], at: datetime, *, first: int = 0
) -> None:
    """Notes a prompt a second from `at` on, in sessions `s-<first>` and so on.

    Each is answered a minute later; an empty answer is none.
    """
    noted, turns = memory.ledger, list[dict[str, str]]()
    for number, answer in enumerate(answers, first):
        moment = at + timedelta(seconds=number)
        memory.ledger = Ledger(memory.paths, partial(_same, moment))
        recalled = PromptRecall(text="b", memory_ids=[id_], confidences=[0.9], reason="answers")
        memory.note_injected(recalled, session_id=f"s-{number}", by="prompt")
        later = (moment + timedelta(minutes=1)).isoformat()
        turn = {"role": "assistant", "session_id": f"s-{number}", "created_at": later}
        turns += [{"text": answer, **turn}] if answer else []
    memory.ledger = noted
    if turns:
        memory.ingest(turns)


def _same(moment: datetime) -> datetime:
    return moment
