"""One check of the doctor: a link of the chain from hook to store, and whether it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from iai_memory.base.machine_faults import told_by_system
from iai_memory.errors import MemoryFault

ITSELF: Final = ": run `iai-mcp doctor`"
"""The next command of many faults, and who reads this has just run it."""


class Check(NamedTuple):
    """A link, whether it holds, and the finding; that of a broken link names a command.

    Attributes:
        name: The link.
        ok: Whether it holds.
        finding: What was found.
        warns: Whether it holds, but should be looked at.
    """

    name: str
    ok: bool
    finding: str
    warns: bool = False

    @property
    def state(self) -> str:
        """The state in one word: ok, warning or BROKEN."""
        if not self.ok:
            return "BROKEN"
        return "warning" if self.warns else "ok"

    def to_fields(self) -> dict[str, Any]:
        """Return the check as plain data for JSON."""
        return {"name": self.name, "state": self.state, "ok": self.ok, "finding": self.finding}


class BrokenLink(Exception):
    """A link does not hold; the text says why and what to do."""


class WeakLink(Exception):
    """A link holds, but should be looked at; the text says why and what to do."""


def run_check(name: str, work: Callable[[], str]) -> Check:
    """Run a check; `work` returns the finding, or raises if the link is weak or broken."""
    try:
        return Check(name, True, work())
    except WeakLink as exc:
        return Check(name, True, str(exc), warns=True)
    except OSError as exc:
        return Check(name, False, told_by_system(exc))
    except (BrokenLink, MemoryFault, subprocess.SubprocessError) as exc:
        return Check(name, False, str(exc).removesuffix(ITSELF))
