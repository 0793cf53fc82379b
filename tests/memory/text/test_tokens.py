"""What fits into a budget of estimated tokens, and what is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_memory.text.tokens import cut_to_tokens, estimate_tokens, fits

TEXTS = st.text(st.sampled_from("ab Z9\n\t,.é漢🎉\u00a0\u3000"), max_size=60)


@given(TEXTS, st.integers(0, 60))
def test_what_fits_is_what_has_no_more_estimated_tokens(text: str, budget: int) -> None:
    assert fits(text, budget) == (estimate_tokens(text) <= budget)


@given(TEXTS, st.integers(0, 60))
def test_a_cut_text_is_whole_or_a_beginning_within_the_budget(text: str, budget: int) -> None:
    cut = cut_to_tokens(text, budget, "…")
    assert estimate_tokens(cut) <= budget
    assert cut == text or text.startswith(cut.removesuffix("…"))
    assert (cut == text) == (estimate_tokens(text) <= budget)


@pytest.mark.parametrize(
    ("budget", "cut"), [(3, "one two…"), (2, "one…"), (1, ""), (5, "one  two three")]
)
def test_a_cut_ends_behind_a_word(budget: int, cut: str) -> None:
    text = "one  two three" if budget == 5 else "one two three four"
    assert cut_to_tokens(text, budget, "…") == cut
