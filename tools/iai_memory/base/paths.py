"""Names of the files under the store folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

NEW_DATABASE: Final = "lancedb.new"


@dataclass(frozen=True, slots=True)
class StorePaths:
    """The files of one store."""

    root: Path

    @property
    def database(self) -> Path:
        """LanceDB's folder."""
        return self.root / "lancedb"

    @property
    def new_database(self) -> Path:
        """The folder of a table that is built to take the place of the present one."""
        return self.root / NEW_DATABASE

    @property
    def replacing(self) -> Path:
        """A note that stands while two tables change places."""
        return self.root / "replacing.json"

    @property
    def table(self) -> Path:
        """LanceDB's folder of the one table."""
        return self.database / "memories.lance"

    @property
    def identity(self) -> Path:
        """Which store it is, and what its last commit left."""
        return self.root / "store.json"

    @property
    def locks(self) -> Path:
        """OS lock files, one per mechanism."""
        return self.root / "locks"

    @property
    def spool(self) -> Path:
        """Rings of the capture hook that wait to be drained."""
        return self.root / "spool"

    @property
    def run(self) -> Path:
        """Where prompt hooks and living servers meet."""
        return self.root / "run"

    @property
    def ask(self) -> Path:
        """The FIFO that servers wait on."""
        return self.run / "ask"

    @property
    def logs(self) -> Path:
        """Logs of the server and the hooks."""
        return self.root / "logs"

    @property
    def ledger(self) -> Path:
        """The event ledger, a JSON object a line."""
        return self.root / "ledger"

    @property
    def maintenance(self) -> Path:
        """The state file of the last compaction."""
        return self.root / "maintenance.json"

    @property
    def prompt_outcomes(self) -> Path:
        """What became of the memories that prompts were given."""
        return self.root / "prompt-outcomes.json"

    @property
    def imported(self) -> Path:
        """How far each transcript was imported."""
        return self.root / "imported.json"

    @property
    def backups(self) -> Path:
        """The store's backups, where the settings name no other folder."""
        return self.root / "backups"

    @property
    def backup_state(self) -> Path:
        """When the last backup was taken, and where."""
        return self.root / "backup-state.json"

    @property
    def backup_key(self) -> Path:
        """The store's own key to its sealed backups."""
        return self.root / "backup-key.txt"

    @property
    def host_files(self) -> Path:
        """The hosts' files as they were before `connect` changed them."""
        return self.root / "host-files"

    @property
    def projects(self) -> Path:
        """Aliases of projects, a log of their changes."""
        return self.root / "projects.json"

    @property
    def exports(self) -> Path:
        """Where exports went."""
        return self.root / "exports.json"

    @property
    def erasures(self) -> Path:
        """What was purged, without its text."""
        return self.root / "erasures.json"

    @property
    def erasures_key(self) -> Path:
        """The key of the digests in it."""
        return self.root / "erasures.key"

    @property
    def handshake(self) -> Path:
        """The handshake's record where other dependencies than the packaged ones are installed."""
        return self.root / "handshake.json"

    def lock(self, name: str) -> Path:
        """Return the lock file of one mechanism."""
        return self.locks / f"{name}.lock"
