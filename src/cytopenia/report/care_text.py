"""What the Methods say of the page "Read with care"."""

from __future__ import annotations

from cytopenia.report.care_lines import CarePanel, read_panels
from cytopenia.report.content import ReportContent
from cytopenia.report.references import References, join_names, name_analyses, name_inside

__all__ = ["care_paragraphs"]

BOOTSTRAP = ("Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387.", "")
PAIRS = (
    "Airola A, et al. Comput Stat Data Anal 2011;55:1828-1844.",
    "https://doi.org/10.1016/j.csda.2010.11.018",
)
STABILITY = (
    "Heinze G, Wallisch C, Dunkler D. Biom J 2018;60:431-449.",
    "https://doi.org/10.1002/bimj.201700067",
)


def care_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how the careful numbers were made; nothing where the protocol asks for none."""
    found = [(one, read_panels(content, str(one["id"]))) for one in content.analyses]
    asked = [(one, panels) for one, panels in found if panels]
    if not asked:
        return []
    named = "; ".join(f"{name_analyses([one])}: {_name_terms(panels)}" for one, panels in asked)
    return [
        "Beside the published numbers stand those of a second, declared reading. Numbers that had been cut "
        "entered logistic models with Firth's penalty as numbers, per interquartile range, with profile "
        "penalized likelihood intervals. A model was named before the careful numbers were seen "
        f"({named}), with at most one term per ten patients of the smaller group. The published "
        "steps (cut-off, screen by univariable P, fit) were done again in each bootstrap resample "
        f"{references.cite(*STABILITY)}; the area under the curve was corrected for optimism "
        f"{references.cite(*BOOTSTRAP)}, and estimated with pairs of patients left out "
        f"{references.cite(*PAIRS)}. The published models were fitted again with early deaths read "
        "otherwise, without patients who had the cytopenia before treatment where a baseline was "
        "declared, with every open outcome at its best and at its worst, and under the other "
        "definitions that were declared."
    ]


def _name_terms(panels: dict[str, CarePanel]) -> str:
    lines = panels["c"].pick("model") if "c" in panels else []
    return join_names(dict.fromkeys(name_inside(line.title) for line in lines))
