"""A host that can be connected: its files, and the changes in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from iai_memory.errors import InvalidInput

from .file_change import Change
from .hook_scripts import install_scripts, stale_scripts
from .hooks_json import HooksInJson
from .host_file import HostFile
from .launch_command import Launch


@dataclass(frozen=True, slots=True)
class Host:
    """One host, for one user or one project.

    Attributes:
        name: As the command line calls it.
        launch: The command, environment and hooks that its files name.
        servers: The files with the server's entry: one for each edition that is installed.
        hooks: The file with the hooks; None for a host without hooks.
        advice: The next step for the user after connecting.
        retired: Files into which earlier releases put what is ours; it is taken out.
    """

    name: str
    launch: Launch
    servers: tuple[HostFile, ...]
    hooks: HostFile | None
    advice: str
    retired: tuple[HostFile, ...] = ()

    @property
    def files(self) -> tuple[HostFile, ...]:
        """The files that connecting puts something into."""
        return self.servers if self.hooks is None else (self.hooks, *self.servers)

    def with_prompt_recall(self, wanted: bool) -> Host:
        """Return the host with the prompt hook, or without it.

        Raises:
            InvalidInput: It has no hooks.
        """
        if self.hooks is None:
            raise InvalidInput(f"{self.name} has no hooks: run the command without that option")
        return replace(self, hooks=replace(self.hooks, format=HooksInJson(wanted)))

    def plan(self) -> list[Change]:
        """Return the changes that connect it.

        Raises:
            CannotMerge: A file cannot be changed safely.
            HostFileFault: A file cannot be read, or its host would not find the command for long.
        """
        self.launch.refuse_fleeting()
        planned = [file.plan_connect() for file in self.files]
        planned += [file.plan_disconnect() for file in self.retired]
        return [change for change in planned if change is not None]

    def plan_removal(self) -> list[Change]:
        """Return the changes that disconnect it.

        Raises:
            CannotMerge: A file cannot be changed safely.
            HostFileFault: A file cannot be read.
        """
        planned = [file.plan_disconnect() for file in (*self.files, *self.retired)]
        return [change for change in planned if change is not None]

    def stale_scripts(self) -> list[Path]:
        """Return the hook files that connecting would write."""
        return stale_scripts(self.launch.hooks) if self.hooks is not None else []

    def install_scripts(self) -> list[Path]:
        """Write the hook files that are stale; return them.

        Raises:
            StoreUnavailable: Their folder cannot be made.
            HostFileFault: One cannot be written.
        """
        return install_scripts(self.launch.hooks) if self.hooks is not None else []
