"""Coding sessions of our own in four languages, with questions in other words than the sessions'.

Every text is a template of this file filled from a seed; nothing is somebody's. The languages say
the same: what a language costs, and whether a question that nobody can answer is recognised in it,
can be compared. `python -m tests.benchmarks.own_sessions FOLDER` writes the set, which
`real_sessions` reads as it reads real ones. The sentences are plain and alike, so that what is
found here is found more easily than in real sessions; what is not there is told as well.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SEED = 20261130
_BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
_NARRATION = 3  # turns at most between what the user says and the answer
_CHAT_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Language:
    """What one language says.

    Attributes:
        code: Two letters.
        things: What is worked on.
        exchanges: The user's turn, the answer and the question about it, with {thing} and {n}.
        narration: What the assistant says in between, about {thing}.
        chat: Short exchanges that answer nothing.
        nothing: Questions that nobody can answer.
    """

    code: str
    things: tuple[str, ...]
    exchanges: tuple[tuple[str, str, str], ...]
    narration: tuple[str, ...]
    chat: tuple[tuple[str, str], ...]
    nothing: tuple[str, ...]


ENGLISH = Language(
    "en",
    ("importer", "mail queue", "login page", "search index", "invoice export", "thumbnail job"),
    (
        (
            "The {thing} gives up far too early.",
            "It waits {n} seconds now.",
            "how long is the timeout of the {thing}?",
        ),
        (
            "Why was the {thing} down on Monday?",
            "A disk of host {n} had filled up with logs.",
            "what caused the outage of the {thing}?",
        ),
        (
            "Let's drop the retries in the {thing}.",
            "Removed: they hid real errors and cost {n} minutes.",
            "why does the {thing} no longer try again?",
        ),
        (
            "Who may change the settings of the {thing}?",
            "Only the {n} people in the operators group.",
            "which persons are allowed to configure the {thing}?",
        ),
        (
            "The {thing} eats all the memory.",
            "It reads in batches of {n} rows instead of everything at once.",
            "how did we reduce the RAM that the {thing} needs?",
        ),
        (
            "no, the {thing} must never send mail in tests",
            "Understood: a fake server takes all {n} of them.",
            "is the {thing} allowed to send real messages during tests?",
        ),
        (
            "Which format should the {thing} write?",
            "We settled on CSV with {n} columns, since accounting opens it in a spreadsheet.",
            "in what file type does the {thing} produce its output?",
        ),
    ),
    (
        "Let me look at the {thing} first.",
        "The tests of the {thing} pass.",
        "Now I change the {thing}.",
    ),
    (
        ("ok, commit", "Committed."),
        ("run the tests again", "All of them pass."),
        ("thanks", "You are welcome."),
    ),
    (
        "what is the name of the landlord's dog?",
        "when does the ferry to Bornholm leave?",
        "which wine goes with the mushroom risotto?",
        "how much did the new roof cost?",
        "what did the dentist recommend?",
        "which team won the handball final?",
    ),
)
GERMAN = Language(
    "de",
    (
        "Importer",
        "Postausgang",
        "Anmeldeseite",
        "Suchindex",
        "Rechnungsexport",
        "Vorschaubilddienst",
    ),
    (
        (
            "Beim Baustein {thing} ist viel zu früh Schluss.",
            "Er wartet jetzt {n} Sekunden.",
            "Wie lang ist die Zeitgrenze beim Baustein {thing}?",
        ),
        (
            "Warum war {thing} am Montag weg?",
            "Eine Platte von Rechner {n} war mit Protokollen vollgelaufen.",
            "Was hat den Ausfall von {thing} verursacht?",
        ),
        (
            "Lass uns die Wiederholungen in {thing} streichen.",
            "Entfernt: sie haben echte Fehler verdeckt und {n} Minuten gekostet.",
            "Weshalb versucht {thing} es nicht mehr noch einmal?",
        ),
        (
            "Wer darf die Einstellungen von {thing} ändern?",
            "Nur die {n} Leute in der Gruppe Betrieb.",
            "Welche Personen dürfen {thing} konfigurieren?",
        ),
        (
            "{thing} frisst den ganzen Speicher.",
            "Gelesen wird in Stapeln von {n} Zeilen statt alles auf einmal.",
            "Wie haben wir den RAM-Bedarf von {thing} gesenkt?",
        ),
        (
            "nein, {thing} darf in Tests nie Mails senden",
            "Verstanden: ein falscher Server nimmt alle {n} Stück an.",
            "Darf {thing} während der Tests echte Nachrichten verschicken?",
        ),
        (
            "Welches Format soll {thing} schreiben?",
            "CSV mit {n} Spalten, weil die Buchhaltung es in der Tabelle öffnet.",
            "In welchem Dateityp gibt {thing} sein Ergebnis aus?",
        ),
    ),
    (
        "Ich sehe mir zuerst {thing} an.",
        "Die Tests von {thing} laufen durch.",
        "Jetzt ändere ich {thing}.",
    ),
    (
        ("ok, einchecken", "Eingecheckt."),
        ("lass die Tests noch mal laufen", "Alle sind grün."),
        ("danke", "Gern geschehen."),
    ),
    (
        "Wie heißt der Hund des Vermieters?",
        "Wann fährt die Fähre nach Bornholm ab?",
        "Welcher Wein passt zum Pilzrisotto?",
        "Was hat das neue Dach gekostet?",
        "Was hat der Zahnarzt empfohlen?",
        "Welche Mannschaft hat das Handballfinale gewonnen?",
    ),
)
SPANISH = Language(
    "es",
    (
        "importador",
        "cola de correo",
        "página de acceso",
        "índice de búsqueda",
        "exportación de facturas",
        "servicio de miniaturas",
    ),
    (
        (
            "El módulo {thing} se rinde demasiado pronto.",
            "Ahora espera {n} segundos.",
            "¿cuál es el tiempo límite de {thing}?",
        ),
        (
            "¿Por qué estuvo caído {thing} el lunes?",
            "Un disco de la máquina {n} se llenó de registros.",
            "¿qué causó la interrupción de {thing}?",
        ),
        (
            "Quitemos los reintentos de {thing}.",
            "Quitados: ocultaban errores reales y costaban {n} minutos.",
            "¿por qué {thing} ya no lo intenta de nuevo?",
        ),
        (
            "¿Quién puede cambiar los ajustes de {thing}?",
            "Nadie más que los {n} del grupo de operadores.",
            "¿qué personas pueden configurar {thing}?",
        ),
        (
            "El módulo {thing} se come toda la memoria.",
            "Lee en lotes de {n} filas en lugar de todo a la vez.",
            "¿cómo bajamos la RAM que necesita {thing}?",
        ),
        (
            "no, {thing} no debe enviar correos en las pruebas",
            "Entendido: un servidor falso recibe los {n} envíos.",
            "¿puede {thing} mandar mensajes reales durante las pruebas?",
        ),
        (
            "¿Qué formato debe escribir {thing}?",
            "Nos quedamos con CSV de {n} columnas, porque contabilidad lo abre en una hoja.",
            "¿en qué tipo de archivo da {thing} su resultado?",
        ),
    ),
    ("Primero miro {thing}.", "Las pruebas de {thing} pasan.", "Ahora cambio {thing}."),
    (
        ("vale, haz el commit", "Hecho."),
        ("pasa las pruebas otra vez", "Todas pasan."),
        ("gracias", "De nada."),
    ),
    (
        "¿cómo se llama el perro del casero?",
        "¿a qué hora sale el ferry a Bornholm?",
        "¿qué vino va con el risotto de setas?",
        "¿cuánto costó el tejado nuevo?",
        "¿qué recomendó el dentista?",
        "¿qué equipo ganó la final de balonmano?",
    ),
)
FRENCH = Language(
    "fr",
    (
        "importateur",
        "file de courrier",
        "page de connexion",
        "index de recherche",
        "export des factures",
        "service de vignettes",
    ),
    (
        (
            "Le module {thing} abandonne bien trop tôt.",
            "Il attend maintenant {n} secondes.",
            "quel est le délai maximal de {thing} ?",
        ),
        (
            "Pourquoi {thing} était-il en panne lundi ?",
            "Un disque de la machine {n} s'était rempli de journaux.",
            "qu'est-ce qui a causé l'interruption de {thing} ?",
        ),
        (
            "Retirons les nouvelles tentatives de {thing}.",
            "Retirées : elles cachaient de vraies erreurs et coûtaient {n} minutes.",
            "pourquoi {thing} n'essaie-t-il plus une seconde fois ?",
        ),
        (
            "Qui peut modifier les réglages de {thing} ?",
            "Seulement les {n} membres du groupe des opérateurs.",
            "quelles personnes ont le droit de configurer {thing} ?",
        ),
        (
            "Le module {thing} dévore toute la mémoire.",
            "Il lit par lots de {n} lignes au lieu de tout à la fois.",
            "comment avons-nous réduit la RAM qu'il faut à {thing} ?",
        ),
        (
            "non, {thing} ne doit jamais envoyer de courrier pendant les tests",
            "Compris : un faux serveur reçoit les {n} envois.",
            "est-ce que {thing} peut expédier de vrais messages pendant les tests ?",
        ),
        (
            "Quel format doit écrire {thing} ?",
            "Nous avons retenu le CSV à {n} colonnes, car la comptabilité l'ouvre dans un tableur.",
            "en quel type de fichier {thing} donne-t-il son résultat ?",
        ),
    ),
    (
        "Je regarde d'abord {thing}.",
        "Les tests de {thing} passent.",
        "Maintenant je modifie {thing}.",
    ),
    (
        ("ok, valide", "C'est validé."),
        ("relance les tests", "Tous passent."),
        ("merci", "Je vous en prie."),
    ),
    (
        "comment s'appelle le chien du propriétaire ?",
        "à quelle heure part le ferry pour Bornholm ?",
        "quel vin va avec le risotto aux champignons ?",
        "combien a coûté le nouveau toit ?",
        "qu'a recommandé le dentiste ?",
        "quelle équipe a gagné la finale de handball ?",
    ),
)
LANGUAGES = (ENGLISH, GERMAN, SPANISH, FRENCH)


def own_set(languages: Sequence[Language] = LANGUAGES, turns: int = 3_000) -> dict[str, Any]:
    """Return `lines` and `questions` of a set in which the languages alternate, session by session.

    Each exchange of each thing is told once; what is left up to so many turns is chat and work on
    things that no question asks for.
    """
    draw = random.Random(SEED)
    told = [
        (language, number, thing)
        for language in languages
        for number in range(len(language.exchanges))
        for thing in language.things
    ]
    draw.shuffle(told)
    writer = _Writer(draw, fillers=max(0.0, turns / len(told) - 4))
    for language, number, thing in told:
        writer.tell(language, number, thing)
    nothing: list[dict[str, Any]] = [
        {"question": text, "kind": "none", "language": language.code, "now": None, "evidence": []}
        for language in languages
        for text in language.nothing
    ]
    return {"lines": writer.lines, "questions": writer.questions + nothing}


class _Writer:
    """Writes sessions, an hour apart, and the questions about them."""

    def __init__(self, draw: random.Random, fillers: float) -> None:
        self.lines: list[dict[str, Any]] = []
        self.questions: list[dict[str, Any]] = []
        self._draw, self._fillers = draw, fillers
        self._session = self._first = 0

    def tell(self, language: Language, number: int, thing: str) -> None:
        """Write a session with one exchange that is asked about, and fillers around it."""
        self._session += 1
        self._first = len(self.lines)
        count = round(self._fillers / 2 + self._draw.random())
        before = self._draw.randint(0, count)
        for _ in range(before):
            self._filler(language)
        said, answer, question = language.exchanges[number]
        n = str(self._draw.randint(12, 480))
        asked = self._turn("user", said.format(thing=thing, n=n))
        for _ in range(self._draw.randint(0, _NARRATION)):
            self._turn("assistant", self._draw.choice(language.narration).format(thing=thing))
        answered = self._turn("assistant", answer.format(thing=thing, n=n))
        for _ in range(count - before):
            self._filler(language)
        self.questions.append(
            {
                "question": question.format(thing=thing),
                "kind": "paraphrase",
                "language": language.code,
                "now": None,
                "evidence": [{"uuid": asked}, {"uuid": answered}],
            }
        )

    def _filler(self, language: Language) -> None:
        """Write an exchange that answers nothing: chat, or chat that some work follows."""
        said, answer = self._draw.choice(language.chat)
        if self._draw.random() >= _CHAT_SHARE:
            thing = f"{self._draw.choice(language.things)} {self._draw.randint(2, 99)}"
            answer = self._draw.choice(language.narration).format(thing=thing)
        self._turn("user", said)
        self._turn("assistant", answer)

    def _turn(self, role: str, text: str) -> str:
        uuid = f"own-{len(self.lines):05}"
        at = _BEGIN + timedelta(hours=self._session, seconds=len(self.lines) - self._first)
        self.lines.append(
            {
                "type": role,
                "uuid": uuid,
                "sessionId": f"own-{self._session:04}",
                "cwd": "/home/dev/own",
                "timestamp": at.isoformat().replace("+00:00", "Z"),
                "message": {"role": role, "content": text},
            }
        )
        return uuid


def write_own_set(folder: Path, **options: Any) -> Path:
    """Write the set into a new folder; return it."""
    folder.mkdir(parents=True)
    made = own_set(**options)
    lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made["lines"])
    (folder / "sessions.jsonl").write_text(lines, encoding="utf-8")
    told = {"corpus": {"files": ["sessions.jsonl"]}, "questions": made["questions"]}
    (folder / "questions.json").write_text(
        json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the set; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.own_sessions", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--turns", type=int, default=3_000)
    given = parser.parse_args(arguments)
    print(write_own_set(given.folder, turns=given.turns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
