"""The study file as a form: the same file, asked key by key, and written back into its text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cytopenia.app.failures import ConflictError, RefusedError, describe_failure
from cytopenia.app.form_actions import ActionError, run_action
from cytopenia.app.form_fields import read_form
from cytopenia.app.form_layout import lay_out, read_changes
from cytopenia.app.form_notes import list_notes
from cytopenia.app.form_offers import list_offers
from cytopenia.app.form_problems import Problem, list_clashes, place_problems
from cytopenia.app.form_view import FormView, list_new_factors
from cytopenia.app.pages import render_page, wants_json
from cytopenia.app.protocol_blocks import GROUPS
from cytopenia.app.protocol_edit import ABSENT, UnchangeableError, apply_changes, parse_text
from cytopenia.app.protocol_merge import Merged, merge_texts
from cytopenia.app.settings import AppSettings
from cytopenia.app.study_pages import find_study
from cytopenia.app.texts import load_texts, make_say
from cytopenia.app.workspace import PROTOCOL, StudyFolder, name_version
from cytopenia.definitions import Library, load_library
from cytopenia.errors import CytopeniaError, DefinitionError, ProtocolError

__all__ = ["form", "save_form"]

_Sent = Mapping[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What is shown: a text that is in the file, or not yet, and what was said about it.

    `origin` is what the file held in `version`, from which the text was made; None where that is not known.
    """

    text: str
    version: str
    origin: str | None = None
    is_draft: bool = False
    refused: str = ""
    elsewhere: str | None = None
    merged: Merged | None = None
    message: str = ""
    sent: _Sent | None = None
    faults: Mapping[str, str] | None = None
    opened: frozenset[str] = frozenset()


async def form(request: Request) -> Response:
    """The form of a study file."""
    found = await run_in_threadpool(find_study, request)
    text, version = await run_in_threadpool(found.read_protocol)
    reason = _find_unreadable(text, version)
    if reason is not None:
        return render_page(request, "form.html", study=found, unreadable=reason)
    opened = frozenset(request.query_params.get("open", "").split(","))
    message = await run_in_threadpool(_check, found, text)
    page = _Page(text=text, version=version, origin=text, message=message, opened=opened)
    return await _show(request, found, page, said=request.query_params.get("said", ""))


async def save_form(request: Request) -> Response:
    """Write what was chosen into the study file; a file that would not be one is shown and not written."""
    found = await run_in_threadpool(find_study, request)
    sent = await read_form(request)
    disk, version = await run_in_threadpool(found.read_protocol)
    given = sent.get("version", [""])[0]
    base = _read_text(sent, "base")
    if base is None and (given != version or _find_unreadable(disk, version) is not None):
        raise ConflictError("refusal.changed_elsewhere")
    text, opened, faults = await run_in_threadpool(_change, disk if base is None else base, sent)
    message = await run_in_threadpool(_check, found, text)
    page = _Page(
        text=text,
        version=version,
        origin=disk if given == version else _read_text(sent, "origin" if "origin" in sent else "base"),
        is_draft=name_version(text.encode()) != version,
        message=message,
        sent=sent,
        faults=faults,
        opened=frozenset(opened),
    )
    try:
        if page.is_draft and given != version:
            raise ConflictError("refusal.changed_elsewhere")
        if page.is_draft and not faults and not message:
            await run_in_threadpool(found.save_protocol, text, version=version)
    except (CytopeniaError, RefusedError) as cause:
        if wants_json(request.scope):
            raise
        return await _give_back(request, found, page, cause, given=given)
    if faults or message:
        return await _show(request, found, page, status=422)
    said = "saved" if page.is_draft else "unchanged"
    address = f"/studies/{quote(found.name)}/form?said={said}&open={quote(','.join(opened))}"
    return RedirectResponse(f"{address}#{quote(opened[0])}" if opened else address, status_code=303)


async def _give_back(
    request: Request, found: StudyFolder, page: _Page, cause: Exception, *, given: str
) -> Response:
    """What was typed and not saved stands in the form, on top of the file as it is on disk now."""
    disk, newest = await run_in_threadpool(found.read_protocol)
    status, key, values = describe_failure(cause)
    settings: AppSettings = request.app.state.settings
    page = replace(page, refused=make_say(settings.language)(key, **values))
    if newest == given:
        return await _show(request, found, replace(page, version=newest), status=status)
    page = await run_in_threadpool(_put_on_top, found, page, disk, newest, given)
    return await _show(request, found, page, status=status)


def _put_on_top(found: StudyFolder, page: _Page, disk: str, newest: str, given: str) -> _Page:
    """The page with the file of now under what was changed here, where that can be said key by key."""
    is_readable = _find_unreadable(disk, newest) is None
    if is_readable and page.faults and page.origin is not None:
        # What cannot be read is corrected first: its fields name places in the file as it was.
        return replace(page, version=given, elsewhere=disk)
    merged = merge_texts(page.origin, page.text, disk) if is_readable and page.origin is not None else None
    page = replace(page, version=newest, origin=disk if is_readable else None, elsewhere=disk, merged=merged)
    if merged is None:
        return page
    return replace(page, text=merged.text, message=_check(found, merged.text), sent={}, opened=frozenset())


def _find_unreadable(text: str, version: str) -> str | None:
    """Why no form can be made of a text."""
    if name_version(text.encode()) != version:
        return "form.not_text"
    try:
        parse_text(text)
    except ProtocolError:
        return "form.not_toml"
    return None


def _read_text(sent: _Sent, name: str) -> str | None:
    """A text that the page was about: fields name places in it, whatever is in the file by now."""
    if name not in sent:
        return None
    try:
        text = base64.b64decode(sent[name][0], validate=True).decode()
        parse_text(text)
    except (binascii.Error, UnicodeError, ValueError, ProtocolError) as cause:
        raise RefusedError(422, "refusal.changed_elsewhere") from cause
    return text


def _pack(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _change(text: str, sent: _Sent) -> tuple[str, list[str], dict[str, str]]:
    """The text with what was typed and done, the blocks that were changed, and what cannot be taken."""
    changes, faults = read_changes(lay_out(parse_text(text)), sent)
    opened: list[str] = []
    # What is taken out comes last, so that a table does not go for a moment and loses its place.
    for field_id, change in sorted(changes.items(), key=lambda item: item[1].value is ABSENT):
        section, *entry = field_id.split(".")
        opened.append(f"{section}.{entry[0]}" if section in GROUPS else section)
        try:
            text = apply_changes(text, [change])
        except UnchangeableError:
            faults[field_id] = "unchangeable"
    try:
        text, target = run_action(text, sent.get("do", ["save"])[0], sent)
    except ActionError as cause:
        faults[cause.field], target = cause.word, None
    return text, list(dict.fromkeys([target] if target else opened)), faults


def _check(found: StudyFolder, text: str) -> str:
    try:
        found.check_protocol(text)
    except CytopeniaError as cause:
        return str(cause)
    return ""


def _load_library(found: StudyFolder) -> Library:
    try:
        return load_library(found.path)
    except DefinitionError:
        # The file is wrong, which the problems say; what the package knows can be chosen.
        return load_library()


async def _show(
    request: Request, found: StudyFolder, page: _Page, *, said: str = "", status: int = 200
) -> Response:
    settings: AppSettings = request.app.state.settings
    values = await run_in_threadpool(_lay_out_page, found, page, settings.language)
    return render_page(request, "form.html", status=status, said=said, **values)


def _lay_out_page(found: StudyFolder, page: _Page, language: str) -> dict[str, Any]:
    content = parse_text(page.text)
    sections = lay_out(content)
    problems: list[Problem] = []
    if page.message:
        problems = place_problems(page.message, sections, file=PROTOCOL)
    offers = list_offers(content, _load_library(found))
    data: Any = content.get("data")
    questions: Any = cast("dict[str, Any]", data).get("questions", ()) if isinstance(data, dict) else ()
    clashes = list_clashes(page.merged.clashes, sections) if page.merged else []
    met = {".".join(one.target.split(".")[:2]) for one in clashes if one.target}
    view = FormView(
        sections=sections,
        offers=offers,
        say=make_say(language),
        keys=load_texts(language),
        sent=page.sent or {},
        faults=page.faults or {},
        problems=problems,
        opened=page.opened | met,
    )
    return {
        "study": found,
        "unreadable": None,
        "view": view,
        "version": page.version,
        "basis": _pack(page.text),
        "origin": _pack(page.origin) if page.origin not in (None, page.text) else "",
        "is_merged": page.merged is not None,
        "clashes": clashes,
        "notes": list_notes(content, sections, offers),
        "is_draft": page.is_draft,
        "refused": page.refused,
        "elsewhere": page.elsewhere,
        "questions": len(cast("list[Any]", questions)) if isinstance(questions, list) else 0,
        "new_factors": list_new_factors(offers),
        "was_sent": page.sent is not None,
        "adding": {name: texts[0] for name, texts in (page.sent or {}).items() if name.startswith("add.")},
    }
