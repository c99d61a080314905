"""One laboratory row has one grade, or none and a reason.

Grade 0 means that the row was judged and is normal. A row that cannot be judged has no grade.
"""

from __future__ import annotations

from scenario import grade_printed, grades_of


def test_a_value_at_a_cut_has_the_milder_grade():
    """CTCAE 4.03 prints grade 3 as "<1.0 - 0.5" and grade 4 as "<0.5": 0.5 is not below 0.5, so it is
    grade 3.

    A value at the lower limit of normal is not below it: grade 0.
    """
    table = """
        analyte  value  unit    lln
        anc      0.49   1e9/L   2.0
        anc      0.5    1e9/L   2.0
        anc      1.0    1e9/L   2.0
        anc      1.5    1e9/L   2.0
        anc      2.0    1e9/L   2.0
    """
    assert grades_of(table) == [4, 3, 2, 1, 0]


def test_the_unit_of_a_row_decides():
    """499 cells per microliter is 0.499 x 10^9/L and grade 4. Read without its unit it would look normal."""
    table = """
        analyte  value  unit      lln
        anc      499    /uL       2000
        anc      0.499  10^9/L    2.0
        anc      500    cells/uL  2000
        anc      0.5    K/uL      2.0
    """
    assert grades_of(table) == [4, 4, 3, 3]


def test_an_unknown_or_missing_unit_is_never_grade_0():
    table = """
        analyte     value  unit    lln
        anc         3.0    pints   2.0
        anc         3.0    .       2.0
        platelets   250    g/L     150
        hemoglobin  13.5   %       12
    """
    assert grade_printed(table) == [
        (None, "unknown unit"),
        (None, "unit missing"),
        (None, "unknown unit"),
        (None, "unknown unit"),
    ]


def test_a_missing_lower_limit_of_normal_is_never_grade_0():
    """1.5 and 9.0 could be below an unknown limit. 1.49 is below 1.5 whatever the limit is: grade 2."""
    table = """
        analyte  value  unit    lln
        anc      9.0    1e9/L   .
        anc      1.5    1e9/L   .
        anc      1.49   1e9/L   .
        anc      0.2    1e9/L   .
    """
    missing = (None, "lower limit of normal missing")
    assert grade_printed(table) == [missing, missing, (2, "judged"), (4, "judged")]


def test_a_limit_of_normal_below_the_cut_of_grade_2_leaves_no_grade_1():
    """With a limit of 1.2, a count of 1.3 is not below the limit, but it is below 1.5: grade 2. 1.5 is
    grade 0.
    """
    table = """
        analyte  value  unit    lln
        anc      1.5    1e9/L   1.2
        anc      1.3    1e9/L   1.2
        anc      1.1    1e9/L   1.2
    """
    assert grades_of(table) == [0, 2, 2]


def test_a_censored_value_has_the_grade_that_all_its_values_meet():
    """A printed "<0.6" is below 1.0 for certain and perhaps below 0.5: grade 3. "<2.0" is below the limit
    of 2.0: grade 1.

    "<2.5" could be normal and ">1.0" could be grade 2, so neither has a grade. ">2000" cells per
    microliter is above the limit: grade 0.
    """
    table = """
        analyte  value  unit    lln
        anc      <0.5   1e9/L   2.0
        anc      <0.6   1e9/L   2.0
        anc      <2.0   1e9/L   2.0
        anc      <2.5   1e9/L   2.0
        anc      >1.0   1e9/L   2.0
        anc      >2000  /uL     2000
    """
    assert grades_of(table) == [4, 3, 1, None, None, 0]


def test_hemoglobin_in_mmol_is_judged_in_grams():
    """4.9 mmol/L x 16.114 = 78.96 g/L, below 80: grade 3. 6.2 mmol/L = 99.91 g/L, below 100: grade 2.

    The printed 4.9 and 6.2 mmol/L are 80 and 100 g/L rounded. 5.0 mmol/L = 80.57 and 6.3 mmol/L = 101.5 g/L.
    """
    table = """
        analyte     value  unit    lln
        hemoglobin  4.9    mmol/L  7.4
        hemoglobin  5.0    mmol/L  7.4
        hemoglobin  6.2    mmol/L  7.4
        hemoglobin  6.3    mmol/L  7.4
        hemoglobin  8.0    g/dL    12.0
        hemoglobin  79     g/L     120
    """
    assert grades_of(table) == [3, 2, 2, 1, 2, 3]


def test_what_is_not_a_number_has_no_grade():
    table = """
        analyte  value    unit    lln
        anc      n.d.     1e9/L   2.0
        anc      clotted  1e9/L   2.0
        anc      -0.5     1e9/L   2.0
        anc      .        1e9/L   2.0
    """
    assert grade_printed(table) == [
        (None, "value missing"),
        (None, "value not a number"),
        (None, "negative value"),
        (None, "value missing"),
    ]


def test_a_decimal_comma_is_read_only_where_it_is_plain():
    """A printed "0,35" can only be 0.35: grade 4. "1,500" alone could be 1.5 or 1500 and is not guessed."""
    assert grades_of("analyte value unit lln\nanc 0,35 1e9/L 2,0") == [4]
    assert grade_printed("analyte value unit lln\nanc 1,500 /uL 2000") == [(None, "ambiguous number")]
