"""What LanceDB writes to stderr by itself, where a host shows it to its user.

Standard library only, and little of it: this is imported before the handshake is answered.
"""

from __future__ import annotations

import os

_FILTER = "LANCEDB_LOG"

# Adding to an index whose parts have been split warns of each part that is not read again: dozens
# of lines that nobody can act on, and the index is whole. What else it warns of is still told.
_TOLD = "warn,lance::index::vector::builder=error"


def leave_out_noise() -> None:
    """Sets LanceDB's filter unless the user did; call it before lancedb is imported."""
    os.environ.setdefault(_FILTER, _TOLD)
