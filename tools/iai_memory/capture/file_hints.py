"""What a transcript's file says for lines that do not say it: the session's id and a time."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..base.inner_file import InnerFile, read_inner
from ..errors import ForeignFileFault
from ..store.changed_files import content_digest
from ..store.plausible_times import MAX_AHEAD
from ..store.record import TIME_ESTIMATED
from .hosts.decoding import Malformed, moment

_MAX_BYTES: Final = 1 << 20
_MAX_AGENT_BYTES: Final = 8 << 20
_AGENT: Final = re.compile(r"[\w-]{1,64}")
_MAX_LOOKS: Final = 200
_MAX_SECONDS: Final = 2.0  # of all looks together: a drain must not wait for a mount that is gone
_ANSWERS_WITHIN: Final = 0.5
# The host notes a result right after it; a formatter may be at the file meanwhile.
_WRITTEN_WITHIN: Final = 60.0
_UUID_AT_END: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


class FileHints:
    """The hints of one file while it is read from a place on; lines must come in order.

    Attributes:
        session_id: The session's id in the name of the file, else the name without its extension.
        earlier_lines: Returns the lines of the file before the place that it is read from.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        modified_at: datetime,
        first_time: Callable[[], datetime | None],
        earlier_lines: Callable[[], Iterable[bytes]] = tuple,
        *,
        latest: datetime | None = None,
    ) -> None:
        """Bind a file.

        Args:
            path: Its path; not opened here.
            modified_at: When it was last written.
            first_time: Returns the first time that stands in the file from the place on, None
                without any; called at most once, for a line before the first that has a time.
            earlier_lines: Returns the lines before the place; called where the text of one of them
                is needed, which no parser's state may hold.
            latest: After it no line of the file can have been written; None is a day after
                `modified_at`.
        """
        self._path = Path(path)
        stem = self._path.name.partition(".")[0]
        found = _UUID_AT_END.search(stem)
        self.session_id = found[0] if found else stem
        self._modified_at = modified_at.astimezone(UTC)
        self._latest = latest or self._modified_at + MAX_AHEAD
        self._first_time = first_time
        self.earlier_lines = earlier_lines
        self._last: datetime | None = None
        self._looks = 0
        self._looked_sec = 0.0

    def time_of(self, fields: Mapping[str, Any]) -> tuple[datetime, tuple[str, ...]]:
        """Return when a line was written, and its marks: `TIME_ESTIMATED` if it does not say.

        Without a time of its own a line gets that of the line before, else that of the first line
        after it that has one, else that of the file. A time after `latest` is none.
        """
        try:
            when = moment(fields)
        except Malformed:
            return self._estimated(), (TIME_ESTIMATED,)
        if when > self._latest:
            return self._estimated(), (TIME_ESTIMATED,)
        self._last = when
        return when, ()

    def _estimated(self) -> datetime:
        if self._last is None:
            self._last = self._first_time() or self._modified_at
        return self._last

    def digest_on_disk(self, path: str, folder: object, has: Sequence[str]) -> str | None:
        """Return the digest of a file that the host changed, if it is still as the host left it.

        That is: nobody wrote it after the transcript, and it has what the host put in. None for a
        file outside of the folder, one of more than a megabyte, and after 200 looks at files or two
        seconds of them.

        Args:
            path: As the host named it.
            folder: That the host worked in.
            has: Texts that are in the file, line ends as in the transcript.
        """
        if not isinstance(folder, str):
            return None
        if self._looks >= _MAX_LOOKS or self._looked_sec >= _MAX_SECONDS:
            return None
        found = self._read(path, folder, _MAX_BYTES)
        if found is None or found.content is None or found.changed_at > self._written_until:
            return None
        text = found.content.decode("utf-8", "replace").replace("\r\n", "\n")
        if not all(part.replace("\r\n", "\n") in text for part in has):
            return None
        return content_digest(found.content)

    def sub_agent_lines(self, agent: str) -> list[bytes]:
        """Return the lines of a sub-agent's own transcript; none where it has none.

        It lies beside the session's, or in the folder of the session's name; none is read that is
        larger than 8 MiB, or after the looks of `digest_on_disk` are used up.

        Args:
            agent: Its id, as the session's transcript names it.
        """
        if not _AGENT.fullmatch(agent):
            return []
        name, folder = f"agent-{agent}.jsonl", self._path.parent.absolute()
        for path in (folder / self._path.stem / "subagents" / name, folder / name):
            if self._looks >= _MAX_LOOKS or self._looked_sec >= _MAX_SECONDS:
                return []
            found = self._read(str(path), str(folder), _MAX_AGENT_BYTES)
            if found is not None and found.content is not None:
                return found.content.splitlines()
        return []

    def _read(self, path: str, folder: str, max_bytes: int) -> InnerFile | None:
        """Read a file of the folder, which counts as a look; None where that cannot be."""
        began = time.monotonic()
        try:
            return read_inner(path, folder, max_bytes, timeout=_ANSWERS_WITHIN)
        except ForeignFileFault:
            return None
        finally:
            self._looks += 1
            self._looked_sec += time.monotonic() - began

    @property
    def _written_until(self) -> float:
        return self._modified_at.timestamp() + _WRITTEN_WITHIN
