"""Calculators of the running app: what comes out, what is refused, and that nothing of a patient stays."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from app_server import Reply, RunningApp, Visitor, run_app
from card_files import write_card
from study_files import SECRET, STUDY

# The example of tests/functional/test_score.py: 3 points, high.
HIGH = {
    "platelets": ("110", "10^9/L"),
    "anc": ("950", "/uL"),
    "hemoglobin": ("10,1", "g/dL"),
    "crp": ("4.2", "mg/dL"),
    "ferritin": ("540", "ng/mL"),
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
LIST = "Tag\tANC\n0\t2,1\n3\t0,4\n5\t<0,1\n8\t0,1\n12\t0,2\n15\t0,6\n20\t1,1\n28\t2"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    results = folder / "cohort" / "results"
    results.mkdir(parents=True)
    (folder / "cohort" / "study.toml").write_text(STUDY, "utf-8")
    (results / "provenance.json").write_text("{}", "utf-8")
    write_card(results)
    with run_app(folder) as app:
        yield app


@pytest.fixture(scope="module")
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


def fill(values: dict[str, tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (value, unit) in values.items():
        found |= {f"value_{name}": value, f"unit_{name}": unit}
    return found


def read(reply: Reply) -> str:
    """The result of a page as text, blanks folded."""
    part = reply.text.partition('id="result"')[2].partition("</main>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", part).split()))


def ask(visitor: Visitor, path: str, **fields: str) -> str:
    reply = visitor.send_form(f"/calculators/{path}", **fields)
    assert reply.status == 200, read(reply)
    return read(reply)


def test_every_calculator_is_listed_and_opens(visitor: Visitor) -> None:
    page = visitor.ask("GET", "/calculators")
    paths = set(re.findall(r'href="(/calculators/[^"]+)"', page.text))
    assert "/calculators/card?study=cohort&amp;file=model.card.json" in paths
    ids = (
        "car_hematotox",
        "easix",
        "m_easix",
        "s_easix",
        "eipm_pre",
        "eipm_post",
        "icaht",
        "recovery",
        "card",
    )
    assert {f"/calculators/{name}" for name in ids} <= paths
    for path in paths:
        assert visitor.ask("GET", html.unescape(path)).status == 200, path
    assert visitor.ask("GET", "/calculators/nothing").status == 404


def test_points_group_rules_and_a_sentence_for_a_note(visitor: Visitor) -> None:
    found = ask(visitor, "car_hematotox", **fill(HIGH))
    assert "3 of 7 points, risk group high" in found
    for sentence in ("Platelet count 75-175/nL", "ANC <1200/uL", "C-reactive protein >3.0 mg/dL"):
        assert sentence in found
    assert "Hemoglobin 10.1 g/dL (0)" in found
    assert "CAR-HEMATOTOX: 3 of 7 points, risk group high. Values: Platelet count 110" in found
    assert "10.1182/blood.2020010543" in found


def test_a_missing_input_leaves_a_range(visitor: Visitor) -> None:
    values = {**HIGH, "crp": ("<0,5", "mg/dL"), "ferritin": ("", "ng/mL")}
    found = ask(visitor, "car_hematotox", **fill(values))
    assert "2 to 4 of 7 points, risk group high (whatever the open items are)" in found
    assert "ferritin can add 0 to 2 points" in found
    assert "Not known: Ferritin." in found


def test_the_unit_counts_and_a_doubtful_one_is_told(visitor: Visitor) -> None:
    assert "3 of 7" in ask(visitor, "car_hematotox", **fill({**HIGH, "crp": ("42", "mg/L")}))
    found = ask(visitor, "car_hematotox", **fill({**HIGH, "crp": ("42", "mg/dL")}))
    assert "Check these crp: outside the typical" in found
    note = found.partition("Sentence for a note")[2]
    assert "To be checked: crp: outside the typical" in note
    assert note.index("To be checked") < note.index("Check the unit. Source: ")


def test_a_value_that_cannot_be_used_is_told_and_the_others_stay(visitor: Visitor) -> None:
    reply = visitor.send_form("/calculators/car_hematotox", **fill({**HIGH, "crp": ("high", "mg/dL")}))
    assert reply.status == 422
    assert "crp has no number; write 4.2 mg/dL" in read(reply)
    assert "--value" not in reply.text
    assert 'name="value_platelets" value="110"' in reply.text
    reply = visitor.send_form("/calculators/car_hematotox", **fill({"anc": ("1,200", "/uL")}))
    assert "anc may mean a thousand or a fraction" in read(reply)
    reply = visitor.send_form("/calculators/car_hematotox", **fill({"ferritin": ("2.500", "ng/mL")}))
    assert reply.status == 422
    assert "ferritin may mean a thousand or a fraction" in read(reply)


def test_a_ratio_says_what_each_value_does(visitor: Visitor) -> None:
    """300 x 0.8 / 120."""
    values = {"ldh": ("300", "U/L"), "creatinine": ("0,8", "mg/dL"), "platelets": ("120", "G/L")}
    found = ask(visitor, "easix", **fill(values))
    assert "2 (log2 1)" in found
    assert "Creatinine 0.8 mg/dL multiplies" in found
    assert "Platelet count 120 ×10⁹/L divides" in found


def test_a_model_needs_its_coefficients(visitor: Visitor) -> None:
    values = {"anc": ("1", "G/L"), "platelets": ("100", "G/L"), "ldh": ("300", "U/L")}
    form = fill({**values, "ferritin": ("500", "ng/mL"), "disease": ("ALL", "")})
    assert "no coefficients: they are not published as text" in ask(visitor, "eipm_pre", **form)
    assert "50.0%" in ask(visitor, "eipm_pre", **form, coefficients=INVENTED)
    other = {**form, "value_disease": "Other", "value_anc": "0,1"}
    assert "outside 0.7 to 8" in ask(visitor, "eipm_pre", **other, coefficients=INVENTED)
    # log10 of 0.1 is -1: 0 + 1 + 1 = 2, and 1 / (1 + exp(-2)) = 0.881.
    found = ask(visitor, "eipm_pre", **other, coefficients=INVENTED, allow_outside="1")
    assert "88.1%" in found
    assert "Absolute neutrophil count 0.1 ×10⁹/L +1 " in found
    reply = visitor.send_form("/calculators/eipm_pre", **form, coefficients="id = 1")
    assert reply.status == 422
    assert "coefficients.toml" in read(reply)


def test_a_card_of_a_study_and_one_that_is_brought(visitor: Visitor, running: RunningApp) -> None:
    """By hand: 0.4 + 0.5 log2(540) - 0.3 x 0.95 / 0.5 + 0.8 = 5.168, a probability of 99.4%."""
    page = visitor.ask("GET", "/calculators/card?study=cohort&file=model.card.json")
    assert "Invented model" in page.text
    content = (running.folder / "cohort" / "results" / "model.card.json").read_text("utf-8")
    form = fill({"ferritin": ("540", "ng/mL"), "anc": ("950", "/uL"), "stage": ("II", "")})
    carried = html.unescape(
        page.text.partition('name="card"')[2].partition(">")[2].partition("</textarea>")[0]
    )
    for card in (content, carried):
        found = ask(visitor, "card", card=card, **form)
        assert "99.4%" in found
        assert "Ferritin 540 µg/L +4.54" in found
        assert "Neutrophils 0.95 ×10⁹/L -0.57" in found
        assert "Synthetic data: no patient stands behind this model." in found
    changed = content.replace('"shrunken_intercept": 0.4', '"shrunken_intercept": 0.5')
    reply = visitor.send_form("/calculators/card", card=changed, **form)
    assert reply.status == 422
    assert "its seal does not fit" in read(reply)
    reply = visitor.send_form("/calculators/card", card=content, **fill({"anc": ("1", "/uL")}))
    assert "ferritin is missing; a model counts nothing as 0. Write a number ug/L" in read(reply)


@pytest.mark.parametrize("query", ["study=cohort&file=../study.toml", "study=..&file=x", "study=x&file=y"])
def test_a_card_is_taken_from_results_alone(visitor: Visitor, query: str) -> None:
    assert visitor.ask("GET", f"/calculators/card?{query}").status == 404


def test_a_pasted_list_has_a_grade_with_its_reasons(visitor: Visitor) -> None:
    """Low from day 3 to 14 with the days between: 7-13 days, grade 2."""
    fields = {"list_anc": LIST, "unit_anc": "G/L", "definition": "icaht_2023"}
    reply = visitor.send_form("/calculators/icaht", **fields)
    found = read(reply)
    assert "Early ICAHT Day 0 to 30 grade 2;" in found
    assert "“ANC <=500/uL for 7-13 days”" in found
    assert "Settled by" in found
    assert "line 1 was read as a heading" in found
    assert "The last day of follow-up is not known" in found
    assert "Early ICAHT: grade 2;" in found.partition("Sentences for a note")[2]
    assert "<svg" in reply.text


def test_a_list_without_an_end_says_what_holds_if_observation_ended(visitor: Visitor) -> None:
    """<=0.1 on day 17 to 23 is grade 3; the definition fills the 7 days after it, which makes grade 4."""
    days = [f"{day};{3 if day < 17 else 0.09}" for day in range(24)]
    fields = {"list_anc": "\n".join(days), "unit_anc": "1e9/L", "definition": "icaht_2023"}
    found = ask(visitor, "icaht", **fields)
    open_end = found.partition("End of observation")[2].partition("Why, and what would change it")[0]
    assert "days after the last value (day 23) were counted to day 30" in open_end
    assert "If observation ended on day 23: grade 3, decided" in open_end
    assert "if observation ended on the last value, day 23: grade 3" in found.partition("for a note")[2]
    ended = ask(visitor, "icaht", **fields, last_contact="23")
    assert "Early ICAHT Day 0 to 30 grade 3, decided" in ended
    assert "End of observation" not in ended


def test_recovery_of_three_lists(visitor: Visitor) -> None:
    fields = {
        "list_anc": "26;1.4\n27;1.5\n28;1.6",
        "unit_anc": "1e9/L",
        "list_hemoglobin": "26;9,5\n27;9,6\n28;9,7",
        "unit_hemoglobin": "g/dL",
        "list_platelets": "26;90\n27;95\n28;99",
        "unit_platelets": "1e9/L",
        "definition": "qiu2023_recovery",
    }
    found = ask(visitor, "recovery", **fields)
    assert "recovered, decided" in found
    support = {"support": "platelet transfusion; 27", "support_complete": "1"}
    assert "not recovered, decided" in ask(visitor, "recovery", **fields, **support)


def test_the_order_of_day_and_month_is_asked(visitor: Visitor) -> None:
    fields = {
        "list_anc": "\n".join(f"{day:02d}/04/2024;0.3" for day in range(2, 10)),
        "unit_anc": "1e9/L",
        "infusion_date": "2024-04-01",
        "definition": "icaht_2023",
    }
    reply = visitor.send_form("/calculators/icaht", **fields)
    assert reply.status == 422
    assert "State the order of day and month." in read(reply)
    assert "Early ICAHT" not in read(reply)
    found = ask(visitor, "icaht", **fields, date_format="dmy_slash")
    assert "day 1: 0.3 ×10⁹/L, row 1" in found
    assert "day 8: 0.3 ×10⁹/L, row 8" in found


def test_dates_without_an_infusion_and_other_mistakes_are_told(visitor: Visitor) -> None:
    fields = {"list_anc": "2024-04-02;0.3", "unit_anc": "1e9/L", "definition": "icaht_2023"}
    told = read(visitor.send_form("/calculators/icaht", **fields))
    assert "Give the date of the infusion." in told
    told = read(visitor.send_form("/calculators/icaht", **{**fields, "list_anc": "0.3\n1;2;3"}))
    assert "line 1: there is one cell" in told
    assert "line 2: there are more cells" in told
    told = read(visitor.send_form("/calculators/icaht", **{**fields, "definition": "t_icaht_2025"}))
    assert "No chosen definition looks at a list that was given" in told


def test_what_is_pasted_is_shown_and_not_executed(visitor: Visitor) -> None:
    fields = {
        "list_anc": "<script>alert(1)</script>;0.4",
        "unit_anc": "</select><b>",
        "definition": "icaht_2023",
    }
    for path in ("icaht", "recovery"):
        assert "<script>alert" not in visitor.send_form(f"/calculators/{path}", **fields).text
    hostile = fill({"crp": ('"><script>alert(1)</script>', "mg/dL")})
    assert "<script>alert" not in visitor.send_form("/calculators/car_hematotox", **hostile).text
    assert (
        "<script>alert" not in visitor.send_form("/calculators/card", card="<script>alert(1)</script>").text
    )


def test_nothing_of_a_patient_is_kept(tmp_path: Path) -> None:
    with run_app(tmp_path) as app:
        visitor = app.visit()
        visitor.send_form("/calculators/car_hematotox", **fill({**HIGH, "anc": (SECRET, "G/L")}))
        fields = {"list_anc": f"1;{SECRET}\n2;x", "unit_anc": "1e9/L", "definition": "icaht_2023"}
        visitor.send_form("/calculators/icaht", **fields)
        assert visitor.ask("GET", "/calculators/car_hematotox").text.count(SECRET) == 0
    assert SECRET not in "".join(app.said)
    assert "defect" not in "".join(app.said)
    assert list(tmp_path.iterdir()) == []


def test_definitions_of_the_folder_are_calculators_too(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    text = 'id = "mine"\nextends = "car_hematotox"\nstatus = "study"\ntitle = "Mine"\ngroups = []\n'
    (tmp_path / "definitions" / "mine.toml").write_text(text, "utf-8")
    with run_app(tmp_path) as app:
        visitor = app.visit()
        assert "3 of 7 points" in ask(visitor, "mine", **fill(HIGH))
        shutil.rmtree(tmp_path / "definitions")
        assert visitor.ask("GET", "/calculators/mine").status == 404
