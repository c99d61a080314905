"""The bundled synthetic twin: its bytes come from the script, its numbers are those of the paper.

Expected numbers are typed from Qiu et al. 2023 (doi:10.3892/ol.2023.13924), Results and Table III.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib import resources
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from cytopenia.readers.sources import read_tables
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import StudyRun, run_plan

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
FILES = ("patients.csv", "infusions.csv", "labs.csv", "support.csv", "events.csv", "responses.csv")
STUDY = """
[study]
title = "Numbers of the synthetic twin"
seed = 1
lymphodepletion_day = -5
support_complete = true
bound_anc_by_wbc = true
synthetic = true

[data]
folder = "."

[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 28]

[outcomes.anemia]
definition = "ctcae_v4.anemia"
window = [-5, 28]

[outcomes.thrombocytopenia]
definition = "ctcae_v4.platelet_count_decreased"
window = [0, 28]

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[[analyses]]
id = "characteristics"
kind = "characteristics"
factors = ["sex", "age_years", "diagnosis", "transformed", "prior_lines", "prior_hsct",
  "marrow_involvement", "bridging", "bridging_regimen", "target", "additional_antibody"]
baseline_definition = "ctcae_v4"

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia", "anemia", "thrombocytopenia"]

[[analyses]]
id = "recovery"
kind = "recovery"
outcome = "recovery"
"""

# Variable, level and count, of 63.
CHARACTERISTICS = [
    ("sex", "male", 45),
    ("sex", "female", 18),
    ("diagnosis", "DLBCL", 47),
    ("transformed", "yes", 4),
    ("diagnosis", "Primary central DLBCL", 4),
    ("diagnosis", "Primary mediastinal DLBCL", 2),
    ("diagnosis", "Follicular lymphoma", 5),
    ("diagnosis", "B-cell lymphoma leukemia", 4),
    ("diagnosis", "Mantle cell lymphoma", 1),
    ("marrow_involvement", "yes", 8),
    ("prior_hsct", "yes", 4),
    ("bridging", "yes", 9),
    ("bridging_regimen", "lenalidomide and zanubrutinib", 1),
    ("target", "CD19", 11),
    ("target", "CD20", 9),
    ("target", "CD19-CD20", 23),
    ("target", "CD19-CD22", 19),
    ("target", "CD20-NK", 1),
    ("additional_antibody", "yes", 2),
]
# Analysis, group and variable; median, minimum and maximum.
RANGES = [
    ("characteristics", "", "age_years", (46, 21, 72)),
    ("characteristics", "", "prior_lines", (8, 3, 26)),
    ("characteristics", "baseline_value", "anc", (3.15, 0.61, 11.35)),
    ("characteristics", "baseline_value", "hemoglobin", (114, 51, 165)),
    ("characteristics", "baseline_value", "platelets", (178, 43, 447)),
    ("occurrence", "nadir", "anc", (0.64, 0.02, 2.31)),
    ("occurrence", "nadir", "hemoglobin", (100, 32, 137)),
    ("occurrence", "nadir", "platelets", (121, 2, 307)),
    ("occurrence", "nadir_day", "anc", (5, 0, 27)),
    ("occurrence", "nadir_day", "hemoglobin", (8, -5, 28)),
    ("occurrence", "nadir_day", "platelets", (10, 0, 28)),
]
BASELINE_CYTOPENIA = [("anc", 18), ("hemoglobin", 22), ("platelets", 9), ("any", 32)]
# Outcome, patients with any grade, with grade 3 or higher.
OCCURRENCE = [("neutropenia", 61, 48), ("anemia", 46, 16), ("thrombocytopenia", 17, 15)]
RECOVERY = [("recovered", 39), ("not recovered", 21), ("not evaluable", 0), ("died before landmark", 3)]
# Marker, when, cut, whether high values recover; odds ratio and limits of Table III as printed; the only
# counts (recovered at or above the cut, recovered below, not recovered at or above, below) that give them.
TABLE_3 = [
    ("anc", "baseline", "2.29", True, (11.0, 3.130, 38.660), (33, 6, 7, 14)),
    ("hemoglobin", "baseline", "114.5", True, (8.500, 2.371, 30.466), (26, 13, 4, 17)),
    ("il6", "baseline", "21.43", False, (0.107, 0.028, 0.410), (4, 34, 11, 10)),
    ("ferritin", "baseline", "558.65", False, (0.250, 0.081, 0.770), (13, 26, 14, 7)),
    ("ferritin", "peak", "1195", False, (0.110, 0.031, 0.395), (5, 34, 12, 9)),
]
NORMAL_QUANTILE = 1.959963984540054


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    folder = tmp_path_factory.mktemp("twin")
    for name in FILES:
        shutil.copy(EXAMPLE / name, folder / name)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = read_protocol(folder / "study.toml")
    return run_plan(study, read_tables(study.data_folder, study.protocol.data))


@pytest.fixture(scope="module")
def recovered(run: StudyRun) -> dict[str, bool]:
    """Recovered or not, for the 60 patients who lived to the landmark."""
    judged = run.outcomes.filter(pl.col("outcome") == "recovery", pl.col("policy").is_not_null())
    return {patient: state == 0 for patient, state in judged.select("patient_id", "policy").iter_rows()}


def read_example(name: str) -> list[dict[str, str]]:
    return pl.read_csv(EXAMPLE / name, infer_schema=False).fill_null("").to_dicts()


def find(run: StudyRun, **key: str) -> float | None:
    full = {"group": "", "stratum": "", "variable_level": "", "scenario": "", **key}
    rows = run.results.filter(*(pl.col(name) == value for name, value in full.items()))
    assert rows.height == 1
    return rows["value"].item()


def read_marker(analyte: str, when: str) -> dict[str, Fraction]:
    """Last value of days -19 to -5, or the highest of days 0 to 14; as decimal as printed."""
    found: dict[str, tuple[int, Fraction]] = {}
    for row in read_example("labs.csv"):
        day = int(row["day"])
        if row["analyte"] != analyte or not (-19 <= day <= -5 if when == "baseline" else 0 <= day <= 14):
            continue
        value, known = Fraction(row["value"].removeprefix("<")), found.get(row["patient_id"])
        if known is None or (day > known[0] if when == "baseline" else value > known[1]):
            found[row["patient_id"]] = (day, value)
    return {patient: value for patient, (_, value) in found.items()}


def split_by_recovery(
    marker: dict[str, Fraction], recovered: dict[str, bool]
) -> tuple[list[Fraction], list[Fraction]]:
    known = [(marker[patient], state) for patient, state in recovered.items() if patient in marker]
    return [value for value, state in known if state], [value for value, state in known if not state]


def printed_alike(counts: tuple[int, int, int, int], printed: tuple[float, float, float]) -> bool:
    """Whether the counts give the odds ratio and both limits (Woolf), each to three decimals."""
    first, second, third, fourth = counts
    logarithm = math.log(first * fourth / (second * third))
    half = NORMAL_QUANTILE * math.sqrt(sum(1 / count for count in counts))
    found = (math.exp(logarithm), math.exp(logarithm - half), math.exp(logarithm + half))
    return all(abs(one - other) <= 0.0005 + 1e-9 for one, other in zip(found, printed, strict=True))


def possible_counts() -> Iterator[tuple[int, int, int, int]]:
    """Every 2 x 2 table of 39 recovered and 21 others, or of 59 of them."""
    for recovered, others in ((39, 21), (38, 21), (39, 20)):
        for first in range(1, recovered):
            for third in range(1, others):
                yield first, recovered - first, third, others - third


def test_the_script_writes_the_committed_bytes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "make_example.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_tables_have_notes_but_no_warning(run: StudyRun) -> None:
    assert set(run.findings["severity"]) == {"info"}
    rules = {"file_read", "marked_invalid", "baseline_on_lymphodepletion_day"}
    assert set(run.findings["rule"]) == rules


def test_every_patient_and_product_is_called_synthetic() -> None:
    patients = [row["patient_id"] for row in read_example("patients.csv")]
    assert patients == [f"SYN-{number:02d}" for number in range(1, 64)]
    assert {row["product"] for row in read_example("infusions.csv")} == {"synthetic"}


@pytest.mark.parametrize(("variable", "level", "count"), CHARACTERISTICS)
def test_characteristics(run: StudyRun, variable: str, level: str, count: int) -> None:
    key = {"analysis_id": "characteristics", "variable": variable, "variable_level": level}
    assert find(run, **key, estimate="count") == count


@pytest.mark.parametrize(("analysis", "group", "variable", "numbers"), RANGES)
def test_medians_and_ranges(
    run: StudyRun, analysis: str, group: str, variable: str, numbers: tuple[float, ...]
) -> None:
    key = {"analysis_id": analysis, "group": group, "variable": variable}
    found = [find(run, **key, estimate=name) for name in ("median", "minimum", "maximum")]
    assert found == pytest.approx(numbers, abs=1e-12)


@pytest.mark.parametrize(("variable", "count"), BASELINE_CYTOPENIA)
def test_baseline_cytopenia(run: StudyRun, variable: str, count: int) -> None:
    key = {"analysis_id": "characteristics", "group": "baseline_cytopenia", "variable": variable}
    assert find(run, **key, estimate="count", scenario="policy") == count


@pytest.mark.parametrize(("outcome", "any_grade", "severe"), OCCURRENCE)
def test_occurrence(run: StudyRun, outcome: str, any_grade: int, severe: int) -> None:
    key = {"analysis_id": "occurrence", "variable": outcome, "estimate": "count"}
    assert find(run, **key, variable_level="any grade", scenario="policy") == any_grade
    assert find(run, **key, variable_level="grade >= 3", scenario="policy") == severe
    assert find(run, **key, variable_level="not judged", scenario="policy") == 0


@pytest.mark.parametrize("outcome", ["neutropenia", "anemia", "thrombocytopenia"])
def test_some_severe_grades_are_open_and_most_are_decided(run: StudyRun, outcome: str) -> None:
    key = {"analysis_id": "occurrence", "variable": outcome, "variable_level": "grade >= 3"}
    best, worst = (find(run, **key, estimate="count", scenario=name) for name in ("best", "worst"))
    assert best is not None
    assert worst is not None
    # 63 patients: fewer than half are open.
    assert 1 <= worst - best <= 31


@pytest.mark.parametrize(("label", "count"), RECOVERY)
def test_recovery(run: StudyRun, label: str, count: int) -> None:
    stratum = "as competing event" if label == "died before landmark" else "left out"
    key = {"analysis_id": "recovery", "variable": "recovery", "variable_level": label, "stratum": stratum}
    assert find(run, **key, estimate="count", scenario="policy") == count


def test_some_recoveries_are_open_both_ways(run: StudyRun) -> None:
    key = {"analysis_id": "recovery", "variable": "recovery", "stratum": "left out", "estimate": "count"}
    best, worst = (
        find(run, **key, variable_level="not recovered", scenario=name) for name in ("best", "worst")
    )
    assert best is not None
    assert worst is not None
    assert best < 21 < worst


@pytest.mark.parametrize(("kind", "grades"), [("crs", {"1-2": 40, "3-4": 4}), ("icans", {"1": 7, "3": 3})])
def test_toxicity_grades(kind: str, grades: dict[str, int]) -> None:
    rows = [row for row in read_example("events.csv") if row["kind"] == kind]
    assert len({row["patient_id"] for row in rows}) == len(rows) == sum(grades.values())
    for label, count in grades.items():
        low, _, high = label.partition("-")
        assert sum(int(low) <= int(row["grade"]) <= int(high or low) for row in rows) == count


@pytest.mark.parametrize(
    ("label", "least", "most", "severe"),
    [("none", 0, 0, (1, 19)), ("1-2", 1, 2, (13, 40)), ("3", 3, 5, (1, 4))],
)
def test_severe_thrombocytopenia_by_crs(
    run: StudyRun, label: str, least: int, most: int, severe: tuple[int, int]
) -> None:
    grades = {
        row["patient_id"]: int(row["grade"]) for row in read_example("events.csv") if row["kind"] == "crs"
    }
    graded = run.outcomes.filter(pl.col("outcome") == "thrombocytopenia").select("patient_id", "policy")
    group = [policy for patient, policy in graded.iter_rows() if least <= grades.get(patient, 0) <= most]
    assert (sum(policy >= 3 for policy in group), len(group)) == severe


def test_responses() -> None:
    found = [row["response"] for row in read_example("responses.csv")]
    assert {word: found.count(word) for word in set(found)} == {"CR": 11, "PR": 28, "SD": 12, "PD": 9}
    assert {row["day"] for row in read_example("responses.csv")} == {"30"}


@pytest.mark.parametrize(("analyte", "when", "cut", "high", "printed", "counts"), TABLE_3)
def test_each_row_of_table_3_allows_one_set_of_counts_and_the_twin_has_it(
    recovered: dict[str, bool],
    analyte: str,
    when: str,
    cut: str,
    high: bool,
    printed: tuple[float, float, float],
    counts: tuple[int, int, int, int],
) -> None:
    assert [found for found in possible_counts() if printed_alike(found, printed)] == [counts]
    good, bad = split_by_recovery(read_marker(analyte, when), recovered)
    at_least = [sum(value >= Fraction(cut) for value in group) for group in (good, bad)]
    assert (at_least[0], len(good) - at_least[0], at_least[1], len(bad) - at_least[1]) == counts


@pytest.mark.parametrize(("analyte", "when", "cut", "high", "printed", "counts"), TABLE_3)
def test_the_youden_index_has_its_only_maximum_at_the_printed_cut(
    recovered: dict[str, bool],
    analyte: str,
    when: str,
    cut: str,
    high: bool,
    printed: tuple[float, float, float],
    counts: tuple[int, int, int, int],
) -> None:
    """In fractions: the cut is the decimal number, not one near it."""
    good, bad = split_by_recovery(read_marker(analyte, when), recovered)
    values = sorted({*good, *bad})
    middles = [(low + up) / 2 for low, up in pairwise(values)]

    def youden(threshold: Fraction) -> Fraction:
        above = [Fraction(sum(value >= threshold for value in group), len(group)) for group in (good, bad)]
        return above[0] - above[1] if high else above[1] - above[0]

    best = max(youden(threshold) for threshold in middles)
    assert [threshold for threshold in middles if youden(threshold) == best] == [Fraction(cut)]
    wins = sum(Fraction(1 + (one > other) - (one < other), 2) for one in good for other in bad)
    area = wins / (len(good) * len(bad))
    assert Fraction(7, 10) < (area if high else 1 - area) < Fraction(9, 10)
