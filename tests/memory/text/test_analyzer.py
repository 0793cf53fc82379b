"""Words are found in every script and form, and identifiers whole and in parts."""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from pathlib import Path

import lancedb
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.support.themes import OpenMemory

from iai_memory import Memory
from iai_memory.base.checks import MAX_TEXT_BYTES
from iai_memory.store.filter import Filter
from iai_memory.text.analyzer import MAX_QUERY_TERMS, document_terms, query_terms
from iai_memory.text.stemming import MAX_TERM

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
LATIN = st.text(st.characters(categories=["Ll"], max_codepoint=0x24F), min_size=1, max_size=12)
WORDS = st.text(
    st.characters(categories=["L", "M", "N"], include_characters="_-./:'+#"),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    """A store without a model: what is found here was found by its words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IAI_MCP_MODEL", "installed")
        memory = Memory(tmp_path_factory.mktemp("terms") / "store")
        assert memory.model is None
    memory.ingest(sorted({text for text, _ in [*BY_WORDS, *BY_IDENTIFIER]}))
    return memory


BY_WORDS = [
    ("Both lighthouses were running all night.", "run lighthouse"),
    ("Das Café an der Brücke heißt Möhre.", "cafe"),
    ("Das Café an der Brücke heißt Möhre.", "CAFÉ"),
    ("Das Café an der Brücke heißt Möhre.", "bruecke"),
    ("Das Café an der Brücke heißt Möhre.", "heisst"),
    ("Die Bücher stehen nicht mehr im Regal.", "welches Buch ist das"),
    ("Les chevaux blancs étaient dans la prairie.", "où est la prairie"),
    ("El perro come las manzanas de la cocina.", "¿dónde está la manzana?"),
    ("Żółta łódź płynie po jeziorze.", "zolta lodz"),
    ("Совещание перенесли на четверг.", "совещания"),
    ("Ёлка стоит в углу.", "елка"),
    ("Ο γάτος κοιμάται στον καναπέ.", "γατος"),
    ("ستنتقل ليلى إلى مدينة فاس.", "المدينة"),
    ("मेरी किताबें मेज़ पर हैं।", "किताब"),
    ("会议改到了星期四下午。", "星期四"),
    ("小王养了一只橘色的猫。", "猫"),
    ("札幌に引っ越します。バックアップは毎晩です。", "バックアップ"),
    ("ﾊﾟｽﾜｰﾄﾞを変えました。", "パスワード"),
    ("민수는 다음 달에 부산으로 이사합니다.", "부산"),
    ("새 집에서 첼로를 연습합니다.", "집"),
    ("สมชายจะย้ายไปอยู่เชียงใหม่เดือนหน้า", "เชียงใหม่"),
    ("ຂ້ອຍມັກກາແຟ", "ກາແຟ"),
    ("ខ្ញុំចូលចិត្តកាហ្វេ", "កាហ្វេ"),
    ("The release went out 🚀 at noon.", "🚀"),
    ("Thanks for the help 👍🏽", "👍"),
    ("She codes 👩‍💻 from the train.", "👩🏾‍💻"),
    ("She codes 👩‍💻 from the train.", "💻"),
    ("He did not know 🤷‍♂️ either.", "🤷"),
    ("With love ❤️ from the coast.", "❤"),
    ("Next stop 🇯🇵 in spring.", "🇯🇵"),
    ("The band is called The Who.", "the who"),
    ("Ｆｕｌｌ ｗｉｄｔｈ letters.", "full width"),
    ("A so\u00adft hyphen hides here.", "soft"),
]

BY_IDENTIFIER = [
    ("Set max_retry_count before the loop.", "max_retry_count"),
    ("Set max_retry_count before the loop.", "retry"),
    ("Set max_retry_count before the loop.", "maxRetryCount"),
    ("parseHTTPResponses is slow.", "parseHTTPResponses"),
    ("parseHTTPResponses is slow.", "http response"),
    ("HTTPServer2 was replaced.", "server"),
    ("Use the dry-run-mode flag.", "--dry-run-mode"),
    ("Use the dry-run-mode flag.", "dryrunmode"),
    ("See /var/log/harbour/app.log for it.", "/var/log/harbour/app.log"),
    ("See /var/log/harbour/app.log for it.", "app.log"),
    ("See /var/log/harbour/app.log for it.", "harbour"),
    (r"It lies in C:\Users\mira\plan.docx now.", "plan.docx"),
    ("Read https://www.example.org/docs/tides?year=2031 first.", "example.org"),
    ("Read https://www.example.org/docs/tides?year=2031 first.", "tide"),
    (
        "Read https://www.example.org/docs/tides?year=2031 first.",
        "example.org/docs/tides?year=2031",
    ),
    ("We run v2.13.1 in production.", "v2.13.1"),
    ("We run v2.13.1 in production.", "2.13.1"),
    ("We run v2.13.1 in production.", "version 2.13"),
    ("It needs python3.12 at least.", "python 3.12"),
    ("rustc says E0308 again.", "e0308"),
    ("The import died of ORA-00942.", "ORA-00942"),
    ("The import died of ORA-00942.", "00942"),
    ("Windows answered 0x80070005.", "0X80070005"),
    ("The proxy gave HTTP 404 twice.", "HTTP404"),
    ("Fixed in 9fceb02d0ae598e95dc970b74767f19372d61af8.", "9fceb02"),
    ("Write to jane.doe@example.net about it.", "jane.doe@example.net"),
    ("Write to jane.doe@example.net about it.", "doe"),
    ("The dump is 512GB now.", "512 GB"),
    ("There were 12,500 gulls.", "12500"),
    ("The bridge is written in C++ today.", "c++"),
    ("Std::vector is std::vector.", "vector"),
]


@pytest.mark.parametrize(("text", "query"), BY_WORDS)
def test_a_word_is_found_in_every_script_and_form(memory: Memory, text: str, query: str) -> None:
    assert memory.recall(query, limit=1).hits[0].text == text


@pytest.mark.parametrize(("text", "query"), BY_IDENTIFIER)
def test_an_identifier_is_found_whole_and_in_parts(memory: Memory, text: str, query: str) -> None:
    assert memory.recall(query, limit=1).hits[0].text == text


def test_what_a_language_says_for_grammar_only_is_not_looked_for() -> None:
    assert query_terms("where is the harbour of the town") == ["harbour", "town"]
    assert query_terms("Wo ist der Hafen?") == ["hafen", "haf"]
    assert query_terms("to be or not to be") == ["to", "be", "or", "not"]


def test_an_english_loan_in_a_foreign_text_is_found_by_an_english_question(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "store")
    memory.ingest("Die Deployments sind heute nicht mit den Releases gelaufen.")
    assert len(memory.recall("which deployment was it").hits) == 1


def test_a_long_term_is_found_whole_and_cut_by_nobody(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "store")
    names = ["x" * 60 + "end", "y" * 5_000, "z" * 5_000 + "1", "z" * 5_000 + "2"]
    memory.ingest([f"the key {name} opens it" for name in names])
    for compacted in (False, True):
        if compacted:
            memory.store.compact(keep=timedelta(0))
        for name in names:
            found = memory.store.latest.get(list(memory.store.latest.matching(name, Filter(), 5)))
            assert [record.text for record in found] == [f"the key {name} opens it"]


def test_a_candidate_brings_its_terms(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory()
    memory.ingest("Set max_retry_count before the loops.")
    found = memory.store.latest.matching("retries", Filter(), 5)
    [candidate] = memory.store.latest.candidates(found).values()
    expected = " ".join(document_terms("Set max_retry_count before the loops."))
    assert candidate.terms == expected
    assert set(query_terms("retries")) <= set(expected.split())


def test_a_scrubbed_word_is_in_no_terms_either(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "store")
    memory.ingest(["the code is xylophoneQuartz_77, keep it", "the ferry leaves at nine"])
    memory.ingest("both are over")
    assert memory.store.latest.matching("quartz", Filter(), 5)
    assert memory.scrub("xylophoneQuartz_77").left == []
    assert memory.store.latest.matching("xylophoneQuartz_77 quartz xylophone", Filter(), 5) == {}
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    assert "quartz" not in " ".join(table.search().limit(None).to_arrow()["terms"].to_pylist())
    left = [p for p in memory.paths.root.rglob("*") if p.is_file() and b"quartz" in p.read_bytes()]
    assert left == []


def test_an_export_says_no_terms_and_an_import_makes_them(memory: Memory, tmp_path: Path) -> None:
    lines = list(memory.export_lines())
    assert all("terms" not in json.loads(line) for line in lines)
    before_trust = [
        json.dumps(
            {k: v for k, v in json.loads(line).items() if k not in ("trust", "derived_from")}
        )
        for line in lines
    ]
    other = Memory(tmp_path / "other")
    list(other.import_lines(before_trust))
    assert other.recall("retry", limit=1).hits[0].text == "Set max_retry_count before the loop."


@given(text=TEXTS)
@example(text="𝕳ello\u2003＿ｗｏｒｌｄ ١٢٣ \u3164 a\u0085b")
@example(text="👩‍💻🏽🇯🇵🇯 1️⃣ ©")
@settings(max_examples=300)
def test_terms_are_short_clean_and_always_the_same(text: str) -> None:
    terms = document_terms(text)
    assert terms == document_terms(text)
    for term in [*terms, *query_terms(text)]:
        assert 0 < len(term) <= MAX_TERM
        assert term.split() == [term]


@given(text=TEXTS)
@settings(max_examples=300)
def test_composed_and_decomposed_letters_give_the_same_terms(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert document_terms(composed) == document_terms(decomposed)
    assert query_terms(composed) == query_terms(decomposed)


@given(word=WORDS)
@settings(max_examples=300)
def test_a_text_of_one_word_has_all_that_a_question_of_that_word_looks_for(word: str) -> None:
    assert set(query_terms(word)) <= set(document_terms(word))


@given(word=LATIN)
@example(word="programas")
@example(word="häuser")
@example(word="die")
@settings(max_examples=300)
def test_a_word_is_found_by_itself_whatever_language_stands_around_it(word: str) -> None:
    around = ["{}", "the house of {} is not here", "das Haus von {} ist nicht hier"]
    around += ["la maison de {} est dans la ville", "la casa de {} está en la ciudad"]
    assume(document_terms(word))
    asked = set(query_terms(word))
    assert all(asked & set(document_terms(text.format(word))) for text in around)


@pytest.mark.long
@pytest.mark.parametrize(
    "size", [MAX_TEXT_BYTES // 10, pytest.param(MAX_TEXT_BYTES, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("unit", ["a ", "a/", "aB", "1.2", "-a", "a'", "漢", "👩‍💻", "é", "\u0301"])
def test_the_terms_of_a_large_text_stay_within_a_few_times_its_size(unit: str, size: int) -> None:
    text = (unit * size).encode()[:size].decode(errors="ignore")
    assert len(" ".join(document_terms(text)).encode()) <= 5 * size
    assert len(query_terms(text)) <= MAX_QUERY_TERMS
