"""`cytopenia score`: one patient from values with their units, or every patient of a laboratory file."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

HIGH = {
    "platelets": "110 10^9/L",
    "anc": "950 /uL",
    "hemoglobin": "10.1 g/dL",
    "crp": "4.2 mg/dL",
    "ferritin": "540 ng/mL",
}
# Invented for these tests; not the coefficients of any published model.
INVENTED = """id = "invented"
model = "eipm_pre"
source = "Invented for a test"
intercept = 0.0
coefficients = { anc = -1.0, platelets = 0.0, ldh = 0.0, ferritin = 0.0 }
normalization = "none"
categories = { disease = { ALL = 0.0, Other = 1.0 } }
"""
MODEL = {"anc": "1 G/L", "platelets": "100 G/L", "ldh": "300 U/L", "ferritin": "500 ng/mL"}
LABS = """patient_id,day,analyte,value,unit
P1,-6,Platelets,60,10^9/L
P1,-6,ANC,700,/uL
P1,-6,Hb,8.5,g/dL
P1,-6,CRP,24,mg/L
P1,-6,Ferritin,1400,ng/mL
P2,-30,Platelets,20,10^9/L
P2,-7,Platelets,220,10^9/L
P2,-4,Platelets,10,10^9/L
P2,-5,ANC,3.4,10^9/L
P2,-6,Hb,124,g/L
P2,-6,CRP,9,
P2,-6,Ferritin,180,ng/mL
P3,-6,Ferritin,<300,ng/mL
"""


def options(values: dict[str, str]) -> list[str]:
    return [f"--value={name}={text}" for name, text in values.items()]


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    path = tmp_path / "labs.csv"
    path.write_text(LABS, "utf-8")
    return path


@pytest.fixture
def invented(tmp_path: Path) -> Path:
    path = tmp_path / "invented.toml"
    path.write_text(INVENTED, "utf-8")
    return path


def test_one_patient_has_points_rules_group_and_population(command) -> None:
    answer = command("score", "car_hematotox", *options(HIGH))
    assert answer.code == 0
    assert answer.out.startswith("CAR-HEMATOTOX: 3 of 7 points, risk group high\n")
    for sentence in ("Platelet count 75-175/nL", "ANC <1200/uL", "C-reactive protein >3.0 mg/dL"):
        assert sentence in answer.out
    assert "large B-cell lymphoma" in answer.out
    assert "doi:10.1182/blood.2020010543" in answer.out
    assert answer.out.rstrip().endswith("no decision about a patient should rest on it alone.")
    assert "Warning" not in answer.out


def test_names_and_units_may_be_others(command) -> None:
    values = {
        "PLT": "110 K/uL",
        "Neutrophils": "0.95 G/L",
        "Hb": "101 g/L",
        "CRP": "42 mg/L",
        "ferritin": "540 ug/L",
    }
    assert command("score", "car_hematotox", *options(values)).out.startswith("CAR-HEMATOTOX: 3 of 7 points")


def test_a_missing_item_says_what_it_could_change(command) -> None:
    answer = command("score", "car_hematotox", *options({**HIGH, "crp": "<0.5 mg/dL"})[:4])
    assert "CAR-HEMATOTOX: 2 to 4 of 7 points, risk group high (whatever the open items are)" in answer.out
    assert "Open: ferritin missing; ferritin can add 0 to 2 points." in answer.out
    answer = command("score", "car_hematotox", *options({"anc": HIGH["anc"]}))
    assert "CAR-HEMATOTOX: 1 to 7 of 7 points, risk group open: low or high" in answer.out
    assert "hemoglobin can add 0 to 1 point; crp can add 0 to 1 point;" in answer.out


def test_a_tie_says_that_the_choice_is_ours(command) -> None:
    answer = command("score", "car_hematotox", *options({**HIGH, "anc": "1200 /uL"}))
    assert answer.out.startswith("CAR-HEMATOTOX: 2 of 7 points")
    assert "exactly 1200/uL is in neither column of the table; it has 0 points" in answer.out


@pytest.mark.parametrize(
    ("crp", "points", "warned"),
    [("42 mg/L", 3, False), ("42 mg/dL", 3, True), ("0.2 mg/L", 2, True), ("300 mg/L", 3, False)],
)
def test_crp_that_is_typical_in_another_unit_is_warned_about(
    command, crp: str, points: int, warned: bool
) -> None:
    answer = command("score", "car_hematotox", *options({**HIGH, "crp": crp}))
    assert answer.out.startswith(f"CAR-HEMATOTOX: {points} of 7 points")
    assert ("Warning: crp: outside the typical" in answer.out) is warned
    assert ("in mg/L or ug/mL the same number would be typical" in answer.out) is (crp == "42 mg/dL")


def test_zero_is_not_unusual_and_a_slip_of_the_unit_is(command) -> None:
    assert "Warning" not in command("score", "car_hematotox", *options({**HIGH, "anc": "0 10^9/L"})).out
    answer = command("score", "car_hematotox", *options({**HIGH, "anc": "350 10^9/L"}))
    assert "Warning: a value of anc lies outside the usual 0.001 to 100" in answer.out


@pytest.mark.parametrize(("crp", "is_told"), [("42,mg/dL", True), ("4.2,mg/dL", False), ("300,mg/L", False)])
def test_crp_off_by_ten_in_a_file_of_one_patient(command, tmp_path: Path, crp: str, is_told: bool) -> None:
    labs = tmp_path / "labs.csv"
    labs.write_text(f"patient_id,day,analyte,value,unit\nA,-6,CRP,{crp}\n", encoding="utf-8")
    out = tmp_path / "scores.csv"
    asked = ("car_hematotox", "--labs", labs, "--lymphodepletion-day", "-5", "--out", out)
    answer = command("score", *asked)
    found = answer.out + answer.err
    assert ("in mg/L or ug/mL the same number would be typical in 1 of 1 row" in found) is is_told


def test_json_for_a_machine(command) -> None:
    answer = command("score", "car_hematotox", "--json", *options(HIGH))
    record = json.loads(answer.out)
    assert (record["policy"], record["group"], record["decided"]) == (3, "high", True)
    assert [item["points"] for item in record["items"]] == [1, 1, 0, 1, 0]
    assert record["items"][3]["unit"] == "mg/dL"
    assert "large B-cell lymphoma" in record["population"]


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"crp": "4.2"}, 11, "crp has no unit; write one of mg/L, ug/mL, mg/dL"),
        ({"crp": "4.2 mmol/L"}, 11, "'mmol/L' is not a listed unit of crp; allowed: mg/L, ug/mL, mg/dL"),
        ({"crpp": "4.2 mg/L"}, 10, "unknown analyte 'crpp' (did you mean 'crp'?)"),
        ({"ldh": "300 U/L"}, 10, "ldh is no item of 'car_hematotox'; it needs platelets, anc, hemoglobin"),
        ({"crp": "high"}, 10, "crp has no number after '='"),
        ({"crp": ""}, 10, "crp has no number after '='"),
        ({"crp": "-4 mg/L"}, 10, "crp is below zero, which is not possible"),
        ({"crp": "<-4,5 mg/L"}, 10, "crp is below zero, which is not possible"),
        ({"crp": "- mg/L"}, 10, "crp has no number after '='"),
        ({"anc": "1,200 /uL"}, 10, "anc may mean a thousand or a fraction"),
        ({"anc": "1.200 /uL"}, 10, "anc may mean a thousand or a fraction"),
        ({"ferritin": "2.500 ng/mL"}, 10, "ferritin may mean a thousand or a fraction"),
        ({"ferritin": ">2.500 ng/mL"}, 10, "ferritin may mean a thousand or a fraction"),
        ({"platelets": "175.000 /uL"}, 10, "platelets may mean a thousand or a fraction"),
        ({"crp": "9000 mg/L"}, 10, "crp lies outside the plausible 0 to 1500 mg/L"),
        ({"crp": "4 mg/L", "CRP": "5 mg/L"}, 10, "crp is given twice"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(command, values, code: int, words: str) -> None:
    answer = command("score", "car_hematotox", *options(values))
    assert answer.code == code
    assert words in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("anc", "value"),
    [("0.500 10^9/L", 500), ("0,125 10^9/L", 125), ("1.5 10^9/L", 1500), ("1.2000 10^9/L", 1200)],
)
def test_a_fraction_without_doubt_is_read(command, anc: str, value: int) -> None:
    answer = command("score", "car_hematotox", "--json", *options({**HIGH, "anc": anc}))
    assert answer.code == 0
    assert json.loads(answer.out)["items"][1]["value"] == pytest.approx(value)


def test_all_wrong_values_are_told_at_once_and_none_is_repeated(command) -> None:
    answer = command(
        "score", "car_hematotox", "--value", "crp=731", "--value", "anc=7,310 /uL", "--value", "x"
    )
    assert answer.err.count("\n  - ") == 3
    assert "731" not in answer.err
    assert "7,310" not in answer.err


def test_an_unknown_score_has_the_nearest_name(command) -> None:
    answer = command("score", "car-hematotox", *options(HIGH))
    assert answer.code == 12
    assert "unknown score 'car-hematotox' (did you mean 'car_hematotox'?)" in answer.err


def test_a_ratio_has_its_logarithm_beside_it(command) -> None:
    answer = command(
        "score", "easix", *options({"ldh": "300 U/L", "creatinine": "0.8 mg/dL", "plt": "120 G/L"})
    )
    assert answer.out.startswith("EASIX (endothelial activation and stress index): 2 (log2 1)\n")


@pytest.mark.parametrize("score", ["eipm_pre", "eipm_post"])
def test_a_model_without_coefficients_is_refused(command, score: str) -> None:
    answer = command("score", score, "--category", "disease=ALL", *options(MODEL))
    assert answer.code == 0
    assert ": no score\n" in answer.out
    assert "Open: no coefficients: they are not published as text" in answer.out


def test_a_ratio_of_ranges_has_an_interval(command) -> None:
    values = {"ldh": "300 U/L", "crp": "<0.5 mg/dL", "plt": "120 G/L"}
    assert "m-EASIX (modified EASIX): 0 to 1.25\n" in command("score", "m_easix", *options(values)).out
    values = {"ldh": "300 U/L", "plt": "<10 G/L"}
    answer = command("score", "s_easix", *options(values))
    assert "s-EASIX (simplified EASIX): 30 or more\n" in answer.out
    assert "Open: platelets known only as a range." in answer.out


def test_definitions_of_the_working_folder_count(command, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "definitions").mkdir()
    text = 'id = "mine"\nextends = "car_hematotox"\nstatus = "study"\ntitle = "Mine"\ngroups = []\n'
    (tmp_path / "definitions" / "mine.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert command("score", "mine", *options(HIGH)).out.startswith("Mine: 3 of 7 points\n")


def test_a_file_without_the_needed_columns_says_how_to_map_them(command, tmp_path: Path) -> None:
    (tmp_path / "labs.csv").write_text("who,when,what\n1,2,3\n", "utf-8")
    answer = command("score", "easix", "--labs", tmp_path / "labs.csv", "--out", tmp_path / "x.csv")
    assert answer.code == 10
    assert "add --map map.toml" in answer.err


def test_a_model_with_coefficients(command, invented: Path) -> None:
    model = ("--category", "disease=ALL", "--coefficients", invented)
    assert ": 50.0%\n" in command("score", "eipm_pre", *model, *options(MODEL)).out
    outside = options({**MODEL, "anc": "0.1 G/L"})
    answer = command("score", "eipm_pre", *model, *outside)
    assert ": no score\n" in answer.out
    assert "anc outside 0.7 to 8 1e9/L, for which the model was made" in answer.out
    answer = command("score", "eipm_pre", *model, "--allow-outside", *outside)
    assert ": 73.1%\n" in answer.out
    assert "Open: anc outside 0.7 to 8" not in answer.out
    assert "Extrapolated: anc outside 0.7 to 8" in answer.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "disease is not stated; write --category disease=ALL"),
        (("--category", "disease=all"), "disease is 'all'; allowed: ALL, Other"),
        (("--category", "illness=ALL"), "unknown category 'illness'"),
    ],
)
def test_the_disease_must_be_stated(command, arguments, words: str) -> None:
    answer = command("score", "eipm_pre", *options(MODEL), *arguments)
    assert answer.code == 10
    assert words in answer.err


def test_options_of_a_model_do_not_go_with_points(command) -> None:
    answer = command("score", "car_hematotox", "--allow-outside", *options(HIGH))
    assert answer.code == 12
    assert "--allow-outside: 'car_hematotox' is no model" in answer.err


@pytest.fixture
def score_labs(command, labs: Path, tmp_path: Path):
    def run(*arguments: object, out: str = "scores.csv"):
        answer = command("score", "car_hematotox", "--labs", labs, "--out", tmp_path / out, *arguments)
        written = tmp_path / out
        return answer, pl.read_csv(written) if written.exists() else None

    return run


def test_a_file_gives_one_row_per_patient(score_labs) -> None:
    answer, table = score_labs("--lymphodepletion-day", "-5")
    assert answer.code == 0
    shown = table.select("patient_id", "policy", "best", "worst", "group", "reason").rows()
    assert shown == [
        ("P1", 5, 5, 5, "high", "scored"),
        ("P2", None, 0, 1, "low", "crp not judged: unit missing"),
        ("P3", None, 0, 5, None, "platelets missing; anc missing; hemoglobin missing; crp missing"),
    ]
    assert "CAR-HEMATOTOX of 3 patients: 1 scored, 2 open; risk group low 1, high 1, open 1\n" in answer.out
    assert "  open, crp not judged: unit missing: 1\n" in answer.out
    assert "1 baseline value of anc is from the day of lymphodepletion" in answer.out


def test_the_items_say_from_which_day_and_row_each_value_came(score_labs, tmp_path: Path) -> None:
    answer, _ = score_labs("--lymphodepletion-day=-5", "--items", tmp_path / "items.csv")
    assert answer.code == 0
    items = pl.read_csv(tmp_path / "items.csv").filter(pl.col("patient_id") == "P2")
    shown = items.select("item", "day", "value", "unit", "points", "source_row").rows()
    assert shown == [
        ("platelets", -7, 220, "1e9/L", 0, 8),
        ("anc", -5, 3400, "/uL", 0, 10),
        ("hemoglobin", -6, 12.4, "g/dL", 0, 11),
        ("crp", None, None, "mg/dL", None, None),
        ("ferritin", -6, 180, "ng/mL", 0, 13),
    ]


def test_the_infusions_may_say_the_day(score_labs, tmp_path: Path) -> None:
    path = tmp_path / "when.csv"
    path.write_text("patient_id,day,lymphodepletion_day\nP1,0,-5\nP2,0,-3\nP3,0,\n", "utf-8")
    _, table = score_labs("--infusions", path)
    # P2: the platelets of day -4 count as well when lymphodepletion begins on day -3.
    assert table["best"].to_list() == [5, 2, 0]
    assert "missing: the day of lymphodepletion is not known" in table["reason"][2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 10, "its first day is not known"),
        (("--lymphodepletion-day", "5"), 13, "--lymphodepletion-day: is after the infusion"),
        (("--value", "crp=4 mg/L"), 13, "--value and --labs"),
        (("--json",), 13, "--json: is for one patient"),
        (("--lymphodepletion-day", "-5", "--decimal", ";"), 13, "--decimal"),
    ],
)
def test_a_file_is_not_scored_with_wrong_options(score_labs, arguments, code: int, words: str) -> None:
    answer, table = score_labs(*arguments)
    assert answer.code == code
    assert words in answer.err
    assert table is None


def test_a_file_needs_a_name_for_its_scores(command, labs: Path) -> None:
    answer = command("score", "car_hematotox", "--labs", labs)
    assert (answer.code, "--out: is missing" in answer.err) == (13, True)


def test_files_that_overwrite_each_other_are_refused(command, labs: Path, tmp_path: Path) -> None:
    answer = command("score", "easix", "--labs", labs, "--out", labs)
    assert (answer.code, "is the file given as LABS" in answer.err) == (15, True)
    same = tmp_path / "same.csv"
    answer = command("score", "easix", "--labs", labs, "--out", same, "--items", same)
    assert (answer.code, "name the same file" in answer.err) == (13, True)


def test_options_of_a_file_need_one(command) -> None:
    answer = command("score", "car_hematotox", "--lymphodepletion-day", "-5", *options(HIGH))
    assert (answer.code, "--lymphodepletion-day: needs a laboratory file" in answer.err) == (13, True)


def test_a_cohort_with_crp_off_by_ten_is_a_finding(command, tmp_path: Path) -> None:
    path = tmp_path / "labs.csv"
    rows = [f"P{n},-6,CRP,{0.4 * n},mg/L" for n in range(1, 7)]
    path.write_text("\n".join(["patient_id,day,analyte,value,unit", *rows]) + "\n", "utf-8")
    answer = command(
        "score", "car_hematotox", "--labs", path, "--lymphodepletion-day=-5", "--out", tmp_path / "scores.csv"
    )
    assert "the median of crp in 'mg/L' lies below the usual" in answer.out
    assert "if the values were in 'mg/dL' it would not" in answer.out


# What a score does not ask: when observation ended, whether support was given.
OF_OUTCOMES = ("last_contact", "count recovery", "neither death")


def test_notes_on_outcomes_do_not_concern_a_score(command, labs, tmp_path) -> None:
    """All values of this file lie before lymphodepletion, as the score asks."""
    answer = command(
        *("score", "car_hematotox", "--labs", labs, "--lymphodepletion-day", "-5"),
        *("--out", tmp_path / "scores.csv"),
    )
    assert answer.code == 0
    assert "labs before the infusion only" not in answer.out
    assert not [words for words in OF_OUTCOMES if words in answer.out]
    assert "day 0 is taken as the labs count it" in answer.out


def test_labs_that_end_before_the_infusion_concern_a_score_of_a_later_day(command, labs, tmp_path) -> None:
    answer = command(
        *("score", "eipm_post", "--labs", labs, "--lymphodepletion-day", "-5"),
        *("--out", tmp_path / "scores.csv"),
    )
    assert "3 patients have labs before the infusion only. Check the infusion dates" in answer.out
    assert not [words for words in OF_OUTCOMES if words in answer.out]
