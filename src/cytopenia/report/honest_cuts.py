"""Cut-offs as published and corrected, side by side, with one plain sentence for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cytopenia.report.association_cells import (
    MODEL_METHODS,
    absent_cell,
    after_infusion_marks,
    clean_note,
    find_analysis,
    read_method,
)
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    choose_decimals,
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_percent,
    format_range,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.lookup import Estimate, ResultLookup, list_notes, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["MAXIMAL", "OUT_OF_BAG", "honest_sentences", "table_honest_cuts"]

MEASURES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "youden": "Youden J",
}
DECIMALS = 2
GROUPS = (
    "",
    "cut_apparent",
    "cut_corrected",
    "cut_test",
    "continuous",
    "continuous_per_iqr",
    "dichotomized",
)
TESTS = {
    "maximal_youden_exact": "P of the best of all cut-offs in either direction, all arrangements of the "
    "events counted",
    "maximal_youden_permutation": "P of the best of all cut-offs in either direction, from arrangements of "
    "the events drawn at random",
}
NAIVE_P = (
    "As if the cut-off had been fixed before the patients were seen; where it was chosen as the best, such a "
    "P is below 0.05 far more often than in 5% of factors without any effect"
)
WILSON = (
    "As published: numbers of the patients in whom the cut-off was chosen, with 95% confidence intervals by "
    "Wilson that do not know of the choice."
)
CORRECTED = (
    "Corrected: the cut-off is chosen anew in every bootstrap resample; its 95% interval holds the middle "
    "95% of these cut-offs, and the Youden index is the mean of those among the patients who were not drawn. "
    "The other numbers stay at the cut-off as published: what its Youden index is too high is taken from "
    "sensitivity and specificity. 95% intervals from resamples of the resamples. Predictive values hold at "
    "the share of events of this cohort."
)
OUT_OF_BAG = (
    "Efron B, Tibshirani R. J Am Stat Assoc 1997;92:548-560.",
    "https://doi.org/10.1080/01621459.1997.10474007",
)
WILSON_SOURCE = ("Wilson EB. J Am Stat Assoc 1927;22:209-212.", "")
MAXIMAL = ("Miller R, Siegmund D. Biometrics 1982;38:1011-1016.", "https://doi.org/10.2307/2529881")
NUMBER = (
    "Odds ratio: of the side of the cut-off that means the event (as published), and of the number itself, "
    "which needs no cut-off and loses nothing by one (corrected)."
)


@dataclass(frozen=True)
class HonestCuts:
    """The numbers of one analysis by the group of rows they stand in."""

    main: ResultLookup
    apparent: ResultLookup
    corrected: ResultLookup
    test: ResultLookup
    number: ResultLookup
    per_range: ResultLookup
    divided: ResultLookup
    notes: Footnotes

    @property
    def factors(self) -> list[str]:
        """Factors in the order of the results."""
        return self.corrected.variables

    def title(self, factor: str) -> str:
        """Title of a factor as the curves carry it."""
        return clean_text(self.main.title(factor))

    def label(self, factor: str) -> str:
        """The cut-off with the side that means the event, empty where there is none."""
        cut = self.main.get(factor, "cut")
        return "" if cut is None or cut.value is None else format_signs(clean_text(cut.text))


def read_honest_cuts(content: ReportContent, analysis_id: str) -> HonestCuts:
    """Return the numbers of one analysis of kind roc; without factors if nothing was resampled."""
    found = [select_results(content.results, analysis_id, group=group) for group in GROUPS]
    return HonestCuts(*found, notes=Footnotes())


def table_honest_cuts(content: ReportContent, analysis_id: str) -> Table:
    """Return each cut-off as published and corrected; without rows if nothing was resampled."""
    found = read_honest_cuts(content, analysis_id)
    rows = tuple(row for factor in found.factors for row in _factor_rows(found, factor))
    return Table(
        id=f"{analysis_id}-honest-cuts",
        caption="Cut-offs, honestly",
        columns=(Column("Factor", "left"), Column("As published"), Column("Corrected")),
        rows=rows,
        notes=tuple(_list_notes(content, found, analysis_id)) if rows else (),
        footnotes=tuple(found.notes.texts),
    )


def _factor_rows(found: HonestCuts, factor: str) -> Iterator[Row]:
    yield Row(
        found.title(factor),
        is_section=True,
        marks=after_infusion_marks([found.main], factor, found.notes),
    )
    cut = found.corrected.get(factor, "cut")
    if cut is None or cut.status == "not_done":
        refused = found.corrected.get(factor, "odds_ratio")
        yield Row("Cut-off", (Cell(found.label(factor)), absent_cell(refused, found.notes)), indent=1)
        return
    yield Row("Cut-off", _cut_cells(found, factor, cut), indent=1)
    if cut.status == "ok":
        for name, title in MEASURES.items():
            published, corrected = found.apparent.get(factor, name), found.corrected.get(factor, name)
            yield Row(title, (_share_cell(published, found), _share_cell(corrected, found)), indent=1)
    yield Row("P of the cut-off", _test_cells(found, factor), indent=1)
    yield from _number_rows(found, factor)


def _cut_cells(found: HonestCuts, factor: str, cut: Estimate) -> tuple[Cell, Cell]:
    if cut.status != "ok":
        return Cell(found.label(factor)), absent_cell(cut, found.notes)
    text = f"95% interval {format_range(cut.low, cut.high)}"
    return Cell(found.label(factor)), Cell(text, marks=found.notes.mark(_say_left_out(found, factor)))


def _say_left_out(found: HonestCuts, factor: str) -> str:
    """How many resamples there were, and how many took no part."""
    every, one_class, without = (
        found.corrected.value(factor, name) or 0 for name in ("resamples", "one_class", "without_cut")
    )
    text = plural(every, "resample")
    if one_class:
        text += f", {format_number(one_class)} of them left out because all had the event or nobody"
    if without:
        text += f", {format_number(without)} without a cut-off that beats chance left out"
    return text


def _share_cell(one: Estimate | None, found: HonestCuts) -> Cell:
    """Return "0.71 (0.50-0.86)", or a dash with its reason."""
    if one is None or one.value is None:
        return absent_cell(one, found.notes)
    text = format_number(one.value, DECIMALS)
    if one.low is not None and one.high is not None:
        text += f" ({format_range(one.low, one.high, DECIMALS)})"
    return Cell(text)


def _test_cells(found: HonestCuts, factor: str) -> tuple[Cell, Cell]:
    naive = _find_divided(found, factor, "p_value")
    if naive is None or naive.value is None:
        published = absent_cell(naive, found.notes)
    else:
        published = Cell(format_p(naive.value), marks=found.notes.mark(NAIVE_P))
    test = found.test.get(factor, "p_value")
    if test is None or test.value is None:
        return published, absent_cell(test, found.notes)
    return published, Cell(format_p(test.value), marks=found.notes.mark(TESTS.get(test.text, "")))


def _find_divided(found: HonestCuts, factor: str, name: str) -> Estimate | None:
    """A number of the side of the cut-off that means the event; else why there is none."""
    levels = ["", *found.divided.levels(factor)]
    known = (found.divided.get(factor, name, level=level) for level in levels)
    return next((one for one in known if one is not None), None)


def _number_rows(found: HonestCuts, factor: str) -> Iterator[Row]:
    spread = found.per_range.value(factor, "interquartile_range")
    wide = "" if spread is None else f" ({format_number(spread)})"
    divided = _odds_cell(_find_divided(found, factor, "odds_ratio"), found)
    per_range = _odds_cell(found.per_range.get(factor, "odds_ratio"), found)
    yield Row(f"Odds ratio; of the number per interquartile range{wide}", (divided, per_range), indent=1)
    per_unit = _odds_cell(found.number.get(factor, "odds_ratio"), found)
    yield Row("Odds ratio of the number per unit", (Cell(), per_unit), indent=1)
    p_value = found.number.get(factor, "p_value")
    if p_value is not None and p_value.value is not None:
        method = MODEL_METHODS.get(read_method(p_value.text), "")
        cell = Cell(format_p(p_value.value), marks=found.notes.mark(method))
        yield Row("P of the number", (Cell(), cell), indent=1)


def _odds_cell(one: Estimate | None, found: HonestCuts) -> Cell:
    if one is None or one.value is None:
        return absent_cell(one, found.notes)
    text = format_odds_ratio(one.value, one.low, one.high)
    return Cell(text, marks=found.notes.mark(clean_note(one.note)))


def _list_notes(content: ReportContent, found: HonestCuts, analysis_id: str) -> Iterator[str]:
    analysis = find_analysis(content, analysis_id)
    outcome = lower_first(outcome_title(content, str(analysis.get("outcome") or "the outcome")))
    for factor in found.factors:
        yield from _say_plainly(found, factor, outcome)
    gates = list_notes(content.results, analysis_id, group="gate")
    yield from (f"{clean_text(note).rstrip('.')}." for note in gates)
    yield WILSON
    yield CORRECTED
    yield NUMBER


def _say_plainly(found: HonestCuts, factor: str, outcome: str) -> Iterator[str]:
    """What the cut-off of one factor is worth, for a reader who wants to use it."""
    cut = found.corrected.get(factor, "cut")
    if cut is None or cut.status != "ok":
        return
    # A number whose decimals are those of its interval in the table.
    digits = choose_decimals([cut.high, cut.low])
    ends = " to ".join(format_number(end, digits) for end in (cut.low, cut.high))
    text = (
        f"{found.title(factor)}: other patients like these could as well have given any cut-off from {ends}."
    )
    expected = [_as_percent(found.corrected.value(factor, name)) for name in ("sensitivity", "specificity")]
    here = [_as_percent(found.apparent.value(factor, name)) for name in ("sensitivity", "specificity")]
    if all((*expected, *here)):
        text += (
            f" In other patients expect a sensitivity of {expected[0]} and a specificity of {expected[1]}, "
            f"not {here[0]} and {here[1]}"
        )
        youden = found.corrected.get(factor, "youden")
        is_unsure = youden is not None and youden.low is not None and youden.low <= 0
        text += "; it may be no better than chance." if is_unsure else "."
    test = found.test.value(factor, "p_value")
    if test is not None:
        text += (
            f" If the marker had nothing to do with {outcome}, some cut-off would still look as good as this "
            f"one in {format_percent(100 * test)} of such cohorts."
        )
    yield text


def _as_percent(share: float | None) -> str:
    return "" if share is None else f"{format_number(100 * share, 0)}%"


def honest_sentences(
    content: ReportContent, analysis_ids: list[str], cite: Callable[[str, str], str]
) -> Iterator[str]:
    """Sentences of the Methods: how the cut-offs of some analyses were resampled and tested.

    `cite` returns the number of a source, given its text and its address.
    """
    ran = [name for name in analysis_ids if _count_resamples(content, name)]
    if not ran:
        return
    counts = dict.fromkeys(format_number(_count_resamples(content, name)) for name in ran)
    seed = content.settings.get("seed")
    started = "" if seed is None else f", seed {seed}"
    yield (
        f"How sure each cut-off is was told by {' or '.join(counts)} bootstrap resamples of the patients "
        f"(drawn with replacement from all{started}), in each of which the cut-off was chosen anew: its 95% "
        "interval holds the middle 95% of these cut-offs. The Youden index was corrected for the choice by "
        f"its mean among the patients not drawn {cite(*OUT_OF_BAG)}; what it was too high was taken from "
        "sensitivity and specificity at the cut-off, in parts as the inverse of the numbers with and without "
        "the event, and the predictive values follow from them. The intervals of these numbers are from "
        "resamples of the resamples, those of the uncorrected numbers are Wilson's "
        f"{cite(*WILSON_SOURCE)}."
    )
    yield (
        "The P of the best of all cut-offs, in either direction, is the share of all arrangements of the "
        f"events over the values with a Youden index as large {cite(*MAXIMAL)}. Beside the odds ratio of the "
        "two sides stands that of the number itself, per interquartile range and per unit."
    )


def _count_resamples(content: ReportContent, analysis_id: str) -> float | None:
    lookup = select_results(content.results, analysis_id, group="cut_corrected")
    counts = (lookup.value(name, "resamples") for name in lookup.variables)
    return next((count for count in counts if count), None)
