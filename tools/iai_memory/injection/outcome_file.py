"""What became of memories that prompts were given, as far as it is judged: `prompt-outcomes.json`.

It holds times, ids and words of ours, no text and no session. Whoever changes it holds the lock
`prompt-outcomes`. It can be lost without harm: what the ledger still has is judged again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from ..base.clock import iso
from ..base.state_file import read_state, write_state
from ..errors import StoreUnavailable

if TYPE_CHECKING:
    from ..base.paths import StorePaths

PromptOutcome = Literal["used", "contradicted", "not_used", "unclear", "set_aside"]
"""As of `used`; "set_aside" counts for nothing, since the user reset the threshold after it."""

MAX_KEPT: Final = 200
_FORMAT: Final = 1
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OUTCOMES: Final = frozenset[str](get_args(PromptOutcome))


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of the memories that one prompt was given.

    Attributes:
        at: When it was given them, UTC.
        id: Of the first memory; it names the prompt together with `at`.
        outcome: What became of them.
        looked_at: When the session was last looked at, UTC.
    """

    at: datetime
    id: str
    outcome: PromptOutcome
    looked_at: datetime

    @property
    def key(self) -> tuple[datetime, str]:
        """What names the prompt."""
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The content of the file.

    Attributes:
        judged: In the order of the ledger, at most 200.
        complete_at: When nothing was left to be judged; None where that is not known.
        is_damaged: Whether the file cannot be used; then nothing is known.
    """

    judged: tuple[Judged, ...] = ()
    complete_at: datetime | None = None
    is_damaged: bool = False


def read_outcomes(paths: StorePaths) -> Outcomes:
    """Return what is judged; nothing without a file, and of one that cannot be used."""
    fields = read_state(paths.prompt_outcomes, _FORMAT)
    if fields is None:
        return Outcomes(is_damaged=_stands_there(paths))
    listed, complete = fields.get("judged"), fields.get("complete_at")
    judged = [_judged(one) for one in listed] if isinstance(listed, list) else [None]
    if None in judged or (complete is not None and _moment(complete) is None):
        return Outcomes(is_damaged=True)
    return Outcomes(tuple(one for one in judged if one is not None), _moment(complete))


def write_outcomes(
    paths: StorePaths, judged: Sequence[Judged], complete_at: datetime | None
) -> None:
    """Replace the file in one step; of more than 200 the last ones stay.

    Raises:
        StoreUnavailable: It cannot be written. Then it is as it was.
    """
    fields = {
        "complete_at": None if complete_at is None else iso(complete_at),
        "judged": [
            {
                "at": iso(one.at),
                "id": one.id,
                "outcome": one.outcome,
                "looked_at": iso(one.looked_at),
            }
            for one in judged[-MAX_KEPT:]
        ],
    }
    try:
        write_state(paths.prompt_outcomes, _FORMAT, fields)
    except OSError as exc:
        raise StoreUnavailable(
            f"{paths.prompt_outcomes} cannot be written ({exc.strerror}): mend that, or move it "
            f"away"
        ) from exc


def _stands_there(paths: StorePaths) -> bool:
    try:
        paths.prompt_outcomes.lstat()
    except OSError:
        return False
    return True


def _judged(fields: Any) -> Judged | None:
    """Return an outcome as it was written; None for what is none."""
    if not isinstance(fields, Mapping):
        return None
    told: Mapping[str, Any] = fields
    at, looked_at = _moment(told.get("at")), _moment(told.get("looked_at"))
    id_, outcome = told.get("id"), told.get("outcome")
    if at is None or looked_at is None or not isinstance(id_, str) or not _ID.fullmatch(id_):
        return None
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        return None
    return Judged(at, id_, cast("PromptOutcome", outcome), looked_at)


def _moment(told: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(told).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
