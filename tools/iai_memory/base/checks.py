"""Argument checks: each returns the checked value, or raises a sentence that says what to send."""

from __future__ import annotations

from typing import Any, Final

from ..errors import InvalidInput

MAX_TEXT_BYTES: Final = 1_000_000
MAX_NAME_LENGTH: Final = 1_000
MAX_IDS: Final = 1_000
MAX_TAGS: Final = 100
MAX_TAG_LENGTH: Final = 200


def check_text(text: Any, name: str = "text") -> str:
    """Return the text if it can be stored verbatim.

    Raises:
        InvalidInput: Not text, blank, over 1 MB of UTF-8, or not encodable as UTF-8.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"{name} is not text: send a string")
    if not text.strip():
        raise InvalidInput(f"{name} is blank: send at least one word")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{name} has half of a surrogate pair: send valid Unicode") from exc
    if size > MAX_TEXT_BYTES:
        raise InvalidInput(
            f"{name} has {size:,} bytes, at most {MAX_TEXT_BYTES:,} are kept: send it in parts"
        )
    return text


def check_name(value: Any, name: str) -> str:
    """Return the name of a project, session or folder if it is text of at most 1,000 characters.

    Raises:
        InvalidInput: Not text, blank, too long, or not encodable as UTF-8.
    """
    if not isinstance(value, str) or not value or len(value) > MAX_NAME_LENGTH:
        raise InvalidInput(f"{name} is no short text: send at most {MAX_NAME_LENGTH} characters")
    return check_text(value, name)


def check_tags(tags: Any, name: str) -> tuple[str, ...]:
    """Return the tags in their order, each once.

    Raises:
        InvalidInput: Not a list of at most 100 strings that are neither blank nor longer than 200
            characters.
    """
    listed = isinstance(tags, list | tuple)
    if not listed or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise InvalidInput(f'{name} is not a list of words: send for example ["decision"]')
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        raise InvalidInput(
            f"{name} is too long: send at most {MAX_TAGS} tags of at most {MAX_TAG_LENGTH} "
            f"characters"
        )
    return tuple(dict.fromkeys(tags))


def check_ids(ids: Any) -> list[str]:
    """Return the ids in their order, each once.

    Raises:
        InvalidInput: Not a list of one to 1,000 ids.
    """
    listed = isinstance(ids, list | tuple)
    if not listed or not ids or not all(isinstance(id_, str) and id_.strip() for id_ in ids):
        raise InvalidInput("ids is not a list of ids: send the id of at least one recalled memory")
    if len(ids) > MAX_IDS:
        raise InvalidInput(f"{len(ids):,} ids in one call: send at most {MAX_IDS:,}")
    return list(dict.fromkeys(id_.strip() for id_ in ids))


def check_flag(value: Any, name: str) -> bool:
    """Return the value if it is True or False.

    Raises:
        InvalidInput: It is anything else, 0 and 1 included.
    """
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} is neither true nor false: send true or false")
    return value


def check_whole(value: Any, name: str, low: int, high: int) -> int:
    """Return the value if it is a whole number from `low` to `high`.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(f"{name} is {value!r}: send a whole number from {low} to {high:,}")
    return value


def check_share(value: Any, name: str) -> float:
    """Return the value as a float if it is a number from 0 to 1.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{name} is {value!r}: send a number from 0 to 1")
    return float(value)
