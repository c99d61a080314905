"""A score as a factor of a study: its points as numbers, its risk groups as levels."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.errors import ProtocolError
from cytopenia.workflow import StudyRun, analyze_study
from study_files import change, write_study

pytestmark = pytest.mark.usefixtures("one_picture")

POINTS = '\n[factors.car_hematotox]\nscore = "car_hematotox"\n'
GROUP = '\n[factors.risk]\nscore = "car_hematotox"\nas = "group"\n'
MORE = '\n[[analyses]]\nid = "more"\nkind = "characteristics"\nfactors = ["{name}"]\n'
# A: platelets 210, ANC 3.1, Hb 125, CRP 12 mg/L, ferritin 300: no point. B: platelets 143 (1), ANC 1.9,
# Hb 113, CRP 55 mg/L (1), ferritin 700 (1): 3 points. C has neither CRP nor ferritin: 0 to 3.
MARKERS = [("A", "crp", 12, "mg/L"), ("A", "ferritin", 300, "ng/mL")]
MARKERS += [("B", "crp", 5.5, "mg/dL"), ("B", "ferritin", 700, "ng/mL")]
INVENTED = """id = "invented"
model = "eipm_pre"
source = "Invented for a test"
intercept = 0.0
coefficients = { anc = 0.0, platelets = 0.0, ldh = 0.0, ferritin = 0.0 }
normalization = "none"
categories = { disease = { ALL = 0.0, Other = 1.0 } }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = write_study(tmp_path)
    rows = [f"{who},-6,{name},{value},{unit},\n" for who, name, value, unit in MARKERS]
    with (path / "labs.csv").open("a", encoding="utf-8") as file:
        file.writelines(rows)
    return path


def run_with(folder: Path, section: str, name: str) -> StudyRun:
    file = folder / "study.toml"
    file.write_text(file.read_text("utf-8") + section + MORE.format(name=name), encoding="utf-8")
    return analyze_study(file)


def describe(folder: Path, section: str, name: str) -> dict[tuple[str, str], float]:
    results = run_with(folder, section, name).results.filter(pl.col("analysis_id") == "more")
    return {
        (level, estimate): value
        for level, estimate, value in results.select("variable_level", "estimate", "value").iter_rows()
    }


def complain(folder: Path, section: str, words: str, name: str = "risk") -> None:
    with pytest.raises(ProtocolError, match=words):
        run_with(folder, section, name)


def test_points_are_numbers_and_who_is_open_is_missing(folder: Path) -> None:
    found = describe(folder, POINTS, "car_hematotox")
    assert (found["", "median"], found["", "minimum"], found["", "maximum"]) == (1.5, 0, 3)
    assert found["", "missing"] == 1


def test_groups_are_levels_in_the_order_of_the_score(folder: Path) -> None:
    found = describe(folder, GROUP, "risk")
    assert (found["low", "count"], found["high", "count"], found["", "missing"]) == (1, 1, 1)


def test_a_group_counts_where_every_completion_agrees(folder: Path) -> None:
    change(folder / "labs.csv", "C,-6,PLT,250", "C,-6,PLT,50")
    found = describe(folder, GROUP, "risk")
    assert (found["low", "count"], found["high", "count"]) == (1, 2)


def test_the_score_is_named_with_its_assumptions(folder: Path) -> None:
    run = run_with(folder, POINTS, "car_hematotox")
    described = [item for item in run.definitions if item["id"] == "car_hematotox"]
    assert len(described) == 1
    assert any("exactly 1200/uL" in text for text in described[0]["assumed"])


def test_a_value_on_the_day_of_lymphodepletion_is_a_finding(folder: Path) -> None:
    change(folder / "labs.csv", "A,-6,crp,12", "A,-5,crp,12")
    findings = run_with(folder, POINTS, "car_hematotox").findings
    told = findings.filter(pl.col("rule") == "baseline_on_lymphodepletion_day")["message"].to_list()
    assert [message.partition(" the day of")[0] for message in told] == [
        "labs: 1 baseline value of crp is from"
    ]


def test_the_start_of_lymphodepletion_must_be_known(folder: Path) -> None:
    change(folder / "infusions.csv", ",lymphodepletion_day", "")
    change(folder / "infusions.csv", ",-5", "")
    change(folder / "study.toml", 'baseline_definition = "ctcae_v4"\n', "")
    complain(folder, POINTS, "baseline values need the start of lymphodepletion", name="car_hematotox")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (
            '[factors.risk]\nscore = "car_hematotx"',
            r"unknown score 'car_hematotx' \(did you mean 'car_hematotox'",
        ),
        ('[factors.risk]\nscore = "ctcae_v4"', "no score, but a definition of another kind"),
        ('[factors.risk]\nscore = "easix"\nas = "group"', "'easix' has no risk groups"),
        ('[factors.risk]\nscore = "easix"\nas = "grop"', "'factors.risk.as' is 'grop'; allowed: 'group'"),
        ('[factors.risk]\ncolumn = "sex"\nas = "group"', "'as' does not go with 'column'"),
        ('[factors.risk]\nscore = "eipm_pre"', "is a model without coefficients of its own"),
        ('[factors.risk]\nscore = "easix"\ncoefficients = "x.toml"', "'easix' is no model"),
        (
            '[factors.risk]\nscore = "eipm_pre"\ncoefficients = "x.toml"',
            r"(?s)x.toml: no such file.*no column",
        ),
        ('[factors.risk]\nscore = "car_hematotox"\nreference = "low"', 'reference goes with as = "group"'),
        (
            '[factors.risk]\nscore = "car_hematotox"\nas = "group"\nreference = "medium"',
            "reference 'medium' is no group; allowed: low, high",
        ),
        (
            '[factors.risk]\nscor = "easix"',
            r"unknown key 'factors.risk.scor' \(did you mean 'score'\?\).* as, ",
        ),
    ],
)
def test_a_wrong_factor_is_refused(folder: Path, section: str, words: str) -> None:
    complain(folder, f"\n{section}\n", words)


def test_a_model_takes_its_coefficients_from_the_folder_of_the_study(folder: Path) -> None:
    (folder / "mine.toml").write_text(INVENTED, "utf-8")
    (folder / "patients.csv").write_text(
        "patient_id,age_years,sex,disease\nA,61,f,ALL\nB,48,m,Other\nC,70,m,ALL\n"
    )
    with (folder / "labs.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{who},-6,ldh,300,U/L,\n" for who in "AB")
    section = '\n[factors.risk]\nscore = "eipm_pre"\ncoefficients = "mine.toml"\n'
    found = describe(folder, section, "risk")
    assert found["", "minimum"] == pytest.approx(0.5)
    assert found["", "maximum"] == pytest.approx(0.7310586, abs=1e-7)
    assert found["", "missing"] == 1


def test_points_can_be_divided_by_a_curve_but_groups_cannot(folder: Path) -> None:
    curve = '\n[[analyses]]\nid = "roc"\nkind = "roc"\noutcome = "severe_anemia"\nevent = "yes"\n'
    file = folder / "study.toml"
    text = file.read_text("utf-8") + GROUP + curve + 'higher_means_event = ["risk"]\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match="'risk'"):
        analyze_study(file)
