"""Output of the commands: JSON for programs, escaped text for people.

rich and the rules for escaping are imported when they print, so that no `--help` waits for them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime, tzinfo
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console
    from rich.progress import Progress


def out() -> Console:
    """Return stdout as a console: coloured on a terminal, plain and unwrapped in a pipe."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=True)


def progress() -> Progress:
    """Return a progress bar on stderr with rate and remaining time; silent in a pipe."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(file=sys.stderr)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def local_time(moment: str, zone: tzinfo) -> str:
    """Return an ISO time as people read it, in their zone: "2026-05-08 14:00:00"; garbage as is."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return moment


def emit_json(value: BaseModel | list[Any] | dict[str, Any]) -> None:
    """Print one indented JSON document; control and format characters are escaped."""
    from iai_memory.text.visible import escape_unprintable

    plain = value if isinstance(value, list | dict) else value.model_dump(mode="json")
    utf_8 = sys.stdout.encoding.lower() in ("utf-8", "utf8")
    text = json.dumps(plain, ensure_ascii=not utf_8, indent=2, default=str)
    sys.stdout.write(escape_unprintable(text, keep="\n") + "\n")


def speak_utf_8() -> None:
    """Make stdout UTF-8 where a host reads it, whatever the user's locale."""
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def emit_lines(lines: Iterable[str]) -> None:
    """Print lines; control and format characters in what they quote are escaped."""
    from rich.text import Text

    from iai_memory.text.visible import escape_unprintable

    console = out()
    for line in lines:
        console.print(Text(escape_unprintable(line, keep="\n")))


def emit_error(line: str) -> None:
    """Print one line on stderr, as failures are printed."""
    sys.stderr.write(f"iai-mcp: {line}\n")


def memory_text(text: str) -> str:
    """Return memory text as one line without control characters and escape codes."""
    from iai_memory.text.inert import neutralise

    return neutralise(text)


def emit_table(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns; values may be foreign text, names are ours."""
    from rich.table import Table
    from rich.text import Text

    from iai_memory.text.inert import neutralise

    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(neutralise(value)))
    out().print(table)
