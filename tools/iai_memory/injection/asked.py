"""What a prompt asks: its own words without what was pasted; nothing of "yes" and "/clear"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..text.asking import asks
from ..text.echo import ECHO_MARK, pages_in, without
from ..text.fence import has_fence
from ..text.tokens import cut_to_tokens, fits

_MAX_CHARS: Final = 40_000
_MAX_TOKENS: Final = 160
_PARAGRAPH_TOKENS: Final = 80
_LONG_LINE: Final = 40
_MAX_LINE: Final = 1_000
_LEAST_LETTERS: Final = 0.72

_COMMAND: Final = re.compile(r"/[\w:.-]+(?:\s|\Z)|[!#]\s?\S|\\?exit\Z|quit\Z", re.IGNORECASE)
_FENCE: Final = re.compile(r"\s*(?:`{3,}|~{3,})")
_PASTED_LINE: Final = re.compile(
    r"\s*(?:>|\||@@ |diff --git |(?:\+\+\+|---)(?:\s|\w|$)|[\[\]{}()]+,?\s*$|</?\w"
    r"|\"[^\"\n]{1,80}\"\s*:|[\[{]\s*[\"{\[]"
    r"|Traceback \(|File \"|at [\w.$<>]+\(|[\w./-]+\.\w{1,5}:\d+"
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|(?:\$|%|#|>>>) \S"
    r"|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|PASS|FAIL|PASSED|FAILED)\b[\s:\[])"
)
_INDENTED: Final = re.compile(r"(?:\t| {4})\s*(?![-*\u2022\d])\S")
_DIFF_LINE: Final = re.compile(r"[+-](?![\s\d])\S|[+-]\s{2,}")
_QUESTION_AT_END: Final = re.compile(r"[^.!?\u3002\n]{4,300}[?\uff1f]\s*\Z")


def asked_of(prompt: str) -> str:
    """Return what a prompt asks or wants done, in at most 160 estimated tokens; "" for nothing.

    Code, quotations, logs and pages of ours are left out. Of a long text its first and its last
    paragraph count, since what is wanted stands before or behind what was pasted, each if it is
    short; of a long last one the question at its end.

    Args:
        prompt: As it was typed, of any length.
    """
    text = prompt.strip()
    if _COMMAND.match(text):
        return ""
    if len(text) > _MAX_CHARS:
        text = f"{text[: _MAX_CHARS // 2]}\n\n{text[-_MAX_CHARS // 2 :]}"
    if has_fence(text):
        text = without(text, pages_in(text)).replace(ECHO_MARK, "\n\n")
    said = _ends(list(_paragraphs(text)))
    return said if asks(said) else ""


def _paragraphs(text: str) -> Iterator[str]:
    """Yield what stands between blank lines and pasted ones, each in one line."""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        is_fence = _FENCE.match(line) is not None
        if is_fence or in_code or not line.strip() or _is_pasted(line):
            in_code ^= is_fence
            if lines:
                yield " ".join(lines)
                lines = []
        else:
            lines.append(line.strip())
    if lines:
        yield " ".join(lines)


def _is_pasted(line: str) -> bool:
    """Return whether a line is a quotation, code, or of a log."""
    if _PASTED_LINE.match(line) or _INDENTED.match(line) or _DIFF_LINE.match(line):
        return True
    line = line[:_MAX_LINE]
    said = sum(char.isalpha() or char == " " for char in line)
    return len(line) > _LONG_LINE and said < _LEAST_LETTERS * len(line)


def _ends(paragraphs: list[str]) -> str:
    whole = "\n".join(paragraphs)
    if len(whole) < 16 * _MAX_TOKENS and fits(whole, _MAX_TOKENS):
        return whole
    first, last = paragraphs[0], paragraphs[-1]
    chosen: list[str] = []
    if _is_short(first):
        chosen.append(first)
    if len(paragraphs) > 1 and _is_short(last):
        chosen.append(last)
    elif found := _QUESTION_AT_END.search(last, max(0, len(last) - 300)):
        chosen.append(found[0].strip())
    if not chosen:
        chosen.append(cut_to_tokens(first[: 16 * _PARAGRAPH_TOKENS], _PARAGRAPH_TOKENS, ""))
    return "\n".join(dict.fromkeys(chosen))


def _is_short(paragraph: str) -> bool:
    return len(paragraph) < 16 * _PARAGRAPH_TOKENS and fits(paragraph, _PARAGRAPH_TOKENS)
