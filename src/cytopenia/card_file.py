"""The probability of every patient of a laboratory file by a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cytopenia.contract import collect_findings, leave_out, merge_findings, require_tables
from cytopenia.definition_forms import ScoreInput
from cytopenia.definitions import load_library
from cytopenia.errors import DataError, DefinitionError, MissingColumnError, join_problems
from cytopenia.grading.day_grid import lay_out_courses
from cytopenia.grading.score_cohorts import collect_inputs, place_start
from cytopenia.one_file import FileOptions, build_section, require_day_before, require_paths, write_table
from cytopenia.readers.sources import read_tables
from cytopenia.study.model_cards import CardInput, ModelCard, predict_card, read_card
from cytopenia.units import load_analytes

__all__ = ["BEFORE_LYMPHODEPLETION", "CardFileRequest", "CardSummary", "score_card_file"]

# What a card says of the time of a laboratory value that a file can give.
BEFORE_LYMPHODEPLETION = "last value before lymphodepletion"
_OF_OUTCOMES = ("end_of_observation_missing", "no_support_table", "labs_before_infusion_only")
# The number of a value reported as below a limit, as in the models themselves.
_OF_LIMIT = 0.5
_SHOWN_REASONS = 12
_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "card": pl.String,
    "probability": pl.Float64,
    "decided": pl.Boolean,
    "reason": pl.String,
    "extrapolated": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class CardFileRequest:
    """What `cytopenia score --card` was asked for a file; see there."""

    card: Path
    files: FileOptions
    out: Path
    lymphodepletion_day: int | None = None


@dataclass(frozen=True)
class CardSummary:
    """What was found and written."""

    findings: pl.DataFrame
    lines: list[str]


def score_card_file(request: CardFileRequest) -> CardSummary:
    """Write the probability of every patient of a laboratory file by the card of a model.

    One row per patient with an infusion: probability, why there is none, which inputs lie outside what the
    patients of the model had, and the value of each input in the unit of the card.

    Raises
    ------
    DefinitionError
        The card cannot be used, or has an input that a laboratory file does not give.
    CytopeniaError
        A file cannot be read or written, an option is malformed, or the day of lymphodepletion is not known.

    Notes
    -----
    Each input is the last valid value from 14 days before lymphodepletion up to its first day (see the
    definition `baseline`), as in the model. A value reported as below a limit counts as half of it; one above
    a limit leaves the probability open, as does a missing one: a model counts nothing as 0.
    """
    require_paths(request.files, {"--out": request.out})
    card = read_card(request.card)
    _require_laboratory(card)
    require_day_before(request.lymphodepletion_day)
    try:
        tables = require_tables(read_tables(request.files.labs, build_section(request.files)))
    except MissingColumnError as cause:
        advice = "Write that line under [labs] into a file, say map.toml, and add --map map.toml."
        raise MissingColumnError(f"{cause}\n{advice}") from cause
    courses = place_start(lay_out_courses(tables), request.lymphodepletion_day)
    if len(courses) and np.isnan(courses.lymphodepletion_day).all():
        raise DataError(
            f"the card '{card.id}' needs the last values before lymphodepletion, and its first day is not"
            " known. Give lymphodepletion_day in an infusions table, or one day for all:"
            " --lymphodepletion-day -5."
        )
    library = load_library(request.files.labs.parent)
    inputs = [ScoreInput(str(item.analyte), item.unit) for item in card.inputs]
    values, found = collect_inputs(inputs, tables.labs, courses, baseline=library.baseline)
    scores = _score(card, values, courses.patient_id)
    write_table(scores, request.out)
    findings = leave_out(merge_findings(tables.findings, collect_findings(found)), list(_OF_OUTCOMES))
    return CardSummary(findings, [*_summarize(card, scores), f"Wrote {request.out}."])


def _require_laboratory(card: ModelCard) -> None:
    """Every input must be a laboratory value at the one time that a file can give."""
    problems: list[str] = []
    for item in card.inputs:
        if not item.is_number or item.analyte is None:
            problems.append(f"{item.name} ({item.title}) is no laboratory value")
        elif item.when != BEFORE_LYMPHODEPLETION:
            told = f"is of another time: {item.when}" if item.when else "has no time in the card"
            problems.append(f"{item.name} {told}")
        elif load_analytes()[item.analyte].unit != item.unit:
            problems.append(f"{item.name} is in {item.unit}, this version counts in another unit")
    if problems:
        head = (
            f"--labs: the card '{card.id}' needs more than the last laboratory values before lymphodepletion;"
            " give the values of one patient with --value"
        )
        raise DefinitionError(join_problems(head, problems))


def _score(card: ModelCard, values: pl.DataFrame, patients: pl.Series) -> pl.DataFrame:
    by_key = {(row["patient_id"], row["analyte"]): row for row in values.iter_rows(named=True)}
    rows: list[dict[str, Any]] = []
    for patient in patients.to_list():
        own = {item.name: by_key.get((patient, item.analyte), {}) for item in card.inputs}
        rows.append({"patient_id": patient, "card": card.id, **_score_patient(card, own)})
    schema = {**_SCHEMA, **{item.name: pl.Float64 for item in card.inputs}}
    return pl.DataFrame(rows, schema=schema)


def _score_patient(card: ModelCard, own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    from scipy.special import expit

    numbers: dict[str, float] = {}
    reasons: list[str] = []
    for item in card.inputs:
        number, why = _read_value(card, item, own[item.name])
        if number is None:
            reasons.append(why)
        else:
            numbers[item.name] = number
    outside = [
        item.name for item in card.inputs if item.name in numbers and not item.reaches(numbers[item.name])
    ]
    chance = None if reasons else float(expit(predict_card(card, numbers)))
    return {
        "probability": chance,
        "decided": chance is not None,
        "reason": "; ".join(reasons) or None,
        "extrapolated": ", ".join(outside) or None,
        **numbers,
    }


def _read_value(card: ModelCard, item: CardInput, row: Mapping[str, Any]) -> tuple[float | None, str]:
    """The number of one input, or why there is none."""
    value: float | None = row.get("value")
    if value is None:
        return None, f"{item.name}: {row.get('problem') or 'missing'}"
    if row["comparator"] in (">", ">="):
        return None, f"{item.name}: known only to lie above a limit"
    number = value * _OF_LIMIT if row["comparator"] in ("<", "<=") else value
    if number <= 0 and card.takes_logarithm(item.name):
        return None, f"{item.name}: is 0, and the model takes its logarithm"
    return number, ""


def _summarize(card: ModelCard, scores: pl.DataFrame) -> list[str]:
    """How many patients have a probability, why the others have none, and what the model is worth."""
    n, decided = scores.height, int(scores["decided"].sum())
    word = "patient" if n == 1 else "patients"
    lines = [f"{card.title} of {n} {word}: {decided} with a probability, {n - decided} open"]
    counts = scores.filter(~pl.col("decided"))["reason"].value_counts(name="n")
    ordered = counts.sort(["n", "reason"], descending=[True, False])
    lines += [f"  open, {reason}: {count}" for reason, count in ordered.head(_SHOWN_REASONS).iter_rows()]
    rest = int(ordered.slice(_SHOWN_REASONS)["n"].sum())
    lines += [f"  open, other reasons: {rest}"] if rest else []
    outside = int(scores.filter(pl.col("decided"))["extrapolated"].is_not_null().sum())
    lines += [f"  extrapolated, outside the patients of the model: {outside}"] if outside else []
    worth = card.performance
    lines.append(
        f"C statistic: {worth.c_corrected:.2f} corrected for optimism ({worth.c_apparent:.2f} apparent);"
        f" made from {card.population.patients} patients, {card.population.events} with the event"
    )
    lines += [f"Note: {remark}" for remark in card.remarks]
    return [*lines, *(["Synthetic data: no patient stands behind this model."] if card.synthetic else [])]
