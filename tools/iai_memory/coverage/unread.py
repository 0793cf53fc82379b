"""What hooks noted and hosts wrote that is not in the table: reasons outside of the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.out_of_sight import OutOfSight
from ..base.paths import StorePaths
from ..capture.given_up import GivenUp
from ..capture.session_state import capture_notice, known_sessions, lost_turns, to_read_again
from ..capture.spool import Spool
from ..capture.spool_faults import spool_faults
from ..errors import StoreUnavailable
from ..projects.alias_file import AliasFile


@dataclass(frozen=True, slots=True)
class Outside:
    """What is not in the table.

    Attributes:
        counts: How much by reason, each at least 1.
        remedies: Sentences that say more than those of their reasons.
    """

    counts: dict[OutOfSight, int]
    remedies: dict[OutOfSight, str] = field(default_factory=dict[OutOfSight, str])


def unread(paths: StorePaths, aliases: AliasFile, *, nothing_waits: bool = False) -> Outside:
    """Return what was not read or could not be kept.

    Costs two listings, one small file, and a `stat` for each transcript of sixty days.

    Args:
        paths: The store's files.
        aliases: Of its projects.
        nothing_waits: Whether the caller has just seen that no drain would find anything.
    """
    sessions = known_sessions(paths)
    remedies: dict[OutOfSight, str] = {}
    try:
        events = 0 if nothing_waits else Spool(paths).waiting().rings
        barred = spool_faults(paths.spool, strays=False)
    except StoreUnavailable as exc:
        events, barred = 0, (str(exc),)
    if barred:
        remedies[OutOfSight.SPOOL_BARRED] = "; ".join(barred[:2])
    no_aliases = aliases.fault()
    if no_aliases is not None:
        remedies[OutOfSight.ALIASES_UNREADABLE] = no_aliases
    given_up = GivenUp(paths).present()
    counts = {
        OutOfSight.UNREAD_EVENT: events,
        OutOfSight.UNREAD_TRANSCRIPT: 0 if nothing_waits else len(to_read_again(sessions)),
        OutOfSight.EVENT_GIVEN_UP: len(given_up),
        OutOfSight.SPOOL_BARRED: len(barred),
        OutOfSight.TURN_LOST: lost_turns(sessions.values()),
        OutOfSight.ALIASES_UNREADABLE: int(no_aliases is not None),
    }
    if not given_up and not counts[OutOfSight.TURN_LOST]:
        counts[OutOfSight.SESSION_LOST] = int(bool(capture_notice(sessions.values())))
    return Outside({reason: count for reason, count in counts.items() if count}, remedies)
