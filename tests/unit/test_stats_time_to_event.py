"""Survival, hazards, competing risks: numbers of papers, numbers by hand, slow twins, what cannot be told.

The numbers of R are in tests/parity/test_parity_of_times_to_event.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from cytopenia.errors import DataError
from cytopenia.stats.competing_risks import compare_incidence
from cytopenia.stats.cox import estimate_concordance, fit_cox
from cytopenia.stats.event_times import require_event_times
from cytopenia.stats.fine_gray import fit_fine_gray
from cytopenia.stats.hazards import find_monotone
from cytopenia.stats.kaplan_meier import estimate_follow_up, estimate_survival
from cytopenia.stats.log_rank import compare_survival
from cytopenia.stats.proportional_hazards import check_proportional_hazards
from cytopenia.stats.restricted_mean import compare_restricted_means, estimate_restricted_mean

MERCAPTOPURINE = [
    "6",
    "6",
    "6",
    "6+",
    "7",
    "9+",
    "10",
    "10+",
    "11+",
    "13",
    "16",
    "17+",
    "19+",
    "20+",
    "22",
    "23",
    "25+",
    "32+",
    "32+",
    "34+",
    "35+",
]
PLACEBO = [
    "1",
    "1",
    "2",
    "2",
    "3",
    "4",
    "4",
    "5",
    "5",
    "8",
    "8",
    "8",
    "8",
    "11",
    "11",
    "12",
    "12",
    "15",
    "17",
    "22",
    "23",
]


def read(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    time = np.array([float(text.rstrip("+")) for text in texts])
    return time, np.array([not text.endswith("+") for text in texts], dtype=int)


def both() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (time, event), (other_time, other_event) = read(MERCAPTOPURINE), read(PLACEBO)
    group = np.array(["6-MP"] * len(time) + ["placebo"] * len(other_time))
    return np.concatenate([time, other_time]), np.concatenate([event, other_event]), group


def draw(seed: int, size: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days that repeat, events (0, 1, 2) and two columns."""
    generator = np.random.default_rng(seed)
    columns = np.column_stack([generator.integers(0, 2, size), generator.normal(size=size)])
    time = np.ceil(generator.exponential(30, size))
    return time, generator.choice(3, size, p=[0.4, 0.4, 0.2]), columns.astype(float)


# -- numbers of papers -----------------------------------------------------------------------------


def test_the_remissions_of_freireich_as_textbooks_print_them() -> None:
    """As in Collett, Modelling Survival Data in Medical Research, and in Kalbfleisch and Prentice."""
    curve = estimate_survival(*read(MERCAPTOPURINE))
    printed = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {time: round(curve.at(time).estimate, 3) for time in printed} == printed
    assert [curve.at(time).at_risk for time in printed] == [21, 17, 15, 12, 11, 7, 6]
    assert curve.median.value == 23
    assert estimate_survival(*read(PLACEBO)).median.value == 8


def test_the_log_rank_and_the_hazard_ratio_of_freireich() -> None:
    """Chi-squared 16.79; Efron's coefficient 1.572, as Cox's data are printed in textbooks and by R."""
    time, event, group = both()
    found = compare_survival(time, event, group)
    assert round(found.statistic, 2) == 16.79
    assert found.observed == (9, 21)
    assert [round(number, 2) for number in found.expected] == [19.25, 10.75]
    fit = fit_cox(time, event, (group == "placebo")[:, np.newaxis], names=["placebo"])
    assert round(fit.terms[0].coefficient, 3) == 1.572
    assert round(fit.terms[0].standard_error, 3) == 0.412


# -- by hand ---------------------------------------------------------------------------------------


def test_greenwood_by_hand() -> None:
    """S = 3/4 of four; the variance is S squared times 1 / (4 * 3)."""
    point = estimate_survival([2, 3, 3, 4], [1, 0, 0, 0]).at(2)
    assert point.estimate == 0.75
    assert point.standard_error == pytest.approx(0.75 * math.sqrt(1 / 12))
    # exp(-exp(log(-log 0.75) -+ 1.96 sqrt(1/12) / log 0.75))
    assert point.low == pytest.approx(
        0.75 ** math.exp(1.959963984540054 * math.sqrt(1 / 12) / -math.log(0.75))
    )


def test_beyond_the_last_follow_up_nothing_is_known() -> None:
    curve = estimate_survival([2, 5], [1, 0])
    assert curve.at(5).estimate == 0.5
    assert (curve.at(6).estimate, curve.at(6).at_risk, curve.at(6).events) == (None, 0, 1)
    assert estimate_survival([2, 5], [1, 1]).at(9).estimate == 0


def test_an_event_comes_before_the_end_of_follow_up_of_one_day() -> None:
    assert estimate_survival([3, 3], [1, 0]).at(3).estimate == 0.5


def test_the_restricted_mean_by_hand() -> None:
    """Two of four have the event on days 2 and 6: 2 + 4 * 3/4 + 4 * 3/8 up to day 10, and its variance."""
    curve = estimate_survival([2, 4, 6, 12], [1, 0, 1, 0])
    found = estimate_restricted_mean(curve, until=10)
    assert found.estimate == pytest.approx(2 + 4 * 0.75 + 4 * 0.375)
    assert found.standard_error == pytest.approx(math.sqrt(4.5**2 / 12 + 1.5**2 / 2))


def test_no_restricted_mean_beyond_what_anybody_was_followed() -> None:
    found = estimate_restricted_mean(estimate_survival([2, 5], [1, 0]), until=6)
    assert (found.estimate, found.status, found.note) == (None, "not_estimable", "beyond the last follow-up")
    complete = estimate_restricted_mean(estimate_survival([2, 5], [1, 1]), until=6)
    assert complete.estimate == 3.5


def test_the_concordance_by_hand() -> None:
    """Of the pairs (1,2), (1,3), (2,3) two agree; a tie counts a half; two events of one day are no pair."""
    assert estimate_concordance([1, 2, 3], [1, 1, 0], [3, 1, 2])[0] == pytest.approx(2 / 3)
    assert estimate_concordance([1, 2, 3], [1, 1, 0], [3, 3, 2])[0] == pytest.approx(5 / 6)
    assert estimate_concordance([1, 1], [1, 1], [3, 1]) == (None, None)
    assert estimate_concordance([1, 1], [1, 0], [3, 1])[0] == 1


# -- what must hold --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_without_censoring_the_curve_is_the_share_still_there(seed: int) -> None:
    time, _, _ = draw(seed)
    curve = estimate_survival(time, np.ones(time.size))
    assert curve.estimate == pytest.approx([(time > step).mean() for step in curve.times])
    share = curve.estimate
    assert curve.standard_error[:-1] == pytest.approx(np.sqrt(share * (1 - share) / time.size)[:-1])


@pytest.mark.parametrize("seed", range(5))
def test_the_reversed_curve_swaps_event_and_end(seed: int) -> None:
    time, event, _ = draw(seed)
    status = (event == 1).astype(int)
    reverse, swapped = estimate_follow_up(time, status), estimate_survival(time, 1 - status)
    assert reverse.estimate.tolist() == swapped.estimate.tolist()
    assert reverse.events.tolist() == estimate_survival(time, status).censored.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_names_and_order_of_groups_and_rows_change_no_test(seed: int) -> None:
    time, event, columns = draw(seed)
    group = np.where(columns[:, 0] == 1, "b", "a")
    other = np.where(columns[:, 0] == 1, "a", "b")
    order = np.random.default_rng(seed).permutation(time.size)
    status = (event == 1).astype(int)
    first = compare_survival(time, status, group)
    again = compare_survival(time[order], status[order], other[order])
    assert again.statistic == pytest.approx(first.statistic)
    assert again.observed == first.observed[::-1]
    gray = compare_incidence(time, event, group, kind=1)
    assert compare_incidence(time[order], event[order], other[order], kind=1).statistic == pytest.approx(
        gray.statistic
    )


@pytest.mark.parametrize("fit", ["maximum_likelihood", "firth", "fine_gray"])
def test_a_ratio_turns_over_with_its_column(fit: str) -> None:
    time, event, columns = draw(3)
    turned = columns * [-1, 1] + [1, 0]

    def terms(design: np.ndarray) -> list:
        if fit == "fine_gray":
            return list(fit_fine_gray(time, event, design, names=["a", "b"]).terms)
        return list(fit_cox(time, event == 1, design, names=["a", "b"], method=fit).terms)

    (first, second), (other, same) = terms(columns), terms(turned)
    assert other.hazard_ratio == pytest.approx(1 / first.hazard_ratio)
    assert (other.low, other.high) == pytest.approx((1 / first.high, 1 / first.low))
    assert other.p_value == pytest.approx(first.p_value)
    assert same.hazard_ratio == pytest.approx(second.hazard_ratio)


def test_units_change_no_p_and_scale_the_coefficient() -> None:
    time, event, columns = draw(4)
    for method in ("maximum_likelihood", "firth"):
        plain = fit_cox(time, event == 1, columns, names=["a", "b"], method=method)
        scaled = fit_cox(time, event == 1, columns * [1, 1000], names=["a", "b"], method=method)
        assert scaled.terms[1].coefficient * 1000 == pytest.approx(plain.terms[1].coefficient)
        assert scaled.terms[1].p_value == pytest.approx(plain.terms[1].p_value)
        assert scaled.likelihood_ratio == pytest.approx(plain.likelihood_ratio)


def test_without_competing_events_fine_gray_is_cox_with_breslow() -> None:
    """Weights are 1, and R's coxph(ties = "breslow") of these rows gives the coefficients."""
    time, event, columns = draw(5)
    status = (event == 1).astype(int)
    found = fit_fine_gray(time, status, columns, names=["a", "b"])
    assert [term.coefficient for term in found.terms] == pytest.approx(
        maximize(lambda b: partial_likelihood(time, status, columns, b)), abs=1e-6
    )


# -- slow twins ------------------------------------------------------------------------------------


def partial_likelihood(
    time: np.ndarray, status: np.ndarray, columns: np.ndarray, weights: np.ndarray
) -> float:
    """Breslow's, event by event."""
    eta = columns @ weights
    return float(
        sum(eta[row] - np.log(np.exp(eta[time >= time[row]]).sum()) for row in np.flatnonzero(status))
    )


def penalized_likelihood(
    time: np.ndarray, status: np.ndarray, columns: np.ndarray, weights: np.ndarray
) -> float:
    """With half the log determinant of the information, event by event."""
    risk = np.exp(columns @ weights)
    information = np.zeros((columns.shape[1],) * 2)
    for row in np.flatnonzero(status):
        load = risk * (time >= time[row])
        load /= load.sum()
        mean = load @ columns
        information += columns.T @ np.diag(load) @ columns - np.outer(mean, mean)
    return partial_likelihood(time, status, columns, weights) + np.linalg.slogdet(information)[1] / 2


def maximize(height, held: dict[int, float] | None = None, size: int = 2) -> np.ndarray:
    held = held or {}
    free = [place for place in range(size) if place not in held]

    def fill(part: np.ndarray) -> np.ndarray:
        weights = np.zeros(size)
        weights[free] = part
        for place, value in held.items():
            weights[place] = value
        return weights

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
    found = minimize(
        lambda part: -height(fill(part)), np.zeros(len(free)), method="Nelder-Mead", options=options
    )
    return fill(found.x)


@pytest.mark.parametrize("seed", [1, 2])
def test_firth_is_the_top_of_the_penalized_likelihood(seed: int) -> None:
    """Estimate, limits and P from a search that knows only the height."""
    time, event, columns = draw(seed, 40)
    status = (event == 1).astype(int)
    fit = fit_cox(time, status, columns, names=["a", "b"], method="firth")

    def height(weights: np.ndarray) -> float:
        return penalized_likelihood(time, status, columns, weights)

    top = maximize(height)
    assert [term.coefficient for term in fit.terms] == pytest.approx(top.tolist(), abs=1e-5)
    assert fit.log_likelihood == pytest.approx(height(top), abs=1e-8)
    term = fit.terms[0]
    for end in (term.low, term.high):
        profile = height(maximize(height, {0: math.log(end)}))
        assert 2 * (height(top) - profile) == pytest.approx(3.841458820694124, abs=1e-6)
    ratio = 2 * (height(top) - height(maximize(height, {0: 0.0})))
    assert term.p_value == pytest.approx(math.erfc(math.sqrt(ratio / 2)), abs=1e-6)


def test_firth_is_what_firthmodels_gives_where_its_search_ends() -> None:
    """The library is tightened to 1e-9; it shares the likelihood, not the search."""
    from firthmodels import FirthCoxPH

    time, event, columns = draw(8)
    model = FirthCoxPH(backend="numpy", gtol=1e-9, xtol=1e-9, max_iter=200)
    model.fit(columns, (event == 1, time)).lrt()
    limits = model.conf_int(method="pl", tol=1e-9, max_iter=200)
    fit = fit_cox(time, event == 1, columns, names=["a", "b"], method="firth")
    for place, term in enumerate(fit.terms):
        assert term.coefficient == pytest.approx(model.coef_[place], abs=1e-7)
        assert [math.log(term.low), math.log(term.high)] == pytest.approx(limits[place].tolist(), abs=1e-7)
        assert term.p_value == pytest.approx(model.lrt_pvalues_[place], abs=1e-7)


def test_firth_is_finite_where_maximum_likelihood_is_not() -> None:
    """Nobody of the treated has the event: the plain fit is refused, Firth's has a ratio below 1."""
    time, _, columns = draw(6)
    status = (columns[:, 0] == 0) & (time < 40)
    plain = fit_cox(time, status, columns, names=["treated", "number"])
    assert (plain.status, plain.terms[0].hazard_ratio) == ("not_estimable", None)
    assert plain.note.startswith("monotone likelihood: treated orders the events without exception")
    assert "Firth" in plain.note
    term = fit_cox(time, status, columns, names=["treated", "number"], method="firth").terms[0]
    assert 0 < term.low < term.hazard_ratio < term.high < 1
    assert term.p_value < 0.05


def test_firth_is_given_where_rounding_hides_the_last_step() -> None:
    """Three deaths among 25: the slope stays at its rounding. Expected: optim in R 4.2, 12 starts."""
    time = [8, 1, 12, 1, 1, 3, 9, 3, 5, 3, 1, 1, 5, 1, 1, 2, 11, 3, 2, 2, 2, 2, 2, 5, 6]
    event = [int(place in (0, 16, 18)) for place in range(25)]
    number = [-1.471, 1.647, 3.361, -0.293, -0.382, 0.565, 0.078, -0.191, -0.305, -0.241, 1.503, 0.27, -1.035,
              -0.354, -0.463, -0.291, 1.345, -0.896, 0.551, -1.096, -1.184, -1.512, -0.109, 0.458,
              1.384]  # fmt: skip
    sign = [float(place in (11, 18, 21)) for place in range(25)]
    fit = fit_cox(time, event, np.column_stack([number, sign]), names=["number", "sign"], method="firth")
    assert [term.coefficient for term in fit.terms] == pytest.approx([-0.3596156, 3.0119243], abs=1e-5)
    assert [term.note for term in fit.terms] == ["", ""]


def test_a_reference_level_without_events_is_named_as_such() -> None:
    """Nobody of level I has the event: the three others together order the events."""
    levels = np.repeat([0, 1, 2, 3], 5)
    columns = np.column_stack([levels == level for level in (1, 2, 3)]).astype(float)
    event = np.array([0, 0, 0, 0, 0] + [1, 0, 1, 0, 0] * 3)
    time = np.tile([9.0, 4.0, 6.0, 8.0, 5.0], 4) + np.arange(20) / 50
    fit = fit_cox(time, event, columns, names=["II", "III", "IV"])
    assert fit.note == (
        "monotone likelihood: nobody outside II, III, IV (the reference level) has the event,"
        " so that maximum likelihood has no finite estimate; Firth's method can estimate it"
    )
    checks = check_proportional_hazards(time, event, columns, names=["stage"] * 3)
    assert {check.note for check in checks} == {
        "the test exists for maximum likelihood only; monotone likelihood: stage orders the events without "
        "exception, so that maximum likelihood has no finite estimate"
    }


@pytest.mark.parametrize("seed", range(30))
def test_monotone_is_what_a_climb_cannot_end(seed: int) -> None:
    """Where the search far out still rises, and only there, a column orders the events."""
    generator = np.random.default_rng(seed)
    columns = np.column_stack([generator.integers(0, 2, 12), generator.integers(0, 2, 12)]).astype(float)
    time, status = generator.permutation(12) + 1.0, (generator.random(12) < 0.3).astype(int)
    angles = np.linspace(0, 2 * np.pi, 721)
    risers = [
        partial_likelihood(time, status, columns, 60 * np.array([np.cos(a), np.sin(a)]))
        - partial_likelihood(time, status, columns, 30 * np.array([np.cos(a), np.sin(a)]))
        for a in angles
    ]
    found = find_monotone(columns, require_event_times(time, status))
    moves = [abs(partial_likelihood(time, status, columns, 30 * np.array([np.cos(a), np.sin(a)]))
                 - partial_likelihood(time, status, columns, np.zeros(2))) for a in angles]  # fmt: skip
    never_falls = any(rise > -1e-9 and move > 1e-3 for rise, move in zip(risers, moves, strict=True))
    assert bool(found) == never_falls


# -- what cannot be told ---------------------------------------------------------------------------


def test_what_cannot_be_told_is_told_so() -> None:
    assert compare_survival([1, 2], [1, 1], ["a", "a"]).note == "there is one group only"
    assert compare_survival([1, 2], [0, 0], ["a", "b"]).note == "nobody has the event"
    assert compare_survival([1, 2], [0, 1], ["a", "b"]).note == "no event while two groups are followed"
    assert compare_incidence([1, 2], [1, 1], ["a", "a"], kind=1).note == "there is one group only"
    assert compare_incidence([1, 2], [2, 0], ["a", "b"], kind=1).note == "nobody has the event"
    assert (
        compare_incidence([1, 2], [0, 1], ["a", "b"], kind=1).note == "no event while two groups are followed"
    )
    assert estimate_survival([], []).median.value is None
    assert estimate_survival([4, 5], [0, 0]).median.value is None
    for method in ("maximum_likelihood", "firth"):
        assert fit_cox([1, 2, 3], [0, 0, 0], [[1], [2], [3]], names=["x"], method=method).note == (
            "nobody has the event"
        )
        assert fit_cox([1, 2, 3], [1, 1, 0], [[1], [1], [1]], names=["x"], method=method).note == (
            "the same value for everybody: x"
        )
    repeated = fit_cox([1, 2, 3, 4], [1, 1, 1, 0], [[1, 2], [2, 4], [0, 0], [1, 2]], names=["x", "y"])
    assert repeated.note == "those at risk at the events do not differ, or one column repeats the others"
    ordered = fit_fine_gray([1, 2, 3, 4], [1, 1, 0, 2], [[4], [3], [2], [1]], names=["x"])
    assert (ordered.status, ordered.terms[0].hazard_ratio) == ("not_estimable", None)
    assert ordered.note.startswith("monotone likelihood: x orders the events")
    checks = check_proportional_hazards([1, 2, 3], [0, 0, 0], [[1], [2], [3]], names=["x"])
    assert [(check.name, check.note) for check in checks] == [
        ("x", "nobody has the event"),
        ("global", "nobody has the event"),
    ]


def test_a_difference_of_means_without_any_event_has_no_p() -> None:
    first, second = (estimate_restricted_mean(estimate_survival([9, 9], [0, 0]), until=5) for _ in "ab")
    assert (first.estimate, first.low) == (5, None)
    assert compare_restricted_means(first, second).note == (
        "no event in either group: the difference has no error"
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: estimate_survival([1, 2], [1]), "two lists of one length"),
        (lambda: estimate_survival([-1], [1]), "every time must be a number from 0 on"),
        (lambda: estimate_survival([math.nan], [1]), "leave out who has none"),
        (lambda: estimate_survival([1], [2]), "allowed are 0 to 1"),
        (lambda: estimate_survival([1], [1], level=95), "level: 95 is not between 0 and 1"),
        (lambda: estimate_survival([1], [1], interval="loglog"), "unknown 'loglog'.*log_log, log"),
        (lambda: estimate_restricted_mean(estimate_survival([1], [1]), until=0), "a time after 0"),
        (lambda: compare_survival([1, 2], [1, 1], ["a"]), "give one group for each of 2 rows"),
        (lambda: compare_incidence([1], [1], ["a"], kind=0), "stands for the end of follow-up"),
        (lambda: fit_fine_gray([1], [1], [[1]], names=["x"], kind=0), "stands for the end of follow-up"),
        (lambda: fit_cox([1], [1], [[1]], names=["x"], method="exact"), "allowed: maximum_likelihood, firth"),
        (lambda: fit_cox([1], [1], [[math.nan]], names=["x"]), "missing or infinite numbers in x"),
        (lambda: fit_cox([1], [1], [[1]], names=["x", "y"]), "2 names for 1 columns"),
        (lambda: fit_cox([1], [1], [1], names=["x"]), "give 1 rows by columns"),
        (
            lambda: compare_restricted_means(
                estimate_restricted_mean(estimate_survival([4], [1]), until=2),
                estimate_restricted_mean(estimate_survival([4], [1]), until=3),
            ),
            "compare means up to the same time",
        ),
    ],
)
def test_wrong_use_is_told_at_the_door(call, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()
