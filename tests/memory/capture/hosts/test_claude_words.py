"""What a person said is captured wherever Claude Code wrote it, and nothing that it said itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.transcript_lines import (
    claude,
    new_parser,
    outcome_of,
    outcomes_of_claude,
    parse_claude,
    queued_command,
    said_in_claude,
    text_of,
    tool_call,
    tool_result,
)

from iai_memory.capture.hosts.claude_words import command_in, is_command_frame, words_of_answers
from iai_memory.capture.turn import Skipped, Turn
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END

PAGE = f"{FENCE_BEGIN}\n- a fact\n{FENCE_END}"
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was "
    "a file edit, the new_string was NOT written to the file). "
)
STOP = "STOP what you are doing and wait for the user to tell you how to proceed."
ADVICE = (
    "\n\nNote: The user's next message may contain a correction or preference. Pay close attention "
    "\u2014 if they explain what went wrong or how they'd prefer you to work, consider saving that."
)
BASH = tool_call("Bash", {"command": "rm -r build"})

# --- a refused tool call ------------------------------------------------------------------------

FRAMES = {
    "the terminal": REJECTED + "To tell you how to proceed, the user said:\n",
    "an editor": REJECTED + "The user provided the following reason for the rejection:  ",
    "a session without a terminal": (
        "Permission for this tool use was denied. The tool use was rejected (eg. if it was a file "
        "edit, the new_string was NOT written to the file). The user said:\n"
    ),
    "a person who rejects": "The user rejected this tool use. The user said:\n",
    "a person who declines": (
        "The user declined to approve this tool use. To tell you how to proceed, the user said:\n"
    ),
    "a use that was rejected": "The tool use was rejected by the user. The user said:\n",
    "no contraction": (
        "The user does not want to proceed with this tool use. The tool use was rejected. To tell "
        "you how to proceed, the user said:\n"
    ),
    "a typographic apostrophe": (
        "The user doesn\u2019t want to take this action right now. The user said: "
    ),
    "a tool by name": "Permission to use Bash has been denied. The user said: ",
    "feedback": "The user rejected the tool call with the following feedback:\n",
    "a reason": "User rejected the edit. Reason: ",
    "lines": REJECTED.replace(". ", ".\n") + "\nTo tell you how to proceed, the user\nsaid:\n",
    "in the words of an error": "Error: "
    + REJECTED
    + "To tell you how to proceed, the user said:\n",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
@pytest.mark.parametrize(
    "words",
    ["no, use mktemp", "first:\n\nsecond line: {x}\n- third", "ne touche pas \u00e0 \u00e7a"],
)
def test_the_words_of_a_refusal_are_the_users(frame: str, words: str) -> None:
    refused = tool_result(frame + words, is_error=True)
    assert said_in_claude(BASH, refused) == [("user", words)]


def test_the_words_of_a_refusal_end_before_the_hosts_advice() -> None:
    refused = tool_result(FRAMES["the terminal"] + "keep the tests" + ADVICE, is_error=True)
    assert said_in_claude(BASH, refused) == [("user", "keep the tests")]


def test_the_words_of_a_refusal_stand_in_blocks_too() -> None:
    block = {"type": "text", "text": FRAMES["an editor"] + "wait for Ada"}
    assert said_in_claude(BASH, tool_result([block], is_error=True)) == [("user", "wait for Ada")]


def test_the_words_of_a_refusal_in_a_field_of_their_own_come_first() -> None:
    words = "  <system-reminder> is a word of mine\n\nNote: The user's next message may be short"
    refused = tool_result(
        FRAMES["the terminal"] + words,
        is_error=True,
        toolDenialKind="user-rejected",
        userFeedback=words,
    )
    assert said_in_claude(BASH, refused) == [("user", words.strip())]


def test_the_words_of_a_refusal_are_found_where_only_the_structure_holds_them() -> None:
    for shortened in ("", "The user doesn't want to proceed with this tool use..."):
        structure = f"Error: {FRAMES['an editor']}wait"
        refused = tool_result(shortened, is_error=True, toolUseResult=structure)
        assert said_in_claude(BASH, refused) == [("user", "wait")]


SAYS: list[dict[str, Any]] = [
    {"toolUseResult": "User rejected tool use"},
    {"toolDenialKind": "user-rejected"},
]


@pytest.mark.parametrize("says", SAYS, ids=str)
def test_a_refusal_is_known_by_its_structure_too(says: dict[str, Any]) -> None:
    frame = FRAMES["the terminal"]
    assert said_in_claude(BASH, tool_result(frame + "no", **says)) == [("user", "no")]
    assert said_in_claude(BASH, tool_result("printed", **says)) == []
    assert said_in_claude(BASH, tool_result(frame + "no", toolUseResult={"stdout": frame})) == []


def test_a_printed_frame_beside_a_refusal_is_a_tools() -> None:
    frame = FRAMES["the terminal"]
    blocks = [
        {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": frame + "no"},
        {"type": "tool_result", "tool_use_id": "b", "content": frame + "printed"},
    ]
    line = claude(blocks, toolDenialKind="user-rejected")
    assert said_in_claude(line) == [("user", "no")]


def test_each_of_several_refusals_in_one_line_is_kept() -> None:
    blocks = [
        {
            "type": "tool_result",
            "tool_use_id": call,
            "is_error": True,
            "content": FRAMES["the terminal"] + words,
        }
        for call, words in [("a", "not this"), ("b", "nor that")]
    ]
    assert said_in_claude(claude(blocks)) == [("user", "not this\n\nnor that")]


def test_a_refusal_has_the_id_of_its_line() -> None:
    outcome = parse_claude(tool_result(FRAMES["the terminal"] + "no", is_error=True, uuid="u-7"))
    assert isinstance(outcome, Turn)
    assert outcome.turn_id == "u-7"


NO_WORDS = {
    "a refusal without words": tool_result(REJECTED + STOP, is_error=True),
    "with advice only": tool_result(REJECTED + STOP + ADVICE, is_error=True),
    "an interruption": tool_result(
        "The user doesn't want to take this action right now. " + STOP, is_error=True
    ),
    "nothing behind the frame": tool_result(FRAMES["the terminal"] + "  \n", is_error=True),
    "an image only": tool_result(FRAMES["the terminal"] + "(See attached image)", is_error=True),
    "a rule's refusal": tool_result(
        FRAMES["the terminal"] + "blocked", is_error=True, toolDenialKind="permission-rule"
    ),
    "a tool that prints the frame": tool_result(FRAMES["the terminal"] + "printed"),
    "a tool's error that quotes it": tool_result(
        "Exit code 1\n" + FRAMES["the terminal"] + "quoted", is_error=True
    ),
    "an error that quotes it later": tool_result(
        "The tool failed. Its log says: The user rejected this tool use. The user said: quoted",
        is_error=True,
    ),
    "a transcript that is printed": tool_result(
        json.dumps({"content": FRAMES["a person who rejects"] + "quoted"}), is_error=True
    ),
    "a rule's reason": tool_result(
        "Permission to use Bash has been denied. Reason: a rule of the project", is_error=True
    ),
    "a server's reason": tool_result(
        "The request was rejected by the server as the user has no rights. Reason: quota",
        is_error=True,
    ),
    "another person who said something": tool_result(
        "The agent wants to stop; the user said: from a program", is_error=True
    ),
    "a colon far away": tool_result(
        REJECTED + STOP + " x" * 400 + " the user said: no", is_error=True
    ),
    "another error with a colon": tool_result(
        "The user doesn't want to be found, the user said: nothing", is_error=True
    ),
}


@pytest.mark.parametrize("line", NO_WORDS.values(), ids=NO_WORDS.keys())
def test_a_result_in_which_nobody_said_anything_is_a_tools(line: dict[str, Any]) -> None:
    assert outcomes_of_claude(BASH, line)[1] == Skipped("tool")


def test_a_refusal_that_quotes_our_page_is_not_kept() -> None:
    refused = tool_result(FRAMES["the terminal"] + f"no, see {PAGE}", is_error=True)
    assert outcomes_of_claude(BASH, refused)[1] == Skipped("own_payload")


def test_a_refusal_of_a_sub_agents_call_is_a_sub_agents_line() -> None:
    refused = tool_result(FRAMES["the terminal"] + "no", is_error=True, isSidechain=True)
    assert parse_claude(refused) == Skipped("sidechain")


def test_words_beside_a_result_are_kept_and_the_note_of_an_interruption_is_not() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
    note = {"type": "text", "text": "[Request interrupted by user for tool use]"}
    words = {"type": "text", "text": "yes, and push it then"}
    line = claude([result, note, words])
    assert said_in_claude(BASH, line) == [("user", "yes, and push it then")]


# --- the dialog of questions --------------------------------------------------------------------

QUESTIONS = [
    {"question": "Which colour?", "header": "Colour", "multiSelect": False, "options": []},
    {"question": "Which sizes?", "header": "Sizes", "multiSelect": True, "options": []},
]
ASK = tool_call("AskUserQuestion", {"questions": QUESTIONS})


def answered(answers: object, **structure: Any) -> dict[str, Any]:
    """The result of the dialog as newer hosts write it."""
    return tool_result(
        "User has answered your questions: see the structure. You can now continue with the user's "
        "answers in mind.",
        toolUseResult={"questions": QUESTIONS, "answers": answers, **structure},
    )


ANSWERS: dict[str, tuple[object, str]] = {
    "one answer": ({"Which colour?": "Red"}, "Which colour?\nRed"),
    "several, in the order of the questions": (
        {"Which sizes?": "S, M", "Which colour?": "Red"},
        "Which colour?\nRed\n\nWhich sizes?\nS, M",
    ),
    "the person's own words": (
        {"Which colour?": 'Neither: "petrol", like the door'},
        'Which colour?\nNeither: "petrol", like the door',
    ),
    "several choices as a list": ({"Which sizes?": ["S", "XXL"]}, "Which sizes?\nS, XXL"),
    "a list in the order of the questions": (
        ["Red", ["S", "M"]],
        "Which colour?\nRed\n\nWhich sizes?\nS, M",
    ),
    "a list of objects": (
        [{"question": "Which sizes?", "answer": "M"}],
        "Which sizes?\nM",
    ),
    "by the questions' headers": ({"Colour": "Red"}, "Which colour?\nRed"),
    "a number": ({"How many?": 3}, "How many?\n3"),
    "a question that was not asked": ({"And then?": "tea"}, "And then?\ntea"),
}


@pytest.mark.parametrize(("answers", "text"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_is_the_users_and_stands_with_its_question(answers: object, text: str) -> None:
    assert said_in_claude(ASK, answered(answers)) == [("user", text)]


def test_notes_beside_an_answer_are_kept() -> None:
    line = answered(
        {"Which colour?": "Red", "Which sizes?": "(notes only)"},
        annotations={
            "Which colour?": {"notes": "but darker", "preview": "<svg/>"},
            "Which sizes?": {"notes": "ask Ada"},
        },
    )
    expected = "Which colour?\nRed\nbut darker\n\nWhich sizes?\nask Ada"
    assert said_in_claude(ASK, line) == [("user", expected)]


def test_a_response_in_place_of_answers_is_kept() -> None:
    line = answered({}, response="do neither, drop the feature")
    assert said_in_claude(ASK, line) == [("user", "do neither, drop the feature")]


def test_questions_that_were_written_as_text_are_read() -> None:
    line = tool_result(
        "The user answered: see there.",
        toolUseResult={"questions": json.dumps(QUESTIONS), "answers": {"Colour": "Red"}},
    )
    assert said_in_claude(ASK, line) == [("user", "Which colour?\nRed")]


TEXTS = {
    "shortened": "Your questions have been answered: {}.",
    "up to 2.1": "User has answered your questions: {}. You can now continue with the user's "
    "answers in mind.",
    "choices only": "Your questions have been answered: {}. You can now continue with these "
    "answers in mind.",
    "with words": "The user answered: {}. Read the answers carefully \u2014 they may request "
    "clarification, changes, or that you not proceed \u2014 and follow what they actually say.",
}


@pytest.mark.parametrize("frame", TEXTS.values(), ids=TEXTS.keys())
def test_without_a_structure_the_answers_are_read_from_the_text(frame: str) -> None:
    text = frame.format(
        '"Which colour?"="Red", like the door", "Which sizes?"="S, M" user notes: a'
    )
    expected = 'Which colour?\nRed", like the door\n\nWhich sizes?\nS, M\na'
    assert said_in_claude(ASK, tool_result(text)) == [("user", expected)]


def test_a_question_of_several_lines_is_read_from_the_text() -> None:
    text = TEXTS["up to 2.1"].format('"Which one?\n- "uv"\n- pip"="uv"')
    assert said_in_claude(ASK, tool_result(text)) == [("user", 'Which one?\n- "uv"\n- pip\nuv')]


def test_an_answer_text_of_another_form_is_kept_as_it_is() -> None:
    text = TEXTS["up to 2.1"].format("Colour: Red")
    assert said_in_claude(ASK, tool_result(text)) == [("user", "Colour: Red")]


OTHER_WORDINGS = {
    'The user has answered: "Which colour?"="Red"': "Which colour?\nRed",
    'User answered your question: "Which colour?" -> Red': '"Which colour?" -> Red',
    "The user selected the following: Red. You can now continue with that.": "Red",
    "Answers:\n1. Red\n2. S": "1. Red\n2. S",
}


@pytest.mark.parametrize(("text", "said"), OTHER_WORDINGS.items())
def test_answers_in_an_unknown_wording_are_kept(text: str, said: str) -> None:
    assert said_in_claude(ASK, tool_result(text)) == [("user", said)]
    assert outcomes_of_claude(BASH, tool_result(text))[1] == Skipped("tool")


def test_answers_that_stand_in_the_structure_without_questions_are_kept() -> None:
    line = tool_result("x", toolUseResult={"answers": {"Which colour?": "Red"}})
    assert said_in_claude(ASK, line) == [("user", "Which colour?\nRed")]
    assert outcomes_of_claude(BASH, line)[1] == Skipped("tool")


def test_words_in_place_of_an_answer_are_read_from_the_text() -> None:
    line = tool_result("The user responded: neither. Drop it.")
    assert said_in_claude(ASK, line) == [("user", "neither. Drop it.")]


def test_what_was_answered_before_the_person_wished_to_talk_is_kept() -> None:
    dialog = (
        "The user wants to clarify these questions.\n    This means they may have additional "
        "information.\n\n    Questions asked:\n"
        '- "Which colour?"\n  Answer: Red\n  User notes: not sure\n'
        '- "Which sizes?"\n  (No answer provided)'
    )
    line = tool_result(FRAMES["the terminal"] + dialog, is_error=True)
    assert said_in_claude(ASK, line) == [("user", "Which colour?\nRed\nnot sure")]


UNANSWERED = {
    "declined": tool_result(REJECTED + STOP, is_error=True),
    "no answers": answered({}),
    "empty answers": answered({"Which colour?": " ", "Which sizes?": []}),
    "no option": tool_result(TEXTS["with words"].format('"Which colour?"=(no option selected)')),
    "not answered": tool_result("The user did not answer: they went away"),
    "no choice": tool_result("The user dismissed the dialog without an answer: closed"),
    "text without answers": tool_result("The user did not answer the questions."),
    "nothing to clarify": tool_result(
        FRAMES["the terminal"]
        + "The user wants to clarify these questions.\n    Questions asked:\n"
        '- "Which colour?"\n  (No answer provided)',
        is_error=True,
    ),
}


@pytest.mark.parametrize("line", UNANSWERED.values(), ids=UNANSWERED.keys())
def test_questions_that_nobody_answered_are_a_tools(line: dict[str, Any]) -> None:
    assert outcomes_of_claude(ASK, line)[1] == Skipped("tool")


def test_a_tool_that_prints_answers_has_not_been_answered() -> None:
    printed = tool_result(TEXTS["up to 2.1"].format('"Which colour?"="Red"'))
    assert outcomes_of_claude(BASH, printed)[1] == Skipped("tool")


def test_answers_that_quote_our_page_are_not_kept() -> None:
    assert outcomes_of_claude(ASK, answered({"Which colour?": PAGE}))[1] == Skipped("own_payload")


def test_answers_are_known_when_reading_goes_on_between_question_and_answer() -> None:
    before = new_parser("claude-code")
    outcome_of(before, ASK)
    after = new_parser("claude-code", json.loads(json.dumps(before.state())))
    line = tool_result(TEXTS["with words"].format('"Which colour?"="Red"'))
    assert text_of(outcome_of(after, line)) == "Which colour?\nRed"


def test_answers_whose_question_is_in_no_line_are_kept() -> None:
    assert text_of(parse_claude(answered({"Which colour?": "Red"}))) == "Which colour?\nRed"
    text = TEXTS["up to 2.1"].format('"Which colour?"="Red"')
    assert text_of(parse_claude(tool_result(text))) == "Which colour?\nRed"
    text = TEXTS["shortened"].format('"Which colour?"="Red"')
    assert parse_claude(tool_result(text)) == Skipped("tool")


# --- plans --------------------------------------------------------------------------------------

PLAN = "## Plan\n1. Move the parser\n2. Test it"
APPROVED = (
    "User has approved your plan. You can now start coding. Start with updating your todo list if "
    "applicable\n\nYour plan has been saved to: /home/sam/.claude/plans/a.md\nYou can refer back "
    "to it if needed during implementation.\n\n## Approved Plan{}:\n{}"
)


@pytest.mark.parametrize("name", ["ExitPlanMode", "exit_plan_mode"])
def test_a_plan_shown_for_approval_is_the_assistants(name: str) -> None:
    lines = [tool_call(name, {"plan": PLAN}), tool_result(APPROVED.format("", PLAN))]
    assert said_in_claude(*lines) == [("assistant", PLAN)]


def test_a_plan_beside_a_text_stands_below_it() -> None:
    call = {"type": "tool_use", "id": "t", "name": "ExitPlanMode", "input": {"plan": PLAN}}
    line = claude([{"type": "text", "text": "Here it is:"}, call], "assistant")
    assert said_in_claude(line) == [("assistant", f"Here it is:\n\n{PLAN}")]


def test_a_plan_that_only_its_approval_holds_is_the_assistants() -> None:
    lines = [tool_call("ExitPlanMode", {}), tool_result(APPROVED.format("", PLAN))]
    assert said_in_claude(*lines) == [("assistant", PLAN)]


@pytest.mark.parametrize(
    ("given", "title", "structure"),
    [
        ({"plan": PLAN}, " (edited by user)", {}),
        ({}, " (edited by user)", {}),
        ({"plan": PLAN}, "", {"plan": "x", "planWasEdited": True}),
    ],
)
def test_a_plan_that_the_person_edited_is_theirs(
    given: dict[str, str], title: str, structure: dict[str, Any]
) -> None:
    edited = f"{PLAN}\n3. Ask Ada first"
    result = tool_result(APPROVED.format(title, edited), toolUseResult=structure)
    assert said_in_claude(tool_call("ExitPlanMode", given), result)[-1] == ("user", edited)


BARE_APPROVAL = "User has approved your plan. You can now start coding."


def test_a_plan_that_only_the_structure_of_its_approval_holds_is_kept() -> None:
    def approved(given: dict[str, str], **structure: Any) -> list[tuple[str, str]]:
        result = tool_result(BARE_APPROVAL, toolUseResult=structure)
        return said_in_claude(tool_call("ExitPlanMode", given), result)

    edited = f"{PLAN}\n3. Ask Ada first"
    shown = ("assistant", PLAN)
    assert approved({"plan": PLAN}, plan=edited, planWasEdited=True) == [shown, ("user", edited)]
    assert approved({}, plan=edited, planWasEdited=True) == [("user", edited)]
    assert approved({}, plan=PLAN) == [shown]
    assert approved({"plan": PLAN}, plan=PLAN) == [shown]
    assert approved({}, plan=["x"], planWasEdited=True) == []
    other = tool_result(BARE_APPROVAL, toolUseResult={"plan": edited, "planWasEdited": True})
    assert said_in_claude(BASH, other) == []


def test_a_refused_plan_keeps_the_words_of_the_refusal() -> None:
    refused = tool_result(FRAMES["the terminal"] + "without step 2", is_error=True)
    lines = [tool_call("ExitPlanMode", {"plan": PLAN}), refused]
    assert said_in_claude(*lines) == [("assistant", PLAN), ("user", "without step 2")]


NO_PLANS = {
    "an empty plan": (tool_call("ExitPlanMode", {"plan": "  "}), "tool"),
    "a plan that is no text": (tool_call("ExitPlanMode", {"plan": ["x"]}), "tool"),
    "another tool with a plan": (tool_call("TodoWrite", {"plan": PLAN}), "tool"),
    "a sub-agent's plan": (
        tool_call("ExitPlanMode", {"plan": PLAN}, isSidechain=True),
        "sidechain",
    ),
    "our page": (tool_call("ExitPlanMode", {"plan": PAGE}), "own_payload"),
}


@pytest.mark.parametrize(("line", "reason"), NO_PLANS.values(), ids=NO_PLANS.keys())
def test_what_is_no_plan_is_skipped(line: dict[str, Any], reason: str) -> None:
    outcome = parse_claude(line)
    assert isinstance(outcome, Skipped), outcome
    assert outcome.reason == reason


def test_a_tool_that_prints_an_approval_is_a_tool() -> None:
    printed = tool_result(APPROVED.format(" (edited by user)", PLAN))
    assert outcomes_of_claude(BASH, printed)[1] == Skipped("tool")


# --- slash commands and notes -------------------------------------------------------------------

COMMANDS = {
    "a command of the host": (
        "<command-name>/compact</command-name>\n            <command-message>compact"
        "</command-message>\n            <command-args>keep the decisions</command-args>",
        "/compact keep the decisions",
    ),
    "a command of the user's": (
        "<command-message>fix is running\u2026</command-message>\n"
        "<command-name>/fix</command-name>\n<command-args>the date in\n\nthe footer</command-args>",
        "/fix the date in\n\nthe footer",
    ),
    "in one line": (
        "<command-message>fix</command-message><command-name>/fix</command-name>"
        "<command-args> it </command-args>",
        "/fix it",
    ),
    "a name without its slash": (
        "<command-name>mcp__ada__note</command-name><command-args>a</command-args>",
        "/mcp__ada__note a",
    ),
    "arguments with tags": (
        "<command-name>/fix</command-name>\n<command-args>the <b>tag</b> and </command-args> too"
        "</command-args>",
        "/fix the <b>tag</b> and </command-args> too",
    ),
    "with the whole prompt behind them": (
        "<command-message>fix</command-message>\n<command-name>/fix</command-name>\n<command-args>"
        'it</command-args>\n<command-contents>{"text": "</command-args>"}</command-contents>',
        "/fix it",
    ),
}


@pytest.mark.parametrize(("text", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
def test_what_stands_behind_a_slash_command_is_the_users(text: str, expected: str) -> None:
    assert said_in_claude(claude(text)) == [("user", expected)]
    host_says: dict[str, Any] = {"origin": {"kind": "human"}, "turnOrigin": "human"}
    assert said_in_claude(claude(text, **host_says)) == [("user", expected)]


@pytest.mark.parametrize("source", ["typed", "queued", "sdk"])
def test_a_slash_command_whose_line_says_who_typed_it_is_one_too(source: str) -> None:
    text, expected = COMMANDS["a command of the user's"]
    assert said_in_claude(claude(text, promptSource=source)) == [("user", expected)]
    text, expected = COMMANDS["with the whole prompt behind them"]
    assert said_in_claude(claude(text, promptSource=source)) == [("user", expected)]
    bare = "<command-message>cost</command-message>\n<command-name>/cost</command-name>"
    assert parse_claude(claude(bare, promptSource=source)) == Skipped("host_marker")
    blocks = [{"type": "text", "text": part} for part in (bare, "<tick> is what?")]
    assert said_in_claude(claude(blocks, promptSource=source)) == [("user", "<tick> is what?")]
    quoted = f"{bare} is what I see"
    assert said_in_claude(claude(quoted, promptSource=source)) == [("user", quoted)]


def test_a_slash_command_in_several_blocks_is_one() -> None:
    blocks = [
        {"type": "text", "text": "<command-message>fix</command-message>"},
        {"type": "text", "text": "<command-name>/fix</command-name>"},
        {"type": "text", "text": "<command-args>the date</command-args>"},
    ]
    assert said_in_claude(claude(blocks)) == [("user", "/fix the date")]


def test_a_slash_command_in_several_lines_is_one() -> None:
    name = claude("<command-name>/fix</command-name>", uuid="a")
    args = claude("<command-args>the date</command-args>", uuid="b")
    assert said_in_claude(name, args) == [("user", "/fix the date")]
    between = claude([{"type": "text", "text": "Hello"}], "assistant")
    assert said_in_claude(name, between, args)[-1] == ("user", "the date")


def local_command(text: str) -> dict[str, Any]:
    """A command that ran in the host itself, as 2.1.332 writes it."""
    return {**claude("", type="system", subtype="local_command", message=None), "content": text}


def test_a_slash_command_in_a_line_of_the_systems_is_the_users() -> None:
    line = local_command(COMMANDS["a command of the host"][0])
    assert said_in_claude(line) == [("user", "/compact keep the decisions")]


NO_ARGUMENTS = {
    "none": "<command-name>/cost</command-name>",
    "empty ones": "<command-name>/cost</command-name>\n<command-args></command-args>",
    "blank ones": "<command-message>cost</command-message>\n<command-args> \n</command-args>",
}


@pytest.mark.parametrize("text", NO_ARGUMENTS.values(), ids=NO_ARGUMENTS.keys())
def test_a_slash_command_without_arguments_is_the_hosts(text: str) -> None:
    assert parse_claude(claude(text)) == Skipped("host_marker")
    assert parse_claude(local_command(text)) is None


def test_arguments_with_our_page_are_not_kept() -> None:
    text = f"<command-name>/fix</command-name><command-args>{PAGE}</command-args>"
    assert parse_claude(claude(text)) == Skipped("own_payload")


def test_a_note_for_the_memory_is_the_users() -> None:
    note = "<user-memory-input>always use uv</user-memory-input>"
    assert said_in_claude(claude(note)) == [("user", "always use uv")]
    opened = {"type": "text", "text": "<ide_opened_file>main.py</ide_opened_file>"}
    blocks = [opened, {"type": "text", "text": note}]
    assert said_in_claude(claude(blocks)) == [("user", "always use uv")]


HOSTS_WORDS = {
    "a shell command": "<bash-input>ls -la</bash-input>",
    "its output": "<bash-stdout>total 4</bash-stdout><bash-stderr></bash-stderr>",
    "a job's end, as 2.0 wrote it": "<bash-notification>\n<status>ok</status></bash-notification>",
    "another agent's message": '<teammate-message teammate_id="a">done</teammate-message>',
    "a local command's output": "<local-command-stdout>Bye!</local-command-stdout>",
    "the caveat of 2025": "Caveat: The messages below were generated by the user while running "
    "local commands. DO NOT respond to these messages.",
    "the caveat in its tag": "<local-command-caveat>Caveat: \u2026</local-command-caveat>",
    "an empty note": "<user-memory-input></user-memory-input>",
}


@pytest.mark.parametrize("text", HOSTS_WORDS.values(), ids=HOSTS_WORDS.keys())
def test_what_the_host_writes_into_a_user_line_is_the_hosts(text: str) -> None:
    assert parse_claude(claude(text)) == Skipped("host_marker")


def test_a_persons_caveat_is_theirs() -> None:
    said = "Caveat: The messages below are from Ada"
    assert text_of(parse_claude(claude(said))) == said


# --- who typed ----------------------------------------------------------------------------------

PASTED = [
    "<command-name>/cost</command-name> is what I see in the log, why?",
    "<system-reminder>\nwhat is this?\n</system-reminder>",
    "[Request interrupted by user] stands there",
    "Caveat: The messages below were generated by the user while running local commands",
    "# AGENTS.md instructions for what?",
]


@pytest.mark.parametrize("source", ["typed", "queued", "suggestion_accepted", "sdk"])
@pytest.mark.parametrize("text", PASTED)
def test_what_a_person_typed_is_theirs_however_it_begins(text: str, source: str) -> None:
    assert text_of(parse_claude(claude(text, promptSource=source))) == text
    assert (
        text_of(parse_claude(claude([{"type": "text", "text": text}], promptSource=source))) == text
    )


def test_an_editors_note_beside_what_a_person_typed_is_the_hosts() -> None:
    blocks = [
        {"type": "text", "text": "<ide_opened_file>main.py</ide_opened_file>"},
        {"type": "text", "text": "<command-name> is what I see"},
    ]
    line = claude(blocks, promptSource="typed")
    assert text_of(parse_claude(line)) == "<command-name> is what I see"


def test_what_is_said_beside_our_page_goes_on_to_where_the_page_is_taken_out() -> None:
    text = f"{PAGE}\nis the first of them still true?"
    assert said_in_claude(claude(text, promptSource="typed")) == [("user", text)]
    assert said_in_claude(claude(text)) == [("user", text)]
    framed = f"SessionStart:startup hook success: additional context: {PAGE}"
    assert parse_claude(claude(framed)) == Skipped("own_payload")
    reminder = f"<system-reminder>the hook gave this context: {PAGE}</system-reminder>"
    assert parse_claude(claude(reminder)) == Skipped("host_marker")


def test_our_page_stays_out_whoever_typed_it() -> None:
    assert parse_claude(claude(f"see {PAGE}", promptSource="typed")) == Skipped("own_payload")
    assert parse_claude(queued_command(f"see {PAGE}")) == Skipped("own_payload")


HOST_TYPED: list[dict[str, Any]] = [
    {"promptSource": "system"},
    *(
        {"turnOrigin": origin}
        for origin in (
            *("scheduled", "task_notification", "auto_continuation"),
            *("peer", "host_synthetic", "system"),
        )
    ),
    {"rowSource": "hook"},
    {"rowSource": "harness"},
    {"isSynthetic": True},
    {"isMeta": True, "promptSource": "typed"},
    {"textNotTyped": True},
    {"handedOff": True},
    {"queueTranscriptOnly": True},
    {"origin": {"kind": "task-notification"}},
    {"origin": {"kind": "channel", "server": "chat"}},
    {"origin": {"kind": "plugin", "name": "x"}, "promptSource": "typed"},
]


@pytest.mark.parametrize("says", HOST_TYPED, ids=str)
def test_a_line_that_says_that_nobody_typed_it_is_the_hosts(says: dict[str, Any]) -> None:
    assert parse_claude(claude("go on with the next task", **says)) == Skipped("host_marker")


@pytest.mark.parametrize(
    "says",
    [
        {"turnOrigin": "human", "origin": {"kind": "human"}},
        {"turnOrigin": "sdk", "entrypoint": "sdk-cli"},
        {"turnOrigin": "unknown"},
        {"rowSource": "local"},
        {"rowSource": "recorded"},
        {"turnOrigin": ["human"], "rowSource": {}, "origin": "human", "promptSource": None},
    ],
    ids=str,
)
def test_a_line_that_does_not_say_that_is_a_persons(says: dict[str, Any]) -> None:
    assert text_of(parse_claude(claude("go on", **says))) == "go on"


def test_a_line_whose_message_names_no_role_is_of_the_role_of_its_kind() -> None:
    line = claude("go on", message={"content": "go on"})
    assert text_of(parse_claude(line)) == "go on"


def test_what_the_person_asked_a_summary_to_keep_is_theirs() -> None:
    about = {"messagesSummarized": 13, "direction": "from", "userContext": "keep the port"}
    line = claude("This session is \u2026", isCompactSummary=True, summarizeMetadata=about)
    assert text_of(parse_claude(line)) == "keep the port"
    del about["userContext"]
    assert parse_claude(line) == Skipped("compaction")


# --- texts made to be slow ------------------------------------------------------------------------

ANSWERED = "User has answered your questions: "


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        ANSWERED + '"a"="b ' * 40_000,
        ANSWERED + '"' * 300_000,
        ANSWERED + '"a"="b" selected preview:' * 20_000,
        ANSWERED + '"a"="b"' + " " * 300_000,
        "<command-name>" * 40_000,
        "<command-args>" * 40_000,
        "<command-name>x</command-name>" + "<command-args></command-arg>" * 40_000,
    ],
    ids=lambda text: text[:20] + text[-8:],
)
def test_a_text_of_one_piece_over_and_over_is_read_once(text: str) -> None:
    words_of_answers(None, text)
    command_in(text)
    is_command_frame(text)
