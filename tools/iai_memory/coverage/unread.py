"""What hooks noted and hosts wrote that is not in the table: reasons outside of the store."""

from __future__ import annotations

from ..base.out_of_sight import OutOfSight
from ..base.paths import StorePaths
from ..capture.given_up import GivenUp
from ..capture.session_state import Sessions, lost_turns, to_read_again
from ..capture.spool import Spool
from ..errors import StoreUnavailable


def unread(paths: StorePaths) -> dict[OutOfSight, int]:
    """Return what was not read or could not be kept, with its counts.

    Costs two listings, one small file, and a `stat` for each transcript of sixty days.
    """
    sessions = Sessions(paths).load()
    try:
        waiting = Spool(paths).waiting()
        events, barred = waiting.rings, len(waiting.faults)
    except StoreUnavailable:
        events, barred = 0, 1
    counts = {
        OutOfSight.UNREAD_EVENT: events,
        OutOfSight.UNREAD_TRANSCRIPT: len(to_read_again(sessions)),
        OutOfSight.EVENT_GIVEN_UP: len(GivenUp(paths).present()),
        OutOfSight.SPOOL_BARRED: barred,
        OutOfSight.TURN_LOST: lost_turns(sessions.values()),
    }
    return {reason: count for reason, count in counts.items() if count}
