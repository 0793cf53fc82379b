"""A set of coding sessions of our own in the shape of `real_data`, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SAID = {
    "aaaa": (
        "2026-03-02",
        (
            "u:Why does the importer of the catalogue stop after ten files?",
            "a:Let me look at the reader first.",
            "a:The importer stops because the catalogue lists ten files a page.",
            "u:then read all the pages, but keep the order",
            "a:It follows the link to the next page now, and keeps the order.",
        ),
    ),
    "bbbb": (
        "2026-03-09",
        (
            "u:Which licence does the icon font have?",
            "a:The icon font is under the Open Font Licence.",
            "u:ok, mention it in the credits",
            "a:The credits name the font and its licence now.",
        ),
    ),
}
_ASKED: tuple[dict[str, Any], ...] = (
    {"question": "why did the importer stop after ten files?", "kind": "incident", "of": [2]},
    {"question": "which licence has the icon font?", "kind": "fact", "of": [6]},
    {"question": "was the order of the pages kept?", "kind": "decision", "of": [3, 4]},
    {"question": "¿qué licencia tiene la fuente de iconos?", "kind": "lang-es", "of": [6]},
    {"question": "what did we do on 9 March 2026?", "kind": "time", "day": "bbbb"},
    {"question": "what did we do yesterday?", "kind": "time", "day": "bbbb", "now": "2026-03-10"},
    {"question": "what does the veterinarian charge?", "kind": "none", "of": []},
)


def write_tiny_set(folder: Path) -> Path:
    """Write the set into a new folder; return it."""
    folder.mkdir()
    lines = [
        _line(session, number, day, said)
        for session, (day, turns) in _SAID.items()
        for number, said in enumerate(turns)
    ]
    uuids = [line["uuid"] for line in lines]
    (folder / "all.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    told = {"corpus": {"files": ["all.jsonl"]}, "questions": [_asked(one, uuids) for one in _ASKED]}
    (folder / "questions.json").write_text(json.dumps(told))
    return folder


def _line(session: str, number: int, day: str, said: str) -> dict[str, Any]:
    role = "user" if said.startswith("u:") else "assistant"
    return {
        "type": role,
        "uuid": f"d{session}-{number}",
        "parentUuid": f"d{session}-{number - 1}" if number else None,
        "sessionId": session,
        "cwd": "/home/dev/shelf",
        "timestamp": f"{day}T12:{number:02}:00.000Z",
        "message": {"role": role, "content": said[2:]},
    }


def _asked(one: dict[str, Any], uuids: list[str]) -> dict[str, Any]:
    evidence = [{"uuid": uuids[number]} for number in one.get("of", [])]
    now = one.get("now")
    return {
        "question": one["question"],
        "kind": one["kind"],
        "now": f"{now}T09:00:00Z" if now else None,
        "evidence": [{"day": one["day"]}] if "day" in one else evidence,
    }
