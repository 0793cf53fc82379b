"""What the model can read, and what recall does with what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.base.out_of_sight import OutOfSight
from iai_memory.embedding.encoder import Encoder, load_encoder
from iai_memory.embedding.model_files import find_model
from iai_memory.recall.legibility import UNREAD, legibility
from iai_memory.settings import load_settings
from iai_memory.text.languages import spoken


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
    "kubectl",
    "nginx config",
    "npm ERESOLVE",
    "AWS SES",
    "Zoë Kravitz",
    "Wojciech",
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
    assert legibility(text, encoder) > 0.6


@pytest.mark.parametrize("text", IN_LATIN_SCRIPT)
def test_another_language_in_latin_script_is_read_a_little(encoder: Encoder, text: str) -> None:
    assert 0.0 < legibility(text, encoder) < 0.5


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_script_without_words_in_the_vocabulary_is_not_read(encoder: Encoder, text: str) -> None:
    assert legibility(text, encoder) < UNREAD


NOTES = {
    "en": [
        "Greta plays the cello in the village orchestra.",
        "The boiler of the house in Kesby was repaired in March.",
        "We sell the honey of our bees at the market on Saturdays.",
        "The library is closed during the summer holidays.",
    ],
    "de": [
        "Greta spielt im Dorforchester das Cello.",
        "Der Heizkessel vom Haus in Kesby wurde im März repariert.",
        "Wir verkaufen den Honig unserer Bienen samstags auf dem Markt.",
        "Die Bücherei ist in den Sommerferien geschlossen.",
    ],
    "ru": [
        "Грета играет в сельском оркестре на виолончели.",
        "Котёл дома в Кесби починили в марте.",
        "Мёд наших пчёл мы продаём по субботам на рынке.",
        "Библиотека закрыта во время летних каникул.",
    ],
    "zh": [
        "格蕾塔在村里的乐团拉大提琴。",
        "三月份修好了凯斯比那座房子的锅炉。",
        "我们每个星期六在集市上卖自己养的蜜蜂的蜂蜜。",
        "图书馆在暑假期间关门。",
    ],
}
ASKED = {
    "en": "when was the boiler of the house repaired?",
    "de": "Wann wurde der Heizkessel von dem Haus repariert?",
    "ru": "Когда починили котёл дома?",
    "zh": "房子的锅炉是什么时候修好的？",
}


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory, model_folder: Path
) -> dict[str, tuple[Memory, Memory]]:
    """A store of each language, opened with and without the model."""
    opened: dict[str, tuple[Memory, Memory]] = {}
    for language, texts in NOTES.items():
        path = tmp_path_factory.mktemp(language) / "store"
        read, words = (
            Memory(settings=load_settings(store=path, model=model), on_commit=lambda: None)
            for model in (model_folder, None)
        )
        read.ingest(texts)
        opened[language] = read, words
    return opened


@pytest.mark.parametrize("language", NOTES)
def test_in_its_own_language_the_answer_comes_first_with_the_model_as_without(
    notes: dict[str, tuple[Memory, Memory]], language: str
) -> None:
    for memory in notes[language]:
        found = memory.recall(ASKED[language])
        assert found.hits[0].text == NOTES[language][1]
        assert OutOfSight.OTHER_LANGUAGE not in {one.reason for one in found.coverage.hidden}


@pytest.mark.parametrize(
    ("asked", "told"), [("de", "en"), ("en", "de"), ("ru", "en"), ("en", "zh")]
)
def test_a_question_in_another_language_than_the_memories_is_told_so(
    notes: dict[str, tuple[Memory, Memory]], asked: str, told: str
) -> None:
    for memory in notes[told]:
        found = memory.recall(ASKED[asked])
        assert OutOfSight.OTHER_LANGUAGE in {one.reason for one in found.coverage.hidden}
        assert "in another language than the question" in (found.coverage.note or "")


def test_beside_hits_it_is_told_that_the_model_could_not_read_the_question(
    notes: dict[str, tuple[Memory, Memory]],
) -> None:
    found = notes["ru"][0].recall(ASKED["ru"])
    assert found.mode == "lexical"
    assert found.hits
    assert "the model cannot read the question" in (found.coverage.note or "")


def test_words_that_match_are_shown_however_low_the_confidence_of_an_unread_answer(
    notes: dict[str, tuple[Memory, Memory]],
) -> None:
    read, words = notes["de"]
    question = "Was kostete die Reise nach Kesby?"
    assert [one.text for one in words.recall(question).hits] == [NOTES["de"][1]]
    found = read.recall(question)
    assert found.hits[0].text == NOTES["de"][1]
    assert "unread" in found.hits[0].reason


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ASKED["en"], "english"),
        (ASKED["de"], "german"),
        (ASKED["ru"], "russian"),
        (ASKED["zh"], "chinese"),
        (IN_LATIN_SCRIPT[6], "vietnamese"),
        ("src/app.py:12 parse_args --dry-run", None),
        ("🚀🎉", None),
    ],
)
def test_the_language_of_a_text_is_told_where_it_has_cues(text: str, language: str | None) -> None:
    assert spoken(text) == language


def test_without_a_model_nothing_is_read() -> None:
    assert legibility("how long is the timeout?", None) == 0.0


def test_few_notes_in_another_language_among_short_ones_are_not_most(
    tmp_path: Path, model_folder: Path
) -> None:
    memory = Memory(settings=load_settings(store=tmp_path / "store", model=model_folder))
    short = [f"{name}: {what}." for name in ("Lena", "Omar", "Ada") for what in ("kiwi", "chess")]
    german = ["Der Schlüssel liegt unter der Matte.", "Die Katze schläft auf dem Sofa."]
    memory.ingest(["Gym locker code 4471.", *short, *german])
    found = memory.recall("What is the gym locker code?")
    assert found.hits[0].text == "Gym locker code 4471."
    assert OutOfSight.OTHER_LANGUAGE not in {one.reason for one in found.coverage.hidden}
