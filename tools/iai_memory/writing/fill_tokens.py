"""Token vectors of memories that were embedded without them, in steps.

Those are memories of earlier versions, of another revision of the token vectors, and imported ones.
Recall goes on without; so nothing is pending, no answer is incomplete, and nobody waits. A step is
about a second of processor time and one commit.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from ..base.locks import held
from ..embedding.encoder import MAX_TOKENS, Encoder
from ..errors import StoreBusy
from ..store.missing_tokens import MadeTokens
from ..store.table import Store
from .embed_pending import STEP_SECONDS, EmbeddingElsewhere, encode_wholes

_CHARACTERS_A_TOKEN: Final = 3
_MAX_ROWS: Final = 256


def token_step(store: Store, encoder: Encoder, *, wait_sec: float = 0) -> int:
    """Give some memories their token vectors, in one commit; return how many, 0 where none waits.

    Of damaged rows none gets any, so 0 may leave some.

    Args:
        store: Whose memories.
        encoder: Of the model whose vectors the store holds.
        wait_sec: How long to wait for another process that embeds.

    Raises:
        EmbeddingElsewhere: Another process embeds.
        StoreMismatch: The store holds another model's vectors by now.
        ModelFault: The model could not run.
        StoreFault: The store could not be written.
    """
    key = encoder.token_key
    if key is None:
        return 0
    with ExitStack() as stack:
        try:
            stack.enter_context(held(store.paths.lock("embed"), timeout=wait_sec))
        except StoreBusy as exc:
            raise EmbeddingElsewhere(str(exc)) from exc
        texts = _texts_of_step(store, encoder, key)
        if not texts:
            return 0
        _, tokens = encode_wholes(encoder, list(texts.values()))
        made = {
            id_: MadeTokens(text, one)
            for (id_, text), one in zip(texts.items(), tokens, strict=True)
            if one is not None
        }
        return store.give_tokens(made, key)


def _texts_of_step(store: Store, encoder: Encoder, key: str) -> dict[str, str]:
    """Return the newest texts that wait, as many as the model reads in a step; one at least."""
    left, found = encoder.tokens_within(STEP_SECONDS), dict[str, str]()
    for id_, text in store.latest.lacking_tokens(key, _MAX_ROWS).items():
        left -= min(MAX_TOKENS, len(text) // _CHARACTERS_A_TOKEN + 2)
        if left < 0 and found:
            break
        found[id_] = text
    return found
