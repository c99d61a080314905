"""Characteristics by groups: each number and level over two or more groups, tested by rule or by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from association_factory import associations_of
from cytopenia.errors import ProtocolError
from cytopenia.report.group_tables import table_by_groups
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import Characteristics, Crosstab
from cytopenia.study.factors import FactorColumn
from cytopenia.study.families import adjust_families
from cytopenia.study.group_comparisons import summarize_groups
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study
from study_files import STUDY, write_study

NUMBER = FactorColumn(
    "x", "X, g/L", pl.Series([5.5, 6, 7, 8, 9, 9.5, 11, None, 1, 2, 3, 4, 5, 6.5, 7.5, 8.5])
)
YES = FactorColumn(
    "yes", "Sign", pl.Series(["no", "yes", "yes", "yes"] * 2 + ["no"] * 8), levels=("no", "yes")
)
STAGE = FactorColumn(
    "stage",
    "Stage",
    pl.Series(["low"] + ["middle"] * 2 + ["high"] * 5 + ["low"] * 5 + ["middle"] * 2 + ["high"]),
    levels=("low", "middle", "high"),
    is_ordered=True,
)


def run(groups: FactorColumn = STAGE, **keys: Any) -> list[ResultRow]:
    given = {"id": "a", "kind": "characteristics", "factors": ["x", "yes"], "by": groups.name, **keys}
    analysis = Characteristics.model_validate(given)
    return adjust_families(summarize_groups(analysis, [NUMBER, YES], groups, seed=1), [analysis])


def find_tests(rows: list[ResultRow]) -> dict[str, ResultRow]:
    return {row.variable: row for row in rows if (row.group, row.estimate) == ("test", "p_value")}


def test_without_a_name_three_groups_are_compared_by_the_rule() -> None:
    """R 4.2.2: kruskal.test 0.00205495773121; an expected count of 1.5: fisher.test 0.0659340659341."""
    found = find_tests(run())
    assert (found["x"].text, found["x"].n) == ("kruskal_wallis", 15)
    assert found["x"].value == pytest.approx(0.00205495773121, abs=1e-12)
    assert found["yes"].text == "fisher_exact"
    assert found["yes"].value == pytest.approx(0.0659340659341, abs=1e-12)
    assert found["x"].note == ""


def test_a_trend_over_ordered_groups_is_named() -> None:
    """R 4.2.2: cor.test(method = "kendall", exact = FALSE) z 3.92935740600, P 8.51731659427e-05."""
    rows = run(tests={"x": "jonckheere_terpstra", "yes": "chi_squared"})
    found = find_tests(rows)
    assert found["x"].text == "jonckheere_terpstra"
    assert found["x"].value == pytest.approx(8.51731659427e-05, rel=1e-9)
    assert found["x"].note == "named in the protocol"
    (z,) = (row.value for row in rows if (row.variable, row.estimate) == ("x", "statistic"))
    assert z == pytest.approx(3.929357406, abs=1e-8)
    assert found["yes"].value == pytest.approx(0.0486928916177, abs=1e-12)


def test_two_groups_are_compared_by_the_mann_whitney_test() -> None:
    """R 4.2.2: wilcox.test of seven against eight, exact, 0.0289044289044; no value occurs twice."""
    two = FactorColumn("side", "Side", pl.Series(["b"] * 8 + ["a"] * 8), levels=("a", "b"))
    found = find_tests(run(two))
    assert found["x"].text == "mann_whitney_exact"
    assert found["x"].value == pytest.approx(0.0289044289044, abs=1e-12)


def test_each_group_is_described_and_who_is_in_none_is_counted() -> None:
    groups = FactorColumn(
        "stage", "Stage", STAGE.values.to_frame("s").with_columns(
            pl.when(pl.int_range(pl.len()) < 2).then(None).otherwise("s").alias("s")
        )["s"], levels=STAGE.levels
    )  # fmt: skip
    rows = {
        (row.stratum, row.variable, row.variable_level, row.estimate): row
        for row in run(groups)
        if row.group == "groups"
    }
    sizes = [rows[level, "patients", "", "count"].value for level in ("low", "middle", "high")]
    assert sizes == [5, 3, 6]
    assert rows["no group", "patients", "", "count"].value == 2
    assert (rows["high", "x", "", "median"].value, rows["high", "x", "", "missing"].value) == (9, 1)
    assert rows["high", "yes", "yes", "count"].value == 4
    assert rows["high", "yes", "yes", "percent"].value == pytest.approx(400 / 6)


def test_a_group_without_values_is_a_row_with_a_reason() -> None:
    lone = FactorColumn("x", "X", pl.Series([1.0, 2.0] + [None] * 14))
    analysis = Characteristics.model_validate(
        {"id": "a", "kind": "characteristics", "factors": ["x"], "by": "stage"}
    )
    only = FactorColumn("stage", "Stage", pl.Series(["low"] * 2 + ["high"] * 14), levels=STAGE.levels)
    found = find_tests(list(summarize_groups(analysis, [lone], only, seed=1)))["x"]
    assert (found.value, found.status) == (None, "not_estimable")
    assert found.note == "fewer than two groups have a value"


def test_p_values_are_adjusted_over_the_table() -> None:
    rows = run(adjust={"method": "holm"})
    adjusted = {row.variable: row.value for row in rows if row.estimate == "p_adjusted"}
    assert adjusted["x"] == pytest.approx(2 * 0.00205495773121)
    assert adjusted["yes"] == pytest.approx(0.0659340659341)


# Size and name of a group do not part: the spaces of the size do not break.
NAMES = ("Low (n_=_6)", "Middle (n_=_4)", "High (n_=_6)")


def test_the_table_has_a_column_for_each_group_and_names_the_test() -> None:
    content = associations_of(run(tests={"x": "jonckheere_terpstra"}), kind="characteristics", label="")
    table = table_by_groups(content, "a")
    assert table.caption == "Characteristics by stage"
    assert [column.title for column in table.columns] == [
        "Characteristic", *(name.replace("_", "\N{NO-BREAK SPACE}") for name in NAMES), "P",
    ]  # fmt: skip
    (number,) = (row for row in table.rows if row.header == "X, g/L")
    assert [cell.text for cell in number.cells][:1] == ["3.5 (1.0\N{EN DASH}5.5)"]
    notes = [table.footnotes[mark] for mark in number.cells[-1].marks]
    assert notes == ["Jonckheere-Terpstra test over the groups in their order; named in the protocol"]
    methods = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert re.search("in advance: [Xx] by the Jonckheere-Terpstra test for trend over the groups", methods)
    assert re.search(r"Jonckheere AR\. .*Biometrika 1954;41:133-145\.", methods)


def test_the_rule_is_told_in_the_methods() -> None:
    content = associations_of(run(), kind="characteristics", label="")
    text = " ".join(part for _, parts in write_methods_paragraphs(content) for part in parts)
    assert "over more than two groups by the Kruskal-Wallis test" in text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"tests": {"x": "kruskal_wallis"}}, "'tests' is about groups; name them as by"),
        ({"adjust": {"method": "holm"}}, "'adjust' is about groups; name them as by"),
        ({"by": "sex", "factors": ["sex"]}, "by = 'sex' stands among the factors"),
    ],
)
def test_keys_of_groups_go_together(keys: dict[str, Any], words: str) -> None:
    given = {"id": "a", "kind": "characteristics", "factors": ["x"], **keys}
    with pytest.raises(ValidationError, match=words):
        Characteristics.model_validate(given)


def write_changed(folder: Path, study: str) -> Path:
    write_study(folder)
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return folder


GROUPS = """
[factors.stage]
column = "sex"
levels = { "f" = ["female"], "m" = ["male"] }

[[analyses]]
id = "groups"
kind = "characteristics"
factors = ["age_years"]
"""


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('by = "nothing"', "by names 'nothing'"),
        ('by = "age_years"\nfactors = ["sex"]', "by = 'age_years' has numbers, which make no groups"),
        ('by = "stage"\ntests = { age = "kruskal_wallis" }', "tests names 'age'"),
        (
            'by = "stage"\ntests = { age_years = "jonckheere_terpstra" }',
            r"a Jonckheere-Terpstra test needs groups in an order; declare it under \[factors.stage\]",
        ),
        (
            'by = "stage"\ntests = { age_years = "chi_squared" }',
            "'age_years' is a number; allowed: mann_whitney",
        ),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, keys: str, words: str) -> None:
    text = GROUPS if "factors" not in keys else GROUPS.replace('factors = ["age_years"]\n', "")
    file = write_changed(tmp_path, STUDY + text + keys + "\n")
    with pytest.raises(ProtocolError, match=words):
        analyze_study(file)


def test_grades_make_groups_in_their_order(tmp_path: Path) -> None:
    text = GROUPS + 'by = "neutropenia"\ntests = { age_years = "jonckheere_terpstra" }\n'
    result = analyze_study(write_changed(tmp_path, STUDY + text))
    rows = result.results.filter(pl.col("analysis_id") == "groups")
    sizes = rows.filter(pl.col("variable") == "patients")["stratum"].to_list()
    assert sizes[:1] == ["grade 0"]
    assert sizes[4:5] == ["grade 4"]
    assert rows.filter(pl.col("group") == "test")["text"].to_list()[0] == "jonckheere_terpstra"


def test_a_named_test_over_groups_belongs_to_groups(tmp_path: Path) -> None:
    """Two sides of an outcome have no more than two groups."""
    text = '\n[[analyses]]\nid = "f"\nkind = "risk_factors"\noutcome = "severe_neutropenia"\nevent = "yes"\n'
    text += 'columns = ["p"]\nfactors = ["age_years"]\ntests = { age_years = "kruskal_wallis" }\n'
    with pytest.raises(ProtocolError, match=r"tests\.age_years.*'kruskal_wallis'"):
        analyze_study(write_changed(tmp_path, STUDY + text))


def test_effects_of_a_cross_table_are_declared() -> None:
    given = {"id": "t", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "crs"}
    assert Crosstab.model_validate(given).effects == ()
    named = Crosstab.model_validate({**given, "effects": ["risk_difference", "odds_ratio"]})
    assert named.effects == ("risk_difference", "odds_ratio")
    with pytest.raises(ValidationError, match="effects"):
        Crosstab.model_validate({**given, "effects": ["shift"]})
    with pytest.raises(ValidationError, match="twice"):
        Crosstab.model_validate({**given, "effects": ["risk_ratio", "risk_ratio"]})


def test_the_study_can_be_read_again(tmp_path: Path) -> None:
    file = write_changed(tmp_path, STUDY + GROUPS + 'by = "stage"\n')
    (one,) = (item for item in read_protocol(file).protocol.analyses if item.id == "groups")
    assert isinstance(one, Characteristics)
    assert one.by == "stage"
