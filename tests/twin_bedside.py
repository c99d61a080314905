"""Bedside scales the slow way: written out from the papers for complete rows, and every way to fill a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

Row = dict[str, Any]

CHOICES: dict[str, list[Any]] = {
    "temperature": [37.0, 38.0],
    "antipyretic": ["no", "yes"],
    "crs_diagnosed": ["no", "yes"],
    "constitutional": ["no", "yes"],
    "hypotension": ["no", "yes"],
    "vasopressors": ["none", "one_low_dose", "one_high_dose", "one_with_vasopressin", "multiple"],
    "oxygen": [
        *("none", "nasal_cannula_low", "blow_by", "high_flow", "facemask", "nonrebreather", "venturi"),
        *("cpap", "bipap", "ventilator"),
    ],
    "fio2": [0.21, 0.3, 0.4, 0.9],
    "organ_toxicity_grade": [0, 1, 2, 3, 4],
    "transaminitis_grade": [0, 1, 2, 3, 4],
    "ice": list(range(11)),
    "consciousness": ["awake", "spontaneous", "voice", "tactile", "unarousable"],
    "seizure": ["none", "brief", "eeg_resolving", "prolonged", "repetitive"],
    "motor_weakness": ["none", "deep_focal"],
    "edema": ["none", "focal", "diffuse"],
}
INPUTS = {
    "astct_2019_crs": [
        "temperature",
        "antipyretic",
        "crs_diagnosed",
        "hypotension",
        "vasopressors",
        "oxygen",
    ],
    "lee_2014_crs": [
        *("temperature", "constitutional", "hypotension", "vasopressors", "oxygen", "fio2"),
        *("organ_toxicity_grade", "transaminitis_grade"),
    ],
    "astct_2019_icans": ["ice", "consciousness", "seizure", "motor_weakness", "edema"],
}


def astct(row: Row) -> int:
    fever = row["temperature"] >= 38.0
    if not fever and not (row["antipyretic"] == "yes" and row["crs_diagnosed"] == "yes"):
        return 0
    if row["vasopressors"] == "multiple" or row["oxygen"] in ("cpap", "bipap", "ventilator"):
        return 4
    if row["vasopressors"] != "none" or row["oxygen"] in (
        "high_flow",
        "facemask",
        "nonrebreather",
        "venturi",
    ):
        return 3
    if row["hypotension"] == "yes" or row["oxygen"] in ("nasal_cannula_low", "blow_by"):
        return 2
    return 1 if fever else 0


def lee(row: Row) -> int:
    if row["oxygen"] == "ventilator" or row["organ_toxicity_grade"] == 4:
        return 4
    on_oxygen = row["oxygen"] != "none"
    if on_oxygen and row["fio2"] >= 0.4:
        return 3
    if row["vasopressors"] in ("one_high_dose", "one_with_vasopressin", "multiple"):
        return 3
    if row["organ_toxicity_grade"] == 3 or row["transaminitis_grade"] >= 3:
        return 3
    if on_oxygen or row["hypotension"] == "yes" or row["vasopressors"] == "one_low_dose":
        return 2
    if row["organ_toxicity_grade"] == 2 or row["transaminitis_grade"] == 2:
        return 2
    return 1 if row["temperature"] >= 38.0 or row["constitutional"] == "yes" else 0


def icans(row: Row) -> int:
    by_score = 0 if row["ice"] == 10 else 1 if row["ice"] >= 7 else 2 if row["ice"] >= 3 else 3
    by_sign = [
        CHOICES["consciousness"].index(row["consciousness"]),
        {"none": 0, "brief": 3, "eeg_resolving": 3}.get(row["seizure"], 4),
        4 if row["motor_weakness"] == "deep_focal" else 0,
        {"none": 0, "focal": 3, "diffuse": 4}[row["edema"]],
    ]
    return max(by_score, *by_sign)


GRADES: dict[str, Callable[[Row], int]] = {
    "astct_2019_crs": astct,
    "lee_2014_crs": lee,
    "astct_2019_icans": icans,
}


def bounds(name: str, row: Row) -> tuple[int, int]:
    """Least and most grade over every way to fill in what is missing."""
    grades = {GRADES[name](full) for full in completions(name, row)}
    return min(grades), max(grades)


def completions(name: str, row: Row) -> Iterator[Row]:
    missing = [key for key in INPUTS[name] if row.get(key) is None]
    for values in product(*(CHOICES[key] for key in missing)):
        full = {**row, **dict(zip(missing, values, strict=True))}
        # Air without a device is 21 % oxygen.
        if name == "lee_2014_crs" and full["oxygen"] == "none" and full["fio2"] > 0.21:
            continue
        # Whether a noninvasive device is a ventilator the source leaves open.
        if name == "lee_2014_crs" and full["oxygen"] in ("cpap", "bipap"):
            yield {**full, "oxygen": "ventilator"}
        yield full
