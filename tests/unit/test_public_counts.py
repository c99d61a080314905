"""Counts of an analysis for the public, from hand-made results of the bundled study file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from cytopenia.errors import DataError, OutputError, ProtocolError
from cytopenia.public_file import ExportRequest, export_counts
from cytopenia.report.public_counts import print_public
from cytopenia.results import ResultRow, collect_results
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.public_counts import find_exported, hide_results

EXAMPLE = Path(__file__).parents[2] / "src" / "cytopenia" / "data" / "example"


@pytest.fixture(scope="module")
def study() -> Study:
    return read_protocol(EXAMPLE / "study.toml")


def make_results(
    sizes: tuple[int, int], factors: Mapping[str, Mapping[str, tuple[int, int]]], analysis: str = "table1"
) -> pl.DataFrame:
    """Counts by event and no event, as a run has them."""
    levels = {"patients": {"": sizes}, **factors}
    return collect_results(
        ResultRow(
            analysis_id=analysis,
            group="groups",
            stratum=stratum,
            variable=factor,
            variable_level=level,
            scenario="policy",
            estimate="count",
            value=float(count),
        )
        for factor, counts in levels.items()
        for level, both in counts.items()
        for stratum, count in zip(("event", "no event"), both, strict=True)
    )


def read_printed(found: pl.DataFrame, smallest: int) -> dict[tuple[str, str, str], str]:
    printed = print_public(found, smallest=smallest)
    return {row[:3]: row[3] for row in printed.select("factor", "level", "group", "patients").iter_rows()}


def test_small_counts_and_their_partners_are_hidden(study: Study) -> None:
    """Sex: 16 and 2, 34 and 11, of 50 and 13. 2 is small; 11 gives it away by 13, 16 and 34 by their sums."""
    results = make_results((50, 13), {"sex": {"female": (16, 2), "male": (34, 11)}})
    found = hide_results(results, study, find_exported(study, "table1"), smallest=5)
    assert read_printed(found.counts, 5) == {
        ("sex", "female", "event"): "hidden",
        ("sex", "female", "no event"): "<5",
        ("sex", "female", "all"): "18",
        ("sex", "male", "event"): "hidden",
        ("sex", "male", "no event"): "hidden",
        ("sex", "male", "all"): "45",
    }
    assert found.counts["percent"].to_list() == [None, None, 100 * 18 / 63, None, None, 100 * 45 / 63]
    assert ("age_years", "a number: it has no levels") in found.left_out


def test_patients_without_a_level_are_a_level_of_their_own(study: Study) -> None:
    """50 and 50, of whom 40 and 30 are women, 10 and 14 men: 6 of the second have no sex."""
    results = make_results((50, 50), {"sex": {"female": (40, 30), "male": (10, 14)}})
    found = hide_results(results, study, find_exported(study, "table1"), smallest=2)
    printed = read_printed(found.counts, 2)
    assert printed["sex", "missing", "event"] == "<2"
    assert {printed["sex", "missing", group] for group in ("no event", "all")} <= {"6", "hidden"}


def test_two_groupings_of_the_same_thing_are_not_both_shown(study: Study) -> None:
    """Response at day 30 by four levels and by two: a sum of the first is a count of the second."""
    analysis = find_exported(study, "table1").model_copy(update={"factors": ("response", "overall_response")})
    levels = {
        "response": {"CR": (20, 9), "PD": (30, 9)},
        "overall_response": {"CR or PR": (20, 9), "PD": (30, 9)},
    }
    found = hide_results(make_results((50, 18), levels), study, analysis, smallest=5)
    assert found.left_out == (("overall_response", "groups the same as response"),)
    assert set(found.counts["factor"]) == {"response"}


def test_a_zero_is_hidden_and_a_level_of_everybody_shown(study: Study) -> None:
    """All 50 are men, and no one of the 20 is: a zero is small. A factor of one level has no small count."""
    results = make_results((50, 20), {"sex": {"male": (50, 0), "female": (0, 20)}})
    found = hide_results(results, study, find_exported(study, "table1"), smallest=5)
    assert found.counts.filter(pl.col("level") == "male")["patients"].to_list()[1] is None
    one = make_results((50, 20), {"sex": {"male": (50, 20)}})
    assert (
        hide_results(one, study, find_exported(study, "table1"), smallest=5).counts["status"].to_list()
        == ["shown"] * 3
    )


def test_a_group_below_the_smallest_count_is_refused(study: Study) -> None:
    results = make_results((50, 4), {"sex": {"female": (16, 2), "male": (34, 2)}})
    with pytest.raises(DataError, match="a group of 'table1' has fewer patients"):
        hide_results(results, study, find_exported(study, "table1"), smallest=5)


def test_only_counts_by_outcome_can_be_exported(study: Study) -> None:
    with pytest.raises(ProtocolError, match=r"'recovery' counts no levels by outcome.*table1, table_s2"):
        find_exported(study, "recovery")
    with pytest.raises(ProtocolError, match=r"'tabel1' is no analysis.*table1"):
        find_exported(study, "tabel1")


def test_a_request_that_hides_nothing_is_refused(tmp_path: Path) -> None:
    request = ExportRequest(study=EXAMPLE, analysis="table1", smallest=1, out=tmp_path / "public.csv")
    with pytest.raises(DataError, match="it must be at least 2"):
        export_counts(request)
    other = ExportRequest(study=EXAMPLE, analysis="table1", smallest=5, out=tmp_path / "public.xlsx")
    with pytest.raises(OutputError, match=r"ends in \.csv"):
        export_counts(other)
    assert list(tmp_path.iterdir()) == []
