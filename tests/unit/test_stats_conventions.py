"""Which form of a test each program takes, and when a conclusion depends on it."""

from __future__ import annotations

import pytest

from cytopenia.errors import DataError
from cytopenia.stats.conventions import (
    ProgramTest,
    compare_counts_by_program,
    compare_distributions_by_program,
    judge_conclusion,
)

# Thrombocytopenia of grade 3 or higher, by the grade of CRS: without CRS 1 of 19 (5.26%), grade 1-2 13 of 40
# (32.50%), grade 3 or higher 1 of 4 (25%). Qiu et al., Oncol Lett 2023, Results and Table SV
# (doi:10.3892/ol.2023.13924).
THROMBOCYTOPENIA_BY_CRS = [[1, 18], [13, 27], [1, 3]]


def name_tests(tests: tuple[ProgramTest, ...]) -> set[tuple[str, str]]:
    return {(one.program, one.found.method) for one in tests}


def test_thrombocytopenia_by_crs_depends_on_the_test() -> None:
    """0.072 by chi-squared, below 0.05 by Fisher: `fisher.test` of R 4.2.2 gives 0.04717."""
    tests = compare_counts_by_program(THROMBOCYTOPENIA_BY_CRS, is_ordered=False)
    p = {(one.program, one.found.method): one.found.p_value for one in tests}
    for program in ("spss", "r", "scipy"):
        assert p[program, "chi_squared"] == pytest.approx(0.072, abs=0.0005)
        assert p[program, "fisher_exact"] == pytest.approx(0.0472, abs=0.00005)
    assert judge_conclusion([one.found for one in tests], level=0.05).depends


def test_the_tests_of_two_by_two() -> None:
    assert name_tests(compare_counts_by_program([[12, 8], [5, 14]], is_ordered=False)) == {
        ("spss", "chi_squared"),
        ("spss", "chi_squared_yates"),
        ("spss", "likelihood_ratio_chi_squared"),
        ("spss", "fisher_exact"),
        ("spss", "linear_by_linear"),
        ("r", "chi_squared_yates"),
        ("r", "fisher_exact"),
        ("scipy", "chi_squared_yates"),
        ("scipy", "fisher_exact"),
    }


def test_a_trend_is_another_question() -> None:
    tests = compare_counts_by_program(THROMBOCYTOPENIA_BY_CRS, is_ordered=True)
    trend = {one.found.method: one.question for one in tests if one.question == "trend"}
    assert trend == {"linear_by_linear": "trend", "cochran_armitage": "trend"}
    plain = compare_counts_by_program(THROMBOCYTOPENIA_BY_CRS, is_ordered=False)
    assert {one.question for one in plain} == {"independence"}


def test_larger_tables_carry_what_a_reader_must_know() -> None:
    tests = compare_counts_by_program(THROMBOCYTOPENIA_BY_CRS, is_ordered=False)
    notes = {one.program: one.found.note for one in tests if one.found.method == "fisher_exact"}
    assert "9999" in notes["scipy"]
    assert "Exact Tests" in notes["spss"]
    assert notes["r"] == ""


@pytest.mark.parametrize(
    ("first", "second", "scipy"),
    [
        # SciPy counts arrangements if one sample has at most 8 values and none occurs twice.
        (8, 30, "mann_whitney_exact"),
        (30, 8, "mann_whitney_exact"),
        (9, 9, "mann_whitney_continuity"),
    ],
)
def test_where_scipy_counts_arrangements(first: int, second: int, scipy: str) -> None:
    one = [float(number) for number in range(first)]
    two = [number + 0.5 for number in range(second)]
    assert ("scipy", scipy) in name_tests(compare_distributions_by_program(one, two))
    assert ("scipy", "mann_whitney_continuity") in name_tests(
        compare_distributions_by_program(one, [1.0, *two])
    )


@pytest.mark.parametrize(("second", "is_printed"), [(20, True), (21, False)])
def test_where_spss_prints_an_exact_p(second: int, *, is_printed: bool) -> None:
    """IBM's command reference: up to 40 cases."""
    one = [float(number) for number in range(20)]
    two = [number + 0.5 for number in range(second)]
    tests = name_tests(compare_distributions_by_program(one, two))
    assert (("spss", "mann_whitney_exact_untied") in tests) == is_printed


def test_half_a_pair_has_no_exact_p_of_spss() -> None:
    (exact,) = (
        one.found
        for one in compare_distributions_by_program([1, 2], [2, 3, 4])
        if one.found.method == "mann_whitney_exact_untied"
    )
    assert exact.p_value is None
    assert "0.5" in exact.note


def test_nothing_to_compare() -> None:
    for one in (*compare_distributions_by_program([], [1.0]), *compare_counts_by_program([[1, 2]])):
        assert one.found.status == "not_estimable"
        assert one.found.note
    assert judge_conclusion([], level=0.05).depends is None


@pytest.mark.parametrize(
    ("p_values", "depends"),
    [
        ([0.0499, 0.0501], True),
        # P at the level is not below it.
        ([0.0499, 0.05], True),
        ([0.05, 0.9], False),
        ([0.01, 0.0499], False),
        ([0.01, None], None),
    ],
)
def test_a_conclusion_depends_if_p_lies_on_both_sides(
    p_values: list[float | None], *, depends: bool | None
) -> None:
    tests = [one.found for one in compare_distributions_by_program([1], [2])][: len(p_values)]
    from dataclasses import replace

    given = [replace(test, p_value=p) for test, p in zip(tests, p_values, strict=True)]
    found = judge_conclusion(given, level=0.05)
    assert found.depends is depends
    assert found.smallest == min(p for p in p_values if p is not None)


def test_a_level_is_between_0_and_1() -> None:
    with pytest.raises(DataError, match="level: 5; allowed: a number between 0 and 1"):
        judge_conclusion([], level=5)
