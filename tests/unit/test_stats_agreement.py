"""Agreement of two yes/no answers: counts, percent, kappa with its interval, and where there is none.

The printed example of `ci.kappa` of statpsych (R): 31, 12, 4 and 58 patients give kappa 0.6756757, standard
error 0.07344761, limits 0.5317210 and 0.8196303. The other limits were computed with R 4.2.2 by the delta
method: numeric gradients of kappa and the covariance of a multinomial, without the closed formula.
"""

from __future__ import annotations

import pytest

from cytopenia.stats.agreement import estimate_agreement


def test_the_printed_example_of_another_program() -> None:
    found = estimate_agreement(both=58, only_first=4, only_second=12, neither=31)
    numbers = [found.kappa, found.kappa_error, found.kappa_low, found.kappa_high]
    assert numbers == pytest.approx([0.6756757, 0.07344761, 0.5317210, 0.8196303], abs=5e-8)


@pytest.mark.parametrize(
    ("cells", "kappa", "low", "high"),
    [
        ((22, 2, 4, 11), 0.666667, 0.423952, 0.909381),  # Sim and Wright, Phys Ther 2005: kappa 0.67
        ((20, 5, 10, 15), 0.400000, 0.151092, 0.648908),
        ((15, 5, 10, 70), 0.571429, 0.379432, 0.763425),
        ((41, 3, 27, 20), 0.351236, 0.188359, 0.514112),
        ((0, 3, 2, 5), -0.315789, -0.613162, -0.018416),
        ((3, 1, 1, 2), 0.416667, -0.263264, 1.0),  # the limit of 1.096597 is cut at 1
    ],
)
def test_kappa_and_its_limits(cells: tuple[int, ...], kappa: float, low: float, high: float) -> None:
    both, first, second, neither = cells
    found = estimate_agreement(both=both, only_first=first, only_second=second, neither=neither)
    assert [found.kappa, found.kappa_low, found.kappa_high] == pytest.approx([kappa, low, high], abs=5e-7)
    assert found.kappa_note == ""


def test_percent_positive_and_negative_agreement_by_hand() -> None:
    """Of 10: 4 both, 1 and 2 only one, 3 neither; 7 agree; 2 x 4 / (2 x 4 + 3), 2 x 3 / (2 x 3 + 3)."""
    found = estimate_agreement(both=4, only_first=1, only_second=2, neither=3)
    assert found.n == 10
    assert [found.percent, found.positive, found.negative] == pytest.approx([70, 800 / 11, 600 / 9])


def test_everybody_alike_leaves_nothing_to_expect_by_chance() -> None:
    found = estimate_agreement(both=0, only_first=0, only_second=0, neither=6)
    assert (found.percent, found.kappa, found.kappa_low) == (100, None, None)
    assert found.kappa_note == "every patient has the same answer under both"
    assert (found.positive, found.negative) == (None, 100)


def test_nobody_is_no_agreement() -> None:
    found = estimate_agreement(both=0, only_first=0, only_second=0, neither=0)
    assert (found.n, found.percent, found.kappa, found.positive, found.negative) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert found.kappa_note == "no patient is evaluable under both"


def test_complete_agreement_has_no_limits() -> None:
    found = estimate_agreement(both=4, only_first=0, only_second=0, neither=3)
    assert (found.kappa, found.kappa_low, found.kappa_high) == (1, None, None)
    assert found.kappa_note == "no limits: no patient differs"


@pytest.mark.parametrize("cells", [(0, 0, 3, 3), (3, 3, 0, 0), (0, 3, 0, 3), (3, 0, 3, 0)])
def test_one_answer_for_everybody_makes_kappa_zero_without_limits(cells: tuple[int, ...]) -> None:
    both, first, second, neither = cells
    found = estimate_agreement(both=both, only_first=first, only_second=second, neither=neither)
    assert (found.kappa, found.kappa_low, found.kappa_high) == (0, None, None)
    assert (
        found.kappa_note
        == "one side gives every patient the same answer, so kappa is 0 whatever the agreement"
    )


def test_every_patient_differs() -> None:
    found = estimate_agreement(both=0, only_first=4, only_second=4, neither=0)
    assert (found.kappa, found.kappa_low, found.percent) == (-1, None, 0)
    assert found.kappa_note == "no limits: every patient differs"
