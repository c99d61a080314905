"""A number of a definition, protocol, paper or mapping file is a number: neither true nor a text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from cytopenia.definition_forms import FORMS, Coefficients, RecoveryTimeDefinition
from cytopenia.definitions import load_library
from cytopenia.errors import DefinitionError, ProtocolError
from cytopenia.published.claims import Paper
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.study.protocol import read_protocol
from cytopenia.study.protocol_forms import Protocol
from study_files import STUDY

ROOTS = [*FORMS.values(), RecoveryTimeDefinition, Coefficients, Protocol, Paper, DataSection]


def list_forms(roots: list[type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """Every form that can stand in a file, by its name."""
    found: dict[str, type[BaseModel]] = {}
    while roots:
        form = roots.pop()
        name = f"{form.__module__}.{form.__name__}"
        if name not in found:
            found[name] = form
            roots += [inner for field in form.model_fields.values() for inner in forms_in(field.annotation)]
    return found


def forms_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from forms_in(inner)


def numbers_in(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The annotations of numbers in the annotation of a field, with what decorates them."""
    if annotation in (int, float):
        yield Annotated.__class_getitem__((annotation, *metadata)) if metadata else annotation
    elif get_origin(annotation) is Annotated:
        inner, *decoration = get_args(annotation)
        yield from numbers_in(inner, tuple(decoration))
    else:
        for inner in get_args(annotation):
            yield from numbers_in(inner)


NUMBERS = {
    f"{name}.{key}.{place}": number
    for name, form in sorted(list_forms([*ROOTS]).items())
    for key, field in form.model_fields.items()
    for place, number in enumerate(numbers_in(field.annotation, tuple(field.metadata)))
}


def test_the_forms_have_numbers() -> None:
    names = " ".join(NUMBERS)
    for known in ("GradeRule.days", "OutcomeSpec.min_grade", "Limit.value", "GatesDefinition.per_term"):
        assert known in names


@pytest.mark.parametrize("given", [True, False, "1"])
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_no_number_is_read_from_a_boolean_or_a_text(number: Any, given: object) -> None:
    with pytest.raises(ValidationError, match=r"valid (integer|number)"):
        TypeAdapter(number).validate_python(given)


MINE = """id = "mine"
kind = "grades"
title = "Mine"
version = "1"
status = "assumed"
citation = { text = "Here" }
[anc]
title = "ANC"
analyte = "anc"
unit = "1e9/L"
window = [0, 28]
counting = { status = "assumed", days = "cumulative" }
grades = [{ grade = 1, below = 1.0, days = 3, text = "a" }]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("grade = 1,", "grade = true,", "'anc.grades.1.grade' is true; allowed: a whole number"),
        (
            "days = 3",
            "days = true",
            "'anc.grades.1.days' is true; allowed: a whole number, or 'all'",
        ),
        ("[0, 28]", "[false, 28]", "'anc.window.1' is false; allowed: a whole number"),
        ("[0, 28]", '[0, "28"]', "'anc.window.2' is '28'; allowed: a whole number"),
        ("below = 1.0", "below = true", "'anc.grades.1.below': is true; allowed: a number"),
    ],
)
def test_a_boolean_in_a_definition_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "mine.toml").write_text(MINE.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_library(tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed = 1", "seed = true", "'study.seed' is true; allowed: a whole number"),
        (
            "min_grade = 3",
            "min_grade = true",
            "min_grade' is true; allowed: a whole number",
        ),
    ],
)
def test_a_boolean_in_a_protocol_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in STUDY
    (tmp_path / "study.toml").write_text(STUDY.replace(old, new), "utf-8")
    with pytest.raises(ProtocolError) as caught:
        read_protocol(tmp_path / "study.toml")
    assert words in str(caught.value)


def test_a_boolean_as_a_level_of_a_factor_is_one_problem(tmp_path: Path) -> None:
    more = '\n[factors.who]\ncolumn = "sex"\nlevels = { women = [true], men = ["male"] }\n'
    (tmp_path / "study.toml").write_text(STUDY + more, "utf-8")
    with pytest.raises(ProtocolError) as caught:
        read_protocol(tmp_path / "study.toml")
    assert str(caught.value).count("levels.women.1") == 1
    assert "'factors.who.levels.women.1': is true; allowed: a text or a number" in str(caught.value)


def test_a_boolean_in_a_mapping_is_told(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[labs]\nlln = { anc = { value = true, unit = "1e9/L" } }\n', "utf-8")
    with pytest.raises(ProtocolError) as caught:
        read_mapping(tmp_path / "map.toml")
    assert "'labs.lln.anc.value' is true; allowed: a number" in str(caught.value)
