"""Whether to render now: the decision table, first match wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .watermark import Watermark

Reason = Literal[
    "probe_failed",
    "cache_absent",
    "min_interval_not_elapsed",
    "meta_absent",
    "no_new_records",
    "watermark_changed",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to render, and the row of the table that said so."""

    refresh: bool
    reason: Reason


def decide(
    probed: Watermark | None,
    cached: Watermark | None,
    *,
    cache_age_sec: float | None,
    min_interval_sec: float,
) -> Decision:
    """Looks the answer up.

    Args:
        probed: The store now; None where it could not be asked.
        cached: The cache's sidecar; None where there is none that can be used.
        cache_age_sec: Age of the cache; None where there is no cache. Negative (a modification
            time in the future) counts as old.
        min_interval_sec: Least age before the next render. A removal does not wait for it: serving
            a forgotten memory is a privacy fault.
    """
    if probed is None:
        return Decision(False, "probe_failed")
    if cache_age_sec is None:
        return Decision(True, "cache_absent")
    removed = cached is not None and probed.removed_since(cached)
    if 0 <= cache_age_sec < min_interval_sec and not removed:
        return Decision(False, "min_interval_not_elapsed")
    if cached is None:
        return Decision(True, "meta_absent")
    if probed.same_content(cached):
        return Decision(False, "no_new_records")
    return Decision(True, "watermark_changed")
