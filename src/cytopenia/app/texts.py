"""All words of the app, by key and language: `app/texts/LANGUAGE.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, cast

__all__ = ["Say", "list_languages", "load_texts", "make_say"]

Say = Callable[..., str]


def find_folder() -> Traversable:
    """Return the folder with a file for each language."""
    return resources.files("cytopenia.app") / "texts"


def list_languages() -> list[str]:
    """Return the languages that the app speaks."""
    files = [item.name for item in find_folder().iterdir() if item.name.endswith(".toml")]
    return sorted(name.removesuffix(".toml") for name in files)


@cache
def load_texts(language: str) -> Mapping[str, str]:
    """Return every text of a language by its key, "page.text".

    Examples
    --------
    >>> load_texts("en")["app.name"]
    'cytopenia'
    """
    content = (find_folder() / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flatten(tomllib.loads(content), ""))


def _flatten(content: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found += _flatten(cast("Mapping[str, Any]", value), f"{name}.")
        else:
            found.append((name, str(value)))
    return found


def make_say(language: str) -> Say:
    """Return the function that gives a text by its key, with its blanks filled.

    A number `n` chooses between "key.one" and "key.other" where the language has them. An unknown key is a
    KeyError: a page with a hole never leaves the house.

    Examples
    --------
    >>> make_say("en")("study.patients", n=1)
    '1 patient'
    """
    texts = load_texts(language)

    def say(key: str, **values: object) -> str:
        plural = f"{key}.{'one' if values.get('n') == 1 else 'other'}"
        text = texts[plural] if "n" in values and plural in texts else texts[key]
        return text.format(**values) if values else text

    return say
