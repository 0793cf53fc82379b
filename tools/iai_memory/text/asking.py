"""Whether what somebody says asks or wants anything: "yes", "thanks" and "go on" do not.

Words of assent and of going on are of English, German, French, Spanish, Italian, Portuguese,
Dutch, Polish, Russian, Chinese, Japanese and Korean.
"""

from __future__ import annotations

import re
from typing import Final

from .analyzer import identifiers, plain_words, readable_form
from .filler_words import FILLER_WORDS

_LEAST_WORDS: Final = 2
_OF_A_NAME: Final = 2  # "why is PROJ-123 red?" asks of one thing
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


def asks(said: str) -> bool:
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
