"""The bundled study: a synthetic twin of a published cohort, and the printed numbers beside its own.

Printed numbers are those of Qiu et al. 2023 (doi:10.3892/ol.2023.13924).
"""

from __future__ import annotations

import contextlib
import io
import shutil
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from cytopenia.cli import main
from cytopenia.workflow import analyze_study
from processes import modules_after

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
FILES = (
    "report.html",
    "report.pdf",
    "report.docx",
    "tables.xlsx",
    "figures",
    "methods.md",
    "results.md",
    "references.bib",
    "references.ris",
    "results.csv",
    "patients.csv",
    "outcomes.csv",
    "day_account.csv",
    "evidence.csv",
    "findings.csv",
    "paper_checked.csv",
    "provenance.json",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the demonstration; its terminal text stands in said.txt."""
    folder = tmp_path_factory.mktemp("demo")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit, match=r"^0$"):
        main(["demo", "--out", str(folder)])
    (folder / "said.txt").write_text(said.getvalue(), encoding="utf-8")
    return folder


def read_verdicts(results: pl.DataFrame) -> dict[str, str]:
    printed = results.filter(pl.col("analysis_id") == "printed")
    return dict(printed.select("variable", "level").iter_rows())


def run_changed(folder: Path, name: str, old: str, new: str) -> pl.DataFrame:
    """The results of the bundled study with one text of one of its files changed."""
    shutil.copytree(EXAMPLE, folder)
    text = (folder / name).read_text("utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return analyze_study(folder / "study.toml").results


def test_every_file_is_written_and_says_that_it_is_synthetic(demo: Path) -> None:
    assert sorted(item.name for item in (demo / "results").iterdir()) == sorted(FILES)
    assert "Synthetic data" in (demo / "results" / "report.html").read_text("utf-8")
    assert "Synthetic data" in (demo / "results" / "methods.md").read_text("utf-8")
    said = (demo / "said.txt").read_text("utf-8")
    assert "Synthetic data: every patient in this demonstration is invented." in said
    assert "0 errors" not in said
    assert pl.read_csv(demo / "results" / "patients.csv").height == 63


def test_the_demo_ends_with_the_comparison(demo: Path) -> None:
    said = (demo / "said.txt").read_text("utf-8")
    assert all(word in said for word in ("printed", "recomputed", "verdict"))
    assert "8.500 (2.371-30.466)" in said
    assert "differs" in said


def test_every_printed_number_has_its_verdict(demo: Path) -> None:
    verdicts = read_verdicts(pl.read_csv(demo / "results" / "results.csv", infer_schema_length=None))
    by_verdict: dict[str, set[str]] = {}
    for claim, verdict in verdicts.items():
        by_verdict.setdefault(verdict, set()).add(claim)
    # The paper says that the recovered group had higher IL-6, ferritin and CRP; its Table III says lower.
    assert by_verdict.pop("differs") == {
        "table2_direction_il6",
        "table2_direction_ferritin",
        "table2_direction_crp",
    }
    assert by_verdict.pop("agrees but the printed label contradicts") == {
        "table3_univariable_anc",
        "table3_univariable_hemoglobin",
        "table3_multivariable_anc",
        "table3_multivariable_hemoglobin",
    }
    assert set(by_verdict) == {"agrees", "agrees by truncation"}
    # 45 of 63 is 71.4286 %, printed 71.42; 48 of 63 is 76.1905 %, printed 76.19.
    assert verdicts["males"] == "agrees by truncation"
    assert len(verdicts) >= 150


def test_the_univariable_column_as_printed(demo: Path) -> None:
    results = pl.read_csv(demo / "results" / "results.csv", infer_schema_length=None)
    rows = results.filter(
        (pl.col("analysis_id") == "table3")
        & (pl.col("group") == "univariable")
        & (pl.col("estimate") == "odds_ratio")
    )
    found = {
        row["variable"]: tuple(f"{row[end]:.3f}" for end in ("value", "low", "high"))
        for row in rows.iter_rows(named=True)
    }
    assert found == {
        "anc": ("11.000", "3.130", "38.660"),
        "hemoglobin": ("8.500", "2.371", "30.466"),
        "il6": ("0.107", "0.028", "0.410"),
        "ferritin": ("0.250", "0.081", "0.770"),
        "ferritin_peak": ("0.110", "0.031", "0.395"),
    }
    labels = dict(rows.select("variable", "variable_level").iter_rows())
    assert labels == {
        "anc": ">= 2.29",
        "hemoglobin": ">= 114.5",
        "il6": ">= 21.43",
        "ferritin": ">= 558.65",
        "ferritin_peak": ">= 1195",
    }


def test_the_multivariable_column_as_printed(demo: Path) -> None:
    """Every odds ratio, limit and P value; the lower limit of IL-6, printed as 0.100, is read as 0.010."""
    results = pl.read_csv(demo / "results" / "results.csv", infer_schema_length=None)
    model = results.filter(
        (pl.col("analysis_id") == "table3")
        & (pl.col("group") == "multivariable")
        & (pl.col("variable") != "model")
    )
    odds = model.filter(pl.col("estimate") == "odds_ratio").select("variable", "value", "low", "high")
    tests = dict(model.filter(pl.col("estimate") == "p_value").select("variable", "value").iter_rows())
    found = {
        name: (*(f"{number:.3f}" for number in numbers), f"{tests[name]:.3f}")
        for name, *numbers in odds.iter_rows()
    }
    assert found == {
        "anc": ("14.834", "2.391", "92.051", "0.004"),
        "hemoglobin": ("7.963", "1.323", "47.921", "0.023"),
        "il6": ("0.091", "0.010", "0.802", "0.031"),
        "ferritin": ("0.966", "0.098", "9.525", "0.976"),
        "ferritin_peak": ("0.456", "0.036", "5.851", "0.546"),
    }


def test_the_report_says_that_a_cohort_prints_the_table(demo: Path) -> None:
    page = " ".join((demo / "results" / "report.html").read_text("utf-8").split())
    checked = page[page.index('id="paper-checked"') :]
    assert "prints the whole of Table III" in checked
    assert "if one limit, 0.100 of IL-6, is read as 0.010" in checked


def test_some_counts_have_bounds_and_most_patients_are_decided(demo: Path) -> None:
    outcomes = pl.read_csv(demo / "results" / "outcomes.csv", infer_schema_length=None)
    graded = outcomes.filter(pl.col("outcome").is_in(["severe_neutropenia", "severe_anemia", "recovery"]))
    decided = graded["decided"].mean()
    assert isinstance(decided, float)
    assert 0.5 < decided < 1


def test_one_lab_value_changes_a_verdict(tmp_path: Path) -> None:
    """The lowest nadir of hemoglobin was printed as 32 g/L."""
    labs = pl.read_csv(EXAMPLE / "labs.csv", infer_schema_length=0).with_row_index("line", offset=2)
    lowest = labs.filter((pl.col("analyte") == "hemoglobin") & (pl.col("value") == "32"))
    assert lowest.height == 1
    row = lowest.row(0, named=True)
    line = ",".join(row[name] or "" for name in ("patient_id", "day", "analyte", "value", "unit", "lln"))
    results = run_changed(tmp_path / "changed", "labs.csv", line, line.replace(",32,", ",33,"))
    changed = read_verdicts(results)
    assert changed["nadir_hemoglobin"] == "differs"


def test_another_process_gives_the_same_bytes_and_loads_only_what_it_needs(
    demo: Path, tmp_path: Path
) -> None:
    loaded = modules_after(["demo", "--out", str(tmp_path)])
    assert not loaded & {"pandas", "pyarrow", "duckdb", "statsmodels", "sklearn", "fastexcel"}
    assert (tmp_path / "results" / "report.html").stat().st_size > 10_000
    first, again = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (demo / "results", tmp_path / "results")
    )
    assert set(first) == set(again)
    differing = [file for file, content in first.items() if again[file] != content]
    assert differing == [Path("provenance.json")]


def test_a_paper_of_the_user(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "study")
    text = '[[claims]]\nid = "patients"\nwhere = "Abstract"\nabout = "Patients"\nkind = "count"\n'
    text += 'count = "64"\nat = { analysis = "flow", variable = "cohort" }\n'
    head = 'id = "mine"\ntitle = "Mine"\ncitation = "Me"\ndoi = "10.1/x"\nsignificance_level = "0.05"\n'
    (tmp_path / "study" / "mine.toml").write_text(head + text, encoding="utf-8")
    file = tmp_path / "study" / "study.toml"
    file.write_text(file.read_text("utf-8").replace('"qiu2023"', '"mine.toml"'), encoding="utf-8")
    assert read_verdicts(analyze_study(file).results) == {"patients": "differs"}
