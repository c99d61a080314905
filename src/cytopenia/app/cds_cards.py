"""The cards of CDS Hooks: grades of the last values, scores, ICAHT by the days that happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from cytopenia.app.api_models import as_text
from cytopenia.app.cds_request import CdsPatient, CdsRequest, list_rivals
from cytopenia.app.course_forms import CoursePage
from cytopenia.app.texts import Say
from cytopenia.contract.suspects import find_unusual_value
from cytopenia.course_so_far import OutcomeSoFar, explain_so_far
from cytopenia.definition_forms import PointsDefinition, RatioDefinition, ScoreDefinition
from cytopenia.definitions import Library, describe_definition
from cytopenia.grading.grades import grade_labs
from cytopenia.grading.score_cohorts import score_patients
from cytopenia.report.explanation_page import tell_outcome
from cytopenia.report.explanation_words import say_policy, say_result
from cytopenia.score_file import PatientScore, score_quantities
from cytopenia.score_words import RESEARCH, ToldScore, tell_score
from cytopenia.units import load_analytes, show_unit
from cytopenia.version import __version__

__all__ = ["Asking", "make_cards"]

_LONGEST_SUMMARY = 140
_GRADES, _SCORES = "ctcae_v5", ("car_hematotox", "easix")
# CTCAE calls grade 3 severe and grade 4 life-threatening; ICAHT uses the same words.
_INDICATORS = {3: "warning", 4: "critical", 5: "critical"}
# A quotient of one known number says nothing.
_LEAST_OF_RATIO = 2
# Of a course that goes on these speak of its end.
_OF_THE_END = ("Result", "Possible", "Changed by")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What cards are made with: texts, definitions and their folder, and the parts of ICAHT."""

    say: Say
    library: Library
    folder: Path
    page: CoursePage


def make_cards(sent: CdsRequest, asking: Asking) -> list[dict[str, Any]]:
    """Return the cards that answer a request."""
    say = asking.say
    cards: list[dict[str, Any]] = []
    if sent.has_more_pages:
        cards.append(_inform("api.more_pages", "api.more_pages_detail", say))
    if sent.patient is None:
        detail = "\n".join([say("api.no_counts_detail"), *_say_doubts(sent, say)])
        cards.append(_card(say("api.no_counts"), detail, indicator="info", source="", say=say))
    else:
        cards.append(_show_grades(sent.patient, sent, asking))
        cards += _show_scores(sent.patient, asking)
        cards += _show_course(sent.patient, asking)
    if sent.keys_of_others:
        cards.append(
            _inform(
                "api.keys_of_others", "api.keys_of_others_detail", say, names=", ".join(sent.keys_of_others)
            )
        )
    return cards


def _card(summary: str, detail: str, *, indicator: str, source: str, say: Say) -> dict[str, Any]:
    label = say("api.source", version=__version__)
    return {
        "uuid": str(uuid4()),
        "summary": summary if len(summary) <= _LONGEST_SUMMARY else f"{summary[: _LONGEST_SUMMARY - 1]}…",
        "detail": f"{detail}\n\n{RESEARCH}",
        "indicator": indicator,
        "source": {"label": f"{label}: {source}" if source else label},
    }


def _inform(summary: str, detail: str, say: Say, **blanks: object) -> dict[str, Any]:
    """A card of two texts by their keys."""
    summary, detail = say(summary, **blanks), say(detail, **blanks)
    return _card(summary, detail, indicator="info", source="", say=say)


def _say_doubts(sent: CdsRequest, say: Say) -> list[str]:
    lines = [say("api.doubt", message=message) for message in sent.doubts]
    return [*lines, say("api.without_subject")] if sent.is_without_subject else lines


def _say_rivals(tables: CdsPatient, used: pl.DataFrame, say: Say) -> list[str]:
    """Values of one moment that disagree, of which one was taken."""
    rivals = list_rivals(tables.tables, used)
    lines: list[str] = []
    for (analyte,), part in rivals.group_by("analyte", maintain_order=True):
        row = part.row(0, named=True)
        shown = [_show_value(row["value"], row["comparator"])]
        shown += [_show_value(*pair) for pair in part.select("rival", "rival_comparator").iter_rows()]
        lines.append(
            say(
                "api.rivals",
                analyte=load_analytes()[str(analyte)].title,
                values=", ".join(dict.fromkeys(shown)),
                unit=show_unit(row["unit"]),
                taken=shown[0],
            )
        )
    return lines


def _show_value(value: float, comparator: str) -> str:
    return f"{'' if comparator == '=' else comparator}{value:.6g}"


# -- grades ----------------------------------------------------------------------------------------


def _show_grades(patient: CdsPatient, sent: CdsRequest, asking: Asking) -> dict[str, Any]:
    """One card with the grade of the last value of each analyte; the highest names it."""
    say, library = asking.say, asking.library
    definition = library.find(_GRADES)
    parts, removed = library.find_value_parts(_GRADES), library.explain_removed(_GRADES)
    rows = [
        row for row in grade_labs(patient.last, parts, removed=removed).to_dicts() if row["term"] is not None
    ]
    words = {"definition": definition.title, "version": definition.version}
    detail = [
        *(_say_grade(row, say) for row in rows),
        *_say_rivals(patient, patient.last, say),
        *_say_doubts(sent, say),
    ]
    grade = max((row["grade"] or 0 for row in rows), default=0)
    return _card(
        _sum_up_grades(rows, say, **words),
        "\n".join(detail),
        indicator=_INDICATORS.get(grade, "info"),
        source=describe_definition(definition)["citation"],
        say=say,
    )


def _sum_up_grades(rows: Sequence[Mapping[str, Any]], say: Say, **words: str) -> str:
    judged = [row for row in rows if row["grade"] is not None]
    unjudged = len(rows) - len(judged)
    if not rows:
        return say("api.grade_no_rule", **words)
    if not judged:
        first = rows[0]
        return say("api.grade_unjudged", term=first["term"], reason=_say_open(first, say), **words)
    highest = max(judged, key=lambda row: (row["grade"], row["grade_worst"]))
    if highest["grade_worst"] > highest["grade"]:
        worst = highest["grade_worst"]
        return say("api.grade_at_least", term=highest["term"], grade=highest["grade"], worst=worst, **words)
    if highest["grade"]:
        return say("api.grade_summary", term=highest["term"], grade=highest["grade"], **words)
    return say("api.grade_none_of_judged" if unjudged else "api.grade_none", n=unjudged, **words)


def _say_open(row: Mapping[str, Any], say: Say) -> str:
    """Why a value has no grade, and which it could have."""
    worst = row["grade_worst"]
    if worst is None:
        return row["grade_reason"]
    key = "api.open_one" if worst == 1 else "api.open_range"
    return say(key, reason=row["grade_reason"], worst=worst)


def _say_grade(row: Mapping[str, Any], say: Say) -> str:
    value = _show_value(row["value"], row["comparator"])
    shown = {"term": row["term"], "value": value, "unit": show_unit(row["unit"]), "when": row["printed"]}
    if row["grade"] is None:
        return say("api.not_graded", reason=_say_open(row, say), **shown)
    key = "api.grade_detail" if row["grade_worst"] == row["grade"] else "api.grade_detail_at_least"
    return say(key, grade=row["grade"], worst=row["grade_worst"], **shown)


# -- scores ----------------------------------------------------------------------------------------


def _show_scores(patient: CdsPatient, asking: Asking) -> Iterator[dict[str, Any]]:
    """A card for each score with enough of its inputs, from values before lymphodepletion."""
    say, waiting = asking.say, list[str]()
    known = {row["analyte"]: row for row in patient.last.to_dicts()}
    for name in _SCORES:
        definition = asking.library.find_score(name)
        given = [item.analyte for item in definition.inputs_needed if item.analyte in known]
        least = _LEAST_OF_RATIO if isinstance(definition, RatioDefinition) else 1
        if len(given) < least:
            continue
        if patient.infusion is not None and patient.start is None:
            waiting.append(definition.title)
        elif patient.start is None:
            pairs = [(analyte, _print_value(known[analyte])) for analyte in given]
            found = PatientScore(score_quantities(definition, pairs).scores, [])
            used = patient.last.filter(pl.col("analyte").is_in(given))
            yield _show_score(found, definition, patient, used=used, say=say)
        else:
            found = PatientScore(score_patients(patient.tables, name, folder=asking.folder), [])
            used = _find_used(found, patient)
            if used.height >= least:
                yield _show_score(found, definition, patient, used=used, say=say)
            elif least == 1:
                days = asking.library.baseline.days_before
                yield _inform(
                    "api.score_no_values",
                    "api.score_no_values_detail",
                    say,
                    title=definition.title,
                    days=days,
                )
    if waiting:
        yield _inform("api.score_needs_start", "api.score_needs_start_detail", say, titles=", ".join(waiting))


def _print_value(row: Mapping[str, Any]) -> str:
    sign = "" if row["comparator"] == "=" else row["comparator"]
    return f"{sign}{as_text(row['value'])} {row['unit']}"


def _find_used(found: PatientScore, patient: CdsPatient) -> pl.DataFrame:
    """The laboratory rows that the items of a score rest on, with their printed date."""
    items = found.scores.items.filter(pl.col("source_row").is_not_null() & pl.col("value").is_not_null())
    keys = items.select(pl.col("item").alias("analyte"), "day", "source_row")
    labs = patient.tables.labs
    return labs.join(keys, on=["analyte", "day", "source_row"], how="semi", maintain_order="left")


def _show_score(
    found: PatientScore, definition: ScoreDefinition, patient: CdsPatient, *, used: pl.DataFrame, say: Say
) -> dict[str, Any]:
    told, row = tell_score(found), found.scores.scores.row(0, named=True)
    is_high = isinstance(definition, PointsDefinition) and row["group"] not in (
        None,
        *(group.name for group in definition.groups[:1]),
    )
    taken = "detail" if patient.start is None else "baseline"
    doubts = [
        find_unusual_value(one["analyte"], one["value"], one["unit"]) for one in used.iter_rows(named=True)
    ]
    if found.scores.findings.height:
        doubts += found.scores.findings["message"].to_list()
    lines = [
        say(f"api.score_{taken}"),
        "",
        *_list_inputs(told, used, patient),
        *_say_rivals(patient, used, say),
        *(say("api.doubt", message=message) for message in doubts if message),
        "",
        *(f"{label}: {text}" for label, text in told.remarks if label not in ("", "Source")),
    ]
    return _card(
        say(f"api.score_summary_{taken}", title=told.title, result=told.result),
        "\n".join(lines),
        indicator="warning" if is_high else "info",
        source=describe_definition(definition)["citation"],
        say=say,
    )


def _list_inputs(told: ToldScore, used: pl.DataFrame, patient: CdsPatient) -> Iterator[str]:
    """One line per input: its value, the date of it, and the rule that counts."""
    dates = dict(used.join(patient.printed, on="source_row").select("analyte", "printed").iter_rows())
    for line in told.inputs:
        when = f", {dates[line.name]}" if line.name in dates else ""
        yield f"- {line.title}: {line.value}{when}" + (f" ({line.words})" if line.words else "")


# -- courses ---------------------------------------------------------------------------------------


def _show_course(patient: CdsPatient, asking: Asking) -> list[dict[str, Any]]:
    """A card for each part of ICAHT whose counts are there and whose days have begun."""
    if patient.infusion is None:
        return []
    given, page = set(patient.last["analyte"]), asking.page
    asked = [one.id for one in page.questions if one.id in page.first and given & set(one.analytes)]
    if not asked:
        return []
    found = explain_so_far(patient.tables, asked, end_day=patient.end_day, folder=asking.folder)
    return [_show_outcome(item, patient, asking.say) for item in found if given & set(item.outcome.analytes)]


def _show_outcome(item: OutcomeSoFar, patient: CdsPatient, say: Say) -> dict[str, Any]:
    outcome = item.outcome
    policy = outcome.answer.policy
    lines = [f"- {label}: {text}" if label else f"  {text}" for label, text in _list_reasons(item)]
    if item.is_running:
        summary, words = _say_so_far(item, patient, say)
        lines = [*words, "", *lines]
    else:
        summary = say("api.course_summary", title=outcome.title, result=say_result(outcome))
    return _card(
        summary,
        "\n".join(lines),
        indicator=_INDICATORS.get(0 if policy is None else int(policy), "info"),
        source=outcome.citation or "",
        say=say,
    )


def _list_reasons(item: OutcomeSoFar) -> Iterator[tuple[str, str]]:
    """What is behind the answer; of a course that goes on, without what is said as if it had ended."""
    last_label = ""
    for label, text in tell_outcome(item.outcome):
        last_label = label or last_label
        if not (item.is_running and last_label in _OF_THE_END):
            yield label, text.strip()


def _say_so_far(item: OutcomeSoFar, patient: CdsPatient, say: Say) -> tuple[str, list[str]]:
    """The summary and the first lines of a window of which days are still to come."""
    outcome = item.outcome
    until = outcome.window[1] if outcome.window else patient.end_day
    result, day = say_policy(outcome.answer, outcome), patient.end_day
    blanks = {"title": outcome.title, "day": day, "until": until, "result": result}
    lines = [say("api.so_far_days", day=day, date=patient.end_date, until=until)]
    summary = say("api.so_far", **blanks)
    if item.can_be is not None:
        best, worst = (f"{end:g}" for end in item.can_be)
        key = "api.so_far_settled" if best == worst else "api.so_far_open"
        summary = say(key, best=best, worst=worst, **blanks)
    if item.waits:
        lines.append(say("api.so_far_waits", until=until))
    return summary, lines
