"""The system's clock, set ahead or back for some writes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest

import iai_memory.base.clock


@contextmanager
def clock_off_by(offset: timedelta) -> Generator[None]:
    """For the block, the system's clock is ahead by the offset, or behind by a negative one."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp((datetime.now(UTC) + offset).timestamp(), tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(iai_memory.base.clock, "datetime", Wrong)
        yield
