"""Short JSON schemas for models, and one sentence for an argument that breaks one."""

from __future__ import annotations

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
    """Return the schema without titles and docstrings of models, with `or null` in its short form.

    pydantic derives a title from every name, which costs a model tokens and has no information.
    """
    if isinstance(schema, list):
        return [lean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    short = {
        key: lean(value)
        for key, value in schema.items()
        if not (isinstance(value, str) and _is_noise(key, schema))
    }
    match short.get("anyOf"):
        case [{"type": str() as kind, **rest}, {"type": "null"}]:
            del short["anyOf"]
            return {"type": [kind, "null"], **rest, **short}
        case _:
            return short


def lean_result(schema: Any) -> Any:
    """Return the lean schema of a result, which allows more fields.

    A host may go on with the schema of an older version; a field that is new since then must not
    break it.
    """
    match lean(schema):
        case dict() as short:
            return {
                key: lean_result(value)
                for key, value in short.items()
                if key != "additionalProperties" or value is not False
            }
        case list() as items:
            return [lean_result(item) for item in items]
        case plain:
            return plain


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
