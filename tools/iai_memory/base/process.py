"""What the system says of a process, by its number. Known on Linux alone."""

from __future__ import annotations

from pathlib import Path


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped, as by Ctrl-Z; elsewhere than on Linux false."""
    return _about(pid)[:1] in ([b"T"], [b"t"])


def began(pid: int) -> str:
    """Return when a process began, in ticks since the system did; empty where nobody tells.

    A number is given again after its process ended, but not at the same tick.
    """
    return b"".join(_about(pid)[19:20]).decode()


def _about(pid: int) -> list[bytes]:
    """Return the fields behind a process's name, from the third on; none if it ended."""
    try:
        about = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return []  # no /proc, or it ended
    # The name may hold anything, brackets too.
    return about.rpartition(b")")[2].split()
