"""The command that runs the maintenance of a sleeping server now: sleep."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import typer

from .draining import open_drained_memory
from .options import AsJson
from .printing import emit_error, emit_json, emit_lines, progress

if TYPE_CHECKING:
    from rich.progress import Progress

    from iai_memory.base.progress import ProgressCallback
    from iai_memory.maintenance.sleep import SleepReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: iai-mcp sleep")(sleep)


def sleep(as_json: AsJson = False) -> None:
    """Run the maintenance of an idle server now. Ctrl-C keeps what is done.

    It compacts, embeds, rebuilds topics, refreshes the session-start page, takes the backup of the
    day, and looks whether what prompts were given was used.
    """
    memory = open_drained_memory()
    with _interruptible() as interrupted, progress() as bar:
        report = memory.sleep(force=True, interrupted=interrupted, progress=_progress_on(bar))
        if not (report.busy or report.interrupted):
            memory.back_up_if_due(asleep=True, interrupted=interrupted)
            while not interrupted() and memory.judge_prompts():
                pass  # one prompt each
    if as_json:
        emit_json(
            {
                "done": list(report.done),
                "interrupted": report.interrupted,
                "busy": report.busy,
                "seconds": report.seconds,
                "fault": report.fault or None,
            }
        )
    else:
        emit_lines(_lines(report))
    if report.fault:
        emit_error(f"no vectors were made: {report.fault}")
    if report.busy or report.interrupted or report.fault:
        raise typer.Exit(1)


@contextmanager
def _interruptible() -> Generator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C was pressed; a second one ends the process."""
    interrupted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _progress_on(bar: Progress) -> ProgressCallback:
    from iai_memory.maintenance.sleep import STEPS

    tasks = {step: bar.add_task(step, start=False, total=None) for step in STEPS}

    def show(step: str, done: int, total: int) -> None:
        bar.start_task(tasks[step])
        bar.update(tasks[step], completed=done, total=total)

    return show


def _lines(report: SleepReport) -> list[str]:
    if report.busy:
        return ["another process of this store is sleeping: nothing was done"]
    lines = [f"{step:<10}  {report.seconds[step]:.1f} s" for step in report.done]
    if report.interrupted:
        lines.append("interrupted: `iai-mcp sleep` continues with the rest")
    return lines
