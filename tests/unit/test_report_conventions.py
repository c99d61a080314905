"""Conclusions that depend on the program: tables, their plain sentences, and the Methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from association_factory import associations_of
from cytopenia.report.content import ReportContent
from cytopenia.report.convention_tables import (
    table_program_conclusions,
    table_program_cuts,
    table_program_tests,
)
from cytopenia.report.convention_text import convention_paragraphs
from cytopenia.report.references import References
from cytopenia.report.sections import TABLES_OF_KIND
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow

# What R 4.2.2 gives for 1 of 19, 13 of 40 and 1 of 4 (make_conventions.R).
PAPER: list[tuple[str, str, float | None]] = [
    ("spss", "chi_squared", 0.071680643),
    ("spss", "likelihood_ratio_chi_squared", 0.041219017),
    ("r", "chi_squared", 0.071680643),
    ("r", "fisher_exact", 0.047170406),
    ("scipy", "fisher_exact", 0.047170406),
]
KEY: dict[str, Any] = {"analysis_id": "a", "group": "conventions", "variable": "crs"}


def rows_of(
    tests: Sequence[tuple[str, str, float | None]] = PAPER,
    *,
    depends: float | None = 1.0,
    question: str = "independence",
    pair: str = "",
) -> list[ResultRow]:
    key: dict[str, Any] = {**KEY, "variable_level": pair, "level": question}
    level: dict[str, Any] = {"analysis_id": "a", "group": "conventions", "variable": "tests"}
    rows = [ResultRow(**level, estimate="significance_level", value=0.05)]
    rows.append(ResultRow(**KEY, estimate="n", value=63, text="Cytokine release syndrome"))
    for program, method, p in tests:
        status, note = ("ok", "") if p is not None else ("not_estimable", "separation")
        more: dict[str, Any] = {"stratum": program, "estimate": f"p_{method}", "text": method}
        rows.append(ResultRow(**key, **more, value=p, status=status, note=note))
    return [*rows, ResultRow(**key, estimate=f"depends_{question}", value=depends)]


def content_of(*rows: ResultRow, **analysis: Any) -> ReportContent:
    given = {"kind": "crosstab", "label": "", "title": "A", "parity": "compare", **analysis}
    return associations_of(rows, **given)


def flat(table: Table) -> list[tuple[str, ...]]:
    return [(row.header, *(cell.text for cell in row.cells)) for row in table.rows]


def test_thrombocytopenia_by_crs_is_listed() -> None:
    table = table_program_conclusions(content_of(*rows_of()), "a")
    assert table.caption == "Conclusions that depend on the program"
    assert [column.title for column in table.columns] == [
        "Factor",
        "P < 0.05",
        "P \N{GREATER-THAN OR EQUAL TO} 0.05",
    ]
    assert flat(table) == [
        (
            "Cytokine release syndrome",
            "likelihood ratio chi-squared 0.041 (SPSS); Fisher's exact test 0.047 (R, SciPy)",
            "chi-squared 0.072 (SPSS, R)",
        )
    ]
    assert "these patients do not settle it" in table.notes[0]


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0496, "0.0496"), (0.04999, "0.04999"), (0.0504, "0.050"), (0.0494, "0.049")]
)
def test_a_p_is_never_printed_on_the_other_side_of_the_level(p: float, shown: str) -> None:
    rows = rows_of([("spss", "chi_squared", p), ("r", "fisher_exact", 0.02 if p >= 0.05 else 0.2)])
    (line,) = flat(table_program_conclusions(content_of(*rows), "a"))
    assert f"chi-squared {shown} (SPSS)" in line[1:]


def test_nothing_depends_on_the_program() -> None:
    content = content_of(*rows_of(PAPER[:1] + PAPER[2:3], depends=0.0))
    assert table_program_conclusions(content, "a").rows == ()
    notes = " ".join(table_program_tests(content, "a").notes)
    assert "No conclusion at P < 0.05 depends on the program." in notes


def test_every_p_stands_under_its_program() -> None:
    table = table_program_tests(content_of(*rows_of()), "a")
    assert [column.title for column in table.columns] == ["Factor, test", "SPSS", "R", "SciPy, statsmodels"]
    assert flat(table) == [
        ("Cytokine release syndrome", "", "", ""),
        ("Chi-squared", "0.072", "0.072", ""),
        ("Likelihood ratio chi-squared", "0.041", "", ""),
        ("Fisher's exact test", "", "0.047", "0.047"),
    ]
    assert "1 conclusion depends on the program" in " ".join(table.notes)
    assert "No SPSS was run" in " ".join(table.notes)


def test_pairs_and_models_have_lines_of_their_own() -> None:
    models = [("spss", "wald", 0.135), ("logistf", "penalized_likelihood_ratio", 0.04)]
    pair = [("spss", "chi_squared", 0.02), ("r", "chi_squared_yates", 0.06)]
    rows = [*rows_of(models, question="univariable"), *rows_of(pair, pair="none vs grade >= 3")]
    headers = [line[0] for line in flat(table_program_conclusions(content_of(*rows), "a"))]
    assert headers == [
        "Cytokine release syndrome, logistic model",
        "Cytokine release syndrome, none vs grade \N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}3",
    ]
    lines = flat(table_program_tests(content_of(*rows), "a"))
    assert ("Penalized likelihood ratio test (logistf)", "", "0.040", "") in lines


def test_what_has_no_p_has_its_reason() -> None:
    table = table_program_tests(content_of(*rows_of([("spss", "wald", None)], depends=None)), "a")
    assert flat(table)[1] == ("Wald test", "\N{EN DASH}", "", "")
    assert any("separation" in note.lower() for note in table.footnotes)


def test_without_the_comparison_there_is_nothing() -> None:
    content = content_of(parity="spss")
    for maker in (table_program_conclusions, table_program_tests, table_program_cuts):
        assert maker(content, "a").rows == ()
    assert convention_paragraphs(content, References()) == []


def test_cuts() -> None:
    key: dict[str, Any] = {**KEY, "level": "cut", "estimate": "cut"}
    rows = [ResultRow(**KEY, estimate="n", value=60, text="ANC")]
    cuts = {"spss": "< 3.5", "r": "< 3.5", "cutpointr": "<= 3", "scikit_learn": "<= 3"}
    for program, text in cuts.items():
        rows.append(ResultRow(**key, stratum=program, value=3.0, text=text))
    content = content_of(*rows, kind="roc")
    assert flat(table_program_cuts(content, "a")) == [
        ("ANC", "< 3.5", "\N{LESS-THAN OR EQUAL TO}\N{NO-BREAK SPACE}3")
    ]
    assert table_program_tests(content, "a").rows == ()
    assert "divide these patients alike" in " ".join(table_program_cuts(content, "a").notes)


def test_the_methods_name_programs_level_and_factors() -> None:
    (text,) = convention_paragraphs(content_of(*rows_of()), References())
    assert text == (
        "In A, each test was also done as SPSS, R and SciPy do it by default; the results given are those of "
        "the test stated above. At a level of 0.05 the conclusion depended on the program for cytokine "
        "release syndrome."
    )
    (none,) = convention_paragraphs(content_of(*rows_of(depends=0.0)), References())
    assert none.endswith("At a level of 0.05 no conclusion depended on the program.")


def test_the_report_prints_them() -> None:
    for kind in ("risk_factors", "crosstab"):
        assert table_program_conclusions in TABLES_OF_KIND[kind]
        assert table_program_tests in TABLES_OF_KIND[kind]
    assert table_program_cuts in TABLES_OF_KIND["roc"]


def rows_of_model() -> list[ResultRow]:
    """Two terms of one model: R 4.2.2, glm: Wald 0.0527 and ratio 0.0439 of the first."""
    key: dict[str, Any] = {"analysis_id": "a", "group": "conventions", "level": "multivariable"}
    first: dict[str, Any] = {**key, "variable": "first", "variable_level": "high"}
    p_values = [("spss", "wald", 0.0527), ("r", "wald", 0.0527), ("r", "likelihood_ratio", 0.0439)]
    p_values.append(("logistf", "penalized_likelihood_ratio", 0.0561))
    odds = {"wald": (4.02, 0.98, 16.4), "likelihood_ratio": (4.02, 1.04, 17.9)}
    named: dict[str, Any] = {"analysis_id": "a", "group": "conventions", "variable": "first"}
    return [
        ResultRow(
            analysis_id="a",
            group="conventions",
            variable="tests",
            estimate="significance_level",
            value=0.05,
        ),
        ResultRow(**named, estimate="n", value=40, text="Ferritin"),
        *(
            ResultRow(**first, stratum=program, estimate=f"p_{test}", text=test, value=p)
            for program, test, p in p_values
        ),
        *(
            ResultRow(**first, estimate=f"odds_ratio_{test}", text=test, value=value, low=low, high=high)
            for test, (value, low, high) in odds.items()
        ),
        ResultRow(**first, estimate="depends_multivariable", value=1.0),
    ]


def test_a_term_of_one_model_has_the_interval_of_each_test() -> None:
    table = table_program_tests(content_of(*rows_of_model(), kind="risk_factors"), "a")
    assert [row.header for row in table.rows] == [
        "Ferritin, high, term of the multivariable model",
        "Wald test; OR 4.020 (0.980–16.400)",
        "Likelihood ratio test; OR 4.020 (1.040–17.900)",
        "Penalized likelihood ratio test (logistf)",
    ]
    assert [cell.text for cell in table.rows[1].cells] == ["0.053", "0.053", ""]
    assert "OR, odds ratio with its 95% confidence interval by the same statistic." in table.notes


def test_a_conclusion_of_one_model_that_flips_is_listed() -> None:
    (line,) = flat(table_program_conclusions(content_of(*rows_of_model(), kind="risk_factors"), "a"))
    assert line == (
        "Ferritin, high, term of the multivariable model",
        "likelihood ratio test 0.044 (R)",
        "Wald test 0.053 (SPSS, R); penalized likelihood ratio test (logistf) 0.056 (logistf)",
    )
