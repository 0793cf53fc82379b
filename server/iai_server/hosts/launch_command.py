"""The command with which a host starts us, its environment, and the folder of the hooks."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iai_memory.base.installation import this_installation, why_fleeting
from iai_memory.base.paths import StorePaths

from .errors import HostFileFault

if TYPE_CHECKING:
    from iai_memory import Settings

SERVER = "iai-mcp"
ARGUMENTS = ["serve"]
OWN_VARIABLES = ("IAI_MCP_STORE", "IAI_MCP_MODEL")


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that starts us, with its environment and the hooks, as a host's files name them.

    Attributes:
        command: Absolute path of this installation's `iai-mcp`: hosts have a PATH of their own. In
            a file that others read, the name alone.
        environment: Store and model, where these are not the default ones.
        hooks: Folder of the hook scripts.
        originals: Folder of the hosts' files as they were before connecting.
    """

    command: Path
    environment: dict[str, str]
    hooks: Path
    originals: Path

    def for_everybody(self) -> Launch:
        """Return it without a path of this machine, for a file that a project commits."""
        return replace(self, command=Path(SERVER), environment={})

    def refuse_fleeting(self) -> None:
        """Refuse a command that will not live as long as a host's file.

        Raises:
            HostFileFault: It lies in a cache or in a folder for temporary files.
        """
        own = this_installation()
        if own.fleeting is not None and (why := why_fleeting(self.command.resolve())):
            raise HostFileFault(
                f"{self.command} {why}, and a host would find nothing there: "
                f"run `{own.install_durably()}`, then connect with the `{SERVER}` that it installs"
            )

    def server_entry(self) -> dict[str, Any]:
        """Return the server's entry in the shape that all hosts share."""
        entry: dict[str, Any] = {"command": str(self.command), "args": list(ARGUMENTS)}
        return {**entry, "env": dict(self.environment)} if self.environment else entry

    def hook_command(self, script: str) -> str:
        """Return the shell command that runs a hook script; any character in a path is quoted."""
        variables = {**self.environment, "IAI_MCP_CLI": str(self.command)}
        words = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
        return " ".join([*words, shlex.quote(str(self.hooks / script))])


def launch_command(settings: Settings) -> Launch:
    """Return the command that starts this installation on the store of these settings.

    Raises:
        HostFileFault: There is no `iai-mcp` command, or a path is not UTF-8, which no host's file
            can hold.
    """
    environment: dict[str, str] = {}
    if settings.store != Path("~/.iai-mcp").expanduser():
        environment["IAI_MCP_STORE"] = str(settings.store)
    if settings.model is not None:
        environment["IAI_MCP_MODEL"] = str(settings.model)
    originals = StorePaths(settings.store).host_files
    launch = Launch(_command(), environment, settings.store / "hooks", originals)
    for path in (str(launch.command), str(launch.hooks), *environment.values()):
        try:
            path.encode()
        except UnicodeEncodeError as exc:
            raise HostFileFault(
                f"{os.fsencode(path)!r} is not UTF-8, and a host's file holds nothing else: "
                f"choose another folder with IAI_MCP_STORE"
            ) from exc
    return launch


@dataclass(frozen=True, slots=True)
class Started:
    """What a server's entry that is ours starts, and with which variables."""

    command: Path
    environment: dict[str, Any]


def started_by(entry: Any) -> Started | None:
    """Return what a server's entry starts if that is us, from whichever installation."""
    if not isinstance(entry, dict):
        return None
    command, arguments = entry.get("command"), entry.get("args")
    if isinstance(command, list) and command:  # opencode has no `args`
        command, *arguments = command
    if not (isinstance(command, str) and arguments == ARGUMENTS):
        return None
    if Path(command).name not in (SERVER, f"{SERVER}.exe"):
        return None
    environment = entry.get("env", entry.get("environment"))
    return Started(Path(command), environment if isinstance(environment, dict) else {})


def _command() -> Path:
    """Return the command that starts this copy, or one that stays where this copy does not.

    Of a tool of uv or pipx it is the link on the PATH, which leads to the next release too.
    """
    own = this_installation()
    beside = Path(sys.executable).absolute().with_name(SERVER)
    # `uvx` puts the folder of the copy itself first on the PATH.
    on_path = [one for one in _on_path() if not one.is_relative_to(own.prefix)]
    if own.fleeting is None:
        first = [one for one in on_path if one.resolve() == beside.resolve()]
    else:
        first = [one for one in on_path if why_fleeting(one.resolve()) is None]
    if found := [*first, *[beside][: beside.is_file()], *on_path]:
        return found[0]
    raise HostFileFault(
        f"{beside} does not exist, so no host could start it: run `{own.reinstall()}`"
    )


def _on_path() -> Iterator[Path]:
    """Yield the commands of our name that the user's shell would find, first things first."""
    for folder in os.get_exec_path():
        if Path(folder).is_absolute() and (found := shutil.which(SERVER, path=folder)):
            yield Path(found)
