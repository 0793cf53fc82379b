"""Vectors of one byte a component: how far off their cosines are, and what never changes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from iai_memory.store.quantization import Int8Codes, binary_codes, hamming_shortlist
from iai_memory.store.session_order import SessionOrder
from iai_memory.store.similarity import Similarity, similarities_of
from iai_memory.store.snapshot.vector_index import VectorIndex, Vectors
from iai_memory.store.vector_rows import Vector


def some_vectors(seed: int, count: int) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    vectors: Vector = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return vectors


@given(seed=st.integers(0, 2**32 - 1))
def test_a_cosine_of_codes_is_that_of_the_vectors_to_two_digits(seed: int) -> None:
    vectors = some_vectors(seed, 40)
    near = vectors[1:] + vectors[:1]
    found = Int8Codes.of(near).cosines(vectors[0])
    expected = near @ vectors[0] / np.linalg.norm(near, axis=1)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=0.003)


def test_a_vector_is_itself_whatever_its_length_and_company() -> None:
    vectors = some_vectors(1, 9)
    together = Int8Codes.of(vectors).cosines(vectors[0])
    assert together[0] == pytest.approx(1.0, abs=1e-6)
    alone = [
        float(Int8Codes.of(vectors[at : at + 1]).cosines(vectors[0] * 3)[0]) for at in range(9)
    ]
    assert together.tolist() == alone


def test_no_vectors_and_a_vector_without_a_direction_are_like_nothing() -> None:
    query = some_vectors(2, 1)[0]
    assert Int8Codes.of(np.empty((0, 384), np.float32)).cosines(query).tolist() == []
    assert Int8Codes.of(np.zeros((1, 384), np.float32)).cosines(query).tolist() == [0.0]


def test_a_text_is_as_like_as_its_best_passage_and_a_short_one_as_its_whole() -> None:
    found = similarities_of(
        ["short", "long"],
        np.array([1, 3]),
        np.array([0.25, 0.75, 0.5, 0.125], np.float32),
        np.array([[0, 0], [0, 0], [0, 4], [5, 9]], np.int32),
    )
    assert found == {
        "short": Similarity(0.25, 0.25, None),
        "long": Similarity(0.75, 0.5, (0, 4)),
    }
    none = np.empty(0, np.float32)
    assert similarities_of([], none.astype(np.int64), none, np.empty((0, 2), np.int32)) == {}


def test_a_session_knows_what_came_before_and_after() -> None:
    spoken = SessionOrder(("a", "b", "c"))
    assert [spoken.before(id_) for id_ in "abcd"] == [None, "a", "b", None]
    assert [spoken.after(id_) for id_ in "abcd"] == ["b", "c", None, None]


def parts_of(vectors: Vector, *cuts: int) -> list[Vectors]:
    """One vector a row, in a part before the first cut, one between each two and one after."""
    parts = list[Vectors]()
    for part in np.split(vectors, cuts):
        codes, spans = Int8Codes.of(part), np.zeros((len(part), 2), np.int32)
        counts = np.ones(len(part), np.int32)
        parts.append(Vectors.of(codes, binary_codes(codes.components), spans, counts))
    return parts


def nearest(
    parts: list[Vectors], query: Vector, admitted: NDArray[np.bool_] | None = None
) -> tuple[list[int], NDArray[np.float32]]:
    """Rows that are compared in full, every one admitted or those, and their cosines."""
    sizes = [len(part) for part in parts]
    each = np.ones(sum(sizes), np.bool_) if admitted is None else admitted
    rows, cosines = VectorIndex(parts).nearest(query, np.split(each, np.cumsum(sizes)[:-1]))
    return rows.tolist(), cosines


@pytest.mark.parametrize("cuts", [(), (20,), (0, 1, 49)])
def test_of_few_vectors_each_is_compared_and_none_that_is_not_asked_about(
    cuts: tuple[int, ...],
) -> None:
    vectors = some_vectors(3, 50)
    held = parts_of(vectors, *cuts)
    places, cosines = nearest(held, vectors[7])
    assert places == list(range(50))
    assert cosines == pytest.approx(vectors @ vectors[7], abs=0.003)
    odd = np.arange(50) % 2 == 1
    assert nearest(held, vectors[7], odd)[0] == list(range(1, 50, 2))
    nobody = np.zeros(50, np.bool_)
    assert nearest(held, vectors[7], nobody)[0] == []


@pytest.mark.parametrize("cuts", [(), (12_000, 18_000)])
def test_of_many_vectors_the_nearest_are_among_those_compared(cuts: tuple[int, ...]) -> None:
    chance = np.random.default_rng(4)
    # Around a few middles, as sentences lie: those of one middle are told apart by little.
    middles = some_vectors(5, 40)[chance.integers(40, size=20_000)]
    vectors = middles + some_vectors(6, 20_000)
    asked = middles[:20] + some_vectors(7, 20)
    held = parts_of(vectors, *cuts)
    exact = asked @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    found = 0
    for query, cosines in zip(asked, exact, strict=True):
        places, _ = nearest(held, query)
        assert len(places) < 2_000
        found += len(set(np.argsort(-cosines)[:10].tolist()) & set(places))
    assert found / 200 >= 0.98


def test_a_row_is_as_near_as_its_nearest_vector_wherever_it_lies() -> None:
    vectors = some_vectors(9, 6)
    codes = Int8Codes.of(vectors)
    signs, spans = binary_codes(codes.components), np.zeros((6, 2), np.int32)
    held = Vectors.of(codes, signs, spans, np.array([1, 0, 3, 2], np.int32))
    for parts, first in (([held], 0), ([held.only(np.zeros(4, np.bool_)), held, held], 0)):
        rows, cosines = nearest(parts, vectors[2])
        assert rows[first : first + 3] == [0, 2, 3]
        expected = [codes.cosines(vectors[2])[part].max() for part in ([0], [1, 2, 3], [4, 5])]
        assert cosines[:3].tolist() == expected
    only = held.only(np.array([False, True, True, False]))
    assert only.places_of(np.array([1]))[0].tolist() == [0, 1, 2]
    assert only.codes.components.tolist() == codes.components[1:4].tolist()


@given(seed=st.integers(0, 2**32 - 1), most=st.integers(0, 60))
def test_who_shares_the_most_signs_is_asked_first_with_all_that_share_as_many(
    seed: int, most: int
) -> None:
    chance = np.random.default_rng(seed)
    signs = binary_codes(chance.standard_normal((50, 11)))
    admitted = chance.integers(2, size=50).astype(np.bool_)
    chosen = hamming_shortlist(signs[:1], [signs], admitted, most).tolist()
    differing = np.unpackbits(signs ^ signs[:1], axis=1).sum(axis=1, dtype=int)
    asked = np.flatnonzero(admitted)
    farthest = np.sort(differing[asked])[:most].max(initial=-1)
    assert chosen == asked[differing[asked] <= farthest].tolist()


@pytest.mark.parametrize("cuts", [(), (0, 7, 50_000, 100_000)])
def test_signs_are_counted_on_two_cores_as_on_one(cuts: tuple[int, ...]) -> None:
    chance = np.random.default_rng(8)
    signs = chance.integers(256, size=(100_001, 3), dtype=np.uint8)
    parts = np.split(signs, cuts)
    chosen = hamming_shortlist(signs[-1:], parts, None, 50)
    differing = np.unpackbits(signs ^ signs[-1:], axis=1).sum(axis=1, dtype=int)
    assert chosen.tolist() == np.flatnonzero(differing <= np.sort(differing)[49]).tolist()
