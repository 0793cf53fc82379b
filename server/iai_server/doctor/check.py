"""One check of the doctor: a link of the chain from hook to store, and whether it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

from iai_memory.errors import MemoryFault


class Check(NamedTuple):
    """A link, whether it holds, and the finding; that of a broken link names a command."""

    name: str
    ok: bool
    finding: str

    def to_fields(self) -> dict[str, Any]:
        """Return the check as plain data for JSON."""
        return self._asdict()


class BrokenLink(Exception):
    """A link does not hold; the text says why and what to do."""


def run_check(name: str, work: Callable[[], str]) -> Check:
    """Run a check; `work` returns the finding, or raises if the link is broken."""
    try:
        return Check(name, True, work())
    except (BrokenLink, MemoryFault, OSError, subprocess.SubprocessError) as exc:
        return Check(name, False, str(exc))
