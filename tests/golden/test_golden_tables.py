"""Every kind of table as it is printed of the bundled synthetic cohort; `make golden` rewrites the files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bundled_contents import content_of
from cytopenia.report.sections import TABLES_OF_KIND
from cytopenia.report.table_model import Table
from table_text import show_table

pytestmark = pytest.mark.long

STUDIES = ("study", "definitions", "published", "survival", "more")
# 63 patients are too few for a point score.
NEVER_FILLED = {"table_point_score"}
MAKERS = sorted({maker.__name__ for makers in TABLES_OF_KIND.values() for maker in makers} - NEVER_FILLED)


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    """The first table of each kind that has rows, in the order of the studies."""
    found: dict[str, Table] = {}
    for content in map(content_of, STUDIES):
        for analysis in content.analyses:
            for maker in TABLES_OF_KIND.get(analysis["kind"], ()):
                table = maker(content, analysis["id"])
                if table.rows:
                    found.setdefault(maker.__name__, table)
    return found


def test_no_kind_of_table_is_forgotten(tables: dict[str, Table]) -> None:
    assert sorted(tables) == MAKERS


@pytest.mark.parametrize("name", MAKERS)
def test_a_table_is_as_it_was(
    name: str, tables: dict[str, Table], compare_golden: Callable[[str, str], None]
) -> None:
    compare_golden(f"{name}.txt", show_table(tables[name]))
