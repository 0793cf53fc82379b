"""The switches of a project: `.iai-mcp.toml`, which whoever works in it may write.

prompt_recall = false    # nothing is put before a model at a prompt
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from ..base.foreign_file import read_foreign
from ..errors import ForeignFileFault, ForeignFileMissing
from .identity import ignored, project_of

SWITCH_FILE: Final = ".iai-mcp.toml"
_MAX_BYTES: Final = 64 << 10


def prompt_recall_off(cwd: str) -> str | None:
    """Return why nothing is put before a model in this folder, a word for the log; None for on.

    The nearest file that says something counts, from the folder up to the project's root. One that
    cannot be read, or says something else than true or false, is a no.

    Raises:
        InvalidInput: The path is relative, or can be no folder's.
        ForeignFileFault: The folder is on a mount that does not answer.
    """
    if ignored(cwd):
        return "ignored"
    folder = Path(cwd)
    top = Path(project_of(cwd).folder)
    for place in (folder, *folder.parents):
        try:
            said = _switch(place / SWITCH_FILE)
        except ValueError:
            return "switches_unreadable"
        if said is not None:
            return None if said is True else "switched_off"
        if place == top:
            break
    return None


def _switch(file: Path) -> Any:
    """Return the value of `prompt_recall`; None where the file is missing or does not say.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        return tomllib.loads(read_foreign(file, _MAX_BYTES).decode("utf-8-sig")).get(
            "prompt_recall"
        )
    except ForeignFileMissing:
        return None
    except (ForeignFileFault, RecursionError) as exc:
        raise ValueError(f"{file} cannot be read ({exc})") from exc
