"""The first page: the link or the password that opens the app, the studies, and a new one."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cytopenia.app.failures import RefusedError
from cytopenia.app.form_fields import read_form
from cytopenia.app.pages import render_page
from cytopenia.app.security import Sessions, name_client
from cytopenia.app.workspace import StudyFolder, Workspace
from cytopenia.new_study import fill_template

__all__ = ["enter", "home", "leave", "new_study"]


async def home(request: Request) -> Response:
    """The studies of the folder."""
    workspace: Workspace = request.app.state.workspace
    studies = await run_in_threadpool(workspace.list_studies)
    return render_page(request, "home.html", studies=studies, folder=workspace.folder.name or "/")


async def enter(request: Request) -> Response:
    """Open the app with the link's token, or with the password."""
    sessions: Sessions = request.app.state.sessions
    needs_password = sessions.settings.password is not None
    if request.method == "GET" and needs_password:
        return render_page(request, "enter.html", wrong=False)
    if needs_password:
        word = (await read_form(request)).get("password", [""])[0]
    else:
        word = request.query_params.get("token", "")
    session = sessions.enter(word, address=name_client(request.scope))
    if session is None:
        if needs_password:
            return render_page(request, "enter.html", wrong=True, status=401)
        raise RefusedError(401, "refusal.no_session")
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        sessions.cookie,
        session,
        httponly=True,
        samesite="strict",
        secure=sessions.settings.certificate is not None,
        path="/",
    )
    return answer


async def leave(request: Request) -> Response:
    """Close the session of this browser."""
    sessions: Sessions = request.app.state.sessions
    sessions.leave(request.scope["session"] or "")
    answer = render_page(request, "left.html")
    answer.delete_cookie(sessions.cookie, path="/")
    return answer


async def new_study(request: Request) -> Response:
    """Make a study: an empty one with a commented study file, or the demonstration."""
    workspace: Workspace = request.app.state.workspace
    form = await read_form(request)
    name = form.get("name", [""])[0].strip()
    if form.get("kind") == ["demo"]:
        study = await run_in_threadpool(_copy_demo, workspace)
    else:
        study = await run_in_threadpool(workspace.create, name, fill_template(title=name.replace('"', "'")))
    return RedirectResponse(f"/studies/{quote(study.name)}", status_code=303)


def _copy_demo(workspace: Workspace) -> StudyFolder:
    from cytopenia.workflow import write_demo_study

    study = workspace.create("demo", "")
    write_demo_study(study.path)
    return study
