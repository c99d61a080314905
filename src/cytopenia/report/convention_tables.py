"""Results to display tables: what each program gives, and which conclusions depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.report.association_cells import absent_cell, clean_note
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_odds_ratio,
    format_p_beside,
    format_signs,
    plural,
)
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.lookup import Estimate
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "Asked",
    "list_asked",
    "read_level",
    "table_program_conclusions",
    "table_program_cuts",
    "table_program_tests",
]

CONVENTIONS, CUT = "conventions", "cut"
PROGRAMS = {
    "spss": "SPSS",
    "r": "R",
    "scipy": "SciPy",
    "statsmodels": "statsmodels",
    "logistf": "logistf",
}
# logistf is a package of R.
COLUMNS = {"SPSS": ("spss",), "R": ("r", "logistf"), "SciPy, statsmodels": ("scipy", "statsmodels")}
CUT_COLUMNS = {"SPSS, pROC": "spss", "cutpointr, scikit-learn": "cutpointr"}
TESTS = {
    "mann_whitney_asymptotic": "Mann-Whitney, asymptotic",
    "mann_whitney_continuity": "Mann-Whitney, with continuity correction",
    "mann_whitney_exact": "Mann-Whitney, exact",
    "mann_whitney_exact_untied": "Mann-Whitney, exact, not corrected for ties",
    "student_t": "Student's t test",
    "welch_t": "Welch's t test",
    "chi_squared": "chi-squared",
    "chi_squared_yates": "chi-squared with Yates' correction",
    "likelihood_ratio_chi_squared": "likelihood ratio chi-squared",
    "fisher_exact": "Fisher's exact test",
    "fisher_monte_carlo": "Fisher's exact test by Monte Carlo sampling",
    "linear_by_linear": "linear-by-linear association",
    "cochran_armitage": "Cochran-Armitage trend",
    "wald": "Wald test",
    "likelihood_ratio": "likelihood ratio test",
    "penalized_likelihood_ratio": "penalized likelihood ratio test (logistf)",
}
QUESTIONS = {
    "trend": "trend",
    "means": "means",
    "univariable": "logistic model",
    "multivariable": "term of the multivariable model",
}
ODDS = "odds_ratio_"
ODDS_NOTE = "OR, odds ratio with its 95% confidence interval by the same statistic."
NO_SPSS = (
    "SPSS: by its documentation. No SPSS was run. R: what wilcox.test, chisq.test, fisher.test, "
    "prop.trend.test and glm give by default; SciPy and statsmodels likewise."
)
UNSETTLED = (
    "Here the same patients give P on both sides of {level}, by which test a program prints. Whether this "
    "is called significant is a choice of the test, and these patients do not settle it: report the test "
    "that the protocol named, and that others come out differently."
)


@dataclass(frozen=True)
class Asked:
    """One question about one factor, with the P that each program gives to each test.

    Attributes
    ----------
    title : str
        The factor, the pair of levels and the question, as far as they need to be told.
    factor : str
        The title of the factor alone.
    depends : bool or None
    why : str
        Why nothing was done, if so.
    tests : mapping of test to program to Estimate
    odds : mapping of test to Estimate
        Of a term of a model: its odds ratio with the interval that belongs to the test.
    """

    title: str
    factor: str
    depends: bool | None
    why: str
    tests: Mapping[str, Mapping[str, Estimate]]
    odds: Mapping[str, Estimate]


def _select(content: ReportContent, analysis_id: str) -> pl.DataFrame:
    return content.results.filter(
        pl.col("analysis_id") == analysis_id, pl.col("group").fill_null("") == CONVENTIONS
    )


def _rows(content: ReportContent, analysis_id: str) -> list[dict[str, Any]]:
    return _select(content, analysis_id).to_dicts()


def read_level(content: ReportContent, analysis_id: str) -> float | None:
    """Return the level of significance that the protocol declares, None where no tests are compared."""
    stated = _select(content, analysis_id).filter(pl.col("estimate") == "significance_level")["value"]
    return None if stated.is_empty() else stated[0]


def list_asked(content: ReportContent, analysis_id: str) -> list[Asked]:
    """Return every question of an analysis in the order of the results."""
    rows = _rows(content, analysis_id)
    titles = {row["variable"]: clean_text(row["text"]) for row in rows if row["estimate"] == "n"}
    found: list[Asked] = []
    for row in rows:
        if not row["estimate"].startswith("depends_"):
            continue
        place = (row["variable"], row["variable_level"], row["level"])
        asked = [one for one in rows if (one["variable"], one["variable_level"], one["level"]) == place]
        tests: dict[str, dict[str, Estimate]] = {}
        for one in asked:
            if one["estimate"].startswith("p_"):
                tests.setdefault(one["text"], {})[one["stratum"]] = _read(one)
        odds = {one["text"]: _read(one) for one in asked if one["estimate"].startswith(ODDS)}
        factor = str(titles.get(row["variable"], row["variable"]))
        pair = format_signs(clean_text(row["variable_level"] or ""))
        title = ", ".join(filter(None, (factor, pair, QUESTIONS.get(row["level"], ""))))
        depends = None if row["value"] is None else row["value"] == 1
        why = (row["note"] or "") if row["status"] == "not_done" else ""
        found.append(Asked(title, factor, depends, why, tests, odds))
    return found


def _read(row: Mapping[str, Any]) -> Estimate:
    numbers = (row["value"], row["text"] or "", row["status"], row["note"] or "")
    return Estimate(*numbers, low=row["low"], high=row["high"])


def table_program_conclusions(content: ReportContent, analysis_id: str) -> Table:
    """Return the factors whose P lies on both sides of the level, with the tests on either side."""
    level = read_level(content, analysis_id) or 0.0
    asked = [one for one in list_asked(content, analysis_id) if one.depends]
    shown = format(level, "g")
    return Table(
        id=f"{analysis_id}-program-conclusions",
        caption="Conclusions that depend on the program",
        columns=(
            Column("Factor", "left"),
            Column(f"P < {shown}", "left"),
            Column(f"P \N{GREATER-THAN OR EQUAL TO} {shown}", "left"),
        ),
        rows=tuple(
            Row(one.title, tuple(Cell(_list_side(one, level, is_below=side)) for side in (True, False)))
            for one in asked
        ),
        notes=(UNSETTLED.format(level=shown),) if asked else (),
    )


def _list_side(asked: Asked, level: float, *, is_below: bool) -> str:
    parts: list[str] = []
    for test, programs in asked.tests.items():
        known = {name: one.value for name, one in programs.items() if one.value is not None}
        names = [PROGRAMS.get(name, name) for name, p in known.items() if (p < level) == is_below]
        if names:
            p = next(p for p in known.values() if (p < level) == is_below)
            parts.append(f"{TESTS.get(test, test)} {format_p_beside(p, level)} ({', '.join(names)})")
    return "; ".join(parts)


def table_program_tests(content: ReportContent, analysis_id: str) -> Table:
    """Return the P of every factor, test and program."""
    level, notes = read_level(content, analysis_id), Footnotes()
    asked = [] if level is None else list_asked(content, analysis_id)
    rows = [row for one in asked for row in _list_tests(one, level or 0.0, notes)]
    return Table(
        id=f"{analysis_id}-program-tests",
        caption="P values by program",
        columns=(Column("Factor, test", "left"), *map(Column, COLUMNS)),
        rows=tuple(rows),
        notes=tuple(_list_notes(asked, level)) if rows and level is not None else (),
        footnotes=tuple(notes.texts),
    )


def _list_tests(asked: Asked, level: float, notes: Footnotes) -> Iterator[Row]:
    marks = notes.mark(clean_note(asked.why)) if asked.why else ()
    yield Row(asked.title, tuple(Cell() for _ in COLUMNS), marks=marks)
    for test, programs in asked.tests.items():
        words = f"{TESTS.get(test, test)}{_say_odds(asked.odds.get(test))}"
        cells = tuple(_find_cell(programs, names, level, notes) for names in COLUMNS.values())
        yield Row(f"{words[:1].upper()}{words[1:]}", cells, indent=1)


def _say_odds(found: Estimate | None) -> str:
    if found is None or found.value is None:
        return ""
    return f"; OR {format_odds_ratio(found.value, found.low, found.high)}"


def _find_cell(
    programs: Mapping[str, Estimate], names: tuple[str, ...], level: float, notes: Footnotes
) -> Cell:
    found = next((programs[name] for name in names if name in programs), None)
    if found is None:
        return Cell()
    if found.value is None:
        return absent_cell(found, notes)
    return Cell(format_p_beside(found.value, level), marks=notes.mark(clean_note(found.note)))


def _list_notes(asked: list[Asked], level: float) -> Iterator[str]:
    count = sum(bool(one.depends) for one in asked)
    if count:
        verb = "depends" if count == 1 else "depend"
        yield (
            f"At P < {format_p_level(level)} {plural(count, 'conclusion')} {verb} on the program; "
            "see the table of these."
        )
    elif any(one.depends is False for one in asked):
        yield f"No conclusion at P < {format_p_level(level)} depends on the program."
    if any(one.odds for one in asked):
        yield ODDS_NOTE
    yield NO_SPSS


def table_program_cuts(content: ReportContent, analysis_id: str) -> Table:
    """Return the cut-off of each curve as programs print it."""
    rows, notes = _rows(content, analysis_id), Footnotes()
    titles = {row["variable"]: clean_text(row["text"]) for row in rows if row["estimate"] == "n"}
    cuts = {(row["variable"], row["stratum"]): row for row in rows if row["estimate"] == CUT}
    variables = list(dict.fromkeys(name for name, _ in cuts))
    return Table(
        id=f"{analysis_id}-program-cuts",
        caption="Cut-offs by program",
        columns=(Column("Factor", "left"), *map(Column, CUT_COLUMNS)),
        rows=tuple(
            Row(
                str(titles.get(name, name)),
                tuple(_cut_cell(cuts[name, program], notes) for program in CUT_COLUMNS.values()),
            )
            for name in variables
        ),
        notes=(
            "SPSS and pROC print the middle between two neighboring values, cutpointr and scikit-learn the "
            "value itself. Both divide these patients alike; a later patient whose value lies between them "
            "is divided differently. The area and its interval by DeLong do not depend on it.",
        )
        if variables
        else (),
        footnotes=tuple(notes.texts),
    )


def _cut_cell(row: Mapping[str, Any], notes: Footnotes) -> Cell:
    if row["value"] is None:
        return absent_cell(Estimate(None, "", row["status"], row["note"] or ""), notes)
    return Cell(format_signs(clean_text(row["text"])))
