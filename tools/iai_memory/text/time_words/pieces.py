"""What a language says about times beside dateparser's locale data: the form of its words.

For each language the pieces of patterns, and the words of a question that say nothing of what it is
about ("what did we do"). A language without them still has its days, months and "yesterday".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeWords:
    """Pieces of regular expressions in one language, without groups; empty for none.

    Attributes:
        before: Words that may stand before a time, and belong to it.
        before_month: Words before a month that is named alone.
        last: "last", before or after a weekday or a month.
        this: "this", before a weekday or a month.
        since: "since" a time, which is in it.
        until: "until" a time, which is in it.
        after: "after" a time, which is not in it.
        ahead: "before" a time, which is not in it.
        between: The words before the first and before the second of two times.
        recent: "in the last", before a number of days; `recent_after` stands behind it.
        recent_one: "in the last", before one unit, where that is not the calendar's last one.
        several: Units of which `recent` without a number means a few, as "days".
        recent_after: "last" where it stands between the number and the unit.
        day_before: "the day before" another day.
        day_after: "the day after" another day.
        first_of: "the first day of" a month.
        last_of: "the last day of" a month.
        first_week: "the first week of" a month.
        last_week: "the last week of" a month.
        weekend: "the weekend".
        today: Parts of today, as "this morning".
        last_night: Parts of yesterday.
        other_phrases: Phrases that dateparser does not know, as "N unit ago", by that name.
        short_weekdays: Short names of weekdays, which count before a date alone: "sat" is a verb.
        ordinals: What may stand behind the number of a day.
        of: What may stand between day, month and year.
        numbers: The words for one to ten.
        few: Words for a few or a couple, with the number that is meant at most.
        week_number: What stands before the number of a week.
        quarter: "quarter", after "this" or "last".
        last_session: What asks for the end of the newest session.
        topicless: Words that say nothing of what a question is about.
    """

    before: str = ""
    before_month: str = ""
    last: str = ""
    this: str = ""
    since: str = ""
    until: str = ""
    after: str = ""
    ahead: str = ""
    between: tuple[str, str] | None = None
    recent: str = ""
    recent_one: str = ""
    several: str = ""
    recent_after: str = ""
    day_before: str = ""
    day_after: str = ""
    first_of: str = ""
    last_of: str = ""
    first_week: str = ""
    last_week: str = ""
    weekend: str = ""
    today: str = ""
    last_night: str = ""
    other_phrases: tuple[tuple[str, str], ...] = ()
    short_weekdays: str = ""
    ordinals: str = ""
    of: str = ""
    numbers: str = ""
    few: tuple[tuple[str, int], ...] = ()
    week_number: str = ""
    quarter: str = ""
    last_session: str = ""
    topicless: str = ""
