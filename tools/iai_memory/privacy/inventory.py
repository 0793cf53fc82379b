"""Every file that iai-mcp writes: what of the user's words it may hold, and who removes it.

SECURITY.md shows this list, and a removal of text is led by it. A file of a store that no row names
is a fault: a test uses every command and looks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final


class Treatment(Enum):
    """How a text is removed from a file."""

    TABLE = "rows are written anew, indexes made anew, old versions dropped"
    LINES = "replaced in the file"
    DERIVED = "removed, and made anew from the table"
    NO_TEXT = "holds no text"
    TABLE_COPY = "removed whole"
    KEPT_TABLE = "removed by `purge` and `scrub --yes`; else named"
    BACKUP = "written anew without it"
    LEFTOVER = "removed, unless its process lives"
    TEMPORARY = "removed at the end of the work; of a killed process it stays"
    EXPORT = "written anew by `purge`, where it lies as it was written; else named"
    NOT_OURS = "named, never changed"


@dataclass(frozen=True, slots=True)
class FileKind:
    """Files of one kind.

    Attributes:
        where: Their path, with `*` for a part of a name and `**` for folders; in the store's
            folder, unless it begins with a `~` or a word in capitals.
        holds: What of the user's text they may hold.
        encoding: How it is written.
        treatment: How a text is removed from them.
    """

    where: str
    holds: str
    encoding: str
    treatment: Treatment


_NOTHING: Final = "no text"
_UTF8: Final = "UTF-8"
_JSON: Final = "JSON, UTF-8"
_JSON_ASCII: Final = "JSON, `\\u` escapes"

STORE_FILES: Final = (
    FileKind(
        "lancedb/memories.lance/data/*",
        "texts, their terms, names, past states, vectors",
        "Lance: UTF-8, compressed",
        Treatment.TABLE,
    ),
    FileKind(
        "lancedb/memories.lance/_indices/**",
        "words of the texts (stems), vectors, ids",
        "Lance: word lists without what words share",
        Treatment.TABLE,
    ),
    FileKind(
        "lancedb/memories.lance/_versions/*",
        "least and greatest names, ids",
        "Lance: protobuf",
        Treatment.TABLE,
    ),
    FileKind(
        "lancedb/memories.lance/_transactions/*",
        "names and ids of one change",
        "Lance: protobuf",
        Treatment.TABLE,
    ),
    FileKind("lancedb/memories.lance/_deletions/*", _NOTHING, "Arrow: numbers", Treatment.TABLE),
    FileKind(
        "lancedb.damaged-*/**", "all that the table held", "as the table", Treatment.KEPT_TABLE
    ),
    FileKind("lancedb.new/**", "all that the table holds", "as the table", Treatment.TABLE_COPY),
    FileKind("ledger/events*.jsonl", "reasons, names of projects, faults", _JSON, Treatment.LINES),
    FileKind("logs/server-*.log", "faults, names of files", _UTF8, Treatment.LINES),
    FileKind("logs/capture-*.log", "faults, names of files", _UTF8, Treatment.LINES),
    FileKind(
        "logs/recall-*.log", "faults, names of files, ids of sessions", _UTF8, Treatment.LINES
    ),
    FileKind("logs/prompt-*.log", _NOTHING, "words of ours, numbers", Treatment.NO_TEXT),
    FileKind("logs/.clock", _NOTHING, "one byte", Treatment.NO_TEXT),
    FileKind(
        "spool/doorbell*.json*",
        "names of transcripts, sessions and folders",
        _JSON,
        Treatment.LINES,
    ),
    FileKind(
        "spool/answered-*.jsonl",
        "names of transcripts, sessions and folders",
        _JSON,
        Treatment.LINES,
    ),
    FileKind(
        "spool/lost-*", "a transcript's name, in the file's own name", "percent", Treatment.NOT_OURS
    ),
    FileKind(
        "spool/sessions.json",
        "names of transcripts, sessions, folders and changed files; faults",
        _JSON_ASCII,
        Treatment.LINES,
    ),
    FileKind("spool/offsets.json", _NOTHING, "JSON: numbers", Treatment.NO_TEXT),
    FileKind(
        "spool/failed/*.json",
        "names of transcripts that were given up; faults",
        _JSON_ASCII,
        Treatment.LINES,
    ),
    FileKind(
        "spool/.watched/*",
        "links to the hosts' transcripts",
        "the link's target",
        Treatment.NOT_OURS,
    ),
    FileKind(
        "session-start/*.files/*",
        "links to files that the last session of a project changed",
        "the link's target",
        Treatment.NOT_OURS,
    ),
    FileKind("spool/.waiter*", _NOTHING, "a number", Treatment.NO_TEXT),
    FileKind(
        ".session-start-payload.cached.ids*",
        "ids of the memories that the page shows",
        _NOTHING,
        Treatment.DERIVED,
    ),
    FileKind("session-start/*.cached.ids*", "the same of a project", _NOTHING, Treatment.DERIVED),
    FileKind(
        ".session-start-payload.cached.*", "the page: excerpts, topics", _UTF8, Treatment.DERIVED
    ),
    FileKind(
        "session-start/*.cached.*",
        "a project's page; the project in the file's name",
        "UTF-8; the name as `=c3=bc`",
        Treatment.DERIVED,
    ),
    FileKind(".page-behind", _NOTHING, "a random number", Treatment.NO_TEXT),
    FileKind("topics.json", "words that label topics", _JSON, Treatment.DERIVED),
    FileKind("folds.json", "of earlier versions: ids", _JSON, Treatment.DERIVED),
    FileKind("sleep.json", _NOTHING, "JSON: numbers", Treatment.DERIVED),
    FileKind("lancedb/files.list", _NOTHING, "names and sums of files", Treatment.NO_TEXT),
    FileKind("replacing.json", _NOTHING, "JSON: names of folders", Treatment.NO_TEXT),
    FileKind("repair.json", "names of transcripts to be read again", _JSON, Treatment.LINES),
    FileKind("maintenance.json", _NOTHING, "JSON: numbers", Treatment.NO_TEXT),
    FileKind(
        "prompt-outcomes.json", _NOTHING, "JSON: times, ids, words of ours", Treatment.NO_TEXT
    ),
    FileKind("store.json", _NOTHING, "JSON: an id, times, numbers", Treatment.NO_TEXT),
    FileKind("exports.json", "names of exported files", _JSON, Treatment.LINES),
    FileKind(
        "imported.json", "names of imported transcripts and changed files", _JSON, Treatment.LINES
    ),
    FileKind("projects.json", "names of projects", _JSON, Treatment.LINES),
    FileKind("handshake.json", _NOTHING, "JSON: what hosts are told", Treatment.NO_TEXT),
    FileKind(
        "erasures.json",
        "ids of purged memories; keyed digests of what they said",
        "JSON: ids, hexadecimal",
        Treatment.NO_TEXT,
    ),
    FileKind("erasures.key", _NOTHING, "32 random bytes", Treatment.NO_TEXT),
    FileKind("locks/*", "the name of a command that waits or writes", _UTF8, Treatment.NO_TEXT),
    FileKind(
        "servers/*.json", "the folder that a server was started in", _JSON_ASCII, Treatment.LINES
    ),
    FileKind("servers/*.lock", _NOTHING, "a number", Treatment.NO_TEXT),
    FileKind("run/ask", _NOTHING, "a FIFO, on which servers wait", Treatment.NO_TEXT),
    FileKind("run/server-*", _NOTHING, "a number", Treatment.NO_TEXT),
    FileKind(
        "run/*.json",
        "a prompt, while its answer is sought: at most a third of a second",
        "the host's JSON",
        Treatment.LEFTOVER,
    ),
    FileKind("run/*.answer", _NOTHING, "a FIFO, for the answer to a prompt", Treatment.NO_TEXT),
    FileKind(
        "host-files/*",
        "a host's own settings, as they were before `connect`, until `disconnect`",
        "as the host writes them",
        Treatment.NOT_OURS,
    ),
    FileKind("hooks/**", _NOTHING, "our scripts", Treatment.NO_TEXT),
    FileKind("models/**", _NOTHING, "the embedding model", Treatment.NO_TEXT),
    FileKind("backup-key.txt", _NOTHING, "the key that opens sealed backups", Treatment.NO_TEXT),
    FileKind("backup-state.json", "faults, names of folders", _JSON, Treatment.LINES),
    FileKind("backup-key.txt", "no text: the key to encrypted backups", _UTF8, Treatment.NO_TEXT),
    FileKind("backups/**", _NOTHING, "JSON: names and sums of files", Treatment.BACKUP),
    FileKind(
        "backups/segments/*",
        "texts, names, past states",
        "JSON under zstd, or age",
        Treatment.BACKUP,
    ),
    FileKind("**.tmp", "what the file holds that it was to be", "as that file", Treatment.LEFTOVER),
)
"""In the store's folder; of several rows that name a file the last one counts."""

OTHER_FILES: Final = (
    FileKind(
        "FOLDER/FILE of `export`",
        "all memories, the forgotten ones too",
        _JSON,
        Treatment.EXPORT,
    ),
    FileKind(
        "FOLDER/.iai-mcp-*.tmp of a killed `export`",
        "memories",
        _JSON,
        Treatment.NOT_OURS,
    ),
    FileKind(
        "IAI_MCP_BACKUP/**",
        "texts, names, past states",
        "JSON under zstd, sealed by age if asked",
        Treatment.BACKUP,
    ),
    FileKind(
        "HOST FILES of `connect`; HOST FILES.iai-mcp-backup-* of older releases",
        "the host's own settings",
        "as the host writes them",
        Treatment.NOT_OURS,
    ),
    FileKind("IAI_MCP_MODEL/**", _NOTHING, "the embedding model", Treatment.NO_TEXT),
    FileKind(
        "TMPDIR/iai-mcp-*/**",
        "least and greatest names, ids, and links to the table's files, while it is looked at",
        "Lance: protobuf",
        Treatment.TEMPORARY,
    ),
)
"""Outside of the store's folder."""


def kind_of(path: PurePosixPath) -> FileKind | None:
    """Return the kind of a file, by its path in the store's folder; None where no row names it."""
    named = [kind for kind in STORE_FILES if _is_named(path, kind.where)]
    return named[-1] if named else None


def files_of(root: Path, *treatments: Treatment) -> Iterator[Path]:
    """Yield the files and links of a store that are treated so, sorted.

    Folders that cannot be listed are left out here; a scan names them.
    """
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            kind = kind_of(PurePosixPath(path.relative_to(root).as_posix()))
            if kind is not None and kind.treatment in treatments:
                yield path


def _is_named(path: PurePosixPath, where: str) -> bool:
    if where.startswith("**"):
        return fnmatchcase(path.name, where[1:])
    folder = where.removesuffix("/**")
    if folder != where:
        depth = folder.count("/") + 1
        return len(path.parts) > depth and _fits(path.parts[:depth], folder)
    return _fits(path.parts, where)


def _fits(parts: tuple[str, ...], where: str) -> bool:
    wanted = where.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
