"""The filter of LanceDB's log lines on stderr, which hosts show to their users."""

from __future__ import annotations

import os

_VARIABLE = "LANCEDB_LOG"

# Adding to an index whose parts have been split warns of each part that is not read again: dozens
# of lines that nobody can act on, and the index is whole. Its other warnings are still printed.
_FILTER = "warn,lance::index::vector::builder=error"


def filter_lance_log() -> None:
    """Set LanceDB's filter unless the user did; call it before lancedb is imported."""
    os.environ.setdefault(_VARIABLE, _FILTER)
