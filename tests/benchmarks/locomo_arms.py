"""What each arm of the ranking is worth on LoCoMo: every weight set to nothing, one at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from iai_memory import Memory, Settings

from .answers import Answer
from .arms import recall_with, weights_without_each
from .locomo_data import Conversation


def leave_one_out(
    conversations: Sequence[Conversation], settings: Settings
) -> dict[str, list[Answer]]:
    """The answers with all arms, and with each one left out under "without …"; no times."""
    weights = weights_without_each()
    answers: dict[str, list[Answer]] = {name: [] for name in weights}
    for conversation in conversations:
        with tempfile.TemporaryDirectory(prefix="iai-mcp-locomo-") as folder:
            here = settings.model_copy(update={"store": Path(folder) / "store"})
            memory = Memory(settings=here)
            results = memory.ingest([turn.to_memory() for turn in conversation.turns]).results
            turns = {str(r.id): t.dia_id for r, t in zip(results, conversation.turns, strict=True)}
            for question in conversation.questions:
                for name, chosen in weights.items():
                    ranked = [turns[id_] for id_ in recall_with(memory, question.text, chosen)]
                    answers[name].append(Answer(question.category, ranked, question.evidence, None))
    return answers
