"""The cards of CDS Hooks: what they say of a patient who is alive, and what they refuse to say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from typing import Any

import pytest

from app_program import SERVICE, Program, bundle, enter_program, hook, observe
from app_server import RunningApp, run_app


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app
    assert "defect" not in "".join(app.said)


@pytest.fixture(scope="module")
def program(running: RunningApp) -> Program:
    return enter_program(running)


# -- cards of CDS Hooks ----------------------------------------------------------------------------


def require_cards(cards: list[dict[str, Any]]) -> None:
    """What CDS Hooks asks of every card."""
    for card in cards:
        assert 0 < len(card["summary"]) <= 140
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert "Not a medical device" in card["detail"]
    assert len({card["uuid"] for card in cards}) == len(cards)


def test_the_service_can_be_discovered(program: Program) -> None:
    (service,) = program.ask("GET", "/api/cds-services")[1]["services"]
    assert (service["id"], service["hook"]) == ("blood-counts", "patient-view")
    assert "751-8" in service["prefetch"]["observations"]


def test_observations_become_grades_and_scores(program: Program) -> None:
    """The last neutrophils are 0.4: grade 4. The five values are those of the score of 3 points."""
    entries = [
        observe("anc", 0.95, "10*9/L", "2024-01-02T08:00:00+01:00"),
        observe("platelets", 110, "10*9/L", "2024-01-02"),
        observe("hemoglobin", 10.1, "g/dL", "2024-01-02"),
        observe("crp", 42, "mg/L", "2024-01-02"),
        observe("ferritin", 540, "ug/L", "2024-01-02"),
    ]
    cards = program.post(SERVICE, hook(*entries))["cards"]
    require_cards(cards)
    assert cards[0]["summary"].startswith("Neutrophil count decreased: grade 3")
    assert cards[0]["indicator"] == "warning"
    assert "0.95 ×10⁹/L, 2024-01-02" in cards[0]["detail"]
    assert cards[1]["summary"] == "CAR-HEMATOTOX, if before lymphodepletion: 3 of 7 points, risk group high"
    assert cards[1]["indicator"] == "warning"
    later = observe("anc", 0.4, "10*9/L", "2024-01-09T08:00:00+01:00")
    found = program.post(SERVICE, bundle(*entries, later))["cards"]
    assert (found[0]["indicator"], "grade 4" in found[0]["summary"]) == ("critical", True)


def test_known_days_give_the_values_before_lymphodepletion_and_icaht(program: Program) -> None:
    before = [
        observe("anc", 0.95, "10*9/L", "2024-01-02"),
        observe("platelets", 110, "10*9/L", "2024-01-02"),
        observe("hemoglobin", 101, "g/L", "2024-01-02"),
        observe("crp", 42, "mg/L", "2024-01-02"),
        observe("ferritin", 540, "ug/L", "2024-01-02"),
    ]
    after = [observe("anc", 0.3, "10*9/L", f"2024-01-{day}") for day in range(10, 32)]
    days = {"infusion_date": "2024-01-10", "lymphodepletion_date": "2024-01-05"}
    cards = program.post(SERVICE, hook(*before, *after, **days))["cards"]
    require_cards(cards)
    summaries = [card["summary"] for card in cards]
    assert "CAR-HEMATOTOX: 3 of 7 points, risk group high" in summaries
    assert any(text.startswith("Early ICAHT so far, to day 21: grade 3;") for text in summaries)


def test_nothing_that_counts_is_said_in_a_card(program: Program) -> None:
    (card,) = program.post(SERVICE, hook())["cards"]
    assert card["summary"].startswith("No blood count that can be judged")
    require_cards([card])


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ({}, 422, "prefetch.observations is missing"),
        ({"prefetch": {"observations": {"entry": []}}}, 422, "is no FHIR resource"),
        (b"{", 422, "no JSON"),
        (b'{"a": NaN}', 422, "no JSON"),
        (b"[" * 100_000, 422, "no JSON"),
    ],
)
def test_a_request_without_observations_is_refused(
    program: Program, content: object, status: int, words: str
) -> None:
    found = program.ask("POST", SERVICE, content)
    assert found[0] == status
    assert words in found[1]["error"]


def test_a_value_that_is_not_judged_is_told_beside_the_grade(program: Program) -> None:
    """The newest platelets are in a unit that is not listed: the card names the row, and the older value."""
    older = observe("platelets", 60, "10*9/L", "2024-01-02")
    newer = observe("platelets", 20, "mg", "2024-01-05")
    cards = program.post(SERVICE, bundle(older, newer))["cards"]
    assert "Platelet count decreased: grade 2; 60 ×10⁹/L, 2024-01-02" in cards[0]["detail"]
    assert "- Check: labs: unit 'mg' of platelets is not listed" in cards[0]["detail"]
    assert "row 2" in cards[0]["detail"]


def test_two_patients_are_refused(program: Program) -> None:
    other = observe("anc", 1, "10*9/L", "2024-01-02", subject={"reference": "Patient/2"})
    status, told = program.ask("POST", SERVICE, hook(observe("anc", 1, "10*9/L", "2024-01-02"), other))
    assert (status, "of 2 patients" in told["error"]) == (422, True)


# -- a course that goes on -------------------------------------------------------------------------


def count_days(*runs: tuple[int, int, float], analyte: str = "anc") -> list[dict[str, Any]]:
    """Values by day from infusion, which is 2024-01-10."""
    zero = dt.date(2024, 1, 10)
    return [
        observe(analyte, value, "10*9/L", (zero + dt.timedelta(days=day)).isoformat())
        for first, last, value in runs
        for day in range(first, last + 1)
    ]


def find_card(cards: list[dict[str, Any]], start: str) -> dict[str, Any]:
    (card,) = [card for card in cards if card["summary"].startswith(start)]
    return card


@pytest.mark.parametrize(
    ("runs", "summary", "indicator"),
    [
        # <=0.1 on 7 days is grade 3; on all 7 days to come as well 14 days, grade 4.
        ([(0, 16, 3.0), (17, 23, 0.09)], "to day 23: grade 3; by day 30 grade 3 to 4 is possible", "warning"),
        # 6 days are grade 1; with the 7 to come 13 days <=0.1: grade 3.
        ([(0, 17, 3.0), (18, 23, 0.08)], "to day 23: grade 1; by day 30 grade 1 to 3 is possible", "info"),
        # Every day there was is <=0.5, and that is no grade 4 yet.
        ([(0, 4, 0.3)], "to day 4: grade 1; by day 30 grade 1 to 4 is possible", "info"),
        # 0.3 on 14 days that are over.
        ([(0, 13, 0.3), (14, 29, 3.0)], "to day 29: grade 3; by day 30 grade 3, whatever comes", "warning"),
    ],
)
def test_only_days_that_happened_count(
    program: Program, runs: list[tuple[int, int, float]], summary: str, indicator: str
) -> None:
    cards = program.post(SERVICE, hook(*count_days(*runs), infusion_date="2024-01-10"))["cards"]
    card = find_card(cards, "Early ICAHT")
    assert card["summary"] == f"Early ICAHT so far, {summary}"
    assert card["indicator"] == indicator
    assert "taken as" not in card["detail"]
    assert "judged on day 30" in card["detail"]
    assert not [card for card in cards if card["summary"].startswith("Late ICAHT")]


def test_a_day_that_is_stated_ends_what_happened(program: Program) -> None:
    """<=0.1 on day 18 to 23; day 24 has passed, and the definition takes the nearest value for it: 7 days."""
    entries = count_days((0, 17, 3.0), (18, 23, 0.08))
    days = {"infusion_date": "2024-01-10", "as_of": "2024-02-03"}
    card = find_card(program.post(SERVICE, hook(*entries, **days))["cards"], "Early ICAHT")
    assert card["summary"] == "Early ICAHT so far, to day 24: grade 3; by day 30 grade 1 to 3 is possible"
    assert "to day 24 (2024-02-03)" in card["detail"]
    assert "day 24: not measured, taken as 0.08" in card["detail"]
    status, told = program.ask("POST", SERVICE, hook(*entries, **days | {"as_of": "2024-02-01"}))
    assert (status, "before the last Observation" in told["error"]) == (422, True)


def test_a_value_of_a_day_to_come_is_refused(program: Program) -> None:
    """A year that was mistyped would end every window; shifted dates can state their own last day."""
    entries = [*count_days((0, 4, 0.3)), observe("anc", 0.3, "10*9/L", "2142-01-15")]
    days = {"infusion_date": "2024-01-10"}
    for asked in (hook(*entries, **days), bundle(*entries)):
        status, told = program.ask("POST", SERVICE, asked)
        assert (status, "lies after today" in told["error"]) == (422, True)
    days = {"infusion_date": "2142-01-10", "as_of": "2142-01-15"}
    card = find_card(program.post(SERVICE, hook(entries[-1], **days))["cards"], "Early ICAHT")
    assert card["summary"].startswith("Early ICAHT so far, to day 5: grade 1;")


def test_a_window_that_has_passed_is_judged_in_full(program: Program) -> None:
    """Never above 0.5: grade 4; the late part, one of two low days, can still become anything above."""
    entries = count_days((0, 30, 0.3), (31, 32, 0.9))
    cards = program.post(SERVICE, hook(*entries, infusion_date="2024-01-10"))["cards"]
    early, late = find_card(cards, "Early ICAHT"), find_card(cards, "Late ICAHT")
    assert early["summary"].startswith("Early ICAHT: grade 4, decided")
    assert early["indicator"] == "critical"
    assert late["summary"] == "Late ICAHT so far, to day 32: grade 2; by day 100 grade 2 to 4 is possible"


# -- what a value leaves open ----------------------------------------------------------------------


def test_a_limit_says_at_least(program: Program) -> None:
    """CTCAE v5: below 1.0 is grade 3, below 0.5 grade 4; a value printed as <1.0 may be either."""
    quantity = {"value": 1.0, "comparator": "<", "unit": "10*9/L", "code": "10*9/L"}
    quantity["system"] = "http://unitsofmeasure.org"
    value = observe("anc", 1, "10*9/L", "2024-01-02", valueQuantity=quantity)
    card = program.post(SERVICE, hook(value))["cards"][0]
    assert card["summary"].startswith("Neutrophil count decreased: at least grade 3; could be 4 (")
    assert card["indicator"] == "warning"
    assert "- Neutrophil count decreased: at least grade 3; could be 4; <1 ×10⁹/L" in card["detail"]


def test_what_could_not_be_judged_is_not_called_normal(program: Program) -> None:
    """11 g/dL is grade 1 where the lower limit is above it, else 0; nobody stated the limit."""
    open_value = observe("hemoglobin", 11, "g/dL", "2024-01-02")
    card = find_card(program.post(SERVICE, hook(open_value))["cards"], "No grade could be told")
    assert "Anemia: can be 0 or 1: lower limit of normal missing" in card["summary"]
    low = {"value": 1.8, "unit": "10*9/L", "code": "10*9/L", "system": "http://unitsofmeasure.org"}
    normal = observe("anc", 3, "10*9/L", "2024-01-02", referenceRange=[{"low": low}])
    card = program.post(SERVICE, hook(open_value, normal))["cards"][0]
    assert card["summary"].startswith("No grade above 0 in the counts that could be judged; 1 could not be")
    assert "- Anemia: not graded: can be 0 or 1: lower limit of normal missing; 110 g/L" in card["detail"]
    card = program.post(SERVICE, hook(normal))["cards"][0]
    assert card["summary"].startswith("No grade above 0 in the last counts")
    card = program.post(SERVICE, hook(observe("crp", 5, "mg/L", "2024-01-02")))["cards"][0]
    assert card["summary"].startswith("None of the last values has a grade in")


def test_values_of_one_time_that_disagree_are_told(program: Program) -> None:
    """The worse counts: the lower neutrophils, the higher CRP (6 mg/dL, at least 3.0, has its point)."""
    values = [
        observe("anc", 0.4, "10*9/L", "2024-01-02T08:00:00+01:00"),
        observe("anc", 2.0, "10*9/L", "2024-01-02T08:00:00+01:00"),
        observe("crp", 60, "mg/L", "2024-01-02"),
        observe("crp", 20, "mg/L", "2024-01-02"),
    ]
    for entries in (values, values[::-1]):
        grades, score = program.post(SERVICE, hook(*entries))["cards"]
        assert grades["summary"].startswith("Neutrophil count decreased: grade 4")
        told = "values of the same time disagree (0.4, 2 ×10⁹/L); 0.4 was taken, the worse for the patient"
        assert told in grades["detail"]
        assert "C-reactive protein: values of the same time disagree (60, 20 mg/L); 60" in score["detail"]
        assert "- C-reactive protein: 6 mg/dL, 2024-01-02" in score["detail"]
    later = observe("anc", 2.0, "10*9/L", "2024-01-02T09:00:00+01:00")
    card = program.post(SERVICE, hook(values[0], later))["cards"][0]
    assert "disagree" not in card["detail"]


# -- whose values, which days ----------------------------------------------------------------------


def test_values_of_another_patient_are_never_taken(program: Program) -> None:
    own, nameless = (observe("anc", 1, "10*9/L", "2024-01-02") for _ in range(2))
    del nameless["resource"]["subject"]
    asked = hook(own) | {"context": {"patientId": "2"}}
    status, told = program.ask("POST", SERVICE, asked)
    assert (status, "another patient than context.patientId" in told["error"]) == (422, True)
    status, told = program.ask("POST", SERVICE, hook(own, nameless))
    assert (status, "do not say whose they are" in told["error"]) == (422, True)
    (card,) = program.post(SERVICE, hook(nameless))["cards"][:1]
    assert "- Check: no Observation says whose it is (subject)." in card["detail"]
    full = observe(
        "anc", 1, "10*9/L", "2024-01-02", subject={"reference": "https://a.example/fhir/Patient/1"}
    )
    assert "whose" not in program.post(SERVICE, hook(full))["cards"][0]["detail"]


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        ({"infusionDate": "2024-01-10"}, "keys that are not known: infusionDate. Known: infusion_date"),
        ({"lymphodepletion_date": "2024-01-05"}, "needs extension.infusion_date"),
        ({"infusion_date": "10.01.2024"}, "extension.infusion_date is no date"),
        ({"infusion_date": 20240110}, "extension.infusion_date is no date"),
        ({"infusion_date": "2024-02-30"}, "extension.infusion_date is no date"),
        ({"infusion_date": "2024-01-10", "lymphodepletion_date": "2024-01-11"}, "lies after"),
        (["infusion_date"], "extension is no object"),
    ],
)
def test_what_is_said_beside_is_never_passed_over(program: Program, extension: object, words: str) -> None:
    asked = hook(observe("anc", 1, "10*9/L", "2024-01-02")) | {"extension": extension}
    status, told = program.ask("POST", SERVICE, asked)
    assert (status, words in told["error"]) == (422, True), told


def test_keys_of_others_and_further_pages_are_told(program: Program) -> None:
    asked = hook(observe("anc", 1, "10*9/L", "2024-01-02"), **{"com.example.visit": "7"})
    cards = program.post(SERVICE, asked)["cards"]
    require_cards(cards)
    assert cards[-1]["summary"] == "Not used, as they are not known here: com.example.visit (in extension)"
    asked["prefetch"]["observations"]["link"] = [{"relation": "next", "url": "https://a.example/2"}]
    cards = program.post(SERVICE, asked)["cards"]
    assert cards[0]["summary"].startswith("There are more Observations than were sent")
    asked["prefetch"]["observations"]["link"] = [{"relation": "self", "url": "https://a.example/1"}]
    assert program.post(SERVICE, asked)["cards"][0]["summary"].startswith("Neutrophil count decreased")


# -- scores ----------------------------------------------------------------------------------------

BEFORE = [
    observe("platelets", 110, "10*9/L", "2024-01-02"),
    observe("anc", 0.95, "10*9/L", "2024-01-02"),
    observe("hemoglobin", 101, "g/L", "2024-01-02"),
    observe("crp", 42, "mg/L", "2024-01-03"),
    observe("ferritin", 540, "ug/L", "2023-12-28"),
]


def test_no_score_rests_on_values_after_infusion(program: Program) -> None:
    """Without the day of lymphodepletion nothing tells earlier from later values."""
    after = [
        observe("platelets", 15, "10*9/L", "2024-01-20"),
        observe("ferritin", 5000, "ug/L", "2024-01-20"),
    ]
    cards = program.post(SERVICE, hook(*BEFORE, *after, infusion_date="2024-01-10"))["cards"]
    card = find_card(cards, "CAR-HEMATOTOX")
    assert card["summary"].endswith("the date of lymphodepletion is needed (extension.lymphodepletion_date)")
    assert card["indicator"] == "info"
    assert "points" not in "".join(card["summary"] for card in cards)
    days = {"infusion_date": "2024-01-10", "lymphodepletion_date": "2024-01-05"}
    card = find_card(program.post(SERVICE, hook(*BEFORE, *after, **days))["cards"], "CAR-HEMATOTOX")
    assert card["summary"] == "CAR-HEMATOTOX: 3 of 7 points, risk group high"
    assert "2024-01-20" not in card["detail"]
    card = find_card(program.post(SERVICE, hook(*after, **days))["cards"], "CAR-HEMATOTOX")
    assert (
        card["summary"]
        == "CAR-HEMATOTOX: no score; none of its values is from the 14 days before lymphodepletion"
    )


@pytest.mark.parametrize(
    "days", [{}, {"infusion_date": "2024-01-10", "lymphodepletion_date": "2024-01-05"}], ids=["none", "all"]
)
def test_a_score_shows_the_date_of_each_value(program: Program, days: dict[str, str]) -> None:
    card = find_card(program.post(SERVICE, hook(*BEFORE, **days))["cards"], "CAR-HEMATOTOX")
    assert "- Platelet count: 110 ×10⁹/L, 2024-01-02 (" in card["detail"]
    assert "- C-reactive protein: 4.2 mg/dL, 2024-01-03 (" in card["detail"]
    assert "- Ferritin: 540 ng/mL, 2023-12-28 (" in card["detail"]


def test_few_platelets_are_no_reason_to_doubt_their_unit(program: Program) -> None:
    """15 is usual after CAR T cells; and one input of EASIX gives no card of it, two give one."""
    few = observe("platelets", 15, "10*9/L", "2024-01-02")
    cards = program.post(SERVICE, hook(few))["cards"]
    assert "typical" not in "".join(card["detail"] for card in cards)
    assert not [card for card in cards if card["summary"].startswith("EASIX")]
    ldh = observe("ldh", 300, "U/L", "2024-01-02")
    assert find_card(program.post(SERVICE, hook(few, ldh))["cards"], "EASIX")["indicator"] == "info"
    low = [observe("platelets", 3, "10*9/L", f"2024-01-{day:02d}") for day in range(1, 9)]
    assert "- Check" not in program.post(SERVICE, hook(*low))["cards"][0]["detail"]
    strange = observe("platelets", 2500, "10*9/L", "2024-01-02")
    for card in program.post(SERVICE, hook(strange))["cards"]:
        assert "- Check: a value of platelets lies outside the usual 0.5 to 2,000" in card["detail"]
    exchanged = observe("crp", 42, "mg/dL", "2024-01-02")
    card = program.post(SERVICE, hook(exchanged))["cards"][0]
    assert "in mg/L or ug/mL the same number would be typical" in card["detail"]
