"""Cards in the form of CDS Hooks from the FHIR Observations of one patient: discovery and the service."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from cytopenia.app.calculator_pages import load_definitions
from cytopenia.app.cds_cards import Asking, make_cards
from cytopenia.app.cds_request import PREFETCH, read_request
from cytopenia.app.course_pages import find_course_page
from cytopenia.app.failures import RefusedError
from cytopenia.app.texts import Say, make_say
from cytopenia.score_words import RESEARCH
from cytopenia.units import load_analytes

__all__ = ["add_cds_services"]

SERVICE = "blood-counts"
_EXAMPLE = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "1"},
    "extension": {"infusion_date": "2024-01-10", "as_of": "2024-01-18"},
    "prefetch": {
        PREFETCH: {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [
                {
                    "resource": {
                        "resourceType": "Observation",
                        "status": "final",
                        "code": {"coding": [{"system": "http://loinc.org", "code": "751-8"}]},
                        "subject": {"reference": "Patient/1"},
                        "effectiveDateTime": "2024-01-17T07:30:00+01:00",
                        "valueQuantity": {
                            "value": 0.4,
                            "unit": "10*3/uL",
                            "system": "http://unitsofmeasure.org",
                            "code": "10*3/uL",
                        },
                    }
                }
            ],
        }
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "A request of CDS Hooks, or a FHIR R4 Bundle of Observations alone",
                },
                "example": _EXAMPLE,
            }
        },
    }
}


def add_cds_services(api: FastAPI) -> None:
    """Put discovery and the service into an interface."""
    api.get("/cds-services")(list_services)
    api.post("/cds-services/{service}", openapi_extra=_BODY)(serve)


def list_services(request: Request) -> dict[str, Any]:
    """Discovery of CDS Hooks: the services, and what they want to be sent."""
    say = _say(request)
    codes = [code for analyte in load_analytes().values() for code in analyte.loinc if code]
    service = {
        "hook": "patient-view",
        "title": say("api.service_title"),
        "description": say("api.service_about"),
        "id": SERVICE,
        "prefetch": {
            PREFETCH: "Observation?patient={{context.patientId}}&code="
            + ",".join(f"http://loinc.org|{code}" for code in codes)
        },
        "usageRequirements": RESEARCH,
    }
    return {"services": [service]}


async def serve(service: str, request: Request) -> dict[str, Any]:
    """Return cards for the Observations of one patient.

    `extension` may say `infusion_date` (then ICAHT is graded by the days that happened), with it
    `lymphodepletion_date` (then scores take the last values before it), and `as_of`, the last day that
    happened; without it that is the day of the last value. Each is a date, 2024-01-31. Keys of others have a
    dot, a colon or a slash in their name and are not used, which a card says; any other key is refused.
    """
    if service != SERVICE:
        raise RefusedError(404, "api.no_service")
    content = await request.body()
    return {"cards": await run_in_threadpool(_answer, content, request)}


def _say(request: Request) -> Say:
    return make_say(request.app.state.settings.language)


def _answer(content: bytes, request: Request) -> list[dict[str, Any]]:
    library = load_definitions(request)
    asking = Asking(
        say=_say(request),
        library=library,
        folder=request.app.state.workspace.folder,
        page=find_course_page(library, "icaht"),
    )
    return make_cards(read_request(content, today=dt.datetime.now(dt.UTC).date()), asking)
