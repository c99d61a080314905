"""Every kind of table as it is printed of the bundled synthetic cohort; `make golden` rewrites the files."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from cytopenia.report.sections import TABLES_OF_KIND
from cytopenia.report.table_model import Table
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study
from more_tables import write_more
from table_text import show_table

pytestmark = pytest.mark.long

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
STUDIES = ("study", "definitions", "published", "survival", "more")
# 63 patients are too few for a point score.
NEVER_FILLED = {"table_point_score"}
MAKERS = sorted({maker.__name__ for makers in TABLES_OF_KIND.values() for maker in makers} - NEVER_FILLED)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    """The first table of each kind that has rows, in the order of the studies."""
    more = write_more(EXAMPLE, tmp_path_factory.mktemp("golden") / "more")
    found: dict[str, Table] = {}
    for name in STUDIES:
        path = more if name == "more" else EXAMPLE / f"{name}.toml"
        content = collect_content(analyze_study(path), read_protocol(path))
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
