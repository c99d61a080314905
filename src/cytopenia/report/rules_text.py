"""Sentences of the Methods on unmeasured days, missing values, the size of models, software and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import polars as pl

from cytopenia.report.bibliography import Work, load_works
from cytopenia.report.content import DefinitionText, ReportContent, read_definition
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.references import References, join_names

__all__ = [
    "ASSOCIATION_LEVEL",
    "NO_VERSION",
    "find_definition",
    "gate_paragraphs",
    "level_paragraphs",
    "missing_paragraphs",
    "software_paragraphs",
]

NO_VERSION = "an unrecorded version"
# P of a factor at or above this level is called no association; nothing lies between.
ASSOCIATION_LEVEL = 0.05
PACKAGE = "cytopenia"
DEVELOPERS = "The cytopenia developers"
# Programs behind numbers that have no paper of their own; those with one stand in the data file.
PROGRAMS = ("polars", "firthmodels")
BOUNDS_PROSE = (
    "Every outcome was computed three times: as the definition says (the number given), and with every "
    "unmeasured day between two close measurements at its healthiest and at its sickest plausible value. A "
    "patient who could not be judged was taken as healthy and as sick as the values allowed. Any other "
    "unmeasured day changed no grade and no nadir; at a landmark it may have been anything. The two extra "
    "results are given as bounds where they differ. Bounds are not confidence limits."
)
COMPLETE_CASES = (
    "Factors were not filled in: a patient without a value was left out of the test or model that needs it, "
    "and counted"
)
AGAINST_FACTORS = ("groups", "univariable", "multivariable", "curve")
MONTE_CARLO = "fisher_monte_carlo"
RANDOM = ("resamples", "imputations")


def find_definition(content: ReportContent, name: str) -> DefinitionText | None:
    """Return a definition that ran, None where it did not."""
    found = (read_definition(raw) for raw in content.definitions)
    return next((one for one in found if one.id == name), None)


def missing_paragraphs(content: ReportContent) -> Iterator[str]:
    """Return how unmeasured days and missing factors were dealt with, where the run has any use for it."""
    if {"best", "worst"} & set(content.results["scenario"].unique()):
        near = find_definition(content, "neighbor_bounds")
        is_known = near is not None and near.text
        yield BOUNDS_PROSE + (
            f" How far a count may lie from its neighbors was assumed: “{near.text}”"
            if near and is_known
            else ""
        )
    groups = set(content.results["group"].unique())
    if groups & {*AGAINST_FACTORS}:
        has_imputed = any(name.endswith("_imputed") for name in groups if name)
        yield COMPLETE_CASES + (", except where imputation is stated below." if has_imputed else ".")


def gate_paragraphs(content: ReportContent) -> Iterator[str]:
    """Return how many events a model needs, where models were asked for."""
    gates = find_definition(content, "model_gates")
    if gates and gates.text:
        yield f"How many events a model needs was assumed here: “{gates.text}”"


def level_paragraphs(content: ReportContent) -> Iterator[str]:
    """Return what the text calls an association, where factors were tested or modeled."""
    asked = [one["id"] for one in content.analyses if one["kind"] in {"risk_factors", "ordinal"}]
    is_known = (pl.col("estimate") == "p_value") & pl.col("value").is_not_null()
    rows = content.results.filter(
        pl.col("analysis_id").is_in(asked), is_known, pl.col("group").is_in(["test", *AGAINST_FACTORS])
    )
    if not rows.is_empty():
        level = format_p_level(ASSOCIATION_LEVEL)
        yield f"A factor with P below {level} is called associated with the outcome."


def software_paragraphs(content: ReportContent, references: References) -> Iterator[str]:
    """Return the programs with their versions, and the seed if anything drew random numbers."""
    settings = content.settings
    version = settings.get("version") or settings.get("package_version")
    own = Work(key=PACKAGE, kind="software", authors=(DEVELOPERS,), title=PACKAGE, version=str(version or ""))
    cited = f" {references.cite_work(own)}" if version else ""
    libraries = cast("Mapping[str, Any]", settings.get("libraries") or {})
    used = join_names(_name_library(name, str(number), references) for name, number in libraries.items())
    with_libraries = f" with the Python packages {used}" if used else ""
    text = (
        f"Numbers, tables and figures were made by cytopenia {version or NO_VERSION}{cited}{with_libraries}."
    )
    seed = settings.get("seed")
    is_random = pl.col("estimate").is_in(RANDOM) | (pl.col("text") == MONTE_CARLO).fill_null(value=False)
    if seed is not None and not content.results.filter(is_random, pl.col("value").is_not_null()).is_empty():
        text += f" Whatever drew random numbers started from seed {seed}."
    yield text


def _name_library(name: str, version: str, references: References) -> str:
    """Return a library with its version, cited where numbers depend on it."""
    work = load_works().get(name)
    if work is not None:
        return f"{name} {version} {references.cite_work(replace(work, version=version))}"
    if name in PROGRAMS:
        program = Work(key=name, kind="software", title=name, version=version)
        return f"{name} {version} {references.cite_work(program)}"
    return f"{name} {version}"
