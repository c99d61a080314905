"""Sentences of the Methods on prediction: size, fit, resampling, curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_number, lower_first
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.references import References

__all__ = ["prediction_paragraphs"]

MODEL = "model"
RILEY = ("Riley RD et al. BMJ 2020;368:m441.", "10.1136/bmj.m441")
HARRELL = (
    "Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387.",
    "",
)
AIROLA = ("Airola A et al. Comput Stat Data Anal 2011;55:1828-1844.", "10.1016/j.csda.2010.11.018")
SELECTION = ("Heymans MW et al. BMC Med Res Methodol 2007;7:33.", "10.1186/1471-2288-7-33")
BENEFIT = ("Vickers AJ, Elkin EB. Med Decis Making 2006;26:565-574.", "10.1177/0272989X06295361")
POINTS = ("Sullivan LM, Massaro JM, D'Agostino RB. Stat Med 2004;23:1631-1660.", "10.1002/sim.1742")
METHODS = {
    "firth": "logistic regression with Firth's penalty",
    "maximum_likelihood": "logistic regression by maximum likelihood",
}


def prediction_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return a paragraph for each prediction model, by the rows that are there."""
    texts = [
        " ".join(_say_model(content, references, analysis))
        for analysis in content.analyses
        if analysis["kind"] == "prediction"
    ]
    return [text for text in texts if text]


def _cite(references: References, source: tuple[str, str]) -> str:
    return references.cite(source[0], f"https://doi.org/{source[1]}" if source[1] else "")


def _say_model(content: ReportContent, references: References, analysis: Mapping[str, Any]) -> Iterator[str]:
    identity = str(analysis["id"])
    size = select_results(content.results, identity, group="size")
    if not size.estimates:
        return
    outcome = lower_first(outcome_title(content, str(analysis.get("outcome") or "the outcome")))
    count = format_number(size.value(MODEL, "parameters"))
    yield (
        f"For a model predicting {outcome} from {count} candidate parameters the required sample size was "
        f"computed by the criteria of Riley et al. {_cite(references, RILEY)}."
    )
    worth = select_results(content.results, identity, group="performance")
    refused = worth.get(MODEL, MODEL)
    if refused is not None:
        yield f"No model was made: {refused.note}."
        return
    yield from _say_worth(content, references, identity, worth)


def _say_worth(
    content: ReportContent, references: References, identity: str, worth: ResultLookup
) -> Iterator[str]:
    method = worth.get(MODEL, "method")
    fitted = METHODS.get(method.text, method.text) if method is not None else "logistic regression"
    resamples = format_number(worth.value(MODEL, "resamples"))
    has_choice = bool(select_results(content.results, identity, group="models").estimates)
    again = (
        "; cut-offs and the selection of candidates were repeated in each resample "
        f"{_cite(references, SELECTION)}"
        if has_choice
        else ""
    )
    yield (
        f"The model was fitted by {fitted} to patients with every candidate. C statistic, calibration and "
        f"Brier score were corrected for optimism by the bootstrap with {resamples} resamples "
        f"{_cite(references, HARRELL)}{again}; the C statistic was estimated as well with pairs of patients "
        f"left out {_cite(references, AIROLA)}. Coefficients were shrunken by the corrected slope."
    )
    curve = select_results(content.results, identity, group="decision")
    if curve.levels(MODEL):
        yield (
            "Net benefit at the thresholds that the protocol names was corrected in the same way "
            f"{_cite(references, BENEFIT)}."
        )
    points = select_results(content.results, identity, group="points")
    if points.levels("total"):
        yield f"The model is also given as a nomogram and in whole points {_cite(references, POINTS)}."
