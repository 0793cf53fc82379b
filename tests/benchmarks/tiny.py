"""A conversation of our own in LoCoMo's shape, small enough for a test."""

from __future__ import annotations

from typing import Any

_SAID: list[tuple[str, list[tuple[str, ...]]]] = [
    (
        "9:05 am on 3 March, 2024",
        [
            ("Ines", "I repaired the old lighthouse lamp yesterday."),
            ("Bruno", "Well done! I spent the whole morning feeding the goats."),
            ("Ines", "Look at the harbour.", "a photo of a red sailing boat"),
        ],
    ),
    (
        "12:30 pm on 17 June, 2024",
        [
            ("Bruno", "My sister Carla has moved to Lisbon."),
            ("Ines", "Then she can visit the tile museum with you."),
            ("Bruno", "I bought a cello and practise every evening."),
        ],
    ),
]
_ASKED = [
    ("Who repaired the lighthouse lamp?", 4, ["D1:1"]),
    ("When did Carla move to Lisbon?", 2, ["D2:1"]),
    ("What did Bruno do with goats and with a cello?", 1, ["D1:2; D2:3"]),
    ("Which boat did Ines show?", 4, ["D:1:3"]),
    ("Would Bruno like a concert?", 3, ["D"]),
    ("What did Ines say about whales?", 5, ["D1:1"]),
]


def tiny_data() -> list[dict[str, Any]]:
    """One conversation of two sessions and six turns; four of its questions have valid evidence."""
    conversation: dict[str, Any] = {"speaker_a": "Ines", "speaker_b": "Bruno"}
    for number, (began, turns) in enumerate(_SAID, 1):
        conversation[f"session_{number}_date_time"] = began
        conversation[f"session_{number}"] = [
            {"dia_id": f"D{number}:{index}", "speaker": speaker, "text": text}
            | ({"blip_caption": caption[0]} if caption else {})
            for index, (speaker, text, *caption) in enumerate(turns, 1)
        ]
    questions = [
        {"question": text, "category": category, "evidence": evidence, "answer": "-"}
        for text, category, evidence in _ASKED
    ]
    return [{"sample_id": "tiny", "conversation": conversation, "qa": questions}]
