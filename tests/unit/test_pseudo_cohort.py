"""The invented cohort of docs/verify prints Table III of Qiu et al. 2023 to every digit.

Printed numbers are typed from the paper (doi 10.3892/ol.2023.13924); the lower limit of IL-6, printed as
0.100 above its own estimate 0.091, is read as 0.010.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.stats.logistic import fit_logistic

COHORT = Path(__file__).parents[2] / "docs" / "verify" / "table3_pseudo_cohort.csv"
FACTORS = ["anc", "hemoglobin", "il6", "ferritin", "ferritin_peak"]
# With the feature, and with a value, recovered and not: the only counts behind the univariable odds ratios.
COUNTS = {
    "anc": ((33, 39), (7, 21)),
    "hemoglobin": ((26, 39), (4, 21)),
    "il6": ((4, 38), (11, 21)),
    "ferritin": ((13, 39), (14, 21)),
    "ferritin_peak": ((5, 39), (12, 21)),
}
UNIVARIABLE = {
    "anc": ("11.000", "3.130", "38.660"),
    "hemoglobin": ("8.500", "2.371", "30.466"),
    "il6": ("0.107", "0.028", "0.410"),
    "ferritin": ("0.250", "0.081", "0.770"),
    "ferritin_peak": ("0.110", "0.031", "0.395"),
}
MULTIVARIABLE = {
    "anc": ("14.834", "2.391", "92.051", "0.004"),
    "hemoglobin": ("7.963", "1.323", "47.921", "0.023"),
    "il6": ("0.091", "0.010", "0.802", "0.031"),
    "ferritin": ("0.966", "0.098", "9.525", "0.976"),
    "ferritin_peak": ("0.456", "0.036", "5.851", "0.546"),
}


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    return pl.read_csv(COHORT)


def prints_as(number: float | None, printed: str) -> bool:
    """Whether a number rounds to three printed decimals."""
    return number is not None and abs(number - float(printed)) <= 0.0005


def fit(cohort: pl.DataFrame, names: list[str]) -> dict[str, tuple[float | None, ...]]:
    """Odds ratio, limits and P of each factor by the package's own model, patients with every value."""
    known = cohort.drop_nulls(names)
    found = fit_logistic(known.select(names).to_numpy(), (known["group"] == "first").to_numpy(), names=names)
    return {term.name: (term.odds_ratio, term.low, term.high, term.p_value) for term in found.terms}


def test_every_patient_is_called_invented(cohort: pl.DataFrame) -> None:
    assert cohort["patient_id"].to_list() == [f"INVENTED-{number:02d}" for number in range(1, 61)]
    assert cohort.columns == ["patient_id", "group", *FACTORS]
    assert set(cohort["group"]) == {"first", "second"}


@pytest.mark.parametrize("name", FACTORS)
def test_each_factor_has_its_only_counts(cohort: pl.DataFrame, name: str) -> None:
    groups = [cohort.filter(pl.col("group") == group)[name].drop_nulls() for group in ("first", "second")]
    assert all(set(values) <= {0, 1} for values in groups)
    assert tuple((values.sum(), values.len()) for values in groups) == COUNTS[name]


@pytest.mark.parametrize("name", FACTORS)
def test_the_univariable_table_is_printed_exactly(cohort: pl.DataFrame, name: str) -> None:
    found = fit(cohort, [name])[name]
    assert all(prints_as(number, text) for number, text in zip(found[:3], UNIVARIABLE[name], strict=True))


@pytest.mark.parametrize("name", FACTORS)
def test_the_multivariable_table_is_printed_exactly(cohort: pl.DataFrame, name: str) -> None:
    found = fit(cohort, FACTORS)[name]
    assert all(prints_as(number, text) for number, text in zip(found, MULTIVARIABLE[name], strict=True))


def test_the_limit_as_the_paper_prints_it_is_not_among_what_the_cohort_prints(cohort: pl.DataFrame) -> None:
    """Table III prints 0.100 for it: the reading as 0.010 is what the cohort needs."""
    assert not prints_as(fit(cohort, FACTORS)["il6"][1], "0.100")
