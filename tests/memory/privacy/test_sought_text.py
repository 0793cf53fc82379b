"""A text is found in each of the encodings, and replaced there."""

from __future__ import annotations

import base64
import html
import json
import quopri
import unicodedata
from urllib.parse import quote

import pytest

from iai_memory.errors import InvalidInput
from iai_memory.privacy.sought_text import SoughtText
from iai_memory.projects.key import project_key

NAME = "Jörg Müller-Quirrenbach\n“Ä/ß” \U0001f40d"
SOUGHT = SoughtText.of(NAME)

ENCODED = {
    "as it is": NAME,
    "JSON": json.dumps(NAME),
    "JSON that keeps letters": json.dumps(NAME, ensure_ascii=False),
    "JSON with escaped slashes": json.dumps(NAME).replace("/", "\\/"),
    "JSON within JSON": json.dumps(json.dumps({"text": NAME})),
    "JSON within JSON within JSON": json.dumps(json.dumps(json.dumps([NAME]))),
    "decomposed": unicodedata.normalize("NFD", NAME),
    "decomposed in JSON": json.dumps(unicodedata.normalize("NFD", NAME)),
    "printed bytes": repr(NAME.encode())[2:-1],
    "bytes in capital letters": "".join(f"\\x{byte:02X}" for byte in NAME.encode()),
    "HTML": html.escape(NAME),
    "HTML of ASCII": NAME.encode("ascii", "xmlcharrefreplace").decode(),
    "HTML in hexadecimal": "".join(f"&#x{ord(char):X};" for char in NAME),
    "named entities": NAME.replace("ö", "&ouml;").replace("ü", "&uuml;").replace("ß", "&szlig;"),
    "quoted-printable": quopri.encodestring(NAME.encode()).decode().replace("=\n", ""),
    "percent-encoded": quote(NAME, safe=""),
    "a project's key": project_key(NAME.lower()).replace("+", "/"),
    "base64": base64.b64encode(f"user:{NAME}".encode()).decode(),
    "base64 of URLs": base64.urlsafe_b64encode(f">>?{NAME}".encode()).decode(),
}


@pytest.mark.parametrize("form", ENCODED)
def test_a_text_is_found_in_each_encoding_and_is_gone_after_it_was_replaced(form: str) -> None:
    sought = SoughtText.of(NAME, ignore_case=form == "a project's key")
    text = f"before {ENCODED[form]} after"

    clean = sought.without(text, "[mark]")

    assert sought.is_in(text)
    assert not sought.is_in(clean)
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert clean.count("[mark]") == 1


@pytest.mark.parametrize("form", ["utf-8", "utf-16-le", "utf-16-be", "utf-16"])
def test_bytes_are_read_as_utf_8_and_as_utf_16_from_any_place(form: str) -> None:
    assert SOUGHT.is_in_bytes(b"\x00\xff" + NAME.encode(form))
    assert SOUGHT.is_in_bytes(b"\x00" + NAME.encode(form))
    assert not SOUGHT.is_in_bytes(b"\x00" + NAME[1:].encode(form))


def test_a_mark_stands_for_what_was_found_and_for_no_letter_beside_it() -> None:
    text = unicodedata.normalize("NFD", "señor Müller, señora Müllerová; 각각 Müller 각")
    clean = SoughtText.of("Müller").without(text, "*")
    assert unicodedata.normalize("NFC", clean) == "señor *, señora *ová; 각각 * 각"
    assert SoughtText.of("각").without("\u1100\u1161\u11a8\u1102", "*") == "*\u1102"


def test_letter_case_counts_unless_it_is_told_not_to() -> None:
    assert not SoughtText.of("Zorblax").is_in("ZORBLAX")
    assert SoughtText.of("zorblax", ignore_case=True).is_in("\\u005aORBLAX")


def test_a_regular_expression_is_sought_in_decoded_text() -> None:
    sought = SoughtText.of(r"twice\s+second", regex=True)
    assert sought.without('{"p": "say it twice\\nsecond line"}', "*") == '{"p": "say it * line"}'


def test_several_texts_are_sought_whole() -> None:
    sought = SoughtText.of_texts(["one line", "  ", "two\nlines"])
    assert sought.without("one line, two lines, two\\nlines", "*") == "*, two lines, *"


@pytest.mark.parametrize("pattern", ["", "  ", "(", "a*"])
def test_a_refused_pattern_is_not_repeated(pattern: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SoughtText.of(pattern, regex=True)
    assert "'" not in str(refused.value)


def test_of_a_long_text_each_line_is_decoded_and_what_spans_lines_is_found_as_it_is() -> None:
    filler = "a line that says nothing of it\n" * 4_000
    text = f"{filler}{json.dumps(NAME)}\n{NAME}{filler}"
    clean = SOUGHT.without(text, "*")
    assert clean == f'{filler}"*"\n*{filler}'
