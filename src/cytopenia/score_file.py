"""Score one patient from values on the command line, or every patient of a laboratory file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from cytopenia.contract import leave_out, merge_findings, require_tables
from cytopenia.contract.suspects import find_unusual_value, suspect_value
from cytopenia.definition_forms import Coefficients, ModelDefinition, PointsDefinition, ScoreDefinition
from cytopenia.definitions import load_library
from cytopenia.errors import (
    DataError,
    DefinitionError,
    MissingColumnError,
    ProtocolError,
    UnitError,
    join_problems,
    suggest_name,
)
from cytopenia.grading.risk_models import list_contributions, load_coefficients
from cytopenia.grading.score_cohorts import score_patients
from cytopenia.grading.score_frames import SCORE_VALUE_SCHEMA, Scores
from cytopenia.grading.score_tables import RiskOptions, score_values
from cytopenia.one_file import (
    FileOptions,
    build_section,
    require_day_before,
    require_paths,
    split_quantity,
    write_table,
)
from cytopenia.readers.sources import read_tables
from cytopenia.units import convert_value, list_units, load_analytes, resolve_analyte

__all__ = [
    "ModelRequest",
    "PatientScore",
    "ScoreFileRequest",
    "ScoreSummary",
    "list_effects",
    "score_file",
    "score_one",
    "score_quantities",
]

_PATIENT = "1"
_SHOWN_REASONS = 12
_SHOWN_UNITS = 6
_OF_OUTCOMES = ("end_of_observation_missing", "no_support_table")


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """What `cytopenia score` was told about a model; see there."""

    coefficients: Path | None = None
    allow_outside: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreFileRequest:
    """What `cytopenia score` was asked for a file; see there."""

    score: str
    files: FileOptions
    out: Path
    items: Path | None = None
    lymphodepletion_day: int | None = None
    model: ModelRequest = field(default_factory=ModelRequest)


@dataclass(frozen=True)
class PatientScore:
    """The score of one patient: one row of `scores`, the items, and what was doubtful, in sentences.

    `effects` is what each input of a model with coefficients adds to the log odds.
    """

    scores: Scores
    warnings: list[str]
    effects: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class ScoreSummary:
    """What was found and written."""

    findings: pl.DataFrame
    lines: list[str]


@dataclass(frozen=True)
class _Asking:
    """How values were asked for, as messages say it."""

    where: str
    example: str
    after: str


_OF_COMMAND = _Asking("--value: ", '--value "crp=4.2 mg/dL"', " after '='")
_OF_FORM = _Asking("", "4.2 mg/dL or <0.5 mg/dL", "")


@dataclass(frozen=True)
class _Value:
    analyte: str
    comparator: str
    number: float
    unit: str


def score_one(
    score: str, values: tuple[str, ...], *, model: ModelRequest | None = None, folder: Path | None = None
) -> PatientScore:
    """Return the score of one patient.

    Parameters
    ----------
    score : str
        Id of a definition of kind points, ratio or model.
    values : tuple of str
        "crp=4.2 mg/dL", "ferritin=>2000 ng/mL": every value with its unit.
    model : ModelRequest, optional
    folder : path, optional
        A folder whose `definitions/` are used as well.

    Raises
    ------
    DefinitionError
        The score is unknown, or a coefficient file does not fit.
    DataError, UnitError
        A value cannot be read, has no unit or an unlisted one, is implausible or is of no item; all of them
        are named.

    Examples
    --------
    >>> found = score_one("car_hematotox", ("platelets=60 G/L", "ferritin=2500 ng/mL"))
    >>> found.scores.scores.select("best", "worst", "group").row(0)
    (4.0, 7.0, 'high')
    """
    definition = load_library(folder).find_score(score)
    risk = _read_model(definition, model or ModelRequest(), need_all=True)
    given = _read_values(definition, [_split_option(option) for option in values], _OF_COMMAND)
    return _score_given(definition, given, risk)


def score_quantities(
    definition: ScoreDefinition, values: Sequence[tuple[str, str]], *, risk: RiskOptions | None = None
) -> PatientScore:
    """Return the score of one patient from pairs of analyte and text: ("crp", "<0.5 mg/dL").

    Raises
    ------
    DataError, UnitError
        As `score_one`.
    """
    given = _read_values(definition, list(values), _OF_FORM)
    return _score_given(definition, given, risk or RiskOptions())


def _score_given(definition: ScoreDefinition, given: Sequence[_Value], risk: RiskOptions) -> PatientScore:
    rows = [
        {
            "patient_id": _PATIENT,
            "analyte": value.analyte,
            "value": convert_value(value.number, value.unit, analyte=value.analyte),
            "comparator": value.comparator,
        }
        for value in given
    ]
    patients = pl.Series([_PATIENT])
    categories = pl.DataFrame({"patient_id": patients}).with_columns(
        pl.lit(level).alias(name) for name, level in (risk.categories or {}).items()
    )
    frame = pl.DataFrame(rows, schema=SCORE_VALUE_SCHEMA)
    scores, items = score_values(definition, frame, patients, risk=risk, categories=categories)
    warnings = [warning for value in given if (warning := _doubt(value))]
    found = Scores(definition, scores, items, pl.DataFrame())
    return PatientScore(found, warnings, list_effects(found, risk))


def list_effects(found: Scores, risk: RiskOptions) -> dict[str, float]:
    """Return what each input of a model adds to the log odds of the first patient, where it is scored."""
    definition, items = found.definition, found.items
    if not isinstance(definition, ModelDefinition) or risk.coefficients is None:
        return {}
    if found.scores["policy"][0] is None:
        return {}
    values = items["value"].head(len(definition.inputs)).to_numpy()[None, :]
    levels = {name: np.array([(risk.categories or {}).get(name, "")]) for name in definition.categories}
    added = list_contributions(definition, risk.coefficients, values=values, categories=levels)
    return {name: float(term[0]) for name, term in added.items()}


def _split_option(option: str) -> tuple[str, str]:
    name, equals, text = option.partition("=")
    return (name or " ", text) if equals else ("", option)


def _read_values(
    definition: ScoreDefinition, pairs: Sequence[tuple[str, str]], asking: _Asking
) -> list[_Value]:
    """Every value, or an error that names all that is wrong; no number is repeated in it."""
    values: list[_Value] = []
    problems: list[str] = []
    is_unit_wrong = False
    for name, text in pairs:
        try:
            values.append(_read_value(definition, name, text, asking))
        except (DataError, ProtocolError, UnitError) as cause:
            problems.append(str(cause))
            is_unit_wrong = is_unit_wrong or isinstance(cause, UnitError)
    counts = Counter(value.analyte for value in values)
    problems += [f"{name} is given twice; remove one" for name, count in counts.items() if count > 1]
    if problems:
        error = UnitError if is_unit_wrong else DataError
        raise error(join_problems(f"{asking.where}the values of '{definition.id}' cannot be used", problems))
    return values


def _read_value(definition: ScoreDefinition, name: str, text: str, asking: _Asking) -> _Value:
    if not name:
        raise DataError(f"a value has no '='; write {asking.example}")
    needed = [item.analyte for item in definition.inputs_needed]
    analyte = resolve_analyte(name)
    if analyte is None:
        hint = suggest_name(name.strip(), needed)
        raise DataError(f"unknown analyte '{name.strip()}'{hint}; the score needs {', '.join(needed)}")
    if analyte not in needed:
        raise DataError(f"{analyte} is no item of '{definition.id}'; it needs {', '.join(needed)}")
    sign, number, unit = split_quantity(text, where=analyte, example=asking.example, after=asking.after)
    if not unit:
        raise UnitError(
            f"{analyte} has no unit; write one of {', '.join(list_units(analyte)[:_SHOWN_UNITS])}"
        )
    row, canonical = load_analytes()[analyte], convert_value(number, unit, analyte=analyte)
    if not row.plausible_low <= canonical <= row.plausible_high:
        plausible = f"{row.plausible_low:g} to {row.plausible_high:g} {row.unit}"
        raise DataError(f"{analyte} lies outside the plausible {plausible}; check the value and its unit")
    return _Value(analyte, sign, number, unit)


def _doubt(value: _Value) -> str:
    """A sentence where a value is unusual, or typical in another unit only; else ""."""
    canonical = convert_value(value.number, value.unit, analyte=value.analyte)
    asked = (value.analyte, canonical, value.unit)
    told = [words for words in (find_unusual_value(*asked), suspect_value(*asked)) if words]
    return f"{'; '.join(told)}. Check the unit." if told else ""


def _read_model(definition: ScoreDefinition, request: ModelRequest, *, need_all: bool) -> RiskOptions:
    """Coefficients and categories; with `need_all` every category must be stated."""
    if not isinstance(definition, ModelDefinition):
        given = {
            "--coefficients": request.coefficients is not None,
            "--allow-outside": request.allow_outside,
            "--category": bool(request.categories),
        }
        unused = [name for name, is_given in given.items() if is_given]
        if unused:
            raise DefinitionError(f"{', '.join(unused)}: '{definition.id}' is no model; leave it out.")
        return RiskOptions()
    categories, problems = _read_categories(definition, request.categories)
    if need_all:
        missing = [name for name in definition.categories if name not in categories]
        problems += [
            f"{name} is not stated; write --category {name}={definition.categories[name][0]}"
            for name in missing
            if not problems
        ]
    if problems:
        raise DataError(join_problems("--category: cannot be used", problems))
    found: Coefficients | None = None
    if request.coefficients is not None:
        found = load_coefficients(request.coefficients, definition)
    return RiskOptions(coefficients=found, allow_outside=request.allow_outside, categories=categories)


def _read_categories(
    definition: ModelDefinition, options: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    problems: list[str] = []
    for option in options:
        name, _, level = (part.strip() for part in option.partition("="))
        levels = definition.categories.get(name)
        if levels is None:
            known = ", ".join(definition.categories)
            problems.append(
                f"unknown category '{name}'{suggest_name(name, definition.categories)}; allowed: {known}"
            )
        elif level not in levels:
            problems.append(f"{name} is '{level}'{suggest_name(level, levels)}; allowed: {', '.join(levels)}")
        else:
            found[name] = level
    return found, problems


def score_file(request: ScoreFileRequest) -> ScoreSummary:
    """Score every patient of a laboratory file and write the table.

    Raises
    ------
    CytopeniaError
        The score is unknown, a file cannot be read or written, an option is malformed, or the day of
        lymphodepletion is not known.
    """
    outputs = {"--out": request.out} | ({} if request.items is None else {"--items": request.items})
    require_paths(request.files, outputs)
    if request.items is not None and request.items.resolve() == request.out.resolve():
        raise ProtocolError("--out and --items name the same file; name two.")
    folder = request.files.labs.parent
    definition = load_library(folder).find_score(request.score)
    day = request.lymphodepletion_day
    require_day_before(day)
    risk = _read_model(definition, request.model, need_all=False)
    section = build_section(request.files)
    try:
        tables = require_tables(read_tables(request.files.labs, section))
    except MissingColumnError as cause:
        advice = "Write that line under [labs] into a file, say map.toml, and add --map map.toml."
        raise MissingColumnError(f"{cause}\n{advice}") from cause
    found = score_patients(tables, definition.id, lymphodepletion_day=day, risk=risk, folder=folder)
    written = [request.out]
    write_table(found.scores, request.out)
    if request.items is not None:
        write_table(found.items, request.items)
        written.append(request.items)
    findings = leave_out(merge_findings(tables.findings, found.findings), _list_unasked(definition))
    wrote = [f"Wrote {path}." for path in written]
    return ScoreSummary(findings, [*_summarize(found), *wrote])


def _list_unasked(definition: ScoreDefinition) -> list[str]:
    """Rules of findings that do not touch the score; values before the infusion are all that most ask for."""
    is_before = all(item.day is None or item.day < 0 for item in definition.inputs_needed)
    return [*_OF_OUTCOMES, *(["labs_before_infusion_only"] if is_before else [])]


def _summarize(found: Scores) -> list[str]:
    """How many patients have a score and which group, and why the others have none."""
    scores, definition = found.scores, found.definition
    n = scores.height
    head = f"{definition.title} of {n} {'patient' if n == 1 else 'patients'}"
    decided = int(scores["decided"].sum())
    lines = [f"{head}: {decided} scored, {n - decided} open"]
    if isinstance(definition, PointsDefinition) and definition.groups:
        words = [f"{group.name} {_count(scores, group.name)}" for group in definition.groups]
        lines = [f"{lines[0]}; risk group {', '.join(words)}, open {_count(scores, None)}"]
    reasons = scores.filter(~pl.col("decided"))["reason"].value_counts(name="n")
    ordered = reasons.sort(["n", "reason"], descending=[True, False])
    lines += [f"  open, {reason}: {count}" for reason, count in ordered.head(_SHOWN_REASONS).iter_rows()]
    rest = int(ordered.slice(_SHOWN_REASONS)["n"].sum())
    return [*lines, *([f"  open, other reasons: {rest}"] if rest else [])]


def _count(scores: pl.DataFrame, group: str | None) -> int:
    return scores.filter(pl.col("group").eq_missing(pl.lit(group, dtype=pl.String))).height
