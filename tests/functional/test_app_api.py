"""The JSON interface of the running app: its description, its answers, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app_program import LOINC, Program, enter_program
from app_server import RunningApp, Visitor, run_app
from card_files import CARD
from cytopenia.study.model_cards import seal_card

HIGH = {
    "platelets": {"value": 110, "unit": "10^9/L"},
    "anc": {"value": 950, "unit": "/uL"},
    "hemoglobin": {"value": 10.1, "unit": "g/dL"},
    "crp": {"value": "4,2", "unit": "mg/dL"},
    "ferritin": {"value": "540", "unit": "ng/mL"},
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app
    assert "defect" not in "".join(app.said)


@pytest.fixture(scope="module")
def program(running: RunningApp) -> Program:
    return enter_program(running)


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


def test_a_value_before_treatment_and_a_decimal_mark_can_be_stated(program: Program) -> None:
    """CTCAE v5, fibrinogen: 1.2 of 3.0 is a decrease by 60%, grade 3; 1,234 neutrophils are grade 2."""
    value = {"analyte": "fibrinogen", "value": 1.2, "unit": "g/L", "lln": 2.0}
    found = program.post("/api/grade", {"values": [value | {"baseline": 3.0}]})
    assert found[0]["grade"] == 3
    value = {"analyte": "anc", "value": "1,234", "unit": "10^9/L"}
    assert program.post("/api/grade", {"values": [value], "decimal": ","})[0]["grade"] == 2
    assert program.post("/api/grade", {"values": [value]})[0]["grade"] is None


def test_a_number_of_json_has_no_mark_of_thousands(program: Program) -> None:
    """1.125 mg/dL x 320 U/L / 120 10^9/L = 3; of neutrophils, 1.125 10^9/L are grade 2 by any mark."""
    values = {
        "ldh": {"value": 320, "unit": "U/L"},
        "creatinine": {"value": 1.125, "unit": "mg/dL"},
        "platelets": {"value": 120.0, "unit": "G/L"},
    }
    assert program.post("/api/score/easix", {"values": values})["result"].startswith("3 (log2 ")
    anc = {"analyte": "anc", "value": 1.125, "unit": "10^9/L"}
    for mark in ("auto", ".", ","):
        assert program.post("/api/grade", {"values": [anc], "decimal": mark})[0]["grade"] == 2


def test_a_course_without_an_end_says_what_holds_if_it_ended(program: Program) -> None:
    """<=0.1 on day 17 to 23 is grade 3; with the 7 days after them, which the definition fills, grade 4."""
    days = [(day, 3.0) for day in range(17)] + [(day, 0.09) for day in range(17, 24)]
    values = [{"when": day, "analyte": "anc", "value": value, "unit": "G/L"} for day, value in days]
    asked: dict[str, Any] = {"values": values, "definitions": ["icaht_2023.early"]}
    found = program.post("/api/icaht", asked)
    outcome = found["outcomes"][0]
    assert outcome["policy"] == 4
    assert outcome["if_ended"].startswith("grade 3, decided")
    label, text = outcome["reasons"][1]
    assert label == "End of observation"
    assert text.startswith("not stated: days after the last value (day 23) were counted to day 30")
    assert "If observation ended on day 23: grade 3" in text
    assert "; if observation ended on the last value, day 23: grade 3" in found["note"]
    ended = program.post("/api/icaht", asked | {"events": [{"kind": "last_contact", "when": 23}]})
    assert (ended["outcomes"][0]["policy"], ended["outcomes"][0]["if_ended"]) == (3, None)
    assert "ended" not in ended["note"]


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
        (
            "grade",
            {"values": [{"analyte": "crp", "value": 1, "unit": "mg/L"}], "lln": {"crp": 5}},
            "no rule with the lower limit of normal of crp",
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
