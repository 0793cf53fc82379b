"""Names of services whose keys have no shape: beside one of them a random value is a key.

`services.txt` has one a line, in lower case without blanks. Left out are names that are words of
everyday text or stand beside sums and ids as a rule (github, docker, npm).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def services() -> frozenset[str]:
    """Return the names."""
    return frozenset(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split())
