"""Redaction: secrets go, everything else stays as it was."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.make_secrets import Innocent, Positive, innocents, positives
from tests.support.checkout import FIXTURES

from iai_memory.privacy.redaction import Redacted, redact
from iai_memory.privacy.secret_patterns import SHAPES

POSITIVES = list(positives())
INNOCENTS = list(innocents())
MARK = re.compile(r"\[redacted:\w+\]")


def kinds(text: str) -> set[str]:
    return set(redact(text).counts)


def assert_verbatim_elsewhere(before: str, after: str) -> None:
    """Every piece between two marks stands in the original, in order."""
    at = 0
    for piece in MARK.split(after):
        found = before.find(piece, at)
        assert found >= 0, (before, after)
        at = found + len(piece)


# --- the fixture --------------------------------------------------------------------------------


def test_the_fixture_is_large_and_varied_enough_to_mean_something() -> None:
    assert len(POSITIVES) >= 200
    assert len({case.kind for case in POSITIVES}) >= 25
    assert len(INNOCENTS) >= 500
    hand_written = (FIXTURES / "innocent.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(hand_written)) >= 150


def test_every_shape_has_an_example_that_it_alone_is_named_for() -> None:
    shaped = {kind for case in POSITIVES for kind in redact(case.text).counts}
    assert {shape.kind for shape in SHAPES} <= shaped


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_at_least_98_of_100_secrets_are_gone(half: str) -> None:
    cases = [case for case in POSITIVES if case.half == half]
    missed = [case for case in cases if case.secret in redact(case.text).text]
    assert len(missed) <= 0.02 * len(cases), missed


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_at_most_1_of_100_innocent_lines_is_touched(half: str) -> None:
    cases = [case for case in INNOCENTS if case.half == half]
    touched = [case for case in cases if redact(case.text) != Redacted(case.text, {})]
    assert len(touched) <= 0.01 * len(cases), touched


def test_only_the_secret_goes_and_a_second_pass_finds_nothing() -> None:
    for case in POSITIVES:
        once = redact(case.text)
        assert_verbatim_elsewhere(case.text, once.text)
        assert redact(once.text) == Redacted(once.text, {})


def test_the_counts_are_the_marks_in_the_text() -> None:
    cases: list[Positive | Innocent] = [*POSITIVES, *INNOCENTS]
    text = "\n".join(case.text for case in cases)
    result = redact(text)
    in_text = Counter(mark[len("[redacted:") : -1] for mark in MARK.findall(result.text))
    assert result.counts == in_text


# --- one by one ---------------------------------------------------------------------------------


def secret(kind: str) -> str:
    return next(case.secret for case in POSITIVES if case.kind == kind)


def test_a_secret_is_replaced_with_its_kind() -> None:
    key = secret("anthropic_key")
    assert redact(f"key {key} end") == Redacted(
        "key [redacted:anthropic_key] end", {"anthropic_key": 1}
    )


@pytest.mark.parametrize("password", ["s3cr3tPw", "s3cr3t@Pw!", "a/b?c9#x", "%41%42%43"])
def test_only_the_password_of_a_connection_string_goes(password: str) -> None:
    result = redact(f"postgres://app:{password}@db.example.com:5432/shop?sslmode=require")
    assert result.text == (
        "postgres://app:[redacted:url_password]@db.example.com:5432/shop?sslmode=require"
    )


def test_a_port_and_a_mail_address_in_a_web_address_are_no_password() -> None:
    text = "open http://localhost:3000/users?email=sam@example.com please"
    assert redact(text) == Redacted(text, {})


def test_a_whole_key_block_goes_with_its_first_and_last_line() -> None:
    block = secret("private_key")
    assert redact(f"before\n{block}\nafter").text == "before\n[redacted:private_key]\nafter"


def test_a_key_block_that_is_cut_off_goes_as_far_as_it_looks_like_a_key() -> None:
    block = secret("private_key")
    cut = block[: len(block) // 2]
    result = redact(f"{cut}\n… cut off here")
    assert result.text == "[redacted:private_key]… cut off here"


def test_the_key_of_a_cloud_service_account_goes_and_the_rest_of_its_file_stays() -> None:
    escaped = secret("private_key").replace("\n", "\\n")
    text = f'{{"type": "service_account", "private_key": "{escaped}\\n", "client_id": "1234"}}'
    assert redact(text).text == (
        '{"type": "service_account", "private_key": "[redacted:private_key]\\n",'
        ' "client_id": "1234"}'
    )


def test_two_secrets_on_one_line_are_both_counted() -> None:
    line = f"{secret('github_token')} and {secret('slack_token')} and {secret('github_token')}"
    assert redact(line).counts == {"github_token": 2, "slack_token": 1}


def test_secrets_glued_to_each_other_all_go() -> None:
    glued = secret("pulumi_token") + secret("stripe_webhook_secret")
    assert redact(glued).text == "[redacted:pulumi_token][redacted:stripe_webhook_secret]"


@pytest.mark.parametrize("before", ["\\n", "\\t", "\x1b[31m", "\n", "(", "'", "=", "/"])
def test_a_secret_is_seen_after_an_escape_a_colour_or_a_sign(before: str) -> None:
    assert redact(before + secret("github_token")).text == before + "[redacted:github_token]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <private>b</private> c", "a [redacted:private] c"),
        ("a <PRIVATE>b</Private> c", "a [redacted:private] c"),
        ("a <private>b\nc", "a [redacted:private]"),
        ("<private>a<private>b</private>c</private>d", "[redacted:private]d"),
        ("<private>a</private>-<private>b</private>", "[redacted:private]-[redacted:private]"),
        ("a </private> b", "a </private> b"),
        ("a <privateer> b", "a <privateer> b"),
        ("private: no", "private: no"),
    ],
)
def test_what_is_marked_private_goes_whatever_it_is(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "password: ask Sam",
        "the token count is 1500",
        "api_key=your-api-key-here",
        "PASSWORD=$PASSWORD",
        'key = os.environ["API_KEY"]',
        "password: ****",
        "3f2a9c1d5e7b8a6f4c0d2e1b3a5c7d9e8f6a4b2c is the commit",
        "id 01a205d2-e936-7581-8568-f231a0d890f9",
        "see /home/sam/code/honey-shop/app/tokens/refresh_token_2026.py",
    ],
)
def test_what_only_sounds_like_a_secret_stays(text: str) -> None:
    assert redact(text) == Redacted(text, {})


def test_text_that_already_carries_a_mark_keeps_it_and_counts_nothing() -> None:
    text = "password: [redacted:password] and <b>[redacted:jwt]</b>"
    assert redact(text) == Redacted(text, {})


def test_an_empty_text_stays_empty() -> None:
    assert redact("") == Redacted("", {})


# --- whatever comes -----------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [
        *("password", "token", "api key", "secret", "Authorization: ", "Bearer ", "curl -u "),
        *("=", ": ", " is ", " for ", "://", "@", "&key=", '"', "'", "`", "\\n", "\n", " ", ","),
        *("<private>", "</private>", "[redacted:", "[redacted:jwt]", "]", "{", "}", "(", ")"),
        *(case.secret for case in POSITIVES[::17]),
        *(case.text for case in INNOCENTS[::41]),
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=12), max_size=14).map("".join))
def test_any_text_keeps_what_is_not_secret_and_a_second_pass_finds_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once.text) == Redacted(once.text, {})
    if MARK.search(text) is None:
        assert_verbatim_elsewhere(text, once.text)


@given(st.text(st.characters(exclude_categories=[])))
def test_no_text_raises(text: str) -> None:
    redact(text)


HOSTILE = [
    *("a", "A", "0", " ", "\n", '"', "\\", "=", ":", "/", "-", "_", ".", "@", "é", "🐝"),
    *(
        "password",
        "password=",
        "password: ",
        "password for ",
        'password: "',
        "passwd to to ",
        "api key ",
    ),
    *(
        "://",
        "://a:",
        "http://a:b",
        "postgres://a:",
        "curl -u a:b ",
        "Bearer ",
        "authorization: bearer ",
    ),
    *("<private>", "</private>", "<private ", "-----BEGIN PRIVATE KEY-----", "-----"),
    *("key=", "fooKey = ", "the key we use there is ", "token ", "Cookie: a=", "cookie:"),
    *("curl ", "curl -b ", "mysql ", "mysql -p", "sshpass -p ", "htpasswd -b a ", "echo a|"),
    *(
        "seed phrase: ",
        "seed phrase is apple banner cactus ",
        "kind: Secret\ndata:\n  a: b234567\n",
    ),
    *("credentials: a/", "login: a:", "jdbc:oracle:thin:a/", "://aaaaaaaaaaaaaaaa", "s.", "xox"),
    *("aB3", "aB3dE6gH9jK2mN5pQ8sT1vW4 ", "a-", "%2F", "../", "密码是", "İ", "İpassword=a1b2c3d4 "),
    *("Private-Lines: 9999\nAAAA\n", "[redacted:", "[redacted:password]", "?sig=?sig="),
    *("eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa.eyJaaaaaaa.", "AKIA", "sk-", "M.", "v1.local."),
    "-----BEGIN PRIVATE KEY-----\n" + "A" * 64 + "\n",
]


# The suite's bound for one test is the bound here: on a megabyte, quadratic patterns took minutes.
SIZES = [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)]


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_a_text_made_to_make_patterns_backtrack_ends(piece: str, size: int) -> None:
    redact((piece * (size // len(piece) + 1))[:size])


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
def test_a_text_of_each_shapes_first_letters_ends(size: int) -> None:
    for shape in SHAPES:
        for needle in shape.needles:
            redact(needle * (size // 10 // len(needle)))
