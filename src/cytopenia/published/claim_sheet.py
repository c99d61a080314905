"""Claims as a sheet: one row per claim or relation, one column per key, for people who have a table open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from cytopenia.errors import DefinitionError
from cytopenia.forms import parse_toml
from cytopenia.published.claim_forms import CLAIM_FORMS
from cytopenia.published.relation_forms import RELATION_FORMS

__all__ = ["read_claim_sheet"]

_COMMENT = "#"
_BETWEEN, _WITHIN = ";", "/"
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def read_claim_sheet(data: bytes, *, name: str) -> dict[str, Any]:
    r"""Return the tables of a CSV file as those of a TOML file are read.

    Lines before the head that begin with "#" hold what stands at the top of a TOML file (id, title, citation,
    significance_level). Then a row of keys, and one row per claim or relation; an empty cell is a key that is
    not given. Several texts in a cell are separated by semicolons, the counts of one row of a table by
    slashes: "33/7; 6/14". Cells stay texts, so that "0.10" keeps its last digit.

    Parameters
    ----------
    data : bytes
        UTF-8, with commas, semicolons or tabs between cells; with semicolons, a cell with several texts needs
        quotation marks.
    name : str
        Of the file, put in front of each problem.

    Raises
    ------
    DefinitionError
        The file is not UTF-8, or has no row of keys.

    Examples
    --------
    >>> sheet = b'# id = "mine"\nid,kind,count,percent,of\nmales,count_percent,45,71.42,63\n'
    >>> read_claim_sheet(sheet, name="mine.csv")["claims"]
    [{'id': 'males', 'kind': 'count_percent', 'count': '45', 'percent': '71.42', 'of': '63'}]
    """
    lines = _decode(data, name).splitlines()
    head = [line for line in lines if line.lstrip().startswith(_COMMENT)]
    body = [line for line in lines if not line.lstrip().startswith(_COMMENT)]
    tops = "\n".join(line.lstrip().removeprefix(_COMMENT) for line in head)
    table = parse_toml(tops.encode(), name=f"{name}, lines with {_COMMENT}", error=DefinitionError)
    rows = list(_read_rows(body, name))
    relations = [row for row in rows if row.get("kind") in RELATION_FORMS]
    claims = [row for row in rows if row.get("kind") not in RELATION_FORMS]
    return {**table, "claims": claims, **({"relations": relations} if relations else {})}


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        message = f"{name}: line {line} is not UTF-8 text. Save the file as CSV UTF-8 and try again."
        raise DefinitionError(message) from cause


def _read_rows(lines: list[str], name: str) -> Iterator[dict[str, Any]]:
    keys = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=keys.count)
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    if not reader.fieldnames or "kind" not in reader.fieldnames:
        raise DefinitionError(f"{name}: no row of keys; the first row needs at least id, kind, where, about")
    for row in reader:
        # Cells beyond the last key have no name; they are told as an unknown key.
        given = {
            key or "(no key)": (text or "").strip() for key, text in row.items() if isinstance(text, str)
        }
        filled = {key.strip(): text for key, text in given.items() if text}
        if filled:
            yield {key: _read_cell(text, key, filled.get("kind", "")) for key, text in filled.items()}


def _read_cell(text: str, key: str, kind: str) -> Any:
    """The value as the form of the kind wants it: a text, a list, a list of lists, or yes and no."""
    forms: Mapping[str, type[Any]] = {**CLAIM_FORMS, **RELATION_FORMS}
    form = forms.get(kind)
    field = None if form is None else form.model_fields.get(key)
    if field is None:
        return text
    annotation = field.annotation
    if annotation is bool:
        return _WORDS.get(text.lower(), text)
    depth = _list_depth(annotation)
    if depth == 0:
        return text
    parts = [part.strip() for part in text.split(_BETWEEN) if part.strip()]
    return parts if depth == 1 else [[cell.strip() for cell in part.split(_WITHIN)] for part in parts]


def _list_depth(annotation: Any) -> int:
    """How many lists stand around the texts: 0 of a text, 1 of a list, 2 of a list of lists."""
    if get_origin(annotation) is tuple:
        return 1 + max(_list_depth(inner) for inner in get_args(annotation) if inner is not Ellipsis)
    return max((_list_depth(inner) for inner in get_args(annotation)), default=0)
