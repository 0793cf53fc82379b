"""Two spellings of one name are known as such, and different names, numbers and codes are not."""

from __future__ import annotations

import pytest

from iai_memory.text.near_names import is_near, romanised, sound_alike
from iai_memory.text.speakers import in_first_person, subject


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("nikolas", "nicolas"),  # another letter
        ("nciolas", "nicolas"),  # swapped
        ("nicollas", "nicolas"),  # doubled
        ("nicols", "nicolas"),  # missing
        ("nocilas", "nicolas"),  # two edits in seven letters
        ("mueller", "muller"),
        ("catarina", "katharina"),
    ],
)
def test_a_name_within_a_few_edits_may_be_the_same(asked: str, known: str) -> None:
    assert is_near(asked, known)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("greta", "gina"),
        ("dan", "jan"),  # of so short ones each is near a dozen others
        ("anna", "bela"),
        ("tomas", "tobias"),
        ("konrad", "condor"),
        ("barbara", "marbury"),
    ],
)
def test_other_names_are_other_people(asked: str, known: str) -> None:
    assert not is_near(asked, known)


def test_a_word_is_read_in_our_letters_whatever_its_script() -> None:
    assert romanised("Zo\u00eb") == "zoe"
    assert romanised("\u041d\u0430\u0442\u0430\u043b\u044c\u044f") == "natalya"
    assert romanised("\u0414\u0436\u043e\u0430\u043d\u043d\u0430") == "joanna"
    assert romanised("\u5317\u4eac") == "beijing"
    assert romanised("port5544") == romanised("v2") == ""


def test_names_sound_alike_however_they_are_written() -> None:
    assert sound_alike("katherine", "catherine")
    assert sound_alike("natalia", "natalya")
    assert not sound_alike("marvin", "martin")


def test_the_person_asked_about_is_known_without_accents_and_without_capitals() -> None:
    speakers = {"Zo\u00eb", "Will"}
    assert subject("What did Zoe buy?", speakers) == "Zo\u00eb"
    assert subject("what did zoe buy?", speakers) == "Zo\u00eb"
    assert in_first_person("what is zoe's plan?", "Zo\u00eb") == "what is my plan?"


def test_a_function_word_in_small_letters_is_no_name() -> None:
    assert subject("what will we do?", {"Will", "Ann"}) is None
    assert subject("What did Will do?", {"Will", "Ann"}) == "Will"
