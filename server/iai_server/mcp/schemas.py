"""Short JSON schemas for models, and one sentence for an argument that breaks one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "finite": "a number",
    "float": "a number",
}


def lean(schema: Any) -> Any:
    """Return the schema of arguments without titles, docstrings of models, and `or null`.

    pydantic derives a title from every name, which costs a model tokens and has no information.
    What may be null may be left out; the dialects of several hosts know no other way to say that,
    and refuse two types. A null that is sent all the same is accepted.
    """
    short = _without_noise(schema, lean)
    if not isinstance(short, dict):
        return short
    match short.get("anyOf"):
        case [first, {"type": "null"}]:
            del short["anyOf"]
            if short.get("default", ...) is None:
                del short["default"]
            return {**first, **short}
        case _:
            return short


def lean_result(schema: Any) -> Any:
    """Return the schema of a result without titles and docstrings; it allows more fields.

    A host may go on with the schema of an older version; a field that is new since then must not
    break it.
    """
    short = _without_noise(schema, lean_result)
    if isinstance(short, dict) and short.get("additionalProperties") is False:
        del short["additionalProperties"]
    return short


def _without_noise(schema: Any, inner: Callable[[Any], Any]) -> Any:
    if isinstance(schema, list):
        return [inner(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: inner(value)
        for key, value in schema.items()
        if not (isinstance(value, str) and _is_noise(key, schema))
    }


def rejection(tool: str, problem: ValidationError) -> str:
    """Return one sentence on the first argument that breaks the schema: which, and what to send."""
    first = problem.errors(include_url=False, include_context=True, include_input=False)[0]
    where = _place(first["loc"])
    kind = first["type"]
    if kind == "missing":
        return f"{tool} needs {where}: send it"
    if kind == "extra_forbidden":
        return f"{tool} has no field {where}: leave it out"
    if kind == "literal_error":
        return f"{where} of {tool} cannot be used: send {first.get('ctx', {})['expected']}"
    if kind == "string_unicode":
        return f"{where} of {tool} has half of a surrogate pair: send valid Unicode"
    expected = _EXPECTED.get(kind.split("_")[0], "what its input schema asks for")
    return f"{where} of {tool} cannot be used: send {expected}"


def _is_noise(key: str, schema: dict[str, Any]) -> bool:
    # The description of an argument is written for models; that of a whole model is its docstring.
    return key == "title" or (key == "description" and "properties" in schema)


def _place(loc: tuple[int | str, ...]) -> str:
    """Return a path such as `memories[0].role`; names come from the caller, so cut and escaped."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{ascii(part[:40])[1:-1]}" for part in loc]
    return "".join(parts).removeprefix(".") or "arguments"
