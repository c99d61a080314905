"""The JSON interface of the running app: its description, its answers, and what it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app_server import RunningApp, Visitor, run_app
from card_files import CARD
from cytopenia.study.model_cards import seal_card

LOINC = {"anc": "751-8", "platelets": "777-3", "hemoglobin": "718-7", "crp": "1988-5", "ferritin": "2276-4"}
HIGH = {
    "platelets": {"value": 110, "unit": "10^9/L"},
    "anc": {"value": 950, "unit": "/uL"},
    "hemoglobin": {"value": 10.1, "unit": "g/dL"},
    "crp": {"value": "4,2", "unit": "mg/dL"},
    "ferritin": {"value": "540", "unit": "ng/mL"},
}
SERVICE = "/api/cds-services/blood-counts"


@dataclass
class Program:
    """A program that shows the word of the app."""

    visitor: Visitor
    word: str

    def ask(self, method: str, path: str, content: object = None) -> tuple[int, Any]:
        body = content if isinstance(content, bytes) else json.dumps(content)
        headers = {"Authorization": f"Bearer {self.word}", "Content-Type": "application/json"}
        reply = self.visitor.ask(method, path, body=None if method == "GET" else body, headers=headers)
        return reply.status, json.loads(reply.text)

    def post(self, path: str, content: object) -> Any:
        status, answer = self.ask("POST", path, content)
        assert status == 200, answer
        return answer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app
    assert "defect" not in "".join(app.said)


@pytest.fixture(scope="module")
def program(running: RunningApp) -> Program:
    return Program(Visitor(running.port), running.link.partition("token=")[2])


def observe(analyte: str, value: object, unit: str, moment: str, **more: object) -> dict[str, Any]:
    return {
        "resource": {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": LOINC[analyte]}]},
            "subject": {"reference": "Patient/1"},
            "effectiveDateTime": moment,
            "valueQuantity": {
                "value": value,
                "unit": unit,
                "code": unit,
                "system": "http://unitsofmeasure.org",
            },
            **more,
        }
    }


def bundle(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries)}


def hook(*entries: dict[str, Any], **extension: str) -> dict[str, Any]:
    return {
        "hook": "patient-view",
        "hookInstance": "1",
        "context": {"patientId": "1"},
        "extension": extension,
        "prefetch": {"observations": bundle(*entries)},
    }


# -- the description -------------------------------------------------------------------------------


def test_the_interface_describes_itself_and_loads_nothing_from_elsewhere(program: Program) -> None:
    status, found = program.ask("GET", "/api/openapi.json")
    assert status == 200
    paths = {"/definitions", "/score/{definition}", "/card", "/grade", "/icaht", "/recovery"}
    assert set(found["paths"]) == paths | {"/cds-services", "/cds-services/{service}"}
    assert found["servers"] == [{"url": "/api"}]
    for name in ("ScoreRequest", "GradeRequest", "CourseRequest", "Quantity"):
        for field, content in found["components"]["schemas"][name]["properties"].items():
            told = {"description", "enum", "anyOf", "default", "items", "examples", "type"} & set(content)
            assert told, (name, field)
    assert program.ask("GET", "/api/docs")[0] == 404


def test_a_stranger_is_refused_and_a_page_needs_its_word(running: RunningApp) -> None:
    stranger = Visitor(running.port)
    assert stranger.ask("GET", "/api/definitions").status == 401
    page = running.visit()
    headers = {"Content-Type": "application/json"}
    assert page.ask("POST", "/api/score/easix", body='{"values": {}}', headers=headers).status == 403
    headers["X-CSRF-Token"] = page.csrf
    assert page.ask("POST", "/api/score/easix", body='{"values": {}}', headers=headers).status == 200


def test_definitions_have_inputs_with_units(program: Program) -> None:
    found = {item["id"]: item for item in program.ask("GET", "/api/definitions")[1]}
    crp = {item["analyte"]: item for item in found["car_hematotox"]["inputs"]}["crp"]
    assert (crp["unit"], crp["units"]) == ("mg/dL", ["mg/L", "ug/mL", "mg/dL"])
    assert found["icaht_2023"]["doi"] == "10.1182/blood.2023020578"


# -- scores, grades, courses -----------------------------------------------------------------------


def test_a_score_has_numbers_and_words(program: Program) -> None:
    found = program.post("/api/score/car_hematotox", {"values": HIGH})
    assert found["result"] == "3 of 7 points, risk group high"
    assert [item["points"] for item in found["inputs"]] == ["1", "1", "0", "1", "0"]
    record = found["record"]
    assert (record["policy"], record["group"], record["decided"]) == (3, "high", True)
    values = {"ldh": {"value": 300, "unit": "U/L"}, "creatinine": {"value": 0.8, "unit": "mg/dL"}}
    values["plt"] = {"value": 120, "unit": "G/L"}
    assert program.post("/api/score/easix", {"values": values})["result"] == "2 (log2 1)"


def test_a_card_has_the_probability_by_hand(program: Program) -> None:
    values = {
        "ferritin": {"value": 540, "unit": "ng/mL"},
        "anc": {"value": 950, "unit": "/uL"},
        "stage": {"value": "II"},
    }
    found = program.post("/api/card", {"card": {**CARD, "seal": seal_card(CARD)}, "values": values})
    odds = 0.4 + 0.5 * math.log2(540) - 0.3 * 0.95 / 0.5 + 0.8
    assert found["record"]["probability"] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-12)
    status, told = program.ask("POST", "/api/card", {"card": {**CARD, "seal": "0"}, "values": values})
    assert (status, "its seal does not fit" in told["error"]) == (422, True)


def test_values_have_grades_in_their_order(program: Program) -> None:
    """CTCAE v5: neutrophils <0.5 are grade 4; hemoglobin <8.0 g/dL grade 3; <1.0 printed is at least 3."""
    values = [
        {"analyte": "ANC", "value": 0.4, "unit": "10^9/L"},
        {"analyte": "Hb", "value": "7,9", "unit": "g/dL"},
        {"analyte": "sodium", "value": 140, "unit": "mmol/L"},
        {"analyte": "ANC", "value": "<1.0", "unit": "10^9/L"},
    ]
    found = program.post("/api/grade", {"definition": "ctcae_v5", "values": values})
    assert [item["grade"] for item in found] == [4, 3, None, 3]
    assert found[3]["grade_worst"] == 4
    assert found[2]["reason"] == "unknown analyte"


def test_a_course_has_icaht_and_recovery(program: Program) -> None:
    values = [{"when": day, "analyte": "anc", "value": 0.3, "unit": "G/L"} for day in range(1, 8)]
    values += [{"when": day, "analyte": "anc", "value": 1.1, "unit": "G/L"} for day in (0, *range(8, 31))]
    found = program.post("/api/icaht", {"values": values, "definitions": ["icaht_2023.early"]})
    assert [(item["policy"], item["decided"]) for item in found["outcomes"]] == [(2.0, True)]
    assert found["note"].startswith("Early ICAHT: grade 2, decided")
    counts = {"anc": (1.5, "G/L"), "hemoglobin": (95, "g/L"), "platelets": (90, "G/L")}
    values = [
        {"when": f"2024-01-{day}", "analyte": name, "value": value, "unit": unit}
        for name, (value, unit) in counts.items()
        for day in (29, 30, 31)
    ]
    found = program.post("/api/recovery", {"values": values, "infusion_date": "2024-01-03"})
    assert found["outcomes"][0]["label"] == "recovered"


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


def test_a_number_of_json_has_no_mark_of_thousands(program: Program) -> None:
    """1.125 mg/dL x 320 U/L / 120 10^9/L = 3."""
    values = {
        "ldh": {"value": 320, "unit": "U/L"},
        "creatinine": {"value": 1.125, "unit": "mg/dL"},
        "platelets": {"value": 120.0, "unit": "G/L"},
    }
    assert program.post("/api/score/easix", {"values": values})["result"].startswith("3 (log2 ")


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
    assert cards[1]["summary"] == "CAR-HEMATOTOX: 3 of 7 points, risk group high"
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
    assert any(text.startswith("Early ICAHT: grade ") for text in summaries)


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


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("score/car_hematotox", {}, "values: is missing"),
        ("score/car_hematotox", {"values": {"crp": {"value": True}}}, "values.crp.value: is of another type"),
        ("score/car_hematotox", {"values": {}, "more": 731}, "more: is not known here"),
        ("score/car_hematotox", {"values": {"crp": {"value": 4.2}}}, "crp has no unit"),
        ("score/car_hematotox", {"values": {"ldh": {"value": 1, "unit": "U/L"}}}, "ldh is no item"),
        (
            "score/car_hematotox",
            {"values": {"ferritin": {"value": "2.500", "unit": "ng/mL"}}},
            "ferritin may mean a thousand or a fraction",
        ),
        ("score/car_hematotoxx", {"values": {}}, "did you mean 'car_hematotox'"),
        ("score/easix", {"values": {"a\u0000": {"value": "1"}}}, "holds signs that no text can have"),
        ("grade", {"values": []}, "values: is longer or shorter than is allowed"),
        (
            "grade",
            {"definition": "icaht_2023", "values": [{"analyte": "anc", "value": 1, "unit": ""}]},
            "course",
        ),
        (
            "icaht",
            {"values": [{"when": 1, "analyte": "anc", "value": 1, "unit": "G/L"}], "decimal": ";"},
            "'auto'",
        ),
        (
            "icaht",
            {"values": [{"when": "2024-01-31", "analyte": "anc", "value": 1, "unit": "G/L"}]},
            "date of the infusion",
        ),
        (
            "icaht",
            {"values": [{"when": 1, "analyte": "anc", "value": "O.4", "unit": "G/L"}]},
            "no numbers: 1",
        ),
        (
            "icaht",
            {"values": [{"when": 1, "analyte": "anc", "value": "1,234", "unit": "G/L"}]},
            "decimal mark",
        ),
        ("icaht", {"values": [{"when": 1, "analyte": "anc", "value": 4, "unit": "g/L"}]}, "not listed"),
        ("icaht", {"values": [{"when": 1, "analyte": "anc", "value": 4000, "unit": "G/L"}]}, "plausible"),
        (
            "icaht",
            {
                "values": [{"when": 1, "analyte": "anc", "value": 1, "unit": "G/L"}],
                "events": [{"kind": "death", "when": "soon"}],
            },
            "day of death cannot be told",
        ),
        ("grade", b"{", "no JSON"),
        ("grade", b"\xff", "no JSON"),
        ("grade", b"[" * 100_000, "no JSON"),
    ],
)
def test_what_cannot_be_used_is_told_by_its_key(
    program: Program, path: str, content: object, words: str
) -> None:
    status, told = program.ask("POST", f"/api/{path}", content)
    assert status == 422
    assert words in told["error"]
    assert "731" not in told["error"]


def test_a_body_that_is_too_large_is_refused(program: Program) -> None:
    assert program.ask("POST", "/api/grade", b"1" * (3 * 1024 * 1024))[0] == 413


# -- anything at all -------------------------------------------------------------------------------

KNOWN = [
    *("anc", "platelets", "Hb", "crp", "ferritin", "ldh", "creatinine", "stage", "disease", "ALL", "II"),
    *("10^9/L", "g/dL", "mg/L", "/uL", "U/L", "ug/L", "icaht_2023", "ctcae_v5", "qiu2023_recovery"),
    *(
        "2024-01-03",
        "03/04/2024",
        "31.12.2023",
        "5",
        "-5",
        "0,4",
        "<0.1",
        ">2000",
        "1,234",
        "1e3",
        "blood-counts",
    ),
    *("", " ", "\ud800", "\u0000", "{}", "[]", "nan", "9" * 150, "\u202e", "../../etc", "<script>"),
]
TEXTS = st.one_of(st.sampled_from(KNOWN), st.text(max_size=12))
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.integers(-40, 100),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 0.4, -0.0, 1e308, 5e-324, 10**400]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
NESTED = st.one_of(LEAVES, st.lists(LEAVES, max_size=3), st.dictionaries(TEXTS, LEAVES, max_size=3))
ANYTHING = st.one_of(NESTED, st.lists(NESTED, max_size=3), st.dictionaries(TEXTS, NESTED, max_size=3))


def follow_schema(schema: dict[str, Any], known: dict[str, Any]) -> st.SearchStrategy[Any]:
    """JSON that a schema allows, or nearly: a text may be any text."""
    if "$ref" in schema:
        return follow_schema(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return st.one_of([follow_schema(one, known) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            parts = {name: follow_schema(one, known) for name, one in schema["properties"].items()}
            needed = set(schema.get("required", ()))
            return st.fixed_dictionaries(
                {name: part for name, part in parts.items() if name in needed},
                optional={name: part for name, part in parts.items() if name not in needed},
            )
        case "object":
            inner = schema.get("additionalProperties")
            held = follow_schema(inner, known) if isinstance(inner, dict) else ANYTHING
            return st.dictionaries(TEXTS, held, max_size=4)
        case "array":
            least = schema.get("minItems", 0)
            return st.lists(follow_schema(schema.get("items", {}), known), min_size=least, max_size=4)
        case "string":
            return TEXTS
        case "integer" | "number":
            return NUMBERS
        case "boolean":
            return st.booleans()
        case _:
            return ANYTHING


RESOURCES = st.fixed_dictionaries(
    {
        "resourceType": st.sampled_from(["Observation", "Patient", ""]),
        "code": st.sampled_from(
            [{"coding": [{"system": "http://loinc.org", "code": one}]} for one in LOINC.values()]
        )
        | ANYTHING,
        "effectiveDateTime": TEXTS,
        "valueQuantity": st.fixed_dictionaries({"value": NUMBERS | TEXTS, "unit": TEXTS}) | ANYTHING,
    },
    optional={
        "subject": ANYTHING,
        "status": TEXTS,
        "id": TEXTS,
        "component": ANYTHING,
        "referenceRange": ANYTHING,
    },
)
BUNDLES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Bundle"),
        "entry": st.lists(st.fixed_dictionaries({"resource": RESOURCES}), max_size=4),
    }
)
HOOKS = st.fixed_dictionaries(
    {"prefetch": st.fixed_dictionaries({"observations": BUNDLES | ANYTHING})},
    optional={
        "extension": st.fixed_dictionaries({"infusion_date": TEXTS, "lymphodepletion_date": TEXTS}) | ANYTHING
    },
)


@pytest.mark.long
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_json_makes_the_server_fail(program: Program, data: st.DataObject) -> None:
    _, described = program.ask("GET", "/api/openapi.json")
    known = described["components"]["schemas"]
    path = data.draw(
        st.sampled_from(sorted(name for name, one in described["paths"].items() if "post" in one))
    )
    schema = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    made = HOOKS if path.startswith("/cds") else follow_schema(schema, known)
    content = data.draw(st.one_of(made, made, made, ANYTHING))
    for name, words in {
        "definition": ["car_hematotox", "easix", "eipm_pre"],
        "service": ["blood-counts"],
    }.items():
        path = path.replace(f"{{{name}}}", data.draw(st.sampled_from(words)))
    status, answer = program.ask("POST", f"/api{path}", content)
    assert status < 500, (path, content, answer)
    assert status == 200 or set(answer) == {"error", "status"}
