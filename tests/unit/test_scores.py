"""Scores: missing items, ties, ratios by hand, models that refuse, and definitions that are wrong."""

from __future__ import annotations

from math import exp, log2, log10
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import Tables, prepare_tables
from cytopenia.definition_forms import Coefficients
from cytopenia.definitions import describe_definition, load_definition, load_library
from cytopenia.errors import DataError, DefinitionError, UnitError
from cytopenia.grading.risk_models import load_coefficients
from cytopenia.grading.score_cohorts import score_patients
from cytopenia.grading.score_frames import SCORE_ITEM_SCHEMA, SCORE_SCHEMA, SCORE_VALUE_SCHEMA
from cytopenia.grading.score_tables import RiskOptions, score_values
from cytopenia.grading.scores import express_in_unit
from score_cases import score_of, score_patient

THREE = {"platelets": "110", "anc": "950", "hemoglobin": "10.1", "crp": "4.2", "ferritin": "540"}
HEALTHY = {"platelets": "220", "anc": "3400", "hemoglobin": "12.4", "crp": "0.8", "ferritin": "180"}


def without(values: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}


# --- a missing item


@pytest.mark.parametrize(
    ("given", "best", "worst", "group"),
    [
        (without(HEALTHY, "crp"), 0, 1, "low"),
        (without(HEALTHY, "anc"), 0, 1, "low"),
        (without(HEALTHY, "ferritin"), 0, 2, None),
        (without(HEALTHY, "platelets"), 0, 2, None),
        (without(HEALTHY, "crp", "anc"), 0, 2, None),
        (without(THREE, "ferritin"), 3, 5, "high"),
        (without(THREE, "crp", "anc"), 1, 3, None),
        (without(THREE, "crp"), 2, 3, "high"),
        ({"platelets": "60"}, 2, 7, "high"),
        ({}, 0, 7, None),
    ],
)
def test_a_missing_item_gives_an_interval_and_a_group_only_if_all_agree(given, best, worst, group) -> None:
    found = score_of("car_hematotox", **given)
    assert found["policy"] is None
    assert (found["best"], found["worst"], found["group"]) == (best, worst, group)
    assert (found["decided"], found["status"]) == (False, "not_estimable")


def test_the_reason_names_every_missing_item() -> None:
    found = score_of("car_hematotox", **without(THREE, "crp", "ferritin"))
    assert found["reason"] == "crp missing; ferritin missing"
    assert (found["group_best"], found["group_worst"]) == ("high", "high")


def test_a_censored_value_that_decides_is_as_good_as_a_number() -> None:
    found = score_of("car_hematotox", **{**THREE, "crp": "<0.5", "ferritin": ">2000"})
    assert (found["policy"], found["group"]) == (4, "high")


def test_a_censored_value_on_both_sides_of_a_cut_is_an_interval() -> None:
    found, items = score_patient("car_hematotox", **{**HEALTHY, "ferritin": ">500"})
    assert (found["policy"], found["best"], found["worst"], found["group"]) == (None, 0, 2, None)
    assert found["reason"] == "ferritin known only as a range"
    assert (items["ferritin"]["comparator"], items["ferritin"]["points"]) == (">", None)


@pytest.mark.parametrize(
    ("value", "points", "words"),
    [
        ({"anc": "1200"}, 0, "exactly 1200/uL"),
        ({"hemoglobin": "9.0"}, 0, "exactly 9.0 g/dL"),
        ({"crp": "3.0"}, 1, "exactly 3.0 mg/dL"),
        ({"crp": "30 mg/L"}, 1, "exactly 3.0 mg/dL"),
    ],
)
def test_a_tie_says_that_print_leaves_it_open(value, points, words) -> None:
    _, items = score_patient("car_hematotox", **value)
    row = items[next(iter(value))]
    assert row["points"] == points
    assert words in row["rule"]


def test_a_value_beside_the_tie_has_the_sentence_of_the_table() -> None:
    _, items = score_patient("car_hematotox", **THREE)
    assert [(row["points"], row["rule"]) for row in items.values()] == [
        (1, "Platelet count 75-175/nL"),
        (1, "ANC <1200/uL"),
        (0, "Hemoglobin >9.0 g/dL"),
        (1, "C-reactive protein >3.0 mg/dL"),
        (0, "Ferritin <650 ng/mL"),
    ]


def test_values_are_shown_in_the_unit_of_the_score() -> None:
    _, items = score_patient("car_hematotox", crp="42 mg/L", anc="0.95 10^9/L")
    assert (items["crp"]["value"], items["crp"]["unit"]) == (4.2, "mg/dL")
    assert (items["anc"]["value"], items["anc"]["unit"]) == (950, "/uL")


def test_no_patients_give_empty_tables() -> None:
    values = pl.DataFrame(schema=SCORE_VALUE_SCHEMA)
    for name in ("car_hematotox", "easix", "eipm_pre"):
        definition = load_library().find_score(name)
        scores, items = score_values(definition, values, pl.Series([], dtype=pl.String))
        assert (scores.height, items.height) == (0, 0)
        assert (dict(scores.schema), dict(items.schema)) == (SCORE_SCHEMA, SCORE_ITEM_SCHEMA)


def test_a_score_without_groups_has_points_only() -> None:
    definition = load_library().find_score("car_hematotox").model_copy(update={"groups": ()})
    found = score_of(definition, **THREE)
    assert (found["policy"], found["group"], found["group_best"]) == (3, None, None)


# --- ratios: LDH 300 U/L, creatinine 0.8 mg/dL, CRP 2.5 mg/dL, platelets 120: by hand


@pytest.mark.parametrize(("score", "expected"), [("easix", 2.0), ("m_easix", 6.25), ("s_easix", 2.5)])
def test_the_easix_family_by_hand(score: str, expected: float) -> None:
    found = score_of(score, ldh="300", creatinine="0.8", crp="2.5", platelets="120")
    assert found["policy"] == pytest.approx(expected, rel=1e-12)
    assert found["best"] == found["worst"] == found["policy"]
    assert (found["decided"], found["group"], found["reason"]) == (True, None, "scored")


def test_easix_in_other_units_is_the_same() -> None:
    found = score_of("easix", ldh="5 ukat/L", creatinine="70.736 umol/L", platelets="120000 /uL")
    assert found["policy"] == pytest.approx(2.0, rel=1e-12)
    assert score_of("m_easix", ldh="300", crp="25 mg/L", platelets="120")["policy"] == pytest.approx(6.25)


@pytest.mark.parametrize("missing", ["ldh", "creatinine", "platelets"])
def test_a_ratio_without_a_value_is_not_given(missing: str) -> None:
    given = without({"ldh": "300", "creatinine": "0.8", "platelets": "120"}, missing)
    found = score_of("easix", **given)
    assert (found["policy"], found["best"], found["worst"]) == (None, None, None)
    assert found["reason"] == f"{missing} missing"


def test_a_denominator_of_zero_has_no_value() -> None:
    found = score_of("easix", ldh="300", creatinine="0.8", platelets="0")
    assert (found["policy"], found["worst"]) == (None, None)
    assert found["reason"] == "platelets is 0, which gives no value"


def test_a_numerator_of_zero_is_zero_and_has_no_logarithm() -> None:
    assert score_of("m_easix", ldh="300", crp="0", platelets="120")["policy"] == 0
    definition = load_library().find_score("m_easix").model_copy(update={"transform": "log2"})
    found = score_of(definition, ldh="300", crp="0", platelets="120")
    assert (found["policy"], found["reason"]) == (None, "crp is 0, which gives no value")


def test_a_ratio_of_ranges_has_bounds_and_no_value() -> None:
    found = score_of("m_easix", ldh="300", crp="<0.5", platelets="120")
    assert (found["policy"], found["best"]) == (None, 0)
    assert found["worst"] == pytest.approx(1.25, rel=1e-9)
    found = score_of("s_easix", ldh="300", platelets="<10")
    assert (found["best"], found["worst"]) == (pytest.approx(30, rel=1e-9), None)


def test_the_logarithm_is_to_base_2() -> None:
    definition = load_library().find_score("easix").model_copy(update={"transform": "log2"})
    found = score_of(definition, ldh="300", creatinine="0.8", platelets="100")
    assert found["policy"] == pytest.approx(log2(2.4), rel=1e-12)


# --- models: refused without coefficients, and outside their range

INVENTED = """
id = "invented"
model = "eipm_pre"
source = "Invented for this test; these are not the coefficients of any published model."
intercept = -1.5
coefficients = { anc = -0.8, platelets = -0.5, ldh = 0.9, ferritin = 1.1 }

[normalization]
anc = { mean = 0.3, sd = 0.25 }
platelets = { mean = 2.0, sd = 0.3 }
ldh = { mean = 2.4, sd = 0.2 }
ferritin = { mean = 2.6, sd = 0.6 }

[categories]
disease = { ALL = 1.2, Other = 0.0 }
"""
PATIENT = {"anc": "1.5 10^9/L", "platelets": "80", "ldh": "400", "ferritin": "900"}


@pytest.fixture
def invented(tmp_path: Path) -> Path:
    path = tmp_path / "invented.toml"
    path.write_text(INVENTED, "utf-8")
    return path


def load_invented(path: Path) -> Coefficients:
    return load_coefficients(path, load_library().find_score("eipm_pre"))


def expected_risk(disease: float) -> float:
    """The formula once more, by hand."""
    logit = -1.5 + disease
    logit += -0.8 * (log10(1.5) - 0.3) / 0.25
    logit += -0.5 * (log10(80) - 2.0) / 0.3
    logit += 0.9 * (log10(400) - 2.4) / 0.2
    logit += 1.1 * (log10(900) - 2.6) / 0.6
    return 1 / (1 + exp(-logit))


@pytest.mark.parametrize("score", ["eipm_pre", "eipm_post"])
def test_a_model_without_coefficients_is_refused(score: str) -> None:
    found = score_of(score, disease="ALL", **PATIENT)
    assert (found["policy"], found["best"], found["worst"]) == (None, None, None)
    assert found["status"] == "not_done"
    assert "give a coefficient file" in found["reason"]


@pytest.mark.parametrize(("disease", "number"), [("ALL", 1.2), ("Other", 0.0)])
def test_supplied_coefficients_are_used(invented: Path, disease: str, number: float) -> None:
    risk = RiskOptions(coefficients=load_invented(invented))
    found = score_of("eipm_pre", risk=risk, disease=disease, **PATIENT)
    assert found["policy"] == pytest.approx(expected_risk(number), rel=1e-12)
    assert (found["status"], found["reason"]) == ("ok", "scored")


def test_without_normalization_the_logarithms_are_used_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "plain.toml"
    head, _, tail = INVENTED.partition("[normalization]")
    path.write_text(
        head + 'normalization = "none"\n\n[categories]' + tail.partition("[categories]")[2], "utf-8"
    )
    risk = RiskOptions(coefficients=load_invented(path))
    logit = -1.5 - 0.8 * log10(1.5) - 0.5 * log10(80) + 0.9 * log10(400) + 1.1 * log10(900)
    found = score_of("eipm_pre", risk=risk, disease="Other", **PATIENT)
    assert found["policy"] == pytest.approx(1 / (1 + exp(-logit)), rel=1e-12)


@pytest.mark.parametrize(
    ("value", "is_scored"),
    [
        ({"anc": "0.69 10^9/L"}, False),
        ({"anc": "700"}, True),
        ({"anc": "8000"}, True),
        ({"anc": "8001"}, False),
        ({"platelets": "24.9"}, False),
        ({"platelets": "25"}, True),
        ({"platelets": "290"}, True),
        ({"platelets": "291"}, False),
        ({"ldh": "114"}, False),
        ({"ldh": "115"}, True),
        ({"ldh": "645"}, True),
        ({"ldh": "646"}, False),
        ({"ferritin": "29"}, False),
        ({"ferritin": "30"}, True),
        ({"ferritin": "3900"}, True),
        ({"ferritin": "3901"}, False),
    ],
)
def test_a_value_outside_the_range_of_the_model_is_refused(invented: Path, value, is_scored: bool) -> None:
    risk = RiskOptions(coefficients=load_invented(invented))
    found = score_of("eipm_pre", risk=risk, disease="Other", **{**PATIENT, **value})
    assert found["decided"] is is_scored
    assert (found["reason"] == "scored") is is_scored


def test_the_refusal_names_the_range(invented: Path) -> None:
    risk = RiskOptions(coefficients=load_invented(invented))
    found = score_of("eipm_pre", risk=risk, disease="Other", **{**PATIENT, "platelets": "20"})
    assert found["reason"] == "platelets outside 25 to 290 1e9/L, for which the model was made"


def test_the_range_of_ferritin_on_day_3_is_another() -> None:
    for value, problem in (("69", "outside"), ("70", None), ("4930", None), ("4931", "outside")):
        _, items = score_patient("eipm_post", disease="ALL", ferritin=value)
        assert (items["ferritin"]["problem"] or "").startswith(problem or "")
        assert (items["ferritin"]["problem"] is None) is (problem is None)


def test_an_extrapolation_is_scored_on_request_and_says_so(invented: Path) -> None:
    risk = RiskOptions(coefficients=load_invented(invented), allow_outside=True)
    found = score_of("eipm_pre", risk=risk, disease="Other", **{**PATIENT, "platelets": "20"})
    assert 0 < found["policy"] < 1
    assert found["status"] == "ok"
    assert found["reason"].startswith("platelets outside 25 to 290")


def test_zero_is_a_hundredth_before_the_logarithm(invented: Path) -> None:
    risk = RiskOptions(coefficients=load_invented(invented), allow_outside=True)
    zero, small = (
        score_of("eipm_pre", risk=risk, disease="Other", **{**PATIENT, "anc": f"{value} 10^9/L"})["policy"]
        for value in ("0", "0.01")
    )
    assert zero == small


@pytest.mark.parametrize("disease", ["", "all", "DLBCL"])
def test_an_unknown_disease_gives_no_probability(invented: Path, disease: str) -> None:
    risk = RiskOptions(coefficients=load_invented(invented))
    found = score_of("eipm_pre", risk=risk, disease=disease, **PATIENT)
    assert (found["policy"], found["reason"]) == (None, "disease is not one of ALL, Other")


def test_a_missing_or_censored_input_gives_no_probability(invented: Path) -> None:
    risk = RiskOptions(coefficients=load_invented(invented), allow_outside=True)
    found = score_of("eipm_pre", risk=risk, disease="ALL", **without(PATIENT, "ldh"))
    assert (found["policy"], found["reason"]) == (None, "ldh missing")
    found = score_of("eipm_pre", risk=risk, disease="ALL", **{**PATIENT, "ferritin": ">900"})
    assert (found["policy"], found["reason"]) == (None, "ferritin known only as a range")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('model = "eipm_pre"', 'model = "eipm_post"', "these are the coefficients of another model"),
        ("anc = -0.8, ", "", "coefficients: anc is missing"),
        ("anc = -0.8", "acn = -0.8", r"unknown 'acn' \(did you mean 'anc'\?\)"),
        ("ldh = { mean = 2.4, sd = 0.2 }\n", "", "normalization: ldh is missing"),
        ("sd = 0.2 }", "sd = 0 }", "sd"),
        (", Other = 0.0", "", "categories.disease: Other is missing"),
        ("disease = {", "diseases = {", "categories: disease is missing"),
        ("intercept = -1.5\n", "", "'intercept' is missing"),
        ("source =", "sauce =", "unknown key 'sauce'"),
        ("[normalization]\n", "[normalisation]\n", "'normalization' is missing"),
    ],
)
def test_a_coefficient_file_that_does_not_fit_is_refused(tmp_path: Path, old, new, words) -> None:
    assert old in INVENTED
    path = tmp_path / "wrong.toml"
    path.write_text(INVENTED.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError, match=words):
        load_invented(path)


def test_a_coefficient_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no such file"):
        load_invented(tmp_path / "nowhere.toml")


# --- from tables: which value counts


def tables_of(*rows: tuple[object, ...], start: int | None = -5) -> Tables:
    names = ["patient_id", "day", "analyte", "value", "unit"]
    frame = pl.DataFrame(rows, schema=names, orient="row", strict=False)
    infusions = pl.DataFrame({"patient_id": sorted({row[0] for row in rows}), "day": 0})
    infusions = infusions.with_columns(lymphodepletion_day=pl.lit(start, dtype=pl.Int32))
    return prepare_tables({"labs": frame, "infusions": infusions})


def crp_of(*rows: tuple[object, ...], **options: object) -> tuple[object, object, object]:
    found = score_patients(tables_of(*rows), "car_hematotox", **options)  # type: ignore[arg-type]
    row = found.items.filter(pl.col("item") == "crp").row(0, named=True)
    return row["day"], row["value"], row["problem"]


def test_the_last_value_before_lymphodepletion_counts() -> None:
    rows = [("1", day, "crp", str(day + 30), "mg/L") for day in (-20, -9, -6, -4, 0)]
    assert crp_of(*rows) == (-6, 2.4, None)


@pytest.mark.parametrize(("day", "counts"), [(-20, False), (-19, True), (-5, True), (-4, False)])
def test_the_window_is_14_days_up_to_lymphodepletion(day: int, counts: bool) -> None:
    found = crp_of(("1", day, "crp", "12", "mg/L"))
    assert found == ((day, 1.2, None) if counts else (None, None, "missing"))


def test_a_value_on_the_day_of_lymphodepletion_is_a_finding() -> None:
    found = score_patients(tables_of(("1", -5, "crp", "12", "mg/L")), "car_hematotox")
    assert found.findings["rule"].to_list() == ["baseline_on_lymphodepletion_day"]
    assert score_patients(tables_of(("1", -6, "crp", "12", "mg/L")), "car_hematotox").findings.is_empty()


@pytest.mark.parametrize(
    ("value", "unit", "problem"),
    [
        ("12", None, "not judged: unit missing"),
        ("12", "mmol/L", "not judged: unknown unit"),
        ("high", "mg/L", "not judged: value not a number"),
        ("9000", "mg/L", "not judged: implausible value"),
        ("-3", "mg/L", "not judged: negative value"),
        (None, "mg/L", "missing"),
    ],
)
def test_a_value_that_cannot_be_judged_is_missing_and_says_why(value, unit, problem) -> None:
    assert crp_of(("1", -6, "crp", value, unit), ("1", -6, "anc", "1", "G/L")) == (None, None, problem)


def test_an_older_valid_value_counts_where_the_last_has_no_unit() -> None:
    assert crp_of(("1", -8, "crp", "12", "mg/L"), ("1", -6, "crp", "99", None)) == (-8, 1.2, None)


def test_the_day_of_lymphodepletion_can_be_stated() -> None:
    rows = [("1", -6, "crp", "12", "mg/L"), ("1", -3, "crp", "50", "mg/L")]
    tables = tables_of(*rows, start=None)
    found = score_patients(tables, "car_hematotox", lymphodepletion_day=-2)
    assert found.items.filter(pl.col("item") == "crp")["day"].to_list() == [-3]
    with pytest.raises(DataError, match="needs the last values before lymphodepletion"):
        score_patients(tables, "car_hematotox")


def test_the_day_of_the_table_comes_before_the_stated_one() -> None:
    assert crp_of(("1", -6, "crp", "12", "mg/L"), lymphodepletion_day=-30) == (-6, 1.2, None)


def test_ferritin_of_the_later_model_is_that_of_day_3() -> None:
    rows = [("1", day, "ferritin", str(100 * (day + 10)), "ng/mL") for day in (-6, 2, 3, 4)]
    found = score_patients(tables_of(*rows), "eipm_post", risk=RiskOptions(categories={"disease": "ALL"}))
    row = found.items.filter(pl.col("item") == "ferritin").row(0, named=True)
    assert (row["day"], row["value"]) == (3, 1300)
    assert found.scores["status"].to_list() == ["not_done"]


def test_a_ratio_of_another_day_needs_no_lymphodepletion(tmp_path: Path) -> None:
    text = 'extends = "s_easix"\nstatus = "study"\nday = 1\n'
    folder = write_definition(tmp_path, "s_easix_day_1", text)
    rows = [("1", day, "ldh", str(100 * (day + 10)), "U/L") for day in (-6, 0, 1, 2)]
    tables = tables_of(*rows, ("1", 1, "platelets", "50", "G/L"), start=None)
    found = score_patients(tables, "s_easix_day_1", folder=folder)
    assert found.scores["policy"].to_list() == [22]
    assert found.items["day"].to_list() == [1, 1]


def test_the_disease_can_stand_in_the_patients_table(invented: Path) -> None:
    rows = [("1", -6, name, *text.split()) for name, text in _printed().items()]
    rows += [("2", *row[1:]) for row in rows]
    frame = pl.DataFrame(rows, schema=["patient_id", "day", "analyte", "value", "unit"], orient="row")
    patients = pl.DataFrame({"patient_id": ["1", "2"], "disease": ["ALL", None]})
    infusions = pl.DataFrame({"patient_id": ["1", "2"], "day": [0, 0], "lymphodepletion_day": [-5, -5]})
    tables = prepare_tables({"labs": frame, "patients": patients, "infusions": infusions})
    risk = RiskOptions(coefficients=load_invented(invented), categories={"disease": "Other"})
    found = score_patients(tables, "eipm_pre", risk=risk)
    assert found.scores["policy"].to_list() == pytest.approx([expected_risk(1.2), expected_risk(0.0)])


def _printed() -> dict[str, str]:
    return {"anc": "1.5 10^9/L", "platelets": "80 10^9/L", "ldh": "400 U/L", "ferritin": "900 ng/mL"}


# --- definitions


def test_an_unknown_score_has_the_nearest_name() -> None:
    with pytest.raises(
        DefinitionError, match=r"unknown score 'car_hematoxic' \(did you mean 'car_hematotox'\?\)"
    ):
        load_library().find_score("car_hematoxic")


def test_a_definition_of_another_kind_is_no_score() -> None:
    with pytest.raises(DefinitionError, match="no score, but a definition of another kind: 'ctcae_v4'"):
        load_library().find_score("ctcae_v4")


def write_definition(folder: Path, name: str, text: str) -> Path:
    (folder / "definitions").mkdir()
    (folder / "definitions" / f"{name}.toml").write_text(f'id = "{name}"\n{text}', "utf-8")
    return folder


THREE_GROUPS = """extends = "car_hematotox"
status = "study"
groups = [
  { name = "low", at_least = 0 },
  { name = "high", at_least = 2 },
  { name = "ultra-high", at_least = 5 },
]
"""


@pytest.mark.parametrize(("ferritin", "group"), [("540", "high"), ("2500", "ultra-high")])
def test_a_user_can_add_a_group(tmp_path: Path, ferritin: str, group: str) -> None:
    definition = load_library(write_definition(tmp_path, "three_groups", THREE_GROUPS)).find_score(
        "three_groups"
    )
    assert score_of(definition, **{**THREE, "ferritin": ferritin})["group"] == group


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('groups = [{ name = "low", at_least = 1 }]', "the first must begin at 0"),
        ('groups = [{ name = "a", at_least = 0 }, { name = "b", at_least = 8 }]', "none beyond the 7 points"),
        (
            'groups = [{ name = "a", at_least = 0 }, { name = "a", at_least = 2 }]',
            "two groups have the same name",
        ),
        ('ties = { status = "assumed", wbc = "x" }', "wbc is no item"),
        ('ties = "assumed"', "'ties'"),
        (
            '[items.crp]\nunit = "mg"\notherwise = "x"\nrules = [{ points = 1, above = 3, text = "x" }]',
            "'mg' is not a",
        ),
        (
            '[items.crp]\nunit = "mg/L"\notherwise = "x"\n'
            'rules = [{ points = 1, above = 3, below = 2, text = "x" }]',
            "needs exactly one of below, at_most, above, at_least",
        ),
        (
            '[items.crp]\nunit = "mg/L"\notherwise = "x"\n'
            'rules = [{ points = 1, above = 3, text = "x" }, { points = 2, above = 2, text = "x" }]',
            r"2 points \(above 2\) must be harder to reach than 1 \(above 3\)",
        ),
        (
            '[items.crp]\nunit = "mg/L"\notherwise = "x"\n'
            'rules = [{ points = 1, above = 3, text = "x" }, { points = 2, below = 2, text = "x" }]',
            "all rules must point the same way",
        ),
    ],
)
def test_a_wrong_definition_of_points_is_refused(tmp_path: Path, text: str, words: str) -> None:
    folder = write_definition(tmp_path, "mine", f'extends = "car_hematotox"\nstatus = "study"\n{text}\n')
    with pytest.raises(DefinitionError, match=words):
        load_library(folder)


@pytest.mark.parametrize(
    ("parent", "text", "words"),
    [
        ("easix", 'denominator = { ldh = "U/L" }', "ldh stands in numerator and denominator"),
        ("easix", 'transform = "ln"', "'transform' is 'ln'"),
        ("eipm_pre", 'categories = { anc = ["a"] }', "anc stands in inputs and categories"),
        ("eipm_pre", '[inputs.anc]\nunit = "1e9/L"\nallowed = [8, 0.7]', "must begin at 0 or above"),
    ],
)
def test_a_wrong_ratio_or_model_is_refused(tmp_path: Path, parent: str, text: str, words: str) -> None:
    folder = write_definition(tmp_path, "mine", f'extends = "{parent}"\nstatus = "study"\n{text}\n')
    with pytest.raises(DefinitionError, match=words):
        load_library(folder)


def test_a_definition_says_its_rules_and_its_population() -> None:
    told = describe_definition(load_definition("car_hematotox"))
    assert "2 points: “Ferritin >2000 ng/mL”" in told["rules"]
    assert "Groups: low: 0 to 1; high: 2 to 7" in told["rules"]
    assert any("large B-cell lymphoma" in rule for rule in told["rules"])
    assert len(told["assumed"]) == 3
    formula = describe_definition(load_definition("easix"))["rules"][0]
    assert formula == "Lactate dehydrogenase [U/L] × Creatinine [mg/dL] / Platelet count [×10⁹/L]"
    logarithm = load_library().find_score("easix").model_copy(update={"transform": "log2"})
    assert describe_definition(logarithm)["rules"][0] == f"log2 of {formula}"
    alone = load_library().find_score("car_hematotox").model_copy(update={"groups": (), "ties": None})
    assert not any(rule.startswith("Groups") for rule in describe_definition(alone)["rules"])
    assert describe_definition(alone)["assumed"] == []
    model = describe_definition(load_definition("eipm_post"))["rules"]
    assert "log10 of Ferritin [ng/mL] on day 3, 70 to 4930" in model


def test_a_value_cannot_be_expressed_in_an_unlisted_unit() -> None:
    with pytest.raises(UnitError, match="'mmol' is not a listed unit of crp"):
        express_in_unit(pl.Series([1.0]).to_numpy(), "mmol", analyte="crp")
