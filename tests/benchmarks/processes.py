"""What the system says of a process and of a folder: memory, processor time, bytes, files."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
SETTLED_SEC = 2.0


@dataclass(frozen=True, slots=True)
class Folder:
    """Size of everything below a folder."""

    bytes: int
    files: int


def rss_bytes(pid: int) -> int:
    """Resident memory of a running process: from proc(5) where there is one, else from ps(1).

    Raises:
        OSError: There is no such process.
    """
    status = Path("/proc") / str(pid) / "status"
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024
    asked = ["ps", "-o", "rss=", "-p", str(pid)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if not told:
        raise ProcessLookupError(f"there is no process {pid}")
    return int(told) * 1024


def settled_rss_bytes(pid: int) -> int:
    """Resident memory of a process once it has not moved by a MiB for `SETTLED_SEC`."""
    seen, since = rss_bytes(pid), time.monotonic()
    while time.monotonic() - since < SETTLED_SEC:
        time.sleep(0.1)
        now = rss_bytes(pid)
        if abs(now - seen) > MIB:
            seen, since = now, time.monotonic()
    return rss_bytes(pid)


def anonymous_bytes(pid: int) -> int | None:
    """The part of the resident memory that is no page of a file; None without proc(5)."""
    status = Path("/proc") / str(pid) / "status"
    if not status.exists():
        return None
    [line] = [line for line in status.read_text().splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, from the fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_at_the_end(pid: int) -> float:
    """Waits for a child and returns its user and system time, its own waited-for children's too."""
    _, _, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime


def folder_size(folder: Path) -> Folder:
    """Adds up the files as they are now; one that is removed meanwhile does not count."""
    total = files = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:
                # A running server compacts: the file was there when the folder was listed.
                continue
            files += 1
    return Folder(total, files)
