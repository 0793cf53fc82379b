"""The run of one command; exit code 0, 1 on a failure, 2 on a usage error."""

from __future__ import annotations

import sys

from iai_memory import __version__
from iai_memory.errors import InvalidInput, MemoryFault


def run(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code. A failure prints one line on stderr."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        if given == ["serve"]:
            return _serve()
        if given == ["--version"]:
            return _print_version()
        if given == ["drain"] and _is_idle():
            return 0
        from .app import app

        result = app(args=arguments, standalone_mode=True, prog_name="iai-mcp")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
    except MemoryFault as exc:
        print(f"iai-mcp: {exc}", file=sys.stderr)  # noqa: T201 - the one place that prints errors
        return 2 if isinstance(exc, InvalidInput) else 1
    return int(result or 0)


def _serve() -> int:
    """Run `serve` without typer, which takes longer to import than the handshake may."""
    from ..serving.launch import serve

    return serve()


def _is_idle() -> bool:
    """Answer `drain` where nothing waits, as after nearly every turn that a server captured."""
    from .idle_drain import NOTHING, is_idle

    if not is_idle():
        return False
    print(NOTHING)  # noqa: T201 - the output of the command
    return True


def _print_version() -> int:
    """Print the version without typer, which takes 0.15 s to import."""
    print(f"iai-mcp {__version__}")  # noqa: T201 - the output of the command
    return 0
