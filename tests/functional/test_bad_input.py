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


SLIPS = [
    ("ANC", "350", "10^9/L", "anc lies outside the usual 0.001 to 100 in '10^9/L'"),
    ("WBC", "4500", "/nL", "outside the plausible range of wbc"),
    ("WBC", "450", "G/L", "wbc lies outside the usual 0.001 to 100 in 'G/L'"),
    ("ANC", "0.5", "/uL", "anc lies outside the usual 1 to 100,000 in '/uL'"),
    ("PLT", "4500", "10^9/L", "platelets lies outside the usual 0.5 to 2,000 in '10^9/L'"),
    ("Hb", "12.5", "g/L", "hemoglobin lies outside the usual 30 to 220 in 'g/L'"),
    ("Hb", "25", "g/dL", "hemoglobin lies outside the usual 3 to 22 in 'g/dL'"),
    ("Creatinine", "0.9", "umol/L", "creatinine lies outside the usual 5 to 2,500 in 'umol/L'"),
]


def test_no_value_of_the_study_is_unusual(command, study):
    found = told(command, study)
    assert not [words for *_, words in SLIPS if words in found]


@pytest.mark.parametrize(("analyte", "value", "unit", "words"), SLIPS)
def test_a_value_that_is_unusual_in_its_unit_is_a_warning_of_check(
    command, study, analyte, value, unit, words
):
    append(study / "labs.csv", f"A,61,{analyte},{value},{unit},")
    assert words in told(command, study)


@pytest.mark.parametrize(
    ("analyte", "value", "unit"),
    [
        ("ANC", "0", "10^9/L"),  # zero is zero in every unit
        ("ANC", "100", "10^9/L"),
        ("ANC", "0.001", "10^9/L"),
        ("PLT", "2000", "10^9/L"),
        ("Hb", "3.0", "g/dL"),
        ("Hb", "220", "g/L"),
    ],
)
def test_a_value_on_the_end_of_what_is_usual_is_none(command, study, analyte, value, unit):
    append(study / "labs.csv", f"A,61,{analyte},{value},{unit},")
    assert "lies outside the usual" not in told(command, study)


@pytest.mark.usefixtures("tables_alone")
def test_a_run_tells_and_writes_an_unusual_value(command, study):
    append(study / "labs.csv", "A,61,ANC,350,10^9/L,")
    answer = command("run", study / "study.toml")
    words = "anc lies outside the usual 0.001 to 100 in '10^9/L'"
    written = [path for path in study.rglob("*findings*.csv") if words in path.read_text("utf-8")]
    assert answer.code == 0
    assert written
