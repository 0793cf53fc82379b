"""The inputs of the session-start page beside the table: queued turns, topics, a notice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..analysis.topic_file import load_topics
from ..analysis.topics import TopicMap
from ..base.paths import StorePaths
from ..capture.queued_turns import QueuedTurn, queued_turns
from ..capture.session_state import Sessions, last_capture_notice
from ..capture.spool import Spool

_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class PageInputs:
    """Everything beside the table that the pages of one store show.

    Attributes:
        queued: Captured turns that are not stored yet, newest first.
        spool_bytes: Bytes of the spool that were not drained yet.
        topics: The topic map; None where there is none that may be shown.
        notice: A failure of the last capture that the next session must know of; empty for none.
    """

    queued: Sequence[QueuedTurn] = ()
    spool_bytes: int = 0
    topics: TopicMap | None = None
    notice: str = ""

    def without_stale_topics(self, *, removal_version: int, records_total: int) -> PageInputs:
        """Return the inputs without a topic map that may show words of a removed memory.

        Args:
            removal_version: Of the whole table, as in `Watermark`.
            records_total: Of the whole table, as in `Watermark`.
        """
        if self.topics is None or not self.topics.predates_removal(removal_version, records_total):
            return self
        return replace(self, topics=None)

    def queued_of(self, project: str | None) -> list[QueuedTurn]:
        """Return the queued turns of one project's page; None is the page of all projects."""
        return [turn for turn in self.queued if project is None or turn.project == project]

    def queued_bytes(self, project: str | None) -> int:
        """Return the bytes of the spool; for one project, those of its turns' texts."""
        if project is None:
            return self.spool_bytes
        return sum(len(turn.text.encode("utf-8")) for turn in self.queued_of(project))

    def topic_lines(self, project: str | None) -> Sequence[str] | None:
        """Return the topics of one page; None where there is no map to show."""
        return None if self.topics is None else list(self.topics.lines.get(project, ()))

    def digest(self, project: str | None) -> str:
        """Return a digest of what one page shows from here: 16 hexadecimal digits of SHA-256.

        The size of the spool would not do: if one turn is drained and another of equal length is
        captured, the page changes.
        """
        queued = [
            (turn.created_at.date().isoformat(), turn.role, turn.project, turn.text)
            for turn in self.queued_of(project)
        ]
        shown = json.dumps([self.topic_lines(project), self.notice, queued], ensure_ascii=False)
        return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]


def read_page_inputs(paths: StorePaths) -> PageInputs:
    """Read the spool, the topic map and the capture state of the store at `paths`.

    Raises:
        StoreUnavailable: The spool cannot be read.
    """
    events = Spool(paths).pending()
    return PageInputs(
        queued=queued_turns(events),
        spool_bytes=sum(event.size for event in events),
        topics=load_topics(paths),
        notice=last_capture_notice(Sessions(paths).load()),
    )
