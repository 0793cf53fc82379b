"""The servers that are alive on a store: each holds an OS lock beside its state file."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..errors import StoreUnavailable
from .clock import iso, utc_now
from .files import make_private_folder, replace_file
from .json_file import read_object
from .locks import OsLock
from .machine_faults import machine_fault
from .paths import StorePaths

_FOLDER: Final = "servers"
_MAX_BYTES: Final = 64 << 10
_TYPES: Final = {"pid": int, "started_at": str, "cwd": str, "state": str, "refresher": bool}
# Not written by earlier versions.
_NEW_TYPES: Final = {"step": str, "step_at": str, "step_since": float, "forgot": int}


@dataclass(frozen=True, slots=True)
class Server:
    """One serving process.

    Attributes:
        pid: Its process.
        started_at: ISO time.
        cwd: The folder that it was started in.
        state: WAKE, DROWSY or SLEEP.
        refresher: Whether its refresher thread runs.
        step: What a thread of it has been at for long; empty for nothing.
        step_at: The file that it is at; empty for none.
        step_since: Since when, in seconds since the epoch.
        forgot: Number of the last erasure after which it dropped what it held in memory.
    """

    pid: int
    started_at: str
    cwd: str
    state: str
    refresher: bool
    step: str = ""
    step_at: str = ""
    step_since: float = 0.0
    forgot: int = 0


class Presence:
    """The announcement of this process, valid until `withdraw` or its death."""

    def __init__(self, paths: StorePaths, cwd: Path) -> None:
        """Take a lock and write the state file.

        Raises:
            StoreUnavailable: The store's folder cannot be written.
        """
        folder = make_private_folder(paths.root / _FOLDER)
        name = f"{os.getpid()}-{os.urandom(3).hex()}"
        self._state_file = folder / f"{name}.json"
        self._lock = OsLock(folder / f"{name}.lock")
        self._updating = threading.Lock()
        self._server = Server(os.getpid(), iso(utc_now()), str(cwd), "WAKE", True)
        try:
            self._lock.acquire()
            self._write()
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{folder} cannot be written")) from exc

    def update(self, **changes: Any) -> None:
        """Replace the state file where something changed; safe from several threads.

        Args:
            changes: Fields of `Server`.

        Raises:
            OSError: The state file cannot be replaced.
        """
        with self._updating:
            server = replace(self._server, **changes)
            if server != self._server:
                self._server = server
                self._write()

    def is_valid(self) -> bool:
        """Return whether others find it: not in a folder that was moved away, or a copy of one."""
        return self._lock.is_in_place()

    def withdraw(self) -> None:
        """Remove the state file and release the lock."""
        self._state_file.unlink(missing_ok=True)
        self._lock.release()
        self._lock.path.unlink(missing_ok=True)

    def _write(self) -> None:
        replace_file(self._state_file, json.dumps(asdict(self._server)).encode())


def alive_servers(paths: StorePaths) -> list[Server]:
    """Return every server that is alive, oldest first; remove the state files of dead ones."""
    servers: list[Server] = []
    for state_file in sorted((paths.root / _FOLDER).glob("*.json")):
        if state_file.is_dir():
            continue  # none of ours, and no server's
        lock = OsLock(state_file.with_suffix(".lock"))
        if not _is_free(lock):
            server = _read(state_file)
            if server is not None:
                servers.append(server)
            continue
        state_file.unlink(missing_ok=True)
        lock.release()
        lock.path.unlink(missing_ok=True)
    return sorted(servers, key=lambda server: server.started_at)


def _is_free(lock: OsLock) -> bool:
    try:
        return lock.acquire()
    except OSError:
        return False  # a store that cannot be written: nothing can be removed there either


def _read(state_file: Path) -> Server | None:
    values = read_object(state_file, _MAX_BYTES)
    # None where the server ended, or replaced its state file, between the listing and the look.
    if values is None:
        return None
    known = {name: value for name, value in values.items() if name in _TYPES | _NEW_TYPES}
    if not _TYPES.keys() <= known.keys():
        return None
    if any(type(value) is not (_TYPES | _NEW_TYPES)[name] for name, value in known.items()):
        return None
    return Server(**known)
