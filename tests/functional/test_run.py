"""Whole runs of the small study; every expected number is typed from the tables in `study_files`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from cytopenia.cli import main
from cytopenia.report import document
from quick_reports import finish_run
from report_texts import read_text
from study_files import change, write_study

pytestmark = pytest.mark.usefixtures("one_picture")

WRITTEN = [
    "day_account.csv",
    "evidence.csv",
    "figures",
    "findings.csv",
    "methods.md",
    "outcomes.csv",
    "patients.csv",
    "provenance.json",
    "references.bib",
    "references.ris",
    "report.docx",
    "report.html",
    "report.pdf",
    "results.csv",
    "results.md",
    "tables.xlsx",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the study as it is; tests only read them."""
    return finish_run(write_study(tmp_path_factory.mktemp("run") / "cohort"))


def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{name}.csv", infer_schema_length=None)


def column(folder: Path, name: str) -> list[object]:
    return read(folder, "patients")[name].to_list()


def number(folder: Path, analysis: str, variable: str, estimate: str, **key: str) -> float | None:
    rows = read(folder, "results").filter(
        pl.col("analysis_id") == analysis, pl.col("variable") == variable, pl.col("estimate") == estimate
    )
    names = {"group": "", "stratum": "", "variable_level": "", "scenario": "", **key}
    for name, value in names.items():
        rows = rows.filter(pl.col(name).fill_null("") == value)
    return rows["value"].item()


def rules(folder: Path) -> list[str]:
    return read(folder, "findings")["rule"].to_list()


def test_a_run_writes_its_files(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == WRITTEN
    assert [path.name for path in finished.parent.iterdir() if path.name.startswith(".")] == []


def test_the_grades_of_each_patient(finished: Path) -> None:
    assert column(finished, "neutropenia_policy") == [4, 4, 4]
    assert column(finished, "anemia_policy") == [3, 3, 3]
    assert column(finished, "thrombocytopenia_policy") == [3, 4, 4]


def test_the_recovery_of_each_patient(finished: Path) -> None:
    assert column(finished, "recovery_label") == ["recovered", "not recovered", "died before landmark"]


def test_the_three_readings_of_an_early_death(finished: Path) -> None:
    key = {"variable_level": "recovered", "scenario": "policy"}
    percents = {
        stratum: number(finished, "recovery", "recovery", "percent", stratum=stratum, **key)
        for stratum in ("left out", "as not recovered", "as competing event")
    }
    assert percents == {
        "left out": 50.0,
        "as not recovered": pytest.approx(100 / 3),
        "as competing event": pytest.approx(100 / 3),
    }


def test_cytopenia_at_baseline(finished: Path) -> None:
    key = {"group": "baseline_cytopenia", "scenario": "policy"}
    counts = [
        number(finished, "characteristics", name, "count", **key)
        for name in ("anc", "hemoglobin", "platelets", "any")
    ]
    assert counts == [1, 1, 1, 1]  # B alone: 1.9, 113 and 143 are below 2.0, 120 and 150


def test_factors_are_described(finished: Path) -> None:
    assert number(finished, "characteristics", "age_years", "median") == 61
    assert number(finished, "characteristics", "sex", "count", variable_level="male") == 2


@pytest.mark.parametrize(
    ("analyte", "value", "day"), [("anc", 0.11, 7), ("hemoglobin", 76, 13), ("platelets", 18, 13)]
)
def test_the_median_nadir(finished: Path, analyte: str, value: float, day: float) -> None:
    assert number(finished, "occurrence", analyte, "median", group="nadir") == value
    assert number(finished, "occurrence", analyte, "median", group="nadir_day") == day


def test_the_nadir_of_neutrophils_is_within_its_range(finished: Path) -> None:
    ends = [number(finished, "occurrence", "anc", name, group="nadir") for name in ("minimum", "maximum")]
    assert ends == [0.03, 0.31]


def test_the_provenance_names_what_the_numbers_rest_on(finished: Path) -> None:
    settings = json.loads((finished / "provenance.json").read_text("utf-8"))
    assert settings["seed"] == 1
    assert settings["support_complete"] is True
    assert sorted(settings["definition_sha256"]) == [
        "baseline",
        "ctcae_v4",
        "neighbor_bounds",
        "qiu2023_recovery",
    ]


def test_evidence_leads_to_the_row_of_the_file(finished: Path) -> None:
    evidence = read(finished, "evidence").filter(
        pl.col("outcome") == "neutropenia", pl.col("patient_id") == "A", pl.col("role") == "decides"
    )
    lines = (finished.parent / "labs.csv").read_text("utf-8").splitlines()
    assert [lines[row - 1] for row in evidence["source_row"]] == ["A,7,ANC,0.31,10^9/L,2.0"]


def test_two_runs_give_the_same_bytes(finished: Path, command, study: Path, tmp_path: Path) -> None:
    assert command("run", study, "--out", tmp_path / "again").code == 0
    for name in ("results.csv", "patients.csv", "outcomes.csv", "evidence.csv", "report.html", "methods.md"):
        assert (tmp_path / "again" / name).read_bytes() == (finished / name).read_bytes(), name


@pytest.mark.usefixtures("tables_alone")
def test_the_order_of_rows_does_not_matter(finished: Path, command, study: Path) -> None:
    head, *rows = (study / "labs.csv").read_text("utf-8").splitlines()
    (study / "labs.csv").write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    assert command("run", study).code == 0
    for name in ("results.csv", "patients.csv"):
        assert (study / "results" / name).read_bytes() == (finished / name).read_bytes(), name


@pytest.mark.usefixtures("tables_alone")
@pytest.mark.parametrize("absent", ["table", "statement"])
def test_without_complete_support_it_is_count_recovery(absent: str, command, study: Path) -> None:
    change(study / "study.toml", "Hematologic recovery at day 28", "Full restoration")
    if absent == "table":
        (study / "support.csv").unlink()
    else:
        change(study / "study.toml", "support_complete = true", "support_complete = false")
    assert command("run", study).code == 0
    for name in ("report.html", "methods.md"):
        text = (study / "results" / name).read_text("utf-8")
        assert "Count recovery at day 28" in text, name
        assert "Full restoration" not in text, name


@pytest.mark.usefixtures("tables_alone")
def test_a_second_infusion_ends_the_course(command, study: Path) -> None:
    change(study / "infusions.csv", "B,2024-02-01,-5", "B,2024-02-01,-5\nB,2024-02-21,")
    assert command("run", study).code == 0
    results = study / "results"
    assert "second_infusion" in rules(results)
    assert column(results, "recovery_label")[1] == "not evaluable"
    assert column(results, "recovery_reason")[1] == "the course was censored before the landmark"
    assert column(results, "thrombocytopenia_policy") == [3, 4, 4]


@pytest.mark.usefixtures("tables_alone")
def test_values_before_the_second_infusion_still_count(command, study: Path) -> None:
    change(study / "infusions.csv", "B,2024-02-01,-5", "B,2024-02-01,-5\nB,2024-02-08,")
    assert command("run", study).code == 0
    assert (
        column(study / "results", "nadir_anc_policy")[1] == 1.7
    )  # day 7, 0.11, belongs to the second course


@pytest.mark.usefixtures("tables_alone")
def test_one_patient_alone(command, study: Path) -> None:
    (study / "patients.csv").write_text("patient_id,age_years,sex\nA,61,female\n")
    (study / "infusions.csv").write_text("patient_id,infusion_date,lymphodepletion_day\nA,2024-01-10,-5\n")
    for name in ("labs", "events", "support"):
        lines = (study / f"{name}.csv").read_text().splitlines()
        kept = [line for line in lines if line.startswith(("patient_id", "A,"))]
        (study / f"{name}.csv").write_text("\n".join(kept) + "\n")
    assert command("run", study).code == 0
    assert column(study / "results", "neutropenia_policy") == [4]
    assert number(study / "results", "recovery", "recovery", "percent", variable_level="recovered",
                  scenario="policy", stratum="left out") == 100  # fmt: skip


@pytest.mark.usefixtures("tables_alone")
def test_nobody_has_an_event(command, study: Path) -> None:
    lines = ["patient_id,day,analyte,value,unit,lln"]
    normal = {"ANC": "4,10^9/L,2.0", "Hb": "140,g/L,120", "PLT": "250,10^9/L,150"}
    lines += [
        f"{who},{day},{name},{rest}" for who in "AB" for day in range(-6, 31) for name, rest in normal.items()
    ]
    (study / "labs.csv").write_text("\n".join(lines) + "\n")
    (study / "events.csv").unlink()
    (study / "support.csv").unlink()
    assert command("run", study).code == 0
    key = {"variable_level": "any grade", "scenario": "policy"}
    results = study / "results"
    assert number(results, "occurrence", "neutropenia", "count", **key) == 0
    assert column(results, "neutropenia_policy") == [0, 0, None]
    assert column(results, "neutropenia_reason")[2] == "no measurement in the window"


@pytest.mark.usefixtures("tables_alone")
def test_a_missing_limit_of_normal_is_not_grade_0(command, study: Path) -> None:
    text = (study / "labs.csv").read_text("utf-8")
    kept = [line.rpartition(",")[0] for line in text.splitlines()]
    (study / "labs.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert command("run", study).code == 0
    key = {"group": "baseline_cytopenia", "scenario": "policy", "variable_level": "not judged"}
    assert number(study / "results", "characteristics", "anc", "count", **key) == 3
    assert column(study / "results", "neutropenia_policy") == [4, 4, 4]  # needs no limit


@pytest.mark.usefixtures("tables_alone")
def test_an_unknown_unit_is_not_judged(command, study: Path) -> None:
    text = (study / "labs.csv").read_text("utf-8")
    lines = [line.replace("10^9/L", "furlong") if ",PLT," in line else line for line in text.splitlines()]
    (study / "labs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer = command("run", study)
    assert answer.code == 0
    assert "unit 'furlong' of platelets is not listed in 21 of 63 rows" in answer.out
    assert column(study / "results", "thrombocytopenia_policy") == [None, None, None]
    assert column(study / "results", "recovery_label")[:2] == ["not evaluable", "not evaluable"]


@pytest.mark.usefixtures("tables_alone")
def test_dates_before_the_infusion_are_found(command, study: Path) -> None:
    (study / "labs.csv").write_text(
        "patient_id,date,analyte,value,unit,lln\n"
        "A,2023-12-30,ANC,0.4,10^9/L,2.0\nA,2024-01-02,ANC,0.3,10^9/L,2.0\nB,2024-02-08,ANC,0.2,10^9/L,2.0\n"
    )
    answer = command("run", study)
    assert answer.code == 0
    assert "1 patient has labs before the infusion only" in answer.out
    assert column(study / "results", "neutropenia_policy") == [None, 4, None]


@pytest.mark.usefixtures("tables_alone")
def test_a_protocol_can_leave_patients_out(command, study: Path) -> None:
    change(study / "study.toml", "[data]", '[cohort]\nrequire = ["patients.sex"]\n\n[data]')
    change(study / "patients.csv", "B,48,male", "B,48,")
    assert command("run", study).code == 0
    assert column(study / "results", "patient_id") == ["A", "C"]


def test_nobody_is_left(command, study: Path) -> None:
    change(study / "study.toml", "[data]", '[cohort]\nrequire = ["infusions.product"]\n\n[data]')
    change(study / "infusions.csv", "lymphodepletion_day", "lymphodepletion_day,product")
    text = (study / "infusions.csv").read_text().replace("-5", "-5,")
    (study / "infusions.csv").write_text(text)
    answer = command("run", study)
    assert answer.code == 10
    assert "No patient is left" in answer.err


@pytest.mark.usefixtures("tables_alone")
def test_an_interrupted_run_leaves_the_old_results(
    command, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("run", study).code == 0
    before = {path.name: path.read_bytes() for path in (study / "results").iterdir()}

    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(document, "render_report", interrupt)
    answer = command("run", study)
    assert answer.code == 130
    assert "Earlier results were not changed" in answer.err
    assert {path.name: path.read_bytes() for path in (study / "results").iterdir()} == before
    assert [path.name for path in study.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("tables_alone")
def test_a_folder_that_cannot_be_replaced_stays(
    command, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("run", study).code == 0
    before = (study / "results" / "patients.csv").read_bytes()
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    answer = command("run", study)
    assert (answer.code, "Nothing was changed." in answer.err) == (15, True)
    assert (study / "results" / "patients.csv").read_bytes() == before
    assert [path.name for path in study.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("tables_alone")
def test_a_run_replaces_the_results_of_an_earlier_one(command, study: Path) -> None:
    assert command("run", study).code == 0
    change(study / "study.toml", "Three invented patients", "A new title")
    assert command("run", study).code == 0
    assert "A new title" in (study / "results" / "report.html").read_text("utf-8")
    assert sorted(path.name for path in (study / "results").iterdir()) == [
        name for name in WRITTEN if name != "figures"
    ]


@pytest.mark.usefixtures("no_figures")
def test_the_style_of_a_journal_changes_how_numbers_are_printed_and_no_number(
    command, study: Path, finished: Path
) -> None:
    protocol = study / "study.toml"
    protocol.write_text(protocol.read_text("utf-8") + '\n[report]\nstyle = "lancet"\n', encoding="utf-8")
    assert command("run", study).code == 0
    results = study / "results"
    assert (results / "results.csv").read_bytes() == (finished / "results.csv").read_bytes()
    # One of three patients: no neutrophil nadir is a whole number.
    for name in ("html", "docx", "pdf"):
        text = read_text(name, (results / f"report.{name}").read_bytes())
        assert re.search(r"\d·\d", text), name
        assert "33.3%" not in text, name
    sheets = read_text("xlsx", (results / "tables.xlsx").read_bytes())
    assert re.search(r"\d·\d", sheets)
    assert not re.search(r"\d\.\d+%|\d\.\d+ \(", sheets)


def test_a_style_that_no_journal_has_is_told(command, study: Path) -> None:
    protocol = study / "study.toml"
    protocol.write_text(protocol.read_text("utf-8") + '\n[report]\nstyle = "jama"\n', encoding="utf-8")
    answer = command("run", study)
    assert answer.code == 13
    words = "'report.style' is 'jama'; allowed: 'default', 'ash', 'lancet', 'nejm' or 'spandidos'"
    assert words in " ".join(answer.err.split())


@pytest.mark.usefixtures("tables_alone")
def test_a_definition_of_the_study_is_used(command, study: Path) -> None:
    (study / "definitions").mkdir()
    (study / "definitions" / "strict.toml").write_text(
        'id = "strict"\nextends = "qiu2023_recovery"\nstatus = "study"\ntitle = "Strict"\n'
        '[[all_of]]\nanalyte = "platelets"\nunit = "K/uL"\nat_least = 99.5\n'
    )
    change(study / "study.toml", '"qiu2023_recovery"', '"strict"')
    assert command("run", study).code == 0
    assert column(study / "results", "recovery_label")[0] == "not recovered"  # 90, 95 and 99 platelets
    assert "Platelet count at least 99.5" in (study / "results" / "methods.md").read_text("utf-8")


def test_every_day_at_the_grade_is_evidence_of_it(finished: Path) -> None:
    """A: 0.31 on day 7 (grade 4) and 0.8371 on day 13 (grade 3) both show grade 3 or higher."""
    assert column(finished, "severe_neutropenia_first_day") == [7, 7, 7]
    assert column(finished, "severe_neutropenia_last_day") == [13, 13, 19]
    evidence = read(finished, "evidence").filter(outcome="severe_neutropenia", patient_id="A")
    assert evidence.select("day", "role", "verdict").rows() == [
        (7, "decides", "meets the rule"),
        (13, "decides", "meets the rule"),
    ]
    highest = read(finished, "evidence").filter(outcome="neutropenia", patient_id="A", role="decides")
    assert highest["day"].to_list() == [7]


@pytest.mark.usefixtures("tables_alone")
def test_the_headline_reading_of_early_deaths_comes_first(tmp_path: Path) -> None:
    study = write_study(tmp_path / "cohort")
    change(study / "study.toml", '"exclude"', '"competing_event"')
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["run", str(study)])
    strata = read(study / "results", "results").filter(analysis_id="recovery")["stratum"]
    assert strata.drop_nulls().filter(strata.drop_nulls() != "")[0] == "as competing event"
