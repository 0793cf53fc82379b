"""The sections of docs/evaluation.md, each a table or more of what the benchmarks kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from .evaluation_claims import HELD_BACK, SESSION_CLAIMS
from .evaluation_tables import (
    Outcomes,
    by_set,
    cell,
    cells_by_method,
    count_groups,
    count_questions,
    difference_to,
    mean_of,
    methods_table,
    of_part,
    of_set,
    short,
    signed,
    table,
)
from .intervals import mean_with_interval
from .outcomes import BASELINES, FUSION, OURS, WORDS, Outcome
from .page_usefulness import summary as usefulness
from .prompt_memories import summary as given_at_prompts
from .reliability import EDGES, reliability

SURE = 0.5
_FOLDED = f"{FUSION}, folded"


def report(outcomes: Outcomes, more: Mapping[str, object], described: str) -> str:
    """Return all sections as Markdown.

    Args:
        outcomes: Of every set that was run.
        more: What is no outcome of a question: figures of "contradictions", "time", "page"
            and "prompts".
        described: When, where and of what state this was measured.
    """
    sections: dict[str, str] = {
        "Conversations: LoCoMo": _locomo(outcomes),
        "Facts that change: longitudinal": _longitudinal(outcomes),
        "Contradictions listed": _contradictions(more.get("contradictions")),
        "Coding sessions": _sessions(outcomes),
        "Questions about a time": _time(more.get("time")),
        "The session-start page": _page(more.get("page")),
        "What a prompt is given unasked": _prompts(more.get("prompts")),
        "Languages: XQuAD": _xquad(outcomes),
        "Misspelt names": _names(outcomes),
        "Known items: long texts, languages, identifiers": _known_items(outcomes),
        "What an answer holds": _precision(outcomes),
        "Questions that nothing answers": _abstention(outcomes),
        "What is said and what is right": _calibration(outcomes),
        "Where another method is ahead": _behind(outcomes),
    }
    left_out = [title for title, text in sections.items() if not text]
    parts = [described]
    if left_out:
        parts.append(f"Left out, because not given or not run: {'; '.join(left_out)}.")
    parts += [f"### {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join(parts)


def _locomo(outcomes: Outcomes) -> str:
    found = of_set(outcomes, "LoCoMo")
    if not found:
        return ""
    columns = ("@1", "@5", "@10", "all@10", "nDCG@10")
    over = f"bootstrap over {count_groups(found)} sessions of the evidence"
    parts = [f"Turn level, categories 1 to 4; {over}."]
    parts.append(methods_table(of_part(found, "turn"), columns))
    every = of_part(found, "session, all categories")
    if every:
        parts += ["Session level, all five categories, beside what others publish:", _claims(every)]
    parts += [
        "Measured by somebody else, on sets that are kept back from tuning, of an earlier state:",
        table(("set", "@1", "@5", "@10", "all@10", "nDCG@10"), HELD_BACK),
    ]
    return "\n\n".join(parts)


def _claims(every: Outcomes) -> str:
    columns = ("@1", "@5", "@10")
    rows = [
        [f"**{OURS}**, here" if method == OURS else f"{method}, here", *cells, ""]
        for method, cells in cells_by_method(every, columns).items()
    ]
    rows += [[f"{name}, published", *row] for name, *row in SESSION_CLAIMS]
    return table(("method", *columns, "source"), rows)


def _longitudinal(outcomes: Outcomes) -> str:
    found = of_set(outcomes, "Longitudinal")
    parts: list[str] = []
    for part, columns in (
        ("current", ("@1", "@5", "outdated above, @1", "outdated above, @5")),
        ("current, plain words", ("@1", "@5", "outdated above, @1")),
        ("historical", ("@1", "@5")),
        ("as of a past moment", ("@1", "@5")),
    ):
        if of_it := of_part(found, part):
            over = (
                f"n = {count_questions(of_it)}, bootstrap over {count_groups(of_it)} kinds of facts"
            )
            parts += [f"Held out, {part}; {over}:", methods_table(of_it, columns)]
    return "\n\n".join(parts)


def _contradictions(figures: object) -> str:
    if not isinstance(figures, dict):
        return ""
    rows = [
        [half, one["listed"], short(one["precision"]), one["changes"], short(one["recall"])]
        for half, one in figures.items()
    ]
    return table(("half", "pairs listed", "right", "changes", "found"), rows)


def _sessions(outcomes: Outcomes) -> str:
    found = [one for one in outcomes if one.set.startswith("Sessions, ")]
    content = [one for one in found if one.evidence and _is_content(one.part)]
    if not content:
        return ""
    columns = ("@1", "@5", "@10", "emptied")
    parts = [
        "Right is a hit with a turn that answers, itself or among those shown with it; plain "
        "methods are given the same exchanges. Bootstrap over the days of the evidence."
    ]
    sets = list(dict.fromkeys(one.set for one in content))
    for name in sets:
        of_it = [one for one in content if one.set == name]
        title = name.removeprefix("Sessions, ")
        parts += [f"{title}, n = {count_questions(of_it)}, {count_groups(of_it)} days:"]
        parts += [methods_table(of_it, columns)]
    parts += ["More than plain fusion, question by question:", _ahead(content, sets)]
    parts += ["By kind of question, all English and German sets together:", _by_kind(content)]
    if languages := _by_language([one for one in found if one.evidence]):
        parts += ["Asked in another language than that of the sessions:", languages]
    return "\n\n".join(parts)


def _ahead(content: Outcomes, sets: Sequence[str]) -> str:
    rows: list[list[object]] = []
    for name in [*sets, None]:
        of_it = [one for one in content if name is None or one.set == name]
        for other in (FUSION, _FOLDED):
            differences = [difference_to(of_it, other, metric) for metric in ("@1", "@5", "@10")]
            if differences[0].n:
                title = "all" if name is None else name.removeprefix("Sessions, ")
                rows.append([title, other, differences[0].n, *map(signed, differences)])
    return table(("set", "than", "n", "@1", "@5", "@10"), rows)


def _by_kind(content: Outcomes) -> str:
    kinds = sorted({one.part.partition(",")[0] for one in content})
    rows: list[list[object]] = []
    for kind in kinds:
        of_it = [one for one in content if one.part.partition(",")[0] == kind]
        ours = [one for one in of_it if one.method == OURS]
        cells = [cell(mean_of(ours, metric)) for metric in ("@1", "@5", "emptied")]
        plain = [one for one in of_it if one.method == _FOLDED]
        rows.append([kind, len(ours), *cells, cell(mean_of(plain, "@5"))])
    return table(("kind", "n", "@1", "@5", "emptied", "plain fusion, folded, @5"), rows)


def _by_language(found: Outcomes) -> str:
    other = [one for one in found if one.part.startswith("lang")]
    rows: list[list[object]] = []
    for method in (OURS, WORDS, _FOLDED):
        of_it = [one for one in other if one.method == method]
        if of_it:
            cells = [cell(mean_of(of_it, metric)) for metric in ("@1", "@5", "@10", "emptied")]
            rows.append([method, len(of_it), *cells])
    return table(("method", "n", "@1", "@5", "@10", "emptied"), rows) if rows else ""


def _time(figures: object) -> str:
    if not isinstance(figures, dict):
        return ""
    rows = [[f"{int(size):,}", short(share)] for size, share in figures.items()]
    return table(("turns stored", "a right day first"), rows)


def _page(figures: object) -> str:
    if not isinstance(figures, list):
        return ""
    said = (
        "Helped is the share of the questions about preferences, decisions and corrections whose "
        "evidence, or the turn beside it, stands on the page of a later session. Filler "
        "is the share of lines that announce work or praise, untouched of those that no later "
        "session comes back to. Of pages without a topic map."
    )
    return f"{said}\n\n{usefulness(figures)}"


def _prompts(figures: object) -> str:
    if not isinstance(figures, list):
        return ""
    said = (
        "A memory is right if it is evidence, or of an exchange with evidence. The limits were "
        "chosen on the questions about the given sets, and not on those about the written one. Of "
        "own prompts those count to which something is given that another session said before."
    )
    return f"{said}\n\n{given_at_prompts(figures)}"


def _xquad(outcomes: Outcomes) -> str:
    return _by_part(of_set(outcomes, "XQuAD"), ("@1", "nDCG@10"), "nDCG@10", "language")


def _names(outcomes: Outcomes) -> str:
    found = of_set(outcomes, "Misspelt names")
    return _by_part(found, ("@1", "@5", "emptied"), "@5", "name")


def _by_part(found: Outcomes, ours: Sequence[str], theirs: str, what: str) -> str:
    """Return a line for each part: the product by some measures, every other method by one."""
    answerable = [one for one in found if one.evidence]
    others = [one for one in dict.fromkeys(one.method for one in answerable) if one != OURS]
    rows: list[list[object]] = []
    for part in dict.fromkeys(one.part for one in answerable):
        by_method = {
            method: [one for one in of_part(answerable, part) if one.method == method]
            for method in (OURS, *others)
        }
        cells = [cell(mean_of(by_method[OURS], metric)) for metric in ours]
        cells += [cell(mean_of(by_method[method], theirs)) for method in others]
        rows.append([part, len(by_method[OURS]), *cells])
    head = (what, "n", *(f"{OURS} {one}" for one in ours), *(f"{one} {theirs}" for one in others))
    return table(head, rows) if rows else ""


def _known_items(outcomes: Outcomes) -> str:
    found = [one for one in outcomes if one.set.startswith("Known item, ")]
    rows: list[list[object]] = []
    for name, part in dict.fromkeys((one.set, one.part) for one in found):
        of_it = [one for one in found if (one.set, one.part) == (name, part)]
        methods = [[one for one in of_it if one.method == m] for m in (OURS, *BASELINES)]
        first = [cell(mean_of(group, "@1")) for group in methods]
        title = name.removeprefix("Known item, ")
        rows.append([title, part, len(methods[0]), *first, cell(mean_of(methods[0], "@5"))])
    columns = ("set", "group", "n", f"{OURS} @1", *(f"{one} @1" for one in BASELINES))
    return table((*columns, f"{OURS} @5"), rows) if rows else ""


def _precision(outcomes: Outcomes) -> str:
    """Return how many hits an answer has, and how many of them are right."""
    rows: list[list[object]] = []
    answers = [one for one in outcomes if one.method == OURS and one.evidence]
    for name, of_it in by_set(one for one in answers if not one.part.startswith("session")):
        shown = [one for one in of_it if not one.is_empty]
        if not shown:
            continue
        groups = [one.group for one in shown]
        hits = mean_with_interval([float(len(one.right)) for one in shown], groups=groups)
        right = [sum(one.right) / len(one.right) for one in shown]
        some = mean_with_interval([float(any(one.right)) for one in shown], groups=groups)
        tokens = [one.tokens for one in shown if one.tokens is not None]
        mean = mean_with_interval(right, groups=groups)
        cost = f"{sum(tokens) / len(tokens):.0f}" if tokens else "not cut"
        rows.append([name, len(shown), f"{hits.value:.1f}", cell(mean), cell(some), cost])
    columns = ("set", "answers", "hits", "right ones among them", "with a right one", "tokens")
    return table(columns, rows) if rows else ""


def _abstention(outcomes: Outcomes) -> str:
    """Return how often an answer is empty or says that it is rather wrong."""
    rows: list[list[object]] = []
    for name in dict.fromkeys(one.set for one in outcomes):
        of_it = [one for one in of_set(outcomes, name) if one.method == OURS and one.part != "time"]
        nothing = sorted({one.part for one in of_it if not one.evidence})
        if not nothing:
            continue
        groups = {part: of_part(of_it, part) for part in nothing}
        groups["something answers"] = [
            one for one in of_it if one.evidence and one.confidence is not None
        ]
        for part, group in groups.items():
            sure = [one for one in group if one.confidence is not None]
            under = [float(one.is_empty or (one.confidence or 0.0) < SURE) for one in sure]
            unsure = mean_with_interval(under, groups=[one.group for one in sure])
            emptied = cell(mean_of(group, "emptied"))
            rows.append([name, part, len(group), emptied, cell(unsure)])
    columns = ("set", "question", "n", "empty", f"empty or under {SURE}")
    return table(columns, rows) if rows else ""


def _calibration(outcomes: Outcomes) -> str:
    """Return what the first hit said against what was right."""
    rows: list[list[object]] = []
    for name, of_it in by_set(one for one in outcomes if one.method == OURS and one.evidence):
        first = [(one.sure[0], one.right[0]) for one in of_it if one.sure and one.right]
        known = [(said, right) for said, right in first if said is not None]
        if not known:
            continue
        bins = reliability([said for said, _ in known], [right for _, right in known])
        cells = {title: f"{row[2]!s:.4} ({row[0]})" for title, row in bins.items()}
        *_, whole = bins
        error = whole.removeprefix("all, error ").replace("0.", ".", 1)
        rows.append([name, len(known), *(cells.get(one, "-") for one in _BINS), error])
    columns = ("first hits of", "n", *(f"said {one}" for one in _BINS), "error")
    return table(columns, rows) if rows else ""


_BINS = tuple(f"{low:.1f} to {high:.1f}" for low, high in pairwise(EDGES))


def _behind(outcomes: Outcomes) -> str:
    """Return every set and metric at which a plain method finds more than the product."""
    rows: list[tuple[float, list[object]]] = []
    asked = [one for one in outcomes if one.evidence and one.part != "time"]
    for name, part in dict.fromkeys((one.set, _wide_part(one)) for one in asked):
        of_it = [one for one in asked if (one.set, _wide_part(one)) == (name, part)]
        for metric in ("@1", "@5", "@10" if name.startswith("Sessions, ") else "nDCG@10"):
            best = _best_plain(of_it, metric)
            difference = difference_to(of_it, best, metric)
            if difference.value is not None and difference.value < 0:
                cells: list[object] = [name, part, metric, difference.n, best]
                cells.append(signed(difference))
                rows.append((difference.value, cells))
    rows.sort(key=lambda row: row[0])
    columns = ("set", "part", "measure", "n", "method that finds more", f"{OURS} less it")
    return table(columns, [row for _, row in rows]) if rows else "Nowhere in what was run."


def _best_plain(found: Outcomes, metric: str) -> str:
    means: dict[str, float] = {}
    for method in (*BASELINES, _FOLDED, WORDS):
        mean = mean_of([one for one in found if one.method == method], metric)
        if mean.value is not None:
            means[method] = mean.value
    return max(means, key=means.__getitem__, default=FUSION)


def _wide_part(one: Outcome) -> str:
    """Return the part, of coding sessions only whether it is of content or in another language."""
    if not one.set.startswith("Sessions, "):
        return one.part
    return "content" if _is_content(one.part) else "another language"


def _is_content(part: str) -> bool:
    return not part.startswith(("lang", "none", "time", "of another set"))
