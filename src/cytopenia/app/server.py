"""The app put together: layers, routes, and the server that listens."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cytopenia.app import study_pages as pages
from cytopenia.app.api import make_api
from cytopenia.app.calculator_pages import calculators, card, score, score_by_card
from cytopenia.app.check_pages import Checks, check_page, checked, start_check
from cytopenia.app.cohort_pages import Cohorts, cohort, search_patients
from cytopenia.app.course_pages import icaht, recovery
from cytopenia.app.failures import FailureAnswers, RefusedError
from cytopenia.app.form_pages import form, save_form
from cytopenia.app.home import enter, home, leave, new_study
from cytopenia.app.jobs import Jobs
from cytopenia.app.mapping_pages import change_mapping, mapping
from cytopenia.app.pages import answer_failure
from cytopenia.app.patient_pages import patient, patient_explained, patient_printed
from cytopenia.app.security import BodyLimit, Gate, OwnHost, SafeHeaders, Sessions
from cytopenia.app.settings import AppSettings, require_safe_host
from cytopenia.app.workspace import Workspace
from cytopenia.errors import OutputError

__all__ = ["make_app", "serve"]

_SECONDS_TO_FINISH = 5


def make_app(settings: AppSettings) -> Starlette:
    """Return the app for its settings; nothing listens yet.

    Raises
    ------
    ProtocolError
        The app would listen to other machines without a password or without encryption.
    """
    require_safe_host(settings)
    sessions = Sessions(settings)
    app = Starlette(
        lifespan=_end_runs,
        exception_handlers={404: _no_page, 405: _no_method},
        routes=_list_routes(settings),
        middleware=[
            Middleware(SafeHeaders),
            Middleware(FailureAnswers, answer=answer_failure(settings)),
            Middleware(OwnHost, settings=settings),
            Middleware(BodyLimit, settings=settings),
            Middleware(Gate, sessions=sessions),
        ],
    )
    app.state.settings, app.state.sessions = settings, sessions
    app.state.workspace, app.state.jobs = Workspace(settings.folder), Jobs()
    app.state.cohorts, app.state.checks = Cohorts(), Checks()
    return app


def _no_page(request: Request, cause: Exception) -> Response:
    del request
    raise RefusedError(404, "refusal.no_page") from cause


def _no_method(request: Request, cause: Exception) -> Response:
    del request
    raise RefusedError(405, "refusal.no_method") from cause


def _list_routes(settings: AppSettings) -> list[BaseRoute]:
    package = Path(str(resources.files("cytopenia.app")))
    return [
        Route("/", home),
        Route("/enter", enter, methods=["GET", "POST"]),
        Route("/leave", leave, methods=["POST"]),
        Route("/studies", new_study, methods=["POST"]),
        Route("/studies/{study}", pages.study),
        Route("/studies/{study}/files/{file}", pages.upload, methods=["PUT"]),
        Route("/studies/{study}/check", checked),
        Route("/studies/{study}/check", start_check, methods=["POST"]),
        Route("/studies/{study}/check/page", check_page),
        Route("/studies/{study}/mapping", mapping),
        Route("/studies/{study}/mapping", change_mapping, methods=["POST"]),
        Route("/studies/{study}/protocol", pages.save_protocol, methods=["POST"]),
        Route("/studies/{study}/form", form),
        Route("/studies/{study}/form", save_form, methods=["POST"]),
        Route("/studies/{study}/run", pages.run_state),
        Route("/studies/{study}/run", pages.start_run, methods=["POST"]),
        Route("/studies/{study}/stop", pages.stop_run, methods=["POST"]),
        Route("/studies/{study}/patients", cohort),
        Route("/studies/{study}/patients/search", search_patients, methods=["POST"]),
        Route("/studies/{study}/patients/{patient}", patient),
        Route("/studies/{study}/patients/{patient}/explained", patient_explained),
        Route("/studies/{study}/patients/{patient}/page", patient_printed),
        Route("/studies/{study}/results.zip", pages.all_results),
        Route("/studies/{study}/results/{file:path}", pages.result_file),
        Route("/calculators", calculators),
        Route("/calculators/icaht", icaht, methods=["GET", "POST"]),
        Route("/calculators/recovery", recovery, methods=["GET", "POST"]),
        Route("/calculators/card", card),
        Route("/calculators/card", score_by_card, methods=["POST"]),
        Route("/calculators/{score}", score, methods=["GET", "POST"]),
        Mount("/api", make_api(settings)),
        Mount("/static/report", StaticFiles(directory=package.parent / "report" / "templates")),
        Mount("/static", StaticFiles(directory=package / "static")),
    ]


@asynccontextmanager
async def _end_runs(app: Starlette) -> AsyncGenerator[None]:
    """The server ends the process by the signal it was sent: what is to be stopped is stopped before."""
    yield
    await run_in_threadpool(app.state.jobs.stop_all)


def serve(settings: AppSettings, *, tell: Callable[[AppSettings], None]) -> None:
    """Listen until the program is stopped; `tell` is called once the app can be reached.

    Raises
    ------
    ProtocolError
        As `make_app`.
    OutputError
        The port is taken.
    """
    import socket

    import uvicorn

    app = make_app(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as cause:
        listener.close()
        raise OutputError(
            f"{settings.host}:{settings.port}: cannot listen there ({cause.strerror}). Name another --port."
        ) from cause
    logging.getLogger("cytopenia.app").setLevel(logging.INFO)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    app.state.workspace.tidy()
    listener.listen()
    tell(settings)
    uvicorn.Server(config).run(sockets=[listener])
