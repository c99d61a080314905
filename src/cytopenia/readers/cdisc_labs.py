"""Laboratory rows of SDTM LB and ADaM ADLB under our names: one value, one unit, its own limits of normal."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import polars as pl

from cytopenia.contract import Finding, note_rows
from cytopenia.contract.near_names import NEUTROPHIL_SHARE, is_listed_unit, resolve_measure
from cytopenia.units import convert_units, load_analytes

__all__ = ["CdiscWords", "read_analysis_labs", "read_cdisc_words", "read_collected_labs"]

_SIGNS = "<>=≤≥ "
# Two results are different numbers when they are this far apart, in ratio and in canonical units.
_FAR_RATIO, _FAR_DISTANCE = 1.5, 0.1
_BOUND = r"^\s*[<>≤≥]"
_UNIT_OF_PARAM = r"[\(\[]([^\(\)\[\]]+)[\)\]]\s*$"


@dataclass(frozen=True)
class CdiscWords:
    """The reviewed words of `data/cdisc.toml`: codes of tests, specimens, and parts of names of support."""

    tests: Mapping[str, str]
    specimens: Sequence[str]
    other_categories: Sequence[str]
    support_hints: Sequence[str]


@lru_cache(maxsize=1)
def read_cdisc_words() -> CdiscWords:
    """Return the reviewed words.

    Examples
    --------
    >>> read_cdisc_words().tests["NEUT"]
    'anc'
    """
    text = files("cytopenia").joinpath("data", "cdisc.toml").read_text("utf-8")
    words = tomllib.loads(text)
    return CdiscWords(
        tests=words["tests"],
        specimens=words["specimens"]["ours"],
        other_categories=words["specimens"]["other_categories"],
        support_hints=words["support_hints"]["words"],
    )


@dataclass(frozen=True)
class _Pair:
    """A value with its unit and limits, as columns of one source row."""

    value: pl.Expr
    unit: pl.Expr
    lln: pl.Expr
    uln: pl.Expr


def read_collected_labs(
    frame: pl.DataFrame, mapped: Mapping[str, str], units: Sequence[str]
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows of LB with `analyte`, `value`, `unit`, `lln` and `uln`, and findings.

    The original result is taken where it is a number in a unit that is listed for the analyte: the standard
    one was converted and rounded (8.0 g/dL is 4.96 mmol/L, and back 79.9 g/L). Else the standard result. Each
    keeps its own limits, and a result with a sign ("<0.1") is never replaced by its number.

    Parameters
    ----------
    frame
        `source_row` and the columns of LB.
    mapped
        Codes that the study maps itself, and to what; they stay as they are.
    units
        Texts of units that the study maps itself.
    """
    table, findings = _drop_specimens(_add_analytes(frame, "LBTESTCD", mapped))
    standard = _Pair(
        _choose_value(table, "LBSTRESN", "LBSTRESC"),
        _text(table, "LBSTRESU"),
        _text(table, "LBSTNRLO"),
        _text(table, "LBSTNRHI"),
    )
    original = _Pair(
        _text(table, "LBORRES"),
        _text(table, "LBORRESU"),
        _text(table, "LBORNRLO"),
        _text(table, "LBORNRHI"),
    )
    table = table.with_columns(_standard=standard.unit, _original=original.unit)
    listed, standard_listed = (
        _is_listed(table, name, mapped, units=units) for name in ("_original", "_standard")
    )
    printed = original.value.str.strip_chars(_SIGNS).cast(pl.Float64, strict=False).is_not_null()
    table = table.with_columns(_use=(listed & printed) | standard.value.is_null())
    converted = table.filter(~pl.col("_use") & standard_listed & original.value.is_not_null())
    findings += note_rows(
        "labs.unit",
        "standard_result_used",
        "the original result or its unit cannot be read",
        rows=converted["source_row"],
        total=frame.height,
    )
    findings += _compare_results(table, standard, original, total=frame.height)
    return table.with_columns(
        **{
            name: pl.when("_use").then(getattr(original, name)).otherwise(getattr(standard, name))
            for name in ("value", "unit", "lln", "uln")
        }
    ), findings


def _compare_results(table: pl.DataFrame, standard: _Pair, original: _Pair, *, total: int) -> list[Finding]:
    """Rows whose two results are different numbers, by far more than rounding explains."""
    both = [
        convert_units(
            table.select(
                pl.when(pl.col("analyte").is_in([*load_analytes()])).then("analyte"),
                pair.value.cast(pl.Float64, strict=False).alias("value"),
                pair.unit.alias("unit"),
            ),
            columns=("value",),
        )
        for pair in (standard, original)
    ]
    first, second = (frame["value"] for frame in both)
    low, high = first.abs(), second.abs()
    low, high = low.zip_with(low <= high, high), high.zip_with(low <= high, low)
    far = (high > low * _FAR_RATIO) & (high - low > _FAR_DISTANCE) & (both[0]["unit"] == both[1]["unit"])
    return note_rows(
        "labs.value",
        "results_disagree",
        "the standard and the original result are different numbers",
        rows=table["source_row"].filter(far.fill_null(value=False)),
        total=total,
    )


def read_analysis_labs(frame: pl.DataFrame, mapped: Mapping[str, str]) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows of ADLB with `analyte`, `value`, `unit`, `lln` and `uln`, and findings.

    Derived rows (DTYPE) are left out. The unit is AVALU, else what stands in brackets at the end of PARAM.
    The limits are ANRLO and ANRHI, else A1LO and A1HI.

    Parameters
    ----------
    frame
        `source_row` and the columns of ADLB.
    mapped
        Codes that the study maps itself, and to what; they stay as they are.
    """
    findings = list[Finding]()
    if "DTYPE" in frame.columns:
        derived = frame["DTYPE"].is_not_null()
        findings += note_rows(
            "labs", "derived_rows", "DTYPE says that the value was derived, not measured",
            rows=frame["source_row"].filter(derived), total=frame.height,
        )  # fmt: skip
        frame = frame.filter(~derived)
    table = _add_analytes(frame, "PARAMCD", mapped)
    param = _text(table, "PARAM").str.extract(_UNIT_OF_PARAM, 1)
    return table.with_columns(
        value=_choose_value(table, "AVAL", "AVALC"),
        unit=pl.coalesce(_text(table, "AVALU"), param),
        lln=pl.coalesce(_text(table, "ANRLO"), _text(table, "A1LO")),
        uln=pl.coalesce(_text(table, "ANRHI"), _text(table, "A1HI")),
    ), findings


def _add_analytes(frame: pl.DataFrame, column: str, mapped: Mapping[str, str]) -> pl.DataFrame:
    tests = {code: ours for code, ours in read_cdisc_words().tests.items() if code not in mapped}
    code = pl.col(column).cast(pl.String).str.strip_chars()
    ours = code.str.to_uppercase().replace_strict(tests, default=None, return_dtype=pl.String)
    kept = pl.when(code.is_in([*mapped])).then(code).otherwise(pl.coalesce(ours, code))
    return frame.with_columns(analyte=kept)


def _drop_specimens(table: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Without our tests of another specimen: creatinine of urine is not creatinine of serum."""
    words = read_cdisc_words()
    specimen = _text(table, "LBSPEC").str.to_uppercase()
    category = _text(table, "LBCAT").str.to_uppercase()
    other = (~specimen.is_in(words.specimens)).fill_null(value=False) | category.is_in(
        words.other_categories
    ).fill_null(value=False)
    table = table.with_columns(_other=other & pl.col("analyte").is_in([*load_analytes(), NEUTROPHIL_SHARE]))
    findings = note_rows(
        "labs.analyte", "other_specimen", "LBSPEC or LBCAT names no blood, serum or plasma",
        rows=table["source_row"].filter(table["_other"]), total=table.height,
    )  # fmt: skip
    return table.filter(~pl.col("_other")).drop("_other"), findings


def _choose_value(table: pl.DataFrame, number: str, text: str) -> pl.Expr:
    words = _text(table, text)
    bound = words.str.contains(_BOUND).fill_null(value=False)
    return pl.when(bound).then(words).otherwise(pl.coalesce(_text(table, number), words))


def _text(table: pl.DataFrame, name: str) -> pl.Expr:
    """A column as text with blanks as null; one that is absent is all null."""
    if name not in table.columns:
        return pl.lit(None, dtype=pl.String)
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _is_listed(
    table: pl.DataFrame, column: str, mapped: Mapping[str, str], *, units: Sequence[str]
) -> pl.Expr:
    """Whether the unit of each row is one of its analyte, or one that the study maps."""
    pairs = table.select("analyte", column).unique().rows()
    listed = [
        f"{analyte}\n{unit}"
        for analyte, unit in pairs
        if unit is not None and (unit in units or _matches(mapped.get(analyte, analyte), unit))
    ]
    key = pl.concat_str(pl.col("analyte"), pl.lit("\n"), pl.col(column))
    return key.is_in(listed).fill_null(value=False)


def _matches(analyte: str | None, unit: str) -> bool:
    ours = resolve_measure(analyte) if analyte else None
    return ours is not None and is_listed_unit(ours, unit)
