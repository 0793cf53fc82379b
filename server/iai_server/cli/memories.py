"""Commands on memories: recall, ingest, timeline, supersede, forget, restore, pin."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import tzinfo
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iai_memory.base.defaults import BUDGET_TOKENS, LIMIT
from iai_memory.base.foreign_file import open_foreign
from iai_memory.errors import ForeignFileFault, InvalidInput, ModelFault

from .memory_lines import (
    INDENT,
    earlier,
    entry_lines,
    named_files,
    record_lines,
    said_lines,
    session_lines,
    superseded,
)
from .opening import open_memory
from .options import AsJson, AsOf, Project, ShowIds, Since, Until
from .printing import emit_error, emit_json, emit_lines, memory_text, progress

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.results import Coverage, Ingested, IngestReport, Recalled

_BATCH = 500
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOWHERE = "nothing answers that; --min-confidence 0 shows what is nearest"
_MISSED = {
    "time": "nothing was said then",
    "id": _NOWHERE,
    "lexical": "nothing has these words",
    "hybrid": _NOWHERE,
    "dense": _NOWHERE,
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: iai-mcp recall "which port is staging on?" --limit 3')(recall)
    app.command(epilog='Example: iai-mcp ingest "Staging listens on port 5544." --tag staging')(
        ingest
    )
    app.command(epilog="Example: iai-mcp timeline --since 2026-05-01 --limit 10")(timeline)
    app.command(epilog='Example: iai-mcp supersede ID "Staging listens on port 6000."')(supersede)
    app.command(epilog='Example: iai-mcp forget ID --reason "no longer wanted"')(forget)
    app.command(epilog="Example: iai-mcp restore ID")(restore)
    app.command(epilog="Example: iai-mcp pin ID --add-tag decision")(pin)


def recall(
    query: Annotated[str, typer.Argument(help="A question or a few words.")],
    limit: Annotated[int, typer.Option(help="Maximum number of hits, 1 to 50.")] = LIMIT,
    project: Project = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only memories with this tag; repeatable.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Only memories that came by hook, tool, import or cli; repeatable."),
    ] = None,
    include_superseded: Annotated[
        bool, typer.Option("--include-superseded", help="Include memories that were replaced.")
    ] = False,
    budget_tokens: Annotated[
        int, typer.Option(help="Maximum size of all hits' texts together, in tokens.")
    ] = BUDGET_TOKENS,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="0 to 1; an answer with less confidence has no hits.",
            show_default="as measured",
        ),
    ] = None,
    ids: ShowIds = False,
    as_json: AsJson = False,
) -> None:
    """Find what was said or decided before."""
    memory = open_memory()
    found = memory.recall(
        query,
        catch_up=True,
        limit=limit,
        project=project,
        since=since,
        until=until,
        as_of=as_of,
        tags=tag,
        origins=origin,
        include_superseded=include_superseded,
        budget_tokens=budget_tokens,
        min_confidence=min_confidence,
    )
    if as_json:
        emit_json(found)
    else:
        _print_hits(found, memory.zone, ids=ids)


def ingest(
    text: Annotated[str | None, typer.Argument(help="The text; without it, stdin is read.")] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(parser=Path, help="A file with one JSON object per line, each with a text."),
    ] = None,
    role: Annotated[str, typer.Option(help="user, assistant, tool or note.")] = "note",
    project: Project = None,
    created_at: Annotated[str | None, typer.Option(help="When it was said; ISO.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag it; repeatable.")] = None,
    pinned: Annotated[
        bool, typer.Option("--pin", help="Pin it to the session-start page.")
    ] = False,
    derived_from: Annotated[
        list[str] | None,
        typer.Option(help="Id of a memory that it was derived from; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store memories: an argument, stdin, or a JSONL file."""
    if jsonl is not None:
        if text is not None:
            raise InvalidInput("a text and --jsonl at once: send one of them")
        memory = open_memory()
        _report(memory, _ingest_file(memory, jsonl), as_json)
        return
    memory = open_memory()
    given = {
        "text": _stdin() if text is None else text,
        "role": role,
        "project": project,
        "created_at": created_at,
        "tags": tag,
        "pinned": pinned,
        "derived_from": derived_from,
    }
    _report(memory, memory.ingest(given), as_json)


def timeline(
    project: Project = None,
    session: Annotated[
        str | None, typer.Option(help="Only this session: its id, or the beginning of it.")
    ] = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    limit: Annotated[
        int, typer.Option(help="Maximum number of exchanges and memories, 1 to 500.")
    ] = 20,
    turns: Annotated[
        bool, typer.Option("--turns", help="List each turn by itself, not exchanges.")
    ] = False,
    ids: ShowIds = False,
    as_json: AsJson = False,
) -> None:
    """List exchanges and memories in time, newest first."""
    memory = open_memory()
    found = memory.timeline(
        project=project,
        session_id=session,
        since=since,
        until=until,
        as_of=as_of,
        limit=limit,
        catch_up=True,
        turns=turns,
    )
    if as_json:
        emit_json(found)
    else:
        emit_lines(line for one in found.records for line in entry_lines(one, memory.zone, ids))
        if found.coverage.cut:
            emit_lines([f"{found.coverage.cut:,} more: --limit, --until"])
        _emit_note(found.coverage)


def supersede(
    id: Annotated[str, typer.Argument(help="Id of the old memory.")],
    text: Annotated[str, typer.Argument(help="What is true now.")],
    reason: Annotated[str, typer.Option(help="Why; goes into the ledger.")] = "",
    at: Annotated[
        str | None, typer.Option(help="Since when it is true; ISO date or time, default now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replace a fact that is no longer true. The old memory stays in the history."""
    done = open_memory().supersede(id, text, reason=reason, at=at)
    if as_json:
        emit_json(done)
    else:
        emit_lines([f"{done.old_id} is superseded by {done.new_id}", *_taken_along(done.copies)])


def forget(
    ids: Annotated[list[str], typer.Argument(help="Ids of the memories.")],
    reason: Annotated[str, typer.Option(help="Why; goes into the ledger.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hide memories from every answer and page. `restore` undoes it."""
    done = open_memory().forget(ids, reason=reason)
    if as_json:
        emit_json(done)
    else:
        named = len(done.forgotten) - done.copies
        emit_lines([f"forgotten {id_}" for id_ in done.forgotten[:named]])
        emit_lines(_taken_along(done.copies))
        emit_lines([f"not found {memory_text(id_)}" for id_ in done.not_found])
        emit_lines([f"undo with `{done.undo}`"] if done.undo else [])
    if done.not_found:
        raise typer.Exit(1)


def restore(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of the memories.")] = None,
    folded: Annotated[
        bool, typer.Option("--folded", help="Bring back all copies that an upgrade folded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Undo `forget`, `supersede` for the old memory, and the folding of copies."""
    if folded == bool(ids):
        raise InvalidInput("restore takes ids or --folded: send one of them")
    memory = open_memory()
    done = memory.restore(ids) if ids else memory.restore_folded()
    if as_json:
        emit_json(done)
    else:
        named = len(done.restored) - done.copies
        emit_lines([f"restored {id_}" for id_ in done.restored[:named]])
        emit_lines(_taken_along(done.copies))
        emit_lines([f"not found {memory_text(id_)}" for id_ in done.not_found])
        if folded and not done.restored:
            emit_lines(["no copies are folded, so there is nothing to bring back"])
    if done.not_found or (folded and not done.restored):
        raise typer.Exit(1)


def pin(
    id: Annotated[str, typer.Argument(help="Id of the memory.")],
    off: Annotated[bool, typer.Option("--off", help="Unpin it.")] = False,
    add_tag: Annotated[list[str] | None, typer.Option(help="Add a tag; repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(help="Remove a tag; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pin a memory to the session-start page, or tag it. --off unpins it."""
    memory = open_memory()
    view = memory.pin(id, pinned=not off, add_tags=add_tag or [], remove_tags=remove_tag or [])
    if as_json:
        emit_json(view)
    else:
        emit_lines([*record_lines(view, memory.zone), *_taken_along(view.copies)])


def _print_hits(found: Recalled, zone: tzinfo, *, ids: bool) -> None:
    if found.mode == "time":
        emit_lines(session_lines(found.hits, zone, ids=ids))
    for hit in found.hits if found.mode != "time" else ():
        day = hit.created_at.astimezone(zone).date()
        past = " (noted by a model)" if hit.noted_by else ""
        past += f" ({superseded(hit.superseded_by, ids=ids)})" if hit.superseded_by else ""
        past += f" ({earlier(hit.earlier_than, ids=ids)})" if hit.earlier_than else ""
        past += " (taken back)" if "rewound" in hit.tags else ""
        past += named_files(hit)
        reason = hit.reason if ids else _ID.sub("an earlier wording", hit.reason)
        emit_lines(
            [
                f"{hit.score:.3f}  {day}  {hit.role}{f'  {hit.id}' if ids else ''}{past}",
                *said_lines(hit.role, hit.text, hit.turns),
                f"{INDENT}{reason}",
            ]
        )
    state = f", degraded: run `{found.fix}`" if found.degraded else ""
    sure = "" if found.confidence is None else f", confidence {found.confidence:.2f}"
    count = "1 hit" if len(found.hits) == 1 else f"{len(found.hits)} hits"
    more = f" (at least {found.coverage.cut} more match)" if found.coverage.cut else ""
    emit_lines([f"{count}{more}, {found.mode}{sure}, {found.latency_ms} ms{state}"])
    if not _emit_note(found.coverage) and not found.hits:
        emit_lines([_MISSED[found.mode]])


def _emit_note(coverage: Coverage) -> bool:
    """Print what is to be said of an answer's coverage, if anything is."""
    if not coverage.note:
        return False
    lead = "" if coverage.complete else "not all was in sight: "
    emit_lines([memory_text(f"{lead}{coverage.note}")])
    return True


def _stdin() -> str:
    try:
        # As bytes: the text layer would translate line ends and escape what it cannot decode.
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput("stdin is not UTF-8: send UTF-8 text") from exc


def _ingest_file(memory: Memory, path: Path) -> IngestReport:
    from iai_memory.results import IngestReport

    reports: list[IngestReport] = []
    try:
        with open_foreign(path) as lines:
            total = sum(1 for line in lines if line.strip())
        with progress() as bar:
            task = bar.add_task("storing", total=total)
            for batch in _batches(path):
                reports.append(memory.ingest(batch))
                bar.advance(task, len(batch))
    except ForeignFileFault as exc:
        raise InvalidInput(f"{path} {exc.what}: name a JSONL file") from exc
    if not reports:
        raise InvalidInput(f'{path} holds no memory: put one {{"text": "…"}} a line')
    results: list[Ingested] = [result for report in reports for result in report.results]
    return IngestReport(
        results=results,
        stored=sum(report.stored for report in reports),
        duplicates=sum(report.duplicates for report in reports),
        table_version=reports[-1].table_version,
    )


def _batches(path: Path) -> Iterator[list[Any]]:
    batch: list[Any] = []
    with TextIOWrapper(open_foreign(path), encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                batch.append(json.loads(line))
            except (ValueError, RecursionError) as exc:
                raise InvalidInput(
                    f"{path} line {number} is not JSON: mend it and run the command again, what was"
                    f" stored is known"
                ) from exc
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _report(memory: Memory, report: IngestReport, as_json: bool) -> None:
    """Print what became of the texts; on stderr why they got no vectors, if the model is why."""
    if as_json:
        emit_json(report)
    elif len(report.results) == 1:
        [result] = report.results
        reason = f" ({result.reason})" if result.reason else ""
        emit_lines([f"{result.status} {result.id or ''}{reason}"])
    else:
        emit_lines([f"{report.stored} stored, {report.duplicates} duplicates"])
    if any(result.status == "pending" for result in report.results):
        try:
            _ = memory.encoder
        except ModelFault as exc:
            emit_error(f"found by words only: {exc}")


def _taken_along(copies: int) -> list[str]:
    return [f"and {copies:,} more that say the same"] if copies else []
