"""Works that a text can cite: one data file, looked up by DOI or by the short form of the text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, cast

__all__ = ["Work", "find_work", "load_works", "write_work"]

DOI_ADDRESS = "https://doi.org/"
# Journals print all authors up to this many, else the first ones and "et al".
MOST_AUTHORS, SHOWN_AUTHORS = 6, 3
# Characters of a DOI that an address may not hold.
ESCAPED = {"<": "%3C", ">": "%3E"}


@dataclass(frozen=True, kw_only=True)
class Work:
    """One work of the list of references; absent parts are empty.

    Attributes
    ----------
    key : str
        Name in `references.bib`.
    kind : str
        article, book, chapter, report, software or misc.
    authors : tuple of str
        As "DeLong ER"; `others` says that there are more.
    text : str
        The citation as the source of a definition gives it, where the data file does not know the work.
    """

    key: str
    kind: str = "article"
    authors: tuple[str, ...] = ()
    others: bool = False
    title: str = ""
    journal: str = ""
    publisher: str = ""
    edition: str = ""
    version: str = ""
    year: str = ""
    volume: str = ""
    number: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    text: str = ""
    cited_as: str = ""

    @property
    def link(self) -> str:
        """Address of the work, that of its DOI before any other."""
        if not self.doi:
            return self.url
        return DOI_ADDRESS + "".join(ESCAPED.get(sign, sign) for sign in self.doi)


@cache
def load_works() -> Mapping[str, Work]:
    """Return every work of the data file by its key.

    Examples
    --------
    >>> load_works()["youden_1950"].title
    'Index for rating diagnostic tests'
    """
    path = resources.files("cytopenia") / "data" / "references.toml"
    return {key: _read_work(key, raw) for key, raw in tomllib.loads(path.read_text("utf-8")).items()}


def _read_work(key: str, raw: Mapping[str, Any]) -> Work:
    parts = {
        name: value if isinstance(value, bool) else str(value)
        for name, value in raw.items()
        if name != "authors"
    }
    authors = cast("Sequence[str]", raw.get("authors", ()))
    return Work(key=key, authors=tuple(authors), **cast("Mapping[str, Any]", parts))


@cache
def _index() -> Mapping[str, Work]:
    works = load_works().values()
    by_doi = {one.doi.lower(): one for one in works if one.doi}
    return by_doi | {one.cited_as: one for one in works if one.cited_as}


def find_work(text: str, link: str = "") -> Work | None:
    """Return the work behind a citation, by its DOI, else by its short form; None where it is not known.

    Examples
    --------
    >>> find_work("", "https://doi.org/10.1093/biomet/80.1.27").key, find_work("Somebody 1999")
    ('firth_1993', None)
    """
    doi = link.removeprefix(DOI_ADDRESS).lower() if link.startswith(DOI_ADDRESS) else ""
    return _index().get(doi) or _index().get(text)


def write_work(work: Work) -> str:
    """Return a work as a list of references prints it, without its address.

    Examples
    --------
    >>> write_work(load_works()["firth_1993"])
    'Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27-38.'
    >>> write_work(load_works()["rubin_1987"])
    'Rubin DB. Multiple imputation for nonresponse in surveys. Wiley; 1987.'
    """
    if work.text:
        return work.text
    named = list(work.authors)
    has_more = work.others or len(named) > MOST_AUTHORS
    names = ", ".join([*(named[:SHOWN_AUTHORS] if has_more else named), *(["et al"] if has_more else [])])
    if work.kind == "software":
        place = f"Version {work.version}"
    elif work.kind == "book":
        edition = f"{_ordinal(work.edition)} ed. " if work.edition else ""
        place = f"{edition}{work.publisher}; {work.year}"
    else:
        place = " ".join(filter(None, (work.journal, work.year)))
        place += f";{work.volume}" if work.volume else ""
        place += f":{work.pages}" if work.pages else ""
    ending = "" if work.title.endswith(("?", ".")) else "."
    return " ".join(filter(None, (f"{names}." if names else "", f"{work.title}{ending}", f"{place}.")))


def _ordinal(edition: str) -> str:
    return {"2": "2nd", "3": "3rd"}.get(edition, f"{edition}th")
