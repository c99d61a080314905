"""The command that opens the app in the browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import search_cycles_as_usual

if TYPE_CHECKING:
    from cytopenia.app.settings import AppSettings

__all__ = ["app"]

_PASSWORD = "CYTOPENIA_APP_PASSWORD"  # noqa: S105 - the name of a variable


def app(
    folder: Path = Path("cytopenia-studies"),
    *,
    port: int = 8765,
    host: str = "127.0.0.1",
    certificate: Path | None = None,
    key: Path | None = None,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
) -> None:
    """Open a local page for studies, patients and calculators; nothing leaves this machine.

    Example: `cytopenia app my-studies`

    The page opens with the link that is printed. Stop the app with Ctrl-C; everything is in the folder.

    Parameters
    ----------
    folder
        Its subfolders are the studies; or the folder of one study. It is made if absent.
    port
        Where the app listens.
    host
        An address of this machine by which others may connect. Whoever reaches it and knows the password sees
        every patient: it needs CYTOPENIA_APP_PASSWORD, --certificate and --key too.
    certificate
        The file of the certificate (TLS, PEM).
    key
        The file of its key (PEM).
    browser
        Open the page in the browser.
    """
    from cytopenia.app.server import serve
    from cytopenia.app.settings import AppSettings
    from cytopenia.folders import explain_failure

    settings = AppSettings(
        folder=folder,
        host=host,
        port=port,
        password=os.environ.get(_PASSWORD) or None,
        certificate=certificate,
        key=key,
    )
    with explain_failure(folder):
        folder.mkdir(parents=True, exist_ok=True)
    search_cycles_as_usual()
    serve(settings, tell=_tell_and_open if browser else _tell)


def _tell(settings: AppSettings) -> None:
    print(f"Studies:  {settings.folder.resolve()}")
    print(f"Open:     {settings.link}")
    print("Stop:     Ctrl-C", flush=True)


def _tell_and_open(settings: AppSettings) -> None:
    import webbrowser

    _tell(settings)
    webbrowser.open(settings.link)
