"""The data dictionary of a REDCap project: its fields, their choices, and the columns of an export."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.text_files import decode_text

__all__ = [
    "CHECKED",
    "STATUS",
    "UNCHECKED",
    "Dictionary",
    "ExportColumn",
    "RedcapField",
    "make_dictionary",
    "name_box",
    "plain_label",
    "read_dictionary",
    "require_fields",
]

CHECKED, UNCHECKED = "Checked", "Unchecked"
_BOXES = MappingProxyType({"0": UNCHECKED, "1": CHECKED})
STATUS = MappingProxyType({"0": "Incomplete", "1": "Unverified", "2": "Complete"})
_FIXED = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
_CHOSEN = ("radio", "dropdown", "checkbox")
_WITHOUT_DATA = ("descriptive",)

# Heading of the file that the web page gives, and of the metadata of the API.
_HEADINGS = {
    "variablefieldname": "name",
    "fieldname": "name",
    "formname": "form",
    "fieldtype": "kind",
    "fieldlabel": "label",
    "choicescalculationsorsliderlabels": "choices",
    "choicesorcalculations": "choices",
    "selectchoicesorcalculations": "choices",
    "fieldnote": "note",
    "textvalidationtypeorshowslidernumber": "validation",
    "identifier": "identifier",
    "fieldannotation": "annotation",
}
_NEEDED = {
    "name": "Variable / Field Name",
    "form": "Form Name",
    "kind": "Field Type",
    "label": "Field Label",
    "choices": "Choices, Calculations, OR Slider Labels",
}


@dataclass(frozen=True, kw_only=True)
class RedcapField:
    """One field of a project; `choices` are its codes and labels, in order."""

    name: str
    form: str
    kind: str
    label: str
    choices: Mapping[str, str] = field(default_factory=dict[str, str])
    note: str = ""
    validation: str = ""
    is_identifier: bool = False
    takes_missing_codes: bool = True

    @property
    def is_number(self) -> bool:
        """True where REDCap itself lets nothing but numbers in."""
        return self.kind in ("calc", "slider") or self.validation.startswith(("number", "integer"))

    @property
    def has_data(self) -> bool:
        """True for fields that appear in an export."""
        return self.kind not in _WITHOUT_DATA


@dataclass(frozen=True, kw_only=True)
class ExportColumn:
    """A column of an export: its name in a raw export, its heading in a label export, and its codes."""

    name: str
    heading: str
    form: str = ""
    item: RedcapField | None = None
    code: str = ""
    choices: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_box(self) -> bool:
        """True for one choice of a checkbox."""
        return bool(self.code)


@dataclass(frozen=True)
class Dictionary:
    """The fields of a project by name, in the order of the dictionary, and where it came from."""

    fields: Mapping[str, RedcapField]
    origin: str

    @property
    def record_id(self) -> str:
        """The field that names the record: the first."""
        return next(iter(self.fields))

    @property
    def forms(self) -> tuple[str, ...]:
        """The instruments, in order."""
        return tuple(dict.fromkeys(item.form for item in self.fields.values()))

    def list_columns(self, missing_codes: Mapping[str, str] | None = None) -> list[ExportColumn]:
        """Return the columns of a whole export in their order, without those that name the row.

        With missing data codes (code = label) the boxes that these have at each checkbox are among them.
        """
        found: list[ExportColumn] = []
        for form in self.forms:
            found.append(ExportColumn(name=f"{form}_timestamp", heading="Survey Timestamp", form=form))
            for item in self.fields.values():
                if item.form == form and item.has_data:
                    found += _columns_of(item, missing_codes or {})
            found.append(
                ExportColumn(name=f"{form}_complete", heading="Complete?", form=form, choices=STATUS)
            )
        return found


def _columns_of(item: RedcapField, missing_codes: Mapping[str, str]) -> list[ExportColumn]:
    label = plain_label(item.label)
    if item.kind != "checkbox":
        return [ExportColumn(name=item.name, heading=label, form=item.form, item=item, choices=item.choices)]
    return [
        ExportColumn(
            name=name_box(item.name, code),
            heading=f"{label} (choice={plain_label(choice)})",
            form=item.form,
            item=item,
            code=code,
            choices=_BOXES,
        )
        for code, choice in {**item.choices, **missing_codes, **item.choices}.items()
    ]


def name_box(field_name: str, code: str) -> str:
    """Return the column of one choice of a checkbox.

    Examples
    --------
    >>> name_box("therapy", "-99")
    'therapy____99'
    """
    return f"{field_name}___{re.sub(r'[^a-z0-9]', '_', code.lower())}"


def plain_label(text: str) -> str:
    r"""Return a label as an export prints it: in one line, without the marks of HTML.

    Examples
    --------
    >>> plain_label("<b>ANC</b>\n(10&#94;9/L)")
    'ANC (10^9/L)'
    """
    bare = re.sub(r"</?[A-Za-z][^<>]*>", "", text)
    return " ".join(html.unescape(bare).split())


def read_dictionary(path: Path, *, encoding: str | None = None) -> Dictionary:
    """Return the data dictionary of a file, as the web page or the API gives it.

    Raises
    ------
    ReaderError
        The file cannot be read, or is no data dictionary.
    """
    text = decode_text(path, encoding=encoding)
    for mark in (",", ";", "\t"):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        keys = [_HEADINGS.get(_fold(cell), "") for cell in rows[0]] if rows else []
        if "name" in keys and "form" in keys:
            break
    else:
        raise ReaderError(
            f"{path.name}: is no data dictionary of REDCap; its first line needs the headings "
            f"{', '.join(_NEEDED.values())}. Download the data dictionary of the project as CSV again."
        )
    absent = [heading for key, heading in _NEEDED.items() if key not in keys]
    if absent:
        raise ReaderError(
            f"{path.name}: the data dictionary lacks the columns {', '.join(absent)}. Download it again."
        )
    filled = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    return _build([dict(zip(keys, row, strict=False)) for row in filled], path.name)


def make_dictionary(rows: Iterable[Mapping[str, object]], origin: str) -> Dictionary:
    """Return the data dictionary of the metadata that the API gives."""
    named = [{_HEADINGS.get(_fold(key), ""): str(value or "") for key, value in row.items()} for row in rows]
    return _build(named, origin)


def _fold(heading: str) -> str:
    """A heading without what differs between versions: "Choices, Calculations, OR Slider Labels"."""
    bare = re.sub(r"\(.*", "", heading) if heading.startswith("Branching") else heading
    return re.sub(r"[^a-z]", "", bare.lower())


def _build(rows: Sequence[Mapping[str, str]], origin: str) -> Dictionary:
    fields: dict[str, RedcapField] = {}
    problems: list[str] = []
    for row in rows:
        item = _read_field({key: value.strip() for key, value in row.items()})
        if not item.name or not item.form:
            problems.append("a line has no name of a field or no instrument")
        elif item.name in fields:
            problems.append(f"field '{item.name}' stands there twice")
        fields[item.name] = item
    if not fields:
        problems.append("it has no fields")
    if problems:
        listed = "; ".join(dict.fromkeys(problems))
        raise ReaderError(f"{origin}: the data dictionary cannot be used: {listed}. Download it again.")
    return Dictionary(MappingProxyType(fields), origin)


def _read_field(row: Mapping[str, str]) -> RedcapField:
    kind = row.get("kind", "").lower()
    choices = _FIXED.get(kind) or (_read_choices(row.get("choices", "")) if kind in _CHOSEN else {})
    return RedcapField(
        name=row.get("name", "").lower(),
        form=row.get("form", ""),
        kind=kind,
        label=row.get("label", ""),
        choices=MappingProxyType(dict(choices)),
        note=row.get("note", ""),
        validation=row.get("validation", "").lower(),
        is_identifier=row.get("identifier", "").lower() == "y",
        takes_missing_codes="@NOMISSING" not in row.get("annotation", "").upper(),
    )


def _read_choices(text: str) -> dict[str, str]:
    r"""Codes and labels of "0, Female | 1, Male"; a label may have commas of its own.

    Examples
    --------
    >>> _read_choices("1, Yes, today | -99, Unknown")
    {'1': 'Yes, today', '-99': 'Unknown'}
    """
    pairs = (part.partition(",") for part in re.split(r"\||\\n|\n", text) if part.strip())
    return {code.strip(): plain_label(label) or code.strip() for code, _, label in pairs}


def require_fields(dictionary: Dictionary, names: Iterable[str], columns: Iterable[str]) -> None:
    """Raise with every name of the mapping that is no field and no column of the project.

    Raises
    ------
    ReaderError
        All are named, with the nearest field.
    """
    allowed = {*dictionary.fields, *columns}
    unknown = [name for name in names if name not in allowed]
    boxes = [name for name in names if name in dictionary.fields and _is_boxes(dictionary, name)]
    said = [f"'{name}' is no field of {dictionary.origin}{suggest_name(name, allowed)}" for name in unknown]
    for name in boxes:
        choices = ", ".join(column.name for column in _columns_of(dictionary.fields[name], {}))
        said.append(f"'{name}' is a checkbox, which has a column for each choice: {choices}")
    if said:
        raise ReaderError(f"[data.redcap]: {'; '.join(said)}. Correct the names in the mapping.")


def _is_boxes(dictionary: Dictionary, name: str) -> bool:
    return dictionary.fields[name].kind == "checkbox"
