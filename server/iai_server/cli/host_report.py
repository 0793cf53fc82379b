"""What connect and disconnect say: the changes in a host's files, and the list of hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from iai_memory.errors import MemoryFault

from ..hosts.names import HostName
from .printing import emit_error, emit_json, emit_lines

if TYPE_CHECKING:
    from ..hosts.file_change import Change
    from ..hosts.host import Host


class Outcome(NamedTuple):
    """The changes of a command in a host's files, made or planned."""

    host: Host
    changes: Sequence[Change]
    scripts: Sequence[Path] = ()
    advice: str = ""
    made: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        kept = [one.original for one in self.changes if one.original and one.before is not None]
        return {
            "host": self.host.name,
            "changes": [{"path": str(one.path), "diff": one.diff()} for one in self.changes],
            "scripts": [str(path) for path in self.scripts],
            "backups": [str(path) for path in kept if self.made],
            "advice": self.advice,
        }


def report(outcome: Outcome, as_json: bool) -> None:
    """Print what became of one host."""
    if as_json:
        emit_json(outcome.to_json())
    else:
        emit_lines(_lines(outcome))


def report_each(
    names: Sequence[HostName], change: Callable[[HostName], Outcome], as_json: bool
) -> None:
    """Change each host and print what became of it; a host that cannot be changed stops no other.

    Raises:
        typer.Exit: One could not be changed.
    """
    done: list[dict[str, Any]] = []
    faults: list[dict[str, str]] = []
    scripts: list[Path] = []
    for name in names:
        try:
            outcome = change(name)
        except MemoryFault as exc:
            faults.append({"host": name, "error": str(exc)})
            continue
        done.append(outcome.to_json())
        if not as_json:
            fresh = [path for path in outcome.scripts if path not in scripts]
            scripts += fresh
            emit_lines(
                [f"{name}:", *(f"  {line}" for line in _lines(outcome._replace(scripts=fresh)))]
            )
    if as_json:
        emit_json({"hosts": done, "faults": faults})
    elif not names:
        emit_lines(["no host: `iai-mcp connect --list` says what is found here"])
    for fault in faults:
        emit_error(f"{fault['host']}: {fault['error']}")
    if faults:
        raise typer.Exit(1)


def report_list(project: bool, as_json: bool) -> None:
    """Print each host: whether it is found and connected, and how it was verified."""
    from iai_memory import load_settings

    from ..hosts.registry import known_hosts

    known = known_hosts(load_settings(), Path.cwd() if project else None)
    if as_json:
        emit_json([one._asdict() for one in known])
        return
    width = max(len(one.name) for one in known)
    emit_lines(
        f"{one.name:<{width}}  {'found' if one.found else '-':<5}  {one.state:<13}  {one.verified}"
        for one in known
    )


def _lines(outcome: Outcome) -> list[str]:
    if not outcome.changes and not outcome.scripts:
        return [
            f"{outcome.host.name}: nothing to change",
            *([outcome.advice] if outcome.advice else []),
        ]
    if not outcome.made:
        diffs = [line for change in outcome.changes for line in change.diff().splitlines()]
        return [*(f"would write {path}" for path in outcome.scripts), *diffs]
    return [
        *(f"wrote {path}" for path in outcome.scripts),
        *(_sentence(change) for change in outcome.changes),
        *([outcome.advice] if outcome.advice else []),
    ]


def _sentence(change: Change) -> str:
    if change.after is None:
        return f"removed {change.path}, nothing else was in it"
    return f"{'wrote' if change.before is None else 'changed'} {change.path}"
