"""Whether columns determine the estimates of a logistic regression: repeated columns and separation."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = [
    "Separation",
    "detect_separation",
    "explain_design",
    "explain_separation",
    "find_bare_reference",
    "require_design",
    "say_outside",
    "scale_columns",
]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

# Bound of a weight, per standard deviation of its column: a gap of 1e-5 standard deviations is still seen,
# and the solver keeps its tolerance.
LARGEST_WEIGHT = 1e5
# The solver's tightest tolerance.
TOLERANCE = 1e-10
# A row is separated if its share, between 0 and 1, is on the upper side; solutions have 0 or 1.
HALF = 0.5
# A linear program of so many rows takes a few hundredths of a second.
FEW_ROWS = 300
# A column repeats others if what is left of it is smaller, relative to the column.
REPEATS = 1e-6
NO_ESTIMATE = "maximum likelihood has no finite estimate; Firth's method can estimate it"


@dataclass(frozen=True)
class Separation:
    """How the columns separate the events from the others.

    Attributes
    ----------
    kind : str
        `none`, `quasi` (some rows are separated, the rest lie on the boundary) or `complete` (all rows).
    terms : tuple of int
        Numbers of the columns that separate, ascending, from 0; empty if none do.
    """

    kind: str
    terms: tuple[int, ...]


def detect_separation(design: ArrayLike, event: ArrayLike) -> Separation:
    """Return whether the data are separated, so that maximum likelihood has no finite estimate.

    Parameters
    ----------
    design : array of float, rows by columns, without the column of the intercept
    event : array of 0 and 1

    Returns
    -------
    Separation
        Named are the columns that separate by themselves, and those without which fewer rows are separated.
        If everybody or nobody has the event, the intercept alone separates: complete, no column.

    Raises
    ------
    DataError
        The design is no table of finite numbers, or the event is not 0 and 1 for each of its rows.

    Notes
    -----
    A linear program maximizes the rows strictly on their own side, with no row on the wrong side.

    References
    ----------
    Albert and Anderson, Biometrika 1984;71:1-10. DOI 10.1093/biomet/71.1.1.
    Konis, Linear programming algorithms for detecting separated data in binary logistic regression models.
    DPhil thesis, University of Oxford, 2007.

    Examples
    --------
    >>> detect_separation([[1.0, 7.0], [2.0, 5.0], [3.0, 8.0], [4.0, 6.0]], [0, 0, 1, 1])
    Separation(kind='complete', terms=(0,))
    >>> detect_separation([[0], [0], [0], [1]], [0, 1, 0, 1])
    Separation(kind='quasi', terms=(0,))
    >>> detect_separation([[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1]).kind
    'none'
    """
    columns, has_event = require_design(design, event)
    n, k = columns.shape
    if n == 0:
        return Separation("none", ())
    if has_event.all() or not has_event.any():
        return Separation("complete", ())
    rows, side, weights = _merge_rows(columns, has_event)
    if _some_overlap(rows, side, weights):
        return Separation("none", ())
    separated = _count_separated(rows, side, weights)
    if not separated:
        return Separation("none", ())
    needed = list(range(k))
    # From the last column, so that of two columns that do the same the first is named.
    for term in reversed(range(k)):
        others = [other for other in needed if other != term]
        if _count_separated(rows[:, others], side, weights) == separated:
            needed = others
    alone = [term for term in range(k) if _separates_alone(columns[:, term], has_event)]
    return Separation("complete" if separated == n else "quasi", tuple(sorted({*needed, *alone})))


def require_design(
    design: ArrayLike, event: ArrayLike, *, names: Sequence[str] | None = None
) -> tuple[Numbers, Marks]:
    """Return the columns as numbers and who has the event.

    Raises
    ------
    DataError
        Shapes or names do not fit, a number is missing or infinite, or the event is not 0 and 1.

    Examples
    --------
    >>> require_design([[2.5]], [1])[1]
    array([ True])
    """
    columns, marks = np.asarray(design, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if columns.ndim != 2 or marks.shape != columns.shape[:1]:
        raise DataError(
            f"design of shape {columns.shape} and event of shape {marks.shape}; "
            "give rows by columns and one event for every row"
        )
    labels = [f"column {place}" for place in range(columns.shape[1])] if names is None else list(names)
    if len(labels) != columns.shape[1] or len(set(labels)) != len(labels):
        raise DataError(f"names: {len(set(labels))} different names for {columns.shape[1]} columns")
    wrong = [label for label, column in zip(labels, columns.T, strict=True) if not np.isfinite(column).all()]
    if wrong:
        raise DataError(f"design: missing or infinite numbers in {', '.join(wrong)}; give complete rows only")
    if not np.all((marks == 0) | (marks == 1)):
        raise DataError("event: only 0 and 1 are allowed")
    return columns, marks == 1


def scale_columns(columns: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return columns with mean 0 and standard deviation 1, the means and the standard deviations.

    A constant column becomes 0.

    Examples
    --------
    >>> scale_columns(np.array([[2000.0], [4000.0]]))[0].tolist()
    [[-1.0], [1.0]]
    """
    # Shares of the largest number first, so that no square is too large or too small to be held.
    largest = np.maximum(np.abs(columns).max(axis=0, initial=0.0), np.finfo(np.float64).tiny)
    shares = columns / largest
    means = np.asarray(np.mean(shares, axis=0), dtype=np.float64)
    spreads = np.asarray(np.std(shares, axis=0), dtype=np.float64)
    spreads[np.ptp(columns, axis=0) == 0] = 0.0
    centered = np.where(spreads > 0, shares - means, 0.0)
    return centered / np.where(spreads > 0, spreads, 1.0), means * largest, spreads * largest


def explain_design(columns: Numbers, has_event: Marks, names: Sequence[str]) -> str:
    """Return why no method can estimate the coefficients, in words; empty if one can.

    Examples
    --------
    >>> explain_design(np.array([[1.0], [1.0]]), np.array([True, False]), ["stage"])
    'the same value for everybody: stage'
    """
    n, k = columns.shape
    if n == 0:
        return "no complete row"
    if not has_event.any():
        return "nobody has the event"
    if has_event.all():
        return "everybody has the event"
    constant = [name for name, column in zip(names, columns.T, strict=True) if np.ptp(column) == 0]
    if constant:
        return f"the same value for everybody: {', '.join(constant)}"
    if n <= k + 1:
        return f"{n} complete rows are too few for {k} columns and the intercept"
    repeats = _find_repeats(columns)
    if repeats:
        return f"determined by the columns before: {', '.join(names[place] for place in repeats)}"
    return ""


def explain_separation(columns: Numbers, has_event: Marks, names: Sequence[str]) -> str:
    """Return which columns separate the event, in words; empty if none do.

    Examples
    --------
    >>> text = explain_separation(np.array([[1.0], [2.0]]), np.array([True, False]), ["anc"])
    >>> text.partition(":")[0]
    'anc separates the event completely'
    """
    separation = detect_separation(columns, has_event)
    if separation.kind == "none":
        return ""
    if separation.kind == "complete":
        return f"{_say_separating(separation.terms, names)} completely: {NO_ESTIMATE}"
    levels, who = find_bare_reference(columns, has_event, separation.terms)
    rest = tuple(
        term
        for term in separation.terms
        if term not in levels or _separates_alone(columns[:, term], has_event)
    )
    reasons = [f"{say_outside(levels, names, who=who)} has the event"] if levels else []
    if rest:
        reasons.append(f"{_say_separating(rest, names)} in part (quasi-complete separation)")
    return f"{', and '.join(reasons)}: {NO_ESTIMATE}"


def find_bare_reference(
    columns: Numbers, has_event: Marks, terms: Sequence[int]
) -> tuple[tuple[int, ...], str]:
    """Return the levels of a factor at whose reference level nobody, or everybody, has the event.

    Parameters
    ----------
    columns : array of float, rows by columns
    has_event : array of bool
    terms : sequence of int
        The columns that separate.

    Returns
    -------
    tuple of (tuple of int, str)
        Two or more columns of 0 and 1 of which no row has two, and "nobody" or "everybody": who has the event
        among the rows with none of them. Empty if there are no such columns.

    Examples
    --------
    >>> columns = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> find_bare_reference(columns, np.array([False, False, True, False, True]), (0, 1))
    ((0, 1), 'nobody')
    """
    marks = [term for term in terms if np.isin(columns[:, term], (0.0, 1.0)).all()]
    # A column that separates by itself may belong to another factor.
    together = [term for term in marks if not _separates_alone(columns[:, term], has_event)]
    for levels in (marks, together):
        counts = columns[:, levels].sum(axis=1)
        outside = has_event[counts == 0]
        if len(levels) > 1 and counts.max() <= 1 and outside.size and outside.all() == outside.any():
            return tuple(levels), "everybody" if outside.all() else "nobody"
    return (), ""


def say_outside(levels: Sequence[int], names: Sequence[str], *, who: str) -> str:
    """Return who is at the reference level, in words.

    Examples
    --------
    >>> say_outside((0, 1), ["stage II", "stage III"], who="nobody")
    'nobody outside stage II, stage III (the reference level)'
    """
    return f"{who} outside {', '.join(names[level] for level in levels)} (the reference level)"


def _say_separating(terms: Sequence[int], names: Sequence[str]) -> str:
    by = ", ".join(names[term] for term in terms)
    return f"{by} {'separates' if len(terms) == 1 else 'separate'} the event"


def _find_repeats(columns: Numbers) -> list[int]:
    """Columns that are a weighted sum of the intercept and the columns before them."""
    scaled, _, _ = scale_columns(columns)
    kept: list[Numbers] = []
    repeats: list[int] = []
    for place, column in enumerate(scaled.T):
        rest = column
        # Twice, because one pass leaves rounding errors of nearly parallel columns.
        for _ in range(2):
            for direction in kept:
                rest = rest - direction * (direction @ rest)
        size = float(np.linalg.norm(rest))
        if size <= REPEATS * float(np.linalg.norm(column)):
            repeats.append(place)
        else:
            kept.append(rest / size)
    return repeats


def _merge_rows(columns: Numbers, has_event: Marks) -> tuple[Numbers, Numbers, Numbers]:
    """Scaled rows that differ, their side (+1 event, -1 none), and how many rows each stands for."""
    marked = np.column_stack([columns, has_event.astype(np.float64)])
    distinct, times = np.unique(marked, axis=0, return_counts=True)
    rows, _, _ = scale_columns(distinct[:, :-1])
    return rows, 2.0 * distinct[:, -1] - 1.0, times.astype(np.float64)


def _some_overlap(rows: Numbers, side: Numbers, weights: Numbers) -> bool:
    """Whether rows taken at equal distances overlap already: then all do, for more rows bind more."""
    order = np.argsort(rows @ np.sqrt(np.arange(2.0, rows.shape[1] + 2.0)), kind="stable")
    size = FEW_ROWS
    while size < len(rows):
        some = order[np.linspace(0, len(rows) - 1, size).astype(np.int64)]
        full = np.linalg.matrix_rank(np.column_stack([np.ones(size), rows[some]])) == rows.shape[1] + 1
        if full and not _count_separated(rows[some], side[some], weights[some]):
            return True
        size *= 4
    return False


def _count_separated(rows: Numbers, side: Numbers, weights: Numbers) -> int:
    """The most rows that lie strictly on their own side while no row lies on the wrong one."""
    from scipy.optimize import linprog

    m, k = rows.shape
    if k == 0:
        return 0
    signed = side[:, np.newaxis] * np.column_stack([np.ones(m), rows])
    bounds = [(-LARGEST_WEIGHT, LARGEST_WEIGHT)] * (k + 1) + [(0.0, 1.0)] * m
    # The interior point solver finishes the few programs that the simplex gives up.
    for solver in ("highs", "highs-ipm"):
        solution = linprog(
            np.concatenate([np.zeros(k + 1), -weights]),
            A_ub=np.column_stack([-signed, np.eye(m)]),
            b_ub=np.zeros(m),
            bounds=bounds,
            method=solver,
            options={"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE},
        )
        if solution.x is not None:
            return int(weights[np.asarray(solution.x)[k + 1 :] > HALF].sum())
    return 0


def _separates_alone(column: Numbers, has_event: Marks) -> bool:
    """Whether one column separates: its values with and without the event meet in one value at most."""
    yes, no = column[has_event], column[~has_event]
    apart: Sequence[bool] = (yes.min() >= no.max(), no.min() >= yes.max())
    return bool(np.ptp(column) > 0 and any(apart))
