"""Definitions side by side from end to end; every expected number is worked out from `side_by_side_files`.

By version 5 (below 1.0, days 0 to 28): P1, P2, P3 and P6 have it; P4, P5 and P8 do not; P7 has no value.
By version 6 (below 0.5): P2, P3 and P6; not P1.
By ICAHT grade 2 (at most 0.5 on 7 days): P3 (8 days) and P6 (8 days); P2 has 2 days, grade 1.
After day 30 (below 1.0, days 31 to 100): P5 and P6; P7 does not; P8 died before.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from cytopenia.errors import ProtocolError
from cytopenia.study.protocol import read_protocol
from quick_reports import finish_run
from side_by_side_files import ANALYSIS, HEAD, OUTCOMES, write_cohort

pytestmark = pytest.mark.usefixtures("one_picture")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish_run(write_cohort(tmp_path_factory.mktemp("sides") / "cohort"))


@pytest.fixture(scope="module")
def results(finished: Path) -> pl.DataFrame:
    rows = pl.read_csv(finished / "results.csv", infer_schema_length=None)
    return rows.filter(analysis_id="sides").with_columns(
        pl.col("stratum", "variable_level", "note").fill_null("")
    )


def value_of(results: pl.DataFrame, **names: str) -> float | None:
    return results.filter(**names)["value"].item()


@pytest.mark.parametrize(
    ("outcome", "events", "bounds", "evaluable", "not_judged"),
    [
        ("v5", 4, (4, 5), 7, 1),  # P7 could have had it
        ("v6", 3, (3, 4), 7, 1),
        ("icaht", 2, (2, 3), 7, 1),
        ("late", 2, (2, 2), 7, 1),  # P8 could not: it was not at risk
    ],
)
def test_events_with_bounds_and_who_has_no_answer(results, outcome, events, bounds, evaluable, not_judged):
    of_outcome = results.filter(group="events", variable=outcome)
    counts = [value_of(of_outcome, estimate="count", scenario=name) for name in ("policy", "best", "worst")]
    assert counts == [events, *bounds]
    assert value_of(of_outcome, estimate="denominator", scenario="policy") == 8
    names = ("evaluable", "not_judged", "decided", "died_before_landmark")
    assert [value_of(of_outcome, estimate=name) for name in names] == [evaluable, not_judged, evaluable, 0]


@pytest.mark.parametrize(
    ("first", "second", "cells", "one", "percent", "kappa"),
    [
        # 6 of 7 agree; by chance 4 x 3 + 3 x 4 = 24 of 49: (42 - 24) / (49 - 24).
        ("v5", "v6", (3, 1, 0, 3), 0, 600 / 7, 18 / 25),
        # 5 of 7; by chance 4 x 2 + 3 x 5 = 23 of 49: (35 - 23) / (49 - 23).
        ("v5", "icaht", (2, 2, 0, 3), 0, 500 / 7, 12 / 26),
        # Without P7 and P8: 2 of 6; by chance 4 x 2 + 2 x 4 = 16 of 36: (12 - 16) / (36 - 16).
        ("v5", "late", (1, 3, 1, 1), 2, 100 / 3, -4 / 20),
        # Both P6, one P3 or P5, none P1, P2 and P4: 4 of 6; by chance 2 x 2 + 4 x 4 = 20 of 36.
        ("icaht", "late", (1, 1, 1, 3), 2, 400 / 6, (24 - 20) / (36 - 20)),
    ],
)
def test_agreement_of_pairs(results, first, second, cells, one, percent, kappa):
    pair = results.filter(group="agreement", variable=first, variable_level=second)
    names = ("both", "only_first", "only_second", "neither")
    assert tuple(value_of(pair, estimate=name) for name in names) == cells
    assert value_of(pair, estimate="evaluable_under_one") == one
    assert value_of(pair, estimate="evaluable_under_none") == (0 if second == "late" else 1)
    assert value_of(pair, estimate="percent_agreement") == pytest.approx(percent)
    assert value_of(pair, estimate="kappa") == pytest.approx(kappa)


def test_positive_and_negative_agreement(results):
    """By versions 5 and 6: 2 x 3 / (4 + 3) about yes, 2 x 3 / (3 + 4) about no."""
    pair = results.filter(group="agreement", variable="v5", variable_level="v6")
    names = ("positive_agreement", "negative_agreement")
    assert [value_of(pair, estimate=name) for name in names] == pytest.approx([600 / 7, 600 / 7])


@pytest.mark.parametrize(
    ("outcome", "odds_ratio", "events", "patients"),
    [
        ("v5", 3 * 2 / (1 * 1), 3, 4),  # women: P1, P2, P3 of 4 (P8); men: P6 of 3
        ("v6", 2 * 2 / (2 * 1), 2, 4),  # women: P2, P3 of 4; men: P6 of 3
        ("icaht", 1 * 2 / (3 * 1), 1, 4),  # women: P3 of 4; men: P6 of 3
    ],
)
def test_the_odds_ratio_under_each_definition(results, outcome, odds_ratio, events, patients):
    model = results.filter(group="univariable", variable="sex", variable_level="f", stratum=outcome)
    assert value_of(model, estimate="odds_ratio") == pytest.approx(odds_ratio)
    assert [value_of(model, estimate=name) for name in ("events", "patients")] == [events, patients]


def test_an_odds_ratio_that_does_not_exist_is_a_row_with_its_reason(results):
    """After day 30 only men have it: P5 and P6 of 3, none of 4 women."""
    row = results.filter(
        group="univariable", variable="sex", variable_level="f", stratum="late", estimate="odds_ratio"
    )
    assert row.select("value", "status").row(0) == (None, "not_estimable")
    assert "separation" in row["note"].item()


def test_nothing_counts_over_the_definitions(results):
    groups = {
        "events",
        "events_not_judged",
        "agreement",
        "grades",
        "changes",
        "univariable",
        "members",
        "gate",
    }
    assert set(results["group"]) == groups


def test_who_changes_and_why(finished: Path):
    changes = pl.read_csv(finished / "definition_changes.csv", infer_schema_length=None)
    assert changes.filter(pl.col("change") != "grade only").select(
        "patient_id", "reference", "other", "change", "reason"
    ).rows() == [
        ("P1", "v5", "v6", "event to no event", "another cut"),
        ("P1", "v5", "icaht", "event to no event", "another cut"),
        ("P2", "v5", "icaht", "event to no event", "days are counted, and there are too few"),
        ("P1", "v5", "late", "event to no event", "other days are looked at"),
        ("P2", "v5", "late", "event to no event", "other days are looked at"),
        ("P3", "v5", "late", "event to no event", "other days are looked at"),
        ("P5", "v5", "late", "no event to event", "other days are looked at"),
        ("P7", "v5", "late", "not evaluable to no event", "not evaluable under one of the two"),
        ("P8", "v5", "late", "no event to not evaluable", "not evaluable under one of the two"),
    ]
    details = changes["detail"].to_list()
    assert "day 12: 0.7 ×10⁹/L is below 1 ×10⁹/L, not below 0.5 ×10⁹/L" in details
    assert "day 12: 0.7 ×10⁹/L is below 1 ×10⁹/L, not at most 0.5 ×10⁹/L on 7 days or more" in details
    assert any("grade 1 (ANC <=500/uL for <7 days), grade 2 is asked for" in detail for detail in details)
    assert any(detail.endswith("(day 40); By version 5 looks at days 0 to 28") for detail in details)
    assert "After day 30: not evaluable (not at risk in the window)" in details


def test_a_grade_that_changes_is_listed_where_both_have_grades(finished: Path, results: pl.DataFrame):
    """0.3 is grade 4 by version 5 and grade 3 by version 6; P1 has grade 3 and grade 2."""
    grades = results.filter(group="grades", variable="v6")
    cells = {
        level: grades.filter(variable_level=level, estimate="count")["value"].item()
        for level in ("4|3", "3|2")
    }
    assert cells == {"4|3": 3, "3|2": 1}
    assert [value_of(grades, estimate=name) for name in ("same", "lower", "higher")] == [3, 4, 0]
    assert results.filter(group="grades", variable="late").is_empty()  # one grade is no scale
    changes = pl.read_csv(finished / "definition_changes.csv", infer_schema_length=None)
    only = changes.filter(change="grade only", other="v6")
    assert only.select("patient_id", "reference_grade", "other_grade").rows() == [
        ("P2", 4, 3),
        ("P3", 4, 3),
        ("P6", 4, 3),
    ]


def test_the_report_has_tables_and_figures(finished: Path):
    page = (finished / "report.html").read_text("utf-8")
    for text in (
        "Neutropenia under four definitions",
        "svg-strip-sides",
        "svg-forest-sides",
        "4/8",
        "bounds 4–5",
        "0.72 (",
        "6.000 (",
        "definition_changes.csv",
    ):
        assert text in page
    with ZipFile(finished / "report.docx") as word:
        text = word.read("word/document.xml").decode("utf-8")
    assert "By version 6" in text
    assert text.count("<w:drawing>") >= 2


def test_methods_say_what_was_compared(finished: Path):
    methods = (finished / "methods.md").read_text("utf-8")
    for words in (
        "four definitions",
        "By version 5",
        "Cohen's kappa",
        "Fleiss",
        "no definition was preferred",
    ):
        assert words in methods


def test_a_study_without_it_writes_no_list_of_changes(tmp_path: Path, command):
    occurrence = '\n[[analyses]]\nid = "o"\nkind = "occurrence"\noutcomes = ["v5"]\n'
    folder = write_cohort(tmp_path / "cohort", HEAD + OUTCOMES + occurrence)
    assert command("run", folder).code == 0
    assert not (folder / "results" / "definition_changes.csv").exists()


RECOVERY = """
[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[outcomes.graded]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 28]

[outcomes.day]
definition = "cibmtr_neutrophil_recovery"
"""


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ('outcomes = ["v5"]', "names 1; allowed: 2 to 8"),
        (f"outcomes = {['v5'] * 9}".replace("'", '"'), "names 9; allowed: 2 to 8"),
        ('outcomes = ["v5", "v5"]', "outcomes names 'v5' twice; remove one"),
        ('outcomes = ["v5", "v66"]', "unknown outcome 'v66'"),
        ('outcomes = ["v5", "v66"]', "outcomes of this study: v5, v6, icaht, late, recovery, graded, day"),
        (
            'outcomes = ["v5", "v6"]\nreference = "late"',
            "reference is 'late'; it must be one of the outcomes: v5, v6",
        ),
        ('outcomes = ["v5", "graded"]', "outcome 'graded' has grades; name one with a min_grade"),
        ('outcomes = ["v5", "day"]', "outcome 'day' is a day of recovery and has no two sides"),
        (
            'outcomes = ["v5", "recovery"]',
            "is a recovery; say which side is the event: events = { recovery =",
        ),
        (
            'outcomes = ["v5", "v6"]\nevents = { late = "yes" }',
            "events names 'late', which is not among the outcomes",
        ),
        (
            'outcomes = ["v5", "recovery"]\nevents = { recovery = "yes" }',
            'event is "yes"; of outcome \'recovery\' it is "recovered" or "not_recovered"',
        ),
        (
            'outcomes = ["v5", "v6"]\nevents = { v6 = "recovered" }',
            'event is "recovered"; of outcome \'v6\' it is "yes" or "no"',
        ),
    ],
)
def test_what_cannot_be_compared_is_told_at_the_door(listed: str, words: str, tmp_path: Path):
    text = HEAD + OUTCOMES + RECOVERY + ANALYSIS.replace('outcomes = ["v5", "v6", "icaht", "late"]', listed)
    folder = write_cohort(tmp_path, text)
    with pytest.raises(ProtocolError, match=r"study\.toml: ") as raised:
        read_protocol(folder)
    assert words in str(raised.value)


def test_an_unknown_factor_is_told(tmp_path: Path, command):
    folder = write_cohort(tmp_path, HEAD + OUTCOMES + ANALYSIS.replace('["sex"]', '["sexx"]'))
    assert "sexx" in command("check", folder).err
