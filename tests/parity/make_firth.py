"""Write firth_results.csv (case, term, name, value) and firth_versions.txt: Firth's estimates by firthmodels.

Not imported by the tests. Columns are standardized before the fit, as firthmodels converges then to the
tolerance asked for; coefficients are told per unit of the column. At the tightest tolerance its step halving
can stop on rounding errors; the next one is tried then, and the tolerance that was met is kept with the case.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from firthmodels import FirthLogisticRegression
from numpy.typing import NDArray

HERE = Path(__file__).parent
TOLERANCES = (1e-9, 1e-8, 1e-7, 1e-6)
Numbers = NDArray[np.float64]


def read_cohort() -> dict[str, Numbers]:
    with (HERE / "cohort.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def build_cases(cohort: dict[str, Numbers]) -> Iterator[tuple[str, list[str], Numbers, Numbers]]:
    event = cohort["event"]
    for name in ("anc", "ferritin", "crp"):
        yield name, [name], cohort[name][:, np.newaxis], event
    names = ["anc", "hemoglobin", "ferritin", "crp"]
    yield "multivariable", names, np.column_stack([cohort[name] for name in names]), event
    # Everybody with the column has the event: quasi-complete separation.
    marker = ((event == 1) & (cohort["crp"] > 15)).astype(float)
    yield "quasi", ["marker", "anc"], np.column_stack([marker, cohort["anc"]]), event
    # Complete separation, typed again in the test.
    yield "complete", ["x"], np.arange(1.0, 13.0)[:, np.newaxis], np.repeat([0.0, 1.0], [5, 7])


def fit(names: list[str], columns: Numbers, event: Numbers) -> list[tuple[str, str, float]]:
    for tolerance in TOLERANCES:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return list(describe(names, columns, event, tolerance=tolerance))
            except Warning:
                continue
    raise RuntimeError(f"no tolerance is met: {names}")


def describe(
    names: list[str], columns: Numbers, event: Numbers, *, tolerance: float
) -> Iterator[tuple[str, str, float]]:
    means, spreads = columns.mean(axis=0), columns.std(axis=0)
    model = FirthLogisticRegression(backend="numpy", gtol=tolerance, xtol=tolerance, max_iter=10_000)
    model.fit((columns - means) / spreads, event)
    model.lrt()
    limits = model.conf_int(method="pl", max_iter=1000, tol=tolerance)
    yield "fit", "tolerance", tolerance
    yield "fit", "log_likelihood", model.loglik_ + float(np.log(spreads).sum())
    yield "intercept", "coefficient", model.intercept_ - float(model.coef_ @ (means / spreads))
    for place, name in enumerate(names):
        yield name, "coefficient", model.coef_[place] / spreads[place]
        yield name, "low", limits[place, 0] / spreads[place]
        yield name, "high", limits[place, 1] / spreads[place]
        yield name, "p_value", model.lrt_pvalues_[place]


def main() -> None:
    with (HERE / "firth_results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "term", "name", "value"])
        for case, names, columns, event in build_cases(read_cohort()):
            writer.writerows(
                [case, term, name, f"{value:.17g}"] for term, name, value in fit(names, columns, event)
            )
    versions = [f"{name} {version(name)}" for name in ("firthmodels", "numpy", "scipy")]
    (HERE / "firth_versions.txt").write_text("\n".join(versions) + "\n", "utf-8")


if __name__ == "__main__":
    main()
