"""Small FHIR resources, written by hand; every patient and every id is invented."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
INFUSED = "http://example.org/procedures|CART"


def concept(code: str, *, system: str = LOINC, display: str = "") -> dict[str, Any]:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def quantity(value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit} | more


def observation(code: str, value: float | None, unit: str, /, **more: Any) -> dict[str, Any]:
    """An observation of patient p1 on the second day after the infusion; `more` replaces and adds."""
    given = {} if value is None else {"valueQuantity": quantity(value, unit)}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-01-12",
        **given,
        **more,
    }


def infusion(patient: str = "p1", day: str = "2024-01-10", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"infusion-{patient}",
        "status": "completed",
        "code": concept("CART", system="http://example.org/procedures"),
        "subject": {"reference": f"Patient/{patient}"},
        "performedDateTime": day,
        **more,
    }


def administration(code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": concept(code, system="http://www.whocc.no/atc"),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-01-15T09:00:00+01:00",
        **more,
    }


def patient(name: str = "p1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1960-06-30", **more}


def write_lines(path: Path, resources: Iterable[dict[str, Any] | str]) -> Path:
    """One resource a line; a text is written as it is."""
    lines = [item if isinstance(item, str) else json.dumps(item) for item in resources]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_export(folder: Path, *resources: dict[str, Any] | str) -> Path:
    """A bulk export: one file for each kind of resource; a text goes among the observations."""
    kinds: dict[str, list[dict[str, Any] | str]] = {"Observation": []}
    for item in resources:
        kind = "Observation" if isinstance(item, str) else item["resourceType"]
        kinds.setdefault(kind, []).append(item)
    folder.mkdir(exist_ok=True)
    for kind, items in kinds.items():
        write_lines(folder / f"{kind}.ndjson", items)
    return folder
