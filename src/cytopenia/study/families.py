"""P values adjusted over the family of tests that the protocol declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cytopenia.results import ResultRow
from cytopenia.stats.adjustments import adjust_p_values
from cytopenia.study.analysis_forms import Analysis
from cytopenia.study.named_tests import Tested

__all__ = ["adjust_families"]

METHOD_NAMES = {"holm": "Holm", "benjamini_hochberg": "Benjamini and Hochberg"}


@dataclass(frozen=True)
class _Family:
    """Tests that are adjusted together: a named family, or the tests of one analysis."""

    name: str
    method: str
    analyses: tuple[str, ...]

    def describe(self, tests: int) -> str:
        what = f"{METHOD_NAMES[self.method]} over {tests} test{'s' if tests != 1 else ''}"
        if not self.name:
            return f"{what} of this analysis"
        return f"{what} of the family '{self.name}' ({', '.join(self.analyses)})"


def adjust_families(rows: Iterable[ResultRow], analyses: Iterable[Analysis]) -> list[ResultRow]:
    """Return the rows with an adjusted P beside each P of a test whose analysis asks for it.

    A family is the tests of the column p of one analysis, or of all analyses that give the same family name;
    the one test of a cross table is among them, its pairs of levels have an adjustment of their own. Tests
    that could not be done are not counted. The size of the family stands in a row of group `family` before
    the first test. Rows of other analyses are as they were.
    """
    found = list(rows)
    families = _find_families(analyses)
    if not families:
        return found
    adjusted: dict[int, float | None] = {}
    sizes: dict[str, int] = {}
    for family in dict.fromkeys(families.values()):
        places = [
            place
            for place, row in enumerate(found)
            if _is_test(row) and families.get(row.analysis_id) == family
        ]
        p_values = [found[place].value for place in places]
        adjusted |= dict(zip(places, adjust_p_values(p_values, method=family.method), strict=True))
        sizes |= dict.fromkeys(family.analyses, sum(p is not None for p in p_values))
    return list(_insert(found, families, sizes, adjusted))


def _find_families(analyses: Iterable[Analysis]) -> dict[str, _Family]:
    """The family of each analysis that asks for one."""
    members: dict[tuple[str, str], list[str]] = {}
    methods: dict[tuple[str, str], str] = {}
    for analysis in analyses:
        if isinstance(analysis, Tested) and analysis.adjust is not None:
            name = analysis.adjust.family or ""
            key = (name, "" if name else analysis.id)
            members.setdefault(key, []).append(analysis.id)
            methods[key] = analysis.adjust.method
    return {one: _Family(key[0], methods[key], tuple(ids)) for key, ids in members.items() for one in ids}


def _is_test(row: ResultRow) -> bool:
    return row.group == "test" and row.estimate == "p_value"


def _insert(
    rows: Iterable[ResultRow],
    families: Mapping[str, _Family],
    sizes: Mapping[str, int],
    adjusted: Mapping[int, float | None],
) -> Iterator[ResultRow]:
    told: set[str] = set()
    for place, row in enumerate(rows):
        if place not in adjusted:
            yield row
            continue
        family = families[row.analysis_id]
        words = family.describe(sizes[row.analysis_id])
        if row.analysis_id not in told:
            told.add(row.analysis_id)
            yield ResultRow(
                analysis_id=row.analysis_id,
                group="family",
                variable=family.name or row.analysis_id,
                estimate="tests",
                value=sizes[row.analysis_id],
                text=family.method,
                note=words,
            )
        yield row
        value = adjusted[place]
        yield replace(
            row,
            estimate="p_adjusted",
            value=value,
            low=None,
            high=None,
            text=family.method,
            note=words if value is not None else row.note,
        )
