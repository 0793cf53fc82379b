"""The inputs of the session-start page beside the table: the spool, topics, a notice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from ..analysis.topic_file import load_topics
from ..analysis.topics import TopicMap
from ..base.paths import StorePaths
from ..capture.hosts.last_line import Place
from ..capture.session_state import Sessions, capture_notice, known_sessions, places_of
from ..capture.spool import Spool
from ..capture.spool_faults import bars_hooks
from ..projects.alias_file import AliasFile
from ..projects.lookup import ProjectLookup
from ..projects.names import ProjectNames

_DIGEST_LENGTH = 16
_NO_ALIASES = "what was said under another name of a project may be missing: `iai-mcp doctor`"
_BARRED = "what is said now is not kept: `iai-mcp doctor`"


@dataclass(frozen=True, slots=True)
class PageInputs:
    """Everything beside the table that the pages of one store show.

    Attributes:
        spool_bytes: Bytes of the rings that wait.
        topics: The topic map; None where there is none that may be shown.
        notice: What could not or cannot be kept or shown, which the next session must know of;
            empty for none.
        names: Which names are names of one project.
        places: By session where its transcript ends, and its project, of those that end in the
            middle of something.
    """

    spool_bytes: int = 0
    topics: TopicMap | None = None
    notice: str = ""
    names: ProjectNames = field(default_factory=ProjectNames)
    places: dict[str, tuple[Place, str | None]] = field(
        default_factory=dict[str, tuple[Place, str | None]]
    )

    def without_stale_topics(self, *, removal_version: int, records_total: int) -> PageInputs:
        """Return the inputs without a topic map that may show words of a removed memory.

        Args:
            removal_version: Of the whole table, as in `Watermark`.
            records_total: Of the whole table, as in `Watermark`.
        """
        if self.topics is None or not self.topics.predates_removal(removal_version, records_total):
            return self
        return replace(self, topics=None)

    def topic_lines(self, project: str | None) -> Sequence[str] | None:
        """Return the topics of one page; None where there is no map to show."""
        if self.topics is None:
            return None
        return [line for name in self._topic_pages(project) for line in self.topics.lines[name]]

    def topic_facts(self, project: str | None) -> Sequence[str]:
        """Return the id of the newest memory of each of `topic_lines`; empty for none."""
        if self.topics is None:
            return []
        found: list[str] = []
        for name in self._topic_pages(project):
            count = len(self.topics.lines[name])
            # A map of an earlier version has none.
            found += [*self.topics.facts.get(name, ()), *[""] * count][:count]
        return found

    def _topic_pages(self, project: str | None) -> Sequence[str | None]:
        if project is None or self.topics is None:
            return (None,)
        return self.names.names_of(project, self.topics.lines)

    def places_in(self, project: str | None) -> dict[str, Place]:
        """Return the places of the sessions of a project; None is every project."""
        return {
            session: place
            for session, (place, own) in self.places.items()
            if project is None or self.names.same(own, project)
        }

    def digest(self, project: str | None, zone: tzinfo) -> str:
        """Return a digest of what one page shows from here, its dates in `zone`.

        16 hexadecimal digits of SHA-256.
        """
        parts: list[object] = [
            self.topic_lines(project),
            self.topic_facts(project),
            self.notice,
            str(zone),
            self.names.links,
        ]
        if places := self.places_in(project):
            parts.append(sorted(places.items()))
        shown = json.dumps(parts, ensure_ascii=False)
        return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]


def read_page_inputs(paths: StorePaths) -> PageInputs:
    """Read the spool's size, topics, the capture state and project names of the store at `paths`.

    Raises:
        StoreUnavailable: The spool cannot be read.
    """
    return PageInputs(
        spool_bytes=Spool(paths).size(),
        topics=load_topics(paths),
        notice="; ".join(_notices(paths)),
        names=AliasFile(paths).names(),
        places=_places(paths),
    )


def places_in_the_middle(paths: StorePaths) -> dict[str, Place]:
    """Return where the transcripts end that end in the middle of something, by session."""
    found = places_of(known_sessions(paths).values())
    return {session: place for session, (place, _) in found.items()}


def _places(paths: StorePaths) -> dict[str, tuple[Place, str | None]]:
    projects = ProjectLookup()
    return {
        session: (place, projects.project(folder) if folder else None)
        for session, (place, folder) in places_of(known_sessions(paths).values()).items()
    }


def _notices(paths: StorePaths) -> Iterator[str]:
    if bars_hooks(paths.spool):
        yield _BARRED
    elif notice := capture_notice(Sessions(paths).load().values()):
        yield notice
    if AliasFile(paths).fault() is not None:
        yield _NO_ALIASES
