"""Whether prompts used what they were given: read from their sessions, one prompt at a time.

A prompt takes a tenth of a second, and three seconds in a session of 2,000 long turns. It is looked
at an hour after it was given something, and again at twice its age until it was of use or a day is
over: a session goes on, and a later answer may use what it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..base.locks import held
from ..errors import StoreBusy
from .events import Injected, injected
from .outcome_file import Judged, Outcomes, PromptOutcome, read_outcomes, write_outcomes
from .threshold import threshold_of
from .why import injections_of

if TYPE_CHECKING:
    from ..base.ledger import Ledger
    from ..base.paths import StorePaths
    from ..results import PromptThreshold
    from ..store.table import Store

LOOK_EVERY: Final = timedelta(hours=1)
MAX_PROMPTS: Final = 50
_SETTLED: Final = timedelta(days=1)
_WAIT_SEC: Final = 5.0
_BEST_FIRST: Final[tuple[PromptOutcome, ...]] = ("used", "contradicted", "not_used", "unclear")


def judge_next(store: Store, ledger: Ledger, now: datetime) -> bool:
    """Judge whether one prompt used what it was given; return whether another one waits for it.

    May be killed at any time: the next call, in whichever process, goes on. Does nothing while
    another process judges, and within an hour after nothing was left.

    Raises:
        StoreFault: The table could not be read, or the outcomes not be written.
    """
    if _was_complete(read_outcomes(store.paths), now):
        return False
    try:
        with held(store.paths.lock("prompt-outcomes"), timeout=0):
            return _judge(store, ledger, now)
    except StoreBusy:
        return False


def reset_threshold(paths: StorePaths, ledger: Ledger, now: datetime) -> PromptThreshold:
    """Let nothing count that prompts were given until now; return the threshold, which is the base.

    Raises:
        StoreBusy: Another process kept the outcomes for 5 s.
        StoreUnavailable: They cannot be written.
    """
    with held(paths.lock("prompt-outcomes"), timeout=_WAIT_SEC):
        # By what was given and not by a time: a clock that is set back would go on setting aside.
        aside = [Judged(one.at, one.ids[0], "set_aside", now) for one in _given(injected(ledger))]
        write_outcomes(paths, aside, None)
    ledger.write("prompt_threshold_reset")
    return threshold_of(Outcomes(tuple(aside)), now)


def _judge(store: Store, ledger: Ledger, now: datetime) -> bool:
    before = read_outcomes(store.paths)
    if _was_complete(before, now):
        return False  # another process was faster
    if before.is_damaged:
        ledger.write("prompt_outcomes_damaged", file=store.paths.prompt_outcomes.name)
    events, known = injected(ledger), {one.key: one for one in before.judged}
    given = _given(events)
    due = [one for one in given if _is_due(one, known.get(_key(one)), now)]
    for one in due[:1]:
        known[_key(one)] = Judged(*_key(one), _outcome(store, one, events), now)
    is_complete = len(due) <= 1
    judged = _in_order(known, given)
    if judged or before.is_damaged:
        write_outcomes(store.paths, judged, now if is_complete else None)
        _tell(ledger, threshold_of(before, now), threshold_of(Outcomes(tuple(judged)), now))
    return not is_complete


def _given(events: Sequence[Injected]) -> list[Injected]:
    """Return the last prompts that were given something, oldest first."""
    found = [one for one in events if one.by == "prompt" and one.session and one.ids]
    return found[-MAX_PROMPTS:]


def _key(one: Injected) -> tuple[datetime, str]:
    return one.at, one.ids[0]


def _was_complete(outcomes: Outcomes, now: datetime) -> bool:
    at = outcomes.complete_at
    return at is not None and timedelta(0) <= now - at < LOOK_EVERY


def _is_due(one: Injected, judged: Judged | None, now: datetime) -> bool:
    if judged is None:
        return now - one.at >= LOOK_EVERY
    if judged.outcome not in ("not_used", "unclear"):
        return False
    looked = judged.looked_at - one.at
    return looked < _SETTLED and now - one.at >= 2 * looked


def _outcome(store: Store, one: Injected, events: Sequence[Injected]) -> PromptOutcome:
    """Return the best of what became of a prompt's memories: one that is of use is enough."""
    assert one.session is not None, "only those of a session are looked at"
    purged = store.erasures.now().purged
    found = injections_of(store, one.session, events, purged, only=one)
    outcomes = {memory.outcome for given in found.injections for memory in given.memories}
    return next(name for name in _BEST_FIRST if name in outcomes)


def _in_order(known: dict[tuple[datetime, str], Judged], given: Sequence[Injected]) -> list[Judged]:
    """Return what is judged in the order of the ledger, first what that has no more."""
    last = [known[key] for key in dict.fromkeys(map(_key, given)) if key in known]
    keys = {one.key for one in last}
    return [*(one for one in known.values() if one.key not in keys), *last]


def _tell(ledger: Ledger, before: PromptThreshold, after: PromptThreshold) -> None:
    """Note in the ledger that the threshold rises from its base, or came back to it."""
    if before.is_raised != after.is_raised:
        name = "prompt_threshold_raised" if after.is_raised else "prompt_threshold_lowered"
        ledger.write(
            name,
            min_answer=after.min_answer,
            used=after.used,
            contradicted=after.contradicted,
            judged=after.judged,
        )
