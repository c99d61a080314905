"""Bad input from end to end: what `check` and `score` say of it, and what it does to an outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario import bounds, patient, recovery_of

PASSING = "day anc hemoglobin platelets\n0-10 0.4 70 20\n11-30 2.0 110 90"


def append(path: Path, *lines: str) -> None:
    path.write_text(path.read_text("utf-8") + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def told(command, study: Path) -> str:
    answer = command("check", study / "study.toml")
    return " ".join((answer.out + answer.err).split())


def test_neutrophils_above_white_cells_are_a_finding_of_check(command, study):
    assert "ANC is above WBC" not in told(command, study)
    append(study / "labs.csv", "A,61,WBC,1.0,10^9/L,", "A,61,ANC,2.0,10^9/L,")
    assert "ANC is above WBC of the same draw" in told(command, study)


@pytest.mark.parametrize(
    ("whites", "day"),
    [("1.0", 61), ("<2.0", 61), ("0.5", 62)],  # equal, known as a range only, of another day
)
def test_neutrophils_that_are_not_above_are_none(command, study, whites, day):
    append(study / "labs.csv", f"A,{day},WBC,{whites},10^9/L,", "A,61,ANC,1.0,10^9/L,")
    assert "ANC is above WBC" not in told(command, study)


@pytest.mark.parametrize(
    ("unit", "values", "is_hit"),
    [("mg/L", (0.6, 1.2, 2.1, 6.0, 14.0), True), ("mg/dL", (0.6, 1.2, 2.1, 6.0, 14.0), False)],
)
def test_crp_off_by_ten_is_a_finding_of_check(command, study, unit, values, is_hit):
    """The numbers of mg/dL under the name of mg/L: a median of 2.1 mg/L lies below any cohort's."""
    append(study / "labs.csv", *(f"A,{60 + place},CRP,{value},{unit}," for place, value in enumerate(values)))
    assert (
        "lies below the usual 3 to 120 mg/L; if the values were in 'mg/dL' it would not"
        in told(command, study)
    ) is is_hit


@pytest.mark.parametrize("kind", ["gcsf", "rbc_transfusion", "platelet_transfusion", "tpo_ra"])
def test_support_without_a_stop_is_a_finding_of_check(command, study, kind):
    """Its stop is any day in `worst`, so that it must be told for every kind of support."""
    (study / "support.csv").write_text(f"patient_id,start,stop,kind\nA,5,,{kind}\n", encoding="utf-8")
    found = told(command, study)
    assert "the stop is missing in 1 of 1 row" in found
    assert "may have gone on in worst" in found


@pytest.mark.parametrize("kind", ["gcsf", "rbc_transfusion", "platelet_transfusion"])
@pytest.mark.parametrize(("stop", "expected"), [("20", (0, 0, 0)), (".", (0, 0, 1))])
def test_an_unknown_stop_widens_the_interval(kind, stop, expected):
    """Support on day 20 only leaves days 26 to 28 free; if it never stopped there is no recovery."""
    assert bounds(recovery_of(patient(PASSING, support=f"kind start stop\n{kind} 20 {stop}"))) == expected
