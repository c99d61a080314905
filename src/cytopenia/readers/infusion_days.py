"""Infusion dates that stand beside laboratory values: whose they are, and whether they agree."""

from __future__ import annotations

import polars as pl

from cytopenia.readers.proposal_parts import EMPTY, Part, ask, quote
from cytopenia.readers.table_guesses import SheetGuess
from cytopenia.values import is_missing_text

__all__ = ["ask_infusion_days", "find_infusion_days"]


def find_infusion_days(sheet: SheetGuess) -> str | None:
    """Return why the rows of laboratory values say when the infusion was, or None where they do not.

    The date may stand in every row of a patient or in one alone. A heading that means other dates as well
    counts only where no patient has two.
    """
    picked = sheet.pick("infusion_date", "infusions")
    if picked is None or sheet.rows_are_patients or sheet.sheet_is == "patient_id":
        return None
    guess, role = picked
    dates = _count_dates(sheet)
    if not role.certain and (dates is None or (dates["dates"] > 1).any()):
        return None
    if 0 < guess.content.filled == guess.content.rows:
        return "every row says when the infusion was"
    if dates is None:
        return None
    having = int((dates["dates"] > 0).sum())
    if not having:
        return None
    noun = "patient has" if dates.height == 1 else "patients have"
    return f"{having:,} of {dates.height:,} {noun} an infusion date, not in every row"


def ask_infusion_days(sheet: SheetGuess) -> Part:
    """Return a question where the rows of a patient say different infusion dates."""
    dates, picked = _count_dates(sheet), sheet.pick("infusion_date", "infusions")
    several = 0 if dates is None else int((dates["dates"] > 1).sum())
    if dates is None or picked is None or not several:
        return EMPTY
    noun = "patient has" if dates.height == 1 else "patients have"
    what = f"{several:,} of {dates.height:,} {noun} more than one date in {quote(picked[0].heading)}"
    question = f"infusions: {what} of {sheet.found.name}. Days count from the first, and the course ends at "
    return ask(f"{question}the second. Correct what is wrong; settle this where they were infused again.")


def _count_dates(sheet: SheetGuess) -> pl.DataFrame | None:
    """How many different infusion dates each patient has."""
    patient, infusion = sheet.pick("patient_id"), sheet.pick("infusion_date", "infusions")
    if patient is None or infusion is None:
        return None
    people, days = (
        cells.set(is_missing_text(cells), None).str.strip_chars()
        for cells in (patient[0].cells, infusion[0].cells)
    )
    if patient[0].content.filled == patient[0].content.distinct:
        # Blanks under a filled cell are rows of the patient above.
        people = people.fill_null(strategy="forward")
    frame = pl.DataFrame({"patient": people, "day": days}).drop_nulls("patient")
    return frame.group_by("patient").agg(dates=pl.col("day").drop_nulls().n_unique())
