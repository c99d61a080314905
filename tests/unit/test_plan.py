"""The plan of a study: what is laid out over which days, and what tables call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.definition_forms import RecoveryDefinition
from cytopenia.definitions import load_definition, load_library
from cytopenia.study.plan import Plan, RecoveryPlan, build_plan
from cytopenia.study.protocol import read_protocol
from cytopenia.study.single_plans import plan_recovery
from study_files import STUDY


@pytest.fixture
def plan_of(tmp_path: Path):
    def build(text: str = STUDY, added: str = "") -> Plan:
        head, mark, analyses = text.partition("[[analyses]]")
        (tmp_path / "study.toml").write_text(head + added + mark + analyses, encoding="utf-8")
        return build_plan(read_protocol(tmp_path))

    return build


def outcome(name: str, text: str) -> str:
    return f"[outcomes.{name}]\n{text}\n\n"


ANC = 'definition = "ctcae_v4.neutrophil_count_decreased"\n'


def test_outcomes_of_one_question_are_graded_once(plan_of) -> None:
    """A window of one definition is one question; whether grade 3 was reached is another."""
    plan = plan_of(added=outcome("again", ANC + "window = [0, 28]"))
    grades = {(item.address.partition(".")[2], item.min_grade): item.outcomes for item in plan.grades}
    assert grades == {
        ("neutrophil_count_decreased", None): ("neutropenia", "again"),
        ("neutrophil_count_decreased", 3): ("severe_neutropenia",),
        ("anemia", None): ("anemia",),
        ("anemia", 3): ("severe_anemia",),
        ("platelet_count_decreased", None): ("thrombocytopenia",),
    }


def test_another_window_is_graded_apart(plan_of) -> None:
    plan = plan_of(added=outcome("late", ANC + "window = [29, 90]"))
    assert [(item.window, item.outcomes) for item in plan.grades if item.part.analyte == "anc"] == [
        ((0, 28), ("neutropenia",)),
        ((0, 28), ("severe_neutropenia",)),
        ((29, 90), ("late",)),
    ]


def test_each_lineage_has_a_nadir_per_window(plan_of) -> None:
    plan = plan_of(added=outcome("before", ANC + "window = [-5, 90]"))
    assert [(item.outcome, item.window) for item in plan.nadirs] == [
        ("nadir_anc", (0, 28)),
        ("nadir_hemoglobin", (0, 28)),
        ("nadir_platelets", (0, 28)),
        ("nadir_anc_m5_90", (-5, 90)),
    ]


def test_two_definitions_of_one_analyte_share_a_nadir(plan_of, tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "own.toml").write_text('id = "own"\nextends = "ctcae_v4"\nstatus = "study"\n')
    plan = plan_of(added=outcome("own", 'definition = "own.anemia"\nwindow = [0, 28]'))
    assert [item.address for item in plan.grades if item.part.analyte == "hemoglobin"] == [
        "ctcae_v4.anemia",
        "ctcae_v4.anemia",
        "own.anemia",
    ]
    assert [item.outcome for item in plan.nadirs] == ["nadir_anc", "nadir_hemoglobin", "nadir_platelets"]


def test_days_beside_the_window_are_laid_out(plan_of) -> None:
    days = plan_of().days
    # 8 days on both sides of the window; recovery looks at days 26 to 28 and 8 days on.
    assert days == {"anc": (-8, 36), "hemoglobin": (-8, 36), "platelets": (-8, 36)}


def test_combinations_come_in_the_order_of_the_file(plan_of) -> None:
    plan = plan_of()
    assert plan.combinations == ("severe_cytopenia",)
    assert list(plan.specs)[-2:] == ["severe_cytopenia", "recovery"]


def test_a_title_of_the_protocol(plan_of) -> None:
    assert plan_of().title("severe_cytopenia") == "Severe neutropenia or anemia"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("neutropenia", "Neutrophil count decreased"),
        ("severe_anemia", "Anemia, grade 3 or higher"),
        ("nadir_platelets", "Nadir of platelet count"),
    ],
)
def test_a_title_without_one(name: str, title: str, plan_of) -> None:
    assert plan_of().title(name) == title


def test_a_term_with_one_grade_is_present_or_not(plan_of) -> None:
    """ "Grade 1" of such a definition only stands for "present"."""
    text = 'definition = "brudno_2022_prolonged.neutropenia"\nmin_grade = 1'
    assert plan_of(added=outcome("new", text)).title("new") == "Prolonged neutropenia"


def test_cuts_of_definitions_with_days_of_their_own_lead_nothing(plan_of) -> None:
    """The lines of the trajectories and the map of days are those of grades of single values."""
    text = 'definition = "icaht_2023.early"'
    plan = plan_of(added=outcome("icaht", text))
    assert plan.leading_grades["anc"].address == "ctcae_v4.neutrophil_count_decreased"


def test_a_title_of_emergent_grades(plan_of) -> None:
    text = ANC + "window = [0, 28]\ntreatment_emergent = true"
    assert (
        plan_of(added=outcome("new", text)).title("new") == "Neutrophil count decreased, treatment-emergent"
    )


def test_a_combination_without_a_title(plan_of) -> None:
    text = STUDY.replace('title = "Severe neutropenia or anemia"\n', "")
    assert plan_of(text).title("severe_cytopenia") == "Severe cytopenia"


def test_nadirs_of_two_windows_are_told_apart(plan_of) -> None:
    plan = plan_of(added=outcome("before", ANC + "window = [-5, 90]"))
    assert plan.title("nadir_anc") == "Nadir of absolute neutrophil count, day 0 to 28"
    assert plan.title("nadir_anc_m5_90") == "Nadir of absolute neutrophil count, day -5 to 90"


def test_recovery_with_complete_support_has_its_title(plan_of) -> None:
    plan = plan_of()
    assert plan.title("recovery", support_complete=True) == "Hematologic recovery at day 28"


def test_recovery_without_complete_support_is_count_recovery(plan_of) -> None:
    plan = plan_of(STUDY.replace("Hematologic recovery at day 28", "Everything came back"))
    assert plan.title("recovery") == "Count recovery at day 28"


def test_recovery_without_a_title(plan_of) -> None:
    plan = plan_of(STUDY.replace('title = "Hematologic recovery at day 28"\n', ""))
    assert plan.title("recovery", support_complete=True) == "Recovery at day 28"


def test_two_recoveries_are_told_apart(plan_of) -> None:
    text = 'definition = "qiu2023_recovery_washout"\ndied_before_landmark = "exclude"'
    plan = plan_of(added=outcome("washout", text))
    assert plan.title("washout") == "Count recovery at day 28 (qiu2023_recovery_washout)"
    assert plan.title("recovery") == "Count recovery at day 28 (qiu2023_recovery)"


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("qiu2023_recovery", (18, 36)),
        ("qiu2023_recovery_contains", (18, 38)),
        ("qiu2023_recovery_reached_by", (-8, 36)),
    ],
)
def test_the_plan_of_one_recovery(name: str, days: tuple[int, int]) -> None:
    definition = load_definition(name)
    assert isinstance(definition, RecoveryDefinition)
    plan = plan_recovery(RecoveryPlan("found", definition), load_library().bounds)
    assert plan.days == dict.fromkeys(("anc", "hemoglobin", "platelets"), days)
    assert (plan.grades, plan.nadirs, list(plan.specs)) == ((), (), ["found"])
