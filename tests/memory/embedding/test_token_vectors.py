"""The vectors of a text's tokens: the same beside any other texts, and whole after the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.model_folders import found_model

from iai_memory.embedding.encoder import Encoder, load_encoder
from iai_memory.embedding.identity import IDENTITY
from iai_memory.embedding.token_vectors import (
    LARGEST_CODE,
    TOKEN_DIMENSION,
    TokenVectors,
    bytes_of_text,
    max_similarities,
    unpacked,
    words_of_tokens,
)

TEXTS = [
    "The staging database listens on port 5544.",
    "Zoë's café — it's on Ürümqi Street 🎉, they said.",
    "我们把服务器搬到了法兰克福。",
    "tea " * 300,
    "",
]


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> Encoder:
    return load_encoder(found_model(model=model_folder))


def same(one: TokenVectors, other: TokenVectors) -> bool:
    return np.array_equal(one.codes, other.codes) and np.array_equal(one.spans, other.spans)


def words(text: str, vectors: TokenVectors) -> list[str]:
    return [text[start:end] for start, end in vectors.spans.tolist()]


def test_tokens_have_the_same_bits_alone_and_beside_any_others(encoder: Encoder) -> None:
    texts = [*TEXTS, *(f"number {number} of as many tokens" for number in range(40))]
    together = encoder.encode_tokens(texts)
    alone = [one for text in texts for one in encoder.encode_tokens([text])]
    assert all(map(same, together, alone))


def test_a_text_has_the_same_vector_with_its_tokens_and_without(encoder: Encoder) -> None:
    assert np.array_equal(encoder.encode_with_tokens(TEXTS)[0], encoder.encode(TEXTS))


def test_words_have_vectors_and_punctuation_has_none(encoder: Encoder) -> None:
    text = "Well, the staging-DB (eu) listens: on port 5544!"
    [vectors] = encoder.encode_tokens([text])
    assert "".join(words(text, vectors)) == "WellthestagingDBeulistensonport5544"
    assert vectors.codes.shape == (len(vectors), TOKEN_DIMENSION)
    assert np.abs(vectors.codes).max() <= LARGEST_CODE


def test_what_follows_the_254th_token_has_no_vector(encoder: Encoder) -> None:
    [vectors] = encoder.encode_tokens(["tea " * 300])
    assert len(vectors) == 254


def test_a_text_without_words_has_no_vectors(encoder: Encoder) -> None:
    assert [len(one) for one in encoder.encode_tokens(["", "?!", " \n"])] == [0, 0, 0]


def test_a_word_is_nearest_to_the_word_that_means_the_same(encoder: Encoder) -> None:
    [asked, car, tea] = encoder.encode_tokens(
        ["automobile", "He sold his car in May.", "He drank his tea in May."]
    )
    [[of_car], [of_tea]] = max_similarities(
        asked.chosen(np.arange(len(asked)) == 0), [car, tea]
    ).tolist()
    assert of_car > of_tea


def test_a_text_without_tokens_is_like_nothing() -> None:
    one = TokenVectors.of(
        np.ones((2, TOKEN_DIMENSION), np.int8), np.array([[0, 1], [2, 3]], np.int32)
    )
    none = one.chosen(np.zeros(2, np.bool_))
    assert max_similarities(one, [none, one]) == pytest.approx(np.array([[0, 0], [1, 1]]))
    assert max_similarities(none, [one]).shape == (1, 0)


@pytest.mark.parametrize("asked", [1, 7, 254, 3_000])
def test_cosines_are_those_of_the_numbers_however_many_tokens_are_compared(asked: int) -> None:
    chance = np.random.default_rng(1)
    lengths = [asked, 254, 0, 40]
    question, *texts = (
        TokenVectors.of(
            chance.integers(-LARGEST_CODE, LARGEST_CODE + 1, (count, TOKEN_DIMENSION), np.int8),
            np.zeros((count, 2), np.int32),
        )
        for count in lengths
    )
    units = [
        one.codes / np.linalg.norm(one.codes, axis=1, keepdims=True) for one in (question, *texts)
    ]
    expected = [(one @ units[0].T).max(axis=0, initial=-1.0) for one in units[1:]]
    expected[1] = np.zeros(asked)
    assert np.allclose(max_similarities(question, texts), expected, atol=1e-6)


def test_a_name_is_left_out_with_all_of_its_tokens(encoder: Encoder) -> None:
    text = "Nikolasia moved to Bergen"
    [vectors] = encoder.encode_tokens([text])
    assert words(text, vectors.without([(0, 9)])) == ["moved", "to", "Bergen"]


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=())))
def test_vectors_of_any_text_come_back_from_the_column_as_they_were(
    encoder: Encoder, text: str
) -> None:
    [vectors] = encoder.encode_tokens([text])
    [other] = encoder.encode_tokens(["another text"])
    contents = {key: bytes_of_text(one.to_text()) for key, one in (("1", other), ("2", vectors))}
    assert same(unpacked(contents)["2"], vectors)


@pytest.mark.parametrize("text", ["AAAA", "no base64!", "A"])
def test_a_column_of_something_else_is_no_vectors(text: str) -> None:
    with pytest.raises(ValueError, match=r"token vectors|base64|padding|characters"):
        bytes_of_text(text)


def test_each_token_knows_the_word_that_it_is_part_of() -> None:
    text = "Ann's café, no?"
    spans = [(0, 3), (3, 4), (4, 5), (6, 10), (10, 11), (12, 14), (14, 15), (0, 0)]
    assert words_of_tokens(text, spans) == [*["Ann's"] * 3, "café", None, "no", None, None]


def test_token_vectors_are_known_by_the_model_and_their_own_revision() -> None:
    assert IDENTITY.token_key == f"{IDENTITY.key}/tokens-{IDENTITY.tokens}"
    assert "tokens" not in IDENTITY.key
