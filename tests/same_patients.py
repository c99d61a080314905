"""The synthetic patients of the bundled example as CSV files, as a CDM and as FHIR resources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from tests.fhir_factory import LOINC, UCUM, concept, write_lines
from tests.omop_factory import Frames, frame_rows

FIRST_DAY = dt.date(2023, 5, 1)
INFUSION, INFUSION_CODE = 2_000_000_500, "http://example.org/procedures|CART"
# Analyte: LOINC code and the standard concept of it.
CODES: Mapping[str, tuple[str, int]] = {
    "anc": ("751-8", 3013650),
    "wbc": ("6690-2", 3000905),
    "platelets": ("777-3", 3024929),
    "hemoglobin": ("718-7", 3000963),
    "crp": ("1988-5", 3020460),
    "ferritin": ("2276-4", 3001122),
    "il6": ("26881-3", 3023091),
}
# Unit as the example prints it: UCUM code and unit concept.
UNITS: Mapping[str, tuple[str, int]] = {
    "10^9/L": ("10*9/L", 9444),
    "g/L": ("g/L", 8636),
    "g/dL": ("g/dL", 8713),
    "mg/L": ("mg/L", 8751),
    "ug/L": ("ug/L", 8748),
    "pg/mL": ("pg/mL", 8845),
}
# Kind and agent: concept and ATC code, or a code of the mapping.
SUPPORT: Mapping[tuple[str, str], tuple[int, str]] = {
    ("gcsf", "filgrastim"): (1304850, "http://www.whocc.no/atc|L03AA02"),
    ("gcsf", "lenograstim"): (19009705, "http://www.whocc.no/atc|L03AA10"),
    ("rbc_transfusion", ""): (4022173, "http://example.org/procedures|RBC"),
    ("platelet_transfusion", ""): (2_000_000_501, "http://example.org/procedures|PLT"),
    ("tpo_ra", ""): (1510483, "http://example.org/drugs|AVA"),
}
MAPPED = {
    "rbc_transfusion": [4022173],
    "platelet_transfusion": [2_000_000_501],
    "tpo_ra": [1510483],
}
BESIDE = ("patients.csv", "events.csv", "responses.csv")


def read_example(name: str) -> pl.DataFrame:
    """A table of the example as text, with the date of each day where it has days."""
    text = files("cytopenia").joinpath("data", "example", f"{name}.csv").read_text("utf-8")
    table = pl.read_csv(text.encode(), infer_schema_length=0).with_columns(pl.all().fill_null(""))
    zero = pl.lit(FIRST_DAY) + pl.duration(days=3 * pl.col("patient_id").str.slice(-2).cast(pl.Int64))
    days = [column for column in ("day", "start", "stop") if column in table.columns]
    dates = {
        column: (zero + pl.duration(days=pl.col(column).cast(pl.Int64))).dt.to_string("%Y-%m-%d")
        for column in days
    }
    return table.with_columns(**dates)


def read_labs() -> pl.DataFrame:
    """Laboratory rows; a reason such as clumping has no place in a CDM, so that row is left out."""
    return read_example("labs").filter(pl.col("invalid") == "").drop("invalid")


def read_support() -> pl.DataFrame:
    """Courses of support; a mapping of codes names the kind of a drug alone, so agents of mapped ones go."""
    known = pl.col("agent").is_in(["filgrastim", "lenograstim"])
    return read_example("support").with_columns(agent=pl.when(known).then("agent").otherwise(pl.lit("")))


def write_beside(folder: Path) -> None:
    """What is no laboratory value, infusion or support stands beside every source as the same files."""
    for name in BESIDE:
        source = files("cytopenia").joinpath("data", "example", name)
        (folder / name).write_text(source.read_text("utf-8"), "utf-8")


def write_csv(folder: Path) -> None:
    write_beside(folder)
    read_labs().rename({"day": "date"}).write_csv(folder / "labs.csv")
    infusions = read_example("infusions").rename({"day": "infusion_date"})
    infusions.select("patient_id", "infusion_date").write_csv(folder / "infusions.csv")
    support = read_support().rename({"start": "start_date", "stop": "stop_date"})
    support.write_csv(folder / "support.csv")


def make_same_cdm() -> Frames:
    """The patients as a CDM without vocabulary; the row of the file is the id of the measurement."""
    names = read_example("infusions")["patient_id"].to_list()
    persons = {name: number for number, name in enumerate(names, 501)}
    drugs = [
        {
            "drug_exposure_id": number,
            "person_id": persons[row["patient_id"]],
            "drug_concept_id": SUPPORT[row["kind"], row["agent"]][0],
            "drug_exposure_start_date": dt.date.fromisoformat(row["start"]),
            "drug_exposure_end_date": dt.date.fromisoformat(row["stop"]),
        }
        for number, row in enumerate(read_support().iter_rows(named=True), 1)
    ]
    infusions = [
        {
            "procedure_occurrence_id": number,
            "person_id": persons[row["patient_id"]],
            "procedure_concept_id": INFUSION,
            "procedure_date": dt.date.fromisoformat(row["day"]),
        }
        for number, row in enumerate(read_example("infusions").iter_rows(named=True), 1)
    ]
    return {
        "person": frame_rows(
            "person", [{"person_id": number, "person_source_value": name} for name, number in persons.items()]
        ),
        "measurement": frame_rows(
            "measurement",
            [
                _as_measurement(number, row, persons)
                for number, row in enumerate(read_labs().iter_rows(named=True), 2)
            ],
        ),
        "drug_exposure": frame_rows("drug_exposure", drugs),
        "procedure_occurrence": frame_rows("procedure_occurrence", infusions),
    }


def _as_measurement(number: int, row: Mapping[str, str], persons: Mapping[str, int]) -> dict[str, Any]:
    below = row["value"].startswith("<")
    return {
        "measurement_id": number,
        "person_id": persons[row["patient_id"]],
        "measurement_concept_id": CODES[row["analyte"]][1],
        "measurement_date": dt.date.fromisoformat(row["day"]),
        "operator_concept_id": 4171756 if below else None,
        "value_as_number": float(row["value"].removeprefix("<")),
        "unit_concept_id": UNITS[row["unit"]][1],
        "range_low": float(row["lln"]) if row["lln"] else None,
    }


def write_fhir(folder: Path) -> None:
    """A bulk export; the codes that the mapping has to name stand in `FHIR_CODES`."""
    write_beside(folder)
    rows = enumerate(read_labs().iter_rows(named=True), 1)
    write_lines(folder / "Observation.ndjson", [_as_observation(number, row) for number, row in rows])
    given = enumerate(read_example("infusions").iter_rows(named=True), 1)
    procedures = [_as_event("Procedure", f"i{n}", INFUSION_CODE, row, "day", "day") for n, row in given]
    drugs: list[dict[str, Any]] = []
    for number, row in enumerate(read_support().iter_rows(named=True), 1):
        code = SUPPORT[row["kind"], row["agent"]][1]
        kind = "Procedure" if "transfusion" in row["kind"] else "MedicationAdministration"
        (procedures if kind == "Procedure" else drugs).append(
            _as_event(kind, f"s{number}", code, row, "start", "stop")
        )
    write_lines(folder / "Procedure.ndjson", procedures)
    write_lines(folder / "MedicationAdministration.ndjson", drugs)


FHIR_CODES = {
    INFUSION_CODE: "infusion",
    **{code: kind for (kind, _), (_, code) in SUPPORT.items() if "whocc" not in code},
}


def _as_observation(number: int, row: Mapping[str, str]) -> dict[str, Any]:
    below, unit = row["value"].startswith("<"), UNITS[row["unit"]][0]
    measured = {"value": float(row["value"].removeprefix("<")), "unit": unit, "system": UCUM, "code": unit}
    low = {"low": {"value": float(row["lln"]), "system": UCUM, "code": unit}} if row["lln"] else {}
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": concept(CODES[row["analyte"]][0], system=LOINC),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": row["day"],
        "valueQuantity": measured | ({"comparator": "<"} if below else {}),
        **({"referenceRange": [low]} if low else {}),
    }


def _as_event(
    kind: str, name: str, code: str, row: Mapping[str, str], start: str, stop: str
) -> dict[str, Any]:
    system, _, word = code.partition("|")
    coded = concept(word, system=system)
    period = {"start": row[start], "end": row[stop]}
    own = (
        {"code": coded, "performedPeriod": period}
        if kind == "Procedure"
        else {"medicationCodeableConcept": coded, "effectivePeriod": period}
    )
    return {
        "resourceType": kind,
        "id": name,
        "status": "completed",
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        **own,
    }
