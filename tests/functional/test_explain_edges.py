"""Explanations at the edges: hardly any rows, values far beyond a cut, days nobody looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import OutcomeExplanation
from cytopenia.report.explanation_page import render_explanation
from explain_study import daily, without

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
