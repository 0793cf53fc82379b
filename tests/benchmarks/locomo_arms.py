"""What each arm of the ranking is worth on LoCoMo: every weight set to nothing, one at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from iai_memory import Memory, Settings
from iai_memory.ranking import Weights
from iai_memory.recall import Query, check_filter, recall

from .answers import Answer
from .locomo_data import Conversation
from .routes import BUDGET_TOKENS, LIMIT

WHOLE = "all arms"


def leave_one_out(
    conversations: Sequence[Conversation], settings: Settings
) -> dict[str, list[Answer]]:
    """The answers with all arms, and with each one left out under "without …".

    An arm is a field of `Weights` that is a number other than zero. Times are not taken.
    """
    weights = {WHOLE: Weights()} | {
        f"without {field.name}": replace(Weights(), **{field.name: 0.0})
        for field in fields(Weights)
        if isinstance(value := getattr(Weights(), field.name), float) and value
    }
    answers: dict[str, list[Answer]] = {name: [] for name in weights}
    for conversation in conversations:
        with tempfile.TemporaryDirectory(prefix="iai-mcp-locomo-") as folder:
            here = settings.model_copy(update={"store": Path(folder) / "store"})
            memory = Memory(settings=here)
            results = memory.ingest([turn.to_memory() for turn in conversation.turns]).results
            turns = {str(r.id): t.dia_id for r, t in zip(results, conversation.turns, strict=True)}
            for question in conversation.questions:
                query = Query(question.text, LIMIT, BUDGET_TOKENS, check_filter(), None)
                for name, chosen in weights.items():
                    found = recall(memory.store, memory.encoder, query, chosen)
                    ranked = [turns[hit.id] for hit in found.hits]
                    answers[name].append(Answer(question.category, ranked, question.evidence, None))
    return answers
