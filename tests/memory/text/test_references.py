"""Numbers and codes that a text names, told from counts and dates, however they are written."""

from __future__ import annotations

import pytest

from iai_memory.text.references import plain, references


@pytest.mark.parametrize(
    ("question", "runs"),
    [
        ("What is port 8444 for?", ("8444",)),
        ("Was invoice INV-2042-0817 paid?", ("inv", "2042", "817")),
        ("When is flight LH 1878?", ("1878",)),
        ("What runs on db-primary-03?", ("db", "primary", "3")),
        ("How did Python 3.12 go?", ("3", "12")),
        ("Is v2.14 out?", ("2", "14")),
        ("Wer hat Zimmer 312?", ("312",)),
        ("What about #231?", ("231",)),
        ("Which IBAN, DE89 3704 0044?", ("de", "89", "3704", "44")),
        ("What is at 10.0.0.7?", ("10", "0", "0", "7")),
        ("Who wrote deploy_tokem.py?", ("deploy", "tokem")),
        ("What does parseConfg read?", ("parse", "confg")),
        ("\u7aef\u53e38444\u662f\u4ec0\u4e48", ("8444",)),
        ("Which service is on port 2049?", ("2049",)),
    ],
)
def test_a_number_behind_its_noun_and_a_code_are_references(
    question: str, runs: tuple[str, ...]
) -> None:
    assert [one.runs for one in references(question)] == [runs]


@pytest.mark.parametrize(
    "question",
    [
        "Who has 48231 orders?",
        "Who paid 40 for dinner?",
        "Which room costs 40 euros?",
        "Where was she on May 7, 2023?",
        "Who won the World Cup 2022?",
        "Who ran 5 km at 14:30 on 2024-03-01?",
        "What about the top 5 restaurants?",
        "Who lives on the 3rd floor in the 1970s, in the 70's?",
        "Which node 5 tests fail?",
        "Wer hat mindestens 4 Katzen?",
        "Where is the part-time job, e.g. and/or in the U.S.?",
    ],
)
def test_counts_sums_dates_and_words_are_none(question: str) -> None:
    assert references(question) == []


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("invoice 1234", "Invoice 1,234 was paid."),
        ("invoice 1,234", "Invoice 1234 was paid."),
        ("flight LH1877", "She takes LH 1877."),
        ("release v2.13", "2.13.1 came out."),
        ("release 2.13", "We tagged v2.13."),
        ("chapter 3", "Chapter three is short."),
        ("db-primary-3", "db_primary_03 is down."),
        ("port 8443", "It answers on :8443."),
        ("parse_config", "parseConfig reads it."),
        ("deploy_token.py", "deploy_token wrote it."),
    ],
)
def test_another_spelling_and_a_part_are_the_same(asked: str, written: str) -> None:
    assert references(asked)[0].is_in(plain(written))


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("port 844", "Port 8443 is open."),
        ("release 2.13", "12.13 and 2.131 came out."),
        ("room 7", "Seven people came."),
        ("LH1877", "The OLH1877 leaves."),
    ],
)
def test_a_number_within_a_longer_one_is_another(asked: str, written: str) -> None:
    assert not references(asked)[0].is_in(plain(written))
