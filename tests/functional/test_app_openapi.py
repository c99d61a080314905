"""The described interface against its description: whatever is sent, the answer is one that is described."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import JsonSchemaError
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from app_server import RunningApp, Visitor, run_app
from card_files import CARD
from cytopenia.study.model_cards import seal_card

pytestmark = pytest.mark.long

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 40
UNITS = {"anc": "10^9/L", "platelets": "/uL", "hemoglobin": "g/dL", "crp": "mg/L", "ldh": "U/L"}
PLACES = {
    "definition": ["easix", "car_hematotox", "eipm_pre", "nowhere"],
    "service": ["blood-counts", "nowhere"],
}
NUMBERS = st.floats(0, 30).map(lambda number: round(number, 2)) | st.sampled_from(["<0.5", "0,31", ">10", ""])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app
    assert app.said[1] == ""


def make_sensible(case: Case, data: st.DataObject) -> None:
    """A body of the right form names listed analytes and units in part of the cases, else no value counts."""
    body = copy.deepcopy(case.body)
    if not isinstance(body, dict) or not data.draw(st.booleans()):
        return
    if case.operation.path.startswith("/cds"):
        body = {"prefetch": {"observations": make_bundle(data)}, "extension": {"infusion_date": "2024-01-10"}}
    elif case.operation.path == "/card":
        values = {"ferritin": ("ng/mL", NUMBERS), "anc": ("/uL", NUMBERS), "stage": ("", st.just("II"))}
        body = {
            "card": {**CARD, "seal": seal_card(CARD)},
            "values": {
                name: {"value": data.draw(value), "unit": unit} for name, (unit, value) in values.items()
            },
        }
    elif isinstance(body.get("values"), dict):
        body["values"] = {name: {"value": data.draw(NUMBERS), "unit": unit} for name, unit in UNITS.items()}
        body.pop("coefficients", None)
    elif isinstance(body.get("values"), list):
        course = case.operation.path != "/grade"
        body = {name: body[name] for name in ("decimal", "support_complete") if course and name in body}
        body["values"] = [make_value(data, has_day=course) for _ in range(data.draw(st.integers(1, 5)))]
    case.body = body


def make_value(data: st.DataObject, *, has_day: bool) -> dict[str, Any]:
    analyte = data.draw(st.sampled_from(["anc", "platelets", "hemoglobin"]))
    day = {"when": data.draw(st.integers(-5, 60))} if has_day else {}
    return {"analyte": analyte, "value": data.draw(st.floats(0.1, 9).map(str)), "unit": UNITS[analyte], **day}


def make_bundle(data: st.DataObject) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": data.draw(st.dates().map(str)),
        "valueQuantity": {"value": data.draw(NUMBERS), "unit": "10*3/uL", "code": "10*3/uL"},
    }
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]}


def ask_about(operation: APIOperation, mode: GenerationMode, word: str) -> Counter[int]:
    """Ask an operation whatever its description allows, or forbids, and count the statuses."""
    statuses: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {word}"}

    @seed(20260115)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Case, data: st.DataObject) -> None:
        for name in case.path_parameters if mode.is_positive else ():
            case.path_parameters[name] = data.draw(st.sampled_from(PLACES[name]))
        if mode.is_positive:
            make_sensible(case, data)
        answer = case.call(headers=headers, timeout=20)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS, headers=headers)

    ask()
    return statuses


def test_every_answer_is_one_that_is_described(running: RunningApp) -> None:
    word = running.link.partition("token=")[2]
    address = f"http://127.0.0.1:{running.port}/api/openapi.json"
    described = schemathesis.openapi.from_url(address, headers={"Authorization": f"Bearer {word}"})
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 8
    for operation in operations:
        right = ask_about(operation, GenerationMode.POSITIVE, word)
        wrong = ask_about(operation, GenerationMode.NEGATIVE, word)
        assert right[200] >= EXAMPLES // 12, (operation.label, right)
        assert sum(wrong.values()) >= EXAMPLES // 2, (operation.label, wrong)
        assert max(wrong) < 500, (operation.label, wrong)


def test_the_checks_see_an_answer_that_is_not_described(running: RunningApp) -> None:
    """The same checks against a description that promises something else: they must fail."""
    word = running.link.partition("token=")[2]
    visitor = Visitor(running.port)
    text = visitor.ask("GET", "/api/openapi.json", headers={"Authorization": f"Bearer {word}"}).text
    content = json.loads(text)
    content["components"]["schemas"]["DefinitionAnswer"]["properties"]["title"] = {"type": "integer"}
    content["servers"] = [{"url": f"http://127.0.0.1:{running.port}/api"}]
    described = schemathesis.openapi.from_dict(content)
    operation = described["/definitions"]["GET"]
    here = content["servers"][0]["url"]
    answer = operation.Case().call(here, headers={"Authorization": f"Bearer {word}"}, timeout=20)
    with pytest.raises(FailureGroup, match="is not of type") as told:
        operation.Case().validate_response(answer, checks=CHECKS)
    assert [type(one) for one in told.value.exceptions] == [JsonSchemaError]
