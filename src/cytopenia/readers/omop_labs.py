"""Measurements of OMOP become a table of laboratory values: by concept, unit concept and operator concept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.contract.near_names import NEUTROPHIL_SHARE
from cytopenia.readers.codes import load_analyte_codes, read_ucum
from cytopenia.readers.fhir_values import TWO_UNITS
from cytopenia.readers.mapping_forms import IGNORE
from cytopenia.readers.omop_codes import COMPARATORS, load_omop_concepts, load_omop_units
from cytopenia.readers.omop_mapping import OmopMapping
from cytopenia.readers.omop_queries import Cdm
from cytopenia.units import match_unit, mentions_analyte

__all__ = ["Meanings", "find_meanings", "number_rows", "read_labs"]

_SHOWN = 10
_MOST_ROW = 2**32 - 1
_EQUAL = 4172703
_COLUMNS = ("patient_id", "date", "analyte", "value", "unit", "invalid", "lln", "uln", "source_row")
_SIGNED = r"^\s*(?:<=|>=|<|>|≤|≥)"


@dataclass(frozen=True)
class Meanings:
    """What measurement concepts mean: the analyte of each that is used, and the code of each kept apart."""

    analytes: Mapping[int, str]
    apart: Mapping[int, str]
    units: Mapping[int, str]
    ignored: frozenset[int]
    findings: tuple[Finding, ...]


def find_meanings(cdm: Cdm, mapping: OmopMapping) -> Meanings:
    """Return what concepts mean: the mapping first, then LOINC codes of the vocabulary and reviewed ids."""
    codes, units, findings = dict(load_omop_concepts()), _reviewed_units(), list[Finding]()
    if cdm.has_concepts:
        known = cdm.fetch_codes(load_analyte_codes(), [*codes, *units])
        findings += _check_reviewed(known, codes, units)
        loinc = known.filter(pl.col("vocabulary") == "LOINC")
        codes |= {
            concept: code
            for concept, code in loinc.select("concept_id", "code").iter_rows()
            if code in load_analyte_codes() and concept not in codes
        }
    else:
        what = f"there is no table concept; the {len(codes):,} reviewed measurement concepts were used"
        findings.append(note("labs", "vocabulary_missing", what))
    own = {int(key): word for key, word in mapping.concepts.items()}
    listed = {concept: load_analyte_codes()[code] for concept, code in codes.items() if concept not in own}
    analytes = {
        concept: row.analyte if row.use == "yes" else NEUTROPHIL_SHARE
        for concept, row in listed.items()
        if row.use in {"yes", "percent"}
    }
    analytes |= {concept: word for concept, word in own.items() if word != IGNORE}
    apart = {concept: row.loinc for concept, row in listed.items() if row.use == "apart"}
    ignored = frozenset(concept for concept, word in own.items() if word == IGNORE)
    return Meanings(analytes, apart, units, ignored, tuple(findings))


def _reviewed_units() -> dict[int, str]:
    return {concept: row.unit for concept, row in load_omop_units().items()}


def _check_reviewed(known: pl.DataFrame, codes: dict[int, str], units: dict[int, str]) -> list[Finding]:
    """Leave out reviewed ids of which the vocabulary says otherwise, and name them."""
    ucum = {concept: row.ucum for concept, row in load_omop_units().items()}
    expected = {**{key: ("LOINC", code) for key, code in codes.items()}}
    expected |= {key: ("UCUM", code) for key, code in ucum.items()}
    findings: list[Finding] = []
    for concept, code, vocabulary in known.select("concept_id", "code", "vocabulary").iter_rows():
        if concept in expected and expected[concept] != (vocabulary, code):
            words = " ".join(expected[concept])
            what = (
                f"concept {concept} is {vocabulary} {code} in the vocabulary, {words} in the reviewed table"
            )
            findings.append(note("labs", "concept_disagrees", what))
            codes.pop(concept, None)
            units.pop(concept, None)
    return findings


def number_rows(keys: pl.Series) -> pl.Series:
    """The ids of a table where they fit into a row number, else the positions in their order, from 2."""
    if keys.is_empty() or keys.is_between(1, _MOST_ROW).all():
        return keys.cast(pl.UInt32).alias("source_row")
    return pl.int_range(2, keys.len() + 2, dtype=pl.UInt32, eager=True).alias("source_row")


def read_labs(cdm: Cdm, mapping: OmopMapping, meanings: Meanings) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the laboratory values as a file of our names would give them, and what was found."""
    named = [value for value, word in mapping.source_values.items() if word != IGNORE]
    rows = cdm.fetch_labs(meanings.analytes, named)
    rows = rows.with_columns(number_rows(rows["measurement_id"]))
    total, findings = rows.height, list[Finding]()
    own = pl.col("measurement_source_value").replace_strict(
        {value: mapping.source_values[value] for value in named}, default=None, return_dtype=pl.String
    )
    by_concept = pl.col("measurement_concept_id").replace_strict(
        dict(meanings.analytes), default=None, return_dtype=pl.String
    )
    rows = rows.with_columns(analyte=pl.coalesce(by_concept, own))
    rows = _add_units(cdm, _choose_texts(rows), mapping, meanings.units)
    rows = _add_values(_add_days(rows))
    findings += _name_rows(rows, total)
    labs = rows.select(_person(), *(name for name in _COLUMNS if name != "patient_id")).select(_COLUMNS)
    findings += [*_name_units(rows), *_name_unused(rows, mapping)]
    return labs, [*findings, *_name_others(cdm, mapping, meanings)]


def _person() -> pl.Expr:
    return pl.col("person_id").cast(pl.String).alias("patient_id")


def _add_days(rows: pl.DataFrame) -> pl.DataFrame:
    """The printed day, with the time where there is one; midnight says that the time is not known."""
    moment = pl.col("moment")
    same = (moment.dt.date() == pl.col("date")) & (moment.dt.time() != pl.time(0, 0, 0))
    day = pl.col("date").dt.to_string("%Y-%m-%d")
    return rows.with_columns(
        date=pl.when(same).then(day + pl.lit("T") + moment.dt.to_string("%H:%M:%S")).otherwise(day),
        day_apart=(moment.dt.date() != pl.col("date")).fill_null(value=False),
    )


def _choose_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """The text of the source, and whether it is the value: without a number, or with a sign of its own."""
    operator, text = pl.col("operator_concept_id"), pl.col("value_source_value").str.strip_chars()
    unsigned = operator.is_null() | operator.is_in([0, _EQUAL])
    text = pl.when(text != "").then(text)
    signed = unsigned & text.str.contains(_SIGNED).fill_null(value=False)
    return rows.with_columns(
        text=text,
        unsigned=unsigned,
        from_text=text.is_not_null() & (pl.col("value_as_number").is_null() | signed),
    )


def _add_values(rows: pl.DataFrame) -> pl.DataFrame:
    """The value as text with its sign, and why it must not be judged."""
    operator, number, text = (pl.col(name) for name in ("operator_concept_id", "value_as_number", "text"))
    sign = operator.replace_strict(dict(COMPARATORS), default="", return_dtype=pl.String).fill_null("")
    odd = ~pl.col("unsigned") & ~operator.is_in(list(COMPARATORS))
    only_concept = number.is_null() & text.is_null() & (pl.col("value_as_concept_id").fill_null(0) != 0)
    return rows.with_columns(
        value=pl.when("from_text").then(text).otherwise(sign + number.cast(pl.String)),
        invalid=pl.coalesce(
            pl.when(odd).then(pl.lit("operator concept ") + operator.cast(pl.String)),
            pl.when(only_concept).then(pl.lit("the value is a concept, no number")),
            pl.when(pl.col("unit_apart")).then(pl.lit(TWO_UNITS)),
        ),
        lln=pl.col("range_low").cast(pl.String),
        uln=pl.col("range_high").cast(pl.String),
    )


def _add_units(
    cdm: Cdm, rows: pl.DataFrame, mapping: OmopMapping, reviewed: Mapping[int, str]
) -> pl.DataFrame:
    """The unit of the concept, else of the source's text; both are compared unless the mapping chooses."""
    concepts = rows["unit_concept_id"].drop_nulls().unique().sort()
    unknown = [concept for concept in concepts if concept and concept not in reviewed]
    units = {**reviewed, **_look_up_units(cdm, unknown)}
    coded = pl.col("unit_concept_id").replace_strict(units, default=None, return_dtype=pl.String)
    text = pl.col("unit_source_value").str.strip_chars()
    text = pl.when(text != "").then(text)
    concept_only = pl.when(pl.col("unit_concept_id") != 0).then(
        pl.lit("concept ") + pl.col("unit_concept_id").cast(pl.String)
    )
    first, second = (text, coded) if mapping.units_from == "text" else (coded, text)
    rows = rows.with_columns(
        unit=pl.coalesce(first, second, concept_only),
        unit_coded=coded,
        unit_text=text,
        as_text=coded.is_null() & text.is_not_null(),
    )
    apart = pl.DataFrame(schema=dict.fromkeys(("analyte", "unit_coded", "unit_text"), pl.String))
    if mapping.units_from != "text":
        pairs = rows.select("analyte", "unit_coded", "unit_text").unique().drop_nulls()
        differ = [_differ(*pair) for pair in pairs.iter_rows()]
        apart = pairs.filter(pl.Series(differ, dtype=pl.Boolean))
    marked = apart.with_columns(unit_apart=pl.lit(value=True))
    # Numbers were converted into the unit of the concept while loading; a text of the source never was.
    concerned = pl.col("from_text") if mapping.units_from == "concept" else pl.lit(value=True)
    return rows.join(marked, on=apart.columns, how="left", maintain_order="left").with_columns(
        unit_apart=pl.col("unit_apart").fill_null(value=False) & concerned
    )


def _look_up_units(cdm: Cdm, concepts: Collection[int]) -> dict[int, str]:
    """UCUM codes of the vocabulary for unit concepts that the reviewed table lacks."""
    if not concepts or not cdm.has_concepts:
        return {}
    found = cdm.fetch_codes([], concepts).filter(pl.col("vocabulary") == "UCUM")
    return {
        concept: read_ucum(code).replace(".", "").replace("[U]", "U")
        for concept, code in found.select("concept_id", "code").iter_rows()
    }


def _differ(analyte: str, coded: str, text: str) -> bool:
    """True where concept and text are both listed units, of different size."""
    if analyte == NEUTROPHIL_SHARE:
        return False
    first, second = match_unit(analyte, coded), match_unit(analyte, text)
    if first is None or second is None:
        return False
    return (first.multiply / first.divide, first.offset) != (second.multiply / second.divide, second.offset)


def _name_rows(rows: pl.DataFrame, total: int) -> list[Finding]:
    said = {
        "value_from_text": ("the value was read from value_source_value", "from_text"),
        "unit_as_text": ("the unit has no concept", "as_text"),
        "two_units": ("the unit concept and the text of the unit differ", "unit_apart"),
        "day_of_time_apart": ("measurement_date and the day of measurement_datetime differ", "day_apart"),
    }
    return [
        finding
        for rule, (what, column) in said.items()
        for finding in note_rows(
            "labs", rule, what, rows=rows.filter(pl.col(column))["source_row"], total=total
        )
    ]


def _name_units(rows: pl.DataFrame) -> list[Finding]:
    """Analytes that come in units of different size."""
    findings: list[Finding] = []
    listed = (
        rows.filter(pl.col("analyte") != NEUTROPHIL_SHARE)
        .group_by("analyte", "unit")
        .len()
        .sort("analyte", "unit")
    )
    for (analyte,), part in listed.group_by("analyte", maintain_order=True):
        found = {text: unit for text in part["unit"] if (unit := match_unit(str(analyte), text)) is not None}
        if len({(unit.multiply / unit.divide, unit.offset) for unit in found.values()}) > 1:
            what = f"{analyte} is given in {', '.join(found)}"
            findings.append(note("labs", "several_units", what, rows=int(part["len"].sum())))
    return findings


def _name_unused(rows: pl.DataFrame, mapping: OmopMapping) -> list[Finding]:
    concepts, texts = set(rows["measurement_concept_id"]), set(rows["measurement_source_value"])
    absent = [
        ("concepts", key)
        for key, word in mapping.concepts.items()
        if word != IGNORE and int(key) not in concepts
    ]
    absent += [
        ("source_values", key)
        for key, word in mapping.source_values.items()
        if word != IGNORE and key not in texts
    ]
    return [
        note("labs", "mapping_unused", f"{where} maps '{key}', which never occurs") for where, key in absent
    ]


def _name_others(cdm: Cdm, mapping: OmopMapping, meanings: Meanings) -> list[Finding]:
    """What was not read: concepts kept apart, and whatever looks like a blood count."""
    skipped = {value for value, word in mapping.source_values.items() if word == IGNORE}
    others = cdm.count_others([*meanings.analytes, *meanings.ignored], [*mapping.source_values])
    findings: list[Finding] = []
    apart = others.filter(pl.col("concept_id").is_in(list(meanings.apart)))
    for concept, number in (
        apart.group_by("concept_id").agg(pl.col("number").sum()).sort("concept_id").iter_rows()
    ):
        row = load_analyte_codes()[meanings.apart[concept]]
        what = f"concept {concept} (LOINC {row.loinc}) is {row.nearness} ({_count(number)})"
        findings.append(note("labs", "code_apart", what, rows=number))
    rest = others.filter(~pl.col("concept_id").is_in(list(meanings.apart)))
    names = _find_names(cdm, rest)
    near = [
        (concept, text, names.get(concept, ""), number)
        for concept, text, number in rest.iter_rows()
        if text not in skipped and (mentions_analyte(names.get(concept, "")) or mentions_analyte(text or ""))
    ]
    near.sort(key=lambda item: -item[3])
    for concept, text, name, number in near[:_SHOWN]:
        shown = f"concept {concept}" + (f" ({name})" if name else "") if concept else f"source value '{text}'"
        what = f"{shown} looks like a blood count ({_count(number)})"
        findings.append(note("labs", "concept_unlisted", what, rows=number))
    if more := near[_SHOWN:]:
        number = sum(item[3] for item in more)
        what = f"{len(more):,} more look like blood counts ({_count(number)})"
        findings.append(note("labs", "concept_unlisted", what, rows=number))
    left = int(rest["number"].sum()) - sum(item[3] for item in near)
    if left:
        what = f"{_count(left)} of other concepts were left out"
        findings.append(note("labs", "code_left_out", what, rows=left))
    return findings


def _find_names(cdm: Cdm, rest: pl.DataFrame) -> dict[int, str]:
    concepts = sorted(set(rest["concept_id"]) - {0})
    if not concepts or not cdm.has_concepts:
        return {}
    return dict(cdm.fetch_codes([], concepts).select("concept_id", pl.col("name").fill_null("")).iter_rows())


def _count(number: int) -> str:
    return f"{number:,} {'value' if number == 1 else 'values'}"
