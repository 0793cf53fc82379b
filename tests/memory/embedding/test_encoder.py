"""The same vectors as the published model, whatever else is embedded beside a text."""

from __future__ import annotations

import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from tests.support.checkout import FIXTURES
from tests.support.model_folders import found_model, run_python
from tokenizers import Encoding, Tokenizer

from iai_memory.embedding.encoder import MAX_TOKENS, Encoder, load_encoder
from iai_memory.embedding.identity import (
    DIMENSION,
    IDENTITY,
    MULTILINGUAL,
    EmbedderIdentity,
    text_cosine,
)
from iai_memory.embedding.model import EmbeddingModel
from iai_memory.embedding.model_files import find_model, open_model
from iai_memory.errors import ModelFault
from iai_memory.settings import load_settings

TEXTS: dict[str, str] = json.loads((FIXTURES / "embedding_reference.json").read_text("utf-8"))
REFERENCE = dict(zip(TEXTS, np.load(FIXTURES / "embedding_reference.npy"), strict=True))


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> Encoder:
    files = find_model(load_settings(model=model_folder))
    assert files is not None
    return load_encoder(files)


# The vectors


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_nearly_the_vector_that_sentence_transformers_gives_it(
    encoder: Encoder, name: str
) -> None:
    (vector,) = encoder.encode([TEXTS[name]])
    assert float(vector @ REFERENCE[name]) >= 0.994
    assert np.abs(vector - REFERENCE[name]).max() < 0.02


def test_on_average_eight_bits_cost_less_than_two_thousandths_of_the_cosine(
    encoder: Encoder,
) -> None:
    vectors = encoder.encode(list(TEXTS.values()))
    cosines = (vectors * np.array(list(REFERENCE.values()))).sum(axis=1)
    assert cosines.mean() > 0.998


def test_a_text_has_the_same_bits_alone_and_beside_any_others(encoder: Encoder) -> None:
    texts = [*TEXTS.values(), *(f"number {number} of as many tokens" for number in range(40))]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.array_equal(together, alone)


@pytest.mark.slow
def test_a_text_has_the_same_bits_with_any_number_of_threads(
    encoder: Encoder, model_folder: Path
) -> None:
    texts = list(TEXTS.values())
    files = found_model(model=model_folder)
    expected = encoder.encode(texts)
    for threads in (1, 2, 3):
        assert np.array_equal(load_encoder(files, threads=threads).encode(texts), expected)


def test_rows_come_in_the_order_of_the_texts(encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    forwards = encoder.encode(texts)
    backwards = encoder.encode(texts[::-1])[::-1]
    assert np.array_equal(forwards, backwards)


@pytest.mark.slow
def test_many_threads_get_the_vectors_that_one_gets(encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    rotated = [texts[start:] + texts[:start] for start in range(8)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        results = list(threads.map(encoder.encode, rotated))
    expected = encoder.encode(texts)
    for start, vectors in enumerate(results):
        assert np.array_equal(np.roll(vectors, start, axis=0), expected)


def test_vectors_are_float32_rows_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(list(TEXTS.values()))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    vectors = encoder.encode([])
    assert vectors.dtype == np.float32
    assert vectors.shape == (0, DIMENSION)


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=5))
def test_any_text_at_all_has_a_vector_of_length_one(encoder: Encoder, texts: list[str]) -> None:
    vectors = encoder.encode(texts)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_half_a_surrogate_pair_is_read_as_a_question_mark(encoder: Encoder) -> None:
    broken, mended = encoder.encode(["a broken \ud83d emoji", "a broken ? emoji"])
    assert np.abs(broken - mended).max() < 1e-6


def test_what_follows_the_254th_token_changes_nothing(encoder: Encoder) -> None:
    cut, other = encoder.encode(["tea " * 254 + "and cake", "tea " * 254 + "or coffee"])
    shorter, _ = encoder.encode(["tea " * 253 + "and cake", ""])
    assert np.abs(cut - other).max() < 1e-6
    assert np.abs(cut - shorter).max() > 1e-6


def test_tokens_are_counted_past_the_cut_and_without_the_special_ones(encoder: Encoder) -> None:
    assert len(encoder.token_spans("")) == 0
    assert len(encoder.token_spans("tea for two")) == 3
    assert len(encoder.token_spans("tea " * 1000)) == 1000


def test_token_spans_index_the_text_as_python_does(encoder: Encoder) -> None:
    text = "Déjà vu 🎉 " + "tea " * 300 + "\ud83d end"
    spans = encoder.token_spans(text)
    words = [text[start:end] for start, end in spans]
    assert "".join(words) == text.replace(" ", "")
    assert spans == sorted(spans)


# One of each of Unicode's first plane, behind a blank, in a word and behind a letter.
EVERYTHING = "".join(f" {chr(at)}a{chr(at)}" for at in range(0x10000) if not 0xD800 <= at < 0xE000)


class Recorder:
    """The tokenizer, and how long the texts were that it was given."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.lengths: list[int] = []

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding:
        self.lengths.append(len(text))
        return self.tokenizer.encode(text, add_special_tokens=add_special_tokens)


def test_a_long_text_is_tokenized_in_parts_with_the_tokens_of_the_whole(model_folder: Path) -> None:
    files = find_model(load_settings(model=model_folder))
    assert files is not None
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    whole = tokenizer.encode(EVERYTHING, add_special_tokens=False)
    tokenizer.enable_truncation(MAX_TOKENS)
    recorder = Recorder(tokenizer)
    encoder = Encoder(IDENTITY, cast("Tokenizer", recorder), InferenceSession(files.graph), 1)
    late = " " * 30_000 + "tea for two"

    assert encoder.token_spans(EVERYTHING) == whole.offsets
    assert max(recorder.lengths) < 20_000
    recorder.lengths.clear()
    assert [piece.text for piece in encoder.pieces(EVERYTHING + "tea")] == [
        EVERYTHING[begin:end] for begin, end in whole.offsets[:MAX_TOKENS]
    ]
    assert max(recorder.lengths) < 20_000
    assert (encoder.encode([late]) == encoder.encode(["tea for two"])).all()


# The identity


def test_the_key_of_the_identity_is_one_stable_string() -> None:
    assert IDENTITY.key == "all-MiniLM-L6-v2@53aa51172d14/int8-per-token/mean/384"


def test_a_prefix_is_part_of_the_key() -> None:
    prefixed = EmbedderIdentity("m", "0" * 64, "fp32", "cls", 8, prefix="query: ")
    assert prefixed.key == "m@000000000000/fp32/cls/8/'query: '"


def test_a_prefix_of_questions_is_part_of_the_key_where_it_is_another_one() -> None:
    marked = partial(EmbedderIdentity, "m", "0" * 64, "fp32", "cls", 8)
    two = marked(prefix="passage: ", query_prefix="query: ")
    assert two.key == "m@000000000000/fp32/cls/8/'passage: '/'query: '"
    assert marked(query_prefix="query: ").key == "m@000000000000/fp32/cls/8/''/'query: '"
    assert marked(prefix="a", query_prefix="a").key == marked(prefix="a").key
    assert marked(query_prefix="").key == marked().key


def test_how_cosines_are_read_is_no_part_of_the_key() -> None:
    narrow = replace(IDENTITY, cosine_zero=0.7, cosine_one=0.9, reads=("de", "en"))
    assert narrow.key == IDENTITY.key


def test_the_cosines_of_a_narrow_cone_are_spread_and_keep_their_order() -> None:
    narrow = replace(IDENTITY, cosine_zero=0.7, cosine_one=0.9)
    assert [round(narrow.similarity(one), 3) for one in (0.4, 0.6, 0.7, 0.8, 0.9, 1.0)] == [
        -1.0,
        -0.5,
        0.0,
        0.5,
        1.0,
        1.0,
    ]
    assert [IDENTITY.similarity(one) for one in (-0.25, 0.0, 0.5, 1.0)] == [-0.25, 0.0, 0.5, 1.0]


def test_a_threshold_for_two_texts_is_moved_to_where_the_model_has_it() -> None:
    assert text_cosine(IDENTITY.key, 0.4) == 0.4
    assert text_cosine("a model of yours@1", 0.4) == 0.4
    assert text_cosine(MULTILINGUAL.key, 0.4) == pytest.approx(0.871)


def test_a_question_is_read_behind_its_own_prefix_and_a_text_behind_its_own(
    model_folder: Path,
) -> None:
    files = found_model(model=model_folder)
    identity = replace(files.identity, prefix="passage: ", query_prefix="query: ")
    manifest = files.manifest.model_copy(update={"identity": identity})
    marking = load_encoder(replace(files, manifest=manifest), threads=1)
    plain = load_encoder(files, threads=1)
    text = "where is the lighthouse"
    assert np.array_equal(marking.encode_question(text), plain.encode([f"query: {text}"])[0])
    assert np.array_equal(marking.encode([text]), plain.encode([f"passage: {text}"]))
    assert np.array_equal(plain.encode_question(text), plain.encode([text])[0])
    assert marking.token_spans(text) == plain.token_spans(text)


def test_an_encoder_has_the_identity_that_its_files_have(
    encoder: Encoder, model_folder: Path
) -> None:
    assert encoder.identity == IDENTITY
    assert found_model(model=model_folder).identity == IDENTITY


def test_importing_the_package_loads_no_library_that_converts_or_runs_a_model() -> None:
    heavy = ("onnx", "onnxruntime", "safetensors", "tokenizers")
    script = (
        "import sys, iai_memory.embedding.encoder, iai_memory.embedding.install\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    assert run_python(script).stdout.strip() == "[]"


def test_the_vector_of_a_text_confirms_a_guess_at_it(encoder: Encoder) -> None:
    texts = [text for text in TEXTS.values() if 40 < len(text) < 400]
    assert len(texts) > 5
    guesses = [text[: len(text) // 2] for text in texts]
    found = (encoder.encode(guesses) @ encoder.encode(texts).T).argmax(axis=1)
    assert np.mean(found == np.arange(len(texts))) > 0.5


def test_a_process_loads_a_model_once_and_another_one_in_its_place_anew(
    model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(model_folder, tmp_path / "model")
    files = open_model(tmp_path / "model", "settings")
    assert files is not None
    first = load_encoder(files, threads=1)
    assert load_encoder(files, threads=1) is first
    shutil.copyfile(files.tokenizer, tmp_path / "other")
    (tmp_path / "other").replace(files.tokenizer)
    assert load_encoder(files, threads=1) is not first
    files.tokenizer.write_text("{")
    with pytest.raises(ModelFault, match="cannot be loaded"):
        load_encoder(files, threads=1)


def test_a_model_that_nobody_uses_any_more_is_let_go(model_folder: Path) -> None:
    memory = EmbeddingModel(load_settings(model=model_folder, threads=3))
    loaded = ref(memory.require_encoder())
    memory.release()
    gc.collect()
    assert loaded() is None
