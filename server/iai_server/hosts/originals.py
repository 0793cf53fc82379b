"""A host's file as it was before connecting: one copy, in the store's folder, until disconnect."""

from __future__ import annotations

import hashlib
from pathlib import Path

# Releases before 2026-12 kept a copy of each change beside the file.
_BESIDE = ".iai-mcp-backup-"


def original_of(path: Path, folder: Path) -> Path:
    """Return where the original of a host's file is kept; a link's is that of its target."""
    real = path.resolve()
    digest = hashlib.sha256(str(real).encode(errors="surrogateescape")).hexdigest()
    return folder / f"{digest[:16]}-{real.name}"


def originals(path: Path, folder: Path) -> list[Path]:
    """Return the kept originals of a host's file, the best first."""
    real = path.resolve()
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in real.name)
    beside = sorted(real.parent.glob(f"{pattern}{_BESIDE}*"), reverse=True)
    kept = original_of(path, folder)
    return [*([kept] if kept.exists() else []), *beside]
