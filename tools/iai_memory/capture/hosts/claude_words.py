"""Words of the person that Claude Code wrote inside a text of its own, taken out of it.

A refused tool call, the dialog of questions and an approved plan reach the model as the result of
a tool; a slash command and a note to the memory are framed in tags. The frames are those of the
releases 1.0.0 to 2.1.332; a text that is in none of them gives nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeGuard

ASKS: Final = frozenset({"AskUserQuestion"})
"""The tools whose result is what the person answered."""

PLANS: Final = frozenset({"ExitPlanMode", "exit_plan_mode"})
"""The tools that show a plan for approval."""

# "The user doesn't want to proceed with this tool use. … To tell you how to proceed, the user
# said:" in the terminal; "… The user provided the following reason for the rejection:" in editors.
# The wording changes over the releases, so the first sentence must say that a use was refused, and
# the person's words follow on the first colon behind it that announces them. The words of a tool's
# own error do not begin like that.
_REFUSED: Final = re.compile(
    r"\s*(?:Error:\s+)?(?:<tool_use_error>\s*)?"
    r"(?P<sentence>(?:(?:The|This|Your|A)\s+)?"
    r"(?:action|call|edit|human|permission|person|plan|request|tool|use|user)s?\b"
    r"[^:]{1,300}?)(?=[.!;:]\s)",
    re.IGNORECASE,
)
_DENIAL: Final = re.compile(
    r"\b(?:declin|den(?:y|ie)|disallow|disapprov|refus|reject|turned\s+down|vetoed)"
    r"|\b(?:doesn['\u2019]t|didn['\u2019]t|does\s+not|did\s+not)\s+"
    r"(?:(?:want|wish)\s+(?:you\s+)?to\s+(?:allow|continue|proceed|run|take|use)"
    r"|allow|approve|permit|want)\b",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(
    r"\b(?:action|approve|call|change|command|edit|operation|permission|plan|proceed|request|tool"
    r"|use)s?\b",
    re.IGNORECASE,
)
_BY_USER: Final = re.compile(
    r"(?:The\s+)?(?:human|person|user)\s+(?!request|message)\w|.*\bby\s+the\s+(?:human|person|user)\b",
    re.IGNORECASE | re.DOTALL,
)
_SAID: Final = re.compile(
    r"\b(?:user|human|person)\s+(?:\w+\s+)?(?:added|answered|commented|explained|gave|left|provided"
    r"|replied|responded|said|says|stated|told|wrote)\b[^:.]{0,100}:[ \t]*\n?",
    re.IGNORECASE,
)
_REMARKED: Final = re.compile(
    r"\b(?:they\s+(?:said|wrote)|comment|explanation|feedback|instruction|reason)s?\b"
    r"[^:.]{0,60}:[ \t]*\n?",
    re.IGNORECASE,
)
_MAX_FRAME: Final = 700
# The host advises the model how to take the refusal, after the words.
_ADVICE: Final = re.compile(r"\n\nNote: The user's next message may contain a correction\b")
_NO_WORDS: Final = frozenset({"(See attached image)"})

_DIALOG: Final = re.compile(r"\s*The user (?:wants to clarify these questions|has indicated they )")
_DIALOG_ANSWER: Final = re.compile(
    r'^- "(?P<question>.*)"\n\s+(?:Answer: (?P<answer>.*)|\(No answer provided\))'
    r"(?:\n\s+User notes: (?P<notes>.*))?",
    re.MULTILINE,
)
_ANSWERS: Final = re.compile(
    r"\s*(?:User has answered your questions|Your questions have been answered|The user answered):"
)
# In any other words: what is known to be the dialog's result ends its frame with a colon.
_ANSWERS_SOMEHOW: Final = re.compile(r"[^:\"]{0,400}:")
_ANSWERED: Final = re.compile(r"\b(?:answer|choice|chose|pick|repl|respon|said|select)", re.I)
_NOT_ANSWERED: Final = re.compile(
    r"\b(?:not|no|never|nobody|without|cancell?ed|declined|dismissed|timed)\b|n['\u2019]t\b", re.I
)
_ADVICES: Final = ("You can now continue with", "Read the answers carefully")
_RESPONDED: Final = re.compile(r"\s*The user responded:\s*(?P<words>.*)", re.DOTALL)
_NOTHING_CHOSEN: Final = "(no option selected)"
_ANSWER_END: Final = re.compile(r'"(?=, "|\Z|\s{0,20}selected preview:|\s{0,20}(?:user )?notes: )')
_NOTES: Final = re.compile(r"\b(?:user )?notes: (.*)", re.DOTALL)
_NOTES_ONLY: Final = "(notes only)"

_PLAN: Final = re.compile(r"(?:^|\n)#+ Approved Plan\b(?P<title>[^\n]*)\n(?P<plan>.*)", re.S)
_EDITED: Final = re.compile(r"\b(?:edit|chang|modifi|revis)", re.I)

_COMMAND: Final = re.compile(r"\s*<command-(?:name|message|args)>")
_COMMAND_FRAME: Final = re.compile(
    r"\s*(?:<command-name>[^<]*</command-name>\s*|<command-message>[^<]*</command-message>\s*){2}"
    r"(?:<command-args>.*</command-args>\s*)?(?:<command-contents>.*)?",
    re.DOTALL,
)
_MEMORY_NOTE: Final = re.compile(r"\s*<user-memory-input>(.*)</user-memory-input>\s*", re.DOTALL)


class Command(NamedTuple):
    """A slash command, or one part of it.

    Attributes:
        name: With its slash; empty where the text does not say.
        args: What the person wrote after it; empty without any.
    """

    name: str
    args: str


class Plan(NamedTuple):
    """A plan that was approved.

    Attributes:
        text: As it was approved.
        edited: Whether the person changed it before.
    """

    text: str
    edited: bool


def result_text(content: object) -> str:
    """Return the text of a tool's result: of a string, or of the text blocks of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(part for part in parts if isinstance(part, str))


def texts_of(content: object) -> list[str]:
    """Return the texts of a message: of a string itself, of a list each text block's."""
    parts = content if isinstance(content, list) else [content]
    blocks = [part["text"] if _is_text(part) else part for part in parts]
    return [text for text in blocks if isinstance(text, str)]


def _is_text(part: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and part.get("type") == "text" and "text" in part


def words_of_refusal(text: str, feedback: object = None) -> str:
    """Return what a person said when they refused a tool call; empty if they said nothing.

    Args:
        text: The result of the tool, which says that it is an error.
        feedback: The field of newer hosts that holds the words by themselves.
    """
    words = feedback if isinstance(feedback, str) else ""
    if not words:
        words = _ADVICE.split(text, maxsplit=1)[0]
        words = words[_frame_end(words) :].removesuffix("</tool_use_error>")
    if _DIALOG.match(words):
        found = _DIALOG_ANSWER.finditer(words)
        return _joined([_answer(one["question"], one["answer"], one["notes"]) for one in found])
    return "" if words.strip() in _NO_WORDS else words.strip()


def _frame_end(text: str) -> int:
    """Return where the person's words begin in a refusal; the end of the text if it has none."""
    refused = _REFUSED.match(text)
    sentence = refused["sentence"] if refused else ""
    if refused is None or not _DENIAL.search(sentence) or not _DENIED.search(sentence):
        return len(text)
    ends = [_SAID.search(text, refused.start("sentence"), _MAX_FRAME)]
    if _BY_USER.match(sentence):
        ends.append(_REMARKED.search(text, refused.start("sentence"), _MAX_FRAME))
    return min((found.end() for found in ends if found), default=len(text))


def is_answer(result: object, text: str) -> bool:
    """Return whether the result of an unknown tool is as a whole that of the dialog.

    Args:
        result: Its structure (`toolUseResult`).
        text: As the model reads it.
    """
    return _is_dialog(result) or (_ANSWERS.match(text) is not None and _advice_at(text) is not None)


def words_of_answers(result: object, text: str) -> str:
    """Return the questions that a person answered in the dialog, each with its answer.

    Args:
        result: The answers as newer hosts structure them (`toolUseResult`).
        text: The same as the model reads it; used where the structure is not there.
    """
    if not isinstance(result, dict) or not isinstance(result.get("answers"), dict | list):
        return _words_of_answer_text(text)
    questions, answers = _questions(result.get("questions")), result["answers"]
    if isinstance(answers, list):
        answers = dict(_listed_answer(one, place, questions) for place, one in enumerate(answers))
    by_question = {questions.get(key, key): value for key, value in answers.items()}
    notes = _notes(result.get("annotations"))
    asked = dict.fromkeys([*questions.values(), *by_question, *notes])
    parts = [_answer(one, _answer_text(by_question.get(one)), notes.get(one)) for one in asked]
    response = result.get("response")
    return _joined([*parts, response.strip() if isinstance(response, str) else ""])


def approved_plan(result: object, text: str) -> Plan | None:
    """Return the plan that the result of an approval repeats; None if it repeats none.

    Args:
        result: Its structure (`toolUseResult`); holds the plan where the text does not.
        text: As the model reads it.
    """
    structure: Mapping[str, Any] = result if isinstance(result, dict) else {}
    was_edited = structure.get("planWasEdited") is True
    found = _PLAN.search(text)
    if found is not None:
        is_edited = was_edited or _EDITED.search(found["title"]) is not None
        return Plan(found["plan"].strip(), is_edited)
    plan = structure.get("plan")
    return Plan(plan.strip(), was_edited) if isinstance(plan, str) and plan.strip() else None


def command_in(text: str) -> Command | None:
    """Return the slash command that a text frames in tags; None if it does not start with one."""
    if not _COMMAND.match(text):
        return None
    # Releases of 2025 put the whole prompt of the command behind its arguments.
    frame = text.partition("<command-contents>")[0]
    _, _, name = frame.partition("<command-name>")
    _, _, args = frame.partition("<command-args>")
    # A text of many openings and no end would cost a pattern the square of its length.
    named = name.partition("</command-name>")[0].strip() if "</command-name>" in name else ""
    said = args.rpartition("</command-args>")[0].strip()
    return Command(f"/{named.removeprefix('/')}" if named else "", said)


def is_command_frame(text: str) -> bool:
    """Return whether a text is as a whole the frame of a slash command, as the host writes it."""
    return _COMMAND_FRAME.fullmatch(text) is not None


def memory_note(text: str) -> str:
    """Return what a person told the host to remember ("# always use uv"); empty if nothing."""
    found = _MEMORY_NOTE.fullmatch(text)
    return found[1] if found else ""


def _is_dialog(result: object) -> bool:
    return (
        isinstance(result, dict)
        and "questions" in result
        and isinstance(result.get("answers"), dict | list)
    )


def _words_of_answer_text(text: str) -> str:
    responded = _RESPONDED.fullmatch(text)
    if responded:
        return responded["words"].strip()
    framed = _ANSWERS.match(text) or _ANSWERS_SOMEHOW.match(text)
    if framed is None or not _ANSWERED.search(framed[0]) or _NOT_ANSWERED.search(framed[0]):
        return ""
    answers = text[framed.end() : _advice_at(text)].strip().removesuffix(".")
    found = list(_answers_in(answers))
    parts = [_answer(question, answer, notes) for question, answer, notes in found]
    return _joined(parts) if found else answers


def _answers_in(text: str) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield question, answer and notes of `"question"="answer"` parts divided by commas.

    Goes over the text once, whatever stands in it: a result of a tool is nobody's word.
    """
    at = text.find('"')
    while at >= 0:
        equals = text.find('"=', at + 1)
        if equals < 0:
            return
        question, begin = text[at + 1 : equals], equals + 2
        if text.startswith(_NOTHING_CHOSEN, begin):
            answer, end = None, begin + len(_NOTHING_CHOSEN)
        else:
            found = _ANSWER_END.search(text, begin + 1) if text.startswith('"', begin) else None
            if found is None:
                return
            answer, end = text[begin + 1 : found.start()], found.end()
        following = text.find(', "', end)
        notes = _NOTES.search(text, end, len(text) if following < 0 else following)
        yield question, answer, notes[1] if notes else None
        at = following + 2 if following >= 0 else -1


def _advice_at(text: str) -> int | None:
    """Return where the host's advice begins, on the last line; None without any."""
    last = text.rstrip().rfind("\n") + 1
    places = [place for place in (text.find(one, last) for one in _ADVICES) if place >= 0]
    return min(places, default=None)


def _questions(value: object) -> dict[str, str]:
    """Return each question by itself and by its header."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    found: dict[str, str] = {}
    for one in value if isinstance(value, list) else []:
        question = one.get("question") if isinstance(one, dict) else one
        if not isinstance(question, str):
            continue
        header = one.get("header") if isinstance(one, dict) else None
        if isinstance(header, str):
            found.setdefault(header, question)
        found[question] = question
    return found


def _listed_answer(value: object, place: int, questions: Mapping[str, str]) -> tuple[str, object]:
    asked = list(dict.fromkeys(questions.values()))
    question = asked[place] if place < len(asked) else ""
    if isinstance(value, dict) and isinstance(value.get("question"), str):
        return value["question"], value.get("answer", value)
    return question, value


def _notes(annotations: object) -> dict[str, str]:
    notes = annotations.items() if isinstance(annotations, dict) else ()
    noted = {question: one.get("notes") for question, one in notes if isinstance(one, dict)}
    return {question: note for question, note in noted.items() if isinstance(note, str)}


def _answer_text(value: object) -> str:
    if isinstance(value, str):
        return "" if value.strip() == _NOTES_ONLY else value.strip()
    if isinstance(value, dict):
        value = [part for key, part in value.items() if key != "question"]
    if isinstance(value, list):
        return ", ".join(part for part in map(_answer_text, value) if part)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _answer(question: str, answer: str | None, notes: str | None) -> str:
    said = [part.strip() for part in (answer, notes) if part and part.strip()]
    return "\n".join([question, *said] if question else said) if said else ""


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part)
