"""How sure an answer must be before memories are said at a prompt: surer where few were of use.

    share = (u + 2) / (n + 4)        the mean of Beta(2 + u, 2 + n - u)
    part  = max(0, 1 - share / WANTED_SHARE)
    least = MIN_ANSWER + part * (MAX_ANSWER - MIN_ANSWER)

of n judged prompts, u of which used or contradicted what they were given. Each prompt weighs half
as much after 30 days, and below ten prompts nothing moves. So the threshold is a value of outcomes
and time, and nothing keeps it: it falls with each use, and by itself when nothing is said any more.
Of 50 prompts that used nothing, 92 days later nothing is left of it.

A contradicted memory was to the point, only not true any more. A higher threshold keeps out what is
not to the point, and would not find out what is outdated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..results import PromptThreshold
from .outcome_file import Judged, Outcomes, read_outcomes

if TYPE_CHECKING:
    from ..base.paths import StorePaths

MIN_CONFIDENCE: Final = 0.55
"""Of a memory that is said, where its answer has `MIN_ANSWER`.

On two people's real sessions 30 of the 37 memories said to their 298 questions are right, 14 of 17
and 16 of 20 (`tests.benchmarks.prompt_memories`). Fitted on the other sets, the confidence of
hits has 30 of 37 right with them, .81 (.68 to .92; `tests.benchmarks.sessions_fit`); the minimums
themselves were chosen on these questions. A twentieth more or less makes it .75 to .83."""
MIN_ANSWER: Final = 0.8
MAX_ANSWER: Final = 0.95
"""Of 36 memories that were said 14 are at this one, and 11 of those are right: never is it mute.

`MIN_CONFIDENCE` stays where it is: with .8 of it 17 are said, and 13 of those are right."""

MIN_JUDGED: Final = 10
MAX_COUNTED: Final = 50
WANTED_SHARE: Final = 0.2
"""Who says it in other words uses a memory unseen: far fewer are seen to be used than are right."""
HALF_LIFE: Final = timedelta(days=30)
_ASSUMED: Final = 2.0
# Of a clock that was set back: what is to come counts for nothing, and cannot raise anything.
_AHEAD: Final = timedelta(days=1)


def min_answer(judged: Sequence[Judged], now: datetime) -> float:
    """Return the least confidence of an answer, `MIN_ANSWER` to `MAX_ANSWER`."""
    counted = _counted(judged, now)
    if len(counted) < MIN_JUDGED:
        return MIN_ANSWER
    weights = [math.exp2(-max(timedelta(0), now - one.at) / HALF_LIFE) for one in counted]
    useful = sum(
        weight
        for one, weight in zip(counted, weights, strict=True)
        if one.outcome in ("used", "contradicted")
    )
    share = (useful + _ASSUMED) / (sum(weights) + 2 * _ASSUMED)
    return MIN_ANSWER + max(0.0, 1 - share / WANTED_SHARE) * (MAX_ANSWER - MIN_ANSWER)


def threshold_of(outcomes: Outcomes, now: datetime) -> PromptThreshold:
    """Return the threshold that these outcomes make."""
    counted = _counted(outcomes.judged, now)
    return PromptThreshold(
        min_answer=round(min_answer(outcomes.judged, now), 3),
        base_answer=MIN_ANSWER,
        judged=len(counted),
        used=sum(one.outcome == "used" for one in counted),
        contradicted=sum(one.outcome == "contradicted" for one in counted),
        is_damaged=outcomes.is_damaged,
    )


def threshold_now(paths: StorePaths, now: datetime) -> PromptThreshold:
    """Return the threshold of a store; the base where its outcomes are damaged.

    Costs reading a small file.
    """
    return threshold_of(read_outcomes(paths), now)


def _counted(judged: Sequence[Judged], now: datetime) -> list[Judged]:
    """Return the last 50 prompts of which it is known whether what they were given was of use."""
    known = ("used", "contradicted", "not_used")
    return [one for one in judged if one.outcome in known and one.at <= now + _AHEAD][-MAX_COUNTED:]
