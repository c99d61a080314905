"""A program that asks the running app, and FHIR Observations as it sends them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app_server import RunningApp, Visitor

LOINC = {
    "anc": "751-8",
    "platelets": "777-3",
    "hemoglobin": "718-7",
    "crp": "1988-5",
    "ferritin": "2276-4",
    "ldh": "2532-0",
    "creatinine": "2160-0",
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


def enter_program(running: RunningApp) -> Program:
    """Return a program that knows the word of the app."""
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
