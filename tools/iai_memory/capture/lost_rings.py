"""Rings that a hook could not write, since the disk was full: empty files named after a transcript.

A name in a folder needs no block of its own. With the next drain that can write they are rings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from .ring import Ring, ring_of

PATTERN: Final = "lost-*"
_PREFIX: Final = "lost-"


def lost_rings(folder: Path) -> dict[Path, Ring]:
    """Return by their files the rings that could not be written; what names none is left out.

    Raises:
        OSError: The folder cannot be read.
    """
    return dict(_lost(folder))


def _lost(folder: Path) -> Iterator[tuple[Path, Ring]]:
    for path in sorted(folder.glob(PATTERN)):
        transcript = os.fsdecode(unquote_to_bytes(os.fsencode(path.name.removeprefix(_PREFIX))))
        at = min(datetime.fromtimestamp(path.lstat().st_mtime, UTC), datetime.now(UTC))
        ring = ring_of({"transcript_path": transcript, "event": "Lost"}, at)
        if ring is not None:
            yield path, ring
