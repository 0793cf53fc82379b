"""The session-start payload: rendered, cached, and provably fresh."""

from .cache import cache_path, read_sidecar, sidecar_path
from .decision import Decision, decide
from .refresh import Outcome, RefreshOptions, SessionStart, Surroundings, Trigger
from .watermark import Watermark

__all__ = [
    "Decision",
    "Outcome",
    "RefreshOptions",
    "SessionStart",
    "Surroundings",
    "Trigger",
    "Watermark",
    "cache_path",
    "decide",
    "read_sidecar",
    "sidecar_path",
]
