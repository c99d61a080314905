"""ANC from white cells x percentage of neutrophils; every expected number is worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.contract import Tables, prepare_labs
from cytopenia.contract.near_names import load_near_names, match_near_name
from cytopenia.errors import ProtocolError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.sources import read_tables
from cytopenia.units import load_analytes, resolve_analyte

COLUMNS = ("patient_id", "day", "minute", "analyte", "value", "unit")
WHITE = ("1", 3, 480, "WBC", "2.5", "K/uL")
SHARE = ("1", 3, 480, "NEUT%", "12", "%")


def labs_of(*rows: tuple[Any, ...], columns: tuple[str, ...] = COLUMNS) -> pl.DataFrame:
    return pl.DataFrame(
        [dict(zip(columns, row, strict=True)) for row in rows], infer_schema_length=None
    ).with_columns(source_row=pl.int_range(2, len(rows) + 2, dtype=pl.UInt32))


def anc_of(labs: pl.DataFrame) -> list[tuple[Any, ...]]:
    own = labs.filter((pl.col("analyte") == "anc") & pl.col("invalid").is_null())
    return own.select("patient_id", "day", "value", "unit", "source_row").rows()


def said(findings: pl.DataFrame, rule: str) -> str:
    return " ".join(findings.filter(pl.col("rule") == rule)["message"])


@pytest.mark.parametrize(("patient", "day"), [("", 3), ("1", None)])
def test_a_percentage_of_nobody_or_of_no_day_is_said(patient: str, day: int | None) -> None:
    white, share = (patient, day, *WHITE[2:]), (patient, day, *SHARE[2:])
    labs, findings = prepare_labs(labs_of(WHITE, white, share))
    assert anc_of(labs) == []
    assert said(findings, "percent_not_used") == (
        "labs: the percentage of neutrophils has no patient or no day, and is not used in 1 of 3 rows "
        "(row 4)."
    )


def test_white_cells_times_percentage() -> None:
    """2.5 x 12 / 100 = 0.3."""
    labs, findings = prepare_labs(labs_of(WHITE, SHARE))
    assert anc_of(labs) == [("1", 3, 0.3, "1e9/L", 3)]
    assert labs["origin"].to_list() == [None, "white cells of row 2 x percentage of neutrophils"]
    assert "white cells x percentage of neutrophils in 1 of 2 rows (row 3)" in said(findings, "anc_computed")
    assert findings.filter(pl.col("rule") == "anc_computed")["severity"].to_list() == ["warning"]


@pytest.mark.parametrize(
    ("white", "share", "anc"),
    [
        (("2500", "/uL"), ("12", "%"), 0.3),
        (("2.5", "K/uL"), ("0.12", "1"), 0.3),
        (("0.7", "G/L"), ("71.4", "%"), 0.4998),
        (("0.7", "G/L"), ("71.5", "%"), 0.5005),
        (("4.1", "K/uL"), ("0", "%"), 0.0),
        (("4.1", "K/uL"), ("100", "%"), 4.1),
        (("0", "K/uL"), ("50", "%"), 0.0),
        (("3.3", "K/uL"), ("7,5", "%"), 0.2475),
    ],
)
def test_units_and_ends(white: tuple[str, str], share: tuple[str, str], anc: float) -> None:
    labs, _ = prepare_labs(labs_of((*WHITE[:4], *white), (*SHARE[:4], *share)))
    assert [row[2] for row in anc_of(labs)] == [anc]


@pytest.mark.parametrize(
    "name",
    [
        "Neutrophils %",
        "Neutrophils (%)",
        "NEUT%",
        "Neu (%)",
        "% Neutrophils",
        "neutrophils percent",
        "Neutrophile %",
        "中性粒细胞百分比",
        "neut_%",
    ],
)
def test_a_name_that_is_the_unit_needs_no_other(name: str) -> None:
    assert [row[2] for row in anc_of(prepare_labs(labs_of(WHITE, (*SHARE[:3], name, "12", "")))[0])] == [0.3]


@pytest.mark.parametrize("name", ["NEUTLE", "Neutrophils/Leukocytes", "Neutrophile relativ"])
def test_a_name_that_is_no_unit_needs_one(name: str) -> None:
    blank = prepare_labs(labs_of(WHITE, (*SHARE[:3], name, "12", None)))
    assert anc_of(blank[0]) == []
    assert "the unit of the percentage of neutrophils is blank" in said(blank[1], "unit_missing")
    assert "Allowed: %, 1." in said(blank[1], "unit_missing")
    assert [row[2] for row in anc_of(prepare_labs(labs_of(WHITE, (*SHARE[:3], name, "12", "%")))[0])] == [0.3]


def test_a_count_in_percent_is_the_percentage() -> None:
    labs, findings = prepare_labs(labs_of(WHITE, (*SHARE[:3], "Neutrophils", "12", "%")))
    assert anc_of(labs) == [("1", 3, 0.3, "1e9/L", 3)]
    assert labs.height == 2
    assert "neutrophils stand there in % in 1 of 2 rows (row 3)" in said(findings, "percent_as_unit")
    assert said(findings, "unknown_unit") == ""


def test_a_count_in_percent_without_white_cells_is_not_judged() -> None:
    labs, findings = prepare_labs(labs_of((*SHARE[:3], "Neutrophils", "12", "%")))
    assert labs.select("analyte", "value", "unit", "invalid").rows() == [("anc", None, "%", "unknown unit")]
    assert "(row 2)" in said(findings, "percent_not_used")


def test_a_percentage_of_another_day_of_the_same_row_is_told() -> None:
    """A file with a column for each day: day 3 has white cells beside the percentage, day 7 has none."""
    later = (WHITE[0], 7, *SHARE[2:])
    labs, findings = prepare_labs(
        labs_of(WHITE, SHARE, later).with_columns(source_row=pl.lit(2, dtype=pl.UInt32))
    )
    assert anc_of(labs) == [("1", 3, 0.3, "1e9/L", 2)]
    assert "in 1 of 3 rows (row 2)" in said(findings, "percent_not_used")


@pytest.mark.parametrize("unit", ["/uL", "10^9/L", "1/L"])
def test_a_percentage_in_another_unit_is_not_used(unit: str) -> None:
    labs, findings = prepare_labs(labs_of(WHITE, (*SHARE[:5], unit)))
    assert anc_of(labs) == []
    assert f"unit '{unit}' of the percentage of neutrophils is not listed" in said(findings, "unknown_unit")


@pytest.mark.parametrize(("value", "unit"), [("100.1", "%"), ("1.01", "1"), ("63", "1"), ("-3", "%")])
def test_no_share_is_above_all_or_below_none(value: str, unit: str) -> None:
    labs, findings = prepare_labs(labs_of(WHITE, (*SHARE[:4], value, unit)))
    assert anc_of(labs) == []
    assert "is not between 0 and 100 in 1 of 2 rows (row 3)" in said(findings, "implausible_value")


def test_fractions_under_a_heading_of_percent_are_not_used() -> None:
    """A spreadsheet shows 63% and stores 0.63: the white cells would give a hundredth of the count."""
    rows = [WHITE, (*SHARE[:4], "0.63", "%"), ("1", 4, 480, *WHITE[3:]), ("1", 4, 480, "NEUT%", "1", "%")]
    labs, findings = prepare_labs(labs_of(*rows))
    assert anc_of(labs) == []
    assert "nowhere above 1 in '%'" in said(findings, "suspected_unit")
    more = labs_of(*rows, ("1", 5, 480, *WHITE[3:]), ("1", 5, 480, "NEUT%", "1.2", "%"))
    assert [row[2] for row in anc_of(prepare_labs(more)[0])] == [0.01575, 0.025, 0.03]


@pytest.mark.parametrize(
    ("white", "share"),
    [
        ("<0.1", "50"),
        ("2.5", "<1"),
        ("2.5", ">90"),
        ("clotted", "50"),
        ("5000", "50"),  # K/uL: not plausible
        ("2.5", "n.d."),
        ("", "50"),
    ],
)
def test_only_plain_numbers_are_multiplied(white: str, share: str) -> None:
    rows = labs_of((*WHITE[:4], white, "K/uL"), (*SHARE[:4], share, "%"))
    labs, findings = prepare_labs(rows)
    assert anc_of(labs) == []
    assert "anc_computed" not in findings["rule"].to_list()


@pytest.mark.parametrize(
    ("minute", "day", "patient"), [(481, 3, "1"), (None, 3, "1"), (480, 4, "1"), (480, 3, "2")]
)
def test_another_moment_or_patient_is_not_multiplied(minute: int | None, day: int, patient: str) -> None:
    labs, findings = prepare_labs(labs_of(WHITE, (patient, day, minute, *SHARE[3:])))
    assert anc_of(labs) == []
    assert "(row 3)" in said(findings, "percent_not_used")


def test_neither_has_a_time() -> None:
    rows = labs_of(("1", 3, None, *WHITE[3:]), ("1", 3, None, *SHARE[3:]))
    assert anc_of(prepare_labs(rows)[0]) == [("1", 3, 0.3, "1e9/L", 3)]


@pytest.mark.parametrize("value", ["1.4", "<0.1", "0"])
def test_a_day_with_an_anc_keeps_it_alone(value: str) -> None:
    later = ("1", 3, 1020, "ANC", value, "K/uL")
    labs, findings = prepare_labs(labs_of(WHITE, SHARE, later))
    assert [row[4] for row in anc_of(labs)] == [4]
    assert "(row 3)" in said(findings, "percent_not_used")


@pytest.mark.parametrize(("value", "unit"), [("1.4", "furlong"), ("", "K/uL"), ("5000", "K/uL")])
def test_an_anc_that_cannot_be_read_is_none(value: str, unit: str) -> None:
    labs, _ = prepare_labs(labs_of(WHITE, SHARE, ("1", 3, 480, "ANC", value, unit)))
    assert anc_of(labs) == [("1", 3, 0.3, "1e9/L", 3)]


def test_what_the_laboratory_refuses_is_not_computed_from_the_same_sample() -> None:
    columns = (*COLUMNS, "invalid")
    refused = ("1", 3, 480, "ANC", "0.4", "K/uL", "clumping")
    rows = [(*WHITE, None), (*SHARE, None)]
    assert anc_of(prepare_labs(labs_of(*rows, refused, columns=columns))[0]) == []
    elsewhere = ("1", 3, 700, *refused[3:])
    assert len(anc_of(prepare_labs(labs_of(*rows, elsewhere, columns=columns))[0])) == 1
    assert anc_of(prepare_labs(labs_of((*WHITE, "diluted"), (*SHARE, None), columns=columns))[0]) == []
    assert anc_of(prepare_labs(labs_of((*WHITE, None), (*SHARE, "diluted"), columns=columns))[0]) == []


def test_two_numbers_of_one_moment_are_not_multiplied() -> None:
    for other in ((*SHARE[:4], "13", "%"), (*WHITE[:4], "2.6", "K/uL"), (*WHITE[:4], "<2.5", "K/uL")):
        labs, findings = prepare_labs(labs_of(WHITE, SHARE, other))
        assert anc_of(labs) == []
        assert "of one moment differ in 1 of 3 rows (row 3)" in said(findings, "anc_not_computed")


def test_the_same_number_twice_is_one() -> None:
    rows = labs_of(WHITE, (*WHITE[:4], "2500", "/uL"), SHARE, (*SHARE[:4], "0.12", "1"))
    assert anc_of(prepare_labs(rows)[0]) == [("1", 3, 0.3, "1e9/L", 4)]


def test_a_stated_limit_holds_for_computed_counts() -> None:
    labs, findings = prepare_labs(labs_of(WHITE, SHARE), lln={"anc": 1.8})
    assert labs.filter(pl.col("analyte") == "anc")["lln"].to_list() == [1.8]
    assert "(row 3)" in said(findings, "limit_stated")


def test_rows_without_a_patient_or_a_day_are_not_multiplied() -> None:
    assert anc_of(prepare_labs(labs_of(WHITE, SHARE).drop("patient_id"))[0]) == []
    assert anc_of(prepare_labs(labs_of(WHITE, SHARE).drop("day"))[0]) == []


@pytest.mark.parametrize(
    "name", ["Segs", "Bands %", "Stabkernige", "Segmented neutrophils (%)", "NEUTSG", "NEUTB"]
)
def test_segmented_forms_and_bands_alone_are_kept_apart(name: str) -> None:
    labs, findings = prepare_labs(labs_of(WHITE, (*SHARE[:3], name, "12", "%")))
    assert labs["analyte"].to_list() == ["wbc"]
    assert f"'{name}' is near to anc" in said(findings, "name_apart")


def test_near_names_are_reviewed() -> None:
    assert {row.use for row in load_near_names().values()} == {"percent", "share", "apart"}
    assert {row.analyte for row in load_near_names().values()} <= {*load_analytes()}
    assert [row.name for row in load_near_names().values() if resolve_analyte(row.name)] == []
    assert [row.name for row in load_near_names().values() if not row.remark] == []
    stating = [row.name for row in load_near_names().values() if row.use == "percent"]
    words = ("%", "percent", "pct", "/100", "百分")
    assert [name for name in stating if not any(word in name.lower() for word in words)] == []


@pytest.mark.parametrize(
    "name", ["Neutrophils", "NEUT", "NEUT#", "Lymphocytes %", "Granulocytes %", "Hb", "HGB"]
)
def test_other_names_are_not_near(name: str) -> None:
    assert match_near_name(name) is None


# ---- through the readers


def read(folder: Path, labs: str, **mapping: Any) -> Tables:
    (folder / "labs.csv").write_text(labs, "utf-8")
    (folder / "infusions.csv").write_text("patient_id,infusion_date\n1,2024-01-10\n", "utf-8")
    return read_tables(folder, DataSection.model_validate({"labs": mapping}))


def test_a_long_table(tmp_path: Path) -> None:
    tables = read(
        tmp_path,
        "patient_id,date,analyte,value,unit\n"
        "1,2024-01-12 08:00,WBC,2.5,K/uL\n1,2024-01-12 08:00,Neutrophils,12,%\n"
        "1,2024-01-13 08:00,6690-2,0.4,K/uL\n1,2024-01-13 08:00,770-8,50,%\n",
    )
    assert [row[:3] for row in anc_of(tables.labs)] == [("1", 2, 0.3), ("1", 3, 0.2)]


@pytest.mark.parametrize("heading", ["Neutrophils (%)", "NEUT%", "Neutrophils [%]", "NEUTLE (%)"])
def test_a_wide_table(tmp_path: Path, heading: str) -> None:
    tables = read(tmp_path, f"patient_id,date,WBC (K/uL),{heading}\n1,2024-01-12,2.5,12\n1,2024-01-13,,9\n")
    assert anc_of(tables.labs) == [("1", 2, 0.3, "1e9/L", 2)]
    assert "(row 3)" in said(tables.findings, "percent_not_used")


def test_names_units_and_defaults_of_a_mapping(tmp_path: Path) -> None:
    text = "patient_id,date,analyte,value,unit\n1,2024-01-12,Leuk,2.5,K/uL\n1,2024-01-12,Gran,{},{}\n"
    names = {"Leuk": "wbc", "Gran": "neutrophil_percent"}
    for value, unit, more in (
        ("12", "%", {}),
        ("12", "Prozent", {"units": {"Prozent": "%"}}),
        ("0.12", "Anteil", {"units": {"Anteil": "1"}}),
        ("12", "", {"default_units": {"neutrophil_percent": "%"}}),
    ):
        tables = read(tmp_path, text.format(value, unit), analytes=names, **more)
        assert [row[2] for row in anc_of(tables.labs)] == [0.3]


def test_a_wide_mapping(tmp_path: Path) -> None:
    wide = {
        "wbc": {"column": "L", "unit": "K/uL"},
        "neutrophil_percent": {"column": "N", "unit": "%"},
    }
    tables = read(tmp_path, "patient_id,date,L,N\n1,2024-01-12,2.5,12\n", wide=wide)
    assert [row[2] for row in anc_of(tables.labs)] == [0.3]


def test_a_percentage_has_no_other_unit_and_no_limit_in_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        '[labs]\ndefault_units = { neutrophil_percent = "K/uL" }\n'
        'lln = { neutrophil_percent = { value = 40, unit = "%" } }\n',
        "utf-8",
    )
    with pytest.raises(ProtocolError, match="not a listed unit of neutrophil_percent; allowed: %, 1") as told:
        read_mapping(path)
    assert "'neutrophil_percent' has no lower limit" in str(told.value)


def test_the_account_of_rows_adds_up(tmp_path: Path) -> None:
    """Five rows: two of white cells, a share that became an ANC, one that did not, and ANC in %."""
    tables = read(
        tmp_path,
        "patient_id,date,analyte,value,unit\n"
        "1,2024-01-12,WBC,2.5,K/uL\n1,2024-01-12,NEUT%,12,%\n1,2024-01-13,NEUT%,9,%\n"
        "1,2024-01-14,WBC,1.5,K/uL\n1,2024-01-14,NEUT,20,%\n",
    )
    account = tables.lab_account.select("analyte", "printed", "state", "rows").rows()
    assert account == [
        ("anc", "%", "judged", 2),
        ("wbc", "K/uL", "judged", 2),
        (None, None, "analyte not listed", 1),
    ]
