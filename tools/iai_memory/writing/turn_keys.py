"""Keys of turns on their way into the store: an id is believed only with the words it stands for.

Sanitised transcripts give one id to many turns, and a host may write a line anew under its id. So a
turn is known by its id where a stored turn of that id has its words; otherwise both are kept, the
later one under a key that its words are part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..store.idempotency import TurnIdentity
from ..store.known import KnownMemories, KnownMemory, hash_of_words
from ..store.record import Record
from ..store.table import Store
from ..text.same_words import has_all_words
from .draft import Draft
from .new_memory import NewMemory

Keys = Sequence[tuple[TurnIdentity, str]]
"""Identities of a turn with their keys: today's, then that of earlier versions."""


def keys_of(identity: TurnIdentity | None, text: str) -> Keys:
    """Return the keys by which a turn with this text may be known; none for what is no turn."""
    return [] if identity is None else [(one, one.key(text)) for one in identity.all_known()]


def known_by_words(memory: NewMemory, keys: Keys, known: KnownMemories) -> KnownMemory | None:
    """Return the stored turn that is the memory, word for word; costs no redaction."""
    words = None
    for identity, key in keys:
        for one in known.get(key, ()):
            words = words or hash_of_words(memory.role, memory.text)
            is_other = identity.unless_session is not None and (
                one.session_id == identity.unless_session
            )
            if not is_other and (identity.with_text or one.words == words):
                return one
    return None


def with_keys(store: Store, drafts: Mapping[int, Draft], known: KnownMemories) -> dict[int, Draft]:
    """Return the drafts, each turn with the stored one that it is or with the key that it gets.

    Args:
        store: The store.
        drafts: Any; those of no transcript, or skipped, stay as they are.
        known: What the store holds under the `keys_of` their redacted texts.
    """
    texts = _texts_to_compare(store, drafts.values(), known)
    firsts: dict[str, Draft] = {}
    keyed: dict[int, Draft] = {}
    others: dict[str, list[int]] = {}
    for number, draft in drafts.items():
        if draft.identity is None or draft.skip is not None:
            keyed[number] = draft
            continue
        same = _known_as(draft, known, texts)
        key = draft.identity.key(draft.record.text)
        if same is None and not draft.identity.with_text:
            first = firsts.setdefault(key, draft)
            is_other = first is not draft and not _has_all_words(first.record, draft)
            if key in known or is_other:
                key = draft.identity.with_other_words(draft.record.role).key(draft.record.text)
                others.setdefault(key, []).append(number)
        keyed[number] = replace(draft, record=replace(draft.record, idem=key), same=same)
    for key, same_key in store.by_keys(list(others)).items():
        for number in others[key]:
            keyed[number] = replace(keyed[number], same=same_key[0])
    return keyed


def _known_as(
    draft: Draft, known: KnownMemories, texts: Mapping[str, Record]
) -> KnownMemory | None:
    for identity, one in _holders(draft, known):
        if identity.with_text or _says_the_same(draft, one):
            return one
        if one.id in texts and _has_all_words(texts[one.id], draft):
            return one
    return None


def _holders(draft: Draft, known: KnownMemories) -> Iterator[tuple[TurnIdentity, KnownMemory]]:
    for identity, key in keys_of(draft.identity, draft.record.text):
        for one in known.get(key, ()):
            if identity.unless_session is None or one.session_id != identity.unless_session:
                yield identity, one


def _says_the_same(draft: Draft, one: KnownMemory) -> bool:
    return one.words == hash_of_words(draft.record.role, draft.record.text)


def _has_all_words(stored: Record, draft: Draft) -> bool:
    role_is_same = stored.role == draft.record.role
    return role_is_same and has_all_words(stored.text, draft.told, draft.record.text)


def _texts_to_compare(
    store: Store, drafts: Iterable[Draft], known: KnownMemories
) -> dict[str, Record]:
    """Return by id the stored turns whose words, compared by their hashes, are others."""
    ids = {
        one.id: None
        for draft in drafts
        for identity, one in _holders(draft, known)
        if not (identity.with_text or _says_the_same(draft, one))
    }
    return {record.id: record for record in (store.latest.get(list(ids)) if ids else ())}
