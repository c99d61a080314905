"""Raw frames become the six tables, everything doubtful a finding; expected values typed by hand."""

from __future__ import annotations

import csv
import datetime as dt
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import (
    FINDING_SCHEMA,
    TABLES,
    Tables,
    TextFormat,
    check_tables,
    prepare_labs,
    prepare_tables,
    require_tables,
)
from cytopenia.contract.days import read_moments
from cytopenia.contract.suspects import load_usual_values
from cytopenia.errors import DataError, MissingColumnError
from cytopenia.units import load_analytes


def labs_of(*rows: tuple[Any, ...], columns: str = "patient_id day analyte value unit") -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=columns.split(), orient="row", strict=False)


ANC = ("1", 3, "ANC", "0.4", "K/uL")
INFUSIONS = pl.DataFrame({"patient_id": ["1"], "infusion_date": [dt.date(2024, 1, 10)]})
END = pl.DataFrame({"patient_id": ["1"], "day": [60], "kind": ["last_contact"]})
PATIENTS = pl.DataFrame({"patient_id": ["1"], "age_years": [61]})


def prepare(labs: pl.DataFrame | None = None, **tables: Any) -> Tables:
    raw = {"labs": labs_of(ANC) if labs is None else labs, "infusions": INFUSIONS, **tables}
    return prepare_tables({name: table for name, table in raw.items() if table is not None})


def find(findings: pl.DataFrame, rule: str) -> dict[str, Any]:
    rows = findings.filter(pl.col("rule") == rule).to_dicts()
    assert len(rows) == 1, f"{rule} not found once in {findings['rule'].to_list()}"
    return rows[0]


def dates_of(*texts: str) -> pl.DataFrame:
    return labs_of(
        *[("1", text, "anc", 1.0, "1e9/L") for text in texts], columns="patient_id date analyte value unit"
    )


# ---- labs alone


def test_a_lab_row_in_canonical_form() -> None:
    labs, findings = prepare_labs(labs_of(("1", 3, "Neutrophils", "<100", "/uL")))
    assert labs.to_dicts() == [
        {
            "patient_id": "1",
            "day": 3,
            "minute": None,
            "analyte": "anc",
            "value": 0.1,
            "comparator": "<",
            "unit": "1e9/L",
            "lln": None,
            "uln": None,
            "invalid": None,
            "source_row": 2,
        }
    ]
    assert findings.height == 0


def test_lab_types_are_the_contract() -> None:
    labs, findings = prepare_labs(labs_of(ANC))
    assert dict(labs.schema) == {column.name: column.dtype for column in TABLES["labs"].outputs}
    assert dict(findings.schema) == FINDING_SCHEMA


def test_missing_columns_are_named_all_at_once_with_a_suggestion() -> None:
    with pytest.raises(
        MissingColumnError,
        match=r"(?s)'analyte' is missing \(did you mean 'analite'\?\).*labs: column 'unit' is missing",
    ):
        prepare_labs(pl.DataFrame({"analite": ["anc"], "value": [1.0]}))


def test_an_unknown_unit_is_not_judged_and_says_what_is_allowed() -> None:
    labs, findings = prepare_labs(labs_of(("1", 3, "crp", 5.0, "mmol/L"), ("1", 4, "crp", 5.0, "mg/L")))
    assert labs["invalid"].to_list() == ["unknown unit", None]
    assert labs["value"].to_list() == [None, 5.0]
    found = find(findings, "unknown_unit")
    assert (found["severity"], found["row"], found["rows"], found["column"]) == ("warning", 2, 1, "unit")
    assert "unit 'mmol/L' of crp is not listed in 1 of 2 rows (row 2)" in found["message"]
    assert "Allowed: mg/L, ug/mL, mg/dL." in found["message"]


def test_a_long_list_of_units_is_cut() -> None:
    message = find(prepare_labs(labs_of(("1", 3, "anc", 5.0, "mm")))[1], "unknown_unit")["message"]
    assert (
        "Allowed: 1e9/L, 10^9/L, G/L, K/uL, 10^3/uL, /uL, cells/uL, /mm3, /nL, 10^6/L and 27 more." in message
    )


def test_a_missing_unit_is_not_judged() -> None:
    labs, findings = prepare_labs(labs_of(("1", 3, "crp", 5.0, None), ("1", 3, "anc", 5.0, " ")))
    assert labs["invalid"].to_list() == ["unit missing", "unit missing"]
    assert findings["rule"].to_list() == ["unit_missing", "unit_missing"]


def test_an_unknown_analyte_leaves_labs_with_one_finding_per_name() -> None:
    labs, findings = prepare_labs(
        labs_of(("1", 3, "platlets", 5.0, "K/uL"), ("1", 4, "platlets", 5.0, "K/uL"), ANC)
    )
    assert labs["source_row"].to_list() == [4]
    found = find(findings, "unknown_analyte")
    assert found["rows"] == 2
    assert (
        "analyte name 'platlets' is not listed (did you mean 'platelets'?) in 2 of 3 rows (rows 2, 3)"
        in found["message"]
    )


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("Sodium", "info"),
        ("RDW", "info"),
        ("platlets", "warning"),
        ("Neutrophils (odd)", "warning"),
        ("CRP, cardiac", "warning"),
        ("Crp-like protein", "warning"),
        ("Crystals", "info"),  # "Cr" is listed, but has two letters
        ("Hbsag", "info"),
    ],
)
def test_an_unlisted_name_is_a_warning_if_it_may_be_ours(name: str, severity: str) -> None:
    found = find(prepare_labs(labs_of(("1", 3, name, 5.0, "x"), ANC))[1], "unknown_analyte")
    assert found["severity"] == severity
    assert "These rows are not judged." in found["message"]


@pytest.mark.parametrize("text", ["0.8371", "<0.8371", "0,8371 L", "0.8371*", "8371-01-31"])
def test_a_number_among_names_and_units_is_not_quoted(text: str) -> None:
    rows = [(("1", 3, text, 5.0, "K/uL")), ("1", 3, "anc", 5.0, text), ANC]
    findings = prepare_labs(labs_of(*rows))[1]
    assert "8371" not in " ".join(findings["message"])
    unit = find(findings, "unknown_unit")["message"]
    assert unit.startswith("labs: a number stands where the unit of anc should be in 1 of 3 rows (row 3).")
    name = find(findings, "unknown_analyte")["message"]
    assert name.startswith("labs: a number stands where the analyte name should be in 1 of 3 rows (row 2).")


def test_numbers_among_units_are_one_finding() -> None:
    labs = labs_of(*[("1", day, "anc", 5.0, f"{day}.37") for day in range(30)])
    assert find(prepare_labs(labs)[1], "unknown_unit")["rows"] == 30


def test_units_that_look_like_numbers_at_first_are_quoted() -> None:
    findings = prepare_labs(labs_of(("1", 3, "anc", 5.0, "109/L")))[1]
    assert "unit '109/L' of anc is not listed" in find(findings, "unknown_unit")["message"]


def test_long_texts_are_cut_at_forty_letters() -> None:
    findings = prepare_labs(labs_of(("1", 3, "q" * 90, 5.0, "x"), ANC))[1]
    assert f"analyte name '{'q' * 37}...' is not listed" in find(findings, "unknown_analyte")["message"]


def test_more_than_ten_texts_are_summarized() -> None:
    rows = [("1", 3, f"Zz{letter}zq", 5.0, "x") for letter in "abcdefghijklmnopqrstuv"]
    findings = prepare_labs(labs_of(*rows, ("1", 3, "Zzazq", 6.0, "x"), ANC))[1]
    messages = findings.filter(pl.col("rule") == "unknown_analyte")["message"].to_list()
    assert len(messages) == 11
    assert messages[0].startswith("labs: analyte name 'Zzazq' is not listed in 2 of 24 rows (rows 2, 24).")
    assert messages[10].startswith("labs: and 12 more analyte names are not listed in 12 of 24 rows")


def test_one_more_text_is_said_in_the_singular() -> None:
    rows = [("1", 3, "anc", 5.0, f"Zz{letter}zq") for letter in "abcdefghijk"]
    messages = prepare_labs(labs_of(*rows))[1]["message"].to_list()
    assert messages[10].startswith("labs: and 1 more unit of anc is not listed in 1 of 11 rows (row 12).")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n.d.", "value missing"),
        ("hemolyzed", "value not a number"),
        ("7,125", "ambiguous number"),
        ("-77", "negative value"),
        ("5000", "implausible value"),
    ],
)
def test_bad_values_stay_in_the_table_with_the_reason(text: str, reason: str) -> None:
    labs, findings = prepare_labs(labs_of(("1", 3, "anc", text, "K/uL")))
    assert labs["invalid"].to_list() == [reason]
    assert text not in " ".join(findings["message"])


def test_ambiguous_numbers_ask_for_the_decimal_mark() -> None:
    _, findings = prepare_labs(labs_of(("1", 3, "anc", "1,234", "K/uL")))
    assert 'decimal = ","' in find(findings, "ambiguous_number")["message"]


def test_a_stated_decimal_mark_reads_them() -> None:
    labs, _ = prepare_labs(labs_of(("1", 3, "anc", "1,234", "K/uL")), text=TextFormat(decimal=","))
    assert labs["value"].to_list() == [1.234]


def test_the_users_own_reason_wins() -> None:
    labs, _ = prepare_labs(
        labs_of(
            (*ANC, "clumping"),
            (*ANC[:3], "x", "%", "diluted"),
            ("1", 4, *ANC[2:], ""),
            columns="patient_id day analyte value unit invalid",
        )
    )
    assert labs["invalid"].to_list() == ["clumping", "diluted", None]


@pytest.mark.parametrize("word", ["N", "n", "no", "-", "none", "None", "ok", "OK", "valid", "0", "False", ""])
def test_a_row_marked_as_not_invalid_is_judged(word: str) -> None:
    labs, _ = prepare_labs(labs_of((*ANC, word), columns="patient_id day analyte value unit invalid"))
    assert labs["invalid"].to_list() == [None]


@pytest.mark.parametrize("word", ["Y", "yes", "1", "TRUE"])
def test_a_row_marked_as_invalid_is_not_judged(word: str) -> None:
    labs, _ = prepare_labs(labs_of((*ANC, word), columns="patient_id day analyte value unit invalid"))
    assert labs["invalid"].to_list() == ["marked invalid"]


@pytest.mark.parametrize(("mark", "reason"), [(0.0, None), (1.0, "marked invalid"), (True, "marked invalid")])
def test_marks_may_be_numbers(mark: float, reason: str | None) -> None:
    labs, _ = prepare_labs(labs_of(ANC).with_columns(invalid=pl.lit(mark)))
    assert labs["invalid"].to_list() == [reason]


def test_limits_follow_the_unit_of_their_row() -> None:
    labs, _ = prepare_labs(
        labs_of(
            ("1", 3, "anc", 400, "/uL", "2000", "7000"), columns="patient_id day analyte value unit lln uln"
        )
    )
    assert labs.select("value", "lln", "uln").row(0) == (0.4, 2.0, 7.0)


@pytest.mark.parametrize(
    ("analyte", "unit", "lln", "kept"),
    [
        ("ANC", "/uL", "2.0", None),  # 0.002 in 1e9/L
        ("ANC", "/uL", "1800", 1.8),
        ("ANC", "K/uL", "0", None),
        ("ANC", "K/uL", "0.3", 0.3),
        ("ANC", "K/uL", "12", 12.0),
        ("ANC", "K/uL", "12.1", None),
        ("ANC", "K/uL", "1800", None),
        ("Hb", "g/L", "12", None),
        ("Hb", "g/dL", "12", 120.0),
        ("Hb", "g/dL", "120", None),
        ("PLT", "K/uL", "150000", None),
        ("PLT", "/uL", "150000", 150.0),
        ("CRP", "mg/L", "0", 0.0),  # high values do harm: a lower limit of 0 is usual
    ],
)
def test_a_lower_limit_that_no_laboratory_prints_is_not_used(
    analyte: str, unit: str, lln: str, kept: float | None
) -> None:
    row = ("1", 3, analyte, "110", unit, lln)
    labs, findings = prepare_labs(labs_of(row, columns="patient_id day analyte value unit lln"))
    assert labs["lln"].to_list() == [kept]
    assert (findings["rule"] == "limit_implausible").sum() == (kept is None)


def test_an_unusual_lower_limit_names_the_usual_range_and_only_its_rows() -> None:
    rows = [("1", 3, "ANC", "1800", "/uL", lln) for lln in ("2000", "2", "2", None)]
    labs, findings = prepare_labs(
        labs_of(*rows, columns="patient_id day analyte value unit lln"), collapse_duplicates=False
    )
    assert labs["lln"].to_list() == [2.0, None, None, None]
    found = find(findings, "limit_implausible")
    assert (found["severity"], found["column"], found["rows"]) == ("warning", "lln", 2)
    assert found["message"] == (
        "labs: lln of anc lies outside the usual 0.3 to 12 1e9/L in 2 of 4 rows (rows 3, 4). "
        "The limit is not used; it must be in the unit of its row."
    )


@pytest.mark.parametrize(("uln", "kept"), [("0.05", 0.05), ("1000", 1000.0), ("1001", None)])
def test_an_upper_limit_needs_to_be_plausible_only(uln: str, kept: float | None) -> None:
    labs, _ = prepare_labs(
        labs_of(("1", 3, "anc", 0.4, "K/uL", uln), columns="patient_id day analyte value unit uln")
    )
    assert labs["uln"].to_list() == [kept]


def test_limits_that_contradict_each_other_are_not_used() -> None:
    labs, findings = prepare_labs(
        labs_of(("1", 3, "anc", 0.4, "K/uL", 7.0, 2.0), columns="patient_id day analyte value unit lln uln")
    )
    assert labs.select("value", "lln", "uln", "invalid").row(0) == (0.4, None, None, None)
    assert find(findings, "limits_reversed")["severity"] == "warning"


def test_a_limit_that_is_no_number_is_not_used() -> None:
    labs, findings = prepare_labs(
        labs_of(("1", 3, "anc", 0.4, "K/uL", "2.0-7.0"), columns="patient_id day analyte value unit lln")
    )
    assert labs["lln"].to_list() == [None]
    assert find(findings, "limit_not_a_number")["column"] == "lln"


def test_a_stated_lower_limit_fills_the_missing_ones_only() -> None:
    rows = (
        ("1", 3, "anc", 0.4, "K/uL", None),
        ("1", 4, "anc", 400, "/uL", 1800.0),
        ("1", 4, "wbc", 1.0, "K/uL", None),
    )
    labs, findings = prepare_labs(
        labs_of(*rows, columns="patient_id day analyte value unit lln"), lln={"anc": 2.0}
    )
    assert labs["lln"].to_list() == [2.0, 1.8, None]
    assert find(findings, "limit_stated")["rows"] == 1


def test_exact_duplicates_collapse_to_the_first() -> None:
    rows = labs_of(ANC, ("1", 3, "NEUT", 400, "/uL"), ANC)
    labs, findings = prepare_labs(rows)
    assert labs["source_row"].to_list() == [2]
    assert find(findings, "duplicate_rows")["rows"] == 2
    assert prepare_labs(rows, collapse_duplicates=False)[0].height == 3


def test_rows_that_only_look_alike_because_something_is_missing_all_stay() -> None:
    unjudged = labs_of(*[("1", 3, "anc", text, "%") for text in ("50", "60")])
    undated = labs_of(*[("", None, "anc", "0.5", "K/uL")] * 2)
    assert prepare_labs(unjudged)[0].height == 2
    assert prepare_labs(undated)[0].height == 2


@pytest.mark.parametrize(("value", "hits"), [(4.0, 0), (59.9, 0), (60.0, 1), (0.06, 1), (0.07, 0)])
def test_a_unit_is_suspected_from_the_median_of_a_whole_column(value: float, hits: int) -> None:
    labs = labs_of(*[("1", day, "anc", value, "K/uL") for day in range(20)])
    assert (prepare_labs(labs)[1]["rule"] == "suspected_unit").sum() == hits


def test_four_rows_are_too_few_to_suspect_a_unit() -> None:
    four = labs_of(*[("1", day, "hemoglobin", 12.0, "g/L") for day in range(4)])
    assert prepare_labs(four)[1]["rule"].to_list() == ["unusual_value"]
    five = labs_of(*[("1", day, "hemoglobin", 12.0, "g/L") for day in range(5)])
    assert find(prepare_labs(five)[1], "suspected_unit")["rows"] == 5


def test_an_unusual_value_is_told_and_kept() -> None:
    labs, findings = prepare_labs(
        labs_of(
            *[
                ("1", day, "anc", value, "K/uL")
                for day, value in enumerate((1.0, 350.0, 2.0, 0.0, 1.5, 100.1, 0.0005))
            ]
        )
    )
    found = find(findings, "unusual_value")
    assert (found["severity"], found["column"], found["rows"]) == ("warning", "unit", 3)
    assert "(rows 3, 7, 8)" in found["message"]
    assert labs["value"].to_list() == [1.0, 350.0, 2.0, 0.0, 1.5, 100.1, 0.0005]
    assert labs["invalid"].null_count() == labs.height


def test_every_end_of_a_usual_range_has_a_source_or_is_marked_assumed() -> None:
    text = files("cytopenia").joinpath("data", "usual_values.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        told = row["source"]
        if told.startswith("assumed, both ends: "):
            continue
        ends = {part.partition(": ")[0]: part for part in re.split(r"; (?=low: |high: )", told)}
        assert set(ends) == {"low", "high"}, told
        for part in ends.values():
            has_source = re.search(r"PMID \d+|\b(19|20)\d\d\b|\.(org|com)/", part)
            assert has_source or "assumed" in part, part


@pytest.mark.parametrize(
    ("analyte", "value"),
    [
        ("crp", 500),
        ("ferritin", 120_000),
        ("ldh", 8_000),
        ("platelets", 1_500),
        ("creatinine", 900),
        ("fibrinogen", 9),
        ("il6", 100_000),
        ("temperature", 41.5),
    ],
)
def test_extremes_of_the_very_ill_are_no_warning(analyte: str, value: float) -> None:
    low, high = load_usual_values()[analyte]
    assert low <= value <= high


def test_every_analyte_has_usual_values_inside_the_plausible_and_around_the_typical() -> None:
    usual = load_usual_values()
    assert list(usual) == list(load_analytes())
    for name, row in load_analytes().items():
        low, high = usual[name]
        assert row.plausible_low <= low <= row.typical_low
        assert row.typical_high <= high <= row.plausible_high


def test_fractions_of_days_count_to_their_calendar_day() -> None:
    labs, findings = prepare_labs(
        labs_of(("1", 0.41667, "anc", 1.0, "K/uL"), ("1", -0.5, "anc", 1.0, "K/uL"))
    )
    assert labs["day"].to_list() == [0, -1]
    assert find(findings, "fractional_day")["rows"] == 2


def test_numeric_patient_ids_become_the_same_text() -> None:
    for ids in ([7], [7.0], [" 7 "]):
        assert prepare_labs(pl.DataFrame({"patient_id": ids, "analyte": "anc", "value": 1.0, "unit": "G/L"}))[
            0
        ]["patient_id"].to_list() == ["7"]


def test_types_never_change_a_row() -> None:
    text, _ = prepare_labs(labs_of(("1", "3", "anc", "0.1", "K/uL")))
    number, _ = prepare_labs(
        labs_of(("1", 3, "anc", 0.1, "K/uL")).with_columns(
            pl.col("value").cast(pl.Float32), pl.col("day").cast(pl.Int8)
        )
    )
    assert_frame_equal(text, number)


def test_labs_given_are_not_changed() -> None:
    labs = labs_of(ANC, ("1", 3, "x", "<0,1", "%"))
    before = labs.clone()
    prepare_labs(labs)
    assert_frame_equal(labs, before)


# ---- days


@pytest.mark.parametrize(
    ("text", "day", "minute"),
    [
        ("2024-01-10", 0, None),
        ("2024-01-09", -1, None),
        ("2024-02-10 08:30:00", 31, 510),
        ("2024-01-12T23:59", 2, 1439),
        ("2024-01-12T23:30:00+02:00", 2, 1410),
        ("12.01.2024", 2, None),
        ("1.2.2024 07:05", 22, 425),
        ("2024/01/11", 1, None),
        ("13/01/2024", 3, None),
        ("01/31/2024", 21, None),
        ("12-Jan-2024", 2, None),
    ],
)
def test_day_counts_local_calendar_days_from_the_infusion(text: str, day: int, minute: int | None) -> None:
    assert prepare(dates_of(text)).labs.select("day", "minute").row(0) == (day, minute)


def test_slashes_settle_by_one_date_of_the_column() -> None:
    assert prepare(dates_of("02/01/2024", "13/01/2024")).labs["day"].to_list() == [-8, 3]


@pytest.mark.parametrize("texts", [("02/01/2024", "03/01/2024"), ("13/01/2024", "01/13/2024")])
def test_slashes_that_nothing_settles_are_an_error(texts: tuple[str, ...]) -> None:
    tables = prepare(dates_of(*texts))
    assert tables.labs["invalid"].to_list() == ["date missing", "date missing"]
    assert find(tables.findings, "ambiguous_date")["severity"] == "error"
    assert "date_format" in find(tables.findings, "ambiguous_date")["message"]


def test_a_stated_date_format_settles_slashes() -> None:
    raw = {"labs": dates_of("02/01/2024"), "infusions": INFUSIONS}
    assert prepare_tables(raw, formats={"labs": TextFormat(date_format="%m/%d/%Y")}).labs[
        "day"
    ].to_list() == [22]


@pytest.mark.parametrize("text", ["soon", "31.02.2024", "2024-13-01", ""])
def test_dates_that_cannot_be_read_are_not_judged(text: str) -> None:
    tables = prepare(dates_of(text, "2024-01-10"))
    assert tables.labs["invalid"].to_list() == ["date missing", None]


def test_aware_datetimes_keep_their_local_wall_date() -> None:
    stamp = pl.Series([dt.datetime(2024, 1, 10, 23, 30)]).dt.replace_time_zone("America/New_York")
    labs = dates_of("x").with_columns(date=stamp)
    assert prepare(labs).labs.select("day", "minute").row(0) == (0, 1410)


def test_datetimes_that_are_all_midnight_are_untimed() -> None:
    labs = dates_of("x").with_columns(date=pl.Series([dt.datetime(2024, 1, 11)]))
    assert prepare(labs).labs.select("day", "minute").row(0) == (1, None)


def test_numbers_in_a_date_column_are_an_error() -> None:
    assert (
        find(prepare(dates_of("x").with_columns(date=pl.lit(45301))).findings, "date_is_a_number")["severity"]
        == "error"
    )


def test_days_and_dates_that_agree_use_the_days_and_that_disagree_are_an_error() -> None:
    labs = dates_of("2024-01-12").with_columns(day=pl.lit(2))
    assert "day_and_date_disagree" not in prepare(labs).findings["rule"].to_list()
    assert (
        find(prepare(labs.with_columns(day=pl.lit(3))).findings, "day_and_date_disagree")["severity"]
        == "error"
    )


@pytest.mark.parametrize(
    ("texts", "date_format", "dates", "minutes"),
    [
        (["02.04.24 07:15", "31.01.24"], None, ["2024-04-02", "2024-01-31"], [435, None]),
        (["01.05.69"], None, ["2069-05-01"], [None]),
        (["01.05.70", "31.12.99"], None, ["1970-05-01", "1999-12-31"], [None, None]),
        (["04/27/24", "05/01/24 6:05"], None, ["2024-04-27", "2024-05-01"], [None, 365]),
        (["31-Jan-24"], None, ["2024-01-31"], [None]),
        (["02/04/24 07:15", "03/04/24"], "%d/%m/%y", ["2024-04-02", "2024-04-03"], [435, None]),
        (["04/02/2024 07:15"], "%m/%d/%Y", ["2024-04-02"], [435]),
        # The third part takes 17 values apart and the first none: the year may stand first.
        (["24.01.31", "24.02.14"], None, [None, None], [None, None]),
        (["02/04/24", "03/04/24"], None, [None, None], [None, None]),
    ],
)
def test_years_of_two_digits(
    texts: list[str], date_format: str | None, dates: list[str | None], minutes: list[int | None]
) -> None:
    rows = pl.DataFrame({"date": texts}).with_row_index("source_row", offset=2)
    moments, found = read_moments(
        rows, "labs", day="day", date="date", text=TextFormat(date_format=date_format)
    )
    assert moments.date.cast(pl.String).to_list() == dates
    assert moments.minute.to_list() == minutes
    assert [one.rule for one in found] == (["ambiguous_date"] if None in dates else [])
    if texts[0] == "24.01.31":
        assert "day first or year first (its years have two digits)" in found[0].message


def test_dates_without_an_infusion_say_what_to_do() -> None:
    tables = prepare(dates_of("2024-01-12"), infusions=None)
    assert 'day_zero = "first"' in find(tables.findings, "no_infusion_date")["message"]
    with pytest.raises(DataError, match="infusion_date"):
        require_tables(tables)


def test_day_zero_first_counts_from_the_first_lab_of_each_patient() -> None:
    labs = dates_of("2024-01-12", "2024-01-15").vstack(
        dates_of("2024-03-01").with_columns(patient_id=pl.lit("2"))
    )
    tables = prepare_tables({"labs": labs}, day_zero="first")
    assert tables.labs["day"].to_list() == [0, 3, 0]
    assert tables.infusions.select("patient_id", "day").rows() == [("1", 0), ("2", 0)]
    found = find(tables.findings, "day_zero_first")
    assert found["severity"] == "warning"
    assert (
        "Day 0 is each patient's first laboratory day, not the infusion: windows, day 28 and ICAHT count "
        "from it." in found["message"]
    )


def test_day_zero_first_beside_an_infusions_table_is_refused() -> None:
    with pytest.raises(DataError, match="day_zero = 'first' but an infusions table is given"):
        prepare_tables({"labs": labs_of(ANC), "infusions": INFUSIONS}, day_zero="first")


def test_labs_already_in_days_need_no_infusions_table() -> None:
    tables = prepare(infusions=None)
    assert tables.labs["day"].to_list() == [3]
    assert tables.infusions.select("patient_id", "day").rows() == [("1", 0)]


def test_the_infusion_date_may_stand_in_the_patients_table() -> None:
    patients = PATIENTS.with_columns(
        infusion_date=pl.lit("10.01.2024"), target=pl.lit("CD19"), lymphodepletion_date=pl.lit("05.01.2024")
    )
    tables = prepare(dates_of("2024-01-12"), infusions=None, patients=patients)
    assert tables.labs["day"].to_list() == [2]
    assert tables.infusions.select("day", "infusion_date", "lymphodepletion_day", "target").row(0) == (
        0,
        dt.date(2024, 1, 10),
        -5,
        "CD19",
    )


def test_days_count_from_the_first_of_several_infusions() -> None:
    infusions = pl.DataFrame(
        {"patient_id": ["1", "1"], "infusion_date": [dt.date(2024, 4, 10), dt.date(2024, 1, 10)]}
    )
    tables = prepare(dates_of("2024-01-12"), infusions=infusions)
    assert tables.labs["day"].to_list() == [2]
    assert sorted(tables.infusions["day"].to_list()) == [0, 91]
    assert find(tables.findings, "second_infusion")["severity"] == "info"


@pytest.mark.parametrize("day", [1, -3, 28])
def test_a_first_infusion_on_another_day_than_0_is_an_error(day: int) -> None:
    infusions = pl.DataFrame({"patient_id": ["1"], "day": [day]})
    tables = prepare(infusions=infusions)
    found = find(tables.findings, "first_infusion_not_day_0")
    assert (found["severity"], found["rows"]) == ("error", 1)
    assert found["message"] == (
        "infusions: the first infusion of 1 patient is on another day than 0. "
        "Days count from the first infusion, which is day 0; correct day, or give dates."
    )
    assert tables.labs["day"].to_list() == [3]


def test_patients_whose_first_infusion_is_not_day_0_are_counted() -> None:
    infusions = pl.DataFrame({"patient_id": ["1", "2", "3", "3"], "day": [1, 2, 90, 0]})
    found = find(prepare(infusions=infusions).findings, "first_infusion_not_day_0")
    assert found["rows"] == 2
    assert "of 2 patients is" in found["message"]


def test_a_later_infusion_may_be_a_day_beside_the_date_of_the_first() -> None:
    infusions = pl.DataFrame(
        {"patient_id": ["1", "1"], "infusion_date": ["2024-01-10", None], "day": [None, 91]}
    )
    tables = prepare(dates_of("2024-01-12"), infusions=infusions)
    assert tables.infusions["day"].to_list() == [0, 91]
    assert tables.labs["day"].to_list() == [2]
    assert "first_infusion_not_day_0" not in tables.findings["rule"].to_list()


def test_a_first_infusion_with_a_date_and_another_day_is_an_error() -> None:
    infusions = INFUSIONS.with_columns(day=pl.lit(1))
    found = find(prepare(infusions=infusions).findings, "day_and_date_disagree")
    assert found["severity"] == "error"


# ---- the other tables


def test_patient_columns_that_are_numbers_become_numbers() -> None:
    patients = pl.DataFrame(
        {"patient_id": ["1"], "age_years": ["61,5"], "ecog": ["1"], "sex": ["F"], "site": ["A1"]}
    )
    row = prepare(patients=patients).patients.to_dicts()[0]
    assert row == {"patient_id": "1", "age_years": 61.5, "ecog": 1.0, "sex": "F", "site": "A1"}


@pytest.mark.parametrize("cells", [[1.0, 2.0], [1, 2], ["1", "2"]])
def test_codes_of_described_text_columns_stay_text(cells: list[Any]) -> None:
    patients = pl.DataFrame({"patient_id": ["1", "2"], "sex": cells})
    assert prepare(patients=patients).patients["sex"].to_list() == ["1", "2"]


def test_support_kinds_and_days() -> None:
    support = pl.DataFrame(
        {
            "patient_id": ["1"],
            "start": ["2024-01-12"],
            "stop": ["2024-01-14"],
            "kind": ["G-CSF"],
            "agent": ["filgrastim"],
        }
    )
    tables = prepare(support=support)
    assert tables.support.row(0) == ("1", 2, 4, "gcsf", "filgrastim", 2)
    assert tables.has_support


def test_no_support_table_is_not_no_support() -> None:
    tables = prepare()
    assert not tables.has_support
    assert "count recovery" in find(tables.findings, "no_support_table")["message"]


def test_a_support_table_without_rows_is_a_support_table() -> None:
    support = pl.DataFrame(schema={"patient_id": pl.String, "start": pl.String, "kind": pl.String})
    assert prepare(support=support).has_support


def test_event_grades_and_responses() -> None:
    events = pl.DataFrame(
        {"patient_id": ["1", "1"], "day": [3, 60], "kind": ["CRS", "last contact"], "grade": ["2", None]}
    )
    responses = pl.DataFrame({"patient_id": ["1"], "day": [28], "response": ["cr"]})
    tables = prepare(events=events, responses=responses)
    assert tables.events.select("day", "kind", "grade").rows() == [
        (3, "crs", 2.0),
        (60, "last_contact", None),
    ]
    assert tables.responses.row(0) == ("1", 28, "CR", 2)


def test_absent_tables_are_empty_with_their_types() -> None:
    tables = prepare()
    for name in ("support", "events", "responses"):
        assert dict(getattr(tables, name).schema) == {
            column.name: column.dtype for column in TABLES[name].outputs
        }


def test_a_table_of_another_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(
        DataError,
        match=r"table 'lab' is unknown \(did you mean 'labs'\?\); allowed: patients, infusions, labs",
    ):
        prepare_tables({"lab": labs_of(ANC)})


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("note", [[1, 2]], "text, numbers, dates"),
        ("stay", [dt.timedelta(1)], "text, numbers"),
        ("source_row", ["2"], "whole"),
    ],
)
def test_columns_of_odd_types_are_refused_at_the_door(column: str, values: list[Any], words: str) -> None:
    with pytest.raises(DataError, match=rf"patients: column '{column}' holds .*; allowed: {words}"):
        prepare(patients=PATIENTS.with_columns(pl.Series(column, values)))


@pytest.mark.parametrize(
    "values", [[True], [None], [float("nan")], [dt.date(2024, 1, 1)], [dt.time(5)], ["a | b"]]
)
@pytest.mark.parametrize(
    "column", ["patient_id", "date", "analyte", "value", "unit", "lln", "invalid", "time"]
)
def test_cells_of_any_kind_never_raise(column: str, values: list[Any]) -> None:
    labs = dates_of("2024-01-12").with_columns(pl.Series(column, values))
    assert prepare(labs).labs.height <= 1


# ---- checks across tables

DEATH = pl.DataFrame({"patient_id": ["1"], "day": [20], "kind": ["death"]})
CROSS = [
    ("duplicate_patients", "error", {"patients": pl.concat([PATIENTS, PATIENTS])}),
    (
        "not_in_patients",
        "warning",
        {"patients": PATIENTS, "events": DEATH.with_columns(patient_id=pl.lit("9"))},
    ),
    ("without_infusion", "warning", {"infusions": INFUSIONS.with_columns(patient_id=pl.lit("9"))}),
    (
        "without_labs",
        "warning",
        {"infusions": pl.concat([INFUSIONS, INFUSIONS.with_columns(patient_id=pl.lit("9"))])},
    ),
    ("empty_labs", "error", {"labs": labs_of(ANC).clear()}),
    ("labs_before_infusion_only", "warning", {"labs": labs_of(("1", -30, *ANC[2:]))}),
    (
        "lymphodepletion_after_infusion",
        "error",
        {"infusions": INFUSIONS.with_columns(lymphodepletion_day=pl.lit(5))},
    ),
    (
        "infusion_date_missing",
        "error",
        {"infusions": INFUSIONS.with_columns(infusion_date=pl.lit(None, dtype=pl.Date))},
    ),
    ("death_before_infusion", "error", {"events": DEATH.with_columns(day=pl.lit(-2))}),
    (
        "several_deaths",
        "error",
        {"events": pl.concat([DEATH, DEATH.with_columns(day=pl.lit(30, dtype=pl.Int64))])},
    ),
    ("labs_after_death", "warning", {"labs": labs_of(("1", 21, *ANC[2:])), "events": DEATH}),
    ("end_of_observation_missing", "warning", {}),
    ("unknown_kind", "error", {"events": DEATH.with_columns(kind=pl.lit("deth"))}),
    (
        "unknown_response",
        "error",
        {"responses": pl.DataFrame({"patient_id": ["1"], "day": [28], "response": ["good"]})},
    ),
    ("grade_not_a_number", "warning", {"events": DEATH.with_columns(grade=pl.lit("III"))}),
    (
        "stop_before_start",
        "error",
        {"support": pl.DataFrame({"patient_id": ["1"], "start": [5], "stop": [4], "kind": ["gcsf"]})},
    ),
    (
        "stop_missing",
        "warning",
        {"support": pl.DataFrame({"patient_id": ["1"], "start": [5], "stop": [None], "kind": ["gcsf"]})},
    ),
    (
        "anc_above_wbc",
        "warning",
        {"labs": labs_of(("1", 3, "anc", 2.0, "K/uL"), ("1", 3, "wbc", 1.0, "K/uL"))},
    ),
    ("patient_id_missing", "error", {"labs": labs_of((None, *ANC[1:]), ANC)}),
]


@pytest.mark.parametrize(("rule", "severity", "change"), CROSS, ids=[row[0] for row in CROSS])
def test_each_check_finds_its_fault(rule: str, severity: str, change: dict[str, pl.DataFrame]) -> None:
    labs = change.get("labs")
    found = find(
        prepare(labs, **{name: table for name, table in change.items() if name != "labs"}).findings, rule
    )
    assert found["severity"] == severity
    assert found["rows"] >= (0 if rule == "empty_labs" else 1)


def test_a_clean_cohort_has_only_the_note_on_support() -> None:
    tables = prepare(patients=PATIENTS, events=END)
    assert tables.findings["rule"].to_list() == ["no_support_table"]


def test_an_unknown_kind_is_named_with_the_allowed_list() -> None:
    message = find(prepare(events=DEATH.with_columns(kind=pl.lit("deth"))).findings, "unknown_kind")[
        "message"
    ]
    assert "kind 'deth' is not known (did you mean 'death'?)" in message
    assert "crs, icans, infection" in message


def test_a_number_among_kinds_is_not_quoted() -> None:
    message = find(prepare(events=DEATH.with_columns(kind=pl.lit("0.8371"))).findings, "unknown_kind")[
        "message"
    ]
    assert message.startswith("events: a number stands where the kind should be in 1 of 1 row (row 2).")


def test_labs_without_any_listed_analyte_say_so() -> None:
    labs = labs_of(("1", 3, "Sodium", 140, "mmol/L"), ("1", 4, "Potassium", 4, "mmol/L"), ("1", 4, "", 4, ""))
    message = find(prepare(labs).findings, "empty_labs")["message"]
    assert message.startswith("labs: no row has a listed analyte (3 rows with another name or none);")


def test_an_event_of_unknown_kind_leaves_the_table() -> None:
    assert prepare(events=DEATH.with_columns(kind=pl.lit("deth"))).events.height == 0


def test_check_tables_repeats_the_findings_and_never_doubles_them() -> None:
    tables = prepare(patients=pl.concat([PATIENTS, PATIENTS]))
    assert_frame_equal(check_tables(tables), tables.findings)


def test_check_tables_judges_tables_built_by_hand() -> None:
    tables = prepare(patients=PATIENTS, events=END)
    doubled = replace(tables, patients=pl.concat([tables.patients, tables.patients]))
    assert find(check_tables(doubled), "duplicate_patients")["rows"] == 1


def test_require_tables_returns_clean_tables_and_lists_every_error() -> None:
    clean = prepare(patients=PATIENTS, events=END)
    assert_frame_equal(require_tables(clean).labs, clean.labs)
    bad = prepare(patients=pl.concat([PATIENTS, PATIENTS]), events=DEATH.with_columns(day=pl.lit(-2)))
    with pytest.raises(DataError, match=r"(?s)2 errors.*patients: .*events: "):
        require_tables(bad)


def test_the_contract_names_six_tables_with_a_description_for_every_column() -> None:
    assert list(TABLES) == ["patients", "infusions", "labs", "support", "events", "responses"]
    assert all(column.description for table in TABLES.values() for column in table.columns)


@pytest.mark.parametrize(
    ("values", "unit", "hit"),
    [
        # A cohort with a median of 21 mg/L: as it is, and off by ten in both directions.
        ((6, 12, 21, 60, 140), "mg/L", ""),
        ((0.6, 1.2, 2.1, 6.0, 14.0), "mg/dL", ""),
        ((0.6, 1.2, 2.1, 6.0, 14.0), "mg/L", "'mg/dL' it would not"),
        ((6, 12, 21, 60, 140), "mg/dL", "'mg/L' or 'ug/mL' it would not"),
    ],
)
def test_crp_off_by_ten_is_a_finding(values: tuple[float, ...], unit: str, hit: str) -> None:
    labs = labs_of(*[("1", day, "crp", value, unit) for day, value in enumerate(values)])
    found = prepare_labs(labs)[1].filter(pl.col("rule") == "suspected_unit")
    assert found.height == bool(hit)
    assert all(hit in message and "3 to 120 mg/L" in message for message in found["message"])


def test_two_doubtful_values_of_one_row_are_both_told() -> None:
    """A file with a column for each day: 42 and 50 mg/dL of CRP would be usual in mg/L."""
    rows = labs_of(*[("1", day, "crp", value, "mg/dL") for day, value in ((3, 42.0), (4, 50.0))])
    findings = prepare_labs(rows.with_columns(source_row=pl.lit(2, dtype=pl.UInt32)))[1]
    assert find(findings, "suspected_unit")["rows"] == 2


@pytest.mark.parametrize("baseline", ["about 4", "<4", "4000"])
def test_a_baseline_that_cannot_be_used_is_named_and_left_out(baseline: str) -> None:
    row = {"analyte": "fibrinogen", "value": "2", "unit": "g/L", "baseline": baseline}
    labs, findings = prepare_labs(pl.DataFrame([row]))
    assert labs["baseline"].to_list() == [None]
    assert find(findings, "baseline_unusable")["column"] == "baseline"


def test_a_baseline_is_in_the_unit_of_its_row() -> None:
    row = {"analyte": "fibrinogen", "value": "200", "unit": "mg/dL", "baseline": "400"}
    assert prepare_labs(pl.DataFrame([row]))[0].select("value", "baseline").row(0) == (2.0, 4.0)
    assert "baseline" not in prepare_labs(pl.DataFrame([row]).drop("baseline"))[0].columns
