"""The session-start payload: rendered, cached, and provably fresh."""

from .cache import cache_modified, cache_path, read_sidecar, sidecar_path
from .decision import Decision, decide
from .refresh import Outcome, RefreshOptions, SessionStart, Surroundings, Topics, Trigger
from .watermark import Watermark

__all__ = [
    "Decision",
    "Outcome",
    "RefreshOptions",
    "SessionStart",
    "Surroundings",
    "Topics",
    "Trigger",
    "Watermark",
    "cache_modified",
    "cache_path",
    "decide",
    "read_sidecar",
    "sidecar_path",
]
