"""The words of all languages, by the code of dateparser's locales."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .eastern import CHINESE, JAPANESE, KOREAN, TURKISH
from .germanic import DUTCH, ENGLISH, GERMAN
from .northern import DANISH, FINNISH, NORWEGIAN, SWEDISH
from .pieces import TimeWords
from .romance import FRENCH, ITALIAN, PORTUGUESE, SPANISH
from .slavic import CZECH, POLISH, RUSSIAN

WORDS: Final[Mapping[str, TimeWords]] = MappingProxyType(
    {
        "en": ENGLISH,
        "de": GERMAN,
        "es": SPANISH,
        "fr": FRENCH,
        "it": ITALIAN,
        "pt": PORTUGUESE,
        "nl": DUTCH,
        "ru": RUSSIAN,
        "pl": POLISH,
        "cs": CZECH,
        "sv": SWEDISH,
        "da": DANISH,
        "nb": NORWEGIAN,
        "fi": FINNISH,
        "tr": TURKISH,
        "zh": CHINESE,
        "ja": JAPANESE,
        "ko": KOREAN,
    }
)
"""Each language's words; a language that is not here has none of its own."""

_DAYS: Final = {
    "german": (
        "gestern heute vorgestern montag dienstag mittwoch donnerstag freitag samstag sonntag "
        "letzte letzten letzter vorletzte neulich kürzlich zuletzt kw kalenderwoche "
        "januar februar märz juni juli oktober dezember"
    ),
    "spanish": (
        "ayer anteayer hoy lunes martes miércoles jueves viernes domingo anoche enero febrero "
        "marzo mayo junio julio septiembre octubre noviembre diciembre"
    ),
    "french": (
        "hier avant-hier aujourd'hui lundi mardi mercredi jeudi vendredi samedi dimanche récemment "
        "janvier février juillet août octobre décembre"
    ),
    "italian": "ieri oggi lunedì martedì mercoledì giovedì venerdì domenica",
    "portuguese": (
        "ontem anteontem hoje segunda-feira terça-feira quarta-feira quinta-feira sexta-feira"
    ),
    "dutch": (
        "gisteren eergisteren vandaag maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"
    ),
    "swedish": "igår idag förrgår måndag tisdag onsdag torsdag lördag",
    "polish": "wczoraj przedwczoraj dzisiaj dziś poniedziałek wtorek czwartek ostatnio",
    "czech": "včera předevčírem dnes pondělí úterý čtvrtek naposledy",
    "finnish": "eilen tänään toissapäivänä maanantaina tiistaina torstaina perjantaina",
    "turkish": "dün bugün evvelsi pazartesi salı çarşamba perşembe",
    "japanese": "昨日 今日 一昨日 先週 今週 先月",
}

DAY_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {word: language for language, words in _DAYS.items() for word in words.split()}
)
"""The language of words that name a day and may be the whole question, as "gestern"."""
