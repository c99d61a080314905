"""Logistic regression: printed numbers of a paper, closed forms, a slow twin, and refusals."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from cytopenia.errors import DataError
from cytopenia.stats import likelihood, logistic
from cytopenia.stats.logistic import LogisticFit, LogisticTerm, fit_logistic

Numbers = NDArray[np.float64]
METHODS = ["maximum_likelihood", "firth"]
CHI_SQUARED_95 = 3.841458820694124


def lay_out(counts: tuple[int, int, int, int]) -> tuple[Numbers, Numbers]:
    """Marker and event of a 2 x 2 table: events with and without the marker, others with and without."""
    marker = np.repeat([1.0, 0.0, 1.0, 0.0], counts)[:, np.newaxis]
    event = np.repeat([1.0, 1.0, 0.0, 0.0], counts)
    return marker, event


def fit_counts(*counts: int, method: str = "maximum_likelihood") -> LogisticTerm:
    return fit_logistic(*lay_out(counts), names=["marker"], method=method).terms[0]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("counts", "ratio", "limits", "p_value"),
    # Qiu et al. 2023, Table III (DOI 10.3892/ol.2023.13924): recovered and unrecovered patients by cut.
    [
        ((33, 6, 7, 14), "11.000", "(3.130-38.660)", "0.000"),
        ((26, 13, 4, 17), "8.500", "(2.371-30.466)", "0.001"),
        ((4, 34, 11, 10), "0.107", "(0.028-0.410)", "0.001"),
        ((13, 26, 14, 7), "0.250", "(0.081-0.770)", "0.016"),
        ((5, 34, 12, 9), "0.110", "(0.031-0.395)", "0.001"),
    ],
)
def test_the_printed_odds_ratios(counts: tuple[int, ...], ratio: str, limits: str, p_value: str) -> None:
    term = fit_counts(*counts)
    assert f"{term.odds_ratio:.3f}" == ratio
    assert f"({term.low:.3f}-{term.high:.3f})" == limits
    assert f"{term.p_value:.3f}" == p_value


@pytest.mark.parametrize("counts", [(33, 6, 7, 14), (3, 1, 1, 3), (100, 200, 300, 50)])
def test_maximum_likelihood_of_a_table(counts: tuple[int, int, int, int]) -> None:
    a, b, c, d = counts
    term = fit_counts(*counts)
    assert term.coefficient == pytest.approx(math.log(a * d / (b * c)), rel=1e-10)
    assert term.standard_error == pytest.approx(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel=1e-10)


@pytest.mark.parametrize("counts", [(33, 6, 7, 14), (3, 0, 1, 3), (0, 5, 6, 0), (1, 2, 0, 4)])
def test_firth_of_a_table_adds_a_half(counts: tuple[int, int, int, int]) -> None:
    # Firth 1993: in a saturated model the penalty is half a patient in every cell.
    a, b, c, d = (count + 0.5 for count in counts)
    term = fit_counts(*counts, method="firth")
    assert term.coefficient == pytest.approx(math.log(a * d / (b * c)), rel=1e-9)
    with_marker, without = counts[0] + counts[2], counts[1] + counts[3]
    information = [n * x * y / (x + y) ** 2 for n, x, y in ((with_marker, a, c), (without, b, d))]
    assert term.standard_error == pytest.approx(math.sqrt(sum(1 / part for part in information)), rel=1e-9)


def climb_slowly(columns: Numbers, event: Numbers, held: int | None = None, value: float = 0.0) -> float:
    """The highest penalized likelihood, by a general optimizer, with one coefficient held or none."""
    design = np.column_stack([np.ones(event.size), columns])

    def fall(free: Numbers) -> float:
        weights = free if held is None else np.insert(free, held, value)
        eta = design @ weights
        spread = 1.0 / (2.0 + np.exp(eta) + np.exp(-eta))
        _, determinant = np.linalg.slogdet((design * spread[:, np.newaxis]).T @ design)
        return -float(event @ eta - np.logaddexp(0.0, eta).sum() + determinant / 2.0)

    size = design.shape[1] - (held is not None)
    options = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-13}
    return -float(minimize(fall, np.zeros(size), method="Nelder-Mead", options=options).fun)


def draw_case(seed: int) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    columns = np.column_stack([rng.normal(size=24), rng.integers(0, 2, 24)])
    event = (rng.random(24) < 1 / (1 + np.exp(-columns @ [1.0, 1.5] + 0.5))).astype(float)
    return columns, event


@pytest.mark.parametrize("seed", range(6))
def test_firth_the_same_as_a_general_optimizer(seed: int) -> None:
    columns, event = draw_case(seed)
    fit = fit_logistic(columns, event, names=["x", "marker"], method="firth")
    top = climb_slowly(columns, event)
    assert fit.log_likelihood == pytest.approx(top, abs=1e-9)
    for place, term in enumerate(fit.terms, start=1):
        assert term.low is not None
        assert term.high is not None
        for limit in (term.low, term.high):
            fall = 2 * (top - climb_slowly(columns, event, place, math.log(limit)))
            assert fall == pytest.approx(CHI_SQUARED_95, abs=1e-5)
        ratio = 2 * (top - climb_slowly(columns, event, place, 0.0))
        assert term.p_value == pytest.approx(math.erfc(math.sqrt(ratio / 2)), abs=1e-6)
        assert (term.p_value < 0.05) == (not term.low <= 1 <= term.high)


SEPARATED = {
    "complete": ([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]], [0, 0, 0, 1, 1, 1]),
    "quasi": ([[1.0], [2.0], [3.0], [3.0], [5.0], [6.0]], [0, 0, 0, 1, 1, 1]),
}


@pytest.mark.parametrize("kind", SEPARATED)
def test_separation_is_not_estimable_by_maximum_likelihood(kind: str) -> None:
    design, event = SEPARATED[kind]
    fit = fit_logistic(design, event, names=["anc"])
    how = "completely" if kind == "complete" else "in part (quasi-complete separation)"
    assert fit.status == "not_estimable"
    assert fit.note == (
        f"anc separates the event {how}: maximum likelihood has no finite estimate; "
        "Firth's method can estimate it"
    )
    assert (fit.intercept, fit.log_likelihood, fit.n, fit.events) == (None, None, 6, 3)
    nothing = (None, None, None, None, None, None, "not_estimable", fit.note)
    assert fit.terms == (LogisticTerm("anc", *nothing),)


@pytest.mark.parametrize("kind", SEPARATED)
def test_separation_is_estimable_by_firth(kind: str) -> None:
    design, event = SEPARATED[kind]
    term = fit_logistic(design, event, names=["anc"], method="firth").terms[0]
    assert term.status == "ok"
    assert None not in (term.odds_ratio, term.low, term.high, term.p_value)
    assert 1 < term.odds_ratio < 100  # pyright: ignore[reportOptionalOperand]


def test_only_the_columns_that_separate_are_named() -> None:
    design = [[3.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.5, 0.0], [1.5, 1.0], [3.5, 1.0]]
    fit = fit_logistic(design, [0, 1, 0, 1, 1, 1], names=["age", "stage"])
    assert fit.note.startswith("stage separates the event in part")
    assert [term.status for term in fit.terms] == ["not_estimable", "not_estimable"]


VALUES = [[1.0], [2.0], [3.0], [4.0]]


@pytest.mark.parametrize(
    ("design", "event", "note"),
    [
        (np.zeros((0, 1)), [], "no complete row"),
        ([[1.0]], [1], "everybody has the event"),
        ([[1.0]], [0], "nobody has the event"),
        (VALUES, [0, 0, 0, 0], "nobody has the event"),
        (VALUES, [1, 1, 1, 1], "everybody has the event"),
        ([[7.0], [7.0], [7.0]], [0, 1, 1], "the same value for everybody: a"),
        ([[1.0], [2.0]], [0, 1], "2 complete rows are too few for 1 columns and the intercept"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_estimate(design: list[list[float]], event: list[int], note: str, method: str) -> None:
    fit = fit_logistic(design, event, names=["a"], method=method)
    assert (fit.status, fit.note, fit.n, fit.events) == ("not_estimable", note, len(event), sum(event))
    assert [(term.status, term.note, term.odds_ratio) for term in fit.terms] == [
        ("not_estimable", note, None)
    ]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("repeat", "names"), [((0.0, 2.0, 0.0), "c"), ((5.0, 1.0, -3.0), "c"), ((1e6, 1e-3, 0.0), "c")]
)
def test_repeated_columns_are_named(repeat: tuple[float, float, float], names: str, method: str) -> None:
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=30), rng.normal(size=30)
    third = repeat[0] + repeat[1] * one + repeat[2] * two
    event = (rng.random(30) < 0.5).astype(int)
    fit = fit_logistic(np.column_stack([one, two, third]), event, names=["a", "b", "c"], method=method)
    assert (fit.status, fit.note) == ("not_estimable", f"determined by the columns before: {names}")


def test_nearly_repeated_columns_do_not_converge_to_nonsense() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=60)
    nearly = one + 1e-5 * rng.normal(size=60)
    event = (rng.random(60) < 0.5).astype(int)
    fit = fit_logistic(np.column_stack([one, nearly]), event, names=["a", "b"])
    assert fit.status == "not_estimable"
    assert "nearly repeat each other" in fit.note


def test_without_columns_only_the_intercept() -> None:
    for method, half in (("maximum_likelihood", 0.0), ("firth", 0.5)):
        fit = fit_logistic(np.zeros((10, 0)), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0], names=[], method=method)
        assert (fit.status, fit.terms) == ("ok", ())
        assert fit.intercept is not None
        assert fit.intercept.coefficient == pytest.approx(math.log((3 + half) / (7 + half)), rel=1e-9)


OVERLAP = np.arange(20.0)
OVERLAP_EVENT = np.array([0] * 9 + [1, 0] + [1] * 9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("scale", "shift"), [(1e-9, 0.0), (1e9, 0.0), (1e-200, 0.0), (1e200, 0.0), (1.0, 1e9), (1e3, -1e6)]
)
def test_units_change_only_the_unit(method: str, scale: float, shift: float) -> None:
    plain = fit_logistic(OVERLAP[:, np.newaxis], OVERLAP_EVENT, names=["x"], method=method).terms[0]
    columns = (OVERLAP * scale + shift)[:, np.newaxis]
    term = fit_logistic(columns, OVERLAP_EVENT, names=["x"], method=method).terms[0]
    assert plain.coefficient is not None
    assert term.coefficient == pytest.approx(plain.coefficient / scale, rel=1e-5)
    assert term.p_value == pytest.approx(plain.p_value, rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_an_odds_ratio_nobody_can_print_is_none(method: str) -> None:
    # Values of some 1e-9: the odds ratio per unit is exp of some 1e9.
    term = fit_logistic(OVERLAP[:, np.newaxis] * 1e-9, OVERLAP_EVENT, names=["x"], method=method).terms[0]
    assert (term.status, term.odds_ratio) == ("not_estimable", None)
    assert term.note == "an odds ratio per unit is too large or too small to print; use another unit"
    assert term.p_value is not None


def test_another_level_of_the_interval() -> None:
    wide, narrow = (
        fit_logistic(*lay_out((33, 6, 7, 14)), names=["m"], level=level).terms[0] for level in (0.99, 0.9)
    )
    error = math.sqrt(1 / 33 + 1 / 6 + 1 / 7 + 1 / 14)
    # 99.5% and 95% points of the normal distribution.
    assert wide.high == pytest.approx(11 * math.exp(2.5758293035489004 * error), rel=1e-9)
    assert narrow.low == pytest.approx(11 * math.exp(-1.6448536269514722 * error), rel=1e-9)


def forty_columns(method: str) -> LogisticFit:
    rng = np.random.default_rng(0)
    columns, event = rng.normal(size=(63, 40)), (rng.random(63) < 0.4).astype(int)
    return fit_logistic(columns, event, names=[f"x{place}" for place in range(40)], method=method)


def test_forty_columns_with_63_patients_are_separated() -> None:
    assert "separate the event completely" in forty_columns("maximum_likelihood").note


@pytest.mark.long
def test_forty_columns_with_63_patients_by_firth() -> None:
    started = time.process_time()
    fit = forty_columns("firth")
    assert time.process_time() - started < 60
    assert fit.status == "ok"
    for term in fit.terms:
        ends = [end for end in (term.odds_ratio, term.low, term.high) if end is not None]
        assert all(0 < end < math.inf for end in ends)
        assert len(ends) == 3 or term.note


def test_a_higher_top_is_found_and_told() -> None:
    # Heavy-tailed numbers, drawn by chance; the climb from zero ends on a lower top.
    first = [-1.4, 1.2, 0.3, 1.1, -0.2, 1.7, -0.2, -1.2, 1.4, -0.9]
    second = [0.2, 174.8, 0.3, 6.6, 0.3, 1.3, 4.0, 1.5, 42.0, 0.1]
    event = np.array([0, 0, 1, 1, 1, 1, 1, 0, 0, 1])
    columns = np.column_stack([first, second])
    fit = fit_logistic(columns, event, names=["a", "b"], method="firth")
    assert fit.status == "ok"
    assert fit.note.startswith("the penalized likelihood has several tops")
    # No point on a grid around the estimates is higher.
    assert fit.log_likelihood is not None
    for held, term in enumerate(fit.terms, start=1):
        assert term.coefficient is not None
        for factor in (0.25, 0.5, 0.75, 1.5, 2.0):
            assert climb_slowly(columns, event * 1.0, held, term.coefficient * factor) < fit.log_likelihood


def test_an_end_that_is_not_found_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "FARTHEST", 2.0)
    term = fit_counts(0, 5, 6, 0, method="firth")
    assert (term.low, term.status) == (None, "ok")
    assert "the lower end of the interval was not found" in term.note
    assert term.p_value is not None


def test_a_profile_that_does_not_converge_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    climb = likelihood.climb
    monkeypatch.setattr(likelihood, "climb", lambda problem, *held: None if held else climb(problem))
    term = fit_counts(33, 6, 7, 14, method="firth")
    assert (term.low, term.high, term.p_value, term.status) == (None, None, None, "ok")
    assert term.note == (
        "the lower end of the interval was not found; the upper end of the interval was not found; "
        "no P: the fit without this term did not converge"
    )


# (name, value) of a setting under which no fit gets to its end.
@pytest.mark.parametrize(
    "setting", [("MOST_STEPS", 1), ("MOST_HALVINGS", 0), ("LARGEST_ERROR", 0.1), ("MOST_TOPS", 0)]
)
@pytest.mark.parametrize("method", METHODS)
def test_a_fit_that_does_not_converge_is_not_estimable(
    method: str, setting: tuple[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, *setting)
    fit = fit_logistic(*lay_out((33, 6, 7, 14)), names=["m"], method=method)
    assert (fit.status, fit.terms[0].status) == ("not_estimable", "not_estimable")
    assert fit.note.startswith("the fit did not converge")


def test_where_the_information_is_lost_there_is_no_point() -> None:
    problem, _ = logistic.lay_out(OVERLAP[:, np.newaxis], OVERLAP_EVENT, names=["x"], method="firth")
    assert problem is not None
    # All chances are 1 to the last digit.
    assert problem.evaluate(np.array([1e4, 0.0])) is None
    assert likelihood.climb(problem, np.array([1e4, 0.0])) is None


def test_no_step_where_nothing_is_curved_like_a_hill() -> None:
    hollow = -np.eye(2)
    assert likelihood._aim_step(hollow, hollow, np.ones(2)) is None  # pyright: ignore[reportPrivateUsage]
    step = likelihood._aim_step(hollow, 2 * np.eye(2), np.ones(2))  # pyright: ignore[reportPrivateUsage]
    assert step is not None
    assert step.tolist() == [0.5, 0.5]


def test_a_climb_without_a_step_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "_aim_step", lambda *_: None)
    assert fit_counts(33, 6, 7, 14).status == "not_estimable"


def test_many_rows_take_another_way_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, event = draw_case(0)
    few = fit_logistic(columns, event, names=["x", "marker"], method="firth")
    monkeypatch.setattr(logistic, "FEW_ROWS", 1)
    many = fit_logistic(columns, event, names=["x", "marker"], method="firth")
    for one, other in zip(few.terms, many.terms, strict=True):
        for name in ("coefficient", "low", "high", "p_value"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-8)


def test_many_patients_soon() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(20_000, 5))
    event = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * columns[:, 0] - 1.0)))
    started = time.process_time()
    fit = fit_logistic(columns, event, names=["a", "b", "c", "d", "e"])
    assert time.process_time() - started < 5
    # The truth, within four standard errors.
    assert fit.terms[0].standard_error is not None
    assert fit.terms[0].coefficient == pytest.approx(0.5, abs=4 * fit.terms[0].standard_error)


@pytest.mark.parametrize(
    ("design", "event", "names", "words"),
    [
        ([[math.nan], [1.0]], [0, 1], ["anc"], "missing or infinite numbers in anc; give complete rows only"),
        ([[math.inf], [1.0]], [0, 1], ["anc"], "missing or infinite numbers in anc"),
        ([[1.0], [2.0]], [0, 3], ["anc"], "event: only 0 and 1 are allowed"),
        ([[1.0], [2.0]], [0], ["anc"], "one event for every row"),
        ([1.0, 2.0], [0, 1], ["anc"], "rows by columns"),
        ([[1.0], [2.0]], [0, 1], ["anc", "crp"], "names: 2 different names for 1 columns"),
        ([[1.0, 2.0], [2.0, 1.0]], [0, 1], ["anc", "anc"], "names: 1 different names for 2 columns"),
    ],
)
def test_wrong_use(design: list[list[float]], event: list[int], names: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        fit_logistic(design, event, names=names)


def test_unknown_options() -> None:
    with pytest.raises(DataError, match="did you mean 'firth'"):
        fit_logistic(VALUES, [0, 1, 0, 1], names=["a"], method="frith")
    with pytest.raises(DataError, match="level: 95 is not between 0 and 1"):
        fit_logistic(VALUES, [0, 1, 0, 1], names=["a"], level=95)
