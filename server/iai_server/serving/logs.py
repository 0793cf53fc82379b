"""Logging of a serving process: to stderr for the host, to a dated file for the user."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from iai_memory.base.files import make_private_folder
from iai_memory.errors import StoreUnavailable

_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s"
MAX_FILES = 14


class WithoutSecrets(logging.Formatter):
    """The format of a line, whose secrets are replaced: faults quote names and settings."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        from iai_memory.privacy.redaction import redact  # not before the handshake

        return redact(super().format(record)).text


def configure(folder: Path, level: str) -> None:
    """Log to stderr and to `server-YYYY-MM-DD.log` (UTC) in `folder`; keep the newest 14 files.

    If the folder cannot be written, a warning on stderr says so, and stderr is the only log.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    problem: Exception | None = None
    try:
        make_private_folder(folder)
        day = datetime.now(UTC).date().isoformat()
        handlers.append(logging.FileHandler(folder / f"server-{day}.log", encoding="utf-8"))
        for old in sorted(folder.glob("server-*.log"))[:-MAX_FILES]:
            old.unlink(missing_ok=True)
    except (OSError, StoreUnavailable) as exc:
        problem = exc
    for handler in handlers:
        handler.setFormatter(WithoutSecrets(_FORMAT))
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    if problem is not None:
        logging.getLogger(__name__).warning("no log file in %s: %s", folder, problem)
