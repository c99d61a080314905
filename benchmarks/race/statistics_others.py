"""The statistics by other libraries in Python: MICE of statsmodels, tableone."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from harness import Numbers, Options, Work, compete


def prepare_statsmodels(folder: Path, options: Options) -> Work:
    """Its one chain is continued for every imputation."""
    import numpy as np
    import pandas as pd
    from statsmodels.imputation.mice import MICEData

    table = pd.read_csv(folder / "data.csv")
    warnings.simplefilter("ignore")

    def work() -> Numbers:
        np.random.seed(1)  # noqa: NPY002  it draws from the global generator only
        chain, found = MICEData(table, k_pmm=5), []
        for _ in range(options["imputations"]):
            chain.update_all(options["iterations"])
            found.append(chain.data["x1"].to_numpy(copy=True))
        return {"mean": np.mean(found), "SD": np.std(found)}

    return work


def prepare_table_one(folder: Path, options: Options) -> Work:
    del options
    import pandas as pd
    from tableone import TableOne

    numbers, words = ["age_years", "prior_lines"], ["sex", "diagnosis", "ecog"]
    warnings.simplefilter("ignore")

    def work() -> Numbers:
        patients = pd.read_parquet(folder / "patients.parquet")
        table = TableOne(
            patients,
            columns=numbers + words,
            categorical=words,
            groupby="bridging",
            nonnormal=numbers,
            pval=True,
        )
        table.tabulate()
        # Over two levels it corrects after Yates, which the package does not: that P is not compared.
        p = table.htest_table["P-Value"].drop("sex")
        return {f"P of {name}": value for name, value in p.items()}

    return work


if __name__ == "__main__":
    libraries = {"table_one": ("tableone", "pandas"), "statsmodels": ("statsmodels",)}[sys.argv[1]]
    compete({"statsmodels": prepare_statsmodels, "table_one": prepare_table_one}, libraries)
