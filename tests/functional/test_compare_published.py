"""A cohort beside published ones from end to end; the counts are worked out from `side_by_side_files`.

Neutrophils below 1.0 on days 0 to 28: P1, P2, P3 and P6 of 8, and P7 could not be judged. After day 30 P5
and P6, and nobody could turn (P7 has its one value there, P8 had died). Early ICAHT of grade 3: nobody, P7
perhaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from cytopenia.errors import ProtocolError
from cytopenia.study.protocol import read_protocol
from side_by_side_files import HEAD, write_cohort

pytestmark = pytest.mark.usefixtures("one_picture")

OUTCOMES = """
[outcomes.low]
title = "Neutropenia of grade 3 or higher"
definition = "ctcae_v5.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.late]
title = "Neutropenia after day 30"
definition = "brudno_2022_prolonged.neutropenia"
min_grade = 1

[outcomes.icaht]
title = "Severe early ICAHT"
definition = "icaht_2023.early"
min_grade = 3

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"
"""
ANALYSIS = """
[[analyses]]
id = "beside"
kind = "compare_published"
title = "Beside published cohorts"
outcome = "low"
published = [
    "qiu_2023.severe_neutropenia",
    "nagle_2021.late_neutropenia",
    "brudno_2022.late_neutropenia",
    "brudno_2022.bcma_late_neutropenia",
    "rejeski_icaht_lbcl.early_icaht_severe",
    "rejeski_icaht_mcl.early_icaht_severe",
    "rejeski_icaht_mm.early_icaht_severe",
    "fred_hutch_ebmt_2024.early_icaht_severe",
    "fred_hutch_asco_2024.early_icaht_severe",
    "fried_2019.severe_neutropenia",
    "cartitude_1.severe_neutropenia",
]
"""
QIU, LATE, ICAHT, OTHERS = (
    "ctcae4_severe_neutropenia_day_28",
    "neutropenia_1_0_after_day_30",
    "early_icaht_severe",
    "other definitions",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cytopenia.cli import main

    folder = write_cohort(tmp_path_factory.mktemp("beside") / "cohort", HEAD + OUTCOMES + ANALYSIS)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["run", str(folder)])
    return folder / "results"


@pytest.fixture(scope="module")
def results(finished: Path) -> pl.DataFrame:
    rows = pl.read_csv(finished / "results.csv", infer_schema_length=None)
    texts = [pl.col(name).fill_null("") for name in ("variable_level", "scenario", "text", "note")]
    return rows.filter(analysis_id="beside", group="published").with_columns(texts)


def row_of(results: pl.DataFrame, **names: str) -> dict[str, object]:
    return results.filter(**names).row(0, named=True)


def test_sections_come_in_the_order_of_the_protocol(results):
    assert results["stratum"].unique(maintain_order=True).to_list() == [QIU, LATE, ICAHT, OTHERS]


@pytest.mark.parametrize(
    ("section", "outcome", "counts", "not_judged"),
    [
        (QIU, "low", [4, 4, 5], 1),  # no outcome is graded by version 4: the study's own stands there
        (LATE, "late", [2, 2, 2], 1),
        (ICAHT, "icaht", [0, 0, 1], 1),
        (OTHERS, "low", [4, 4, 5], 1),
    ],
)
def test_the_study_under_their_definition_where_it_has_one(results, section, outcome, counts, not_judged):
    own = results.filter(stratum=section, variable="this_study")
    rows = [row_of(own, estimate="count", scenario=name) for name in ("policy", "best", "worst")]
    assert [row["value"] for row in rows] == counts
    assert row_of(own, estimate="denominator", scenario="policy")["value"] == 8
    assert row_of(own, estimate="not_judged")["value"] == not_judged
    assert row_of(own, estimate="outcome")["text"] == outcome


def test_wilson_for_the_study_where_everybody_who_counts_was_judged(results):
    """2 of 8: center (2 + z²/2) / (8 + z²) = 0.33110, half width 0.25962."""
    row = row_of(results, stratum=LATE, variable="this_study", estimate="percent", scenario="policy")
    assert (row["value"], row["low"], row["high"]) == pytest.approx((25.0, 7.1479, 59.0725), abs=1e-3)


def test_no_percentage_where_somebody_could_turn_it(results):
    own = results.filter(stratum=QIU, variable="this_study", estimate="percent")
    policy = row_of(own, scenario="policy")
    assert (policy["value"], policy["status"]) == (None, "not_estimable")
    assert "1 patient could not be judged" in str(policy["note"])
    assert [row_of(own, scenario=name)["value"] for name in ("best", "worst")] == [50.0, 62.5]


@pytest.mark.parametrize(
    ("address", "count", "size", "percent", "low", "high"),
    [
        ("qiu_2023.severe_neutropenia", 48, 63, 76.1905, 64.3643, 85.0062),  # R, prop.test
        ("nagle_2021.late_neutropenia", 18, 31, 58.0645, 40.7663, 73.5845),
        ("brudno_2022.bcma_late_neutropenia", 2, 13, 15.3846, 4.3258, 42.2346),
    ],
)
def test_published_cohorts_with_their_interval(results, address, count, size, percent, low, high):
    of_cohort = results.filter(variable=address)
    assert [row_of(of_cohort, estimate=name)["value"] for name in ("count", "denominator")] == [count, size]
    row = row_of(of_cohort, estimate="percent")
    assert (row["value"], row["low"], row["high"]) == pytest.approx((percent, low, high), abs=1e-3)


def test_a_percentage_without_a_count_has_no_interval(results):
    of_cohort = results.filter(variable="fried_2019.severe_neutropenia")
    count, percent = row_of(of_cohort, estimate="count"), row_of(of_cohort, estimate="percent")
    assert (count["value"], count["status"]) == (None, "not_estimable")
    assert count["note"] == "no count of 38 rounds to 72%"
    assert (percent["value"], percent["low"], percent["high"]) == (72.0, None, None)


def test_the_summary_of_early_icaht_is_that_of_r(results):
    """29/103, 17/112 and 95/602: the larger of two reports of one center, and nobody without a count."""
    rows = results.filter(stratum=ICAHT, variable="summary")
    mean, ahead = row_of(rows, estimate="percent"), row_of(rows, estimate="prediction")
    assert mean["value"] == pytest.approx(18.6712, abs=1e-3)  # plogis(-1.4715160854634617)
    assert (mean["low"], mean["high"]) == pytest.approx((8.95214, 34.89768), abs=1e-4)
    assert (ahead["low"], ahead["high"]) == pytest.approx((0.308301, 94.457635), abs=1e-3)
    assert row_of(rows, estimate="tau_squared")["value"] == pytest.approx(0.0760712, rel=1e-5)
    assert row_of(rows, estimate="cohorts")["value"] == 3
    assert "hardly known" in str(mean["note"])


def test_no_cohort_counts_twice(results):
    parts = results.filter(stratum=ICAHT, estimate="in_summary")
    counted = dict(zip(parts["variable"], parts["value"], strict=True))
    assert counted == {
        "rejeski_icaht_lbcl.early_icaht_severe": 0,
        "rejeski_icaht_mcl.early_icaht_severe": 1,
        "rejeski_icaht_mm.early_icaht_severe": 1,
        "fred_hutch_ebmt_2024.early_icaht_severe": 0,
        "fred_hutch_asco_2024.early_icaht_severe": 1,
    }
    notes = dict(zip(parts["variable"], parts["note"], strict=True))
    assert "Fred Hutch, ASCO 2024" in notes["fred_hutch_ebmt_2024.early_icaht_severe"]
    assert "round to 23%" in notes["rejeski_icaht_lbcl.early_icaht_severe"]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (LATE, "2 cohorts; at least 3 are needed"),  # Brudno 2022 is one cohort
        (QIU, "1 cohort; at least 3 are needed"),
        (OTHERS, "definitions or windows differ, or were not read"),
    ],
)
def test_no_summary_has_its_reason(results, section, words):
    row = row_of(results, stratum=section, variable="summary", estimate="percent")
    assert row["value"] is None
    assert row["status"] in {"not_estimable", "not_done"}
    assert words in str(row["note"])


def test_differences_stand_in_words(results):
    of_qiu = results.filter(stratum=QIU, estimate="difference")
    assert of_qiu["variable_level"].to_list() == ["definition"]
    assert "by CTCAE 4.0" in of_qiu["text"].item()
    assert "ctcae_v5.neutrophil_count_decreased" in of_qiu["text"].item()
    of_nagle = results.filter(variable="nagle_2021.late_neutropenia", estimate="difference")
    assert of_nagle["variable_level"].to_list() == ["denominator", "deaths"]
    assert "theirs: 31 patients" in of_nagle["text"][0]
    of_fried = results.filter(variable="fried_2019.severe_neutropenia", estimate="difference")
    assert of_fried["variable_level"].to_list() == ["definition", "window", "denominator", "deaths"]
    assert "here: days 0 to 28" in of_fried["text"][1]


def test_the_report_shows_table_figure_and_sources(finished: Path):
    page = (finished / "report.html").read_text("utf-8")
    for words in (
        "Beside published cohorts",
        "This study",
        "48/63",
        "Prediction interval",
        "Nagle 2021",
        "no count of 38 rounds to 72%",
    ):
        assert words in page, words
    assert "svg-forest-beside" in page


def test_methods_say_how_and_cite_the_cohorts(finished: Path):
    text = (finished / "methods.md").read_text("utf-8")
    for words in ("Wilson", "random intercept", "prediction interval", "Nagle SJ", "10.1002/sim.4040"):
        assert words in text, words


def complain(tmp_path: Path, *changes: tuple[str, str]) -> str:
    protocol = HEAD + OUTCOMES + ANALYSIS
    for old, new in changes:
        assert old in protocol
        protocol = protocol.replace(old, new)
    (tmp_path / "study.toml").write_text(protocol, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"study\.toml") as raised:
        read_protocol(tmp_path / "study.toml")
    return str(raised.value)


def cases() -> Iterator[tuple[tuple[tuple[str, str], ...], str]]:
    yield (('"nagle_2021.late_neutropenia"', '"nagle_2021.late_neutropenias"'),), "did you mean"
    yield (('"nagle_2021.late_neutropenia"', '"qiu_2023.severe_neutropenia"'),), "twice"
    yield (('outcome = "low"', 'outcome = "lows"'),), "unknown outcome 'lows'"
    yield (("min_grade = 3\nwindow = [0, 28]", "window = [0, 28]"),), "has grades"
    yield (("published = [", "interval = 'wald'\npublished = ["),), "unknown key"


@pytest.mark.parametrize(("changes", "words"), list(cases()))
def test_what_cannot_be_compared_is_told_at_the_door(tmp_path: Path, changes, words):
    assert words in complain(tmp_path, *changes)


def test_a_recovery_beside_theirs_leaves_out_early_deaths(tmp_path: Path):
    """Nobody has hemoglobin or platelets: of 7 (P8 died) nobody could be judged."""
    from cytopenia.workflow import analyze_study

    analysis = ANALYSIS[: ANALYSIS.index("published = [")].replace('"low"', '"recovery"')
    folder = write_cohort(
        tmp_path / "recovery", HEAD + OUTCOMES + analysis + 'published = ["qiu_2023.not_recovered_day_28"]\n'
    )
    rows = analyze_study(folder).results.filter(analysis_id="beside", variable="this_study")
    assert rows.filter(estimate="denominator", scenario="policy")["value"].item() == 7
    assert rows.filter(estimate="count", scenario="best")["value"].item() == 0
    differences = analyze_study(folder).results.filter(analysis_id="beside", estimate="difference")
    assert differences.is_empty()
