"""The counts behind printed numbers: the seed's odds ratios, percentages and what cannot be looked for."""

from __future__ import annotations

import pytest

from cytopenia.errors import DataError
from cytopenia.published.category_counts import find_category_counts, find_table_counts
from cytopenia.published.fourfold_tables import PrintedRatio, find_fourfold_tables
from cytopenia.published.printed_bounds import bound_number

# Table III of Qiu et al. 2023 (doi 10.3892/ol.2023.13924), univariable part: 39 recovered, 21 not. The counts
# were worked out with pencil from the odds ratio: 33 x 14 / (6 x 7) = 11, and so on.
TABLE_3 = [
    (("11", "3.130", "38.660"), (33, 6, 7, 14), 0),
    (("8.500", "2.371", "30.466"), (26, 13, 4, 17), 0),
    (("0.107", "0.028", "0.410"), (4, 34, 11, 10), 1),
    (("0.250", "0.081", "0.770"), (13, 26, 14, 7), 0),
    (("0.110", "0.031", "0.395"), (5, 34, 12, 9), 0),
]


@pytest.mark.parametrize(("printed", "counts", "missing"), TABLE_3)
def test_each_odds_ratio_of_table_3_has_one_table_of_counts(
    printed: tuple[str, str, str], counts: tuple[int, ...], missing: int
) -> None:
    search = find_fourfold_tables(PrintedRatio(*printed), (39, 21), missing=2)
    assert search.answer == "unique"
    assert search.tables[0].counts == counts
    assert (search.tables[0].first_missing, search.tables[0].second_missing) == (missing, 0)


def test_interleukin_6_has_no_counts_without_a_missing_value() -> None:
    assert find_fourfold_tables(PrintedRatio("0.107", "0.028", "0.410"), (39, 21)).answer == "none"


def test_few_digits_leave_several_tables() -> None:
    # One patient in each cell: odds ratio 1, standard error 2, upper limit exp(1.96 x 2) = 50.4.
    search = find_fourfold_tables(PrintedRatio("1", "0", "50"), (2, 2))
    assert [table.counts for table in search.tables] == [(1, 1, 1, 1)]
    # 1 and 3 in both groups, or 3 and 1: standard error 1.633, upper limit 24.5 both times.
    search = find_fourfold_tables(PrintedRatio("1.0", "0.0", "24.5"), (4, 4))
    assert (search.answer, [table.counts for table in search.tables]) == (
        "several",
        [(1, 3, 1, 3), (3, 1, 3, 1)],
    )


def test_numbers_that_are_cut_off_are_named_so() -> None:
    # 33 x 14 / (6 x 7) = 11 exactly; the limits are 3.12985 and 38.65998: cut off, not rounded.
    search = find_fourfold_tables(PrintedRatio("11", "3.129", "38.659"), (39, 21))
    assert search.answer == "unique"
    assert search.tables[0].convention == "truncated"


def test_a_whole_number_that_a_program_holds_a_little_below() -> None:
    # 112 x 10 / (8 x 1) = 140, which exp and log leave at 139.99999999999997: cut off, it prints 139.9.
    search = find_fourfold_tables(PrintedRatio("139.9", "15.8", "1234.9"), (120, 11))
    assert [table.counts for table in search.tables] == [(112, 8, 1, 10)]


def test_what_cannot_be_looked_for_is_told_at_once() -> None:
    message = r"(?s)low is '-1'.*the first group has 1 patients; allowed: 2 to.*missing is -1; allowed: 0 to"
    with pytest.raises(DataError, match=message):
        find_fourfold_tables(PrintedRatio("2", "-1", "5"), (1, 21), missing=-1)
    with pytest.raises(DataError, match="lower limit 5 lies above the upper limit 2; exchange them"):
        find_fourfold_tables(PrintedRatio("3", "5", "2"), (39, 21))
    with pytest.raises(DataError, match=r"odds_ratio is '<0\.1'; allowed"):
        find_fourfold_tables(PrintedRatio("<0.1", "0.01", "2"), (39, 21))


def test_percentages_of_the_products_lead_back_to_their_counts() -> None:
    # Qiu et al. 2023, Patient characteristics: 11, 9, 23, 19 and 1 of 63. 23/63 = 36.507...: cut off;
    # 1/63 = 1.587...: cut off; 11/63 = 17.460...: either.
    search = find_category_counts(["17.46", "14.28", "36.50", "30.15", "1.58"], 63)
    assert (search.answer, search.convention) == ("unique", "truncated")
    assert search.found[0] == ((11, 9, 23, 19, 1), 0)


def test_two_conventions_in_one_row_are_called_mixed() -> None:
    # 1/3 = 33.33 rounded and cut off; 2/3 = 66.67 only rounded; 5/63 = 7.936: 7.93 only cut off.
    search = find_category_counts(["7.93", "92.06"], 63)
    assert (search.convention, search.found[0].counts) == ("truncated", (5, 58))
    search = find_category_counts(["7.93", "92.07"], 63)
    assert search.answer == "none"
    search = find_category_counts(["7.93", "26.99", "65.07"], 63)
    assert search.answer == "none"
    # 5/63 = 7.9365 cut off, 17/63 = 26.9841 rounds to 26.98, 41/63 = 65.0794 rounds to 65.08.
    search = find_category_counts(["7.93", "26.98", "65.08"], 63)
    assert (search.convention, search.found[0].counts) == ("mixed", (5, 17, 41))


def test_a_percentage_that_no_count_gives() -> None:
    # 1/60 = 1.67 %, 2/60 = 3.33 %: nothing prints 2.5.
    assert find_category_counts(["2.5"], 60, is_complete=False).answer == "none"


def test_missing_patients_change_the_denominator() -> None:
    # 10/20 and 10/20 of 20 with a value, one of 21 without.
    search = find_category_counts(["50.0", "50.0"], 21, missing=1)
    assert (search.answer, search.found[0]) == ("unique", ((10, 10), 1))


def test_a_table_is_searched_group_by_group() -> None:
    by_group = find_table_counts([["84.6", "33.3"], ["15.4", "66.7"]], [39, 21])
    assert [search.found[0].counts for search in by_group] == [(33, 6), (7, 14)]


def test_percentages_that_cannot_be_looked_for() -> None:
    with pytest.raises(DataError, match=r"(?s)'101' is no percentage.*a group has 0 patients; allowed: 1 to"):
        find_category_counts(["101"], 0)
    with pytest.raises(DataError, match="row 2: each row needs 2 percentages"):
        find_table_counts([["1", "2"], ["3"]], [10, 10])
    with pytest.raises(DataError, match="no percentage is given"):
        find_category_counts([], 10)


@pytest.mark.parametrize("text", ["", "ten", "1,5", "1e3", "5%", "--1"])
def test_what_is_no_printed_number(text: str) -> None:
    with pytest.raises(DataError, match="is no printed number; allowed: digits with a decimal point"):
        bound_number(text)
