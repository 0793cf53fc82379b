"""The check of prompts: whether a living server answered the prompt hook."""

from __future__ import annotations

from typing import Final

from iai_memory import Memory
from iai_memory.base.prompt_log import PromptLog

from .check import WeakLink

_FEW: Final = 3


def check_prompts(memory: Memory) -> str:
    """Return how many prompts of the last day were answered, and how many got a memory.

    Raises:
        WeakLink: More went without an answer than with one, and more than a few.
    """
    found = PromptLog(memory.paths).counts()
    if not found.answered and not found.unanswered:
        return "no prompt in the last day"
    said = found.counts["said"]
    told = f"{found.answered} answered in the last day, {said} of them with memories"
    if found.last is None:
        return told
    at, why = found.last
    told = f"{told}; {found.unanswered} not, last at {at:%H:%M:%S} UTC ({_WHY.get(why, why)})"
    if found.unanswered > max(found.answered, _FEW):
        raise WeakLink(
            f"{told}: see whether your host starts `iai-mcp serve`: run `iai-mcp status`"
        )
    return told


_WHY: Final = {
    "nobody": "no server ran",
    "late": "no server answered in a quarter of a second",
}
