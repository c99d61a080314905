"""What a study may say about its REDCap project, and what is refused before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cytopenia.errors import ProtocolError, ReaderError
from cytopenia.readers.mapping import read_mapping
from cytopenia.readers.redcap_dictionary import name_box, read_dictionary
from cytopenia.readers.redcap_rows import name_event
from redcap_project import DICTIONARY

TOKEN = "0123456789abcdef0123456789ABCDEF"
LABS = '[redcap.labs]\ndate = "d"\n[redcap.labs.fields]\nanc = { analyte = "anc", unit = "10^9/L" }\n'
FILES = 'records = "a.csv"\ndictionary = "b.csv"\n'


def refuse(folder: Path, text: str) -> str:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"mapping.toml") as caught:
        read_mapping(path)
    return str(caught.value)


def test_a_mapping_as_the_page_has_it(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
    text = page.partition("\n## REDCap\n\n```toml\n")[2].partition("```")[0]
    (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
    redcap = read_mapping(tmp_path / "mapping.toml").redcap
    assert redcap is not None
    assert redcap.labs[0].fields["cbc_hb"].unit_from == "label"
    assert redcap.missing_codes == {"NI": "No information"}


@pytest.mark.parametrize(
    "line",
    [
        f'token = "{TOKEN}"',
        f'API_TOKEN = "{TOKEN}"',
        f'token_env = "{TOKEN}"',
        f'token_keyring = "{TOKEN}{TOKEN}"',
    ],
)
def test_a_token_in_the_mapping_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    said = refuse(tmp_path, f'[redcap]\nurl = "https://redcap.example.org/api/"\n{line}\n{LABS}')
    assert "the token itself must not stand in a file" in said
    assert 'token_env = "REDCAP_TOKEN"' in said
    assert TOKEN.lower() not in said.lower()


def test_a_token_elsewhere_in_the_mapping_is_not_repeated(tmp_path: Path) -> None:
    assert TOKEN not in refuse(tmp_path, f'token = "{TOKEN}"\n[redcap]\n{FILES}{LABS}')
    url = f"https://redcap.example.org/api/?token={TOKEN}"
    said = refuse(tmp_path, f'[redcap]\nurl = "{url}"\ntoken_env = "T"\n{LABS}')
    assert "give the address alone" in said
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://redcap.example.org/api/", "unencrypted"),
        ("https://redcap.example.org/", "is no address of an API; allowed: https://.../api/"),
        ("ftp://redcap.example.org/api/", "is no address of an API"),
        ("redcap", "is no address of an API"),
        ("https://me:secret@redcap.example.org/api/", "give the address alone"),
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, url: str, message: str) -> None:
    said = refuse(tmp_path, f'[redcap]\nurl = "{url}"\ntoken_env = "T"\n{LABS}')
    assert message in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/api", "http://127.0.0.1/api/", "http://[::1]:99/api/"]
)
def test_this_machine_needs_no_encryption(tmp_path: Path, url: str) -> None:
    (tmp_path / "mapping.toml").write_text(f'[redcap]\nurl = "{url}"\ntoken_env = "T"\n{LABS}', "utf-8")
    redcap = read_mapping(tmp_path / "mapping.toml").redcap
    assert redcap is not None
    assert redcap.url is not None
    assert redcap.url.endswith("/api/")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            FILES + 'url = "https://redcap.example.org/api/"\n',
            "give one of records (an exported file) and url",
        ),
        ('records = "../a.csv"\ndictionary = "b.csv"\n', "'../a.csv' leads out of the data folder"),
        ('dictionary = "b.csv"\n', "give one of records (an exported file) and url"),
        ('records = "a.csv"\n', "'dictionary' is missing: download the data dictionary"),
        (
            'records = ["a.csv", "b.csv"]\ndictionary = "c.csv"\n',
            "'redcap.records' is a list; a text in quotation",
        ),
        ('url = "https://redcap.example.org/api/"\n', "give one of token_env and token_keyring"),
    ],
)
def test_where_the_project_is(tmp_path: Path, head: str, message: str) -> None:
    assert message in refuse(tmp_path, f"[redcap]\n{head}{LABS}")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("", "'labs' is missing: say which fields have laboratory values"),
        ('[redcap.labs]\ndate = "d"\n', "'redcap.labs.1.fields' is missing"),
        (LABS.replace('date = "d"', ""), "say when: one of date (a field), day (a field) and days"),
        (LABS.replace('date = "d"', 'date = "d"\nday = "e"'), "say when: one of date"),
        (LABS.replace('"anc", unit', '"anx", unit'), "'anx' is no analyte"),
        (LABS.replace(', unit = "10^9/L"', ""), "say the unit: one of unit (as it is)"),
        (LABS.replace("10^9/L", "furlong"), "'furlong' is not a listed unit of anc"),
        (
            LABS + '[redcap.support]\nstart = "s"\n',
            "give one of kind (the same for every row) and kind_field",
        ),
        (
            LABS + '[redcap.support]\nkind = "gcfs"\nstart = "s"\n',
            "'gcfs' is not known (did you mean 'gcsf'?)",
        ),
        (LABS + '[redcap.support]\nkind = "gcsf"\n', "say when: one of start (a field) and days"),
        (LABS + '[redcap.support]\nkind = "gcsf"\ndays = { a = 1 }\n', "with days say which rows count"),
        (LABS + '[redcap.events]\nkind = "crs"\ndays = { a = 1 }\n', "with days say which rows count"),
        (LABS + '[redcap.events]\nkind_field = "k"\nkinds = { a = "x" }\ndate = "d"\n', "'x' is not known"),
        (
            LABS + '[redcap.infusions]\ndate = "d"\nfields = { dose = "x" }\n',
            "'dose' is no column of infusions",
        ),
        (LABS + '[redcap.responses]\nresponse = "r"\nkinds = { a = "x" }\ndate = "d"\n', "'x' is not known"),
    ],
)
def test_parts_that_are_wrong(tmp_path: Path, part: str, message: str) -> None:
    assert message in refuse(tmp_path, f"[redcap]\n{FILES}{part}")


def test_all_problems_at_once(tmp_path: Path) -> None:
    said = refuse(tmp_path, f'[redcap]\nrecord = "a.csv"\n{LABS.replace("10^9/L", "furlong")}')
    assert "furlong" in said
    assert "unknown key 'redcap.record' (did you mean 'records'?)" in said


# ---- the dictionary


def write_dictionary(folder: Path, text: str) -> Path:
    path = folder / "dictionary.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_fields_and_choices(tmp_path: Path) -> None:
    dictionary = read_dictionary(write_dictionary(tmp_path, DICTIONARY))
    assert dictionary.record_id == "record_id"
    assert dictionary.forms == ("demographics", "infusion", "blood_counts", "visit_counts", "outcome")
    assert dict(dictionary.fields["ecog"].choices) == {
        "0": "Fully active",
        "1": "Restricted, but ambulatory",
        "2": "In bed less than half of the day",
    }
    assert dict(dictionary.fields["gcsf"].choices) == {"1": "Yes", "0": "No"}
    assert dictionary.fields["mrn"].is_identifier
    assert "v_text" not in [column.name for column in dictionary.list_columns()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"Field Label",', ""), "lacks the columns Field Label"),
        (lambda text: text.partition("\n")[0], "it has no fields"),
        (lambda text: text + "mrn,outcome,,text,Again,,,,,,,,,,,,,\n", "field 'mrn' stands there twice"),
        (lambda text: text + ",outcome,,text,Again,,,,,,,,,,,,,\n", "a line has no name of a field"),
    ],
)
def test_dictionaries_that_are_wrong(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        read_dictionary(write_dictionary(tmp_path, change(DICTIONARY)))


def test_names_as_redcap_makes_them() -> None:
    """Names of events of the public sample project of REDCapR; boxes as in REDCap's own help."""
    assert name_event("Deadline to return feedback (Arm 2: Drug B)") == "deadline_to_return_arm_2"
    assert name_event("Enrollment") == "enrollment_arm_1"
    assert name_event("第7天") == "7_arm_1"
    assert name_event("访视") == "访视"
    assert name_box("gym", "0") == "gym___0"
    assert name_box("gym", "-99") == "gym____99"
