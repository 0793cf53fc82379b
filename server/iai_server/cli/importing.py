"""Commands that bring history in: import claude, import codex, import jsonl."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.base.clock import parse_time
from iai_memory.capture.hosts.registry import HOSTS, TranscriptHost
from iai_memory.errors import ForeignFileFault, InvalidInput, ModelFault, TranscriptFault

from .draining import open_drained_memory
from .long_work import LongWork
from .opening import open_memory
from .options import AsJson, Project, Since, command_group
from .printing import emit_error, emit_json, emit_lines, memory_text, progress

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.capture.history_import import ImportProgress
    from iai_memory.capture.transcript_files import FoundTranscript
    from iai_memory.results import IngestReport
    from iai_memory.writing.new_memory import NewMemory

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        # click's own type for paths looks at them, and would wait for a mount that is gone.
        parser=Path,
        help="Transcripts or folders of them; default is the host's own folder.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and count, store nothing.")]
Anew = Annotated[
    bool, typer.Option("--anew", help="Read also the files that did not change since.")
]
_LEFT_OUT = ("before_since", "ignored_project", "other_project")


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
        anew: Anew = False,
        as_json: AsJson = False,
    ) -> None:
        _import(host, paths, _Options(since, project, dry_run, anew), as_json=as_json)

    return command


@dataclass(frozen=True, slots=True)
class _Options:
    since: str | None
    project: str | None
    dry_run: bool
    anew: bool


def jsonl(
    path: Annotated[Path, typer.Argument(parser=Path, help="A file of `iai-mcp export jsonl`.")],
    as_json: AsJson = False,
) -> None:
    """Import exported memories as they were. Ids, times, links, pins and forgotten ones too.

    Exits 1 where the file is not what was exported: lines are missing, or were changed.
    """
    from iai_memory.base.foreign_file import open_foreign
    from iai_memory.transfer.end_line import CheckedLines

    stored = known = folded = 0
    try:
        with TextIOWrapper(open_foreign(path), encoding="utf-8") as lines, progress() as bar:
            task = bar.add_task("storing", total=None)
            checked = CheckedLines(lines)
            for arrived in open_drained_memory().import_lines(checked):
                stored, known = stored + arrived.stored, known + arrived.known
                folded += arrived.folded
                bar.update(task, completed=stored + known)
    except ForeignFileFault as exc:
        raise InvalidInput(f"{path} {exc.what}: name an exported file") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8 ({exc}): name an exported file") from exc
    if as_json:
        emit_json(
            {
                "stored": stored,
                "known": known,
                "folded": folded,
                "faults": checked.faults,
                "warnings": checked.warnings,
            }
        )
    else:
        copies = f", {folded} of them folded as copies of one turn" if folded else ""
        emit_lines([f"{stored} stored{copies}, {known} known before"])
    for sentence in (*checked.faults, *checked.warnings):
        emit_error(f"{memory_text(str(path))}: {sentence}")
    if checked.faults:
        raise typer.Exit(1)


def _import(
    host: TranscriptHost, paths: list[Path] | None, options: _Options, *, as_json: bool
) -> None:
    done = ImportSoFar()
    try:
        files = _files(host, paths)
        memory = (open_memory if options.dry_run else open_drained_memory)(origin="import")
        with LongWork() as work:
            _read(memory, files, host, options, done.shown_by(work))
        if not options.dry_run:
            done.embedded = _embed(memory)
    except KeyboardInterrupt:
        emit_error(done.interrupted())
        raise typer.Exit(130) from None
    _report(done, options, as_json=as_json)
    _require_turns(done.progress, host)


def _read(
    memory: Memory,
    files: list[FoundTranscript],
    host: TranscriptHost,
    options: _Options,
    advanced: Callable[[ImportProgress], None],
) -> None:
    from iai_memory.capture.history_import import HistoryImport
    from iai_memory.capture.selection import Selection

    selection = Selection(
        since=None
        if options.since is None
        else parse_time(options.since, "since", zone=memory.zone),
        project=memory.own_project if options.project == "." else options.project,
    )
    if options.dry_run:
        HistoryImport(_store_nothing, _tag_nothing, selection=selection, advanced=advanced).run(
            files, host.name
        )
        return
    memory.import_transcripts(
        files,
        host.name,
        selection=None if selection == Selection() else selection,
        anew=options.anew,
        advanced=advanced,
    )


def _embed(memory: Memory) -> int:
    """Compute vectors until none is missing, each step committed; return how many."""
    done = 0
    with LongWork() as work:
        total = memory.store.statistics().pending
        try:
            while step := memory.embed_pending():
                done = min(done + step, total)  # a long text takes several steps
                rate = work.rate(done)
                work.show(f"vectors: {done:,} of {total:,} memories, {rate} a second", done, total)
        except ModelFault as exc:
            emit_error(f"the turns are stored and found by words: {exc}")
    return done


@dataclass(slots=True)
class ImportSoFar:
    """How far an import is, and what it says of it.

    Attributes:
        progress: Of the reading; None before the first file.
        embedded: Memories that got vectors; None before.
    """

    progress: ImportProgress | None = None
    embedded: int | None = None

    def shown_by(self, work: LongWork) -> Callable[[ImportProgress], None]:
        """Return the callback of an import, which keeps its progress and shows it."""

        def advanced(progress: ImportProgress) -> None:
            self.progress = progress
            turns = progress.counts.total
            text = (
                f"file {progress.file:,} of {progress.files:,}, "
                f"{progress.read / 1e6:,.1f} of {progress.size / 1e6:,.1f} MB, "
                f"{turns:,} turns, {work.rate(turns)} a second"
            )
            work.show(text, progress.read, progress.size)

        return advanced

    def interrupted(self) -> str:
        """Return what an interruption left, and what to do."""
        stored = self.progress.counts.stored if self.progress else 0
        if self.progress and self.progress.is_done:
            return (
                f"stopped: the words of all {stored:,} new turns are found already, and servers "
                f"or `iai-mcp sleep` compute the vectors that are missing"
            )
        return (
            f"stopped: {stored:,} new turns are stored; run the same command again, it goes on "
            f"from there"
        )


def _files(host: TranscriptHost, paths: list[Path] | None) -> list[FoundTranscript]:
    from iai_memory.capture.transcript_files import find_transcripts, look_at, transcripts_at

    found = {path: transcripts_at(host.name, path) for path in paths or []}
    if not paths:
        found = {host.folders()[-1]: find_transcripts(host.name)}
    empty = [path for path, files in found.items() if not files]
    if empty:
        raise TranscriptFault(
            f"{empty[0]} holds no transcript: name a file or a folder, see `iai-mcp import --help`"
        )
    return [look_at(path) for files in found.values() for path in files]


def _store_nothing(batch: list[NewMemory]) -> IngestReport:
    from iai_memory.results import Ingested, IngestReport

    would = [Ingested(id=None, status="stored", reason="dry run") for _ in batch]
    return IngestReport(results=would, stored=len(would), duplicates=0, table_version=0)


def _tag_nothing(rewound: Collection[str], others: Collection[str]) -> int:
    return 0


def _report(done: ImportSoFar, options: _Options, *, as_json: bool) -> None:
    progress = done.progress
    if progress is None:
        return
    total = progress.counts
    if as_json:
        emit_json(
            {
                "files": progress.files,
                "unchanged": progress.unchanged,
                "dry_run": options.dry_run,
                **total.to_fields(),
                "embedded": done.embedded or 0,
                "faults": progress.faults,
            }
        )
        return
    verb = "would be stored or known" if options.dry_run else "stored"
    skipped = ", ".join(f"{count} {name}" for name, count in sorted(total.skipped.items()))
    same = f" ({progress.unchanged} unchanged, not read)" if progress.unchanged else ""
    emit_lines(
        [
            f"{progress.files} files{same}, {total.total} turns: {total.stored} {verb}, "
            f"{total.duplicate} known before, {total.failed} failed, "
            f"{total.skipped.total()} skipped{f' ({skipped})' if skipped else ''}",
            *(f"not read: {memory_text(fault)}" for fault in progress.faults),
        ]
    )


def _require_turns(progress: ImportProgress | None, host: TranscriptHost) -> None:
    """Exit 1 if something could not be read, or nothing was found."""
    if progress is None:
        return
    total = progress.counts
    found = (
        total.stored
        + total.duplicate
        + total.failed
        + sum(total.skipped[reason] for reason in _LEFT_OUT)
    )
    if progress.faults:
        raise typer.Exit(1)
    if not found:
        lines = total.skipped.total()
        raise TranscriptFault(
            f"no turn was found in {progress.files} files: {lines} lines are of other kinds; are "
            f"these {host.title}?"
        )
