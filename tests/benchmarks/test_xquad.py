"""The benchmark of languages, on a set of our own in its shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import outcomes, xquad
from .outcomes import OURS, WORDS

TEXTS = {
    "en": [
        ("The lighthouse of Kesby was built in 1871.", "When was the lighthouse of Kesby built?"),
        ("Goats graze on the northern hills.", "Which animals graze on the northern hills?"),
    ],
    "ru": [
        ("Маяк в Кесби построен в 1871 году.", "Когда построен маяк в Кесби?"),
        ("Козы пасутся возле северных холмов.", "Кто пасётся возле северных холмов?"),
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for code, told in TEXTS.items():
        paragraphs = [{"context": text, "qas": [{"question": asked}]} for text, asked in told]
        articles = [{"paragraphs": [paragraph]} for paragraph in paragraphs]
        (tmp_path / f"{code}.json").write_text(json.dumps({"data": articles}), encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("model")
def test_every_language_is_asked_with_and_without_the_model_and_across(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept" / "xquad.jsonl"
    assert xquad.main([str(folder), "--across", "2", "--outcomes", str(kept)]) == 0
    found = outcomes.read(kept)
    for code in TEXTS:
        ours = [one for one in found if (one.part, one.method) == (code, OURS)]
        assert [one.any(1) for one in ours] == [1.0, 1.0]
        assert len({one.group for one in ours}) == 2
    parts = [one.part for one in found if one.method == WORDS]
    assert parts.count("en, texts ru") == parts.count("ru, texts en") == 1
    assert "| ru | iai-mcp | 2 | 1.00 [1.0, 1.0] |" in capsys.readouterr().out


def test_a_folder_without_the_set_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert xquad.main([str(tmp_path)]) == 2
    assert f"{tmp_path} has no LANGUAGE.json" in capsys.readouterr().err
    (tmp_path / "de.json").write_text('{"data": [{}]}', encoding="utf-8")
    assert xquad.main([str(tmp_path)]) == 2
    assert "de.json is not in XQuAD's shape" in capsys.readouterr().err
