"""The ranking with one arm left out, for each arm: what that arm is worth."""

from __future__ import annotations

from dataclasses import fields, replace

from iai_memory import Memory
from iai_memory.recall.filter_arguments import check_filter
from iai_memory.recall.pipeline import recall
from iai_memory.recall.query import Query
from iai_memory.recall.weights import Weights, WeightTables

from .routes import BUDGET_TOKENS, LIMIT

WHOLE = "all arms"


def weights_without_each() -> dict[str, WeightTables]:
    """The product's weights, and those with one arm at zero under "without …".

    An arm is a field of `Weights` that is not zero in one of the two tables.
    """
    whole = WeightTables()
    both = (whole.conversation, whole.notes)
    return {WHOLE: whole} | {
        f"without {field.name}": WeightTables(*(replace(one, **{field.name: 0.0}) for one in both))
        for field in fields(Weights)
        if any(getattr(one, field.name) for one in both)
    }


def recall_with(memory: Memory, question: str, tables: WeightTables) -> list[str]:
    """The ids of the ten best hits under these weights, best first."""
    query = Query(question, LIMIT, BUDGET_TOKENS, check_filter(), None, min_confidence=0.0)
    hits = recall(memory.store, memory.encoder, query, tables=tables).hits
    return [hit.id for hit in hits]
