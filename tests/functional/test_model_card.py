"""A model card: written by a run, used by `cytopenia score --card`, refused when it was changed."""

from __future__ import annotations

import csv
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from card_files import CARD, write_card
from cytopenia.workflow import run_study

# By hand: 0.4 + 0.5 * log2(540) - 0.3 * 0.95 / 0.5 + 0.8 for stage II.
ODDS = 0.4 + 0.5 * math.log2(540) - 0.3 * 0.95 / 0.5 + 0.8
PATIENT = ("--value", "ferritin=540 ng/mL", "--value", "anc=950 /uL", "--value", "stage=II")


def test_a_patient_has_a_probability_with_its_worth_beside(command, tmp_path: Path) -> None:
    found = command("score", "--card", write_card(tmp_path), *PATIENT)
    assert found.code == 0
    assert f"Invented model: {1 / (1 + math.exp(-ODDS)):.1%}" in found.out
    assert "Of: Hematologic recovery at day 28: not recovered" in found.out
    assert "C statistic: 0.74 corrected for optimism; with pairs left out 0.72 (0.81 apparent)" in found.out
    assert "Slope of calibration: 0.50 corrected" in found.out
    assert "Made from: 60 patients, 21 with the event" in found.out
    assert "Note: 21 patients in the smaller group: they allow 2 terms" in found.out
    assert "Synthetic data" in found.out
    assert "Warning" not in found.out


def test_json_for_a_machine(command, tmp_path: Path) -> None:
    found = json.loads(command("score", "--card", write_card(tmp_path), *PATIENT, "--json").out)
    assert found["probability"] == pytest.approx(1 / (1 + math.exp(-ODDS)), rel=1e-12)
    assert found["values"] == {"ferritin": 540.0, "anc": 0.95, "stage": "II"}


def test_outside_of_what_was_seen_is_called_extrapolation(command, tmp_path: Path) -> None:
    values = ("--value", "ferritin=5000 ng/mL", "--value", "anc=<0.5 G/L", "--value", "stage=I")
    found = command("score", "--card", write_card(tmp_path), *values)
    assert "ferritin lies outside what the patients of the model had, 50 to 900 ug/L" in found.out
    assert "the probability is an extrapolation" in found.out
    assert "anc was reported as below a limit; half of the limit is used" in found.out


def test_a_missing_input_is_never_counted_as_0_and_all_faults_are_told(command, tmp_path: Path) -> None:
    values = ("--value", "feritin=540 ng/mL", "--value", "anc=950", "--value", "stage=III")
    found = command("score", "--card", write_card(tmp_path), *values)
    assert found.code == 11
    assert "unknown input 'feritin' (did you mean 'ferritin'?)" in found.err
    assert "ferritin is missing; a model counts nothing as 0" in found.err
    assert "anc has no unit; write one of" in found.err
    assert "stage: no such level of the card (did you mean 'II'?); allowed: I, II" in found.err


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("anc=>9 G/L", "only known to lie above a limit"),
        ("anc=90000 G/L", "outside the plausible"),
        ("anc", "a value has no '='"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(command, tmp_path: Path, value: str, words: str) -> None:
    values = ("--value", "ferritin=540 ng/mL", "--value", value, "--value", "stage=I")
    found = command("score", "--card", write_card(tmp_path), *values)
    assert found.code == 10
    assert words in found.err


def test_a_tampered_card_is_refused_with_all_faults(command, tmp_path: Path) -> None:
    terms = [
        {**CARD["terms"][0], "coefficient": 2.0},
        {**CARD["terms"][1], "input": "neutrophils"},
        {**CARD["terms"][2], "level": "IV"},
    ]
    found = command("score", "--card", write_card(tmp_path, sealed=False, terms=terms), *PATIENT)
    assert found.code == 12
    assert "its seal does not fit its content: it was changed after it was written" in found.err
    assert "terms.0: shrunken_coefficient is not coefficient times shrinkage" in found.err
    assert "terms.1: input 'neutrophils' is not among the inputs" in found.err
    assert "terms.2: kind is 'level', whose keys are missing or do not fit" in found.err
    assert "inputs.anc: stands in no term" in found.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("intercept = 1", "is no JSON file"),
        ('{"coefficients": [1, 2]}', "is no model card of this package (no key 'format')"),
        ('{"format": "other-card-3"}', "'format' is 'other-card-3'; allowed: 'cytopenia-model-card-1'"),
    ],
)
def test_a_foreign_file_is_refused(command, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "foreign.json"
    path.write_text(text, encoding="utf-8")
    found = command("score", "--card", path, *PATIENT)
    assert found.code == 12
    assert words in found.err


def test_a_card_takes_no_other_options(command, tmp_path: Path) -> None:
    found = command("score", "easix", "--card", write_card(tmp_path), "--allow-outside")
    assert found.code == 13
    assert "the id of a score, --allow-outside: does not go with --card" in found.err


def test_without_a_score_or_a_card_it_says_what_to_name(command) -> None:
    found = command("score", "--value", "crp=4 mg/L")
    assert found.code == 13
    assert "name a score, such as car_hematotox, or a model card with --card FILE" in found.err


PREDICTION = """
[[analyses]]
id = "model"
kind = "prediction"
outcome = "recovery"
event = "not_recovered"
factors = ["{factors}"]
expected_r2 = 0.3
resamples = 200
"""


def write_study(folder: Path, factors: str) -> Path:
    """The bundled study with its tables, outcomes and factors, and one prediction."""
    for item in (resources.files("cytopenia") / "data" / "example").iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    head = (folder / "study.toml").read_text("utf-8").partition("[[analyses]]")[0]
    (folder / "study.toml").write_text(head + PREDICTION.format(factors=factors), encoding="utf-8")
    return folder / "study.toml"


@pytest.mark.usefixtures("no_figures")
def test_the_card_of_a_run_gives_the_probability_of_its_coefficients(command, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    written = run_study(write_study(tmp_path / "study", 'anc", "ferritin'), out=tmp_path / "results")
    rows = {
        (row["variable"], row["estimate"]): row["value"]
        for row in written.run.results.iter_rows(named=True)
        if row["analysis_id"] == "model" and row["group"] == "coefficients"
    }
    odds = rows["intercept", "shrunken_coefficient"] + 2.0 * rows["anc", "shrunken_coefficient"]
    odds += 300.0 * rows["ferritin", "shrunken_coefficient"]
    values = ("--value", "anc=2 G/L", "--value", "ferritin=300 ng/mL", "--json")
    found = command("score", "--card", tmp_path / "results" / "model.card.json", *values)
    assert json.loads(found.out)["probability"] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-9)


def test_a_factor_known_only_after_infusion_is_refused_with_the_reason(command, tmp_path: Path) -> None:
    found = command("run", write_study(tmp_path, 'anc", "crp_peak", "recovery'))
    assert found.code == 13
    assert "factors names 'crp_peak', which is known on day" in found.err
    assert "a model that is asked at the infusion cannot use it" in found.err
    assert "factors names the outcome 'recovery'; an outcome is no candidate" in found.err


VALIDATION = """
[[analyses]]
id = "elsewhere"
kind = "validation"
outcome = "recovery"
event = "not_recovered"
{source}
"""


def write_validation(folder: Path, source: str) -> Path:
    """The bundled study with one validation."""
    path = write_study(folder, "anc")
    head = path.read_text("utf-8").partition("[[analyses]]")[0]
    path.write_text(head + VALIDATION.format(source=source), encoding="utf-8")
    return path


def test_a_card_of_other_inputs_is_refused_before_anything_is_computed(command, tmp_path: Path) -> None:
    inputs = [
        {**CARD["inputs"][0], "analyte": "ldh"},
        {**CARD["inputs"][1], "name": "neutro"},
        CARD["inputs"][2],
    ]
    terms = [CARD["terms"][0], {**CARD["terms"][1], "input": "neutro"}, CARD["terms"][2]]
    write_card(tmp_path, inputs=inputs, terms=terms)
    found = command("run", write_validation(tmp_path, 'card = "model.card.json"'))
    assert found.code == 13
    assert "analyses.elsewhere: factor 'ferritin' is not what the card means (ldh)" in found.err
    assert "analyses.elsewhere: the card needs 'neutro'" in found.err


def test_a_card_that_is_not_there_and_a_score_that_is_none_are_told(command, tmp_path: Path) -> None:
    found = command("run", write_validation(tmp_path, 'card = "no.json"'))
    assert found.code == 13
    assert "no.json: no such file" in found.err
    found = command("run", write_validation(tmp_path, 'score = "anc"'))
    assert found.code == 13
    assert "it must be the id of a score, such as car_hematotox, or a factor with a score" in found.err


def test_a_score_is_named_by_its_id(command, tmp_path: Path) -> None:
    source = 'score = "car_hematotox"\nmissing = { method = "multiple_imputation", imputations = 3 }'
    found = command("run", write_validation(tmp_path, source))
    assert found.code == 0, found.err
    with (tmp_path / "results" / "results.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["analysis_id"] == "elsewhere"]
    by_group = {(row["group"], row["estimate"]): row for row in rows}
    assert by_group["performance", "c_statistic"]["status"] == "ok"
    # Every item of the score is known in the bundled cohort.
    assert by_group["performance_imputed", "model"]["note"].startswith("no value is missing")


LABS = """patient_id,day,analyte,value,unit
P1,-6,Ferritin,540,ng/mL
P1,-6,ANC,950,/uL
P2,-7,Ferritin,<100,ng/mL
P2,-6,ANC,12,10^9/L
P3,-6,Ferritin,>2000,ng/mL
P3,-6,ANC,2,10^9/L
P4,-6,ANC,2,10^9/L
P5,-6,Ferritin,300,
P5,-6,ANC,2,10^9/L
"""


def write_laboratory_card(folder: Path, **changes: Any) -> Path:
    """The card without its stage: both inputs are the last values before lymphodepletion."""
    inputs = [{**item, "when": "last value before lymphodepletion"} for item in CARD["inputs"][:2]]
    return write_card(folder, **{"inputs": inputs, "terms": CARD["terms"][:2], **changes})


def test_a_file_has_a_probability_for_every_patient(command, tmp_path: Path) -> None:
    labs, out = tmp_path / "labs.csv", tmp_path / "risk.csv"
    labs.write_text(LABS, "utf-8")
    card = write_laboratory_card(tmp_path)
    found = command("score", "--card", card, "--labs", labs, "--lymphodepletion-day", "-5", "--out", out)
    assert found.code == 0, found.err
    with out.open(encoding="utf-8") as file:
        rows = {row["patient_id"]: row for row in csv.DictReader(file)}
    odds = 0.4 + 0.5 * math.log2(540) - 0.3 * 0.95 / 0.5
    assert float(rows["P1"]["probability"]) == pytest.approx(1 / (1 + math.exp(-odds)))
    # Below a limit counts as half of it; neutrophils of 12 are more than anybody of the model had.
    odds = 0.4 + 0.5 * math.log2(50) - 0.3 * 12 / 0.5
    assert float(rows["P2"]["probability"]) == pytest.approx(1 / (1 + math.exp(-odds)))
    assert rows["P2"]["extrapolated"] == "anc"
    assert [rows[name]["probability"] for name in ("P3", "P4", "P5")] == ["", "", ""]
    assert rows["P3"]["reason"] == "ferritin: known only to lie above a limit"
    assert rows["P4"]["reason"] == "ferritin: missing"
    assert rows["P5"]["reason"].startswith("ferritin: not judged")
    assert "Invented model of 5 patients: 2 with a probability, 3 open" in found.out
    assert "extrapolated, outside the patients of the model: 1" in found.out
    assert "Not a medical device" in found.out


def test_a_card_with_other_inputs_than_laboratory_values_is_refused(command, tmp_path: Path) -> None:
    labs = tmp_path / "labs.csv"
    labs.write_text(LABS, "utf-8")
    found = command("score", "--card", write_card(tmp_path), "--labs", labs, "--out", tmp_path / "risk.csv")
    assert found.code == 12
    assert "needs more than the last laboratory values before lymphodepletion" in found.err
    assert "stage (Stage) is no laboratory value" in found.err
    assert "ferritin has no time in the card" in found.err


def test_a_file_without_the_day_of_lymphodepletion_is_refused(command, tmp_path: Path) -> None:
    labs = tmp_path / "labs.csv"
    labs.write_text(LABS, "utf-8")
    card = write_laboratory_card(tmp_path)
    found = command("score", "--card", card, "--labs", labs, "--out", tmp_path / "risk.csv")
    assert found.code == 10
    assert "its first day is not known" in found.err
    found = command("score", "--card", card, "--labs", labs)
    assert "--out: is missing" in found.err
    found = command("score", "--card", card, "--value", "anc=2 G/L", "--out", tmp_path / "risk.csv")
    assert "--out: needs a laboratory file" in found.err


def drop_ferritin(folder: Path) -> None:
    """Twelve patients of the bundled study lose their ferritin."""
    path = folder / "labs.csv"
    with path.open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    patient, analyte = head.index("patient_id"), head.index("analyte")
    gone = set(sorted({row[patient] for row in rows})[:36:3])
    kept = [
        row for row in rows if row[patient] not in gone or not row[analyte].lower().startswith("ferritin")
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *kept])


def test_a_model_of_imputed_values_has_a_card_of_its_own(command, tmp_path: Path) -> None:
    path = write_study(tmp_path, 'anc", "ferritin')
    imputed = (
        'missing = { method = "multiple_imputation", imputations = 3, iterations = 3 }\nkind = "prediction"'
    )
    path.write_text(path.read_text("utf-8").replace('kind = "prediction"', imputed), encoding="utf-8")
    drop_ferritin(tmp_path)
    found = command("run", path)
    assert found.code == 0, found.err
    card = tmp_path / "results" / "model_imputed.card.json"
    content = json.loads(card.read_text("utf-8"))
    assert content["population"]["left_out_for_missing"] == 0
    assert any("imputed 3 times" in remark for remark in content["remarks"])
    asked = command(
        "score", "--card", card, "--value", "anc=2 G/L", "--value", "ferritin=300 ng/mL", "--json"
    )
    terms = {term["input"]: term["shrunken_coefficient"] for term in content["terms"]}
    odds = content["shrunken_intercept"] + 2.0 * terms["anc"] + 300.0 * terms["ferritin"]
    assert json.loads(asked.out)["probability"] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-9)
