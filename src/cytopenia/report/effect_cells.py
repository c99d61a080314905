"""Cells and notes of effect sizes and of P values adjusted over a family of tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cytopenia.report.association_cells import Association, absent_cell, clean_note
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    choose_decimals,
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_range,
)
from cytopenia.report.lookup import Estimate, select_results
from cytopenia.report.table_model import Cell

__all__ = [
    "CROSSTAB_EFFECTS",
    "adjusted_cell",
    "adjusted_title",
    "crosstab_effect_cell",
    "effect_cell",
    "effect_note",
    "family_notes",
    "list_crosstab_effects",
    "list_effects",
]

RISK_DIFFERENCE = "risk_difference"
OF_NUMBERS = ("shift", "mean_difference")
PERCENT = 100
MOST_DECIMALS = 4
# With parity "r" these come from the search of wilcox.test, which stops so near to the number it looks for.
SEARCHED = ("hodges_lehmann_continuity", "hodges_lehmann_asymptotic")
R_TOLERANCE = 1e-4
NOTES: Mapping[str, str] = {
    "shift": "of a number the Hodges-Lehmann shift (median of all differences between a patient with and one "
    "without the event)",
    "mean_difference": "of a number tested by Welch's test the difference of means, patients with the event "
    "minus those without",
    RISK_DIFFERENCE: "of a level the risk of the event minus that at the reference level, in percentage "
    "points (Newcombe's interval)",
}


# Of a cross table, each in a column of its own.
CROSSTAB_EFFECTS: Mapping[str, tuple[str, str]] = {
    RISK_DIFFERENCE: ("Risk difference, % points (95% CI)", "risk of the event at a level minus that at the "
                      "reference level, with Newcombe's interval"),
    "risk_ratio": ("Risk ratio (95% CI)", "ratio of these risks, with Koopman's score interval"),
    "odds_ratio": ("Odds ratio (95% CI)", "conditional odds ratio against the reference level, with its "
                   "exact interval"),
}  # fmt: skip


def list_effects(found: Association) -> list[str]:
    """Return which effect sizes the table shows, in the order of the notes."""
    names = {key[4] for key in found.effects.estimates}
    return [name for name in NOTES if name in names]


def list_crosstab_effects(found: Association) -> list[str]:
    """Return the effect sizes of a cross table, in the order of its columns."""
    names = {key[4] for key in found.effects.estimates}
    return [name for name in CROSSTAB_EFFECTS if name in names]


def crosstab_effect_cell(found: Association, factor: str, level: str, *, name: str) -> Cell:
    """Return one effect size of a level with its interval, the reference, or a dash with its reason."""
    if found.effects.get(factor, "reference", level=level) is not None:
        return Cell("reference", tone="quiet")
    estimate = found.effects.get(factor, name, level=level)
    if name == RISK_DIFFERENCE:
        return _print(found, estimate, PERCENT)
    if estimate is None or estimate.value is None:
        return absent_cell(estimate, found.notes)
    marks = found.notes.mark(clean_note(estimate.note))
    return Cell(format_odds_ratio(estimate.value, estimate.low, estimate.high), marks=marks)


def effect_cell(found: Association, factor: str, level: str) -> Cell:
    """Return "-1.20 (-2.05 to -0.31)" of a number or of a level, the reference, or a dash with its reason."""
    if found.effects.get(factor, "reference", level=level) is not None:
        return Cell("reference", tone="quiet")
    if level:
        return _print(found, found.effects.get(factor, RISK_DIFFERENCE, level=level), PERCENT)
    names = (*OF_NUMBERS, RISK_DIFFERENCE)
    estimates = (found.effects.get(factor, name) for name in names)
    return _print(found, next((one for one in estimates if one is not None), None), 1)


def _print(found: Association, estimate: Estimate | None, scale: float) -> Cell:
    if estimate is None or estimate.value is None:
        return absent_cell(estimate, found.notes)
    is_searched = found.analysis.get("parity") == "r" and estimate.text in SEARCHED
    value, low, high = (
        None if number is None else (_drop_search(number) if is_searched else number) * scale
        for number in (estimate.value, estimate.low, estimate.high)
    )
    marks = found.notes.mark(clean_note(estimate.note))
    if value is None or low is None or high is None:
        return Cell(format_number(value), marks=marks)
    digits = 1 if scale == PERCENT else _choose_decimals(value, low, high)
    return Cell(f"{format_number(value, digits)} ({format_range(low, high, digits)})", marks=marks)


def _drop_search(number: float) -> float:
    """The number that R's search stopped beside, if it has no more than three decimals."""
    near = round(number, 3)
    return near if abs(number - near) <= R_TOLERANCE else number


def _choose_decimals(value: float, low: float, high: float) -> int:
    """As many as the larger limit suits, and more where a number that is not 0 would look like it."""
    size = max(abs(low), abs(high))
    digits = choose_decimals([size, value, low, high])
    numbers = [number for number in (value, low, high) if number]
    while digits < MOST_DECIMALS and any(abs(number) < 0.5 * 10**-digits for number in numbers):
        digits += 1
    return digits


def effect_note(found: Association) -> str:
    """Return what the column of effect sizes holds."""
    shown = [NOTES[name] for name in list_effects(found)]
    return f"Difference, with its 95% confidence interval (CI): {'; '.join(shown)}." if shown else ""


def adjusted_title(found: Association) -> str:
    """Return the title of the column of adjusted P, empty where there is none."""
    methods = [one.text for key, one in found.tests.estimates.items() if key[4] == "p_adjusted"]
    if not methods:
        return ""
    return "q (BH)" if methods[0] == "benjamini_hochberg" else "P (Holm)"


def adjusted_cell(found: Association, factor: str, level: str) -> Cell:
    """Return the adjusted P beside its factor, or a dash with the reason why there is no test."""
    if level:
        return Cell()
    estimate = found.tests.get(factor, "p_adjusted")
    if estimate is None or estimate.value is None:
        return absent_cell(estimate, found.notes)
    return Cell(format_p(estimate.value))


def family_notes(content: ReportContent, analysis_id: str) -> Iterator[str]:
    """Return over how many tests the P values of an analysis were adjusted, and by which method."""
    families = select_results(content.results, analysis_id, group="family")
    for one in families.estimates.values():
        yield f"Adjusted P: by {clean_text(one.note)}; P stands as each test gave it."
