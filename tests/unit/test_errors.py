"""Exit codes, the shape of a message, and the page that explains the errors."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from cytopenia import errors
from cytopenia.errors import CytopeniaError, DataError, MissingColumnError, UnitError

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
CLASSES = [
    item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, CytopeniaError)
]
KINDS = [item for item in CLASSES if item not in (CytopeniaError, MissingColumnError)]


def test_every_kind_has_its_own_exit_code() -> None:
    codes = {item.exit_code for item in [CytopeniaError, *KINDS]}
    assert codes == {1, 10, 11, 12, 13, 14, 15}
    assert len(codes) == len(KINDS) + 1


def test_a_missing_column_is_a_data_error() -> None:
    assert MissingColumnError.exit_code == DataError.exit_code
    with pytest.raises(DataError, match="no column 'unit'"):
        raise MissingColumnError("labs: no column 'unit'")


@pytest.mark.parametrize("kind", [DataError, UnitError])
def test_wrong_values_can_be_caught_as_value_errors(kind: type[CytopeniaError]) -> None:
    with pytest.raises(ValueError, match="crp in 'mg'"):
        raise kind("crp in 'mg'")


@pytest.mark.parametrize("item", CLASSES)
def test_the_tree_in_the_docstring_shows_the_class(item: type[CytopeniaError]) -> None:
    line = next(row for row in str(errors.__doc__).splitlines() if re.search(rf"\b{item.__name__}\b", row))
    assert re.search(rf"\b{item.exit_code}\b", line)


@pytest.mark.parametrize("item", CLASSES)
def test_the_page_of_errors_has_a_row(item: type[CytopeniaError]) -> None:
    assert f"| `{item.__name__}` | {item.exit_code} |" in PAGE.read_text("utf-8")


def test_the_nearest_name_is_suggested() -> None:
    assert errors.suggest_name("platelet", ["anc", "platelets"]) == " (did you mean 'platelets'?)"


@pytest.mark.parametrize("allowed", [[], ["anc", "wbc"]])
def test_no_name_is_suggested_when_none_is_near(allowed: list[str]) -> None:
    assert errors.suggest_name("hemoglobin", allowed) == ""


def test_all_problems_stand_in_one_message() -> None:
    text = errors.join_problems("labs: 2 problems", ["no column 'unit'", "no column 'day'"])
    assert text.splitlines() == ["labs: 2 problems", "  - no column 'unit'", "  - no column 'day'"]
