"""Commands that bring history in: import claude, import codex, import jsonl."""

from __future__ import annotations

from collections.abc import Callable, Collection
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.base.clock import parse_time
from iai_memory.base.foreign_file import open_foreign
from iai_memory.capture.hosts.registry import HOSTS, TranscriptHost, find_transcripts
from iai_memory.errors import ForeignFileFault, InvalidInput, TranscriptFault

from .draining import open_drained_memory
from .options import AsJson, Project, Since, command_group, open_memory
from .printing import emit_json, emit_lines, memory_text, progress

if TYPE_CHECKING:
    from iai_memory.capture.turn_counts import TurnCounts
    from iai_memory.results import IngestReport
    from iai_memory.writing.new_memory import NewMemory

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Transcripts or folders of them; default is the host's own folder."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and count, store nothing.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = command_group("Import conversations of hosts, or an export.")
    for host in HOSTS.values():
        group.command(
            host.command,
            help=f"Import {host.title}. Safe to repeat: each turn is stored once.",
            epilog=f"Example: iai-mcp import {host.command} --since 2026-01-01 --dry-run",
        )(_command_of(host))
    group.command(epilog="Example: iai-mcp import jsonl backup.jsonl")(jsonl)
    app.add_typer(group, name="import")


def _command_of(host: TranscriptHost) -> Callable[..., None]:
    def command(
        paths: Paths = None,
        since: Since = None,
        project: Project = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        _import(host, paths, since, project, dry_run, as_json)

    return command


def jsonl(
    path: Annotated[Path, typer.Argument(help="A file of `iai-mcp export jsonl`.")],
    as_json: AsJson = False,
) -> None:
    """Import exported memories as they were. Ids, times, links, pins and forgotten ones too."""
    stored = known = 0
    try:
        with TextIOWrapper(open_foreign(path), encoding="utf-8") as lines, progress() as bar:
            task = bar.add_task("storing", total=None)
            for arrived in open_drained_memory().import_lines(lines):
                stored, known = stored + arrived.stored, known + arrived.known
                bar.update(task, completed=stored + known)
    except ForeignFileFault as exc:
        raise InvalidInput(f"{path} {exc.what}: name an exported file") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8 ({exc}): name an exported file") from exc
    if as_json:
        emit_json({"stored": stored, "known": known})
    else:
        emit_lines([f"{stored} stored, {known} known before"])


def _import(
    host: TranscriptHost,
    paths: list[Path] | None,
    since: str | None,
    project: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from iai_memory.capture.history_import import import_transcript
    from iai_memory.capture.selection import Selection
    from iai_memory.capture.turn_counts import TurnCounts

    files = _files(host, paths)
    memory = open_memory(origin="import") if dry_run else open_drained_memory(origin="import")
    selection = Selection(
        since=None if since is None else parse_time(since, "since"),
        project=memory.own_project if project == "." else project,
    )
    total = TurnCounts()
    faults: list[str] = []
    with progress() as bar:
        task = bar.add_task("reading", total=sum(file.stat().st_size for file in files))
        for number, file in enumerate(files, 1):
            bar.update(task, description=f"file {number} of {len(files)}, {total.total} turns")
            try:
                books = import_transcript(
                    file,
                    host.name,
                    _store_nothing if dry_run else memory.ingest,
                    tag_rewound=_tag_nothing if dry_run else memory.tag_rewound,
                    selection=selection,
                    advanced=lambda size: bar.advance(task, size),
                )
            except TranscriptFault as exc:
                faults.append(str(exc))
                continue
            total.add(books)
    _report(total, files, faults, dry_run, as_json)


def _files(host: TranscriptHost, paths: list[Path] | None) -> list[Path]:
    files: list[Path] = []
    for path in paths or [host.folder()]:
        files += find_transcripts(host.name, path) if path.is_dir() else [path]
    missing = [path for path in files if not path.is_file()]
    if missing or not files:
        where = missing[0] if missing else (paths or [host.folder()])[0]
        raise TranscriptFault(
            f"{where} holds no transcript: name a file or a folder, see `iai-mcp import --help`"
        )
    return files


def _store_nothing(batch: list[NewMemory]) -> IngestReport:
    from iai_memory.results import Ingested, IngestReport

    would = [Ingested(id=None, status="stored", reason="dry run") for _ in batch]
    return IngestReport(results=would, stored=len(would), duplicates=0, table_version=0)


def _tag_nothing(host: str, rewound: Collection[str], others: Collection[str]) -> int:
    return 0


def _report(
    total: TurnCounts, files: list[Path], faults: list[str], dry_run: bool, as_json: bool
) -> None:
    if as_json:
        fields = {"files": len(files), "dry_run": dry_run, **total.to_fields(), "faults": faults}
        emit_json(fields)
    else:
        verb = "would be stored or known" if dry_run else "stored"
        skipped = ", ".join(f"{count} {name}" for name, count in sorted(total.skipped.items()))
        emit_lines(
            [
                f"{len(files)} files, {total.total} turns: {total.stored} {verb}, "
                f"{total.duplicate} known before, {total.failed} failed, "
                f"{total.skipped.total()} skipped{f' ({skipped})' if skipped else ''}",
                *(f"not read: {memory_text(fault)}" for fault in faults),
            ]
        )
    if faults:
        raise typer.Exit(1)
