r"""A text that is to be found in whatever usual encoding it stands: written out, escaped, encoded.

A file holds a text as it was written, or as JSON writes it (`\u00fc`, `\"`, `\n`, and JSON within
JSON), as a program prints bytes (`\xc3\xbc`), percent-encoded in a URL, with the `=c3=bc` of mail
and of project keys, with the entities of HTML (`&uuml;`, `&#252;`), in base64, in UTF-16, and in
either normal form of Unicode. So a text is searched as it is and decoded in each of these ways, up
to three deep; what is found is told in places of the text as it stands, so that it can be replaced.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from ..errors import InvalidInput

Span = tuple[int, int]

MARK: Final = "[redacted:scrub]"
"""What stands in the place of a text that was removed; a later search finds nothing in it."""
_HIDDEN_MARK: Final = "\0" * len(MARK)

_DEPTH: Final = 3  # JSON within JSON within JSON: a tool's result that quotes a transcript
_JSON: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\[\"\\/bfnrt]")
_SIMPLE: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BYTES: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_PERCENT: Final = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_QUOTED: Final = re.compile(r"(?:=[0-9a-fA-F]{2})+")
_ENTITIES: Final = re.compile(r"(?:&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});)+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_LONG: Final = 65_536  # a longer text is decoded line by line
_FIRST_SEC: Final = 2.0  # a text takes milliseconds; 16 MiB of a file a second
_CHARS_PER_SEC: Final = 1_000_000
_NUL_SHARE: Final = 8  # one byte in eight is 0 in what may be UTF-16


@dataclass(frozen=True, slots=True)
class _BoundedPattern:
    """A regular expression of the user's, whose matching may take a bounded time on each text.

    `(a+)+$` takes years on forty letters, and whoever searches may hold the write lock.

    Attributes:
        compiled: By the library `regex`, which can be told a time.
    """

    compiled: Any

    def search(self, text: str) -> object:
        """Return the first match, or None.

        Raises:
            InvalidInput: It takes too long.
        """
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the matches, as `re` does.

        Raises:
            InvalidInput: It takes too long.
        """
        try:
            bound = _FIRST_SEC + len(text) / _CHARS_PER_SEC
            yield from self.compiled.finditer(text, timeout=bound)
        except TimeoutError as exc:
            raise InvalidInput(
                f"the pattern takes too long on a text of {len(text):,} characters: send one "
                f"without a repetition within a repetition"
            ) from exc


@dataclass(frozen=True, slots=True)
class SoughtText:
    """A pattern, sought in each of the encodings.

    Attributes:
        patterns: What any of is sought, as they are in the composed normal form.
    """

    patterns: tuple[re.Pattern[str] | _BoundedPattern, ...]

    @classmethod
    def of(cls, pattern: str, *, regex: bool = False, ignore_case: bool = False) -> SoughtText:
        """Return what finds the pattern; a plain text unless `regex` is set.

        Raises:
            InvalidInput: It is empty, is no regular expression, or matches the empty text. The
                sentence does not repeat it.
        """
        composed = unicodedata.normalize("NFC", pattern)
        compiled = (
            _compiled(composed, ignore_case=ignore_case)
            if regex
            else re.compile(re.escape(composed), re.IGNORECASE if ignore_case else 0)
        )
        if not pattern.strip() or compiled.search(""):
            raise InvalidInput("the pattern matches everything: name what is to be removed")
        if not regex and len(composed.strip()) == 1 and composed.isascii():
            raise InvalidInput("one character stands everywhere: send more of the text")
        return cls((compiled,))

    @classmethod
    def of_texts(cls, texts: list[str]) -> SoughtText:
        """Return what finds any of the texts, whole and as they are; blank ones are left out."""
        composed = {unicodedata.normalize("NFC", text.strip()) for text in texts}
        return cls(tuple(re.compile(re.escape(text)) for text in sorted(composed) if text))

    def is_in(self, text: str) -> bool:
        """Return whether it stands in the text in any of the encodings."""
        text = _without_marks(text)
        return self._is_written_in(text) or any(
            self._is_written_in(view) for line in _lines(text) for view in _decodings(line)
        )

    def is_in_bytes(self, content: bytes, *, decoded: bool = True) -> bool:
        """Return whether it stands in the bytes, as UTF-8 or UTF-16.

        Args:
            content: Of a file.
            decoded: Whether to look for it in each encoding, and not only as it is: of what is no
                text, but holds some, that would take minutes.
        """
        if not decoded:
            return self._is_written_in(_without_marks(content.decode("utf-8", "replace")))
        return any(self.is_in(text) for text in _texts_of(content))

    def without(self, text: str, mark: str) -> str:
        """Return the text with the mark in place of all that was found; as it is without any."""
        for start, end in reversed(self._places(text)):
            text = f"{text[:start]}{mark}{text[end:]}"
        if self._is_written_in(_without_marks(text)) or not self.is_in(text):
            return text
        lines = text.splitlines(keepends=True)
        return "".join(self.without(one, mark) for one in lines) if len(lines) > 1 else text

    def _is_written_in(self, text: str) -> bool:
        composed = unicodedata.normalize("NFC", text)
        return any(pattern.search(composed) for pattern in self.patterns)

    def _places(self, text: str) -> list[Span]:
        """Return where it was found; in a long text of several lines, as it is only."""
        text = _without_marks(text)
        if not self.is_in(text):
            return []
        is_long = len(_lines(text)) > 1
        views = [_composed(_View(text))] if is_long else _views(text)
        spans = (
            view.span(match.start(), match.end())
            for view in views
            for pattern in self.patterns
            for match in pattern.finditer(view.text)
            if match.end() > match.start()
        )
        return _joined(spans)


@dataclass(frozen=True, slots=True)
class _View:
    """A text, decoded.

    Attributes:
        text: Decoded, in the composed form.
        starts: Where in the text as it stands each character begins; None where it is the same.
        ends: Where it ends.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def span(self, start: int, end: int) -> Span:
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def decoded(self, form: re.Pattern[str], decode: Callable[[str], str | None]) -> _View:
        """Return the view with each place of the form decoded; one that is none stays."""
        return self.replaced(
            (match.start(), match.end(), plain)
            for match in form.finditer(self.text)
            if (plain := decode(match[0])) is not None
        )

    def replaced(self, places: Iterable[tuple[int, int, str]]) -> _View:
        """Return the view with another text at each place, given as start, end and text."""
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for start, end, plain in places:
            if plain == self.text[start:end]:
                continue
            self._keep(done, start, pieces, starts, ends)
            first, last = self.span(start, end)
            pieces.append(plain)
            starts += [first] * len(plain)
            ends += [last] * len(plain)
            done = end
        if not pieces:
            return self
        self._keep(done, len(self.text), pieces, starts, ends)
        return _View("".join(pieces), starts, ends)

    def _keep(
        self, start: int, end: int, pieces: list[str], starts: list[int], ends: list[int]
    ) -> None:
        pieces.append(self.text[start:end])
        starts += self.starts[start:end] if self.starts is not None else range(start, end)
        ends += self.ends[start:end] if self.ends is not None else range(start + 1, end + 1)


def _views(text: str) -> Iterator[_View]:
    """Yield the text as it is and decoded, each in the composed form."""
    seen = set[str]()
    level = [_View(text)]
    for _ in range(_DEPTH + 1):
        following: list[_View] = []
        for view in level:
            if view.text in seen:
                continue
            seen.add(view.text)
            yield _composed(view)
            following += (one for one in _decoded(view) if one is not view)
        level = following


def _decoded(view: _View) -> Iterator[_View]:
    for sign, form, decode in _FORMS:
        if sign in view.text:
            yield view.decoded(form, decode)


def _decodings(text: str) -> Iterator[str]:
    """Yield the text decoded in each way, as `_views` does, but without the places."""
    seen, level = {text}, [text]
    for _ in range(_DEPTH):
        following: list[str] = []
        for one in level:
            for sign, form, decode in _FORMS:
                plain = form.sub(_decoder(decode), one) if sign in one else one
                if plain not in seen:
                    seen.add(plain)
                    following.append(plain)
                    yield plain
        level = following


def _decoder(decode: Callable[[str], str | None]) -> Callable[[re.Match[str]], str]:
    def decoded(match: re.Match[str]) -> str:
        plain = decode(match[0])
        return match[0] if plain is None else plain

    return decoded


def _compiled(expression: str, *, ignore_case: bool) -> _BoundedPattern:
    library: Any = import_module("regex")  # not before somebody asks for it
    try:
        return _BoundedPattern(library.compile(expression, library.I if ignore_case else 0))
    except library.error as exc:
        raise InvalidInput(
            f"the pattern is no regular expression ({exc.msg} at character {exc.pos}): mend it"
        ) from exc


def _without_marks(text: str) -> str:
    """Return the text of the same length without the marks of earlier removals."""
    return text.replace(MARK, _HIDDEN_MARK)


def _lines(text: str) -> list[str]:
    return [text] if len(text) <= _LONG else text.split("\n")


def _composed(view: _View) -> _View:
    if unicodedata.is_normalized("NFC", view.text):
        return view
    return view.replaced(_clusters(view.text))


def _clusters(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield each character with what composes with it: start, end, and its composed form."""
    start, composed = 0, ""
    for at, char in enumerate(text):
        alone = unicodedata.normalize("NFC", char)
        joined = unicodedata.normalize("NFC", composed + char)
        if joined == composed + alone and not unicodedata.combining(char):
            yield start, at, composed
            start, composed = at, alone
        else:
            composed = joined
    yield start, len(text), composed


def _of_json(escapes: str) -> str | None:
    if escapes[1] != "u":
        return _SIMPLE.get(escapes[1], escapes[1])
    units = [int(unit, 16) for unit in escapes.split("\\u")[1:]]
    raw = b"".join(unit.to_bytes(2, "little") for unit in units)
    return raw.decode("utf-16-le", "replace")


def _of_percent(escapes: str) -> str | None:
    return bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "replace")


def _of_bytes(escapes: str) -> str | None:
    return _of_hex(escapes.replace("\\x", ""))


def _of_quoted(escapes: str) -> str | None:
    return _of_hex(escapes.replace("=", ""))


def _of_hex(digits: str) -> str | None:
    try:
        return bytes.fromhex(digits).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _of_base64(run: str) -> str | None:
    """Return the text that a run stands for; None where it stands for none."""
    if run in (run.lower(), run.upper()):
        return None  # a word or a name; nine bytes that become letters of one case are rare
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("utf-8")
    except ValueError:
        return None


_FORMS: Final = (
    ("\\", _JSON, _of_json),
    ("\\x", _BYTES, _of_bytes),
    ("%", _PERCENT, _of_percent),
    ("=", _QUOTED, _of_quoted),
    ("&", _ENTITIES, html.unescape),
    ("", _BASE64, _of_base64),
)


def _texts_of(content: bytes) -> Iterator[str]:
    yield content.decode("utf-8", "replace")
    if content.count(0) * _NUL_SHARE < len(content):
        return
    for form in ("utf-16-le", "utf-16-be"):
        for start in (0, 1):
            yield content[start:].decode(form, "replace")


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in their order; those that overlap are one."""
    joined: list[Span] = []
    for start, end in sorted(set(spans)):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
