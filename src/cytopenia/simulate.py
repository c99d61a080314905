"""A small synthetic cohort with known daily truth, for the demonstration and for tests.

Every patient is invented by a seeded random number generator. The curves have the usual shape after
lymphodepletion and CAR-T infusion (fall, nadir in the second week, recovery, sometimes a second dip); they
are not fitted to any patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.errors import DataError

__all__ = ["SimulatedCohort", "simulate_cohort"]

Curve = NDArray[np.float64]

_FIRST_DAY, _LAST_DAY, _LYMPHODEPLETION_DAY = -10, 60, -5
_DAYS = np.arange(_FIRST_DAY, _LAST_DAY + 1)
_LIMITS = {"anc": "2.0", "wbc": "3.5", "hemoglobin": "110", "platelets": "100"}
_UNITS = {"anc": "10^9/L", "wbc": "10^9/L", "hemoglobin": "g/L", "platelets": "10^9/L"}
_DECIMALS = {"anc": 2, "wbc": 2, "hemoglobin": 0, "platelets": 0}
_MARKERS = {"crp": (2.0, 1.2, "mg/L"), "ferritin": (6.0, 0.9, "ug/L"), "il6": (2.0, 1.0, "pg/mL")}
_DETECTION_LIMIT = 0.1
# When the simulated ward counts no differential, gives growth factor, and transfuses: habits, no definitions.
_NO_DIFFERENTIAL_BELOW = 0.6
_GROWTH_FACTOR_BELOW = 0.5
_TRANSFUSED_BELOW = {"rbc_transfusion": ("hemoglobin", 75.0), "platelet_transfusion": ("platelets", 12.0)}


@dataclass(frozen=True)
class SimulatedCohort:
    """Synthetic input tables, as a hospital would export them, and the daily truth behind them.

    Attributes
    ----------
    tables : dict of DataFrame
        `patients`, `infusions`, `labs`, `support`, `events`, `responses`: columns of the contract, values as
        text.
    truth : DataFrame
        `patient_id`, `day`, `anc`, `wbc`, `hemoglobin`, `platelets`: every day, without gaps.
    """

    tables: dict[str, pl.DataFrame]
    truth: pl.DataFrame


def simulate_cohort(patients: int, *, seed: int) -> SimulatedCohort:
    """Return a synthetic cohort; the same arguments give the same cohort.

    Parameters
    ----------
    patients : int
        At least 1.
    seed : int
        0 or greater.

    Raises
    ------
    DataError
        One of the two is too small.

    Examples
    --------
    >>> cohort = simulate_cohort(3, seed=1)
    >>> cohort.tables["patients"]["patient_id"].to_list()
    ['S001', 'S002', 'S003']
    """
    if patients < 1 or seed < 0:
        got = f"patients is {patients}, seed is {seed}"
        raise DataError(f"{got}; allowed: at least 1 patient, and a seed of 0 or more")
    rng = np.random.default_rng(seed)
    width = max(3, len(str(patients)))
    courses = [_simulate_course(f"S{number:0{width}d}", rng) for number in range(1, patients + 1)]
    tables = {
        name: pl.DataFrame([row for course in courses for row in course[name]], schema=schema)
        for name, schema in _SCHEMAS.items()
    }
    truth = pl.DataFrame([row for course in courses for row in course["truth"]])
    return SimulatedCohort(tables, truth)


Rows = list[dict[str, object]]

_TEXT, _WHOLE = pl.String, pl.Int64
# A small cohort may have no support and no response; its tables have their columns all the same.
_SCHEMAS: dict[str, dict[str, type[pl.DataType]]] = {
    "patients": {
        "patient_id": _TEXT,
        "age_years": _WHOLE,
        "sex": _TEXT,
        "diagnosis": _TEXT,
        "ecog": _TEXT,
        "prior_lines": _WHOLE,
        "prior_hsct": _TEXT,
    },
    "infusions": dict.fromkeys(("patient_id", "day", "product", "target", "lymphodepletion_day"), _TEXT),
    "labs": dict.fromkeys(("patient_id", "day", "analyte", "value", "unit", "lln"), _TEXT),
    "support": dict.fromkeys(("patient_id", "start", "stop", "kind", "agent"), _TEXT),
    "events": dict.fromkeys(("patient_id", "day", "kind", "grade"), _TEXT),
    "responses": dict.fromkeys(("patient_id", "day", "response"), _TEXT),
}


def _simulate_course(patient_id: str, rng: np.random.Generator) -> dict[str, Rows]:
    frailty = float(rng.normal())
    curves = _simulate_counts(frailty, rng)
    death_day = int(rng.integers(12, 27)) if rng.random() < 0.05 else None
    last_day = death_day if death_day is not None else _LAST_DAY
    support = _simulate_support(patient_id, curves, last_day, rng)
    seen = [int(day) for day in _simulate_visits(rng) if day <= last_day]
    labs = [row for day in seen for row in _simulate_draw(patient_id, day, curves, rng)]
    labs.extend(
        row for row in _simulate_markers(patient_id, frailty, rng) if int(str(row["day"])) <= last_day
    )
    response: dict[str, object] = {
        "patient_id": patient_id,
        "day": "30",
        "response": _pick(rng, "CR PR SD PD"),
    }
    return {
        "patients": [_simulate_patient(patient_id, frailty, rng)],
        "infusions": [_simulate_infusion(patient_id, rng)],
        "labs": labs,
        "support": support,
        "events": _simulate_events(patient_id, death_day, last_day, rng),
        "responses": [] if death_day else [response],
        "truth": [
            {
                "patient_id": patient_id,
                "day": int(day),
                **{name: float(curve[place]) for name, curve in curves.items()},
            }
            for place, day in enumerate(_DAYS)
        ],
    }


def _simulate_counts(frailty: float, rng: np.random.Generator) -> dict[str, Curve]:
    neutrophils = _dip(
        np.exp(rng.normal(1.15, 0.45)), depth=2.2 + 0.7 * frailty, center=8 + rng.normal(), width=6.5
    )
    if rng.random() < 0.35:
        neutrophils *= np.exp(-(1.2 + 0.4 * frailty) * np.exp(-(((_DAYS - 26 - rng.normal()) / 5.0) ** 2)))
    platelets = _dip(
        np.exp(rng.normal(5.1 - 0.25 * frailty, 0.4)),
        depth=1.0 + 0.7 * max(frailty, -0.8),
        center=11,
        width=9,
    )
    hemoglobin = _dip(
        114 - 9 * frailty + rng.normal(0, 9), depth=0.25 + 0.08 * max(frailty, -1), center=10, width=11
    )
    noise = {
        name: np.exp(rng.normal(0, size, _DAYS.size))
        for name, size in (("anc", 0.18), ("hb", 0.03), ("plt", 0.1))
    }
    anc = neutrophils * noise["anc"]
    others = np.exp(rng.normal(-0.1, 0.25)) * (0.3 + 0.7 / (1 + np.exp(-(_DAYS - 15) / 5.0)))
    return {
        "anc": anc,
        "wbc": anc + np.where(_DAYS < _LYMPHODEPLETION_DAY, np.exp(0.2), others),
        "hemoglobin": hemoglobin * noise["hb"],
        "platelets": platelets * noise["plt"],
    }


def _dip(level: float, *, depth: float, center: float, width: float) -> Curve:
    """A level that falls on the log scale around a center, only after the start of lymphodepletion."""
    fall = depth * np.exp(-(((_DAYS - center) / width) ** 2))
    return level * np.exp(-np.where(_DAYS <= _LYMPHODEPLETION_DAY, 0.0, fall))


def _simulate_visits(rng: np.random.Generator) -> NDArray[np.int64]:
    """Daily on the ward until about day 14, then every two to six days."""
    ward = np.arange(-6, int(rng.integers(12, 17)))
    clinic = ward[-1] + np.cumsum(rng.integers(2, 7, size=20))
    before = np.array([-9])
    kept = ward[rng.random(ward.size) > 0.06]
    days = np.concatenate([before, kept, clinic])
    return days[days <= _LAST_DAY]


def _simulate_draw(patient_id: str, day: int, curves: dict[str, Curve], rng: np.random.Generator) -> Rows:
    place = day - _FIRST_DAY
    has_differential = curves["wbc"][place] > _NO_DIFFERENTIAL_BELOW or rng.random() < 0.4
    names = [name for name in ("wbc", "anc", "hemoglobin", "platelets") if name != "anc" or has_differential]
    return [
        {
            "patient_id": patient_id,
            "day": str(day),
            "analyte": name,
            "value": _print_value(name, float(curves[name][place])),
            "unit": _UNITS[name],
            "lln": _LIMITS[name],
        }
        for name in names
    ]


def _print_value(name: str, value: float) -> str:
    if name == "anc" and value < _DETECTION_LIMIT:
        return f"<{_DETECTION_LIMIT}"
    return f"{value:.{_DECIMALS[name]}f}"


def _simulate_markers(patient_id: str, frailty: float, rng: np.random.Generator) -> Rows:
    return [
        {
            "patient_id": patient_id,
            "day": str(day),
            "analyte": name,
            "value": f"{np.exp(center + spread * rng.normal() + 0.5 * frailty + rise):.1f}",
            "unit": unit,
            "lln": None,
        }
        for name, (center, spread, unit) in _MARKERS.items()
        for day, rise in ((-6, 0.0), (3, 0.8), (7, 1.4), (14, 0.4))
    ]


def _simulate_support(
    patient_id: str, curves: dict[str, Curve], last_day: int, rng: np.random.Generator
) -> Rows:
    rows: Rows = []
    low = [
        int(day) for day in _DAYS[(curves["anc"] < _GROWTH_FACTOR_BELOW) & (_DAYS >= 2) & (last_day >= _DAYS)]
    ]
    if low and rng.random() < 0.6:
        stop = min(low[0] + 4, last_day)
        rows.append(_support(patient_id, low[0], stop, "gcsf", agent="filgrastim"))
    for kind, (name, habit) in _TRANSFUSED_BELOW.items():
        days = [int(day) for day in _DAYS[(curves[name] < habit) & (_DAYS >= 0) & (last_day >= _DAYS)]]
        rows.extend(_support(patient_id, day, day, kind) for day in days[::4])
    return rows


def _support(
    patient_id: str, start: int, stop: int, kind: str, *, agent: str | None = None
) -> dict[str, object]:
    return {"patient_id": patient_id, "start": str(start), "stop": str(stop), "kind": kind, "agent": agent}


def _simulate_patient(patient_id: str, frailty: float, rng: np.random.Generator) -> dict[str, object]:
    return {
        "patient_id": patient_id,
        "age_years": int(np.clip(rng.normal(52 + 3 * frailty, 13), 18, 85)),
        "sex": _pick(rng, "male male female"),
        "diagnosis": _pick(rng, "DLBCL DLBCL DLBCL FL MCL"),
        "ecog": str(int(np.clip(round(0.8 + 0.5 * frailty + rng.normal(0, 0.4)), 0, 3))),
        "prior_lines": int(np.clip(rng.poisson(3) + 2, 2, 12)),
        "prior_hsct": _pick(rng, "no no no yes"),
    }


def _simulate_infusion(patient_id: str, rng: np.random.Generator) -> dict[str, object]:
    return {
        "patient_id": patient_id,
        "day": "0",
        "product": "synthetic product",
        "target": _pick(rng, "CD19 CD19 CD19-CD20 CD19-CD22"),
        "lymphodepletion_day": str(_LYMPHODEPLETION_DAY),
    }


def _simulate_events(patient_id: str, death_day: int | None, last_day: int, rng: np.random.Generator) -> Rows:
    def event(kind: str, day: int, grade: str | None = None) -> dict[str, object]:
        return {"patient_id": patient_id, "day": str(day), "kind": kind, "grade": grade}

    rows: Rows = []
    if rng.random() < 0.7:
        rows.append(event("crs", int(rng.integers(1, 8)), _pick(rng, "1 1 2 2 3")))
    if death_day is not None:
        return [*rows, event("death", death_day)]
    return [*rows, event("last_contact", last_day + int(rng.integers(0, 200)))]


def _pick(rng: np.random.Generator, words: str) -> str:
    return str(rng.choice(words.split()))
