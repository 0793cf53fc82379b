"""The ranking with one arm left out, for each arm: what that arm is worth."""

from __future__ import annotations

from dataclasses import fields, replace

from iai_memory import Memory
from iai_memory.ranking import Weights
from iai_memory.recall import Query, check_filter, recall

from .routes import BUDGET_TOKENS, LIMIT

WHOLE = "all arms"


def weights_without_each() -> dict[str, Weights]:
    """The product's weights, and those with one arm at zero under "without …".

    An arm is a field of `Weights` that is a number other than zero.
    """
    whole = Weights()
    return {WHOLE: whole} | {
        f"without {field.name}": replace(whole, **{field.name: 0.0})
        for field in fields(whole)
        if isinstance(value := getattr(whole, field.name), float) and value
    }


def recall_with(memory: Memory, question: str, weights: Weights) -> list[str]:
    """The ids of the ten best hits under these weights, best first."""
    query = Query(question, LIMIT, BUDGET_TOKENS, check_filter(), None)
    return [hit.id for hit in recall(memory.store, memory.encoder, query, weights=weights).hits]
