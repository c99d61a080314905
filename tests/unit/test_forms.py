"""TOML forms: problems as sentences, with the key as it stands in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from cytopenia.errors import DefinitionError, ProtocolError
from cytopenia.forms import parse_toml, read_bytes, read_form


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Size(Form):
    lln: float


class Small(Form):
    kind: Literal["small"]
    width: int


class Large(Form):
    kind: Literal["large"]
    height: int


class Box(Form):
    name: Annotated[str, Field(pattern="^[a-z]+$")] = "box"
    cut: float | Size | None = None
    pieces: tuple[Annotated[Small | Large, Field(discriminator="kind")], ...] = ()
    by_name: dict[str, Size] = Field(default_factory=dict)
    depth: int | None = Field(default=None, ge=1)
    lid: Size | None = None
    days: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    color: Literal["red", "blue"] = "red"


def problems(**content: object) -> list[str]:
    form, found = read_form(Box, content, where="box.toml")
    assert (form is None) == bool(found)
    return found


def test_a_form_that_is_right() -> None:
    form, found = read_form(Box, {"cut": 1.0, "pieces": [{"kind": "small", "width": 1}]}, where="box.toml")
    assert found == []
    assert form is not None
    assert form.pieces[0].kind == "small"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"nam": "a"},
            "box.toml: unknown key 'nam' (did you mean 'name'?);"
            " allowed: by_name, color, cut, days, depth, lid, name, pieces",
        ),
        ({"name": "A"}, "box.toml: 'name' is 'A'; allowed: lower-case letters, digits and _, a letter first"),
        ({"name": 1}, "box.toml: 'name' is 1; a text in quotation marks is needed"),
        ({"depth": 0}, "box.toml: 'depth' is 0; allowed: 1 or more"),
        ({"lid": {}}, "box.toml: 'lid.lln' is missing"),
        (
            {"lid": {"llm": 1, "lln": 1}},
            "box.toml: unknown key 'lid.llm' (did you mean 'lln'?); allowed: lln",
        ),
        ({"by_name": {"K/uL": {"x": 1, "lln": 1}}}, "box.toml: unknown key 'by_name.K/uL.x'; allowed: lln"),
        ({"by_name": {"Size": {}}}, "box.toml: 'by_name.Size.lln' is missing"),
        ({"pieces": [{"kind": "large"}]}, "box.toml: 'pieces.1.height' is missing"),
        (
            {"pieces": [{"kind": "large", "height": 1, "width": 1}]},
            "box.toml: unknown key 'pieces.1.width' (did you mean 'height'?); allowed: height, kind",
        ),
        ({"pieces": [{"kind": "medium"}]}, "box.toml: 'pieces.1' is 'medium'; allowed: 'small', 'large'"),
        ({"pieces": [{"width": 1}]}, "box.toml: 'pieces.1': 'kind' is missing"),
    ],
)
def test_a_problem_is_a_sentence(content: dict[str, object], sentence: str) -> None:
    found = [text.replace(" (did you mean 'height'?)", "") for text in problems(**content)]
    assert found == [sentence.replace(" (did you mean 'height'?)", "")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"least": 7}, "'days' is a table; allowed: a whole number, or 'all'"),
        ([7], "'days' is a list; allowed: a whole number, or 'all'"),
        (0, "'days' is 0; allowed: 1 or more, or 'all'"),
    ],
)
def test_a_number_or_a_word_is_one_problem(given: object, sentence: str) -> None:
    assert problems(days=given) == [f"box.toml: {sentence}"]


def test_a_table_where_a_word_belongs() -> None:
    assert problems(color={"name": "red"}) == ["box.toml: 'color' is a table; allowed: 'red' or 'blue'"]


def test_the_branches_of_a_union_are_no_keys() -> None:
    assert {text.partition(":")[2].split("'")[1] for text in problems(cut={"lln": "x"})} == {"cut", "cut.lln"}


def test_all_problems_are_listed() -> None:
    assert len(problems(name="A", depth=0, extra=1)) == 3


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_toml_is_read(start: bytes) -> None:
    assert parse_toml(start + b"a = 1\r\n", name="x.toml", error=ProtocolError) == {"a": 1}


def test_the_line_that_is_no_toml_is_named() -> None:
    with pytest.raises(
        DefinitionError, match=r"^x\.toml: not a valid TOML file: .*line 2.* Texts need quotation marks"
    ):
        parse_toml(b"a = 1\nb = 1,5\n", name="x.toml", error=DefinitionError)


def test_the_line_that_is_no_utf8_is_named() -> None:
    with pytest.raises(ProtocolError, match=r"^x\.toml: line 2 is not UTF-8 text\. Save the file as UTF-8"):
        parse_toml(b"a = 1\nb = '\xff'\n", name="x.toml", error=ProtocolError)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(
        ProtocolError, match=r"no such file\. Check the path, or make one with 'cytopenia init'"
    ):
        read_bytes(tmp_path / "study.toml", error=ProtocolError)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"cannot be read \(.+\)\."):
        read_bytes(tmp_path, error=ProtocolError)


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808"])
def test_toml_holds_whole_numbers_of_64_bits(number: str) -> None:
    assert parse_toml(f"a = {number}".encode(), name="x.toml", error=ProtocolError) == {"a": int(number)}


@pytest.mark.parametrize(
    "text", ["a = 9223372036854775808", "a = [{ b = -9223372036854775809 }]", "a = 0x" + "f" * 6000]
)
def test_a_longer_number_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"x\.toml: not a valid TOML file: a number or a nesting beyond"):
        parse_toml(text.encode(), name="x.toml", error=ProtocolError)
