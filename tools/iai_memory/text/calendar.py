"""Patterns for the English names of months and weekdays; compile them without regard to case."""

from __future__ import annotations

from typing import Final

MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
"""The full name, or the short one with or without a full stop."""

WEEKDAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
