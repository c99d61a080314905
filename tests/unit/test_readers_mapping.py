"""The mapping says which column is which; every problem of a mapping file is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.errors import ProtocolError
from cytopenia.readers.mapping import DataSection, read_mapping


def read(tmp_path: Path, text: str) -> DataSection:
    path = tmp_path / "MAP.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def test_an_empty_mapping_is_the_default() -> None:
    mapping = DataSection()
    assert (mapping.folder, mapping.day_zero, mapping.labs.decimal) == (".", "infusion", "auto")


@pytest.mark.parametrize("head", ["", "data."])
def test_a_map_file_is_the_data_section_with_or_without_its_name(tmp_path: Path, head: str) -> None:
    mapping = read(
        tmp_path,
        f'[{head}labs]\nfile = "x.csv"\ncolumns = {{ value = "Result" }}\n'
        'lln = { anc = { value = 2, unit = "K/uL" } }',
    )
    assert mapping.labs.file == "x.csv"
    assert mapping.labs.columns == {"value": "Result"}
    assert mapping.labs.lln["anc"].value == 2.0


def test_a_tab_is_a_separator(tmp_path: Path) -> None:
    assert read(tmp_path, '[labs]\nseparator = "\\t"').labs.separator == "\t"


PROBLEMS = [
    ('[labs]\nfiel = "x.csv"', r"unknown key 'labs\.fiel' \(did you mean 'file'\?\)"),
    ('day_zero = "last"', r"'day_zero' is 'last'; allowed: 'infusion' or 'first'"),
    ('[labs]\ndecimal = ";"', r"'labs\.decimal' is ';'; allowed: 'auto', '\.' or ','"),
    ('[labs]\nseparator = "ab"', r"'labs\.separator'"),
    (
        '[labs.columns]\nvalu = "Result"',
        r"'labs\.columns': 'valu' is no column of labs \(did you mean 'value'\?\); allowed: patient_id, day",
    ),
    (
        '[labs.analytes]\n"Plts" = "platlets"',
        r"'labs\.analytes': 'platlets' is no analyte \(did you mean 'platelets'\?\); allowed: ignore, anc",
    ),
    ('[labs.units]\n"K per uL" = "Kilo"', r"'labs\.units': 'Kilo' is no listed unit"),
    (
        '[labs.default_units]\nanc = "%"',
        r"'labs\.default_units': '%' is not a listed unit of anc; allowed: 1e9/L",
    ),
    (
        '[labs.default_units]\nanx = "K/uL"',
        r"'labs\.default_units': 'anx' is no analyte \(did you mean 'anc'\?\)",
    ),
    ('[labs.lln]\nanc = { value = -1, unit = "K/uL" }', r"'labs\.lln\.anc\.value'"),
    ('[labs.lln]\nanc = { value = 2, unit = "%" }', r"'labs\.lln': '%' is not a listed unit of anc"),
    (
        '[labs.lln]\nanc = { value = 1800, unit = "K/uL" }',
        r"'labs\.lln': 1800 K/uL of anc lies outside the usual 0\.3 to 12 1e9/L",
    ),
    ('[labs.wide]\nanc = { column = "ANC", unit = "%" }', r"'labs\.wide': '%' is not a listed unit of anc"),
    ('[labs]\nsheet = "A"\nsheets = ["B"]', r"'labs': give one of sheet and sheets"),
    ('[labs]\nsheets = ["*", "B"]', r"'sheets' names a sheet twice; \[\"\*\"\] alone is all sheets"),
    ("[labs]\nheader = [4, 3]", r"the rows of 'header' go from top to bottom, as in \[3, 4\]"),
    ('[labs]\nheader = "3"', r"'labs\.header.*' is '3'; allowed: a whole number"),
    ("[labs]\nheader = 0", r"'labs\.header.*' is 0; allowed: 1 or more"),
    ("[labs]\nunit_row = 4", r"'unit_row' is 4, and 'header' is missing"),
    ("[labs]\nheader = 3\nunit_row = 5", r"'unit_row' is 5; the row of units is directly under the .*: 4"),
    ("[labs]\nheader = 3\nlast_row = 3", r"'last_row' is 3; it is the last row of data, below the headings"),
    ('[labs]\nsheet_is = "day"', r"'labs\.sheet_is' is 'day'; allowed: 'patient_id' or 'analyte'"),
    (
        '[labs]\nsheet_is = "patient_id"\ncolumns = { patient_id = "id" }',
        r"'patient_id' is both a column and the name of the sheet \('sheet_is'\); give one",
    ),
    ('[labs]\nfill_down = ["patient_id", "patient_id"]', r"'fill_down' names patient_id twice"),
    ('[labs.days]\n"ANC" = { analyte = "anc" }', r"'ANC' has \{day\} 0 times; write it once"),
    ('[labs.days]\n"d{day}" = { analyte = "anx" }', r"'d\{day\}': 'anx' is no analyte \(did you mean 'anc'"),
    (
        '[labs.days]\n"d{day}" = { analyte = "anc", unit = "g/dL" }',
        r"'d\{day\}': 'g/dL' is not a listed unit of anc; allowed: 1e9/L",
    ),
    (
        '[labs]\ncolumns = { day = "t" }\n[labs.days]\n"d{day}" = { analyte = "anc" }',
        r"'day' is both a column and in day columns \('days'\); give one",
    ),
    (
        '[support.kinds]\nNeupogen = "gscf"',
        r"'support\.kinds': 'gscf' is not known \(did you mean 'gcsf'\?\); allowed: ignore, gcsf",
    ),
]


@pytest.mark.parametrize(("text", "message"), PROBLEMS)
def test_every_problem_has_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        read(tmp_path, text)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ProtocolError,
        match=r"(?s)MAP\.toml: 2 problems.*fiel.*day_zero|MAP\.toml: 2 problems.*day_zero.*fiel",
    ):
        read(tmp_path, 'day_zero = "last"\n[labs]\nfiel = "x.csv"')


def test_a_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"MAP\.toml: not a valid TOML file.*line 1"):
        read(tmp_path, "labs = = 1")


def test_a_map_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="no such file"):
        read_mapping(tmp_path / "MAP.toml")


def test_a_mapping_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DataSection().folder = "x"  # type: ignore[misc]
