"""One measurement in two systems; which rows are one is worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.contract import prepare_labs
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables

COLUMNS = ("patient_id", "day", "minute", "analyte", "value", "unit", "system")


def labs_of(*rows: tuple[Any, ...], columns: tuple[str, ...] = COLUMNS) -> pl.DataFrame:
    return pl.DataFrame(
        [dict(zip(columns, row, strict=True)) for row in rows], infer_schema_length=None
    ).with_columns(source_row=pl.int_range(2, len(rows) + 2, dtype=pl.UInt32))


def keep(*rows: tuple[Any, ...]) -> tuple[list[int], pl.DataFrame]:
    """The rows that are left, and the findings."""
    labs, findings = prepare_labs(labs_of(*rows))
    return labs["source_row"].to_list(), findings


def said(findings: pl.DataFrame, rule: str) -> str:
    return " ".join(findings.filter(pl.col("rule") == rule)["message"])


def two(first: tuple[str, str], second: tuple[str, str], analyte: str = "Hb", **minutes: int | None) -> Any:
    """A value of the laboratory and one of intensive care, both at 8:00 unless said otherwise."""
    lis, icu = minutes.get("lis", 480), minutes.get("icu", 480)
    return keep(("1", 3, lis, analyte, *first, "lis"), ("1", 3, icu, analyte, *second, "icu"))


@pytest.mark.parametrize(
    ("analyte", "lis", "icu", "left"),
    [
        ("Hb", ("10.1", "g/dL"), ("101", "g/L"), [3]),  # equally fine: the first name stays
        ("Hb", ("101", "g/L"), ("10.12", "g/dL"), [3]),
        ("Hb", ("8.0", "g/dL"), ("4.96", "mmol/L"), [3]),  # 79.93 g/L, to one g/L: 80
        ("WBC", ("4.53", "K/uL"), ("4.5", "K/uL"), [2]),
        ("WBC", ("4.5", "K/uL"), ("4.53", "K/uL"), [3]),
        ("WBC", ("4.55", "K/uL"), ("4.5", "K/uL"), [2]),  # a half may have been rounded either way
        ("WBC", ("4530", "/uL"), ("4.5", "K/uL"), [2]),
        ("ANC", ("0.504", "K/uL"), ("0.5", "K/uL"), [2]),
        ("PLT", ("23000", "/uL"), ("23", "K/uL"), [2]),
        ("WBC", ("<0.1", "K/uL"), ("<100", "/uL"), [3]),
        ("WBC", ("4,53", "K/uL"), ("4,5", "K/uL"), [2]),
    ],
)
def test_equal_within_the_printed_digits(
    analyte: str, lis: tuple[str, str], icu: tuple[str, str], left: list[int]
) -> None:
    kept, findings = two(lis, icu, analyte)
    assert kept == left
    assert "in another system (icu, lis)" in said(findings, "duplicate_between_systems")
    assert findings.filter(pl.col("rule") == "duplicate_between_systems")["rows"].to_list() == [1]
    assert "systems_disagree" not in findings["rule"].to_list()


@pytest.mark.parametrize(
    ("analyte", "lis", "icu"),
    [
        ("WBC", ("4.56", "K/uL"), ("4.5", "K/uL")),
        ("WBC", ("4.44", "K/uL"), ("4.5", "K/uL")),
        ("WBC", ("4.53", "K/uL"), ("4.50", "K/uL")),
        ("Hb", ("10.1", "g/dL"), ("102", "g/L")),
        ("ANC", ("0.4", "K/uL"), ("0.5", "K/uL")),
    ],
)
def test_different_values_of_one_moment_both_stand(
    analyte: str, lis: tuple[str, str], icu: tuple[str, str]
) -> None:
    kept, findings = two(lis, icu, analyte)
    assert kept == [2, 3]
    assert "duplicate_between_systems" not in findings["rule"].to_list()
    assert "different values of one moment in 2 of 2 rows (rows 2, 3)" in said(findings, "systems_disagree")


def test_a_system_prints_as_finely_as_its_finest_number() -> None:
    """4.5 of a system that also prints 4.21 is 4.50, and not 4.53."""
    other = ("1", 9, 480, "WBC", "4.21", "K/uL", "icu")
    rows = (("1", 3, 480, "WBC", "4.53", "K/uL", "lis"), ("1", 3, 480, "WBC", "4.5", "K/uL", "icu"))
    assert keep(*rows)[0] == [2]
    assert keep(*rows, other)[0] == [2, 3, 4]


def test_native_numbers() -> None:
    rows = [("1", 3, 480, "WBC", 4.53, "K/uL", "lis"), ("1", 3, 480, "WBC", 4.5, "K/uL", "icu")]
    assert keep(*rows)[0] == [2]


@pytest.mark.parametrize(
    ("minutes", "left"),
    [
        ({"lis": 480, "icu": 481}, [2, 3]),
        ({"lis": None, "icu": 480}, [3]),
        ({"lis": 480, "icu": None}, [2]),
        ({"lis": None, "icu": None}, [3]),
    ],
)
def test_moments(minutes: dict[str, int | None], left: list[int]) -> None:
    assert two(("4.5", "K/uL"), ("4.5", "K/uL"), "WBC", **minutes)[0] == left


def test_the_row_that_stays_takes_the_time_and_the_limits_of_the_other() -> None:
    columns = (*COLUMNS, "lln")
    labs, _ = prepare_labs(
        labs_of(
            ("1", 3, 480, "Hb", "10.1", "g/dL", "lis", "12"),
            ("1", 3, None, "Hb", "10.12", "g/dL", "icu", None),
            columns=columns,
        )
    )
    assert labs.select("source_row", "minute", "value", "lln").rows() == [(3, 480, 101.2, 120.0)]


def test_no_row_is_left_out_where_several_could_be_meant() -> None:
    day = ("1", 3, None, "WBC", "4.5", "K/uL", "lis")
    early, late = (("1", 3, minute, "WBC", "4.53", "K/uL", "icu") for minute in (480, 1200))
    assert keep(day, early, late)[0] == [2, 3, 4]
    assert keep(day, early, (*late[:4], "5.1", *late[5:]))[0] == [3, 4]


def test_what_only_looks_alike_stays() -> None:
    first = ("1", 3, 480, "WBC", "4.5", "K/uL", "lis")
    for other in (
        ("2", *first[1:6], "icu"),
        ("1", 4, *first[2:6], "icu"),
        (*first[:3], "PLT", "4.5", "K/uL", "icu"),
        (*first[:4], "<4.5", "K/uL", "icu"),
        (*first[:4], "clotted", "K/uL", "icu"),
        (*first[:4], "4.53", "K/uL", ""),
        ("1", 3, 490, *first[3:]),
    ):
        assert keep(first, other)[0] == [2, 3]


def test_three_systems() -> None:
    rows = [
        ("1", 3, 480, "WBC", value, "K/uL", system)
        for value, system in (("4.5", "a"), ("4.53", "b"), ("5", "c"))
    ]
    assert keep(*rows)[0] == [3]
    assert keep(*rows[:2], ("1", 3, 480, "WBC", "4.530", "K/uL", "c"))[0] == [4]
    kept, findings = keep(*rows[:2], ("1", 3, 480, "WBC", "6", "K/uL", "c"))
    assert kept == [3, 4]
    assert "in 3 of 3 rows (rows 2, 3, 4)" in said(findings, "systems_disagree")


def test_without_systems_nothing_is_compared() -> None:
    rows = labs_of(
        ("1", 3, 480, "WBC", "4.53", "K/uL", "lis"), ("1", 3, 480, "WBC", "4.5", "K/uL", "icu")
    ).drop("system")
    assert prepare_labs(rows)[0].height == 2


def test_white_cells_of_two_systems_are_one_number_for_the_neutrophils() -> None:
    labs, findings = prepare_labs(
        labs_of(
            ("1", 3, 480, "WBC", "2.5", "K/uL", "icu"),
            ("1", 3, 480, "WBC", "2.53", "K/uL", "lis"),
            ("1", 3, 480, "NEUT%", "10", "%", "lis"),
        )
    )
    assert labs.filter(pl.col("analyte") == "anc")["value"].to_list() == [0.253]
    assert "anc_not_computed" not in findings["rule"].to_list()


def test_a_table_with_a_column_of_systems(tmp_path: Path) -> None:
    (tmp_path / "labs.csv").write_text(
        "patient_id,date,analyte,value,unit,source\n"
        "1,2024-01-12 08:00,Hb,10.1,g/dL,LIS\n1,2024-01-12 08:00,Hb,101,g/L,PDMS\n"
        "1,2024-01-13 08:00,Hb,9.4,g/dL,LIS\n1,2024-01-13 08:00,Hb,101,g/L,PDMS\n",
        "utf-8",
    )
    mapping = {"day_zero": "first", "labs": {"columns": {"system": "source"}}}
    tables = read_tables(tmp_path, DataSection.model_validate(mapping))
    assert tables.labs.select("day", "value", "source_row").rows() == [
        (0, 101.0, 2),
        (1, 94.0, 4),
        (1, 101.0, 5),
    ]
    account = tables.lab_account.select("printed", "state", "rows", "repeats").rows()
    assert account == [("g/dL", "judged", 2, 0), ("g/L", "judged", 2, 1)]
    assert "(row 3)" in said(tables.findings, "duplicate_between_systems")
    assert "rows 4, 5" in said(tables.findings, "systems_disagree")
