"""An explanation says of a computed ANC which rows it was computed from."""

from __future__ import annotations

from pathlib import Path

from cytopenia import explain_patient
from cytopenia.report.explanation_page import dump_explanation, render_explanation
from explain_study import write_one_patient


def test_a_computed_count_names_both_of_its_rows(tmp_path: Path) -> None:
    """4.0 x 10 / 100 = 0.4 on day 3 decides grade 4 of CTCAE 4; rows 2 and 3 of the file."""
    asked = '[outcomes.asked]\ndefinition = "ctcae_v4.neutrophil_count_decreased"\nwindow = [0, 28]\n'
    write_one_patient(tmp_path, [("anc", 3, 0.4)], asked)
    rows = [
        "ONE,3,WBC,4.0,10^9/L",
        "ONE,3,NEUT%,10,%",
        *(f"ONE,{day},ANC,2.0,10^9/L" for day in range(4, 29)),
    ]
    table = "\n".join(["patient_id,day,analyte,value,unit", *rows, "TWO,1,ANC,2.0,10^9/L"])
    (tmp_path / "labs.csv").write_text(table, "utf-8")
    explained = explain_patient(tmp_path, "ONE", outcomes=["asked"])
    page = " ".join(" ".join(render_explanation(explained, width=400)).split())
    assert "row 3 (white cells of row 2 x percentage of neutrophils)" in page
    assert explained.outcomes[0].answer.policy == 4
    assert '"origin": "white cells of row 2 x percentage of neutrophils"' in dump_explanation(explained)


def test_computed_counts_of_one_row_have_each_their_own_value(tmp_path: Path) -> None:
    """A column for each day: 4.0 x 10 / 100 = 0.4 on day 3, 3.0 x 15 / 100 = 0.45 on day 5."""
    asked = (
        '[outcomes.asked]\ndefinition = "ctcae_v4.neutrophil_count_decreased"\nwindow = [0, 28]\n\n'
        '[data.labs.days]\n"d{day}" = {}\n\n'
    )
    write_one_patient(tmp_path, [], asked)
    rows = ["ONE,WBC,10^9/L,4.0,3.0", "ONE,NEUT%,%,10,15", "TWO,WBC,10^9/L,4.0,3.0"]
    (tmp_path / "labs.csv").write_text("\n".join(["patient_id,analyte,unit,d3,d5", *rows]), "utf-8")
    (asked,) = explain_patient(tmp_path, "ONE", outcomes=["asked"]).outcomes
    found = [(day.day, day.measurement, day.values_that_day) for day in asked.days if day.role == "decides"]
    assert [(day, item and (item.value, item.source_row), n) for day, item, n in found] == [
        (3, (0.4, 3), 1),
        (5, (0.45, 3), 1),
    ]
    assert {item.origin for _, item, _ in found if item} == {
        "white cells of row 2 x percentage of neutrophils"
    }
