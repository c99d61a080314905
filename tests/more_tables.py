"""Analyses and figures of every kind that no bundled study has, on the bundled synthetic cohort."""

from __future__ import annotations

from pathlib import Path

ANALYSES = """
[outcomes.phenotype]
title = "Course of neutrophils"
definition = "rejeski_2021_phenotypes"

[outcomes.second_dip]
title = "Second dip of neutrophils"
definition = "rejeski_2021_phenotypes.second_dip"

[outcomes.anemia_grades]
title = "Anemia by grade"
definition = "ctcae_v4.anemia"
window = [-5, 28]

[[analyses]]
id = "grouped"
kind = "characteristics"
factors = ["age_years", "crp", "ecog"]
by = "target"
adjust = { method = "holm" }

[[analyses]]
id = "phenotypes"
kind = "occurrence"
outcomes = ["phenotype", "second_dip"]

[[analyses]]
id = "steps"
kind = "ordinal"
outcome = "anemia_grades"
factors = ["age_years", "ferritin"]
terms = ["age_years", "ferritin"]

[[analyses]]
id = "blanks"
kind = "missingness"
factors = ["crp", "ferritin", "il6"]
outcome = "recovery"
event = "recovered"

[[analyses]]
id = "imputed"
kind = "risk_factors"
outcome = "recovery"
event = "recovered"
columns = ["groups", "p", "univariable", "multivariable"]
factors = ["age_years", "crp", "ferritin", "il6", "ferritin_peak", "ecog"]
parity = "spss"
diagnostics = true
multivariable = { method = "maximum_likelihood", terms = ["age_years", "ferritin"] }
missing = { method = "multiple_imputation", imputations = 2, iterations = 2 }

[[analyses]]
id = "cuts"
kind = "roc"
outcome = "recovery"
event = "recovered"
lower_means_event = ["crp", "ferritin"]
parity = "compare"
resamples = 200
missing = { method = "multiple_imputation", imputations = 2, iterations = 2 }

[[analyses]]
id = "crossed"
kind = "crosstab"
outcome = "severe_thrombocytopenia"
event = "yes"
factor = "crs"
parity = "compare"
significance_level = 0.05
effects = ["risk_difference", "odds_ratio"]

[[analyses]]
id = "predicted"
kind = "prediction"
outcome = "recovery"
event = "recovered"
factors = ["ferritin", "il6", "age_years"]
expected_c = 0.75
select = { p_below = 0.9 }
resamples = 200
parity = "spss"
missing = { method = "multiple_imputation", imputations = 2, iterations = 2 }

[[analyses]]
id = "validated"
kind = "validation"
outcome = "recovery"
event = "not_recovered"
score = "car_hematotox"
parity = "spss"
missing = { method = "multiple_imputation", imputations = 2, iterations = 2 }
"""


# Figures that a study has only when its protocol asks for them.
FIGURES = """
[report]
trajectories_by = "ecog"

[factors.ferritin_curve]
analyte = "ferritin"
at = "baseline"
spline_knots = 3

[[analyses]]
id = "bent"
kind = "risk_factors"
outcome = "recovery"
event = "not_recovered"
columns = ["univariable"]
factors = ["ferritin_curve"]

[[analyses]]
id = "steps"
kind = "ordinal"
outcome = "anemia"
factors = ["ferritin_curve"]
"""


def write_more(example: Path, folder: Path) -> Path:
    """Copy the bundled study with analyses of further kinds in place of its own."""
    return _write_study(example, folder, ANALYSES)


def write_figures(example: Path, folder: Path) -> Path:
    """Copy the bundled study with what further kinds of figures need in place of its analyses."""
    return _write_study(example, folder, FIGURES)


def _write_study(example: Path, folder: Path, analyses: str) -> Path:
    folder.mkdir(parents=True)
    for item in example.iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    head = (example / "study.toml").read_text("utf-8").partition("[[analyses]]")[0]
    head = head.replace('[printed]\npaper = "qiu2023"\n', "")
    path = folder / f"{folder.name}.toml"
    path.write_text(head + analyses, encoding="utf-8")
    return path
