"""What the model can read, and what recall does with what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_memory.embedding.encoder import Encoder, load_encoder
from iai_memory.embedding.model_files import find_model
from iai_memory.recall.legibility import UNREAD, legibility
from iai_memory.settings import load_settings


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> Encoder:
    files = find_model(load_settings(model=model_folder))
    assert files is not None
    return load_encoder(files)


ENGLISH = [
    "Where does Nicolas Kowalczyk live?",
    "What did Thorbjørn and Guðrún name their boat in Hafnarfjörður?",
    "how long is the timeout of the importer?",
    "why does recall/pipeline.py raise StoreFault in find_candidates?",
    "ok commit it",
    "merge PR #45",
    "src/app.py:12 parse_args --dry-run",
    "Ines: I repaired the old lighthouse lamp yesterday.",
]
IN_LATIN_SCRIPT = [
    "Wie lang ist die Zeitgrenze beim Rechnungsexport?",
    "¿Por qué no se descargan las facturas del servidor?",
    "Pourquoi le module ne relance-t-il plus les tests ?",
    "Hvor bor Anna nå, og når flyttet hun dit?",
    "Gdzie mieszka Anna i kiedy przeprowadziła się do Warszawy?",
    "Anna nerede yaşıyor ve İstanbul'a ne zaman taşındı?",
    "Anna sống ở đâu và cô ấy chuyển đến Hà Nội khi nào?",
    "Gde zhivyot Anna i kogda ona pereekhala v Moskvu?",
    "Saan nakatira si Ana at kailan siya lumipat sa Maynila?",
    "Kur gyvena Ona ir kada ji persikėlė į Vilnių?",
]
UNREADABLE = [
    "Где живёт Анна и когда она переехала в Москву?",
    "Πού μένει η Άννα και πότε μετακόμισε στην Αθήνα;",
    "أين تعيش آنا ومتى انتقلت إلى القاهرة؟",
    "איפה אנה גרה ומתי היא עברה לתל אביב?",
    "अन्ना कहाँ रहती है और वह दिल्ली कब गई?",
    "แอนนาอยู่ที่ไหนและย้ายไปกรุงเทพเมื่อไหร่",
    "安娜住在哪里？她2019年什么时候搬到北京的？",
    "アンナはどこに住んでいて、いつ東京に引っ越しましたか？",
    "안나는 어디에 살고 언제 서울로 이사했나요?",
    "ანა სად ცხოვრობს და როდის გადავიდა თბილისში?",
    "🚀🎉",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_read_whatever_names_and_code_are_in_it(encoder: Encoder, text: str) -> None:
    assert legibility(text, encoder) > 0.7


@pytest.mark.parametrize("text", IN_LATIN_SCRIPT)
def test_another_language_in_latin_script_is_read_a_little(encoder: Encoder, text: str) -> None:
    assert 0.0 < legibility(text, encoder) < 0.5


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_script_without_words_in_the_vocabulary_is_not_read(encoder: Encoder, text: str) -> None:
    assert legibility(text, encoder) < UNREAD


def test_without_a_model_nothing_is_read() -> None:
    assert legibility("how long is the timeout?", None) == 0.0
