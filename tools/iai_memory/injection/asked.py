"""What a prompt asks: its own words without what was pasted; nothing of "yes", "go on", "/clear".

Words of assent and of going on are of English, German, French, Spanish, Italian, Portuguese,
Dutch, Polish, Russian, Chinese, Japanese and Korean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..text.analyzer import identifiers, plain_words, readable_form
from ..text.echo import ECHO_MARK, pages_in, without
from ..text.fence import has_fence
from ..text.filler_words import FILLER_WORDS
from ..text.tokens import cut_to_tokens, fits

_MAX_CHARS: Final = 40_000
_MAX_TOKENS: Final = 160
_PARAGRAPH_TOKENS: Final = 80
_LEAST_WORDS: Final = 2
_OF_A_NAME: Final = 2  # "why is PROJ-123 red?" asks of one thing
_LONG_LINE: Final = 40
_MAX_LINE: Final = 1_000
_LEAST_LETTERS: Final = 0.72

_ASSENT_WORDS: Final = """
ok okay k yes y yep yup yeah sure no n nope nah right correct exactly agreed great good nice cool
perfect excellent awesome fine thanks thank thx ty please pls continue proceed carry resume go
ahead next more again stop wait hold cancel abort undo retry done hi hello hey bye lgtm approve
approved accept skip ignore commit push merge run test tests try it ja jo jep nein genau klar gut
super prima danke bitte weiter weitermachen mach los nochmal stopp halt fertig richtig passt hallo
oui non merci continue continuez vas allez-y d'accord parfait encore arrête bonjour suivant bien
sí si no gracias vale bueno continúa continua sigue adelante dale perfecto otra hola claro listo
sì grazie certo continua avanti procedi perfetto ancora ciao va bene esatto sim não obrigado
obrigada pode continuar continue segue seguir perfeito certo olá isso nee dank bedankt graag
doorgaan prima goed tak nie dzięki dalej proszę kontynuuj dobrze да нет спасибо хорошо продолжай
продолжайте дальше давай ладно пожалуйста ок верно стоп
"""
_ASSENT: Final = frozenset(_ASSENT_WORDS.split())
_ASSENT_WITHOUT_BLANKS: Final = re.compile(
    "请|好的|好吧|好|继续|繼續|下一步|谢谢|謝謝|可以|是的|对的|对|不是|不用|不|没问题|吧|了|一下|你好"
    "|続けて|つづけて|続き|お願いします|お願い|ください|ありがとうございます|ありがとう|はい|いいえ|うん"
    "|了解です|了解|大丈夫です|です|네|예|아니요|계속하세요|계속해|계속|주세요|해요|감사합니다|고마워요|고마워|좋아요"
    "|좋아|해줘|해주세요"
)
_WITHOUT_BLANKS: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# "How do we deploy?" asks, and "deploy?" may be anything.
_QUESTION: Final = re.compile(
    r"\W*(?:(?:and|und|y|et|e|a)\W+)?(?:what|which|where|when|who|how|why|was|welche\w?|wo|wann|wer|wie"
    r"|warum|wohin|qu\u00e9|cu\u00e1l|d\u00f3nde|cu\u00e1ndo|qui\u00e9n|c\u00f3mo|quel(?:le)?s?|o\u00f9|quand|qui"
    r"|comment|pourquoi|che|cosa|quale|dove|quando|chi|come|perch\u00e9|qual|onde|quem|wat|welke|waar"
    r"|wanneer|wie|hoe|waarom|co|kt\u00f3r\w+|gdzie|kiedy|kto|jak|dlaczego|\u0447\u0442\u043e"
    r"|\u043a\u0430\u043a\w*|\u0433\u0434\u0435|\u043a\u043e\u0433\u0434\u0430|\u043a\u0442\u043e|\u043f\u043e\u0447\u0435\u043c\u0443)\b[^?]*\?\s*\Z",
    re.IGNORECASE,
)
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
    return said if _asks(said) else ""


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


def _asks(said: str) -> bool:
    """Return whether a text has words enough that are no assent, courtesy or grammar."""
    text = readable_form(said)
    if _WITHOUT_BLANKS.search(text):
        text = _ASSENT_WITHOUT_BLANKS.sub(" ", text)
    content = {
        word.spelled.casefold().replace("\u2019", "'")
        for word in plain_words(text)
        if not word.is_stop and len(word.spelled) > 1
    }
    content -= _ASSENT | FILLER_WORDS
    names = {one for one in identifiers(text) if any(map(str.isalpha, one))}
    least = 1 if _QUESTION.match(text) else _LEAST_WORDS
    return len(content) + _OF_A_NAME * len(names) >= least
