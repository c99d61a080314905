"""The statistics and the whole study by the package."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Numbers, Options, Work, compete

if TYPE_CHECKING:
    import numpy as np

HERE = Path(__file__).parent


def read_table(path: Path) -> tuple[list[str], np.ndarray]:
    """Names and numbers of a table; NA is missing."""
    import numpy as np

    with path.open(encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return names, np.array([[float(cell.replace("NA", "nan")) for cell in row] for row in rows])


def prepare_cuts(folder: Path, options: Options) -> Work:
    from cytopenia.stats.cut_bootstrap import Resampling, bootstrap_cut

    _, table = read_table(folder / "data.csv")
    how = Resampling(resamples=options["resamples"], seed=1, again=options["again"])

    def work() -> Numbers:
        found = bootstrap_cut(table[:, 1], table[:, 0], high_means_event=True, how=how)
        outside = found.outside["youden"].value
        return {"cut": found.curve.cut, "Youden": found.curve.youden, "Youden outside": outside}

    return work


def prepare_roc(folder: Path, options: Options) -> Work:
    del options
    from cytopenia.stats.roc import estimate_roc

    _, table = read_table(folder / "data.csv")

    def work() -> Numbers:
        curve = estimate_roc(table[:, 1], table[:, 0], high_means_event=True)
        return {"area": curve.auc, "low": curve.low, "high": curve.high}

    return work


def prepare_validation(folder: Path, options: Options) -> Work:
    from cytopenia.stats.resamples import draw_resamples
    from cytopenia.stats.validation import ModelRecipe, validate_model

    names, table = read_table(folder / "data.csv")
    recipe = ModelRecipe("maximum_likelihood", tuple(range(len(names) - 1)))

    def work() -> Numbers:
        drawn = draw_resamples(len(table), count=options["resamples"], seed=1)
        found = validate_model(table[:, 1:], table[:, 0], drawn, recipe=recipe)
        c, slope = found.c_statistic, found.slope
        return {"C": c.apparent, "C corrected": c.corrected, "slope corrected": slope.corrected}

    return work


def prepare_imputation(folder: Path, options: Options) -> Work:
    from cytopenia.stats.imputation import impute_chained

    names, table = read_table(folder / "data.csv")

    def work() -> Numbers:
        found = impute_chained(
            table,
            levels=[0] * len(names),
            names=names,
            seed=1,
            imputations=options["imputations"],
            iterations=options["iterations"],
        )
        return {"mean": found.values[:, :, 1].mean(), "SD": found.values[:, :, 1].std()}

    return work


def prepare_firth(folder: Path, options: Options) -> Work:
    del options
    from cytopenia.stats.logistic import fit_logistic

    names, table = read_table(folder / "data.csv")

    def work() -> Numbers:
        fit = fit_logistic(table[:, 1:], table[:, 0], names=names[1:], method="firth")
        return {f"coefficient of {term.name}": term.coefficient for term in fit.terms}

    return work


def prepare_table_one(folder: Path, options: Options) -> Work:
    del options
    from cytopenia.workflow import analyze_study

    file = Path(shutil.copy(HERE / "table_one.toml", folder))

    def work() -> Numbers:
        results = analyze_study(file).results
        tests = results.filter(results["estimate"] == "p_value")
        return {f"P of {name}": p for name, p in tests.select("variable", "value").iter_rows()}

    return work


def prepare_study(folder: Path, options: Options) -> Work:
    del options
    from cytopenia.workflow import run_study

    return lambda: {"results": run_study(folder / "study.toml", out=folder / "results").run.results.height}


if __name__ == "__main__":
    compete(
        {
            "cuts": prepare_cuts,
            "roc": prepare_roc,
            "validation": prepare_validation,
            "imputation": prepare_imputation,
            "firth": prepare_firth,
            "table_one": prepare_table_one,
            "study": prepare_study,
        },
        ("cytopenia", "numpy", "scipy"),
    )
