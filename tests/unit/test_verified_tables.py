"""The table of a paper checked against itself: what stands in it, and what is only counted."""

from __future__ import annotations

import polars as pl

from cytopenia.published.verify import CHECK_SCHEMA
from cytopenia.report.verified_tables import table_paper_checks

HEAD = {"where": "Table I", "printed": "45 (71.42%)", "arithmetic": "100 x 45 / 63", "note": ""}


def make_checks(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "id": f"a{place}",
                "about": name,
                "check": check,
                "verdict": verdict,
                "severity": "",
                "repair": repair,
                **HEAD,
            }
            for place, (name, check, verdict, repair) in enumerate(rows)
        ],
        schema=CHECK_SCHEMA,
    )


CHECKS = make_checks(
    ("Males", "percentage of the count", "consistent", ""),
    ("Females", "percentage of the count", "inconsistent", "28.57 for 82.57"),
    ("Stage", "alone", "cannot be checked", ""),
)


def test_what_is_consistent_is_counted_unless_all_is_asked_for() -> None:
    table = table_paper_checks(CHECKS)
    assert [row.header for row in table.rows] == ["Inconsistent: 1", "Females"]
    assert table.rows[1].cells[-1].bounds == "Likely: 28.57 for 82.57."
    assert "without a row here: 1 check." in table.notes[1]
    assert "the other 1 claim" in table.notes[2]
    everything = table_paper_checks(CHECKS, show_all=True)
    assert [row.header for row in everything.rows if not row.is_section] == ["Females", "Males"]


def test_the_remark_of_a_paper_is_the_last_note() -> None:
    notes = table_paper_checks(CHECKS, remark="An invented cohort prints it.").notes
    assert notes == (*table_paper_checks(CHECKS).notes, "An invented cohort prints it.")


def test_a_paper_in_which_nothing_is_wrong_shows_what_was_checked() -> None:
    table = table_paper_checks(CHECKS[:1])
    assert [row.header for row in table.rows] == ["Consistent: 1", "Males"]


def test_without_checks_there_is_no_table() -> None:
    assert table_paper_checks(pl.DataFrame()).rows == ()
