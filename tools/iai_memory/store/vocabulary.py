"""The words of a column of terms, to find those that are spelled nearly like another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..text.near_names import MIN_LETTERS, edits, edits_allowed, first_sounds, romanised
from ..text.word_forms import MIN_BEGIN, is_part, likeness, without_prefixes
from .arrow import pc


@dataclass(frozen=True, slots=True)
class Sought:
    """A word to which near ones are looked for.

    Attributes:
        spelled: Romanised.
        same_begin: Whether the first sound is certain, as of a common word.
    """

    spelled: str
    same_begin: bool


@dataclass(frozen=True, slots=True)
class NearWord:
    """A word that is spelled nearly like another one.

    Attributes:
        term: As texts are searched by it, a stem.
        spelled: The term romanised.
        distance: Edits, and letters cut off the other word: 0 is nearest.
    """

    term: str
    spelled: str
    distance: int


_LONGEST: Final = 32  # letters; a longer term is no word that somebody spells
_CUT: Final = 2  # letters that a stemmer takes off a name: Nicolas, nicola
_ENDING: Final = 3  # letters in ours of an ending of another script
_THAI: Final = "\u0e00"
_A: Final = ord("a")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words of at least `MIN_LETTERS` letters, each once, and what tells most others apart.

    Terms with digits or other signs are not among them: port 5544 is not port 5545.

    Attributes:
        terms: The words as terms, (v,).
        spelled: The same romanised, (v,).
        letters: Which of the letters a to z a word has, one bit each, uint32, (v,).
        lengths: Number of letters, int16, (v,).
        first: The first sound, uint8, (v,).
        second: The sound of the second letter, uint8, (v,).
        latin: How many of the words, the first ones, are in our letters as they stand.
    """

    terms: pa.Array
    spelled: pa.Array
    letters: NDArray[np.uint32]
    lengths: NDArray[np.int16]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    latin: int

    @classmethod
    def of(cls, column: pa.StringArray) -> Self:
        """Take a column of terms separated by single spaces; a null has none.

        Costs 5 µs a row of 50 terms.
        """
        words = pc.unique(pc.list_flatten(pc.split_pattern(column, " ")))
        plain = pc.string_is_ascii(words)
        latin = words.filter(pc.and_(plain, pc.utf8_is_alpha(words)))
        others = words.filter(pc.invert(plain)).to_pylist()
        return cls._spelled(
            pa.concat_arrays([latin, pa.array(others, pa.string())]),
            pa.concat_arrays([latin, pa.array(map(romanised, others), pa.string())]),
        )

    @classmethod
    def _spelled(cls, terms: pa.Array, spelled: pa.Array) -> Self:
        lengths = pc.utf8_length(spelled)
        kept = pc.and_(pc.greater_equal(lengths, MIN_LETTERS - 1), pc.less_equal(lengths, _LONGEST))
        terms, spelled = terms.filter(kept), spelled.filter(kept)
        long: list[str] = spelled.to_pylist()
        sizes = pc.utf8_length(spelled).to_numpy().astype(np.int16)
        codes = np.frombuffer("".join(long).encode("ascii"), np.uint8) - _A
        bits = np.left_shift(np.uint32(1), codes.astype(np.uint32))
        begins = np.cumsum(sizes, dtype=np.int64) - sizes
        letters = np.bitwise_or.reduceat(bits, begins) if len(sizes) else bits[:0]
        sounds = np.frombuffer("".join(map(first_sounds, long)).encode("ascii"), np.uint8)
        latin = pc.sum(pc.equal(terms, spelled)).as_py() or 0
        return cls(terms, spelled, letters, sizes, sounds[::2], sounds[1::2], latin)

    def near(self, sought: Sought) -> list[NearWord]:
        """Return the stems that may be of another spelling of a word, the nearest first.

        Of which words they are is to be seen in the texts that have them. Costs 0.3 ms among 30,000
        words.
        """
        word = sought.spelled
        if len(word) < MIN_LETTERS - 1 or not len(self.terms):
            return []
        allowed = max(1, edits_allowed(len(word)))
        rows = pa.array(np.flatnonzero(self._may_be_near(sought, allowed)))
        pairs = zip(
            self.terms.take(rows).to_pylist(), self.spelled.take(rows).to_pylist(), strict=True
        )
        found = [
            NearWord(term, spelled, distance)
            for term, spelled in pairs
            if (distance := _distance_to_stem(word, spelled, allowed)) is not None
            and (_is_spelled(term) or word == spelled)
        ]
        found.sort(key=lambda one: (one.distance, one.term))
        return [*self._stems_of(word), *found]

    def forms(self, word: str) -> list[str]:
        """Return the terms that may be of other forms of a case-folded word, the likest first; of
        none, those of compounds with it or of its parts. Costs 1 ms among 30,000 words.
        """
        alike = [(likeness(word, term), term) for term in self._beginning_like(word)]
        alike.sort(key=lambda one: (-one[0], one[1]))
        if alike and alike[0][0]:
            return [term for value, term in alike if value]
        begin, end = word[:MIN_BEGIN], word[-MIN_BEGIN:]
        parts = pc.or_(pc.starts_with(self.terms, begin), pc.ends_with(self.terms, end))
        found = [term for term in self.terms.filter(parts).to_pylist() if is_part(word, term)]
        return sorted(found, key=lambda term: (abs(len(term) - len(word)), term))

    def _beginning_like(self, word: str) -> list[str]:
        cores = without_prefixes(word)
        if len(cores) == 1 and word.isascii():
            rows = pc.starts_with(self.terms, word[:MIN_BEGIN])
            return list(self.terms.filter(rows).to_pylist())
        others = self.terms.slice(self.latin)
        begins = {core[:MIN_BEGIN] for core in cores}
        rows = pc.match_substring_regex(others, "|".join(sorted(begins)))
        return list(others.filter(rows).to_pylist())

    def _may_be_near(self, sought: Sought, allowed: int) -> NDArray[np.bool_]:
        """Return which words a glance at length, letters and beginning does not rule out, (v,)."""
        word = sought.spelled
        bits = np.uint32(sum(1 << (ord(letter) - _A) for letter in set(word)))
        added = np.bitwise_count(self.letters & ~bits)
        lost = np.bitwise_count(bits & ~self.letters)
        longer = self.lengths - len(word)
        first, second = map(ord, first_sounds(word))
        begins = self.first == first
        if not sought.same_begin:
            begins |= self.second == second
            begins |= (self.first == second) | (self.second == first)
        found: NDArray[np.bool_] = begins & (added <= allowed) & (lost <= allowed + _CUT)
        return found & (longer <= allowed) & (longer >= -allowed - _CUT)

    def _stems_of(self, word: str) -> list[NearWord]:
        """Return the terms of other scripts that a romanised word begins with: an ending of theirs
        is cut off that is none of ours, as of Наталья.
        """
        if self.latin == len(self.terms):
            return []
        begins = [word[:end] for end in range(max(MIN_LETTERS, len(word) - _ENDING), len(word))]
        others = self.spelled.slice(self.latin)
        rows = pc.indices_nonzero(pc.is_in(others, value_set=pa.array(begins, pa.string())))
        terms = self.terms.slice(self.latin).take(rows).to_pylist()
        return [
            NearWord(term, spelled, 0)
            for term, spelled in zip(terms, others.take(rows).to_pylist(), strict=True)
            if _is_spelled(term)
        ]


def _is_spelled(term: str) -> bool:
    """Return whether the term is of a script that writes words in letters, from Latin to Sinhala.

    Terms of the later ones are syllables: those near one are other words.
    """
    return term[0] < _THAI


def _distance_to_stem(word: str, stem: str, allowed: int) -> int | None:
    """Return the edits from a romanised word, or from its beginning, to a stem, and letters cut.

    None where no beginning is within the edits allowed.
    """
    within = (
        found + cut
        for cut in range(_CUT + 1)
        if abs(len(word) - cut - len(stem)) <= allowed
        and (found := edits(word[: len(word) - cut], stem)) <= allowed
    )
    return min(within, default=None)
