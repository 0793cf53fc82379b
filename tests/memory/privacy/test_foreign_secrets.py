"""Redaction on text that was not written for it: other people's patterns, words and habits."""

from __future__ import annotations

import base64
import random
import re
from collections import defaultdict

import pytest
from tests.fixtures.draws import ALNUM, HEX, some
from tests.fixtures.foreign_secrets import (
    INNOCENT,
    SECRETS,
    foreign_innocents,
    foreign_secrets,
)
from tests.fixtures.gitleaks_samples import found_by_gitleaks, rules, samples
from tests.support.checkout import FIXTURES

from iai_memory.privacy.redaction import Redacted, redact

SEEDS = [1, 20261130]


def gone(text: str, secret: str) -> bool:
    return secret not in redact(text).text


# Values are drawn, so that nothing that looks like a secret stands in this file.
_RNG = random.Random(7)
KEY = some(ALNUM, 32)(_RNG)
SHORT = some(ALNUM, 16)(_RNG)
HEX32 = some(HEX, 32)(_RNG)
SHA = some(HEX, 40)(_RNG)
PASSWORD = "Ruby" + "7!harbor42"
PHRASE = "apple banner cactus danger eagle fabric gadget hammer icon jacket kidney ladder"


# --- corpora ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_of_secrets_drawn_from_a_foreign_scanners_patterns_95_of_100_are_gone(seed: int) -> None:
    cases = list(samples(seed, each=1))
    missed = [case for case in cases if not gone(case.text, case.secret)]
    assert len(missed) <= 0.05 * len(cases), missed


@pytest.mark.parametrize("seed", SEEDS)
def test_of_those_with_a_shape_of_their_own_98_of_100_are_gone(seed: int) -> None:
    cases = [case for case in samples(seed, each=1) if case.shaped]
    missed = [case for case in cases if not gone(case.text, case.secret)]
    assert len(missed) <= 0.02 * len(cases), missed


def test_the_drawn_strings_are_what_the_scanner_itself_finds() -> None:
    found: defaultdict[str, bool] = defaultdict(bool)
    for case in samples(3, each=3):
        found[case.rule] |= any(
            case.secret in value or value in case.secret for value in found_by_gitleaks(case.text)
        )
    assert len(found) == len(rules()) >= 200
    assert sum(found.values()) >= 0.9 * len(found), [rule for rule in found if not found[rule]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", SECRETS)
def test_of_secrets_in_lines_as_strangers_write_them_90_of_100_are_gone(
    kind: str, seed: int
) -> None:
    cases = [(text, secret) for of, text, secret in foreign_secrets(seed) if of == kind]
    missed = [text for text, secret in cases if not gone(text, secret)]
    assert len(missed) <= 0.1 * len(cases), missed


@pytest.mark.parametrize("seed", SEEDS)
def test_sums_ids_lock_files_images_and_minified_code_stay(seed: int) -> None:
    texts = list(foreign_innocents(seed))
    touched = [result.text for result in map(redact, texts) if result.counts]
    assert len(texts) >= 10 * len(INNOCENT)
    assert len(touched) <= 0.001 * len(texts), touched


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_pass_over_foreign_lines_finds_nothing(seed: int) -> None:
    for _, text, _ in foreign_secrets(seed, each=1):
        once = redact(text).text
        assert redact(once) == Redacted(once, {})


# --- one by one ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'fooKey = "{KEY}"', 'fooKey = "[redacted:key]"'),
        (f"const barKey: string = '{SHORT}';", "const barKey: string = '[redacted:key]';"),
        (f"let k_key: &str = `{HEX32}`", "let k_key: &str = `[redacted:key]`"),
        (f"the key we use there is {HEX32}", "the key we use there is [redacted:key]"),
        (f"use this key: {SHORT}.", "use this key: [redacted:key]."),
        (f"my key is {SHORT}, ok?", "my key is [redacted:key], ok?"),
        (f"API key:\n\n```\n{KEY}\n```", "API key:\n\n```\n[redacted:key]\n```"),
        (f"https://x.org/a?key={SHORT}&b=2", "https://x.org/a?key=[redacted:key]&b=2"),
        (f"https://x.org/a?b=2&sig={SHORT}", "https://x.org/a?b=2&sig=[redacted:token]"),
        (f"deploy --token {SHORT} --wet", "deploy --token [redacted:token] --wet"),
        (f"deploy --api-key={HEX32}", "deploy --api-key=[redacted:key]"),
        (f"Cookie: session={KEY}; theme=dark", "Cookie: session=[redacted:cookie]; theme=dark"),
        (f"curl -b 'sid={KEY}' https://x.org", "curl -b 'sid=[redacted:cookie]' https://x.org"),
        (f'cookies={{"sid": "{KEY}"}}', 'cookies={"sid": "[redacted:cookie]"}'),
        (f'{{"cookie": "a=1; sid={KEY}"}}', '{"cookie": "a=1; sid=[redacted:cookie]"}'),
        (f"credentials: sam / {PASSWORD}", "credentials: sam / [redacted:credential]"),
        (f"credentials: {KEY}", "credentials: [redacted:credential]"),
        (f"sshpass -p {PASSWORD} ssh a@b", "sshpass -p [redacted:password] ssh a@b"),
        (f"sshpass -p'{PASSWORD}' ssh a@b", "sshpass -p'[redacted:password]' ssh a@b"),
        (f"mysql -u root -p{PASSWORD} shop", "mysql -u root -p[redacted:password] shop"),
        (f"curl -su 'sam:{PASSWORD}' x.org", "curl -su 'sam:[redacted:password]' x.org"),
        (f"echo {PASSWORD} | sudo -S true", "echo [redacted:password] | sudo -S true"),
        (f"das Passwort lautet {PASSWORD}", "das Passwort lautet [redacted:password]"),
        (f"contraseña del wifi: {PASSWORD}", "contraseña del wifi: [redacted:password]"),
        (f"密码是{PASSWORD}。", "密码是[redacted:password]。"),
        (f"İ пароль: {PASSWORD}", "İ пароль: [redacted:password]"),
        (f"der Schlüssel ist {KEY}", "der Schlüssel ist [redacted:key]"),
        (f"my seed phrase is {PHRASE}", "my seed phrase is [redacted:seed_phrase]"),
        (
            f"jdbc:postgresql://db/a?user=b&password={PASSWORD}",
            "jdbc:postgresql://db/a?user=b&password=[redacted:password]",
        ),
        (
            f"jdbc:oracle:thin:scott/{PASSWORD}@//db:1521/x",
            "jdbc:oracle:thin:scott/[redacted:url_password]@//db:1521/x",
        ),
        (f"https://{KEY}@sentry.io/4", "https://[redacted:url_token]@sentry.io/4"),
        (
            f"kind: Secret\ndata:\n  value: {KEY}\n",
            "kind: Secret\ndata:\n  value: [redacted:manifest_secret]\n",
        ),
        (f"the API pw is {PASSWORD} btw", "the API pw is [redacted:password] btw"),
        (f"la pass es {PASSWORD}", "la pass es [redacted:password]"),
        (f'auth=("sam", "{PASSWORD}")', 'auth=("sam", "[redacted:password]")'),
        (f"{KEY} is the api key", "[redacted:key] is the api key"),
        (
            f"log in with {PASSWORD} as the password",
            "log in with [redacted:password] as the password",
        ),
        (f"新しいパスワードは「{PASSWORD}」です", "新しいパスワードは「[redacted:password]」です"),
        (f"GITHUB_PAT={HEX32}", "GITHUB_PAT=[redacted:token]"),
        (f"APP_KEY=base64:{KEY}", "APP_KEY=base64:[redacted:key]"),
        (f"weatherbit: {KEY}", "weatherbit: [redacted:key]"),
        (f'plug("{KEY}")', 'plug("[redacted:random]")'),
    ],
)
def test_only_the_secret_of_a_foreign_line_goes(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        f"token refresh broke since {SHA}",
        f"key change, commit {SHA}",
        f"primary key: {HEX32}",
        f"cache_key = {HEX32}",
        f"public key: {KEY}",
        f"the key's fingerprint is {HEX32}",
        f'"integrity": "sha512-{KEY}{KEY}=="',
        f"h1:{KEY}AbCdEfGh123= // go.sum of keyring",
        f"toolu_01{KEY[:22]}",
        f"https://docs.example.com/d/{KEY}/edit",
        f'"userId": "{KEY}"',
        'x = "' + base64.b64encode(b"no key at all, but words of 2026 in Base64").decode() + '"',
        "=?iso-2022-jp?b?" + KEY + "?=",
        f"data:image/png;base64,{KEY * 4}",
        "\n".join(f'  "{some(ALNUM, 28)(_RNG)}",' for _ in range(4)),
        "keyboardShortcutHandler2 = makeTokenParserForHttp2Frames",
        "int PKCS12_add_localkeyid(PKCS12_SAFEBAG *bag, int n)",
        'model.key == "all-MiniLM-L6-v2@53aa51172d14/int8"',
        f"Cache restored from key: node-Linux-x64-npm-{SHA}",
        f"key: uploads/2026/{SHA}.png",
        "token_model: claude-3-5-sonnet-20241022",
        'key = "claude-opus-4-5-20251101"',
        'r"(?P<secret>(?=[^x]{0,60}[0-9])[^z]{6,64})(?P=quote)"',
        "def test_the_live_hook_prints_the_page_byte_by_byte_and_line_by_line() -> None:",
        'result_key: "DBProxyEndpoints"',
        "crypto.pbkdf2Sync(password, salt, 1, 2)",
        "a <code>KeyUsage</code> such as <code>TR31_M7_HMAC_KEY</code>",
        "SRP_user_pwd *SRP_VBASE_get1_by_user(SRP_VBASE *vb)",
        f"<DigestValue>{KEY}=</DigestValue>",
        f'"text": "the cookie is set: see below", "requestId": "req_{KEY[:24]}", "type": "x"',
        "decrypt_skey(const PKCS12_SAFEBAG *bag)",
        "passwd = HTTPPasswordMgrWithDefaultRealm()",
        "mysql -u root -p shop",
        "curl -u $USER:$PASS https://x.org",
        "mnemonic codes for the months are what most people learn first in their life here now",
    ],
)
def test_what_stands_near_such_words_but_is_no_secret_stays(text: str) -> None:
    assert redact(text) == Redacted(text, {})


def test_a_row_of_random_strings_is_data_unless_it_is_called_a_secret() -> None:
    values = [some(ALNUM, 28)(_RNG) for _ in range(4)]
    assert redact(" ".join(values)).counts == {}
    assert redact("\n".join(f"API_KEY_{n}={value}" for n, value in enumerate(values))).counts == {
        "key": 4
    }


def test_words_inside_the_marks_of_an_earlier_pass_name_nothing() -> None:
    text = f"[redacted:token] {HEX32} [redacted:cookie]: a={HEX32}"
    assert redact(text) == Redacted(text, {})


def test_the_scanners_licence_lies_beside_its_rules() -> None:
    licence = (FIXTURES / "gitleaks-license.txt").read_text(encoding="utf-8")
    assert re.search(r"MIT License\s+Copyright \(c\) \d{4} Zachary Rice", licence)
