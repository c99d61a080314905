"""Patients, infusions, support, events and responses as given become the tables of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.contract.columns import add_basics, match_words, read_factor, read_number, read_text
from cytopenia.contract.days import Moments, place_days, read_moments
from cytopenia.contract.findings import Finding, note, note_rows
from cytopenia.contract.schemas import TABLES, TextFormat, empty_table
from cytopenia.contract.texts import Wording, note_texts
from cytopenia.errors import suggest_name
from cytopenia.units import fold_name

__all__ = ["DayZero", "find_zeros", "prepare_patients", "prepare_support", "prepare_timed", "split_infusions"]

_INFUSION_TEXTS = ("product", "target", "costimulation")
_INFUSION_COLUMNS = (*TABLES["infusions"].inputs,)


@dataclass(frozen=True)
class DayZero:
    """Day 0 of every patient (`patient_id`, `zero_date`, `zero_day`), and the infusions it came from."""

    zeros: pl.DataFrame | None
    infusions: pl.DataFrame
    findings: list[Finding]


def split_infusions(raw: Mapping[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Return the raw tables with an infusions table taken out of the patients table, if it stands there."""
    tables = dict(raw)
    if "infusions" in raw or "patients" not in raw or "infusion_date" not in raw["patients"].columns:
        return tables, []
    patients = raw["patients"]
    moved = [
        name for name in patients.columns if name in _INFUSION_COLUMNS and name not in {"patient_id", "day"}
    ]
    keep = [name for name in ("patient_id", "source_row") if name in patients.columns]
    tables["infusions"] = patients.select(*keep, *moved)
    tables["patients"] = patients.drop(moved)
    return tables, [
        note("infusions", "infusions_from_patients", f"{', '.join(moved)} were taken from the patients table")
    ]


def find_zeros(
    raw: Mapping[str, pl.DataFrame], formats: Mapping[str, TextFormat], *, day_zero: str
) -> DayZero:
    """Return day 0 of every patient: the first infusion, or with "first" the first laboratory day."""
    if "infusions" in raw:
        return _zeros_from_infusions(raw["infusions"], formats.get("infusions", TextFormat()))
    labs, findings = add_basics(raw["labs"], "labs")
    moments, _ = read_moments(labs, "labs", day="day", date="date", text=formats.get("labs", TextFormat()))
    frame = pl.DataFrame([labs["patient_id"], moments.day, moments.date])
    everyone = [
        labs["patient_id"],
        *(add_basics(raw[name], name)[0]["patient_id"] for name in ("patients",) if name in raw),
    ]
    ids = pl.concat(everyone).unique(maintain_order=True).to_frame().filter(pl.col("patient_id") != "")
    infusions = _align(ids.with_columns(day=pl.lit(0, dtype=pl.Int32)), "infusions")
    if day_zero == "first":
        zeros = frame.group_by("patient_id", maintain_order=True).agg(
            zero_date=pl.col("date").min(), zero_day=pl.col("day").min().fill_null(0)
        )
        return DayZero(zeros, infusions, [note("labs", "day_zero_first", "no infusions table is used")])
    findings = []
    if moments.date.null_count() < labs.height:
        rows = labs["source_row"].filter(moments.date.is_not_null())
        findings = note_rows(
            "labs",
            "no_infusion_date",
            "dates cannot be placed without an infusion",
            rows=rows,
            total=labs.height,
        )
    elif labs.height:
        findings = [
            note("infusions", "day_zero_given", "no table was given; day 0 is taken as the labs count it")
        ]
    return DayZero(None, infusions, findings)


def prepare_patients(
    raw: Mapping[str, pl.DataFrame], infusions: pl.DataFrame
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the patients, or the patients of the other tables where no table was given.

    A further column is a number where every filled cell is one, else text.
    """
    if "patients" not in raw:
        count = infusions["patient_id"].n_unique()
        people = "1 patient was" if count == 1 else f"{count:,} patients were"
        what = f"no table was given; {people} taken from the other tables"
        return infusions.select("patient_id").unique(maintain_order=True), [
            note("patients", "patients_from_labs", what)
        ]
    table, findings = add_basics(raw["patients"], "patients")
    table = table.filter(pl.col("patient_id") != "")
    others = [name for name in table.columns if name not in {"patient_id", "source_row"}]
    return table.select("patient_id", *(read_factor(table[name]) for name in others)), findings


def prepare_support(
    raw: pl.DataFrame, text: TextFormat, *, zeros: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the courses of support with days and kinds of the contract."""
    table, findings = add_basics(raw, "support")
    days: dict[str, pl.Series] = {}
    for name in ("start", "stop"):
        moments, found = read_moments(table, "support", day=name, date=f"{name}_date", text=text)
        days[name], placed = place_days(table, moments, zeros=zeros, name="support")
        findings += [*found, *placed]
    kinds, found = _read_words(table, "support", "kind")
    table = table.with_columns(
        days["start"].alias("start"), days["stop"].alias("stop"), kinds, read_text(table, "agent")
    )
    unplaced = table.filter(pl.col("start").is_null())["source_row"]
    findings += [
        *found,
        *note_rows("support", "start_missing", "the start cannot be told", rows=unplaced, total=table.height),
    ]
    known = pl.col("start").is_not_null() & pl.col("kind").is_not_null() & (pl.col("patient_id") != "")
    return _align(table.filter(known), "support"), findings


def prepare_timed(
    name: str, raw: pl.DataFrame, text: TextFormat, *, zeros: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the events or responses with days and words of the contract."""
    word = "kind" if name == "events" else "response"
    table, findings = add_basics(raw, name)
    moments, found = read_moments(table, name, day="day", date="date", text=text)
    days, placed = place_days(table, moments, zeros=zeros, name=name)
    words, worded = _read_words(table, name, word)
    grade, odd = read_number(table, "grade")
    table = table.with_columns(days.alias("day"), words, grade, read_text(table, "scale"))
    findings += [*found, *placed, *worded]
    findings += note_rows(
        name,
        "grade_not_a_number",
        "the grade is not a number",
        rows=table["source_row"].filter(odd),
        total=table.height,
    )
    unplaced = table.filter(pl.col("day").is_null())["source_row"]
    findings += note_rows(name, "day_missing", "the day cannot be told", rows=unplaced, total=table.height)
    known = pl.col("day").is_not_null() & pl.col(word).is_not_null() & (pl.col("patient_id") != "")
    return _align(table.filter(known), name), findings


def _zeros_from_infusions(raw: pl.DataFrame, text: TextFormat) -> DayZero:
    table, findings = add_basics(raw, "infusions")
    moments, found = read_moments(table, "infusions", day="day", date="infusion_date", text=text)
    findings += found
    total = table.height
    table = table.with_columns(moments.day.alias("given"), moments.date.alias("infusion_date"))
    missing = table.filter(pl.col("given").is_null() & pl.col("infusion_date").is_null())["source_row"]
    findings += note_rows(
        "infusions", "infusion_date_missing", "the day of the infusion is missing", rows=missing, total=total
    )
    zeros = (
        table.filter(pl.col("patient_id") != "")
        .group_by("patient_id", maintain_order=True)
        .agg(
            zero_date=pl.col("infusion_date").min(),
            zero_day=pl.lit(0, dtype=pl.Int32),
            first_given=pl.col("given").min(),
        )
    )
    findings += _check_day_zero(zeros)
    day, found = place_days(
        table, Moments(table["given"], table["infusion_date"], moments.minute), zeros=zeros, name="infusions"
    )
    findings += found
    lymphodepletion, found = _lymphodepletion_days(table, text, zeros)
    dose, _ = read_number(table, "dose_1e6_per_kg")
    texts = [read_text(table, name) for name in _INFUSION_TEXTS if name in table.columns]
    doses = [dose] if "dose_1e6_per_kg" in table.columns else []
    built = table.select("patient_id", day.alias("day"), "infusion_date", lymphodepletion, *texts, *doses)
    built = built.filter(pl.col("day").is_not_null() & (pl.col("patient_id") != ""))
    kept = built.unique(subset=["patient_id", "day"], keep="first", maintain_order=True).sort(
        "patient_id", "day", maintain_order=True
    )
    findings += found
    if kept.height < built.height:
        repeats = built.height - kept.height
        what = f"{repeats:,} {'row repeats' if repeats == 1 else 'rows repeat'} a patient and day"
        findings.append(note("infusions", "duplicate_infusions", what, rows=repeats))
    return DayZero(zeros, kept, findings)


def _check_day_zero(zeros: pl.DataFrame) -> list[Finding]:
    """Patients whose first infusion is a day other than 0: labs in days may count from anywhere."""
    shifted = zeros.filter(pl.col("zero_date").is_null() & (pl.col("first_given") != 0)).height
    if not shifted:
        return []
    whose = "1 patient" if shifted == 1 else f"{shifted:,} patients"
    what = f"the first infusion of {whose} is on another day than 0"
    return [note("infusions", "first_infusion_not_day_0", what, rows=shifted)]


def _lymphodepletion_days(
    table: pl.DataFrame, text: TextFormat, zeros: pl.DataFrame
) -> tuple[pl.Series, list[Finding]]:
    names = {"day": "lymphodepletion_day", "date": "lymphodepletion_date"}
    moments, findings = read_moments(table, "infusions", **names, text=text)
    days, found = place_days(table, moments, zeros=zeros, name="infusions")
    return days.alias("lymphodepletion_day"), [*findings, *found]


def _read_words(table: pl.DataFrame, name: str, column: str) -> tuple[pl.Series, list[Finding]]:
    """Words of the closed list of a column; one finding per word that is not in it."""
    allowed: Sequence[str] = next(rule.allowed for rule in TABLES[name].columns if rule.name == column)
    given, words = read_text(table, column), match_words(read_text(table, column), allowed)
    rule = "unknown_response" if column == "response" else "unknown_kind"
    blank, unknown = given.is_null(), given.is_not_null() & words.is_null()
    wording = Wording(
        noun=column,
        verdict="is not known",
        verdict_many="are not known",
        allowed=", ".join(allowed),
        hint=lambda word: suggest_name(fold_name(word), allowed),
    )
    rows, total = table["source_row"], table.height
    findings = note_rows(
        name, rule, f"{column} is blank", rows=rows.filter(blank), total=total, allowed=wording.allowed
    )
    findings += note_texts(
        name, rule, given.filter(unknown), wording=wording, rows=rows.filter(unknown), total=total
    )
    return words.alias(column), findings


def _align(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The columns of the contract in order and type, absent ones null, then the optional ones given."""
    rule, empty = TABLES[name], empty_table(name)
    always = [
        pl.col(column).cast(dtype) if column in table.columns else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in empty.schema.items()
    ]
    optional = [column.name for column in rule.columns if not column.always and column.name in table.columns]
    return table.select(*always, *optional)
