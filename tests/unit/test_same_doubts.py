"""What is doubtful in laboratory values is the same doubt whatever the source: tables, resources, a trial."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.cdisc_files import write_xpts
from tests.fhir_factory import INFUSED, infusion, observation, write_export

from cytopenia.contract import Tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables

# Analyte, LOINC, LBTESTCD, value, unit (a listed one and of UCUM): day 2 to 7 of one invented patient.
VALUES = [
    ("hemoglobin", "718-7", "HGB", "9.1", "g/dL"),
    ("hemoglobin", "718-7", "HGB", "91", "g/dL"),  # g/L, printed as g/dL: not plausible
    ("platelets", "777-3", "PLAT", "23000", "10*3/uL"),  # /uL, printed as K/uL: not plausible
    ("wbc", "6690-2", "WBC", "-1", "10*3/uL"),
    ("ferritin", "2276-4", "FERRITIN", "1500000", "ng/mL"),  # unusual, yet plausible
    *(("crp", "1988-5", "CRP", value, "mg/dL") for value in ("88", "91", "120", "96", "150", "102")),
]
DATES = [f"2024-01-{12 + place:02}" for place in range(len(VALUES))]
RULES = ("implausible_value", "negative_value", "suspected_unit", "unusual_value")


def read_csv(folder: Path) -> Tables:
    rows = [
        f"p1,{date},{name},{value},{unit}"
        for date, (name, _, _, value, unit) in zip(DATES, VALUES, strict=True)
    ]
    (folder / "labs.csv").write_text("\n".join(["patient_id,date,analyte,value,unit", *rows]), "utf-8")
    (folder / "infusions.csv").write_text("patient_id,infusion_date\np1,2024-01-10\n", "utf-8")
    return read_tables(folder)


def read_resources(folder: Path) -> Tables:
    drawn = [
        observation(code, float(value), unit, effectiveDateTime=date)
        for date, (_, code, _, value, unit) in zip(DATES, VALUES, strict=True)
    ]
    # The infusion stands last, so that the rows of the resources are those of the table, less one.
    write_export(folder, *drawn, infusion())
    return read_tables(folder, DataSection.model_validate({"fhir": {"codes": {INFUSED: "infusion"}}}))


def read_trial(folder: Path) -> Tables:
    lb = pl.DataFrame(
        {
            "USUBJID": "p1",
            "LBTESTCD": [row[2] for row in VALUES],
            "LBORRES": [row[3] for row in VALUES],
            "LBORRESU": [row[4] for row in VALUES],
            "LBDTC": DATES,
        }
    )
    dm = pl.DataFrame({"USUBJID": ["p1"], "RFSTDTC": ["2024-01-10"]})
    ex = pl.DataFrame({"USUBJID": ["p1"], "EXTRT": ["CELLS X"], "EXDOSE": [1.0], "EXSTDTC": ["2024-01-10"]})
    write_xpts(folder, dm=dm, ex=ex, lb=lb)
    return read_tables(folder, DataSection.model_validate({"cdisc": {"infusion": ["CELLS X"]}}))


def doubts(tables: Tables) -> list[tuple[str, str | None, int]]:
    """Rule, column and number of rows of what is doubtful."""
    found = tables.findings.filter(pl.col("rule").is_in(RULES)).select("rule", "column", "rows")
    return sorted(found.rows())


def test_a_table_has_the_doubts(tmp_path: Path) -> None:
    """Two values no blood has, one negative, ferritin beyond the usual, and a CRP column in mg/L as mg/dL."""
    assert doubts(read_csv(tmp_path)) == [
        ("implausible_value", "value", 2),
        ("negative_value", "value", 1),
        ("suspected_unit", "unit", 6),
        ("unusual_value", "unit", 1),
    ]


@pytest.mark.parametrize("read", [read_resources, read_trial])
def test_every_source_has_the_same(tmp_path: Path, read: object) -> None:
    for name in ("own", "theirs"):
        (tmp_path / name).mkdir()
    own, theirs = read_csv(tmp_path / "own"), read(tmp_path / "theirs")  # type: ignore[operator]
    assert doubts(theirs) == doubts(own)
    columns = ("day", "analyte", "value", "comparator", "unit", "invalid")
    assert theirs.labs.select(columns).rows() == own.labs.select(columns).rows()


def test_a_share_is_multiplied_in_every_source_alike(tmp_path: Path) -> None:
    """2.5 x 12 / 100 = 0.3, with the stated limit and the finding."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "labs.csv").write_text(
        "patient_id,date,analyte,value,unit\np1,2024-01-12,WBC,2.5,10*3/uL\np1,2024-01-12,NEUT%,12,%\n",
        "utf-8",
    )
    (tmp_path / "own" / "infusions.csv").write_text("patient_id,infusion_date\np1,2024-01-10\n", "utf-8")
    (tmp_path / "theirs").mkdir()
    drawn = (observation("6690-2", 2.5, "10*3/uL"), observation("770-8", 12, "%"))
    write_export(tmp_path / "theirs", *drawn, infusion())
    (tmp_path / "trial").mkdir()
    lb = pl.DataFrame(
        {
            "USUBJID": "p1",
            "LBTESTCD": ["WBC", "NEUTLE"],
            "LBORRES": ["2.5", "12"],
            "LBORRESU": ["10*3/uL", "%"],
            "LBDTC": "2024-01-12",
        }
    )
    dm = pl.DataFrame({"USUBJID": ["p1"], "RFSTDTC": ["2024-01-10"]})
    ex = pl.DataFrame({"USUBJID": ["p1"], "EXTRT": ["CELLS X"], "EXDOSE": [1.0], "EXSTDTC": ["2024-01-10"]})
    write_xpts(tmp_path / "trial", dm=dm, ex=ex, lb=lb)
    codes = {"fhir": {"codes": {INFUSED: "infusion"}}, "cdisc": {"infusion": ["CELLS X"]}}
    for folder in ("own", "theirs", "trial"):
        tables = read_tables(tmp_path / folder, DataSection.model_validate(codes))
        counts = tables.labs.select("day", "analyte", "value").rows()
        assert counts == [(2, "wbc", 2.5), (2, "anc", 0.3)]
        assert tables.findings.filter(pl.col("rule") == "anc_computed")["rows"].to_list() == [1]


def test_a_share_of_another_specimen_is_left_out(tmp_path: Path) -> None:
    """Neutrophils of a lavage are no share of the white cells in blood."""
    lb = pl.DataFrame(
        {
            "USUBJID": "p1",
            "LBTESTCD": ["WBC", "NEUTLE"],
            "LBORRES": ["2.5", "12"],
            "LBORRESU": ["10*3/uL", "%"],
            "LBDTC": "2024-01-12",
            "LBSPEC": ["BLOOD", "LAVAGE FLUID"],
        }
    )
    dm = pl.DataFrame({"USUBJID": ["p1"], "RFSTDTC": ["2024-01-10"]})
    ex = pl.DataFrame({"USUBJID": ["p1"], "EXTRT": ["CELLS X"], "EXDOSE": [1.0], "EXSTDTC": ["2024-01-10"]})
    write_xpts(tmp_path, dm=dm, ex=ex, lb=lb)
    tables = read_tables(tmp_path, DataSection.model_validate({"cdisc": {"infusion": ["CELLS X"]}}))
    assert tables.labs["analyte"].to_list() == ["wbc"]
    assert "other_specimen" in tables.findings["rule"].to_list()
