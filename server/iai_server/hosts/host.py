"""What connecting a host is: the files it takes, and what they get."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .hook_scripts import install_scripts, stale_scripts
from .host_file import Change, HostFile
from .launch_command import Launch


@dataclass(frozen=True, slots=True)
class Host:
    """One host, for one user or one project.

    Attributes:
        name: What the user calls it: claude-code, claude-desktop or codex.
        launch: What its files get.
        server: The file that names the server.
        hooks: The file that names the hooks; None for a host that runs none.
        advice: What the user has to do after connecting.
    """

    name: str
    launch: Launch
    server: HostFile
    hooks: HostFile | None
    advice: str

    @property
    def files(self) -> tuple[HostFile, ...]:
        """Every file that connecting changes."""
        return (self.server,) if self.hooks is None else (self.hooks, self.server)

    def plan(self) -> list[Change]:
        """What connecting changes in its files.

        Raises:
            CannotMerge: A file cannot be changed safely.
            HostFileFault: A file cannot be read.
        """
        return [change for file in self.files if (change := file.connect()) is not None]

    def plan_removal(self) -> list[Change]:
        """What disconnecting changes in its files.

        Raises:
            CannotMerge: A file cannot be changed safely.
            HostFileFault: A file cannot be read.
        """
        return [change for file in self.files if (change := file.disconnect()) is not None]

    def stale_scripts(self) -> list[Path]:
        """The hook scripts that connecting would write."""
        return stale_scripts(self.launch.hooks) if self.hooks is not None else []

    def install_scripts(self) -> list[Path]:
        """Writes the hook scripts that are stale; returns them.

        Raises:
            StoreUnavailable: Their folder cannot be made.
            HostFileFault: One cannot be written.
        """
        return install_scripts(self.launch.hooks) if self.hooks is not None else []


def apply(changes: list[Change]) -> list[Path]:
    """Makes the changes in their order; returns the backups.

    Raises:
        HostFileFault: One could not be made; those before it are.
    """
    return [backup for change in changes if (backup := change.apply()) is not None]
