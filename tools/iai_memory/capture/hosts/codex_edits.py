"""File changes in lines of Codex: patches that its calls of apply_patch carry.

    call    {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch …"}, or a
            "function_call" whose `arguments` hold the patch: of apply_patch or of a shell
    result  {"type": "custom_tool_call_output", "call_id": "…", "output": …}, or of a function

A patch names its files as the folder has them in which it ran. Of a file that it adds the content
is in it; of one that it updates only the lines around each change, so the digest is that of the
file itself, if it still has those lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from ...projects.folders import is_windows_path
from ...store.changed_files import FileChange, content_digest
from ...text.same_words import CUT
from .file_edits import FileEdits, file_change

if TYPE_CHECKING:
    from ..file_hints import FileHints

_CALLS: Final = frozenset({"custom_tool_call", "function_call", "local_shell_call"})
_OUTPUTS: Final = frozenset({"custom_tool_call_output", "function_call_output"})
_PATCH: Final = re.compile(r"\*\*\* Begin Patch\r?\n(.*?)\*\*\* End Patch", re.DOTALL)
_RUNS_IT: Final = re.compile(r"(?:^|[\n;&|({])\s*(?:\w+\.)?(?:apply_patch|applypatch)\b")
_APPLY: Final = ("apply_patch", "applypatch")
# What apply_patch prints; of a shell the exit code says it, and of a sanitised result nothing.
_DONE: Final = re.compile(
    r"success|(?:exit[ _]code\W{1,4}|exited with code )0\b|^\W*(?:(?:ok|done)\b|$)", re.IGNORECASE
)
_FOLDERS: Final = ("workdir", "working_directory", "cwd")
_RESULT_CHARS: Final = 4_000
_MAX_ID_CHARS: Final = 200
_SLASHES: Final = "\\/"
_MOVE: Final = "*** Move to: "
_HEADS: Final = {
    "*** Add File: ": "add",
    "*** Delete File: ": "delete",
    "*** Update File: ": "update",
}


@dataclass(slots=True)
class _Part:
    """What a patch does with one file.

    Attributes:
        kind: add, delete or update.
        path: As the patch has it.
        moved_to: The new path of a file that it moves; empty for none.
        runs: The lines that stand together in the file afterwards, each run a text.
    """

    kind: str
    path: str
    moved_to: str = ""
    runs: list[list[str]] = field(default_factory=list[list[str]])


def follow_edits(
    edits: FileEdits, item: Mapping[str, Any], cwd: str | None, hints: FileHints
) -> None:
    """Note the call or the result of a patch in one item.

    Args:
        edits: Of the transcript.
        item: A response item.
        cwd: The folder that is worked in.
        hints: Of the transcript's file.
    """
    kind, call = item.get("type"), item.get("call_id") or item.get("id")
    if not isinstance(call, str) or len(call) > _MAX_ID_CHARS:
        return
    if kind in _CALLS:
        edits.called(call, _planned(item, cwd, hints))
    elif kind in _OUTPUTS and (planned := edits.planned(call)):
        edits.ended(call, planned if _is_done(item.get("output")) else ())


def _planned(item: Mapping[str, Any], cwd: str | None, hints: FileHints) -> tuple[FileChange, ...]:
    folder, texts = _arguments(item)
    folder = folder or cwd
    changes: list[FileChange] = []
    by_name = item.get("name") in _APPLY
    for text in texts:
        runs_it = by_name or text.startswith("*** Begin Patch") or _RUNS_IT.search(text)
        for patch in _PATCH.findall(text) if runs_it else ():
            for part in _parts(patch):
                changes += _changes(part, folder, cwd, hints)
    return tuple(changes)


def _arguments(item: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Return the folder that a call names for itself, and every text among its arguments."""
    given: Any = item.get("input", item.get("arguments", item.get("action")))
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return None, [given]
    if not isinstance(given, dict):
        return None, [given] if isinstance(given, str) else []
    folder = next((given[name] for name in _FOLDERS if isinstance(given.get(name), str)), None)
    values = [one for value in given.values() for one in (value if _is_list(value) else [value])]
    texts = [one for one in values if isinstance(one, str)]
    if any(one in _APPLY for one in texts):
        texts = [f"apply_patch\n{one}" if "*** Begin Patch" in one else one for one in texts]
    return folder, texts


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _parts(patch: str) -> Iterator[_Part]:
    part: _Part | None = None
    for line in patch.replace("\r\n", "\n").split("\n"):
        head = next((one for one in _HEADS if line.startswith(one)), None)
        if head is not None:
            if part is not None:
                yield part
            part = _Part(_HEADS[head], line.removeprefix(head).strip())
        elif part is None or line.startswith("*** End of File"):
            continue
        elif line.startswith(_MOVE):
            part.moved_to = line.removeprefix(_MOVE).strip()
        elif line.startswith("@@"):
            part.runs.append([])
        elif line[:1] in ("+", " ") or (not line and part.kind == "update"):
            part.runs = part.runs or [[]]
            part.runs[-1].append(line[1:])
    if part is not None:
        yield part


def _changes(
    part: _Part, folder: str | None, cwd: str | None, hints: FileHints
) -> Iterator[FileChange]:
    path = _joined(folder, part.path)
    if path is None:
        return
    if part.kind == "delete":
        yield from file_change(path, is_deleted=True)
        return
    new = _joined(folder, part.moved_to) if part.moved_to else None
    if new is not None:
        yield from file_change(path, is_deleted=True)
    texts = ["\n".join(run) for run in part.runs]
    digest: str | None
    if part.kind == "add":
        digest = _digest(texts)
    else:
        digest = hints.digest_on_disk(new or path, cwd, [text.strip("\n") for text in texts])
    yield from file_change(new or path, digest)


def _digest(texts: Sequence[str]) -> str | None:
    content = "".join(f"{text}\n" for text in texts)
    if CUT.strip() in content:
        return None
    try:
        return content_digest(content.encode())
    except UnicodeEncodeError:  # half of a surrogate pair: no file has that
        return None


def _joined(folder: str | None, path: str) -> str | None:
    """Return the path with its folder; None for one that is of no known folder."""
    if not path or path.startswith("/") or is_windows_path(path):
        return path or None
    if not folder or is_windows_path(folder):
        return f"{folder.rstrip(_SLASHES)}\\{path}" if folder else None
    parts: list[str] = []
    for part in PurePosixPath(folder, path).parts:
        if part == ".." and parts and parts[-1] not in ("/", ".."):
            parts.pop()
        else:
            parts.append(part)
    return str(PurePosixPath(*parts))


def _is_done(output: object) -> bool:
    told = output if isinstance(output, str) else json.dumps(output or "", default=str)
    return _DONE.search(told[:_RESULT_CHARS]) is not None
