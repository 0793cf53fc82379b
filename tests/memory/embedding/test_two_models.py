"""A store, and two published models of which each holds its vectors in turn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.model_folders import found_model, multilingual_stand_in

from iai_memory import Memory
from iai_memory.embedding.identity import IDENTITY, MODEL_NAME, MULTILINGUAL
from iai_memory.embedding.install import note_choice
from iai_memory.embedding.model_files import choose_model, chosen_model, find_model
from iai_memory.embedding.published import ENGLISH_MODEL, MULTILINGUAL_MODEL
from iai_memory.errors import ModelCorrupt, ModelInstallFailed, ModelMissing, StoreMismatch
from iai_memory.settings import load_settings

REEMBED = (
    f"the store holds vectors of {IDENTITY.key}, which stays in use: run `iai-mcp model reembed` "
    f"to embed everything by multilingual-e5-small"
)
TEXTS = ["a lighthouse in the fog", "a recipe for plum cake"]


@pytest.fixture
def root(tmp_path: Path, model_folder: Path) -> Path:
    """A store's folder with both models installed, the English one last; nothing is stored."""
    root = tmp_path / "store"
    multilingual_stand_in(root, model_folder)
    shutil.copytree(model_folder, root / "models" / MODEL_NAME)
    return root


def choose(root: Path, *, multilingual: bool) -> None:
    """What `iai-mcp model install` notes at its end."""
    model = MULTILINGUAL_MODEL if multilingual else ENGLISH_MODEL
    note_choice(load_settings(store=root), model)


def stored(root: Path) -> Memory:
    memory = Memory(root)
    memory.ingest(TEXTS)
    return memory


def mode(memory: Memory) -> str:
    """How a question is answered that shares no word with any text."""
    return memory.recall("beacon at sea", min_confidence=0).mode


def test_a_new_store_takes_the_model_that_was_installed_last(root: Path) -> None:
    choose(root, multilingual=True)
    memory = stored(root)
    assert memory.store.embedder == MULTILINGUAL.key
    assert mode(memory) == "dense"
    assert memory.other_model() is None


def test_a_store_keeps_its_model_until_it_is_reembedded_and_goes_back_the_same_way(
    root: Path,
) -> None:
    stored(root)
    choose(root, multilingual=True)
    memory = Memory(root)
    assert mode(memory) == "dense"
    assert memory.encoder is not None
    assert memory.encoder.identity == IDENTITY
    assert memory.other_model() == REEMBED

    assert memory.reembed() == 2
    assert memory.store.embedder == MULTILINGUAL.key
    assert memory.encoder.identity == MULTILINGUAL
    assert mode(memory) == "dense"
    assert memory.other_model() is None

    choose(root, multilingual=False)
    assert mode(Memory(root)) == "dense"
    assert Memory(root).reembed() == 2
    assert Memory(root).store.embedder == IDENTITY.key


def test_a_process_follows_when_another_one_reembeds_the_store(root: Path) -> None:
    server = stored(root)
    assert mode(server) == "dense"
    choose(root, multilingual=True)
    Memory(root).reembed()
    assert mode(server) == "dense"
    assert server.encoder is not None
    assert server.encoder.identity == MULTILINGUAL
    server.ingest("a buoy rings in the night")
    assert Memory(root).store.statistics().pending == 0


def test_a_process_that_is_set_to_one_model_refuses_the_vectors_of_another(
    root: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    server = stored(root)
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    choose(root, multilingual=True)
    Memory(root).reembed()
    with pytest.raises(StoreMismatch) as refused:
        server.recall("beacon at sea")
    assert str(refused.value) == (
        f"{root} holds vectors of multilingual-e5-small, and IAI_MCP_MODEL names {model_folder}, "
        f"which makes others: unset it, or run `iai-mcp model reembed` to replace them"
    )


@pytest.mark.parametrize("multilingual", [True, False])
def test_without_its_model_a_store_finds_words_and_names_the_command_that_installs_it(
    root: Path, multilingual: bool
) -> None:
    choose(root, multilingual=multilingual)
    stored(root)
    shutil.rmtree(root / "models" / (MULTILINGUAL if multilingual else IDENTITY).model)
    choose(root, multilingual=not multilingual)
    memory = Memory(root)
    found = memory.recall("plum cake")
    command = f"iai-mcp model install{' --multilingual' if multilingual else ''}"
    assert (found.mode, found.hits[0].text, found.fix) == ("lexical", TEXTS[1], command)
    assert f"run `{command}`" in (found.coverage.note or "")
    assert memory.status().model.fix == command
    memory.ingest("a buoy rings in the night")
    assert memory.store.statistics().pending == 1


def test_a_store_brought_from_elsewhere_says_which_model_it_needs(root: Path) -> None:
    choose(root, multilingual=True)
    stored(root)
    shutil.rmtree(root / "models")
    assert Memory(root).recall("plum cake").fix == "iai-mcp model install --multilingual"


def test_reembedding_without_the_chosen_model_leaves_store_and_process_as_they_were(
    root: Path,
) -> None:
    memory = stored(root)
    shutil.rmtree(root / "models" / MULTILINGUAL.model)
    choose(root, multilingual=True)
    with pytest.raises(ModelMissing, match="run `iai-mcp model install --multilingual`"):
        memory.reembed()
    assert mode(memory) == "dense"
    assert memory.encoder is not None
    assert memory.encoder.identity == IDENTITY


def test_a_damaged_multilingual_model_names_its_own_command(root: Path) -> None:
    choose(root, multilingual=True)
    (root / "models" / MULTILINGUAL.model / "model.onnx").write_bytes(b"cut off")
    with pytest.raises(ModelCorrupt, match="run `iai-mcp model install --multilingual`"):
        find_model(load_settings(store=root))


def test_a_choice_that_nobody_knows_is_named_with_the_command(root: Path) -> None:
    (root / "models" / "chosen").write_text("universal-encoder-9\n")
    with pytest.raises(ModelCorrupt) as refused:
        chosen_model(load_settings(store=root))
    assert str(refused.value) == (
        f"{root / 'models' / 'chosen'} names 'universal-encoder-9', which this iai-mcp does not "
        f"know: run `iai-mcp model install`, or upgrade iai-mcp"
    )
    memory = stored(root)
    assert memory.recall("plum cake").fix == "iai-mcp model install"
    choose(root, multilingual=False)
    assert find_model(load_settings(store=root)) == found_model(store=root)


def test_a_choice_that_cannot_be_noted_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file in its place")
    with pytest.raises(ModelInstallFailed) as failed:
        note_choice(load_settings(store=tmp_path / "store"), MULTILINGUAL_MODEL)
    assert str(failed.value).startswith("multilingual-e5-small is installed, but ")
    assert str(failed.value).endswith("then run `iai-mcp model install --multilingual` again")


def test_choosing_the_english_model_leaves_no_note(root: Path) -> None:
    settings = load_settings(store=root)
    choose_model(settings, MULTILINGUAL)
    assert chosen_model(settings) == MULTILINGUAL
    choose_model(settings, IDENTITY)
    assert chosen_model(settings) == IDENTITY
    assert sorted(path.name for path in (root / "models").iterdir()) == [
        MODEL_NAME,
        MULTILINGUAL.model,
    ]
