"""Who has another answer, or another grade, under another definition, and why: from the evidence alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.definition_forms import GradeRule
from cytopenia.definitions import say_rule
from cytopenia.grading.cuts import is_met
from cytopenia.study.answers import DIED, EVENT, NO_EVENT, NOT_EVALUABLE, Answers
from cytopenia.study.plan import GradePlan
from cytopenia.units import convert_value, load_analytes, show_unit

__all__ = ["CHANGE_SCHEMA", "GRADE_ONLY", "list_changes"]

GRADE_ONLY = "grade only"
NO_ANSWER = "not evaluable under one of the two"
DEATH = "died before the landmark of one of the two"
BEFORE = "was there before treatment"
OTHER_CUT = "another cut"
OTHER_DAYS = "other days are looked at"
NOT_COUNTED = "the day does not count there"
TOO_FEW = "days are counted, and there are too few"
COUNTED = "days are counted in another way"
CUT_AND_DAYS = "another cut or another number of days"
OTHER_KIND = "another lineage or another criterion"

CHANGE_SCHEMA: dict[str, type[pl.DataType]] = {
    "analysis_id": pl.String,
    "patient_id": pl.String,
    "reference": pl.String,
    "other": pl.String,
    "change": pl.String,
    "reference_answer": pl.String,
    "other_answer": pl.String,
    "reference_grade": pl.Float64,
    "other_grade": pl.Float64,
    "reference_is_open": pl.Boolean,
    "other_is_open": pl.Boolean,
    "reason": pl.String,
    "detail": pl.String,
}

Row = Mapping[str, object]
Days = Mapping[tuple[str, str], pl.DataFrame]


@dataclass(frozen=True)
class _Side:
    """One patient under one definition."""

    answers: Answers
    place: int
    days: pl.DataFrame

    @property
    def title(self) -> str:
        return self.answers.title

    @property
    def plan(self) -> GradePlan | None:
        return self.answers.plan

    @property
    def word(self) -> str:
        return str(self.answers.words[self.place])

    @property
    def row(self) -> Row:
        return self.answers.rows.row(self.place, named=True)

    @property
    def grade(self) -> float | None:
        return self.answers.grade[self.place]

    @property
    def is_open(self) -> bool:
        return bool(self.answers.is_open[self.place])

    @property
    def is_present(self) -> bool:
        """Whether what the definition looks for is there, whichever side is the event."""
        return self.row["policy"] == 1


def list_changes(analysis_id: str, answers: Sequence[Answers], evidence: pl.DataFrame) -> pl.DataFrame:
    """Return the patients whose answer or grade differs from that under the reference, with the reason.

    Parameters
    ----------
    analysis_id : str
    answers : sequence of Answers
        The reference first.
    evidence : DataFrame
        The days behind the outcomes.

    Returns
    -------
    DataFrame
        Columns of `CHANGE_SCHEMA`, one row per patient and definition that differs from the reference; in the
        order of the definitions and of the patients. Patients without an answer under both are not in it.
        `reason` is one of a few, `detail` the days and values behind it.
    """
    names = [one.outcome for one in answers]
    deciding = evidence.filter(pl.col("outcome").is_in(names), pl.col("role") == "decides")
    days = {
        (str(outcome), str(patient)): part
        for (outcome, patient), part in deciding.partition_by("outcome", "patient_id", as_dict=True).items()
    }
    reference, *others = answers
    rows = [
        {"analysis_id": analysis_id, **row}
        for other in others
        for row in _compare(reference, other, days, evidence.clear())
    ]
    return pl.DataFrame(rows, schema=CHANGE_SCHEMA)


def _compare(
    reference: Answers, other: Answers, days: Days, none: pl.DataFrame
) -> Iterator[dict[str, object]]:
    first_words, second_words = reference.words, other.words
    unequal = (reference.grade != other.grade).fill_null(value=False)
    for place, patient in enumerate(reference.rows["patient_id"]):
        words = (str(first_words[place]), str(second_words[place]))
        if not {*words} & {EVENT, NO_EVENT} or not (words[0] != words[1] or unequal[place]):
            continue
        first, second = (
            _Side(one, place, days.get((one.outcome, patient), none)) for one in (reference, other)
        )
        change = GRADE_ONLY if words[0] == words[1] else f"{words[0]} to {words[1]}"
        reason, detail = _explain_grades(first, second) if change == GRADE_ONLY else _explain(first, second)
        yield {
            "patient_id": patient,
            "reference": reference.outcome,
            "other": other.outcome,
            "change": change,
            "reference_answer": words[0],
            "other_answer": words[1],
            "reference_grade": first.grade,
            "other_grade": second.grade,
            "reference_is_open": first.is_open,
            "other_is_open": second.is_open,
            "reason": reason,
            "detail": "; ".join([detail, *_tell_open(first, second)]),
        }


def _tell_open(*sides: _Side) -> Iterator[str]:
    for side in sides:
        if side.is_open:
            why = side.row["reason"] or "unmeasured days could change it"
            yield f"undecided under {side.title} ({why})"


def _explain(first: _Side, second: _Side) -> tuple[str, str]:
    """Why the answers differ: reason and detail."""
    for side in (first, second):
        if side.word == DIED:
            return DEATH, f"{side.title}: died before the landmark"
    for side in (first, second):
        if side.word == NOT_EVALUABLE:
            return NO_ANSWER, f"{side.title}: not evaluable ({side.row['reason'] or 'no answer'})"
    if first.is_present == second.is_present:
        return OTHER_KIND, f"{_tell(first)}; {_tell(second)}"
    present, absent = (first, second) if first.is_present else (second, first)
    if present.plan is None or absent.plan is None:
        return OTHER_KIND, f"{_tell(present)}; {_tell(absent)}"
    if present.plan.part.analyte != absent.plan.part.analyte:
        return OTHER_KIND, f"{_tell(present)}; {_tell(absent)}"
    return _explain_course(present, absent, (present.plan, absent.plan))


def _explain_course(present: _Side, absent: _Side, plans: tuple[GradePlan, GradePlan]) -> tuple[str, str]:
    """Why the course of one analyte is enough for one definition and not for the other."""
    here, there = plans
    inside = present.days.filter(pl.col("day").is_between(*there.window))
    if inside.is_empty():
        seen = f"{_tell(present)}{_say_days(present)}"
        return OTHER_DAYS, f"{seen}; {absent.title} looks at {_say_window(there)}"
    if absent.answers.spec.treatment_emergent and not present.answers.spec.treatment_emergent:
        return BEFORE, f"{_tell(present)}; {absent.title} counts only what is worse than at baseline"
    if _counts_days(there) and absent.grade:
        alike = here.part.lab_rules == there.part.lab_rules
        why = COUNTED if alike else CUT_AND_DAYS
        asked = f"grade {absent.answers.spec.min_grade} is asked for"
        detail = f"{_tell(present)}; {absent.title}: {_say_grade(absent)}, {asked}"
        return (why if _counts_days(here) else TOO_FEW), detail
    return _compare_cuts(present, absent, plans, inside)


def _counts_days(plan: GradePlan) -> bool:
    return any(rule.days is not None for rule in plan.part.lab_rules)


def _compare_cuts(
    present: _Side, absent: _Side, plans: tuple[GradePlan, GradePlan], days: pl.DataFrame
) -> tuple[str, str]:
    """The worst measured value of the deciding days, which one definition takes and the other does not."""
    here, there = plans
    measured = days.filter(pl.col("state") == "measured")
    taken, missed = _say_asked(here), _say_asked(there)
    if measured.is_empty():
        return OTHER_CUT, f"{_tell(present)}; {absent.title} asks for {missed}"
    is_low = here.part.lab_rules[-1].is_sick_below
    sick, healthy = ("low", "high") if is_low else ("high", "low")
    worst = measured.sort(healthy, "day", descending=[not is_low, False]).row(0, named=True)
    value, link = f"{worst[healthy]:g}", "not"
    if worst[sick] != worst[healthy]:
        value, link = f"a value between {worst['low']:g} and {worst['high']:g}", "not known to be"
    seen = f"day {worst['day']}: {value} {show_unit(load_analytes()[here.part.analyte].unit)}"
    if any(_takes(there, rule, worst[healthy]) for rule in _list_asked(there)):
        if _counts_days(there) and absent.grade is None:
            return TOO_FEW, f"{seen} is {taken}; {absent.title} asks for {missed}"
        return NOT_COUNTED, f"{seen} is {taken}; the day does not count under {absent.title}"
    outside = [day for day in present.days["day"] if not there.window[0] <= day <= there.window[1]]
    beyond = f"; {absent.title} looks at {_say_window(there)} only" if outside else ""
    return OTHER_CUT, f"{seen} is {taken}, {link} {missed}{beyond}"


def _list_asked(plan: GradePlan) -> list[GradeRule]:
    """The rules of the mildest grade that is enough; any of them will do."""
    asked = [rule for rule in plan.part.lab_rules if rule.grade >= (plan.min_grade or 1)]
    least = min(rule.grade for rule in asked)
    return [rule for rule in asked if rule.grade == least]


def _takes(plan: GradePlan, rule: GradeRule, value: float) -> bool:
    """Whether a value meets a rule with a fixed cut, days apart."""
    if not isinstance(rule.cut, float):
        return False
    cut = convert_value(rule.cut, analyte=plan.part.analyte, unit=plan.part.unit)
    return bool(is_met(value, rule.comparator, cut))


def _say_window(plan: GradePlan) -> str:
    return f"days {plan.window[0]} to {plan.window[1]}"


def _say_asked(plan: GradePlan) -> str:
    return " or ".join(say_rule(rule, plan.part.unit) for rule in _list_asked(plan))


def _explain_grades(first: _Side, second: _Side) -> tuple[str, str]:
    """Why the grades differ where the answer does not."""
    detail = f"{first.title}: {_say_grade(first)}; {second.title}: {_say_grade(second)}"
    plans = (first.plan, second.plan)
    if plans[0] is None or plans[1] is None or plans[0].part.analyte != plans[1].part.analyte:
        return OTHER_KIND, detail
    parts = (plans[0].part, plans[1].part)
    alike = parts[0].lab_rules == parts[1].lab_rules
    if _counts_days(plans[0]) or _counts_days(plans[1]):
        return (COUNTED if alike else CUT_AND_DAYS), detail
    return (OTHER_DAYS if alike else OTHER_CUT), detail


def _say_grade(side: _Side) -> str:
    """The grade with the official words of its rules."""
    if side.grade is None or side.plan is None:
        return "no grade"
    texts = [rule.text for rule in side.plan.part.lab_rules if rule.grade == side.grade]
    return f"grade {side.grade:g}" + (f" ({' or '.join(texts)})" if texts else "")


def _tell(side: _Side) -> str:
    """What the definition says of the patient: the rule that was met, or the answer."""
    rule = side.row["rule"]
    if side.is_present and rule:
        return f"{side.title}: {rule}"
    return f"{side.title}: {side.row['label'] or side.word}"


def _say_days(side: _Side) -> str:
    first, last = side.row["first_day"], side.row["last_day"]
    if first is None or last is None:
        return ""
    return f" (day {first})" if first == last else f" (days {first} to {last})"
