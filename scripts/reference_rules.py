"""The rules of a definition as tables and sentences in Markdown, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_cases import SUPPORT, escape, table

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.definition_forms import (
    BaselineDefinition,
    BedsideDefinition,
    BoundsDefinition,
    Definition,
    FeverDefinition,
    GatesDefinition,
    GradeRule,
    GradesDefinition,
    GradesPart,
    ModelDefinition,
    NotDefinable,
    PhenotypeDefinition,
    PointsDefinition,
    RatioDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definition_forms.base import PlainCut
from cytopenia.definition_forms.recovery import Criterion, Washout
from cytopenia.definitions import describe_definition, say_rule
from cytopenia.definitions.counting_words import describe_counting
from cytopenia.units import load_analytes, show_unit

Sections = list[str]


def show_rules(definition: Definition) -> Sections:
    """Return the rules section by section; what had to be assumed is told apart."""
    return _RULES[type(definition)](definition)


def bullets(lines: list[str]) -> str:
    """Return a list of sentences, each with a capital letter and a full stop."""
    return "\n".join(f"- {escape(sentence(line))}" for line in lines)


def sentence(line: str) -> str:
    """Return a clause as a sentence."""
    end = "" if line.endswith((".", ".”", ":")) else "."
    return line[:1].upper() + line[1:] + end


def _show_grades(definition: GradesDefinition) -> Sections:
    words = name_words(definition)
    counted = {name: _show_counting(part) for name, part in definition.parts.items()}
    # Terms that are counted alike say so once, behind the last of them.
    is_alike = len(counted) > 1 and len({tuple(sections) for sections in counted.values()}) == 1
    parts: Sections = []
    for name, part in definition.parts.items():
        parts += [*_show_part(f"{definition.id}.{name}", part, words), *([] if is_alike else counted[name])]
    shared = [section.replace("### ", "## ") for section in counted[next(iter(counted))]] if is_alike else []
    gone = [
        f"- `{definition.id}.{name}`: {escape(item.text)} Use"
        f" [`{item.use}`]({item.use.partition('.')[0]}.md)."
        for name, item in definition.removed.items()
    ]
    return [*parts, *shared, *(["## No longer a term", "\n".join(gone)] if gone else [])]


def name_words(definition: Definition) -> str:
    """Return what the quoted words are called: only a consensus has official ones."""
    return "Official words" if definition.status == "consensus" else "Words of the source"


def _show_part(address: str, part: GradesPart, words: str) -> Sections:
    unit = f"{load_analytes()[part.analyte].title} in {show_unit(part.unit)}"
    limit = ""
    if any(_names_limit(rule) for rule in part.lab_rules):
        limit = " LLN is the lower limit of normal of the laboratory."
    return [
        f"## {part.title}: `{address}`",
        f"{unit}. The grade is the highest whose rule is met.{limit}",
        _list_grades(part, words),
        *([f"Note: {escape(part.note)}"] if part.note else []),
    ]


def _names_limit(rule: GradeRule) -> bool:
    return "LLN" in say_rule(rule, "")


def _show_counting(part: GradesPart) -> Sections:
    sentences = describe_counting(part)
    stated = [text for text, is_assumed in sentences if not is_assumed]
    assumed = [text for text, is_assumed in sentences if is_assumed]
    # A window of its own is the first thing to know.
    head = 0 if part.window is None else 1
    days = bullets([*stated[:head], *_say_days(part), *stated[head:]])
    sections = ["### How days are counted", days]
    return [*sections, "### Assumed: the source does not say it", bullets(assumed)] if assumed else sections


def _say_days(part: GradesPart) -> list[str]:
    """What is not a choice of the part but holds for every part of its form."""
    if part.landmark is not None:
        return [
            "one value decides the grade; `best` and `worst` say what the count of the landmark day itself"
            " can have been"
        ]
    lengths = [rule.days is not None for rule in part.lab_rules]
    if all(lengths):
        return ["a rule is met if its cut is met on as many days as its row says"]
    if any(lengths):
        return [
            "a rule with days is met on as many days as its row says, the others by the lowest measured value"
        ]
    where = "in the window that the study states" if part.own_window is None else "of these days"
    return [
        f"each measured value {where} is graded by itself, and the highest grade counts",
        "an unmeasured day has no grade; `best` and `worst` take it within its bounds where two"
        " measurements enclose it closely enough, see [`neighbor_bounds`](neighbor_bounds.md)",
    ]


def _list_grades(part: GradesPart, source: str) -> str:
    counts = any(rule.days is not None for rule in part.grades)
    headings = ["Grade", "Rule", *(["Days"] if counts else []), source]
    lines: list[list[object]] = []
    for rule in sorted(part.grades, key=lambda one: one.grade):
        # The days stand in a column of their own.
        cut = rule.model_copy(update={"days": None})
        words = say_rule(cut, part.unit) if rule.lab_gradable else "not decided by a laboratory value"
        lines.append([rule.grade, words, *([_say_length(rule)] if counts else []), f"“{rule.text}”"])
    return table(headings, lines)


def _say_length(rule: GradeRule) -> str:
    if rule.days == "all":
        return "all"
    if rule.days is None:
        return "lowest value" if rule.lab_gradable else "-"
    return f"{rule.days} or more"


def _show_recovery(definition: RecoveryDefinition | RecoveryTimeDefinition) -> Sections:
    rules = describe_definition(definition)["rules"]
    own = rules[len(definition.all_of) :]
    rows = [
        [
            load_analytes()[item.analyte].title,
            f"{'at least' if item.comparator == 'at_least' else 'above'} {item.cut:g} {show_unit(item.unit)}",
            _say_support(item),
        ]
        for item in definition.all_of
    ]
    return [
        "## The rule",
        table(["Lineage", "Needs", "Support and washout"], rows),
        bullets(own),
        "A day is free of support if `day - last support day` is at least the days of the table. Support"
        " that is not in the table does not matter here. An unknown stop is the first day in `policy` and"
        " `best`, never in `worst`.",
    ]


def _say_support(item: Criterion) -> str:
    if not item.support_free_days:
        return "none asked for"
    return "; ".join(_say_washout(SUPPORT[kind], wait) for kind, wait in item.support_free_days.items())


def _say_washout(name: str, wait: Washout) -> str:
    days = f"{wait.days} day{'' if wait.days == 1 else 's'} after a {name}"
    if not wait.agents:
        return days
    numbers = sorted(set(wait.agents.values()))
    agents = [
        f"{number} after {', '.join(agent for agent, own in wait.agents.items() if own == number)}"
        for number in numbers
    ]
    return f"{days}; {'; '.join(agents)}"


def _show_fever(definition: FeverDefinition) -> Sections:
    count, degrees = definition.count, show_unit(definition.temperature_unit)
    lasting = definition.sustained
    single = f"one temperature {_say_cut(definition.single, degrees)}"
    held = (
        f"a temperature of {_say_cut(lasting, degrees)} for more than {lasting.longer_than_minutes} minutes"
    )
    low = f"{load_analytes()[count.analyte].title} {_say_cut(count, show_unit(count.unit))}"
    rows: list[list[object]] = [[definition.grade, f"{low}, and {single} or {held}", f"“{definition.text}”"]]
    rows += [[item.grade, "not decided by these readings", f"“{item.text}”"] for item in definition.clinical]
    return ["## The rule", table(["Grade", "Rule", "Official words"], rows)]


def _say_cut(rule: PlainCut, unit: str) -> str:
    return f"{rule.comparator.replace('_', ' ')} {rule.cut:g} {unit}"


def _show_bedside(definition: BedsideDefinition) -> Sections:
    known = load_bedside_inputs()
    rows: list[list[object]] = []
    if (need := definition.requirement) is not None:
        degrees = show_unit(need.unit)
        name = f"{known[need.input].title} (`{need.input}`)"
        rows.append(
            [name, _say_cut(need, degrees), f"{need.grade}, and needed for every grade", f"“{need.text}”"]
        )
        if need.hidden_by is not None:
            rows.append(["", f"or `{need.hidden_by}` after CRS was known", "", f"“{need.hidden_text}”"])
    for line in definition.lines:
        title = f"{known[line.input].title} (`{line.input}`)"
        title += f", from {line.from_age_years:g} years on" if line.from_age_years is not None else ""
        for level in line.levels:
            grade = f"{level.grade}" + (f" to {level.up_to}" if level.up_to is not None else "")
            words = ", ".join(f"`{word}`" for word in level.words)
            # Where the word does not settle the grade, the text is the package's, not the source's.
            quoted = level.text if level.up_to is not None else f"“{level.text}”"
            rows.append([title, words, grade, quoted if level.text else "-"])
        unit = known[line.input].unit
        shown = "" if unit in (None, "", "fraction", "grade", "points") else f" {show_unit(unit)}"
        rows += [
            [title, _say_cut(rule, "").strip() + shown, rule.grade, f"“{rule.text}”"] for rule in line.rules
        ]
    rows += [
        ["-", "not decided by these inputs", item.grade, f"“{item.text}”"] for item in definition.clinical
    ]
    return [
        "## The rule",
        "The grade is that of the worst line. A blank cell is unknown, not normal: the grade is then given"
        " only if no answer could change it.",
        table(["Input", "Finding", "Grade", name_words(definition)], rows),
    ]


def _show_points(definition: PointsDefinition) -> Sections:
    rows: list[list[object]] = []
    for name, item in definition.items.items():
        title = f"{load_analytes()[name].title}, {show_unit(item.unit)}"
        rows.append([title, "otherwise", 0, f"“{item.otherwise}”"])
        rows += [
            [title, _say_cut(rule, show_unit(item.unit)), rule.points, f"“{rule.text}”"]
            for rule in item.rules
        ]
    starts = [group.at_least for group in definition.groups]
    ends = [*(start - 1 for start in starts[1:]), definition.most_points]
    groups = [
        [group.name, f"{group.at_least} to {end}"] for group, end in zip(definition.groups, ends, strict=True)
    ]
    return [
        "## The rule",
        "Each item counts its highest points whose rule is met; the score is their sum. A missing item is"
        " never counted as 0: the score is then an interval, and a risk group is named only if every"
        " completion agrees.",
        table(["Item", "Rule", "Points", name_words(definition)], rows),
        *([table(["Risk group", "Points"], groups)] if groups else []),
        *_show_population(definition),
    ]


def _show_ratio(definition: RatioDefinition) -> Sections:
    formula = describe_definition(definition)["rules"][0]
    return ["## The rule", f"    {formula}", *_show_population(definition)]


def _show_model(definition: ModelDefinition) -> Sections:
    rows = [
        [
            load_analytes()[name].title,
            show_unit(item.unit),
            "before lymphodepletion" if item.day is None else f"day {item.day}",
            f"{item.allowed[0]:g} to {item.allowed[1]:g}",
        ]
        for name, item in definition.inputs.items()
    ]
    levels = [f"Category `{name}`: {' or '.join(levels)}." for name, levels in definition.categories.items()]
    return [
        "## The rule",
        "The risk is 1 / (1 + e^-x); x is the sum of a constant, a coefficient times the log10 of each"
        " value, and a number for the level of each category. A value of 0 is taken as"
        f" {definition.zero_as:g}. Outside the range a value is refused; `--allow-outside` scores it all"
        " the same, and says so.",
        table(["Input", "Unit", "When", "Range the model was made for"], rows),
        *levels,
        *_show_population(definition),
    ]


def _show_population(definition: PointsDefinition | RatioDefinition | ModelDefinition) -> Sections:
    day = getattr(definition, "day", None)
    when = "the last before lymphodepletion" if day is None else f"those of day {day}"
    values = (
        []
        if isinstance(definition, ModelDefinition)
        else [f"The values are {when}, see [`baseline`](baseline.md)."]
    )
    return [
        *values,
        f"Predicts {escape(definition.predicts)}.",
        f"Tested in: {escape(definition.population)}",
    ]


def _show_sentences(definition: Definition) -> Sections:
    told = describe_definition(definition)
    rules = [rule for rule in told["rules"] if rule != definition.note]
    none = "No rule is quoted from the source. What is computed is assumed, and stands below."
    return ["## The rule", bullets(rules) if rules else none]


def _show_bounds(definition: BoundsDefinition) -> Sections:
    known = load_analytes()
    rows = [[known[name].title, f"{slack:g}"] for name, slack in definition.slack.items()]
    caps = [
        f"{known[low].title} cannot exceed {known[high].title.lower()} of the same day"
        for low, high in definition.cap.items()
    ]
    return [
        "## The rule",
        f"Two measurements at most {definition.longest_days} days apart vouch for the days between: none"
        " is lower than the lower of the two divided by the slack, none higher than the higher times the"
        " slack, unless something beyond was measured there. Other unmeasured days are open.",
        table(["Analyte", "Slack"], rows),
        bullets([*caps, "an analyte without a slack of its own has the widest"]),
    ]


def _show_baseline(definition: BaselineDefinition) -> Sections:
    first, last = definition.peak_window
    return [
        "## The rule",
        bullets(
            [
                f"baseline: the last valid value from {definition.days_before} days before the first day of"
                " lymphodepletion up to that day",
                f"peak: the highest value from day {first} to day {last}",
            ]
        ),
    ]


def _show_gates(definition: GatesDefinition) -> Sections:
    rows = [
        [f"fewer than {definition.univariable_from}", "groups are described; no model"],
        [f"{definition.univariable_from} or more", "one factor at a time"],
        [
            f"{definition.multivariable_from} or more",
            f"a multivariable model with one term per {definition.per_term}",
        ],
    ]
    limits = {
        "variance inflation of a term": definition.collinear_from_inflation,
        "condition number": definition.collinear_from_condition,
    }
    named = [f"{name} {limit:g}" for name, limit in limits.items() if limit is not None]
    remark = [f"Collinearity is remarked on from these on: {', '.join(named)}."] if named else []
    return [
        "## The rule",
        table(["Patients in the smaller of events and non-events", "What is computed"], rows),
        *remark,
    ]


def _show_not_definable(definition: NotDefinable) -> Sections:
    rows = [[f"`{item.id}`", item.source, f"“{item.says}”", item.reason] for item in definition.entries]
    return ["## The wordings", table(["Id", "Source", "It says", "Why it cannot be computed"], rows)]


_RULES: dict[type[Any], Callable[[Any], Sections]] = {
    GradesDefinition: _show_grades,
    RecoveryDefinition: _show_recovery,
    RecoveryTimeDefinition: _show_recovery,
    FeverDefinition: _show_fever,
    BedsideDefinition: _show_bedside,
    PointsDefinition: _show_points,
    RatioDefinition: _show_ratio,
    ModelDefinition: _show_model,
    PhenotypeDefinition: _show_sentences,
    BoundsDefinition: _show_bounds,
    BaselineDefinition: _show_baseline,
    GatesDefinition: _show_gates,
    NotDefinable: _show_not_definable,
}
