"""The run of one command; exit code 0, 1 on a failure, 2 on a usage error, 130 after Ctrl-C."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from iai_memory import __version__
from iai_memory.errors import InvalidInput, MemoryFault, one_line

_INTERRUPTED = 130  # as shells have it; no Final, whose module a handshake does not wait for


def run(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code. A failure prints one line on stderr.

    A stdout that takes nothing is a failure, too. Only where its reader has left, as `head -1`
    does, nothing is printed.
    """
    code = 1
    try:
        code = _told(lambda: _answered(arguments))
    finally:
        if code == _INTERRUPTED:
            _drop()
        elif _told(_closed) == _INTERRUPTED:
            code = _INTERRUPTED
    return code


def _told(work: Callable[[], int]) -> int:
    """Do the work and return its code; tell in one line why it failed."""
    try:
        return work()
    except OSError as exc:
        return _system_failed(exc)
    except KeyboardInterrupt:
        return _failed("interrupted: what was stored until now is kept", _INTERRUPTED)
    except BaseException as exc:  # noqa: BLE001 - the edge of the process; a panic of Rust is one
        return _crashed(exc)


def _answered(arguments: list[str] | None) -> int:
    code = _run(arguments)
    sys.stdout.flush()
    return code


def _drop() -> None:
    from .opening import drop_memories

    drop_memories()


def _closed() -> int:
    from .opening import close_memories

    try:
        close_memories()
    except MemoryFault as exc:
        return _failed(str(exc))
    return 0


def _crashed(error: BaseException) -> int:
    """Tell of what nobody expected in one line, or with all of it where that is asked for."""
    from iai_memory.base.machine_faults import system_error_in

    if (told := system_error_in(error)) is not None:
        return _system_failed(told)
    if os.environ.get("IAI_MCP_LOG_LEVEL", "").upper() == "DEBUG":
        raise error
    return _failed(
        f"this is a fault of iai-mcp ({type(error).__name__}: {one_line(str(error))}): "
        f"IAI_MCP_LOG_LEVEL=DEBUG shows where, please report it"
    )


def _run(arguments: list[str] | None) -> int:
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
        return _failed(str(exc), 2 if isinstance(exc, InvalidInput) else 1)
    return int(result or 0)


def _failed(line: str, code: int = 1) -> int:
    try:
        print(f"iai-mcp: {line}", file=sys.stderr)  # noqa: T201 - the one place that prints errors
    except OSError:
        return code  # nobody can be told
    return code


def _system_failed(error: OSError) -> int:
    """Tell of an error of the operating system."""
    from iai_memory.base.machine_faults import machine_fault, told_by_system

    from ..startup.standard_streams import STDOUT, give_up_stdout

    sys.unraisablehook = _say_nothing  # what could not be made is not whole when it is cleared away
    if error.errno != errno.EPIPE and error.filename != STDOUT:
        return _failed(told_by_system(error))
    give_up_stdout()
    if error.errno == errno.EPIPE:
        return 1
    return _failed(machine_fault(error, "stdout cannot be written"))


def _say_nothing(_: object) -> None:
    """Take what a destructor raises; its cause was told."""


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
