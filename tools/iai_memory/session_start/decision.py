"""The decision whether to render now: a table of rules, of which the first match decides.

    state of store and cache                                    render  reason
    ----------------------------------------------------------  ------  ------------------------
    the store could not be probed                               no      probe_failed
    there is no cache                                           yes     cache_absent
    the cache is younger than the interval, nothing was removed no      min_interval_not_elapsed
    the cache has no usable sidecar                             yes     meta_absent
    the sidecar's content is the store's                        no      no_new_records
    otherwise                                                   yes     watermark_changed

A removal does not wait for the interval: serving a forgotten memory is a privacy fault. A change
that waits is not lost: the first tick after the interval renders it.
"""

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
    """The decision whether to render, and the reason: the row of the table that matched."""

    refresh: bool
    reason: Reason


def decide(
    probed: Watermark | None,
    cached: Watermark | None,
    *,
    cache_age_sec: float | None,
    min_interval_sec: float,
) -> Decision:
    """Return the first row of the table that matches.

    Args:
        probed: The store now; None where it could not be probed.
        cached: From the cache's sidecar; None where there is no usable one.
        cache_age_sec: Age of the cache; None where there is no cache. Negative (a modification
            time in the future) counts as old.
        min_interval_sec: Minimum age before the next render.
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
