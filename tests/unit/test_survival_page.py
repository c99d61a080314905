"""docs/survival.md: its example is an analysis, its keys are explained, its numbers are those of a run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import polars as pl
import pytest

from cytopenia.study.analysis_forms import Survival

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "survival.md").read_text("utf-8")
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_of_the_page_is_an_analysis() -> None:
    (found,) = tomllib.loads(EXAMPLE)["analyses"]
    assert Survival.model_validate(found).candidates == ("recovery", "age_years", "ecog")


@pytest.mark.long
def test_the_numbers_of_the_page_are_those_of_a_run(tmp_path: Path) -> None:
    from cytopenia import workflow
    from cytopenia.cli import main

    with pytest.raises(SystemExit, match=r"^0$"):
        main(["simulate", "--patients", "120", "--seed", "7", "--out", str(tmp_path / "synthetic")])
    study = tmp_path / "synthetic" / "study.toml"
    study.write_text(study.read_text("utf-8") + EXAMPLE, encoding="utf-8")
    rows = workflow.analyze_study(study).results.filter(analysis_id="os")
    for group, patients, deaths, median, low, share in re.findall(
        r"^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \((\d+) to .+?\) \| ([\d.]+)% ", PAGE, re.MULTILINE
    ):
        stratum = "" if group == "All patients" else group
        own = rows.filter(stratum=stratum, scenario="policy")
        counts = [
            own.filter(group="patients", variable_level=level)["value"].item()
            for level in ("analyzed", "deaths")
        ]
        assert counts == [int(patients), int(deaths)]
        found = own.filter(group="median").row(0, named=True)
        assert (found["value"], found["low"]) == (int(median), int(low))
        survival = own.filter(group="times", variable_level="180", estimate="survival")["value"].item()
        assert round(100 * survival, 1) == float(share)
    assert round(rows.filter(group="test", scenario="policy", estimate="p_value")["value"].item(), 3) == 0.684
    ratios = rows.filter(
        pl.col("value").is_not_null(), group="univariable", estimate="hazard_ratio", variable="recovery"
    )
    assert [f"{number:.3f}" for number in ratios["value"]] == ["1.112", "1.245", "1.447"]
    assert all(f"{number:.3f}" in PAGE for number in ratios["value"])
