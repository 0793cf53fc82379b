"""Where everything lies under the store folder; resolved at each use, never frozen at import."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreUnavailable

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class StorePaths:
    """The files of one store."""

    root: Path

    @property
    def database(self) -> Path:
        """LanceDB's folder."""
        return self.root / "lancedb"

    @property
    def locks(self) -> Path:
        """OS lock files, one per mechanism."""
        return self.root / "locks"

    @property
    def spool(self) -> Path:
        """Doorbells of the capture hook that wait to be drained."""
        return self.root / "spool"

    @property
    def logs(self) -> Path:
        """Logs of the server and the hooks."""
        return self.root / "logs"

    @property
    def ledger(self) -> Path:
        """The event ledger, a JSON object a line."""
        return self.root / "ledger"

    @property
    def models(self) -> Path:
        """Embedding models that `iai-mcp model install` put here."""
        return self.root / "models"

    @property
    def maintenance(self) -> Path:
        """What the last compaction left."""
        return self.root / "maintenance.json"

    @property
    def handshake(self) -> Path:
        """What the server answers first, recorded where other versions than ours are installed."""
        return self.root / "handshake.json"

    def lock(self, name: str) -> Path:
        """The lock file of one mechanism."""
        return self.locks / f"{name}.lock"


def make_private_folder(folder: Path) -> Path:
    """Creates the folder and its parents if needed; the folder itself gets mode 0700.

    Raises:
        StoreUnavailable: The folder cannot be made or its mode cannot be set.
    """
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except OSError as exc:
        raise StoreUnavailable(
            f"{folder} cannot be used as a store folder ({exc.strerror}): make it a folder of "
            f"yours, or set IAI_MCP_STORE to one"
        ) from exc
    return folder


def replace_file(path: Path, content: bytes) -> None:
    """Replaces the file in one step: a reader or a crash sees the old bytes or the new.

    Raises:
        OSError: The folder cannot be written or the disk is full; the old file is untouched.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
