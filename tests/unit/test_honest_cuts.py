"""Cuts with their resamples as result rows; the odds ratio of the sides is the one that was printed.

The counts of the 2 x 2 table and its odds ratio are those of Qiu et al. 2023, Table III
(doi:10.3892/ol.2023.13924); the counts were recovered from the printed odds ratio.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from cytopenia.definitions import load_library
from cytopenia.results import ResultRow
from cytopenia.stats.cut_bootstrap import Resampling, bootstrap_cut
from cytopenia.stats.maximal_cut import assess_maximal_cut
from cytopenia.study.analysis_forms import Roc
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.honest_cuts import HonestInput, summarize_honest_cuts
from cytopenia.workflow import analyze_study
from study_files import write_study

RESAMPLES = 200
Found = dict[tuple[str, ...], ResultRow]


def make_roc(**changes: Any) -> Roc:
    keys: dict[str, Any] = {
        "id": "r",
        "kind": "roc",
        "outcome": "o",
        "event": "yes",
        "higher_means_event": ["x"],
        "parity": "spss",
        "resamples": RESAMPLES,
    }
    return Roc.model_validate({**keys, **changes})


def make_sides(event: list[float]) -> Sides:
    arrays = dict.fromkeys(("policy", "best", "worst"), np.array(event, dtype=float))
    return Sides(("Yes", "No"), arrays, {})


def divided() -> tuple[FactorColumn, Sides]:
    """A number that is 3 or 2: of 39 with the event 33 have 3, of 21 without it 7."""
    values = [3.0] * 33 + [2.0] * 6 + [3.0] * 7 + [2.0] * 14
    return FactorColumn("x", "Baseline ANC", pl.Series(values)), make_sides([1.0] * 39 + [0.0] * 21)


def spread() -> tuple[FactorColumn, Sides]:
    rng = np.random.default_rng(6)
    event = [1.0] * 21 + [0.0] * 39 + [np.nan, 1.0]
    # Two more: one in no group, one without a value.
    values = [*np.round(rng.normal(size=60) + 0.8 * np.array(event[:60]), 2).tolist(), 99.0, None]
    return FactorColumn("x", "X", pl.Series(values)), make_sides(event)


def run(analysis: Roc, factor: FactorColumn, sides: Sides, **options: Any) -> list[ResultRow]:
    given = HonestInput([factor], sides, load_library().gates, seed=4, **options)
    return list(summarize_honest_cuts(analysis, given))


def find(rows: list[ResultRow], *names: str) -> Found:
    return {tuple(getattr(row, name) for name in names): row for row in rows}


def test_without_resamples_nothing_is_done() -> None:
    assert run(make_roc(resamples=None), *divided()) == []


@pytest.mark.parametrize(("direction", "level"), [("higher", ">= 2.5"), ("lower", "< 2.5")])
def test_the_sides_of_the_cut_as_printed(direction: str, level: str) -> None:
    factor, sides = divided()
    keys: dict[str, Any] = {"higher_means_event": [], f"{direction}_means_event": ["x"]}
    if direction == "lower":
        factor = FactorColumn("x", "X", pl.Series([5.0 - value for value in factor.values]))
    rows = find(run(make_roc(**keys), factor, sides), "group", "variable_level", "estimate")
    model = rows["dichotomized", level, "odds_ratio"]
    assert [f"{end:.3f}" for end in (model.value, model.low, model.high)] == ["11.000", "3.130", "38.660"]
    assert rows["dichotomized", level, "events"].value == 33
    assert rows["dichotomized", level, "patients"].value == 40
    # The quartiles are 2 and 3: a unit is the interquartile range.
    for group in ("continuous", "continuous_per_iqr"):
        number = rows[group, "", "odds_ratio"]
        assert number.value == pytest.approx(11 if direction == "higher" else 1 / 11, rel=1e-6)
    assert rows["continuous_per_iqr", "", "interquartile_range"].value == 1.0


def test_the_rows_are_the_numbers_of_the_kernels() -> None:
    factor, sides = spread()
    rows = find(run(make_roc(), factor, sides), "group", "variable_level", "estimate")
    values, event = factor.values.to_numpy()[:60], sides.policy[:60]
    boot = bootstrap_cut(values, event, high_means_event=True, how=Resampling(resamples=RESAMPLES, seed=4))
    cut = rows["cut_corrected", "", "cut"]
    assert (cut.value, cut.low, cut.high, cut.n) == (boot.curve.cut, boot.cut_low, boot.cut_high, 60)
    for name, one in boot.corrected.items():
        row = rows["cut_corrected", "", name]
        assert (row.value, row.low, row.high) == (one.value, one.low, one.high)
        assert rows["cut_apparent", "", name].value == boot.apparent[name].value
        assert rows["cut_out_of_bag", "", name].value == boot.outside[name].value
    for name in ("resamples", "one_class", "without_cut"):
        assert rows["cut_corrected", "", name].value == getattr(boot, name)
    counts = [row.value for key, row in rows.items() if key[0] == "cut_distribution" and key[2] == "count"]
    assert sum(counts) == RESAMPLES - boot.one_class - boot.without_cut
    test = rows["cut_test", "", "p_value"]
    assert test.value == assess_maximal_cut(values, event).p_value
    assert test.text == "maximal_youden_exact"
    low, high = np.quantile(values, [0.25, 0.75])
    assert rows["continuous_per_iqr", "", "interquartile_range"].value == pytest.approx(high - low)
    per_unit = rows["continuous", "", "coefficient"].value
    per_range = rows["continuous_per_iqr", "", "coefficient"].value
    assert per_range == pytest.approx(per_unit * (high - low), rel=1e-6)


def test_few_events_are_described_only_unless_requested() -> None:
    factor = FactorColumn("x", "X", pl.Series([float(k) for k in range(30)]))
    sides = make_sides([0.0] * 22 + [1.0] * 8)
    refused = run(make_roc(parity="default"), factor, sides)
    assert {(row.group, row.status) for row in refused} == {
        ("gate", "ok"),
        ("cut_corrected", "not_done"),
        ("continuous", "not_done"),
    }
    assert all("factors are described only below 10" in row.note for row in refused)
    requested = find(run(make_roc(), factor, sides), "group", "estimate")
    assert "the models were requested" in requested["gate", "smaller_group"].note
    assert requested["cut_corrected", "youden"].status == "ok"


def test_default_numbers_are_penalized() -> None:
    rows = find(run(make_roc(parity="default"), *spread()), "group", "estimate")
    for group in ("continuous", "continuous_per_iqr"):
        assert rows[group, "p_value"].text == "penalized_likelihood_ratio"
    assert rows["dichotomized", "p_value"].text == "penalized_likelihood_ratio"


def test_no_cut_gives_reasons() -> None:
    event = [1.0] * 20 + [0.0] * 20
    factor = FactorColumn("x", "X", pl.Series([1.0] * 20 + [2.0] * 20))
    rows = find(run(make_roc(), factor, make_sides(event)), "group", "estimate")
    cut = rows["cut_corrected", "cut"]
    assert (cut.status, cut.value) == ("not_estimable", None)
    assert "no cut does better than chance" in cut.note
    assert rows["dichotomized", "odds_ratio"].note == "the ROC curve gives no cut"
    # The best cut in the other direction divides all: of all arrangements two do.
    assert rows["cut_test", "p_value"].value == pytest.approx(2 / 137846528820, rel=1e-6)


def test_half_of_the_patients_with_one_value_have_no_range() -> None:
    values = [1.0] * 40 + [2.0] * 5 + [3.0] * 5
    event = [0.0] * 30 + [1.0] * 20
    rows = find(
        run(make_roc(), FactorColumn("x", "X", pl.Series(values)), make_sides(event)), "group", "estimate"
    )
    assert (
        rows["continuous_per_iqr", "odds_ratio"].note == "the middle half of the patients have the same value"
    )


def test_progress_counts_all_factors() -> None:
    told: list[tuple[str, int, int]] = []
    run(make_roc(), *spread(), progress=lambda *call: told.append(call))
    assert told[-1] == ("resampling cut-offs", RESAMPLES, RESAMPLES)


@pytest.mark.parametrize("resamples", [0, 199, 20_001, 1.5])
def test_resamples_out_of_range(resamples: float) -> None:
    with pytest.raises(ValidationError, match="resamples"):
        make_roc(resamples=resamples)


ANALYSIS = """
[[analyses]]
id = "curves"
kind = "roc"
outcome = "recovery"
event = "recovered"
higher_means_event = ["age_years"]
parity = "spss"
resamples = 200
"""


def test_a_study_of_two_patients_ends_in_rows(tmp_path: Path) -> None:
    """A (61 years) recovers, B (48) does not: every number that cannot be known has its reason."""
    file = write_study(tmp_path) / "study.toml"
    file.write_text(file.read_text("utf-8") + ANALYSIS, encoding="utf-8")
    told: set[str] = set()
    study = analyze_study(file, progress=lambda label, *_: told.add(label))
    rows = study.results.filter(pl.col("analysis_id") == "curves")
    found = {(row["group"], row["estimate"]): row for row in rows.iter_rows(named=True)}
    assert "resampling cut-offs" in told
    assert "model_gates" in {one["id"] for one in study.definitions}
    assert found["gate", "smaller_group"]["note"].startswith("1 patient in the smaller group")
    # A resample has both patients in half of the draws.
    assert found["cut_corrected", "one_class"]["value"] == pytest.approx(100, abs=30)
    assert found["cut_corrected", "cut"]["value"] == 54.5
    assert found["cut_corrected", "youden"]["status"] == "not_estimable"
    # Both arrangements divide the two completely.
    assert found["cut_test", "p_value"]["value"] == 1.0
    assert found["continuous", "odds_ratio"]["status"] == "not_estimable"
    assert all(row["note"] for row in rows.iter_rows(named=True) if row["status"] != "ok")
    assert rows["value"].is_finite().fill_null(value=True).all()
