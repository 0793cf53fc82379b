"""The checks of prompts: whether a server answered the hook, and whether what was said was used."""

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


def check_prompt_memories(memory: Memory) -> str:
    """Return how many prompts used what they were given, and the threshold in force.

    Raises:
        WeakLink: Too few did, so that the threshold rose; or the file of outcomes is damaged.
    """
    found = memory.prompt_threshold()
    if found.is_damaged:
        raise WeakLink(
            f"{memory.paths.prompt_outcomes} cannot be used, so the threshold is at its base, "
            f"{found.base_answer:.2f}: move it away, and it is begun anew"
        )
    if not found.judged:
        return f"none judged yet, said where the answer has {found.min_answer:.2f}"
    told = f"{found.used} of the last {found.judged} prompts used what they were given"
    if found.contradicted:
        told = f"{told}, {found.contradicted} contradicted it"
    if found.is_raised:
        raise WeakLink(
            f"{told}, so memories are said where the answer has {found.min_answer:.2f} and not "
            f"{found.base_answer:.2f}: if they helped, run `iai-mcp why --reset-threshold`"
        )
    return f"{told}, said where the answer has {found.min_answer:.2f}"


_WHY: Final = {
    "nobody": "no server ran",
    "late": "no server answered in a quarter of a second",
}
