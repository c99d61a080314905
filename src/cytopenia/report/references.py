"""Numbered references of the Methods, and names as they stand inside a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cytopenia.report.association_cells import table_label
from cytopenia.report.bibliography import Work, find_work, write_work
from cytopenia.report.display import clean_text, lower_first

__all__ = ["Citation", "References", "join_citations", "join_names", "name_analyses", "name_inside"]

SOURCES: Mapping[str, tuple[str, str]] = {
    "mann_whitney": ("Mann HB, Whitney DR. Ann Math Stat 1947;18:50-60.", "10.1214/aoms/1177730491"),
    "freeman_halton": ("Freeman GH, Halton JH. Biometrika 1951;38:141-149.", "10.1093/biomet/38.1-2.141"),
    "royston": ("Royston P. Appl Stat 1995;44:547-551.", "10.2307/2986146"),
    "holm": ("Holm S. Scand J Stat 1979;6:65-70.", ""),
    "delong": ("DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845.", "10.2307/2531595"),
    "youden": ("Youden WJ. Cancer 1950;3:32-35.", ""),
    "firth": ("Firth D. Biometrika 1993;80:27-38.", "10.1093/biomet/80.1.27"),
    "heinze": ("Heinze G, Schemper M. Stat Med 2002;21:2409-2419.", "10.1002/sim.1047"),
}


NEIGHBORING = re.compile(r"(?<=\d)\] \[(?=\d)")


@dataclass(frozen=True)
class Citation:
    """One entry of the reference list, with what is known of the work behind it."""

    text: str
    link: str = ""
    work: Work | None = None


@dataclass
class References:
    """Numbers sources in the order in which they are first cited.

    A work that the bibliography knows is printed as it stands there, however a text shortens it; one DOI is
    one entry.

    Examples
    --------
    >>> references = References()
    >>> references.cite("Someone 2023"), references.cite("Other 2001"), references.cite("Someone 2023")
    ('[1]', '[2]', '[1]')
    """

    entries: list[Citation] = field(default_factory=list[Citation])

    def cite(self, text: str, link: str = "") -> str:
        """Return the number of a source in brackets."""
        work = find_work(text, link)
        entry = Citation(text, link) if work is None else Citation(write_work(work), work.link, work)
        return self._number(entry)

    def cite_work(self, work: Work) -> str:
        """Return the number of a work that is made while the text is written, such as a program."""
        return self._number(Citation(write_work(work), work.link, work))

    def _number(self, entry: Citation) -> str:
        same = (one for one in self.entries if one == entry or (one.link == entry.link and _is_doi(one)))
        found = next(same, None)
        if found is None:
            self.entries.append(entry)
        return f"[{self.entries.index(found or entry) + 1}]"

    def cite_method(self, name: str) -> str:
        """Return the number of a paper on a statistical method."""
        text, doi = SOURCES[name]
        return self.cite(text, f"https://doi.org/{doi}" if doi else "")


def _is_doi(entry: Citation) -> bool:
    return entry.link.startswith("https://doi.org/")


def join_citations(text: str) -> str:
    """Return a text with neighboring citations in one pair of brackets.

    Examples
    --------
    >>> join_citations("by Firth's method [3] [4], and so on [2]")
    "by Firth's method [3,4], and so on [2]"
    """
    return NEIGHBORING.sub(",", text)


def join_names(names: Iterable[str]) -> str:
    """Return names as a sentence lists them; semicolons where a name has a comma of its own.

    Examples
    --------
    >>> join_names(["age"]), join_names(["age", "sex", "stage"]), join_names(["CRP, mg/L", "age"])
    ('age', 'age, sex and stage', 'CRP, mg/L; and age')
    """
    known = list(names)
    if len(known) < 2:
        return "".join(known)
    if any("," in name for name in known):
        return f"{'; '.join(known[:-1])}; and {known[-1]}"
    return f"{', '.join(known[:-1])} and {known[-1]}"


def name_inside(title: str) -> str:
    """Return a title as it stands inside a sentence, without the unit behind it.

    Examples
    --------
    >>> name_inside("Baseline IL-6, pg/mL"), name_inside("C-reactive protein"), name_inside("Age, years")
    ('baseline IL-6', 'C-reactive protein', 'age')
    """
    head, _, unit = title.rpartition(", ")
    short = head if head and " " not in unit else title
    return lower_first(short) if short[1:2].islower() else short


def name_analyses(analyses: Iterable[Mapping[str, Any]]) -> str:
    """Return how the text points to analyses: by the label a journal prints, else by the title."""
    return join_names(table_label(one) or clean_text(one.get("title") or one["id"]) for one in analyses)
