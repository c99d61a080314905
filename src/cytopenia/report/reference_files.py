"""The works that the Methods cite as BibTeX and as RIS, for a program that manages references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cytopenia.report.bibliography import Work
from cytopenia.report.display import clean_text
from cytopenia.report.references import Citation

__all__ = ["render_bibtex", "render_ris"]

BIBTEX_KINDS = {
    "article": "article",
    "book": "book",
    "chapter": "inproceedings",
    "report": "misc",
    "software": "misc",
    "misc": "misc",
}
RIS_KINDS = {
    "article": "JOUR",
    "book": "BOOK",
    "chapter": "CPAPER",
    "report": "RPRT",
    "software": "COMP",
    "misc": "GEN",
}
# LaTeX reads each of these as a command, or would print something else.
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "“": "``",
    "”": "''",
    "–": "--",
    "×": r"{\texttimes}",
    "Ö": r"{\"O}",
    "ö": r"{\"o}",
    "Ä": r"{\"A}",
    "ä": r"{\"a}",
    "Ü": r"{\"U}",
    "ü": r"{\"u}",
    "ß": r"{\ss}",
    "é": r"{\'e}",
    "è": r"{\`e}",
}
INITIALS = re.compile(r"[A-Z]+(?:-[A-Z]+)*")
# Titles stand as sentences: a capital behind the first letter belongs to a name, and no style may lower it.
CAPITALS = re.compile(r"(?<!^)\b[A-Z]\w*|\b\w+[A-Z]\w*")
LONGEST_KEY = 40


def render_bibtex(citations: Sequence[Citation]) -> str:
    r"""Return one BibTeX entry for each work, in the order of its number.

    What LaTeX would read as a command is escaped, and capitals that a style would lower are held in braces.

    Examples
    --------
    >>> print(render_bibtex([Citation("A note & more")]), end="")
    @misc{source_1,
      title = {A note \& more}
    }
    """
    return "\n".join(_write_bibtex(work) for work in _list_works(citations))


def render_ris(citations: Sequence[Citation]) -> str:
    r"""Return one RIS record for each work, in the order of its number; lines end as the format wants them.

    Examples
    --------
    >>> render_ris([Citation("A note")]).split("\r\n")
    ['TY  - GEN', 'ID  - source_1', 'TI  - A note', 'ER  - ', '']
    """
    return "".join(f"{line}\r\n" for work in _list_works(citations) for line in _write_ris(work))


def _list_works(citations: Sequence[Citation]) -> Iterator[Work]:
    """Return each work; of one that the bibliography does not know, the citation stands for its title."""
    for place, one in enumerate(citations, start=1):
        if one.work is not None:
            yield one.work
            continue
        doi = one.link.removeprefix("https://doi.org/") if one.link.startswith("https://doi.org/") else ""
        url = "" if doi else one.link
        yield Work(key=f"source_{place}", kind="misc", title=one.text.rstrip("."), doi=doi, url=url)


def _write_bibtex(work: Work) -> str:
    container = "booktitle" if work.kind == "chapter" else "journal"
    names = [_name_bibtex(author, work) for author in work.authors] + (["others"] if work.others else [])
    fields = {
        "author": " and ".join(names),
        "title": _title_bibtex(work),
        container: _escape(work.journal),
        "edition": _escape(work.edition),
        "publisher": _escape(work.publisher),
        "year": work.year,
        "volume": work.volume,
        "number": work.number,
        "pages": work.pages.replace("-", "--"),
        "doi": work.doi,
        "url": work.url,
        "note": _escape(_tell_version(work)),
    }
    lines = (f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{BIBTEX_KINDS[work.kind]}{{{work.key[:LONGEST_KEY]},\n" + ",\n".join(lines) + "\n}\n"


def _write_ris(work: Work) -> Iterator[str]:
    yield f"TY  - {RIS_KINDS[work.kind]}"
    yield f"ID  - {work.key[:LONGEST_KEY]}"
    yield from (f"AU  - {_name_ris(author, work)}" for author in work.authors)
    yield f"TI  - {clean_text(work.title)}"
    first, _, last = work.pages.partition("-")
    fields: Iterable[tuple[str, str]] = (
        ("T2", work.journal),
        ("ET", work.version if work.kind == "software" else work.edition),
        ("PB", work.publisher),
        ("PY", work.year),
        ("VL", work.volume),
        ("IS", work.number),
        ("SP", first),
        ("EP", last),
        ("DO", work.doi),
        ("UR", work.link),
        ("N1", _tell_version(work) if work.kind != "software" else ""),
    )
    yield from (f"{tag}  - {clean_text(value)}" for tag, value in fields if value)
    yield "ER  - "


def _tell_version(work: Work) -> str:
    """Return the version that ran: of a program itself, or of the one that its paper is about."""
    if not work.version:
        return ""
    return f"Version {work.version}" if work.kind == "software" else f"Version {work.version} was used"


def _split_name(author: str) -> tuple[str, str]:
    """Return family name and initials of "van de Wiel MA"; a name without initials is kept whole."""
    family, _, initials = author.rpartition(" ")
    return (family, initials) if family and INITIALS.fullmatch(initials) else (author, "")


def _space_initials(initials: str) -> str:
    return " ".join(f"{letter}." for letter in initials.replace("-", ""))


def _name_bibtex(author: str, work: Work) -> str:
    family, initials = ("", "") if work.kind == "software" else _split_name(author)
    # A group keeps its name as it is.
    return f"{_escape(family)}, {_space_initials(initials)}" if initials else f"{{{_escape(author)}}}"


def _title_bibtex(work: Work) -> str:
    """Return a title with the capitals of names held; the name of a program is one."""
    title = _escape(work.title)
    if work.kind == "software":
        return f"{{{title}}}"
    return CAPITALS.sub(lambda found: f"{{{found.group()}}}", title)


def _name_ris(author: str, work: Work) -> str:
    family, initials = ("", "") if work.kind == "software" else _split_name(author)
    return clean_text(f"{family}, {_space_initials(initials)}" if initials else author)


def _escape(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in clean_text(text))
