"""The command that writes ADaM, on the bundled study and on public data, checked by another program.

`adam_check.R` has the rules of CTCAE typed from the official text and reads the transport files with R.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import polars as pl
import pyreadstat
import pytest
from polars.testing import assert_frame_equal

from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from study_files import write_study

CHECK = Path(__file__).parents[1] / "adam_check.R"
EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
PILOT = Path(__file__).parents[3] / "shared" / "data" / "cdisc"
PILOT_STUDY = """[study]
title = "The public pilot of CDISC"
seed = 1
lymphodepletion_day = 0
[data]
folder = "{folder}"
[data.cdisc]
infusion_day = 1
[outcomes.anemia]
definition = "ctcae_v5.anemia"
window = [0, 28]
[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["anemia"]
"""
COLUMNS = ["patient_id", "day", "minute", "analyte", "comparator", "value", "unit", "lln", "uln"]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cytopenia.adam_file import AdamRequest, write_adam

    out = tmp_path_factory.mktemp("adam") / "adam"
    request = AdamRequest(study=EXAMPLE / "study.toml", out=out, grades="ctcae_v5", study_id="SYN")
    write_adam(request)
    return out


def check_grades(program: str, adlb: Path) -> str:
    """What the script of R says of the file."""
    done = subprocess.run([program, CHECK, adlb], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout


def usable(labs: pl.DataFrame) -> pl.DataFrame:
    rows = labs.filter(pl.col("invalid").is_null() & pl.col("value").is_not_null())
    return rows.select(COLUMNS).sort(COLUMNS, nulls_last=True)


@pytest.mark.long
def test_the_command_tells_what_it_wrote(command, tmp_path: Path) -> None:
    folder = write_study(tmp_path / "cohort")
    answer = command("adam", folder, "--study-id", "T-1", "--out", tmp_path / "adam")
    assert answer.code == 0
    rows = len((folder / "labs.csv").read_text("utf-8").splitlines()) - 1
    assert f"Toxicity grades by ctcae_v4: {rows} of {rows} rows of ADLB judged\n" in answer.out
    assert "ADSL: 3 rows" in answer.out
    assert answer.out.endswith(f"Data sets: {tmp_path / 'adam'}\n")
    assert not (tmp_path / "adam" / "adtte.xpt").exists()


def test_the_bundled_study_is_read_back(example: Path) -> None:
    """Every value, unit, limit and day; no infusion of it has a date."""
    ours = read_tables(EXAMPLE)
    assert ours.labs.height == 9630
    again = read_tables(example, DataSection.model_validate({"cdisc": {"infusion_day": 1}}))
    assert_frame_equal(usable(again.labs), usable(ours.labs), check_exact=True)
    # One clotted sample comes back without its value.
    assert again.labs.height - usable(again.labs).height == 1


@pytest.mark.parametrize(
    ("outcome", "code", "first"), [("anemia", "HGB", -5), ("thrombocytopenia", "PLAT", 1)]
)
def test_the_outcome_is_the_worst_grade_of_the_rows(
    example: Path, outcome: str, code: str, first: int
) -> None:
    """The window ends on day 28, study day 29. These two have the same cuts in versions 4.03 and 5.0."""
    adlb, adoutc = (
        pyreadstat.read_xport(example / f"{name}.xpt", output_format="polars")[0]
        for name in ("adlb", "adoutc")
    )
    rows = adlb.filter(pl.col("ADY").is_between(first, 29), PARAMCD=code, ANL01FL="Y")
    worst = rows.group_by("USUBJID").agg(pl.col("ATOXGRL").cast(pl.Float64).max()).sort("USUBJID")
    told = adoutc.filter(OUTCOME=outcome).sort("USUBJID").select("USUBJID", ATOXGRL="AVAL")
    assert told.height == 63
    assert_frame_equal(worst, told)


def test_a_study_with_dates_is_read_back(command, tmp_path: Path) -> None:
    folder = write_study(tmp_path / "cohort")
    labs = folder / "labs.csv"
    text = labs.read_text("utf-8").replace("patient_id,day,", "patient_id,date,")
    days = {"A": "2024-01", "B": "2024-02", "C": "2024-03"}
    zero = {"A": 10, "B": 1, "C": 1}
    rows = [line.split(",") for line in text.splitlines()[1:]]
    kept = [row for row in rows if 1 <= zero[row[0]] + int(row[1]) <= 28]
    dated = [[row[0], f"{days[row[0]]}-{zero[row[0]] + int(row[1]):02d} 08:30", *row[2:]] for row in kept]
    lines = [text.splitlines()[0], *(",".join(row) for row in dated)]
    labs.write_text("\n".join(lines) + "\n", "utf-8")
    assert command("adam", folder, "--study-id", "T", "--out", tmp_path / "adam").code == 0
    again = read_tables(tmp_path / "adam", DataSection.model_validate({"cdisc": {"infusion_date": "TRTSDT"}}))
    ours = read_tables(folder)
    assert ours.labs["minute"].to_list() == [8 * 60 + 30] * len(kept)
    assert_frame_equal(usable(again.labs), usable(ours.labs), check_exact=True)
    assert again.infusions["infusion_date"].to_list() == ours.infusions["infusion_date"].to_list()
    death = pl.col("kind") == "death"
    assert again.events.filter(death)["day"].to_list() == ours.events.filter(death)["day"].to_list() == [20]


@pytest.mark.long
def test_another_program_gives_every_grade_of_the_bundled_study(
    find_program: Callable[[str], str], example: Path
) -> None:
    """8,063 blood counts: 1973 neutrophils and 2030 each of hemoglobin, platelets and white cells."""
    told = check_grades(find_program("Rscript"), example / "adlb.xpt")
    assert told == "rows 8063 judged 8062 differing 0 doubled baselines 0 \n"


@pytest.mark.long
def test_another_program_sees_a_wrong_grade(find_program: Callable[[str], str], example: Path) -> None:
    """The check can fail: one letter of the file is changed."""
    path = example.parent / "wrong.xpt"
    content = (example / "adlb.xpt").read_bytes()
    place = content.index(b"-33")
    path.write_bytes(content[:place] + b"-32" + content[place + 3 :])
    assert "differing 1 " in check_grades(find_program("Rscript"), path)


@pytest.mark.long
@pytest.mark.skipif(not PILOT.is_dir(), reason="the public data sets of CDISC are not at hand")
def test_another_program_gives_every_grade_of_the_public_pilot(
    find_program: Callable[[str], str], command, tmp_path: Path
) -> None:
    study = tmp_path / "study.toml"
    study.write_text(PILOT_STUDY.format(folder=PILOT), "utf-8")
    assert command("adam", study, "--out", tmp_path / "adam").code == 0
    adlb = tmp_path / "adam" / "adlb.xpt"
    told = check_grades(find_program("Rscript"), adlb)
    assert told == "rows 2505 judged 2505 differing 0 doubled baselines 0 \n"
    # Study days, moments and the place in the normal range are those that the sponsor printed.
    lab, _ = pyreadstat.read_xport(PILOT / "lb.xpt", output_format="polars")
    numbered = lab.with_columns(SRCROW=pl.int_range(2, lab.height + 2, eager=True).cast(pl.Float64))
    written, _ = pyreadstat.read_xport(adlb, output_format="polars")
    both = written.join(numbered.drop("STUDYID", "USUBJID"), on="SRCROW", how="left")
    assert both["ADY"].to_list() == both["LBDY"].to_list()
    moment = pl.coalesce(pl.col("ADTM").dt.strftime("%Y-%m-%dT%H:%M"), pl.col("ADT").dt.strftime("%Y-%m-%d"))
    assert both.select(moment).to_series().to_list() == both["LBDTC"].to_list()
    assert both["ANRIND"].to_list() == both["LBNRIND"].to_list()
