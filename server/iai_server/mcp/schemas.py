"""JSON schemas as short as they can be said, and what to send when an argument breaks one."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

_WANTED = {
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
    """The schema without titles and docstrings of models, and with `or null` in its short form.

    pydantic derives a title from every name, which tells a model nothing and costs it tokens.
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
    """The schema of a result, lean and open to more fields.

    A host may go on with the schema of an older version; a field that came since breaks nothing.
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
    """One sentence on the first argument that breaks the schema: which one, and what to send."""
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
    wanted = _WANTED.get(kind.split("_")[0], "what its input schema asks for")
    return f"{where} of {tool} cannot be used: send {wanted}"


def _is_noise(key: str, schema: dict[str, Any]) -> bool:
    # The description of an argument is ours and stays; that of a whole model is its docstring.
    return key == "title" or (key == "description" and "properties" in schema)


def _place(loc: tuple[int | str, ...]) -> str:
    """`memories[0].role`; a name comes from the caller, so it is cut and escaped."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{ascii(part[:40])[1:-1]}" for part in loc]
    return "".join(parts).removeprefix(".") or "arguments"
