"""Worked examples of the reference pages: the example cases of `conformance/`, in Markdown."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.definition_forms import (
    ModelDefinition,
    PointsDefinition,
    RatioDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import load_definition
from cytopenia.units import load_analytes, show_unit

ROOT = Path(__file__).parents[1]
CASES = ROOT / "conformance"
SUPPORT = {
    "gcsf": "growth factor",
    "rbc_transfusion": "red cell transfusion",
    "platelet_transfusion": "platelet transfusion",
    "tpo_ra": "thrombopoietin-receptor agonist",
    "stem_cell_boost": "stem cell boost",
}
EVENTS = {
    "death": "death",
    "last_contact": "last contact",
    "progression": "progression",
    "next_therapy": "next therapy",
}

Row = Mapping[str, str]


@dataclass(frozen=True)
class Example:
    """One case that teaches a definition, with the rows of its patient by table."""

    folder: str
    address: str
    case: Mapping[str, Any]
    tables: Mapping[str, Sequence[Row]]
    window: tuple[int, int] | None
    bounds_by_wbc: bool
    bounds: tuple[dict[str, float], int] | None = None

    @property
    def part(self) -> str:
        return self.address.partition(".")[2]


def read_examples(root: Path = CASES) -> dict[str, list[Example]]:
    """Return the examples by the id of their definition, in the order of the folders."""
    found: dict[str, list[Example]] = {}
    for path in sorted(root.glob("*/cases.toml")):
        head = tomllib.loads(path.read_text("utf-8"))
        for case in head["case"]:
            if case.get("example"):
                address = head["definition"]
                window = tuple(head["window"]) if "window" in head else None
                found.setdefault(address.partition(".")[0], []).append(
                    Example(
                        path.parent.name,
                        address,
                        case,
                        read_tables(path.parent, case["id"]),
                        window,
                        head.get("bound_anc_by_wbc", False),
                        (head["slack"], head["longest_gap"]) if "slack" in head else None,
                    )
                )
    return found


def read_tables(folder: Path, patient: str) -> dict[str, list[Row]]:
    """Return the rows of one patient by table."""
    tables: dict[str, list[Row]] = {}
    for path in sorted(folder.glob("*.csv")):
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        if kept := [row for row in rows if row["patient_id"] == patient]:
            tables[path.stem] = kept
    return tables


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell(item) for item in line) + " |" for line in lines)


def cell(item: object) -> str:
    """Return a cell: no line break and no bar; a sign that Markdown reads as a tag is spelled out."""
    text = str(item).replace("|", "\\|").replace("\n", " ")
    return text.replace("<", "&lt;")


def show_example(example: Example) -> str:
    """Return the whole example: what was measured, the expected answer, and why."""
    case = example.case
    about = case["about"][:1].upper() + case["about"][1:]
    parts = [
        f"**{about}.** No patient stands behind it.",
        *_show_data(example),
        table(["Reading", "Answer"], _list_answers(example)),
        f"The words that decide: “{escape(case['sentence'])}”",
        f"Why: {escape(case['arithmetic'])}",
        *_say_bounds(example),
        f"This is case `{case['id']}` of [`conformance/{example.folder}`](../../conformance/{example.folder}"
        "/cases.toml); the tests hold the package to it.",
    ]
    return "\n\n".join(parts)


def escape(text: str) -> str:
    """Return a sentence as Markdown shows it: signs of comparison are no tags, stars no emphasis."""
    return text.replace("<", "&lt;").replace("*", "\\*")


def _say_bounds(example: Example) -> list[str]:
    """The bounds of a case are its own, so that its arithmetic does not change with those of the package."""
    if example.bounds is None:
        return []
    slacks, longest = example.bounds
    told = ", ".join(f"{name} {slack:g}" for name, slack in slacks.items())
    return [
        f"Bounds of this case, its own: two measurements at most {longest} days apart, slack {told}."
        " The package's own slack is another: [`neighbor_bounds`](neighbor_bounds.md)."
    ]


def _show_data(example: Example) -> list[str]:
    tables = example.tables
    shown: list[str] = []
    if example.window is not None:
        first, last = example.window
        shown.append(f"Days {first} to {last} are looked at (the window of the study).")
    if "labs" in tables:
        shown.append(show_labs(tables["labs"]))
    if "values" in tables:
        shown.append(_show_values(tables["values"]))
    if "findings" in tables:
        shown.append(_show_findings(tables["findings"]))
    beside = [
        *(_say_support(row) for row in tables.get("support", ())),
        *(f"{EVENTS[row['kind']]} on day {row['day']}" for row in tables.get("events", ())),
        *(f"second infusion on day {row['day']}" for row in tables.get("infusions", ()) if row["day"] != "0"),
        *(f"disease: {row['disease']}" for row in tables.get("patients", ())),
    ]
    return [*shown, f"Beside: {'; '.join(beside)}."] if beside else shown


def _say_support(row: Row) -> str:
    agent = row.get("agent") or ("agent not recorded" if row["kind"] == "gcsf" else "")
    name = SUPPORT[row["kind"]] + (f" ({agent})" if agent else "")
    if not row["stop"]:
        return f"{name} from day {row['start']}, stop not recorded"
    if row["start"] == row["stop"]:
        return f"{name} on day {row['start']}"
    return f"{name} on days {row['start']} to {row['stop']}"


def show_labs(rows: Sequence[Row]) -> str:
    """Return the measurements, a column per analyte and a row per stretch of days with the same values."""
    names = list(dict.fromkeys(row["analyte"] for row in rows))
    units = {name: sorted({row["unit"] for row in rows if row["analyte"] == name}) for name in names}
    limits = {name: sorted({row["lln"] for row in rows if row["analyte"] == name} - {""}) for name in names}
    moments: dict[tuple[int, int], dict[str, list[str]]] = {}
    for row in rows:
        minute = int(row.get("minute") or -1)
        cells = moments.setdefault((int(row["day"]), minute), {})
        value = (
            row["value"] if len(units[row["analyte"]]) == 1 else f"{row['value']} {show_unit(row['unit'])}"
        )
        cells.setdefault(row["analyte"], []).append(value)
    is_timed = any(minute >= 0 for _, minute in moments)
    lines = [
        (day, minute, tuple(", ".join(cells.get(name, ["-"])) for name in names))
        for (day, minute), cells in sorted(moments.items())
    ]
    headings = [*(["Day", "Time"] if is_timed else ["Days"]), *(_head(name, units, limits) for name in names)]
    if is_timed:
        return table(headings, ([day, _clock(minute), *cells] for day, minute, cells in lines))
    return table(headings, _join_days([(day, cells) for day, _, cells in lines]))


def _head(name: str, units: Mapping[str, list[str]], limits: Mapping[str, list[str]]) -> str:
    unit = f", {show_unit(units[name][0])}" if len(units[name]) == 1 else ""
    limit = f" (lower limit of normal {limits[name][0]})" if len(limits[name]) == 1 else ""
    return f"{load_analytes()[name].title}{unit}{limit}"


def _clock(minute: int) -> str:
    return "-" if minute < 0 else f"{minute // 60:02d}:{minute % 60:02d}"


def _join_days(lines: Sequence[tuple[int, tuple[str, ...]]]) -> list[list[object]]:
    """Days in a row with the same values stand in one line."""
    joined: list[tuple[int, int, tuple[str, ...]]] = []
    for day, cells in lines:
        if joined and joined[-1][2] == cells and joined[-1][1] == day - 1:
            joined[-1] = (joined[-1][0], day, cells)
        else:
            joined.append((day, day, cells))
    return [
        [first if first == last else f"{first} to {last}, daily", *cells] for first, last, cells in joined
    ]


def _show_values(rows: Sequence[Row]) -> str:
    lines = [
        [
            load_analytes()[row["analyte"]].title,
            row["value"],
            show_unit(row["unit"]),
            f"day {row['day']}" if row.get("day") else "before lymphodepletion",
        ]
        for row in rows
    ]
    return table(["Value", "", "Unit", "When"], lines)


def _show_findings(rows: Sequence[Row]) -> str:
    names = [name for name in rows[0] if name not in ("patient_id", "day")]
    known = load_bedside_inputs()
    headings = ["Input", *(f"Day {row['day']}" for row in rows)]
    lines = [[f"{known[name].title} (`{name}`)", *(row[name] or "-" for row in rows)] for name in names]
    return table(headings, lines)


_READINGS = {
    "policy": "by the definition's own rule (`policy`)",
    "group": "risk group",
    "possible": "what it may have been, by all that is known (`possible_labels`)",
    "best": "if what was not measured was as healthy as it plausibly can be (`best`)",
    "worst": "if what was not measured was as sick as it plausibly can be (`worst`)",
}


_OF_SCORES = {
    "policy": "the score",
    "best": "if missing items were as healthy as they can be (`best`)",
    "worst": "if missing items were as sick as they can be (`worst`)",
}


def _list_answers(example: Example) -> list[list[str]]:
    case = example.case
    readings = {**_READINGS, **(_OF_SCORES if "values" in example.tables else {})}
    return [[words, _say_answer(example, case[name])] for name, words in readings.items() if name in case]


def _say_answer(example: Example, answer: float | str) -> str:
    if isinstance(answer, str):
        return answer.replace("not_judged", "not judged").replace("|", " or ")
    match load_definition(example.address):
        case RecoveryTimeDefinition():
            return f"day {answer}"
        case ModelDefinition():
            return f"a risk of {answer:.1%}"
        case PointsDefinition():
            return f"{answer:g} points"
        case RatioDefinition():
            return f"{answer:.10g}"
        case _:
            return f"grade {answer:g}"
