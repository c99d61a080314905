"""What definitions say of a course that goes on: by the days that happened, and what all days can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cytopenia.contract import Tables
from cytopenia.definition_forms import GradesDefinition, GradesPart
from cytopenia.definitions import Library, load_library
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.one_course import PATIENT, end_tables, make_kernel, plan_course
from cytopenia.study.counterfactuals import Edit, Kernel, keep_patient
from cytopenia.study.explain import explain_in_study, require_patient
from cytopenia.units import load_analytes

__all__ = ["OutcomeSoFar", "explain_so_far"]


@dataclass(frozen=True, kw_only=True)
class OutcomeSoFar:
    """One outcome by the days to a certain one.

    Attributes
    ----------
    outcome : OutcomeExplanation
        As if observation had ended on that day, but for rules that ask for every day of the window.
    is_running : bool
        Days of the window are still to come.
    can_be : (float, float), optional
        The mildest and the worst that the whole window can be, whatever the days to come are.
    waits : bool
        A rule over all days of the window is judged only when the window has passed.
    """

    outcome: OutcomeExplanation
    is_running: bool
    can_be: tuple[float, float] | None
    waits: bool


def explain_so_far(
    tables: Tables, addresses: Sequence[str], *, end_day: int, folder: Path | str | None = None
) -> list[OutcomeSoFar]:
    """Return what parts of definitions say of a course to a day, of those whose window has begun.

    Parameters
    ----------
    tables : Tables
        Of one course, without an end of observation.
    addresses : sequence of str
        Of kind "grades": "icaht_2023", or one part, "icaht_2023.early".
    end_day : int
        The last day that happened. No later day is filled, and none counts.
    folder : path, optional
        A folder whose `definitions/` are used as well.

    Examples
    --------
    Five days of neutrophils at 0.3: grade 1 so far, although every day there was is at most 0.5.

    >>> from cytopenia.one_course import Course, CourseValue, read_course
    >>> values = [CourseValue(str(day), "anc", "0.3", "G/L", day + 1) for day in range(5)]
    >>> found = explain_so_far(read_course(Course(values=values)), ["icaht_2023"], end_day=4)
    >>> [(item.outcome.answer.policy, item.can_be) for item in found]
    [(1.0, (1.0, 4.0))]
    """
    library = load_library(folder)
    known = {name: part for address in addresses for name, part in library.find_parts(address).items()}
    begun = {
        name: window
        for name, part in known.items()
        if (window := part.own_window) is not None and window[0] <= end_day
    }
    if not begun:
        return []
    running = {name for name, window in begun.items() if window[1] > end_day}
    cut = plan_course(_cut_parts(library, running), [*begun], support_complete=False)
    explained = explain_in_study(cut, end_tables(tables, end_day), PATIENT)
    study = plan_course(library, [*begun], support_complete=False)
    own, kernel = keep_patient(require_patient(study, tables, PATIENT), PATIENT), make_kernel(study)
    return [
        OutcomeSoFar(
            outcome=outcome,
            is_running=outcome.address in running,
            can_be=_list_ends(outcome, kernel, own, end_day=end_day),
            waits=outcome.address in running and _has_rule_over_all(known[outcome.address]),
        )
        for outcome in explained.outcomes
        if outcome.address is not None
    ]


def _list_ends(
    outcome: OutcomeExplanation, kernel: Kernel, tables: Tables, *, end_day: int
) -> tuple[float, float] | None:
    """The mildest and the worst answer of copies whose days to come are as low, or as high, as can be."""
    last = end_day if outcome.window is None else outcome.window[1]
    if last <= end_day:
        rows: list[Mapping[str, Any]] = [outcome.row]
    else:
        days = range(end_day + 1, last + 1)
        copies = [
            tuple((name, day, value) for name in outcome.analytes for day in days)
            for value in (0.0, max(load_analytes()[name].plausible_high for name in outcome.analytes))
        ]
        rows = list(kernel.ask(tables, [Edit(values=copy) for copy in copies], outcome=outcome.name))
    best = [row["best"] for row in rows if row["best"] is not None]
    worst = [row["worst"] for row in rows if row["worst"] is not None]
    return (min(best), max(worst)) if best and worst else None


def _has_rule_over_all(part: GradesPart) -> bool:
    return any(rule.days == "all" for rule in part.grades)


def _cut_parts(library: Library, running: set[str]) -> Library:
    """The library whose running parts end at last contact, without rules over days that are still to come."""
    definitions = dict(library.definitions)
    for name in running:
        key, _, part = name.partition(".")
        definition = definitions[key]
        if isinstance(definition, GradesDefinition):
            parts = {**definition.parts, part: _cut_part(definition.parts[part])}
            definitions[key] = definition.model_copy(update={"parts": parts})
    return replace(library, definitions=definitions)


def _cut_part(part: GradesPart) -> GradesPart:
    rules = tuple(rule for rule in part.grades if rule.days != "all")
    changed: dict[str, Any] = {"grades": rules or part.grades}
    for name in ("counting", "landmark"):
        form = getattr(part, name)
        if form is not None and "last_contact" not in form.censor_at:
            changed[name] = form.model_copy(update={"censor_at": (*form.censor_at, "last_contact")})
    if rules and part.counting is not None:
        counting = changed.get("counting", part.counting)
        changed["counting"] = counting.model_copy(update={"all_days_from": None})
    return part.model_copy(update=changed)
