"""The app in a language that nobody speaks: every text of its own stands between double brackets.

Run as a program it starts the app as the command does, with the texts of the folder in PSEUDO_TEXTS.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import tomlkit

LANGUAGE = "xx"


def write_pseudo_texts(source: Path, folder: Path) -> None:
    """Write the texts of a language anew, each between [[ and ]]."""
    content = tomllib.loads(source.read_text("utf-8"))
    (folder / f"{LANGUAGE}.toml").write_text(tomlkit.dumps(_wrap(content)), encoding="utf-8")


def _wrap(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _wrap(inner) for key, inner in part.items()}
    assert isinstance(part, str), part
    return f"[[{part}]]"


def main(folder: str, port: str) -> None:
    from cytopenia.app import texts

    texts.find_folder = lambda: Path(os.environ["PSEUDO_TEXTS"])
    from cytopenia.app.server import serve
    from cytopenia.app.settings import AppSettings

    password = os.environ.get("CYTOPENIA_APP_PASSWORD")
    settings = AppSettings(folder=Path(folder), port=int(port), language=LANGUAGE, password=password)
    # Whoever starts this waits for the link.
    serve(settings, tell=lambda started: print("Open:", started.link, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[-1])
