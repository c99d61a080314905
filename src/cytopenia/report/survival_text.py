"""Sentences of the Methods on times to an event: each only if it is true of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number
from cytopenia.report.references import References, join_names, name_analyses, name_inside
from cytopenia.report.survival_cells import SurvivalNumbers, read_survival

__all__ = ["find_recovery_groups", "survival_paragraphs"]

KAPLAN = (
    "Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481.",
    "https://doi.org/10.1080/01621459.1958.10501452",
)
SCHEMPER = (
    "Schemper M, Smith TL. Control Clin Trials 1996;17:343-346.",
    "https://doi.org/10.1016/0197-2456(96)00075-X",
)
MANTEL = ("Mantel N. Cancer Chemother Rep 1966;50:163-170.", "")
COX = ("Cox DR. J R Stat Soc B 1972;34:187-220.", "https://doi.org/10.1111/j.2517-6161.1972.tb00899.x")
HEINZE = (
    "Heinze G, Schemper M. Biometrics 2001;57:114-119.",
    "https://doi.org/10.1111/j.0006-341X.2001.00114.x",
)
GRAMBSCH = (
    "Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.",
    "https://doi.org/10.1093/biomet/81.3.515",
)
ROYSTON = (
    "Royston P, Parmar MKB. BMC Med Res Methodol 2013;13:152.",
    "https://doi.org/10.1186/1471-2288-13-152",
)
ANDERSON = (
    "Anderson JR, Cain KC, Gelber RD. J Clin Oncol 1983;1:710-719.",
    "https://doi.org/10.1200/JCO.1983.1.11.710",
)
GRAY = ("Gray RJ. Ann Stat 1988;16:1141-1154.", "https://doi.org/10.1214/aos/1176350951")
FINE = (
    "Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509.",
    "https://doi.org/10.1080/01621459.1999.10474144",
)
NOT_RECOVERED = "Not recovered"


def find_recovery_groups(content: ReportContent) -> set[str]:
    """Return the outcomes of recovery that make the groups of an analysis of survival."""
    rows = content.results.filter(pl.col("stratum") == NOT_RECOVERED, pl.col("group") == "times")
    ran = set(rows["analysis_id"].unique())
    return {str(one["by"]) for one in content.analyses if one["kind"] == "survival" and one["id"] in ran}


def survival_paragraphs(content: ReportContent, references: References) -> list[str]:
    """Return how time was counted, how survival was estimated, compared and modeled."""
    analyses = [one for one in content.analyses if one["kind"] == "survival"]
    found = [read_survival(content, str(one["id"])) for one in analyses]
    found = [one for one in found if one.endpoint]
    paragraphs = [
        " ".join(_times(found, references)),
        " ".join(_open_outcomes(content, found)),
        " ".join(_estimates(found, references)),
        " ".join(_models(content, found, references)),
        " ".join(_recoveries(content, references)),
    ]
    return [text for text in paragraphs if text]


def _times(found: list[SurvivalNumbers], references: References) -> Iterator[str]:
    if found:
        yield (
            "Overall survival was the time to death of any cause; who was alive was censored at the last "
            "contact. Patients with neither death nor last contact on record could not be analyzed."
        )
    censoring = [one.analysis for one in found if one.analysis.get("second_infusion") == "censor"]
    cut = [
        one
        for one in found
        if one.patients.value(one.endpoint, "count", level="censored before a second infusion")
    ]
    if cut and censoring:
        where = name_analyses(one.analysis for one in cut)
        yield f"Follow-up ended on the day before a second infusion ({where})."
    for one in found:
        landmark = one.analysis.get("landmark")
        if not landmark:
            continue
        left = [
            f"{format_number(one.patients.value(one.endpoint, 'count', level=level))} {level}"
            for level in one.patients.levels(one.endpoint)
            if level.endswith(f"on or before day {landmark}")
        ]
        gone = f" ({'; '.join(left)})" if left else ""
        yield (
            f"Landmark analysis {references.cite(*ANDERSON)} ({name_analyses([one.analysis])}): time was "
            f"counted from day {landmark}, groups were those of that day, and patients who had died or were "
            f"no longer followed by then were left out{gone}."
        )


def _open_outcomes(content: ReportContent, found: list[SurvivalNumbers]) -> Iterator[str]:
    judged = [one for one in found if len(one.scenarios) > 1]
    if judged:
        yield (
            "Groups were those of the outcome as the definition judges it; patients who could not be judged "
            "were in none. Every number of the groups was computed twice more, with all undecided outcomes "
            f"at their best and at their worst ({name_analyses(one.analysis for one in judged)})."
        )
    if find_recovery_groups(content):
        yield (
            "Where the definition of recovery lets a value after its landmark vouch for the days before, "
            "such a value is known of survivors only."
        )


def _estimates(found: list[SurvivalNumbers], references: References) -> Iterator[str]:
    if not found:
        return
    yield (
        f"Survival was estimated by Kaplan and Meier {references.cite(*KAPLAN)}, with 95% confidence "
        "intervals on the scale of log(-log), also for medians; follow-up was the median of the reversed "
        f"curve {references.cite(*SCHEMPER)}."
    )
    if any(one.groups for one in found):
        yield f"Groups were compared by the log-rank test {references.cite(*MANTEL)}."
    if any(one.means.variables for one in found):
        yield (
            "Restricted mean survival is the area under the curve up to the day stated "
            f"{references.cite(*ROYSTON)}; two means were compared by their difference and its standard "
            "error."
        )


def _models(content: ReportContent, found: list[SurvivalNumbers], references: References) -> Iterator[str]:
    rows = content.results.filter(
        pl.col("analysis_id").is_in([one.analysis["id"] for one in found]),
        pl.col("estimate") == "p_value",
        pl.col("value").is_not_null(),
    )
    methods = set(rows.filter(pl.col("group").is_in(["univariable", "multivariable"]))["text"].unique())
    if "wald" in methods:
        yield (
            f"Hazard ratios were estimated by Cox regression {references.cite(*COX)} with Efron's ties, Wald "
            "intervals (95%) and Wald tests."
        )
    if "penalized_likelihood_ratio" in methods:
        yield (
            f"Hazard ratios were estimated by Cox regression {references.cite(*COX)} with Firth's penalty "
            f"{references.cite(*HEINZE)} and Breslow's ties, with profile penalized likelihood intervals "
            "(95%) and penalized likelihood ratio tests."
        )
    if rows["group"].str.ends_with("_check").any():
        yield (
            "Proportional hazards were checked by the score test of a change over time, on the scale of 1 "
            f"minus the Kaplan-Meier estimate {references.cite(*GRAMBSCH)}."
        )
    if methods:
        yield "The number of events decided which models were fitted. Tests were two-sided."


def _recoveries(content: ReportContent, references: References) -> Iterator[str]:
    grouped = content.results.filter(pl.col("group") == "group_test")
    if grouped.is_empty():
        return
    ids = set(grouped["analysis_id"].unique())
    analyses: list[Mapping[str, Any]] = [one for one in content.analyses if one["id"] in ids]
    names = content.results.filter(pl.col("group") == "group_patients")["text"].unique(maintain_order=True)
    groups = join_names(name_inside(clean_text(name)) for name in names if name)
    yield (
        f"Cumulative incidences of recovery were compared between groups ({groups}; "
        f"{name_analyses(analyses)}) by Gray's test {references.cite(*GRAY)}."
    )
    if not content.results.filter(pl.col("group") == "fine_gray", pl.col("value").is_not_null()).is_empty():
        yield (
            "Subdistribution hazard ratios were estimated by Fine and Gray's regression "
            f"{references.cite(*FINE)} with death as competing event and robust standard errors."
        )
