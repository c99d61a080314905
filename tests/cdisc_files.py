"""A small synthetic trial as CDISC data sets: three invented subjects, and how to write them to files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat

__all__ = ["AE", "CM", "DM", "EX", "LB", "PR", "ours", "write_json", "write_xpt", "write_xpts"]

# Study day 1 is the first lymphodepletion of A1 (2 May), and the infusion of B2 and C3.
DM = pl.DataFrame(
    {
        "USUBJID": ["A1", "B2", "C3"],
        "RFSTDTC": ["2024-05-02", "2024-06-10", "2024-07-01"],
        "RFPENDTC": ["2024-08-01", "2024-06-20", "2024-07-02"],
        "DTHDTC": ["", "2024-06-20T04:00", ""],
        "DTHFL": ["", "Y", ""],
        "AGE": [61.0, 47.0, 70.0],
        "AGEU": ["YEARS"] * 3,
        "SEX": ["F", "M", "M"],
    }
)
EX = pl.DataFrame(
    {
        "USUBJID": ["A1", "A1", "B2"],
        "EXTRT": ["FLUDARABINE", "CELLS X", "Cells X"],
        "EXDOSE": [30.0, 2.0, 2.0],
        "EXSTDTC": ["2024-05-02", "2024-05-07T10:15", "2024-06-10"],
        "EXSTDY": [1.0, 6.0, 1.0],
    }
)
_LB: list[tuple[Any, ...]] = [
    # subject, code, result, unit, low, standard result, number, unit, low, date, study day, specimen
    ("A1", "NEUT", "350", "/uL", "1800", "0.35", 0.35, "10^9/L", 1.8, "2024-05-09T08:30", 8.0, "BLOOD"),
    ("A1", "NEUT", "<100", "/uL", "1800", "<0.1", 0.1, "10^9/L", 1.8, "2024-05-10", 9.0, "BLOOD"),
    ("A1", "HGB", "7.9", "g/dL", "12", "4.9", 4.9, "mmol/L", 7.45, "2024-05-06", 5.0, "BLOOD"),
    ("A1", "CREAT", "88.4", "umol/L", "", "88.4", 88.4, "umol/L", None, "2024-05-09", 8.0, "URINE"),
    ("B2", "PLAT", "0", "THOU/uL", "150", "0", 0.0, "GI/L", 150.0, "2024-06-11", 2.0, "BLOOD"),
    ("B2", "WBC", "0.42", "10^10/L", "0.4", "4.2", 4.2, "10^9/L", 4.0, "2024-06-09", -1.0, "BLOOD"),
    ("B2", "NEUTLE", "61", "%", "", "61", 61.0, "%", None, "2024-06-11", 2.0, "BLOOD"),
]
_LB_NAMES = ["USUBJID", "LBTESTCD", "LBORRES", "LBORRESU", "LBORNRLO", "LBSTRESC", "LBSTRESN", "LBSTRESU"]
LB = pl.DataFrame(_LB, schema=[*_LB_NAMES, "LBSTNRLO", "LBDTC", "LBDY", "LBSPEC"], orient="row")
CM = pl.DataFrame(
    {
        "USUBJID": ["A1", "A1", "B2", "B2"],
        "CMTRT": ["Neupogen", "ASPIRIN", "PEGFILGRASTIM", "Neupogen"],
        "CMDECOD": ["FILGRASTIM", "ACETYLSALICYLIC ACID", "PEGFILGRASTIM", "FILGRASTIM"],
        "CMOCCUR": ["Y", "Y", "Y", "N"],
        "CMSTDTC": ["2024-05-12", "2024-01", "2024-06-14", "2024-06-15"],
        "CMENDTC": ["2024-05-15", "", "2024-06-14", "2024-06-16"],
    }
)
PR = pl.DataFrame(
    {
        "USUBJID": ["A1"],
        "PRTRT": ["Platelet transfusion"],
        "PRSTDTC": ["2024-05-20"],
        "PRENDTC": ["2024-05-20"],
    }
)
AE = pl.DataFrame(
    {
        "USUBJID": ["A1", "B2"],
        "AETERM": ["CRS", "Headache"],
        "AEDECOD": ["Cytokine release syndrome", "Headache"],
        "AETOXGR": ["2", "1"],
        "AESTDTC": ["2024-05-08", "2024-06-12"],
    }
)

# What the labs are, worked out by hand: day 0 is 7 May for A1 and 10 June for B2.
ours: Sequence[tuple[Any, ...]] = [
    ("A1", 2, "anc", "=", 0.35, "1e9/L", 1.8),
    ("A1", 3, "anc", "<", 0.1, "1e9/L", 1.8),
    ("A1", -1, "hemoglobin", "=", 79.0, "g/L", 120.0),
    ("B2", 1, "platelets", "=", 0.0, "1e9/L", 150.0),
    ("B2", -1, "wbc", "=", 4.2, "1e9/L", 4.0),
]


def write_xpt(folder: Path, name: str, frame: pl.DataFrame) -> None:
    pyreadstat.write_xport(frame, folder / f"{name}.xpt", table_name=name.upper(), file_format_version=5)


def write_xpts(folder: Path, **frames: pl.DataFrame) -> Path:
    for name, frame in frames.items():
        write_xpt(folder, name, frame)
    return folder


def write_json(folder: Path, name: str, frame: pl.DataFrame, *, lines: bool = False) -> Path:
    """Dataset-JSON 1.1 as the standard describes it, as one object or one row a line."""
    columns = [
        {
            "itemOID": f"IT.{name.upper()}.{column}",
            "name": column,
            "label": column,
            "dataType": "double" if dtype.is_numeric() else "string",
        }
        for column, dtype in frame.schema.items()
    ]
    head = {
        "datasetJSONCreationDateTime": "2024-09-01T00:00:00",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": f"IG.{name.upper()}",
        "records": frame.height,
        "name": name.upper(),
        "label": name.upper(),
        "columns": columns,
    }
    rows = [list(row) for row in frame.iter_rows()]
    if lines:
        path = folder / f"{name}.ndjson"
        path.write_text("\n".join(json.dumps(part) for part in [head, *rows]) + "\n", "utf-8")
    else:
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**head, "rows": rows}), "utf-8")
    return path
