"""Explanations at the edges: hardly any rows, values far beyond a cut, days nobody looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.report.explanation_page import render_explanation
from explain_study import daily

Row = tuple[str, int, float]
Write = Callable[..., Path]

_UNITS = {"anc": "10^9/L", "wbc": "10^9/L", "platelets": "10^9/L", "hemoglobin": "g/L", "temperature": "degC"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A study of one invented patient, "ONE", and another with a single count."""

    def write_study(
        labs: Sequence[Row], definition: str, *lines: str, study: str = "", support: Sequence[str] = ()
    ) -> Path:
        (tmp_path / "study.toml").write_text(
            '[study]\ntitle = "Invented"\nseed = 1\nsupport_complete = true\nsynthetic = true\n'
            f'{study}\n[data]\nfolder = "."\n[outcomes.asked]\ndefinition = "{definition}"\n'
            + "".join(f"{line}\n" for line in lines)
            + '[[analyses]]\nid = "occurrence"\nkind = "occurrence"\noutcomes = ["asked"]\n',
            encoding="utf-8",
        )
        rows = [f"ONE,{day},{analyte},{value:g},{_UNITS[analyte]}" for analyte, day, value in labs]
        tables = {
            "labs": ["patient_id,day,analyte,value,unit", *rows, "TWO,3,anc,1.2,10^9/L"],
            "patients": ["patient_id,age_years", "ONE,60", "TWO,60"],
            "infusions": ["patient_id,day", "ONE,0", "TWO,0"],
            "events": ["patient_id,day,kind", "ONE,200,last_contact", "TWO,200,last_contact"],
            "support": ["patient_id,start,stop,kind,agent", *support],
        }
        for name, text in tables.items():
            (tmp_path / f"{name}.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
        return tmp_path

    return write_study


def read_page(folder: Path) -> tuple[OutcomeExplanation, str]:
    explained = explain_patient(folder, "ONE")
    (outcome,) = [item for item in explained.outcomes if item.name == "asked"]
    return outcome, " ".join(" ".join(render_explanation(explained)).split())


@pytest.mark.parametrize("labs", [[("anc", 3, 0.7)], []], ids=["no white cells", "no rows"])
def test_no_white_cells_to_bound_anything(write: Write, labs: Sequence[Row]) -> None:
    folder = write(
        labs, "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]", study="bound_anc_by_wbc = true"
    )
    outcome, page = read_page(folder)
    assert outcome.answer.policy == (3 if labs else None)
    assert f"{len(labs)} day" in page


def anc(**levels: float) -> list[Row]:
    """2.0 on each of 31 days, but for the spans of `daily`."""
    return [("anc", day, value) for day, value in daily(**levels).items()]


def test_a_value_far_beyond_the_cut_has_a_higher_grade(write: Write) -> None:
    """0.9 is grade 3 of CTCAE, 0.4 is grade 4: below 1 it is grade 3 or higher."""
    _, page = read_page(write(anc(d12=1.2), "ctcae_v5.neutrophil_count_decreased", "window = [0, 28]"))
    assert "one value < 1 ×10⁹/L on any day: grade 3 or higher" in page


def test_a_question_of_yes_or_no_has_no_higher(write: Write) -> None:
    lines = ("window = [0, 28]", "min_grade = 3")
    outcome, page = read_page(write(anc(d12=1.2), "ctcae_v5.neutrophil_count_decreased", *lines))
    assert "one value < 1 ×10⁹/L on any day: yes" in page
    assert [change.or_higher for change in outcome.changes if change.kind == "any_day"] == [False]


def test_more_days_far_beyond_the_cut_have_a_higher_grade(write: Write) -> None:
    """Two days below 50 are grade 1, seven grade 2; one day below 20 is grade 3."""
    rows = [("platelets", day, value * 100) for day, value in daily(d10_11=0.4).items()]
    _, page = read_page(write(rows, "t_icaht_2025.early"))
    assert "5 more days < 50 ×10⁹/L (day 12 to 16): grade 2 or higher" in page
    assert "one value < 20 ×10⁹/L on any day: grade 3" in page


def test_no_value_beyond_a_cut_is_said_to_lower_a_grade(write: Write) -> None:
    """Only 0.05 was measured on days 5 to 11: grade 3. The days before are filled with the first value, and
    one of 0.5 on day 4 moves them up, one of 0.05 does not."""
    rows = [("anc", day, 0.05) for day in range(5, 11)] + [("anc", day, 0.4) for day in range(11, 19)]
    outcome, page = read_page(write([*rows, ("anc", 19, 3.0)], "icaht_2023.early"))
    assert outcome.answer.policy == 3
    assert all(change.answer.policy > 3 for change in outcome.changes if change.kind != "without_row")
    assert "0.5 ×10⁹/L on day" not in page
