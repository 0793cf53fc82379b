"""Where the hosts keep their transcripts."""

from __future__ import annotations

import os
from pathlib import Path

from ..turn import Host


def transcript_root(host: Host) -> Path:
    """Returns the folder that a host keeps its transcripts in, whether or not it exists.

    Claude Code: `$CLAUDE_CONFIG_DIR/projects`, by default `~/.claude/projects`. Codex:
    `$CODEX_HOME/sessions`, by default `~/.codex/sessions`.
    """
    if host == "codex":
        return Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser() / "sessions"
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser() / "projects"


def find_transcripts(host: Host, root: str | os.PathLike[str] | None = None) -> list[Path]:
    """Returns a host's transcripts, the least recently written first.

    Args:
        host: Which host's.
        root: Folder to look in instead of `transcript_root(host)`. A missing folder has none.
    """
    folder = Path(root) if root is not None else transcript_root(host)
    pattern = "rollout-*.jsonl" if host == "codex" else "*.jsonl"
    found: list[tuple[int, Path]] = []
    for path in folder.rglob(pattern):
        try:
            if path.is_file():
                found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue  # the host removed it between the listing and the look
    return [path for _, path in sorted(found)]
