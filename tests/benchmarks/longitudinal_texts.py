"""The sentences of the longitudinal set as they stand in the two text files beside this one.

`longitudinal_kinds.txt` has a block for each kind of fact: what a subject has (`v`), how it is
first told and how a change is told (`first`, `now`), a near miss that names a value and tells
nothing (`beside`), questions in other words for what holds and for what held before (`ask`,
`before`), and one that may use the same words (`plain`).
`longitudinal_noise.txt` has what else is said, and the words that fill its gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SUBJECTS: dict[str, tuple[str, ...]] = {
    "person": (
        *("Ines", "Tomas", "Greta", "Milan", "Farida", "Oscar"),
        *("Wanda", "Iker", "Selma", "Hugo", "Nadia", "Edgar"),
    ),
    "project": (
        *("Lumen", "Quill", "Harbor", "Sextant", "Thistle"),
        *("Bobbin", "Plover", "Cairn", "Magnet", "Drizzle"),
    ),
    "host": ("kestrel", "osprey", "heron", "merlin", "bittern", "dunlin", "curlew", "siskin"),
    "pet": ("Biscuit", "Pepper", "Moss", "Pickle", "Olive", "Figaro", "Button", "Rollo"),
    "self": ("I",),
}
"""Who and what the facts are about."""

BYSTANDERS: dict[str, tuple[str, ...]] = {
    "person": (
        *("Anouk", "Bela", "Cosmo", "Dagny", "Elin", "Fritz", "Gunnar", "Hedda"),
        *("Imre", "Jutta", "Klara", "Lorenz", "Mirko", "Nele", "Otis", "Petra"),
        *("Quentin", "Rieke", "Stellan", "Thea", "Ulrik", "Vera", "Wim", "Xenia"),
    ),
    "project": (
        *("Anvil", "Bramble", "Cobweb", "Dovetail", "Ember", "Flint"),
        *("Gasket", "Hopper", "Inkwell", "Jigsaw", "Kiln", "Ladle"),
    ),
    "host": ("avocet", "brambling", "crake", "dipper", "egret", "fulmar", "godwit", "harrier"),
    "pet": ("Archie", "Bella", "Crumpet", "Daisy", "Echo", "Fidget", "Gizmo", "Hazel"),
    "self": (),
}
"""Who and what is talked about too, without a fact."""

STRANGERS: dict[str, tuple[str, ...]] = {
    "person": ("Zelda", "Bjarne", "Oriana", "Casimir"),
    "project": ("Obelisk", "Parsnip", "Vortex", "Lantern"),
    "host": ("puffin", "condor", "gannet", "wagtail"),
    "pet": ("Waffles", "Bandit", "Noodle", "Duchess"),
    "self": (),
}
"""Subjects that no text mentions."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be known about a subject, and the sentences around it.

    Attributes:
        name: Such as "home town".
        about: A key of `SUBJECTS`.
        values: Ten or more.
        first: Sentences with {s} and {v} that tell the first value.
        now: The same for a change.
        beside: A sentence with {s} and {v} from which the fact does not follow.
        ask: Questions with {s} for what holds, in other words than the sentences.
        plain: A question for the same that may use the words of the sentences.
        before: A question with {s} for what held just before.
    """

    name: str
    about: str
    values: tuple[str, ...]
    first: tuple[str, ...]
    now: tuple[str, ...]
    beside: str
    ask: tuple[str, ...]
    plain: str
    before: str


@dataclass(frozen=True, slots=True)
class Noise:
    """What else is said.

    Attributes:
        slots: Words for each gap.
        about: Sentences by kind of subject; those of "assistant" are about nobody.
        openers: What may stand before a sentence, blank included.
        closers: Sentences that may stand behind one.
    """

    slots: dict[str, tuple[str, ...]]
    about: dict[str, tuple[str, ...]]
    openers: tuple[str, ...]
    closers: tuple[str, ...]


def load_kinds() -> list[Kind]:
    """All kinds, in the file's order.

    Raises:
        ValueError: A block of the file is incomplete.
    """
    return [_kind(title, lines) for title, lines in _blocks("longitudinal_kinds.txt")]


def load_noise() -> Noise:
    """What else is said."""
    blocks = dict(_blocks("longitudinal_noise.txt"))
    slots = {name: _listed(words) for name, words in map(_field, blocks.pop("slots"))}
    openers, closers = blocks.pop("openers"), blocks.pop("closers")
    return Noise(
        slots=slots,
        about={name: tuple(lines) for name, lines in blocks.items()},
        openers=tuple(f"{line.rstrip()} " for line in openers),
        closers=tuple(closers),
    )


def _kind(title: str, lines: list[str]) -> Kind:
    name, _, about = title.partition(" | ")
    fields: dict[str, list[str]] = {}
    for key, text in map(_field, lines):
        fields.setdefault(key, []).append(text)
    try:
        [values], [beside] = fields["v"], fields["beside"]
        [plain], [before] = fields["plain"], fields["before"]
        return Kind(
            name=name,
            about=about,
            values=_listed(values),
            first=tuple(fields["first"]),
            now=tuple(fields["now"]),
            beside=beside,
            ask=tuple(fields["ask"]),
            plain=plain,
            before=before,
        )
    except (KeyError, ValueError) as exc:
        raise ValueError(f"longitudinal_kinds.txt, block {name!r}: {exc!r}") from exc


def _blocks(name: str) -> list[tuple[str, list[str]]]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in text.removeprefix("# ").split("\n# ")]
    return [(title, [line for line in lines if line]) for title, *lines in blocks]


def _field(line: str) -> tuple[str, str]:
    key, _, text = line.partition(": ")
    return key, text


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split("; "))
