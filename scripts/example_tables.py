"""Visits, laboratory rows and support of one synthetic patient, from the planned courses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from example_courses import (
    Course,
    Draws,
    Lineage,
    Setting,
    Transfusion,
    draw_hemoglobin,
    draw_neutrophils,
    draw_platelets,
    draw_white_cells,
    transfuse,
)

LAST_CLINIC_DAY = 60
LIMITS = {"anc": "2.0", "wbc": "3.5", "hemoglobin": "110", "platelets": "100"}
UNITS = {"anc": "10^9/L", "wbc": "10^9/L", "hemoglobin": "g/L", "platelets": "10^9/L"}
MARKER_UNITS = {"crp": "mg/L", "ferritin": "ug/L", "il6": "pg/mL"}
# Below this, two unmeasured days in a row would leave a grade or the recovery open (days between visits can
# lie that much below their neighbors); where the plan does not want that, the ward counts every day.
SAFE = {"anc": 150, "hemoglobin": 88, "platelets": 75}
# On the ward even a mild thrombocytopenia is followed every day.
WARD_UNTIL, WARD_SAFE_PLATELETS = 13, 150
CUT = {"anc": 100, "hemoglobin": 80, "platelets": 50}
TRANSFUSIONS = {
    "hemoglobin": (
        "rbc_transfusion",
        Transfusion(below=73, pause=3, gain=(6, 11), kept_per_day=0.9, quiet=4, cut=80),
    ),
    "platelets": (
        "platelet_transfusion",
        Transfusion(below=19, pause=2, gain=(8, 19), kept_per_day=0.5, quiet=2, cut=50),
    ),
}
OPEN_WORDS = {"anc": "neutropenia", "hemoglobin": "anemia", "platelets": "thrombocytopenia"}
Row = dict[str, str]


@dataclass(frozen=True)
class Patient:
    """One row of the plan, typed, with the generator of this patient alone."""

    row: Row
    rng: Draws

    @property
    def patient_id(self) -> str:
        return self.row["patient_id"]

    @property
    def death_day(self) -> int | None:
        return int(self.row["death_day"]) if self.row["death_day"] else None

    @property
    def notes(self) -> set[str]:
        return set(self.row["notes"].split())

    @property
    def is_unrecovered(self) -> bool:
        return bool(self.notes & set(CUT))

    def lineage(self, name: str) -> Lineage:
        scale = 100 if name == "anc" else 1
        numbers = [
            round(float(self.row[f"{name}_{part}"]) * scale) for part in ("baseline", "nadir", "landmark")
        ]
        return Lineage(
            baseline=numbers[0],
            nadir=numbers[1],
            nadir_day=int(self.row[f"{name}_nadir_day"]),
            landmark=numbers[2],
            fails=name in self.notes,
        )


@dataclass(frozen=True)
class Courses:
    """Daily counts of a patient, the days of transfusions, and the days on which blood was drawn."""

    counts: dict[str, Course]
    transfused: dict[str, list[int]]
    visits: list[int]
    baseline_day: int


def draw_courses(patient: Patient) -> Courses:
    """Return the daily counts and the days of blood draws."""
    rng, plans = patient.rng, {name: patient.lineage(name) for name in CUT}
    baseline_day = _choose_baseline_day(plans, rng)
    setting = Setting(
        baseline_day=baseline_day,
        is_under_gcsf="under_gcsf" in patient.notes,
        dies=patient.death_day is not None,
        is_severe=plans["hemoglobin"].nadir < CUT["hemoglobin"],
        rng=rng,
    )
    counts = {
        "anc": draw_neutrophils(plans["anc"], setting),
        "hemoglobin": draw_hemoglobin(plans["hemoglobin"], setting),
        "platelets": draw_platelets(plans["platelets"], setting),
    }
    transfused: dict[str, list[int]] = {}
    for name, (kind, habit) in TRANSFUSIONS.items():
        last = patient.death_day or LAST_CLINIC_DAY
        counts[name], transfused[kind] = transfuse(counts[name], plans[name], habit, last=last, rng=rng)
    for name, plan in plans.items():
        counts[name][baseline_day] = plan.baseline
    counts["wbc"] = draw_white_cells(counts["anc"], setting)
    visits = _choose_visits(patient, plans, baseline_day)
    return Courses(counts, transfused, _close_gaps(patient, counts, visits), baseline_day)


def _choose_baseline_day(plans: dict[str, Lineage], rng: Draws) -> int:
    if plans["hemoglobin"].nadir_day == -5:
        return -5
    return rng.pick(-5, -6, -6, -6, -6, -7, -7, -8, -9, -12)


def _choose_visits(patient: Patient, plans: dict[str, Lineage], baseline_day: int) -> set[int]:
    """Daily on the ward, then every two to six days; the days of the nadirs are always among them."""
    rng, death = patient.rng, patient.death_day
    discharge = death or int(rng.integers(17, 25) if patient.is_unrecovered else rng.integers(13, 18))
    ward = [day for day in range(-4, discharge + 1) if not rng.is_below(4)]
    nadir_days = {plan.nadir_day for plan in plans.values()}
    days = {baseline_day, *ward, *nadir_days}
    if rng.is_below(33):
        days.add(-int(rng.integers(max(13, 1 - baseline_day), 20)))
    if death:
        return days
    day = discharge
    while day < LAST_CLINIC_DAY:
        day += int(rng.integers(2, 7) if day < 34 else rng.integers(4, 10))
        days.add(min(day, LAST_CLINIC_DAY))
    if "open_recovery" in patient.notes:
        # Counted on days 25 and 29 only: what lay between is inferred.
        days = {*(day for day in days if not 24 <= day <= 30), 25, 29}
    elif patient.is_unrecovered:
        days |= {26, 28}
    for name, word in OPEN_WORDS.items():
        if f"open_{word}" in patient.notes:
            # Nobody counted on the two days after the nadir: it may have gone deeper.
            days -= {plans[name].nadir_day + step for step in (1, 2)} - nadir_days
    return days


def _close_gaps(patient: Patient, counts: dict[str, Course], visits: set[int]) -> list[int]:
    """Add the days that would leave open what the plan wants decided."""
    days = set(visits)
    ordered = sorted(visits)
    for before, after in pairwise(ordered):
        if (
            before >= -5
            and after <= 36
            and any(_leaves_open(patient, name, counts[name], (before, after)) for name in CUT)
        ):
            days |= set(range(before, after))
    return sorted(days)


def _leaves_open(patient: Patient, name: str, course: Course, gap: tuple[int, int]) -> bool:
    if f"open_{OPEN_WORDS[name]}" in patient.notes:
        return False
    if "open_recovery" in patient.notes and gap == (25, 29):
        return False
    if name == "platelets" and gap[1] <= WARD_UNTIL and patient.lineage(name).nadir >= CUT[name]:
        return min(course[gap[0]], course[gap[1]]) < WARD_SAFE_PLATELETS
    is_severe = patient.lineage(name).nadir < CUT[name]
    matters = not is_severe or (gap[1] > 25 and gap[0] < 30 and not patient.is_unrecovered)
    return matters and min(course[gap[0]], course[gap[1]]) < SAFE[name]


def list_count_rows(patient: Patient, courses: Courses) -> list[Row]:
    """Return the laboratory rows of the counts; a differential is often missing when few cells are left."""
    rows: list[Row] = []
    anc, wbc = courses.counts["anc"], courses.counts["wbc"]
    nadir_day = patient.lineage("anc").nadir_day
    for day in courses.visits:
        is_counted = day == nadir_day or wbc[day] >= 60 or patient.rng.is_below(50)
        for name in ("wbc", "anc", "hemoglobin", "platelets"):
            if name != "anc" or is_counted or day < 0:
                rows.append(_write_row(patient, day, name, courses.counts[name][day]))
    if "below_limit" in patient.notes:
        for row in rows:
            if row["analyte"] == "anc" and int(row["day"]) == nadir_day:
                row["value"] = f"<{anc[nadir_day] / 100:.1f}"
    return rows


def _write_row(patient: Patient, day: int, name: str, count: int) -> Row:
    value = f"{count // 100}.{count % 100:02d}" if name in ("anc", "wbc") else str(count)
    row = {
        "patient_id": patient.patient_id,
        "day": str(day),
        "analyte": name,
        "value": value,
        "unit": UNITS[name],
        "lln": LIMITS[name],
        "invalid": "",
    }
    if "other_hospital" in patient.notes and day > 17 and name == "hemoglobin":
        row |= {"value": f"{count // 10}.{count % 10}", "unit": "g/dL", "lln": "11.0"}
    return row


def list_marker_rows(patient: Patient, courses: Courses) -> list[Row]:
    """Return CRP, ferritin and IL-6: once or twice before treatment, the peak, lower values around it."""
    rows: list[Row] = []
    rng = patient.rng
    onset = int(patient.row["crs_day"] or rng.integers(3, 8))
    for name, delay, decimals in (("crp", 1, 1), ("ferritin", 2, None), ("il6", 1, 1)):
        baseline, peak = patient.row[f"{name}_baseline"], patient.row[f"{name}_peak"]
        if not baseline:
            continue
        days = {courses.baseline_day: baseline}
        if rng.is_below(25):
            days[-rng.integers(14, 20)] = _print(float(baseline) * _percent(rng, 70, 130), decimals)
        top = onset + delay
        days[top] = peak
        first, last = float(baseline), float(peak)
        for day in (0, 3, 7, 10, 14, 21, 28):
            if abs(day - top) >= 2 and day <= (patient.death_day or 99):
                days[day] = _print(_marker_value(day, top, first, last, rng), decimals)
        rows += [_write_marker(patient, name, day, value) for day, value in sorted(days.items())]
    return rows


def _marker_value(day: int, top: int, first: float, peak: float, rng: Draws) -> float:
    """Below the peak on every other day: the baseline rises to it, then four fifths of the rest go a week."""
    if day < top:
        share = (day + 5) / (top + 5)
        value = first + (peak - first) * share * share
    else:
        value = first * 0.8 + (peak - first * 0.8) / (1 + (day - top) / 2)
    return min(value * _percent(rng, 80, 115), peak * 0.9)


def _percent(rng: Draws, low: int, high: int) -> float:
    return rng.integers(low, high + 1) / 100


def _print(value: float, decimals: int | None) -> str:
    return str(round(value)) if decimals is None or value >= 1000 else f"{value:.{decimals}f}"


def _write_marker(patient: Patient, name: str, day: int, value: str) -> Row:
    blank = {"lln": "", "invalid": ""}
    key = {"patient_id": patient.patient_id, "day": str(day), "analyte": name}
    return {**key, "value": value, "unit": MARKER_UNITS[name], **blank}


def list_support_rows(patient: Patient, courses: Courses) -> list[Row]:
    """Return growth factors and transfusions as the counts call for them."""
    last = patient.death_day or LAST_CLINIC_DAY
    rows = [*_list_gcsf(patient, courses.counts["anc"], last)]
    for kind, days in courses.transfused.items():
        rows += [_support(patient, day, day, kind, "") for day in days]
    if "platelets" in patient.notes and patient.rng.is_below(50):
        start = patient.rng.integers(14, 20)
        rows.append(_support(patient, start, start + patient.rng.integers(10, 17), "tpo_ra", "avatrombopag"))
    return rows


def _list_gcsf(patient: Patient, anc: Course, last: int) -> list[Row]:
    rng, rows = patient.rng, list[Row]()
    low = [day for day in anc if 1 <= day <= 18 and anc[day] < 50]
    if low and rng.is_below(85):
        start = low[0] + rng.integers(0, 2)
        stop = start + 3
        while stop < min(start + 9, last) and anc[stop] < 120:
            stop += 1
        agent = rng.pick("filgrastim", "filgrastim", "filgrastim", "lenograstim")
        rows.append(_support(patient, start, min(stop, last), "gcsf", agent))
    if "under_gcsf" in patient.notes:
        rows.append(_support(patient, 23, 30, "gcsf", "filgrastim"))
    elif "anc" in patient.notes and "open_recovery" not in patient.notes and rng.is_below(55):
        # A second course, after the first one's end.
        start = max(rng.integers(19, 24), *(int(row["stop"]) + 2 for row in rows), 0)
        rows.append(_support(patient, start, start + rng.integers(3, 9), "gcsf", "filgrastim"))
    return rows


def _support(patient: Patient, start: int, stop: int, kind: str, agent: str) -> Row:
    numbers = {"start": str(start), "stop": str(stop)}
    return {"patient_id": patient.patient_id, **numbers, "kind": kind, "agent": agent}
