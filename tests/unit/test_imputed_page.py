"""Tables and Methods sentences on imputed values beside the complete cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from cytopenia.definitions import load_library
from cytopenia.report.content import ReportContent
from cytopenia.report.imputed_beside import (
    table_imputed_areas,
    table_imputed_groups,
    table_imputed_prediction,
    table_imputed_terms,
    table_imputed_validation,
)
from cytopenia.report.imputed_tables import imputation_paragraphs
from cytopenia.report.references import References
from cytopenia.report.table_model import Table
from cytopenia.results import ResultRow, collect_results
from cytopenia.study.analysis_forms import RiskFactors, Roc
from cytopenia.study.associations import RiskFactorInput, summarize_risk_factors
from cytopenia.study.cut_points import fit_curves, summarize_roc
from cytopenia.study.external_validation import CardInput, summarize_card_validation
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_external import summarize_imputed_card
from cytopenia.study.imputed_groups import summarize_imputed_areas
from cytopenia.study.imputed_prediction import summarize_imputed_prediction
from cytopenia.study.model_cards import ModelCard
from cytopenia.study.prediction import PredictionInput, summarize_prediction
from cytopenia.study.prediction_forms import ExternalValidation
from prediction_factory import CARD, load_gates, make_analysis
from report_factory import make_content

IMPUTED = {"method": "multiple_imputation", "imputations": 3, "iterations": 2}
ROWS = 90


def make_patients() -> tuple[list[FactorColumn], Sides]:
    """x and g lack values, z does not."""
    rng = np.random.default_rng(3)
    x, z = np.exp2(rng.normal(1, 1, ROWS)), rng.normal(size=ROWS)
    g = np.where(rng.random(ROWS) < 0.5, "a", "b").tolist()
    event = (rng.random(ROWS) < 1 / (1 + np.exp(1 - np.log2(x) - 0.7 * z))).astype(float)
    x[:15] = np.nan
    for place in range(10, 20):
        g[place] = None
    factors = [
        FactorColumn("x", "X", pl.Series("x", x).fill_nan(None)),
        FactorColumn("z", "Z", pl.Series("z", z)),
        FactorColumn("g", "G", pl.Series("g", g, dtype=pl.String)),
    ]
    return factors, Sides(("Failed", "Recovered"), dict.fromkeys(("policy", "best", "worst"), event), {})


FACTORS, SIDES = make_patients()


def show(rows: Iterable[ResultRow], kind: str) -> ReportContent:
    analyses = [{"id": "t", "kind": kind, "title": "T", "outcome": "recovery", "event": "not_recovered"}]
    return make_content(results=collect_results(rows), analyses=analyses, outcome_titles={"recovery": "R"})


def list_rows(table: Table) -> dict[str, list[str]]:
    return {row.header: [cell.text for cell in row.cells] for row in table.rows}


def read_methods(content: ReportContent) -> tuple[str, int]:
    references = References()
    (text,) = imputation_paragraphs(content, references)
    assert "{" not in text
    return text, len(references.entries)


def make_risk(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "t",
        "kind": "risk_factors",
        "outcome": "recovery",
        "event": "not_recovered",
        "factors": ["x", "z", "g"],
        "columns": ["groups", "p"],
        "missing": IMPUTED,
    }
    return RiskFactors.model_validate({**keys, **changes})


def test_groups_stand_beside_each_other() -> None:
    given = RiskFactorInput(FACTORS, SIDES, {}, load_library().gates, 7)
    rows = list(summarize_risk_factors(make_risk(), given))
    content = show(rows, "risk_factors")
    table = table_imputed_groups(content, "t")
    shown = list_rows(table)
    # What lacks nothing is not repeated.
    assert list(shown) == ["X", "G", "a", "b"]
    complete, imputed = shown["X"][:2]
    assert "mean" not in complete
    mean = next(r for r in rows if (r.group, r.stratum, r.estimate) == ("groups_imputed", "event", "mean"))
    assert f"mean {mean.value:.1f}"[:7] in imputed
    assert shown["a"][1].count("%") >= 1
    assert [column.full_title for column in table.columns] == [
        "Factor",
        "Failed: Complete cases",
        "Failed: Imputed",
        "Recovered: Complete cases",
        "Recovered: Imputed",
        "P: Complete cases",
        "P: Imputed",
    ]
    assert any("Area under the ROC curve of the completed tables" in note for note in table.footnotes)
    assert "3 imputations of 90 patients, 2 iterations." in table.notes
    text, sources = read_methods(content)
    assert "Rank tests and tests of counts were not pooled" in text
    assert "coefficients of the completed tables" not in text
    # mice, Moons, Rubin, Barnard and Rubin, Marshall, Li
    assert sources == 6


def test_without_groups_there_is_no_table() -> None:
    content = show([ResultRow(analysis_id="t", variable="x", estimate="n", value=1)], "risk_factors")
    assert not table_imputed_groups(content, "t").rows
    assert imputation_paragraphs(content, References()) == []


def test_areas_stand_beside_each_other() -> None:
    keys = {"id": "t", "kind": "roc", "outcome": "recovery", "event": "not_recovered", "missing": IMPUTED}
    analysis = Roc.model_validate({**keys, "higher_means_event": ["x", "z"]})
    curves = fit_curves(analysis, FACTORS[:2], SIDES)
    rows = [
        *summarize_roc(FACTORS[:2], curves, SIDES, analysis_id="t"),
        *summarize_imputed_areas(analysis, FACTORS[:2], SIDES, seed=7),
    ]
    shown = list_rows(table_imputed_areas(show(rows, "roc"), "t"))
    assert shown["X"][0].startswith(f"{curves['x'].auc:.3f} (")
    assert shown["X"][1] != shown["X"][0]
    assert shown["Z"][1] == "\N{EN DASH}"
    assert 0 < float(shown["X"][2]) < 1


def test_a_prediction_on_complete_cases_and_on_imputed_values() -> None:
    analysis = make_analysis(id="t", factors=["x", "g"], missing=IMPUTED)
    analysis = analysis.model_copy(update={"resamples": 20})
    given = PredictionInput([FACTORS[0], FACTORS[2]], SIDES, load_gates(), seed=7)
    rows = [*summarize_prediction(analysis, given), *summarize_imputed_prediction(analysis, given)]
    content = show(rows, "prediction")
    shown = list_rows(table_imputed_prediction(content, "t"))
    assert list(shown) == ["C statistic", "Slope of calibration", "Intercept of calibration", "Brier score"]
    texts = [text.replace("\N{MINUS SIGN}", "-") for text in shown["C statistic"][3:]]
    apparent, optimism, corrected = map(float, texts)
    assert abs(apparent - optimism - corrected) < 0.0016
    terms = table_imputed_terms(content, "t")
    assert list(list_rows(terms)) == ["Intercept", "X (per unit)", "G, b"]
    text, _ = read_methods(content)
    assert "patients were resampled first and imputed afterwards" in text
    assert "at least half" not in text


def test_a_refused_prediction_says_why() -> None:
    few = [FactorColumn(one.name, one.title, one.values.head(30)) for one in (FACTORS[0], FACTORS[2])]
    sides = Sides(SIDES.names, {name: event[:30] for name, event in SIDES.event.items()}, {})
    analysis = make_analysis(id="t", factors=["x", "g"], missing=IMPUTED)
    given = PredictionInput(few, sides, load_gates(), seed=7)
    content = show(summarize_imputed_prediction(analysis, given), "prediction")
    table = table_imputed_prediction(content, "t")
    assert list_rows(table)["Model"][3] == "\N{EN DASH}"
    assert any("a multivariable model needs 20" in note for note in table.footnotes)
    assert not table_imputed_terms(content, "t").rows


def test_a_card_on_complete_cases_and_on_imputed_inputs() -> None:
    stage = pl.Series("stage", ["II" if value == "a" else "I" for value in FACTORS[2].values.to_list()])
    factors = {"x": FACTORS[0], "stage": FactorColumn("stage", "Stage", stage)}
    given = CardInput(ModelCard.model_validate(CARD), factors, SIDES, load_gates())
    keys = {"id": "t", "kind": "validation", "outcome": "recovery", "event": "not_recovered"}
    analysis = ExternalValidation.model_validate({**keys, "card": "m.json", "missing": IMPUTED})
    rows = [*summarize_card_validation(analysis, given), *summarize_imputed_card(analysis, given, seed=7)]
    content = show(rows, "validation")
    table = table_imputed_validation(content, "t")
    assert list(list_rows(table)) == [
        "C statistic",
        "Calibration in the large, log odds",
        "Intercept of calibration",
        "Slope of calibration",
        "Observed by expected events",
        "Brier score",
    ]
    events = int(SIDES.policy.sum())
    assert table.notes[0] == f"Imputed: {ROWS} patients, {events} with the event."
    assert "In external validation the C statistic was pooled on the logit scale" in read_methods(content)[0]
