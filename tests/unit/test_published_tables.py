"""Published and constructed tables beside verdicts made by hand: one TOML file each.

Figures of papers are facts typed from the source that the file names; a constructed table says so in its
title, and why its verdict is right stands in `about`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cytopenia.published.claim_forms import CLAIM_FORMS
from cytopenia.published.claims import read_paper
from cytopenia.published.relation_forms import RELATION_FORMS
from cytopenia.published.verify import verify_paper

TABLES = sorted((Path(__file__).parents[1] / "published_tables").glob("*.toml"))
MILDEST_FIRST = ("consistent", "cannot be checked", "rounding convention", "inconsistent")


def test_there_are_tables() -> None:
    assert len(TABLES) >= 10


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_verdicts_are_those_made_by_hand(path: Path) -> None:
    table = tomllib.loads(path.read_text("utf-8"))
    wanted = table.pop("verdicts")
    checks = verify_paper(read_paper(table, name=path.name))
    found: dict[str, str] = {}
    for check in checks.iter_rows(named=True):
        given = (found.get(check["id"], MILDEST_FIRST[0]), check["verdict"])
        found[check["id"]] = max(given, key=MILDEST_FIRST.index)
    assert found == wanted


def test_every_kind_is_documented_in_a_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verify.md").read_text("utf-8")
    page = page.partition("## What is checked")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {name for cell in first_cells for name in cell.replace("`", "").replace(" ", "").split(",")}
    assert told == {*CLAIM_FORMS, *RELATION_FORMS}
