"""Turns in any number, as long as people's, made from the sentences of the longitudinal set."""

from __future__ import annotations

import math
import random
from itertools import accumulate, chain

from .longitudinal_texts import BYSTANDERS, SUBJECTS, load_noise

SEED = 20261123
RARE_SHARE = 0.25
_VOCABULARY = 200_000
_HALF_A_SENTENCE = 4
_SYLLABLES = [c + v for c in "bdfghjklmnprstvz" for v in "aeiou"]
# Words of the 2,760 turns of LoCoMo's conversations 0 to 4: so many at each of these shares.
_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_WORDS = (2, 9, 11, 14, 17, 20, 24, 28, 33, 39, 48, 56, 67, 82)


class Talk:
    """Draws turns from a seed; the same calls in the same order give the same turns.

    The sentences know some hundreds of words. A store has a long tail of others, which is what its
    text index looks up, so a share of the words can be made up: word number n comes 1/n as often as
    the first (Zipf's law), so that a larger store has more of them.
    """

    def __init__(self, seed: int = SEED) -> None:
        """Begins at the seed."""
        self._draw = random.Random(seed)
        noise = load_noise()
        self._slots = noise.slots
        self._templates = [
            (sort, line) for sort, lines in noise.about.items() for line in lines if sort in _NAMES
        ]

    def turn(self, *, rare: float = 0.0) -> str:
        """One turn of as many words as a turn of LoCoMo, give or take a sentence.

        Args:
            rare: Share of the words that are made up, 0 to 1.
        """
        return self.text_of(self._length(), rare=rare)

    def text_of(self, words: int, *, rare: float = 0.0) -> str:
        """Sentences until there are so many words, the made-up ones as sentences of their own."""
        made_up = round(rare * words)
        sentences = [self._sentence()]
        while sum(len(one.split()) for one in sentences) < words - made_up - _HALF_A_SENTENCE:
            sentences.append(self._sentence())
        if made_up:
            tail = " ".join(self._made_up() for _ in range(made_up))
            sentences.insert(self._draw.randint(0, len(sentences)), f"{tail.capitalize()}.")
        return " ".join(sentences)

    def text_of_bytes(self, size: int) -> str:
        """Sentences, cut at so many bytes; there are none but ASCII letters in them."""
        sentences: list[str] = []
        while sum(len(one) + 1 for one in sentences) < size:
            sentences.append(self._sentence())
        return " ".join(sentences)[:size]

    def _length(self) -> int:
        share = self._draw.random()
        above = next(at for at, one in enumerate(_SHARES) if one >= share and at)
        low, high = _SHARES[above - 1], _SHARES[above]
        part = (share - low) / (high - low)
        return round(_WORDS[above - 1] + part * (_WORDS[above] - _WORDS[above - 1]))

    def _sentence(self) -> str:
        sort, template = self._draw.choice(self._templates)
        names = {
            "s": self._draw.choice(_NAMES[sort]),
            "other": self._draw.choice(_NAMES["person"]),
            "person": self._draw.choice(_NAMES["person"]),
            "project": self._draw.choice(_NAMES["project"]),
        }
        words = {name: self._draw.choice(pool) for name, pool in self._slots.items()}
        return template.format(**names, **words)

    def _made_up(self) -> str:
        rank = int(math.exp(self._draw.random() * math.log(_VOCABULARY)))
        digits = accumulate(range(2), lambda left, _: left // len(_SYLLABLES), initial=rank)
        return "".join(_SYLLABLES[digit % len(_SYLLABLES)] for digit in digits)


_NAMES = {
    **{sort: tuple(chain(SUBJECTS[sort], BYSTANDERS[sort])) for sort in SUBJECTS},
    "assistant": ("nobody",),
}
