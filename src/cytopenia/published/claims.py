"""Published numbers as data: what a paper prints, kept as printed, and where a run has the same number.

A paper is one TOML file under `data/papers/`, or anywhere else. Each claim has a kind, the printed texts of
its parts ("71.42", "<0.001") and, for papers that a run is compared with, the address of its rows in the
result table. A part that the paper does not print is left out and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import Field

from cytopenia.definition_forms import Form
from cytopenia.errors import DefinitionError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.published.claim_forms import CLAIM_FORMS, Claim, Interval, RatioTest
from cytopenia.published.claim_parts import PrintedNumber, UnreadClaim
from cytopenia.published.claim_sheet import read_claim_sheet
from cytopenia.published.claim_texts import Reading, choose_mark, read_texts
from cytopenia.published.printed_text import DecimalMark, read_printed
from cytopenia.published.relation_forms import RELATION_FORMS, Relation

__all__ = ["Paper", "list_papers", "load_paper", "read_paper"]

_SHEET = ".csv"
_USUAL_LEVEL = "0.05"
_FOLDER = resources.files("cytopenia") / "data" / "papers"


class Paper(Form):
    """A published paper, what it claims, and what must hold between its claims.

    `interval` and `test` are those of every ratio that names no other: "wald" for a logistic or Cox model of
    SPSS, which prints nothing else. `decimal_mark` is needed only if the file leaves it open. `remark` stands
    below the checks of the paper: what was found out about it by other means.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    doi: str | None = None
    significance_level: PrintedNumber
    decimal_mark: DecimalMark | None = None
    interval: Interval | None = None
    test: RatioTest | None = None
    remark: str = ""
    claims: tuple[Claim, ...]
    relations: tuple[Relation, ...] = ()


def list_papers() -> list[str]:
    """Return the ids of the papers that come with the package.

    Examples
    --------
    >>> list_papers()
    ['qiu2023']
    """
    names = (item.name for item in _FOLDER.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_paper(source: Path | str) -> Paper:
    """Return a paper with its claims, in the order of the file.

    Parameters
    ----------
    source : path or str
        The id of a paper of the package, such as "qiu2023", a TOML file, or a CSV file as
        `read_claim_sheet` reads it.

    Raises
    ------
    DefinitionError
        The id is unknown, or the file is wrong; every problem is listed with the claim it is in.

    Examples
    --------
    >>> paper = load_paper("qiu2023")
    >>> paper.doi, next(claim.printed for claim in paper.claims if claim.id == "males")
    ('10.3892/ol.2023.13924', '45 (71.42%)')
    """
    name, content = _read_source(source)
    if name.endswith(_SHEET):
        return read_paper(read_claim_sheet(content, name=name), name=name)
    return read_paper(parse_toml(content, name=name, error=DefinitionError), name=name)


def read_paper(table: Mapping[str, Any], *, name: str) -> Paper:
    """Return a paper from the tables of its file.

    Parameters
    ----------
    table : mapping
        As `tomllib` reads them.
    name : str
        Of the file, put in front of each problem.

    Raises
    ------
    DefinitionError
        As `load_paper`.
    """
    table = _read_level(table)
    mark, doubts = choose_mark(table.get("decimal_mark"), (table.get("claims"), table.get("relations")))
    reading = Reading(mark, str(table.get("significance_level", _USUAL_LEVEL)))
    claims, problems = _read_tables(table.get("claims"), _Listed(name, "claims", CLAIM_FORMS, reading))
    if not claims and not problems:
        problems.append(f"{name}: no claim; each begins with a line [[claims]]")
    listed = _Listed(name, "relations", RELATION_FORMS, reading)
    relations, found = _read_tables(table.get("relations"), listed)
    problems += [*found, *(f"{name}: {doubt}" for doubt in doubts)]
    problems += _find_repeats(name, {"claims": claims, "relations": relations})
    problems += _find_unknown(name, claims, relations)
    paper, found = read_form(Paper, {**table, "claims": claims, "relations": relations}, where=name)
    problems = [*found, *problems]
    if paper is None or problems:
        raise DefinitionError(join_problems(f"{name}: the claims of the paper are wrong", problems))
    return paper


def _read_source(source: Path | str) -> tuple[str, bytes]:
    if isinstance(source, Path) or source.endswith((".toml", _SHEET)):
        return Path(source).name, read_bytes(Path(source), error=DefinitionError)
    known = list_papers()
    if source not in known:
        names = f"{', '.join(known)}, or a .toml or .csv file"
        raise DefinitionError(f"unknown paper '{source}'{suggest_name(source, known)}; known: {names}")
    return f"{source}.toml", (_FOLDER / f"{source}.toml").read_bytes()


class _Listed(NamedTuple):
    """Tables of one kind: the file, the word in front of each, and the form of each kind."""

    name: str
    key: str
    forms: Mapping[str, type[Any]]
    reading: Reading


def _read_level(table: Mapping[str, Any]) -> Mapping[str, Any]:
    level = table.get("significance_level")
    return {**table, "significance_level": read_printed(level)} if isinstance(level, str) else table


def _read_tables(given: object, listed: _Listed) -> tuple[list[Any], list[str]]:
    """The tables that are right, and one sentence per problem of the others."""
    if given is None:
        return [], []
    if not isinstance(given, list):
        return [], [f"{listed.name}: {listed.key}: each table begins with a line [[{listed.key}]]"]
    read: list[Any] = []
    problems: list[str] = []
    for place, table in enumerate(cast("Sequence[object]", given), start=1):
        form, found = _read_table(table, f"{listed.name}: {listed.key}.{place}", listed)
        problems.extend(found)
        if form is not None:
            read.append(form)
    return read, problems


def _read_table(given: object, where: str, listed: _Listed) -> tuple[Any, list[str]]:
    if not isinstance(given, dict):
        return None, [f"{where}: is {given!r}; a table that begins with [[{listed.key}]] is needed"]
    table = cast("dict[str, Any]", given)
    if isinstance(table.get("id"), str):
        where = f"{where} ('{table['id']}')"
    table = _name_measure(table)
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in listed.forms:
        word = "missing" if kind is None else f"{kind!r}{suggest_name(str(kind), listed.forms)}"
        return None, [f"{where}: 'kind' is {word}; allowed: {', '.join(sorted(listed.forms))}"]
    form = listed.forms[kind]
    texts, problems = read_texts(table, form, listed.reading)
    if not problems and UnreadClaim.has_no_number(form, texts):
        form, texts = UnreadClaim, UnreadClaim.take(texts)
    read, found = read_form(form, texts, where=where)
    return (None if problems else read), [*(f"{where}: {problem}" for problem in problems), *found]


def _name_measure(table: dict[str, Any]) -> dict[str, Any]:
    """A hazard or a risk ratio as the form of every ratio, with its measure."""
    found = dict(table)
    for name in ("hazard_ratio", "risk_ratio"):
        if name in found and "odds_ratio" not in found:
            found["odds_ratio"] = found.pop(name)
            found.setdefault("measure", name.replace("_", " "))
        if found.get("kind") == name:
            found |= {"kind": "odds_ratio", "measure": found.get("measure", name.replace("_", " "))}
    return found


def _find_repeats(name: str, listed: Mapping[str, Sequence[Claim | Relation]]) -> Iterator[str]:
    ids: set[str] = set()
    for key, forms in listed.items():
        for form in forms:
            if form.id in ids:
                yield f"{name}: {key}: id '{form.id}' stands twice; rename one of them"
            ids.add(form.id)


def _find_unknown(name: str, claims: Sequence[Claim], relations: Sequence[Relation]) -> Iterator[str]:
    """One sentence per id that names no claim."""
    known = [claim.id for claim in claims]
    for form in (*claims, *relations):
        for key, address in form.references():
            target = address.partition(".")[0]
            if target not in known:
                near = suggest_name(target, known)
                yield f"{name}: '{form.id}': '{key}' names no claim: '{target}'{near}"
