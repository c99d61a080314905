"""Small random cohorts that live near the cuts, where an error would show."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from cytopenia.definition_forms import GradesPart
from cytopenia.definitions import load_library

VALUES = {
    "anc": [
        0,
        0.05,
        0.1,
        0.3,
        0.333,
        0.49,
        0.5,
        0.51,
        0.667,
        0.75,
        0.99,
        1,
        1.01,
        1.2,
        1.5,
        2,
        2.25,
        3,
        5,
        9.7,
    ],
    "wbc": [0, 0.1, 0.4, 0.5, 0.814, 0.9, 1, 1.5, 2, 2.25, 3, 4, 4.5, 11],
    "alc": [0, 0.1, 0.13, 0.2, 0.3, 0.5, 0.75, 0.8, 1, 1.2, 3],
    "hemoglobin": [60, 72, 72.7, 79, 79.9, 80, 80.1, 88, 95, 99, 100, 110, 121, 120, 132, 140],
    "platelets": [0, 5, 9.9, 10, 16, 24, 25, 33, 37.5, 49, 50, 50.1, 75, 76, 112.5, 150, 200],
    "cd4": [0, 0.03, 0.05, 0.075, 0.1, 0.19, 0.2, 0.3, 0.45, 0.5, 0.6, 0.75, 1],
    "fibrinogen": [0, 0.4, 0.5, 0.6, 0.74, 0.75, 0.9, 1, 1.2, 1.49, 1.5, 1.8, 2, 2.25, 2.4, 3, 3.1, 4.5],
}
LIMITS = {
    "anc": [None, 1.2, 1.5, 1.8, 2],
    "wbc": [None, 2.5, 3.9, 4],
    "alc": [None, 0.7, 1],
    "hemoglobin": [None, 95, 120, 130],
    "platelets": [None, 70, 140, 150],
    "cd4": [None, 0.4, 0.6],
    "fibrinogen": [None, 1.5, 2, 2.4],
}
STEPS = [1, 0, 1, 1, 2, 2, 3, 4, 6, 7, 8, 9, 10]
COMPARATORS = ["="] * 8 + ["<", "<=", ">", ">="]
INVALID = [None] * 12 + ["clumping"]
KINDS = ["gcsf", "rbc_transfusion", "platelet_transfusion"]

# How many rows an analyte has, stretches a course, and times support was given.
ROW_COUNTS = [5, 0, 1, 2, 3, 8, 9, 10, 12, 15, 17, 20, 25]
STRETCH_COUNTS = [6, 0, 1, 4, 5, 7, 8, 10, 12, 14]
SUPPORT_COUNTS = [1, 0, 2, 3, 4]

# For grades that count days: values around their cuts and their roundings, in stretches of days.
STRETCH_VALUES = {
    "anc": [
        *(0.3, 2, 0.05, 0.1, 0.5, 0.101, 0.104, 0.105, 0.106, 0.15, 0.49, 0.501, 0.504),
        *(0.505, 0.506, 0.515, 0.51, 0.6, 0.75, 1, 1.001, 1.5, 1.501, 3, 0),
    ],
    "wbc": [3, 0.05, 0.1, 0.3, 0.5, 0.505, 0.75, 1.5],
    "platelets": [30, 150, 19, 20, 13.4, 5, 29.9, 33, 49, 49.9, 50, 50.1, 75, 76, 99, 100, 101, 0],
}
STRETCH_DAYS = [1, 2, 3, 4, 6, 7, 8, 12, 13, 14, 15, 25]
SCHEDULES = [1, 1, 1, 2, 3, 4, 7, 8, 9, 13]
STRETCH_COMPARATORS = ["="] * 9 + ["<", "<=", ">", ">="]
# One or two episodes whose lengths, distance and missing days lie at the limits of the published rules.
EPISODE_VALUES = {
    "anc": ([0.5, 0.1, 0.505, 0.105, 0.3], [2, 0.51, 0.506]),
    "platelets": ([19, 49, 20], [150, 50]),
}
EPISODE_STARTS = [3, 4, 0, 2, 5, 8]
EPISODE_DAYS = [7, 6, 14, 13, 1, 2, 27, 31]
BETWEEN_DAYS = [2, 3, 1, 8]
MISSING_DAYS = [0, 7, 8, 6, 1]
EVENTS = ("last_contact", "progression", "next_therapy")

Row = dict[str, Any]
# One pick is read from so many bytes: many more numbers than there are combinations.
BYTES_OF_A_PICK = 4


def share_of_examples(share: float) -> settings:
    """A share of the examples that the profile asks for: where an example is a cohort of many patients."""
    return settings(max_examples=max(1, round(share * settings.default.max_examples)))


def draw_picks(draw: st.DrawFn, choices: list[list[Any]], count: int) -> list[tuple[int, list[Any]]]:
    """`count` times a number and the pick of one of each list that it stands for.

    All are read from one string of bytes: as a draw of its own each pick would take most of the time.
    """
    size = BYTES_OF_A_PICK * count
    drawn = draw(st.binary(min_size=size, max_size=size))
    starts = range(0, size, BYTES_OF_A_PICK)
    numbers = [int.from_bytes(drawn[start : start + BYTES_OF_A_PICK], "big") for start in starts]
    return [(number, decode(number, choices)) for number in numbers]


def decode(number: int, choices: list[list[Any]]) -> list[Any]:
    """One of each list; 0 is the first of all."""
    picked = []
    for choice in choices:
        number, place = divmod(number, len(choice))
        picked.append(choice[place])
    return picked


def parts() -> dict[str, GradesPart]:
    """The terms of CTCAE 4.03, what later versions changed, and made-up ones with the other comparators."""
    anc = {"title": "Closed cuts", "analyte": "anc", "unit": "1e9/L"}
    wbc = {"title": "High counts", "analyte": "wbc", "unit": "1e9/L"}
    made_up = {
        "at_most": {
            **anc,
            "grades": [_rule(grade, at_most=cut) for grade, cut in [(1, 1.5), (3, 0.5), (4, 0.1)]],
        },
        "above": {**wbc, "grades": [_rule(1, above=2), _rule(2, above=4.5)]},
        "above_baseline": {
            **wbc,
            "grades": [
                _rule(1, above=4.5),
                _rule(1, at_least={"baseline": 1.5}),
                _rule(2, above={"baseline": 3}, only_if={"above": 2}),
            ],
        },
        "at_least": {**wbc, "grades": [_rule(1, at_least=2), _rule(3, at_least=4.5)]},
    }
    made = {name: GradesPart.model_validate(part) for name, part in made_up.items()}
    changed = ["neutrophil_count_decreased", "thrombocytopenia", "fibrinogen_decreased"]
    later = {
        f"ctcae_v6.{name}": load_library().find_parts("ctcae_v6")[f"ctcae_v6.{name}"] for name in changed
    }
    return {**load_library().find_parts("ctcae_v4"), **later, **made}


def _rule(grade: int, **cut: Any) -> Row:
    return {"grade": grade, "text": "made up", **cut}


@st.composite
def lab_rows(draw: st.DrawFn, analyte: str, days: tuple[int, int], limit: Any = "any") -> list[Row]:
    """Rows of one analyte, in steps of 0 (two draws on a day) to 10 days."""
    choices = [STEPS, VALUES[analyte], COMPARATORS, LIMITS[analyte], INVALID]
    rows: list[Row] = []
    day = days[0]
    for number, picked in draw_picks(draw, choices, draw(st.sampled_from(ROW_COUNTS))):
        step, value, comparator, lln, invalid = picked
        day += step
        # Half of the second draws of a day repeat its value, so that comparator and limit decide the tie.
        value = rows[-1]["value"] if rows and step == 0 and number % 2 else value
        comparator = comparator if value > 0 else "="
        lln = lln if limit == "any" else limit
        row = {"day": day, "value": value, "comparator": comparator, "lln": lln, "invalid": invalid}
        rows += [{"analyte": analyte, **row}] if day <= days[1] else []
    return rows


@st.composite
def stretch_rows(draw: st.DrawFn, analyte: str, days: tuple[int, int]) -> list[Row]:
    """Rows of one analyte in stretches of some days; in each a value, another on every third draw."""
    values = STRETCH_VALUES[analyte]
    choices = [STRETCH_DAYS, SCHEDULES, values, values, STRETCH_COMPARATORS, [0, 0, 1, 2, 3]]
    rows: list[Row] = []
    start = days[0]
    for _, picked in draw_picks(draw, choices, draw(st.sampled_from(STRETCH_COUNTS))):
        length, step, value, other, comparator, skipped = picked
        for place, day in enumerate(range(start, min(start + length, days[1] + 1), step)):
            is_other = place % 3 == 2
            row = {"analyte": analyte, "day": day, "value": other if is_other else value}
            limit = comparator if is_other and other > 0 else "="
            rows.append({**row, "comparator": limit, "lln": None, "invalid": None})
        start += length + skipped
    return rows


@st.composite
def episode_rows(draw: st.DrawFn, analyte: str, days: tuple[int, int]) -> list[Row]:
    """Daily rows with two episodes of low values, and up to three stretches left out."""
    pick = lambda values: draw(st.sampled_from(values))  # noqa: E731
    low_values, high_values = EPISODE_VALUES[analyte]
    high, low_days = pick(high_values), {}
    start = days[0] + pick(EPISODE_STARTS)
    for length in (pick(EPISODE_DAYS), pick(EPISODE_DAYS)):
        low_days |= dict.fromkeys(range(start, start + length), pick(low_values))
        start += length + pick(BETWEEN_DAYS)
    missing: set[int] = set()
    for first in (days[0], days[0] + pick(EPISODE_STARTS) + 1, min(start, days[1]) - 8):
        missing |= set(range(first, first + pick(MISSING_DAYS)))
    measured = [day for day in range(days[0], days[1] + 1) if day not in missing]
    row = {"analyte": analyte, "comparator": "=", "lln": None, "invalid": None}
    return [{**row, "day": day, "value": low_days.get(day, high)} for day in measured]


@st.composite
def support_rows(draw: st.DrawFn) -> list[Row]:
    choices = [list(range(36, -4, -1)), [0, 1, 4, None], [None, "Filgrastim", "pegfilgrastim"], KINDS]
    rows: list[Row] = []
    for _, (start, length, agent, kind) in draw_picks(draw, choices, draw(st.sampled_from(SUPPORT_COUNTS))):
        stop = None if length is None else start + length
        rows.append({"kind": kind, "start": start, "stop": stop, "agent": agent})
    return rows


@st.composite
def patients(
    draw: st.DrawFn,
    analytes: tuple[str, ...],
    days: tuple[int, int],
    *,
    limit: Any = "any",
    support: bool = False,
    stretches: bool = False,
    events: tuple[str, ...] = (),
) -> Row:
    """One patient; `stretches` makes long runs of like values, `events` are drawn one or none of each."""
    if stretches:
        labs = [row for analyte in analytes for row in draw(stretch_rows(analyte, days))]
    else:
        labs = [row for analyte in analytes for row in draw(lab_rows(analyte, days, limit))]
    moments = range(days[0] // 2, days[1])
    seldom = st.sampled_from([None] * (4 * len(moments) if stretches else 5) + [*moments])
    second = draw(seldom)
    return {
        "labs": labs,
        "support": draw(support_rows()) if support else [],
        "second_infusion": second if second is None or second > 0 else None,
        "death": draw(seldom.map(lambda day: None if day is None else abs(day))),
        **{kind: draw(seldom) for kind in events},
    }


@st.composite
def cohorts(
    draw: st.DrawFn, *analytes: str, days: tuple[int, int], most: int = 4, **options: Any
) -> list[Row]:
    """One to `most` patients; identifiers do not come in order."""
    members = draw(st.lists(patients(analytes, days, **options), min_size=1, max_size=most))
    names = draw(st.permutations([f"P{number}" for number in range(len(members))]))
    return [{"patient_id": name, **member} for name, member in zip(names, members, strict=True)]
