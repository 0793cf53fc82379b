"""One byte never costs a turn: long, broken, glued and unfinished lines give what they hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.transcript_lines import claude, codex, new_parser, raw, reasons, turns

from iai_memory import Memory
from iai_memory.base.checks import check_text
from iai_memory.capture.damaged_line import salvage
from iai_memory.capture.long_line import LongLine
from iai_memory.capture.transcript import detect_host, line_outcomes, read_transcript
from iai_memory.capture.turn import Parsed, Skipped, Turn
from iai_memory.errors import TranscriptFault
from iai_memory.text.same_words import CUT

OLD = (1_700_000_000, 1_700_000_000)
IMAGE = "iVBORw0KGgo" + "Ab9+/" * 1_200_000


def read(path: Path, content: bytes) -> list[Parsed]:
    path.write_bytes(content)
    os.utime(path, OLD)
    return list(read_transcript(path, "claude-code"))


def texts(items: list[Parsed]) -> list[str]:
    return [turn.text for turn in turns(items)]


def image(data: str = IMAGE) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


def test_three_screenshots_of_five_megabytes_cost_no_word_beside_them(path: Path) -> None:
    said: dict[str, Any] = {"type": "text", "text": 'what is "this"? 🐝'}
    line = claude([image(), said, image(), image()], toolUseResult=[image()])

    items = read(path, raw(line, claude("after")))

    assert texts(items) == ['what is "this"? 🐝', "after"]
    assert reasons(items) == {}
    assert detect_host(path) == "claude-code"


@pytest.mark.parametrize("spaces", ["", "  "])
@pytest.mark.parametrize("before", range(524_200, 524_350, 7))
def test_an_image_is_left_out_wherever_it_begins(before: int, spaces: str) -> None:
    url = f'"url"{spaces}:{spaces}"data:image/png;base64,{IMAGE}"'
    line = f'{{"a": "{"x" * before}", {url}, "b": 1}}'
    assert json.loads(shortened(line.encode())) == {"a": "x" * before, "url": "", "b": 1}


def shortened(line: bytes, size: int = 65_536) -> bytes:
    long = LongLine()
    for at in range(0, len(line), size):
        long.feed(line[at : at + size])
    return long.end()


@given(st.data())
def test_any_line_without_long_strings_is_unchanged_in_any_pieces(data: st.DataObject) -> None:
    value = data.draw(st.recursive(st.text() | st.integers(), st.lists, max_leaves=8))
    line = json.dumps(value, ensure_ascii=data.draw(st.booleans())).encode()
    assert shortened(line, data.draw(st.integers(1, 9))) == line


@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_without_long_strings_are_unchanged_in_any_pieces(line: bytes, size: int) -> None:
    assert shortened(line, size) == line


@pytest.mark.parametrize("text", ["word ", "漢字", "🐝", '\\"', "\\\\", "\n", "\u0001"], ids=ascii)
@pytest.mark.parametrize("escaped", [True, False])
def test_of_a_long_text_the_ends_stay_and_decode(text: str, escaped: bool, path: Path) -> None:
    said = f"first{text * 1_400_000}last"
    line = json.dumps(claude(said, cwd="/a"), ensure_ascii=escaped).encode()

    items = read(path, line + b"\n" + raw(claude("after", uuid="2")))

    cut, after = turns(items)
    head, tail = cut.text.split(CUT)
    assert said.startswith(head)
    assert said.endswith(tail)
    assert min(len(head.encode()), len(tail.encode())) > 150_000
    assert check_text(cut.text) == cut.text
    assert (cut.marks, cut.cwd) == (("cut",), "/a")
    assert after.text == "after"
    assert reasons(items) == {"too_long": 1}


def test_a_text_of_more_than_a_megabyte_in_a_line_of_two_keeps_head_and_tail(path: Path) -> None:
    (turn,) = turns(read(path, raw(claude("head " + "é" * 600_000 + " tail"))))
    assert turn.text.startswith("head éé")
    assert turn.text.endswith("éé tail")
    assert turn.marks == ("cut",)
    assert check_text(turn.text) == turn.text


def test_the_next_page_tells_of_a_paste_that_was_too_long(words_only: Memory, path: Path) -> None:
    read(path, raw(claude("head " + "é" * 600_000 + " tail"), claude("short", uuid="2"))[:-1])
    words_only.paths.spool.mkdir(parents=True)
    ring = {"session_id": "s", "transcript_path": str(path), "cwd": "/"}
    (words_only.paths.spool / "doorbell.jsonl").write_text(json.dumps(ring) + "\n")

    words_only.drain()

    records = words_only.timeline(turns=True).records
    assert sorted(record.tags for record in records) == [[], ["cut"]]
    page = words_only.session_start(refresh=True).payload
    assert "1 of your turns could not be kept: `iai-mcp events`" in page


SPELLINGS = {
    "base64url": IMAGE.replace("+", "-").replace("/", "_"),
    "broken into lines": "\r\n".join(IMAGE[at : at + 76] for at in range(0, len(IMAGE), 76)),
    "a data URL with parameters": "DATA:image/SVG+XML;charset=utf-8;base64," + IMAGE,
}


@pytest.mark.parametrize("slash", ["/", "\\/"])
@pytest.mark.parametrize("key", ["data", "blob", "content", "src"])
@pytest.mark.parametrize("shape", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_text_beside_images_of_any_spelling_is_whole(
    shape: str, key: str, slash: str, path: Path
) -> None:
    said = "first " + "word " * 60_000 + "last"
    line = raw(claude([{"type": "image", key: shape}, {"type": "text", "text": said}]))
    assert texts(read(path, line.replace(b"/", slash.encode()))) == [said]


def test_three_thousand_small_images_cost_no_word(path: Path) -> None:
    said = {"type": "text", "text": "said"}
    assert texts(read(path, raw(claude([*[image(IMAGE[:4000])] * 3000, said])))) == ["said"]


@pytest.mark.parametrize("at", [400_000, 700_000, 5_000_001])
def test_the_object_behind_half_an_image_is_found(at: int, path: Path) -> None:
    items = read(path, raw(claude([image(), image()]))[:at] + raw(claude("the next")))
    assert texts(items) == ["the next"]
    assert reasons(items) == {"unparsable": 1}


DENSE: dict[str, Any] = {
    "short strings": ["a line of code"] * 400_000,
    "empty objects": [{}] * 1_200_000,
    "lists of one": [[1]] * 900_000,
}


@pytest.mark.parametrize("result", DENSE.values(), ids=DENSE.keys())
def test_a_huge_result_of_small_parts_costs_no_word_before_it(result: Any, path: Path) -> None:
    items = read(path, raw(claude("said", toolUseResult=result), claude("after", uuid="2")))
    assert texts(items) == ["said", "after"]


def test_blanks_between_the_parts_of_a_line_cost_nothing(path: Path) -> None:
    said = "a" + " " * 100 + "b"
    line = raw(claude(said)).replace(b'"message"', b" " * 9_000_000 + b'"message"')
    assert texts(read(path, line)) == [said]


def test_a_text_under_a_megabyte_is_whole_however_it_is_escaped(path: Path) -> None:
    said = "first" + "\u0436" * 495_000 + "last"
    assert texts(read(path, raw(claude(said)))) == [said]


def test_a_megabyte_exactly_is_kept_verbatim(path: Path) -> None:
    (turn,) = turns(read(path, raw(claude("x" * 1_000_000))))
    assert (turn.text, turn.marks) == ("x" * 1_000_000, ())


def test_the_words_after_huge_results_of_tools_are_kept(path: Path) -> None:
    results = [{"type": "tool_result", "content": "y" * 9_000_000} for _ in range(9)]
    blocks = [*results, {"type": "text", "text": "and the words"}]
    assert texts(read(path, raw(claude(blocks)))) == ["and the words"]


SMALL = [{"a": number} for number in range(300_000)]
FIRST: dict[str, dict[str, Any]] = {
    "a result": {"toolUseResult": SMALL},
    "a result of numbers": {"toolUseResult": [1234567] * 2_000_000},
    "six results": {f"result{number}": SMALL for number in range(6)},
    "an object nested in objects": {"a": {"b": {"c": SMALL}, "d": SMALL}},
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST.keys())
def test_the_words_behind_huge_members_of_a_line_are_kept(
    first: dict[str, Any], path: Path
) -> None:
    items = read(path, raw(first | claude("said"), claude("after", uuid="2")))
    assert texts(items) == ["said", "after"]
    assert turns(items)[0].cwd == "/home/sam/code"
    assert reasons(items) == {}


def test_what_stands_behind_a_huge_message_is_kept(path: Path) -> None:
    message = {"role": "user", "usage": SMALL, "content": "said"}
    (turn,) = turns(read(path, raw(claude("", message=message, uuid="behind"))))
    assert (turn.text, turn.turn_id, turn.marks) == ("said", "behind", ())


def test_of_very_many_blocks_the_ends_are_kept_and_the_rest_is_told(path: Path) -> None:
    block = {"type": "image", "source": [{}, {}]}
    said = [{"type": "text", "text": text} for text in ("first", "last")]
    items = read(path, raw(claude([said[0], *[block] * 150_000, said[1]])))
    assert texts(items) == [f"first\n\n{CUT}\n\nlast"]
    assert reasons(items) == {"too_long": 1}


def test_of_very_many_items_of_codex_the_ends_are_kept_and_the_rest_is_told() -> None:
    line = codex("first")
    last = {"type": "input_text", "text": "last"}
    line["payload"]["content"] += [*[{"type": "input_image", "x": {}}] * 150_000, last]
    outcomes = line_outcomes(new_parser("codex"), shortened(raw(line)[:-1]))
    assert isinstance(outcomes[0], Turn)
    assert outcomes[0].text == f"first\n\n{CUT}\n\nlast"
    assert outcomes[1] == Skipped("too_long")


def test_blocks_of_which_none_is_left_are_no_turn_and_are_counted() -> None:
    outcomes = line_outcomes(new_parser("claude-code"), raw(claude([CUT])))
    assert outcomes == [Skipped("line_too_long")]


def test_a_line_of_too_many_members_is_kept_and_counted_and_the_next_one_read(path: Path) -> None:
    many: dict[str, Any] = {f"member {number}": number for number in range(500_000)}
    items = read(path, raw({**claude("said"), **many}, claude("after", uuid="2")))
    assert reasons(items) == {"line_too_long": 1}
    assert texts(items) == ["said", "after"]


@pytest.mark.parametrize("deep", [201, 20_000, 700_000])
@pytest.mark.parametrize(("opener", "closer"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_costs_no_word_beside_it(
    deep: int, opener: str, closer: str, path: Path
) -> None:
    nested = f'"a":{opener * deep}1{closer * deep},"b":"{"x" * 600_000}","message"'
    line = raw(claude("said")).replace(b'"message"', nested.encode())
    assert texts(read(path, line)) == ["said"]


def test_the_object_behind_half_a_line_of_small_parts_is_found(path: Path) -> None:
    half = raw(claude("q", toolUseResult=SMALL))[:-400] + b'", "uu'
    items = read(path, half + raw(claude("glued", uuid="glued")))
    assert texts(items) == ["glued"]
    assert reasons(items) == {"unparsable": 1}


# How many of each weigh more than a line may.
PARTS = {"{}": 90_000, "[1]": 80_000, '{"a":{}}': 45_000, '"é"': 260_000, "12": 480_000}


@pytest.mark.slow
@settings(max_examples=10)
@given(st.data())
def test_of_any_line_that_is_shortened_what_is_kept_is_json(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([*PARTS, '[[],{"b":[2]}]']))
    holder = data.draw(st.sampled_from(['{"x":[@],"said":1}', '{"a":{"b":[[@],"z"]},"said":1}']))
    line = holder.replace("@", ",".join([part] * PARTS.get(part, 40_000))).encode()
    kept = shortened(line, data.draw(st.integers(30_000, 500_000)))
    assert json.loads(kept)["said"] == 1
    # The mark may be longer than what it stands for.
    assert len(kept) < len(line) + len(json.dumps(CUT))


HALVES = {
    "in a text": b'{"parentUuid":null,"type":"user","message":{"role":"user","content":"hel',
    "behind a backslash": b'{"type":"user","message":{"role":"user","content":"hel\\',
    "in a key": b'{"type":"user","mess',
    "an opening": b"{",
    "after an inner object": b'{"type":"user","message":{"role":"user","content":"hi"},"uu',
    "in a list of objects": b'{"type":"user","message":{"content":[{"type":"text","text":"a"},{"ty',
    "in a number": b'{"type":"user","n":12',
    "in a text of ten megabytes": b'{"type":"user","message":{"content":"' + b"x" * 10_000_000,
    "wrong bytes": b'{"type":"user","message":"\xff\xfe\x00',
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_an_object_glued_to_half_a_line_is_found_and_the_half_is_counted(
    half: bytes, path: Path
) -> None:
    items = read(path, half + raw(claude('the next {"type": "user"}'), claude("third", uuid="3")))
    assert texts(items) == ['the next {"type": "user"}', "third"]
    assert reasons(items) == {"unparsable": 1}


NEXT = raw(claude("the next", uuid="next"))
INNER = {"type": "user", "sessionId": "s", "uuid": "evil", "message": {"content": "INNER"}}
HOLDERS: dict[str, dict[str, Any]] = {
    "a sub-agent's message": {"type": "progress", "data": {"message": INNER, "n": [1, 2]}},
    "what a tool printed": claude([], toolUseResult=[INNER, INNER, {"a": INNER}]),
    "a result of many objects": claude("q", toolUseResult=[{"uuid": n} for n in range(2000)]),
    "a Codex output": {"type": "response_item", "payload": {"output": {"a": codex("INNER")}}},
    "150 objects open": claude("q", toolUseResult=json.loads('{"a":' * 150 + "1" + "}" * 150)),
    "text with braces": claude('see `{ "a": {"b": [{"uuid": ' * 9),
}


@pytest.mark.parametrize("ending", [b"", NEXT], ids=["alone", "glued"])
@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS.keys())
def test_what_stands_inside_an_unfinished_object_is_nobodys_line(
    holder: dict[str, Any], ending: bytes, path: Path
) -> None:
    whole = raw(holder).strip()
    for at in [*range(1, min(600, len(whole)), 7), *range(len(whole) - 60, len(whole))]:
        half = whole[:at]
        found = [json.loads(own) for _, own in salvage(half + ending).objects]
        is_glued = [json.loads(ending)] if ending else []
        # Where JSON allows an object, nobody knows whether it is a part or was glued.
        may_be_inside = half.rstrip()[-1:] in (b":", b"[", b",")
        assert found == is_glued or (may_be_inside and not found), half[-40:]
    items = read(path, whole[:-30] + b'"' + ending + NEXT)
    assert set(texts(items)) <= {"the next"}
    assert reasons(items) == {"unparsable": 1}


@given(st.data())
def test_no_object_inside_another_of_a_damaged_line_is_ever_taken(data: st.DataObject) -> None:
    holder = data.draw(st.sampled_from(list(HOLDERS.values())))
    whole = raw(holder).strip()
    at = data.draw(st.integers(1, len(whole) - 1))
    wrong = data.draw(st.sampled_from([b"\x00", b"\xff", b'"', b"x", b" ", b"\\"]))
    damaged = whole[:at] + wrong + whole[at + data.draw(st.integers(0, 1)) :]
    for fields, _ in salvage(damaged).objects:
        assert "INNER" not in json.dumps(fields.get("message"))
        assert fields.keys() & holder.keys() == fields.keys() or len(fields) >= len(holder)


@pytest.mark.parametrize("between", [b"", b" ", b"\r", b"\x00\x00", b"\xef\xbb\xbf"], ids=repr)
def test_whole_objects_in_one_line_are_each_read(between: bytes, path: Path) -> None:
    one, two, three = (raw(claude(text, uuid=text)).rstrip() for text in ("one", "two", "three"))
    items = read(path, between.join((one, two, three)) + b"\n")
    assert texts(items) == ["one", "two", "three"]
    assert reasons(items) == {}


def test_a_whole_object_with_half_a_one_behind_it_is_kept(path: Path) -> None:
    items = read(path, raw(claude("whole")).rstrip() + b'{"type":"user","mess\n' + raw(claude("b")))
    assert texts(items) == ["whole", "b"]
    assert reasons(items) == {"unparsable": 1}


def test_two_objects_without_ids_in_one_line_are_two_turns() -> None:
    lines = [codex(text) for text in ("one", "two")]
    for line in lines:
        del line["payload"]["id"]
    outcomes = line_outcomes(new_parser("codex"), b"".join(raw(line).strip() for line in lines))
    found = [outcome for outcome in outcomes if isinstance(outcome, Turn)]
    assert [turn.text for turn in found] == ["one", "two"]


@pytest.mark.parametrize("opening", [b"{", b'{"', b'{"a":', b"[", b'{"a":[{"b":"'], ids=repr)
def test_a_line_of_nothing_but_openings_is_counted(opening: bytes, path: Path) -> None:
    items = read(path, opening * 30_000 + raw(claude("next"), claude("third", uuid="3")))
    assert "third" in texts(items)
    assert reasons(items) in ({"unparsable": 1}, {"line_too_long": 1})


ODD_BYTES = {
    "a byte order mark": (b"\xef\xbb\xbf%s\n", "caf\u00e9", ()),
    "CRLF": (b"%s\r\n", "caf\u00e9", ()),
    "NULs before it": (b"\x00\x00\x00%s\n", "caf\u00e9", ()),
    "NULs behind it": (b"%s\x00\x00\x00\n", "caf\u00e9", ()),
    "blank lines": (b"\n\r\n  \n%s\n\n", "caf\u00e9", ()),
}


@pytest.mark.parametrize(("shape", "text", "marks"), ODD_BYTES.values(), ids=ODD_BYTES.keys())
def test_what_stands_around_an_object_costs_nothing(
    shape: bytes, text: str, marks: tuple[str, ...], path: Path
) -> None:
    (turn,) = turns(read(path, shape % raw(claude(text)).rstrip()))
    assert (turn.text, turn.marks) == (text, marks)
    assert detect_host(path) == "claude-code"


@pytest.mark.parametrize("wrong", [b"\xe9", b"\xff\xfe", b"\xf0\x9f", b"\xed\xa0\x80"], ids=repr)
def test_bytes_that_are_not_utf_8_are_replaced_and_the_turn_says_so(
    wrong: bytes, path: Path
) -> None:
    line = raw(claude("caf@ au lait")).replace(b"@", wrong)
    (turn,) = turns(read(path, line))
    assert turn.text.replace("\ufffd", "") == "caf au lait"
    assert "\ufffd" in turn.text
    assert turn.marks == ("bytes-replaced",)


@pytest.mark.parametrize("control", [b"\t", b"\x01", b"\x1b"], ids=repr)
def test_a_control_character_that_nobody_escaped_is_kept(control: bytes, path: Path) -> None:
    (turn,) = turns(read(path, raw(claude("a@b")).replace(b"@", control)))
    assert turn.text == f"a{control.decode()}b"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf_16_is_named_as_such(encoding: str, path: Path) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + json.dumps(claude("x")).encode(encoding))
    with pytest.raises(TranscriptFault, match=r"is UTF-16: .*iconv"):
        detect_host(path)


def test_a_last_line_without_a_newline_is_read_when_the_file_is_at_rest(path: Path) -> None:
    whole = raw(claude("one"), claude("last", uuid="2"))
    items = read(path, whole[:-1])
    assert texts(items) == ["one", "last"]
    assert items[-1].end_offset == len(whole) - 1


LAST = raw(claude("last w@rd", uuid="2")).strip()
ODD_LAST = {
    "a Latin-1 byte": LAST.replace(b"@", b"\xe9"),
    "NULs": LAST + b"\0\0\0",
    "a carriage return": LAST + b"\r",
    "half a line before it": b'{"type":"user","message":{"content":"hal' + LAST,
    "a byte order mark": b"\xef\xbb\xbf" + LAST,
}


@pytest.mark.parametrize("last", ODD_LAST.values(), ids=ODD_LAST.keys())
def test_a_last_line_without_a_newline_is_salvaged_as_any_other(last: bytes, path: Path) -> None:
    (turn,) = turns(read(path, last))
    assert turn.text[:6] == "last w"
    assert detect_host(path) == "claude-code"


def test_a_number_of_thousands_of_digits_costs_no_word(path: Path) -> None:
    line = raw(claude("said", n=1)).replace(b'"n": 1', b'"n": ' + b"1" * 5000)
    assert texts(read(path, line)) == ["said"]


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
def test_a_file_in_utf_32_is_named_as_such(encoding: str, path: Path) -> None:
    path.write_bytes(("\ufeff" + json.dumps(claude("x"))).encode(encoding))
    with pytest.raises(TranscriptFault, match=r"is UTF-32: .*iconv -f UTF-32"):
        detect_host(path)


def test_a_last_line_without_a_newline_waits_while_the_file_is_written(path: Path) -> None:
    path.write_bytes(raw(claude("one"), claude("last", uuid="2"))[:-1])
    assert texts(list(read_transcript(path, "claude-code"))) == ["one"]


def test_half_a_last_line_waits_however_long_the_file_is_at_rest(path: Path) -> None:
    items = read(path, raw(claude("one"), claude("last", uuid="2"))[:-2])
    assert texts(items) == ["one"]
    assert reasons(items) == {}


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_what_follows_a_last_line_without_a_newline_is_read_once(ending: bytes, path: Path) -> None:
    whole = raw(claude("one"), claude("last", uuid="2"))[:-1]
    cursor = read(path, whole)[-1].cursor
    path.write_bytes(whole + ending + raw(claude("next", uuid="3")))
    assert texts(list(read_transcript(path, "claude-code", cursor))) == ["next"]


def test_a_long_last_line_without_a_newline_is_read_too(path: Path) -> None:
    line = raw(claude([image(), {"type": "text", "text": "seen?"}]))[:-1]
    assert texts(read(path, line)) == ["seen?"]
    assert texts(read(path, line[:-1])) == []


def test_a_file_that_grows_while_it_is_read_has_an_end(path: Path) -> None:
    path.write_bytes(raw(claude("0", uuid="0")))
    seen = 0
    with path.open("ab") as host:
        for seen, _ in enumerate(read_transcript(path, "claude-code"), 1):
            host.write(raw(claude(str(seen), uuid=str(seen))))
            host.flush()
    assert seen == 1
