"""The hosts' transcripts that a store has read, and that are still there."""

from __future__ import annotations

from pathlib import Path
from typing import Final, get_args

from ..base.json_file import read_object
from ..base.paths import StorePaths
from ..capture.session_state import known_sessions
from ..capture.transcript_files import FoundTranscript, look_at
from ..capture.turn import Host

_MAX_BYTES: Final = 64 << 20
HOSTS: Final[tuple[Host, ...]] = get_args(Host)


def known_transcripts(paths: StorePaths) -> list[tuple[Host, FoundTranscript]]:
    """Return the transcripts that were captured or imported, the least recently written first."""
    hosts: dict[str, Host | None] = {}
    fields = read_object(paths.imported, _MAX_BYTES) or {}
    files = fields.get("files")
    if isinstance(files, dict):
        hosts.update(dict.fromkeys(map(str, files)))
    hosts.update({path: one.host for path, one in known_sessions(paths).items()})
    found: list[tuple[Host, FoundTranscript]] = [
        (host or HOSTS[0], look_at(Path(path))) for path, host in hosts.items()
    ]
    return sorted((one for one in found if one[1].size), key=lambda one: one[1].modified_ns)
