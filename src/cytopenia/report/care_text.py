"""What the Methods say of the page "Read with care"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cytopenia.report.care_lines import CarePanel, read_panels
from cytopenia.report.content import ReportContent
from cytopenia.report.honest_cuts import MAXIMAL, OUT_OF_BAG
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["care_paragraphs"]

BOOTSTRAP = ("Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387.", "")
PAIRS = (
    "Airola A, et al. Comput Stat Data Anal 2011;55:1828-1844.",
    "https://doi.org/10.1016/j.csda.2010.11.018",
)
# One term per ten events: Peduzzi's simulations.
EVENTS_PER_TERM = (
    "Peduzzi P, et al. J Clin Epidemiol 1996;49:1373-1379.",
    "https://doi.org/10.1016/S0895-4356(96)00236-3",
)
FALSE_DISCOVERY = (
    "Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300.",
    "https://doi.org/10.1111/j.2517-6161.1995.tb02031.x",
)
STABILITY = (
    "Heinze G, Wallisch C, Dunkler D. Biom J 2018;60:431-449.",
    "https://doi.org/10.1002/bimj.201700067",
)


def care_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how the careful numbers were made, panel by panel; nothing where the protocol asks for none."""
    found = [(one, read_panels(content, str(one["id"]))) for one in content.analyses]
    asked = [(one, panels) for one, panels in found if panels]
    if not asked:
        return []
    panels = [one for _, one in asked]
    # References are numbered in the order in which they are first cited.
    paragraphs = [
        _say_numbers(references),
        *_say_cuts(content, panels, references),
        _say_named_model(asked, references),
    ]
    selection = " ".join(_say_selection(panels, references))
    return [*paragraphs, *([selection] if selection else []), _say_patients()]


def _say_numbers(references: References) -> str:
    return (
        "Beside the published numbers stand those of a second, declared reading (“Read with care”). Numbers "
        "that had been cut entered logistic models with Firth's penalty as numbers, per interquartile range, "
        f"with profile penalized likelihood intervals {references.cite_method('firth')} "
        f"{references.cite_method('heinze')}. The conclusion of an odds ratio was the side of 1 that its 95% "
        "interval leaves out."
    )


def _say_cuts(
    content: ReportContent, panels: Sequence[Mapping[str, CarePanel]], references: References
) -> Iterator[str]:
    """Panel B, where some cut-off was resampled."""
    if not any(one["b"].pick("cut", "cut") for one in panels if "b" in one):
        return
    seed = content.settings.get("seed")
    started = "" if seed is None else f" (seed {seed})"
    yield (
        "Each cut-off that had been chosen by the Youden index was chosen anew in bootstrap resamples of the "
        f"patients{started}: its 95% interval holds the middle 95% of these cut-offs. Sensitivity, "
        "specificity and Youden index were corrected for the choice by the mean index among the patients not "
        f"drawn {references.cite(*OUT_OF_BAG)}. The P of the best of all cut-offs is the share of all "
        "arrangements of the events over the values with a Youden index as large, in either direction "
        f"{references.cite(*MAXIMAL)}; it was set beside the published P, both against 0.05."
    )


def _say_named_model(
    asked: Sequence[tuple[Mapping[str, Any], Mapping[str, CarePanel]]], references: References
) -> str:
    named = "; ".join(f"{name_analyses([one])}: {_name_terms(panels)}" for one, panels in asked)
    return (
        f"A model was named before the careful numbers were seen ({named}), with at most one term per ten "
        f"patients of the smaller group {references.cite(*EVENTS_PER_TERM)}."
    )


def _say_selection(panels: Sequence[Mapping[str, CarePanel]], references: References) -> Iterator[str]:
    """The rest of panel C, as far as it was done."""
    chosen = [one["c"] for one in panels if "c" in one]
    if any(panel.pick("screen", "p_value") for panel in chosen):
        yield (
            "The P values of the screen were also adjusted over the factors screened "
            f"{references.cite(*FALSE_DISCOVERY)}."
        )
    if any(panel.pick("selection", "share") for panel in chosen):
        yield (
            "The published steps (cut-off, screen by the published test or univariable P, fit) were done "
            f"again in each bootstrap resample {references.cite(*STABILITY)}; how often a factor passed is a "
            "share of all resamples, whether or not maximum likelihood had a finite estimate of the model "
            "that followed."
        )
    if any(panel.pick("auc", "auc") for panel in chosen):
        yield (
            "The area under the curve was corrected for optimism in the resamples with a finite estimate "
            f"{references.cite(*BOOTSTRAP)}, and estimated with pairs of patients left out "
            f"{references.cite(*PAIRS)}."
        )
    noise = [
        panel.numbers.get("pipeline", "share", scenario="noise", stratum="published") for panel in chosen
    ]
    if any(one is not None for one in noise):
        yield (
            "What the same steps find among markers of pure noise was measured in simulated cohorts; the "
            "figure comes with the software."
        )


def _say_patients() -> str:
    return (
        "The published models were fitted again with early deaths read otherwise, without patients who had "
        "the cytopenia before treatment where a baseline was declared, with every undecided outcome at its "
        "best and at its worst, on imputed factors where 5% of the patients lacked one, and under the other "
        "definitions that were declared."
    )


def _name_terms(panels: Mapping[str, CarePanel]) -> str:
    lines = panels["c"].pick("model") if "c" in panels else []
    return join_names(dict.fromkeys(name_inside(line.title) for line in lines))
