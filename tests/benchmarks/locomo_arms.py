"""What each arm of the ranking is worth on LoCoMo, and what the best weights would be worth."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from iai_memory import Memory, Settings
from iai_memory.text.speakers import in_first_person, subject, utterance

from .answers import Answer
from .arms import recall_with, weights_without_each
from .ceiling import Ceiling
from .locomo_data import Conversation


def leave_one_out(
    conversations: Sequence[Conversation], settings: Settings
) -> dict[str, list[Answer]]:
    """The answers with all arms, and with each one set to nothing under "without …"; no times."""
    weights = weights_without_each()
    answers: dict[str, list[Answer]] = {name: [] for name in weights}
    for conversation in conversations:
        with _told(conversation, settings) as (memory, turns):
            for question in conversation.questions:
                for name, chosen in weights.items():
                    ranked = [turns[id_] for id_ in recall_with(memory, question.text, chosen)]
                    answers[name].append(Answer(question.category, ranked, question.evidence, None))
    return answers


def at_best(conversation: Conversation, settings: Settings, ceiling: Ceiling) -> None:
    """Asks every question of a conversation how well it could be answered."""
    with _told(conversation, settings) as (memory, turns):
        ids = {turn: id_ for id_, turn in turns.items()}
        said = [utterance(turn.text).speaker for turn in conversation.turns]
        speakers = {name for name in said if name is not None}
        for question in conversation.questions:
            evidence = [ids[turn] for turn in question.evidence]
            person = subject(question.text, speakers)
            meant = None if person is None else in_first_person(question.text, person)
            ceiling.ask(memory, question.text, evidence, evidence, meant)


@contextmanager
def _told(
    conversation: Conversation, settings: Settings
) -> Generator[tuple[Memory, dict[str, str]]]:
    """A store of the conversation, and the data set's id of each record."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-locomo-") as folder:
        here = settings.model_copy(update={"store": Path(folder) / "store"})
        memory = Memory(settings=here)
        results = memory.ingest([turn.to_memory() for turn in conversation.turns]).results
        yield (
            memory,
            {str(r.id): t.dia_id for r, t in zip(results, conversation.turns, strict=True)},
        )
