"""Commands on the store: status, session-start, handoff, events, doctor."""

from __future__ import annotations

import sys
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .draining import open_drained_memory, say_what_is_missing
from .opening import open_memory
from .options import AsJson, Project, Since, Yes
from .printing import emit_json, emit_lines, emit_table, local_time, memory_text, speak_utf_8

if TYPE_CHECKING:
    from iai_memory.analysis.contradictions import Contradiction
    from iai_memory.results import ModelStatus, SessionStartPage, Status

    from ..doctor.check import Check


# A hook prints the page when this process ends.
_BEHIND_THE_PAGE_SEC = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("session-start", epilog="Example: iai-mcp session-start --project .")(session_start)
    app.command(epilog="Example: iai-mcp handoff --project .")(handoff)
    app.command(epilog="Example: iai-mcp status --json")(status)
    app.command(epilog="Example: iai-mcp events --limit 5")(events)
    app.command(epilog="Example: iai-mcp doctor --contradictions --limit 5")(doctor)


def session_start(
    project: Project = None,
    cwd: Annotated[
        Path | None,
        typer.Option(parser=Path, help="Use the project of this folder, as the hook does."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Bring the cache up to date first.")
    ] = False,
    as_json: AsJson = False,
    given_to: Annotated[
        str | None,
        typer.Option(
            envvar="IAI_MCP_GIVEN_TO",
            hidden=True,
            help="The session whose model gets the page, as the hook says; `why` shows it.",
        ),
    ] = None,
) -> None:
    """Print the session-start page. It needs no running server."""
    from iai_memory.projects.folders import is_windows_path
    from iai_memory.projects.identity import project_of

    speak_utf_8()
    memory = open_memory()
    name = project
    if cwd is not None:
        project_here = project_of(cwd if is_windows_path(str(cwd)) else cwd.absolute())
        memory.join_folder(project_here)
        name = project_here.name
    page = memory.session_start(name, refresh=refresh, catch_up=True)
    if as_json:
        emit_json(page)
    else:
        typer.echo(page.payload, nl=False)
        if given_to:
            sys.stdout.flush()  # a hook that waits no longer has all of the page, or none
            memory.note_page(page, session_id=given_to)
        say_what_is_missing(_beside(page))
    if not refresh:
        # Behind the page, for which a hook waits: the next session shall not have to render.
        memory.page_manager().refresh("manual", max_seconds=_BEHIND_THE_PAGE_SEC)


def handoff(
    project: Project = None,
    session: Annotated[
        str | None, typer.Option(help="Of this session: its id, or the beginning of it.")
    ] = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Print where the last session left off, here or in a project; the files are looked at now."""
    speak_utf_8()
    memory = open_memory()
    if project is None and session is None:
        project = memory.default_project
    found = memory.handoff(project, session=session, since=since, catch_up=True)
    if as_json:
        emit_json(found)
    else:
        typer.echo(found.payload, nl=False)


def _beside(page: SessionStartPage) -> list[str]:
    """Return why nobody reads the rings that wait; that they do, the page says itself."""
    from iai_memory.base.out_of_sight import OutOfSight

    hidden = [one.reason for one in page.coverage.hidden]
    note = page.coverage.note
    return [note] if note and OutOfSight.NOT_DRAINED in hidden else []


def status(as_json: AsJson = False) -> None:
    """Show counts, model, freshness of the page and last errors. Exits with 1 if capture fails."""
    memory = open_drained_memory()
    found = memory.status()
    if as_json:
        emit_json(found)
    else:
        emit_table(_rows(found, memory.zone))
    if found.capture_state == "BROKEN":
        raise typer.Exit(1)


def events(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of events.")] = 20,
    name: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest events of the ledger, newest first."""
    from iai_memory.errors import one_line

    memory = open_memory()
    found = memory.ledger.newest(limit, event=name)
    if as_json:
        emit_json(found)
        return
    for event in found:
        rest = ", ".join(
            f"{key}={one_line(str(event[key]))}" for key in event if key not in ("at", "event")
        )
        at = local_time(str(event.get("at")), memory.zone)
        emit_lines([memory_text(f"{at}  {event.get('event')}  {rest}")])


def doctor(
    contradictions: Annotated[
        bool,
        typer.Option(
            "--contradictions", help="List memories that may not both be true, newest first."
        ),
    ] = False,
    limit: Annotated[
        int, typer.Option(help="With --contradictions: maximum number of pairs.")
    ] = 20,
    full: Annotated[
        bool,
        typer.Option("--full", help="Read every file and every row of the table, not a sample."),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Mend a damaged table: of what can be read, the last backup, and the transcripts "
            "that it was made of.",
        ),
    ] = False,
    undo_repair: Annotated[
        bool, typer.Option("--undo-repair", help="Put the table back that was replaced last.")
    ] = False,
    transcripts: Annotated[
        bool | None,
        typer.Option(
            "--transcripts/--no-transcripts",
            help="With --repair: read transcripts again even if they may bring back what was "
            "forgotten; or none.",
        ),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Check every link from hook to store and back. Exits with 1 if one is broken.

    With --repair it mends what is damaged, and exits with 1 if memories are missing.
    """
    if repair or undo_repair:
        from . import repairing

        if undo_repair:
            repairing.undo_repair(yes=yes, as_json=as_json)
        else:
            repairing.repair(yes=yes, transcripts=transcripts, as_json=as_json)
        return
    if contradictions:
        memory = open_memory()
        _print_contradictions(memory.contradictions(limit), memory.zone, as_json)
        if not as_json:
            _print_not_compared(*memory.not_compared())
        return
    from ..doctor.checks import run_checks

    _print_checks(run_checks(open_memory(), full=full), as_json)


def _print_checks(checks: list[Check], as_json: bool) -> None:
    if as_json:
        emit_json([check.to_fields() for check in checks])
    else:
        emit_lines(
            f"{check.state:<7} {check.name}: {memory_text(check.finding)}" for check in checks
        )
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _print_contradictions(found: list[Contradiction], zone: tzinfo, as_json: bool) -> None:
    if as_json:
        emit_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        emit_lines(
            [
                *(
                    f"{record.created_at.astimezone(zone).date()}  {record.role}  {record.id}\n"
                    f"       {memory_text(record.text)}"
                    for record in (one.newer, one.older)
                ),
                f"       {one.reason}",
                f"       if the newer one is right: {one.next}"
                if one.next.startswith("iai-mcp supersede")
                else f"       if the newer one, which is trusted less, is wrong: {one.next}",
            ]
        )
    emit_lines([f"{len(found)} pairs that may contradict each other; nothing was changed"])


def _print_not_compared(older: int, pending: int) -> None:
    """Print what was not looked at, if anything was not."""
    if older:
        emit_lines([f"not looked at: {older:,} memories that came before the newest 20,000"])
    if pending:
        emit_lines([f"not looked at: {pending:,} memories that wait for vectors"])


def _no_model(model: ModelStatus) -> str:
    return model.fault or f"none: run `{model.fix}`"


def _rows(found: Status, zone: tzinfo) -> list[tuple[str, str]]:
    fresh = found.freshness
    age = "none" if fresh.age_s is None else f"{fresh.age_s:.0f} s old"
    behind = "" if fresh.behind is None else f", {fresh.behind} records behind"
    return [
        ("store", found.store),
        ("version", found.version),
        ("records", f"{found.records} current, {found.superseded} superseded"),
        ("forgotten", str(found.tombstoned)),
        *([("folded", _folded(found.folded))] if found.folded else []),
        ("pending", f"{found.pending} wait for a vector"),
        ("table", f"version {found.table_version}"),
        ("compaction", f"{found.commits_since_compaction} commits ago"),
        ("disk", f"{found.disk_bytes / 1e6:.1f} MB"),
        ("capture", f"{found.capture_state}: {found.capture}"),
        ("model", found.model.identity or _no_model(found.model)),
        ("payload", f"{age}, {fresh.reason}{behind}"),
        *(
            (
                "server",
                f"pid {one.pid}, {one.state}{'' if one.refresher else ', no refresher'}"
                f"{f', {one.step}' if one.step else ''}",
            )
            for one in found.servers
        ),
        *(
            (
                "session",
                f"{one.session_id}: {one.seen} seen, {one.stored} stored, {one.duplicate} known, "
                f"{sum(one.skipped.values())} skipped, {one.failed} failed {one.fault}".rstrip(),
            )
            for one in found.sessions
        ),
        ("last success", _time_of(fresh.last_success, zone)),
        ("last failure", _time_of(fresh.last_failure, zone)),
        *(("error", error) for error in found.last_errors),
    ]


def _time_of(event: str | None, zone: tzinfo) -> str:
    return "none" if event is None else local_time(event, zone)


def _folded(count: int) -> str:
    copies = "1 copy" if count == 1 else f"{count} copies"
    return f"{copies} folded into the same turn; `iai-mcp restore --folded` undoes it"
