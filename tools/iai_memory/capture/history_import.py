"""Import of whole transcripts, in batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..projects.lookup import ProjectLookup
from ..results import IngestReport
from ..writing.new_memory import NewMemory
from .rewinds import TagRewound, branch_count, branches_of
from .selection import Selection, selected_memory
from .transcript import read_transcript
from .turn import Host
from .turn_counts import TurnCounts

BATCH = 256


def import_transcript(
    path: Path,
    host: Host,
    ingest: Callable[[list[NewMemory]], IngestReport],
    *,
    tag_rewound: TagRewound,
    selection: Selection,
    advanced: Callable[[int], None],
) -> TurnCounts:
    """Store every turn of one transcript once, however often it is imported.

    Args:
        path: The transcript.
        host: Which host wrote it.
        ingest: Stores a batch; what it raises ends the import, and the batches before it stay.
        tag_rewound: Tags turns that were taken back.
        selection: Which turns.
        advanced: Called with the bytes that were read since the last call.

    Raises:
        TranscriptFault: The file cannot be read.
    """
    counts, projects = TurnCounts(), ProjectLookup()
    batch: list[NewMemory] = []
    offset, branches = 0, 0
    for parsed in read_transcript(path, host):
        memory = selected_memory(parsed, selection, counts, projects)
        branches = branch_count(parsed.cursor)
        if memory is not None:
            batch.append(memory)
        if len(batch) == BATCH:
            counts.count(ingest(batch))
            batch = []
            advanced(parsed.end_offset - offset)
            offset = parsed.end_offset
    if batch:
        counts.count(ingest(batch))
    if branches:
        found = branches_of(path)
        tag_rewound(host, found.rewound, found.held)
    advanced(path.stat().st_size - offset)
    return counts
