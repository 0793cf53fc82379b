"""File changes in lines of Claude Code: calls of its edit tools, and what their results say.

    call    {"type": "tool_use", "id": "…", "name": "Edit", "input": {"file_path": "…", …}}
    result  {"type": "tool_result", "tool_use_id": "…", …}, and beside the message `toolUseResult`:
            of Write the `content`, of Edit and MultiEdit `originalFile` and what was replaced

A sub-agent's edits count: they are of the session, whoever made them. They stand in the same
transcript, or in one of the sub-agent's own, which the result of its call names:

    result  {…, "toolUseResult": {"agentId": "a1b2c3d", …}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ...store.changed_files import FileChange, content_digest
from ...text.same_words import CUT
from .file_edits import FileEdits, file_change

if TYPE_CHECKING:
    from ..file_hints import FileHints

_PATHS: Final = {
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
    "Update": "file_path",
    "Write": "file_path",
}
_AFTER: Final = ("content", "updated_file")
_BEFORE: Final = ("originalFile", "originalFileContents")
_OLD: Final = ("oldString", "old_string")
_NEW: Final = ("newString", "new_string")
_MAX_ID_CHARS: Final = 200


def follow_edits(edits: FileEdits, fields: Mapping[str, Any], hints: FileHints) -> None:
    """Note the calls and the results of edit tools in one line."""
    message = fields.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return
    blocks = [one for one in content if isinstance(one, dict)]
    results = [one for one in blocks if one.get("type") == "tool_result"]
    for block in blocks:
        if block.get("type") == "tool_use" and fields.get("type") == "assistant":
            edits.called(_id(block.get("id")), _planned(block))
    for block in results:
        call = _id(block.get("tool_use_id"))
        told = fields.get("toolUseResult") if len(results) == 1 else None
        agent = told.get("agentId") if isinstance(told, dict) else None
        if isinstance(agent, str) and fields.get("isSidechain") is not True:
            edits.ended(call, _changed_by(agent, hints))
            continue
        planned = edits.planned(call)
        if not planned:
            continue
        failed = block.get("is_error") is True or (
            isinstance(told, str) and told.startswith("Error")
        )
        edits.ended(call, () if failed else _changed(planned[0], told, fields, hints))


def _changed_by(agent: str, hints: FileHints) -> tuple[FileChange, ...]:
    """Return what the transcript of a sub-agent says that it changed."""
    edits = FileEdits(None)
    for line in hints.sub_agent_lines(agent):
        if b'"tool_use' not in line and b'"tool_result' not in line:
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a damaged line tells of no edit
        if isinstance(fields, dict) and fields.get("isSidechain") is True:
            follow_edits(edits, fields, hints)
    return edits.take()


def _planned(block: Mapping[str, Any]) -> tuple[FileChange, ...]:
    name, given = block.get("name"), block.get("input")
    if not isinstance(name, str) or name not in _PATHS or not isinstance(given, dict):
        return ()
    return file_change(given.get(_PATHS[name]), _digest(given.get("content")))


def _changed(
    planned: FileChange, told: object, fields: Mapping[str, Any], hints: FileHints
) -> tuple[FileChange, ...]:
    """Return the change with the digest of the content after, wherever that is to be had."""
    if isinstance(told, dict) and told.get("userModified") is not True:
        digest = _digest(_content_after(told)) or planned.digest
    else:
        digest = None if isinstance(told, dict) else planned.digest
    if digest is None:
        digest = hints.digest_on_disk(planned.path, fields.get("cwd"), _new_texts(told))
    return (FileChange(planned.path, digest),)


def _content_after(told: Mapping[str, Any]) -> str | None:
    for name in _AFTER:
        if isinstance(told.get(name), str):
            return str(told[name])
    found = next((told[name] for name in _BEFORE if isinstance(told.get(name), str)), "")
    content: str | None = found
    for edit in _edits(told):
        content = None if content is None else _replaced(content, edit)
    return content if _edits(told) else None


def _edits(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = told.get("edits") if isinstance(told.get("edits"), list) else [told]
    return [one for one in listed or () if isinstance(one, dict)]


def _replaced(content: str, edit: Mapping[str, Any]) -> str | None:
    """Return the content after one replacement; None where it cannot be told."""
    old, new = _text_of(edit, *_OLD), _text_of(edit, *_NEW)
    if old is None or new is None:
        return None
    if not old:
        return new if not content else None
    if not new and not old.endswith("\n") and f"{old}\n" in content:
        old += "\n"  # as the host does, which leaves no empty line behind
    if old not in content:
        return None
    every = edit.get("replaceAll") is True or edit.get("replace_all") is True
    return content.replace(old, new) if every else content.replace(old, new, 1)


def _new_texts(told: object) -> list[str]:
    """Return what must stand in the file if it is as the edit left it."""
    if not isinstance(told, dict):
        return []
    return [new for edit in _edits(told) if (new := _text_of(edit, *_NEW)) is not None]


def _text_of(fields: Mapping[str, Any], *names: str) -> str | None:
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), None)


def _digest(content: object) -> str | None:
    if not isinstance(content, str) or CUT.strip() in content:
        return None
    try:
        return content_digest(content.encode())
    except UnicodeEncodeError:  # half of a surrogate pair: no file has that
        return None


def _id(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _MAX_ID_CHARS else ""
