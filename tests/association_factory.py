"""Made-up rows of the analyses that set factors against an outcome, and of a comparison with a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.results import ResultRow, collect_results
from report_factory import OUTCOMES, make_content, make_results, number_rows

STRATA = ("event", "no event", "total")
LATE = "known only after infusion"
SCREENED = "not selected: P = {} in the screen, not below 0.05"
ANALYSES: list[dict[str, Any]] = [
    {
        "id": "severe",
        "kind": "risk_factors",
        "title": "Factors of severe cytopenia",
        "label": "Table I",
        "columns": ["groups", "p", "multivariable"],
        "parity": "spss",
        "outcome": "severe_cytopenia",
        "event": "yes",
    },
    {
        "id": "by_crs",
        "kind": "crosstab",
        "title": "Thrombocytopenia and CRS",
        "label": "Table SV",
        "outcome": "severe_thrombocytopenia",
        "event": "yes",
    },
    {
        "id": "curves",
        "kind": "roc",
        "title": "Cut-offs for recovery",
        "label": "Figure SI",
        "outcome": "recovery",
        "event": "recovered",
    },
    {
        "id": "cut",
        "kind": "risk_factors",
        "title": "Recovery by cut-offs",
        "label": "Table III",
        "columns": ["univariable", "multivariable"],
        "outcome": "recovery",
        "event": "recovered",
    },
]


def make_associations(**changes: Any) -> ReportContent:
    """Return a report content with one analysis of each new kind, and printed numbers."""
    rows = [*risk_factor_rows(), *crosstab_rows(), *roc_rows(), *cut_rows(), *printed_rows()]
    given: dict[str, Any] = {
        "analyses": ANALYSES,
        "results": pl.concat([make_results(), collect_results(rows)]),
        "outcome_titles": {
            **OUTCOMES,
            "severe_cytopenia": "Severe cytopenia",
            "recovery": "Hematologic recovery at day 28",
        },
    }
    return make_content(**{**given, **changes})


def associations_of(rows: Iterable[ResultRow], **analysis: Any) -> ReportContent:
    """Return a content with these rows only, and one analysis "a" as described."""
    described = {"id": "a", "kind": "risk_factors", "title": "A", **analysis}
    return make_associations(results=collect_results(rows), analyses=[described])


def group_sizes(analysis_id: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[ResultRow]:
    """Return the sizes of event, no event and all: policy, best, worst."""
    return [
        ResultRow(
            analysis_id=analysis_id, group="groups", variable="patients", estimate="count", stratum=stratum,
            scenario=scenario, value=count, text=name if scenario == "policy" else "",
        )
        for stratum, name, sizes in zip(STRATA, names, counts, strict=True)
        for scenario, count in zip(("policy", "best", "worst"), sizes, strict=True)
    ]  # fmt: skip


def left_out(analysis_id: str, why: str, count: int) -> ResultRow:
    """Return how many patients are in no group for one reason."""
    return ResultRow(
        analysis_id=analysis_id, group="groups", variable="patients", estimate="count", stratum=why,
        scenario="policy", value=count, text=f"In no group: {why}",
    )  # fmt: skip


def numeric_groups(
    analysis_id: str, name: str, title: str, *, numbers: Sequence[Sequence[float]], note: str = ""
) -> list[ResultRow]:
    """Return n, missing, median, minimum, maximum of event, no event and all."""
    parts = ("n", "missing", "median", "minimum", "maximum")
    rows = list[ResultRow]()
    for stratum, values in zip(STRATA, numbers, strict=True):
        base = {"analysis_id": analysis_id, "group": "groups", "variable": name, "stratum": stratum}
        found = number_rows({**base, "note": note}, title, **dict(zip(parts, values, strict=True)))
        rows += found
    return rows


def level_groups(
    analysis_id: str, name: str, title: str, *, levels: dict[str, Sequence[Sequence[int]]], note: str = ""
) -> list[ResultRow]:
    """Return counts of each level: (policy, best, worst) with the event, the same without it."""
    rows = list[ResultRow]()
    totals = [sum(sides[at][0] for sides in levels.values()) for at in (0, 1)]
    for stratum, total in zip(STRATA, (*totals, sum(totals)), strict=True):
        base: dict[str, Any] = {"analysis_id": analysis_id, "group": "groups", "variable": name}
        base["stratum"] = stratum
        rows.append(ResultRow(**base, estimate="denominator", value=total, text=title, note=note))
        rows.append(ResultRow(**base, estimate="missing", value=0))
        for level, (event, other) in levels.items():
            counts = {"event": event, "no event": other}.get(stratum, [event[0] + other[0]])
            for scenario, count in zip(("policy", "best", "worst"), counts, strict=False):
                key = {**base, "variable_level": level, "scenario": scenario}
                rows.append(ResultRow(**key, estimate="count", value=count))
                if scenario == "policy":
                    rows.append(ResultRow(**key, estimate="denominator", value=total))
                    rows.append(ResultRow(**key, estimate="percent", value=100 * count / total))
    return rows


def p_row(
    analysis_id: str, name: str, value: float | None, method: str, *, group: str = "test", **more: Any
) -> ResultRow:
    """Return the P value of a test."""
    return ResultRow(
        analysis_id=analysis_id, group=group, variable=name, estimate="p_value", value=value, text=method,
        **more,
    )  # fmt: skip


def odds_rows(
    base: dict[str, Any], odds: Sequence[float], p: float, *, text: str = "", method: str = "wald"
) -> list[ResultRow]:
    """Return an odds ratio (value, low, high) with its P value."""
    value, low, high = odds
    note = str(base.get("note", ""))
    plain = {key: part for key, part in base.items() if key != "note"}
    return [
        ResultRow(**plain, estimate="odds_ratio", value=value, low=low, high=high, text=text, note=note),
        ResultRow(**plain, estimate="p_value", value=p, text=method),
    ]


def model_rows(analysis_id: str, group: str, *, method: str, **numbers: float) -> list[ResultRow]:
    """Return the size of a model; the method travels with n."""
    base = {"analysis_id": analysis_id, "group": group, "variable": "model"}
    return number_rows(base, method, **numbers)


def refused(analysis_id: str, group: str, name: str, why: str, **more: Any) -> ResultRow:
    """Return an odds ratio that there is not, and why."""
    status = more.pop("status", "not_done")
    return ResultRow(
        analysis_id=analysis_id, group=group, variable=name, estimate="odds_ratio", status=status, note=why,
        **more,
    )  # fmt: skip


def risk_factor_rows() -> list[ResultRow]:
    """Return groups, tests and a multivariable model, with bounds, gaps and refusals."""
    name = "severe"
    sizes = [(52, 51, 54), (9, 12, 9), (61, 63, 63)]
    rows = group_sizes(name, ("Yes", "No", "All"), sizes)
    rows.append(left_out(name, "not judged", 2))
    rows += numeric_groups(
        name, "age_years", "Age, years",
        numbers=[(52, 0, 47, 21, 72), (9, 0, 44, 23, 69), (61, 0, 46, 21, 72)],
    )  # fmt: skip
    rows += level_groups(
        name, "sex", "Sex",
        levels={"male": [(38, 37, 39), (6, 8, 6)], "female": [(14, 14, 15), (3, 4, 3)]},
    )  # fmt: skip
    rows += level_groups(
        name, "target", "CAR-T target",
        levels={"CD19": [(10, 10, 10), (1, 1, 1)], "CD19-CD20": [(42, 41, 44), (8, 11, 8)]},
    )  # fmt: skip
    rows += numeric_groups(
        name, "anc", "Baseline neutrophils (ANC), ×10⁹/L",
        numbers=[(52, 0, 2.71, 0.61, 9.4), (9, 0, 5.36, 2.2, 11.35), (61, 0, 3.15, 0.61, 11.35)],
    )  # fmt: skip
    rows += numeric_groups(
        name, "il6_peak", "Peak IL-6, pg/mL", note=LATE,
        numbers=[(49, 3, 212.5, 4.1, 8123), (8, 1, 31.2, 2.2, 640), (57, 4, 180.3, 2.2, 8123)],
    )  # fmt: skip
    rows += level_groups(
        name, "nt", "Neurotoxicity", note=LATE,
        levels={"none": [(42, 41, 44), (9, 12, 9)], "grade >= 3": [(10, 10, 10), (0, 0, 0)]},
    )  # fmt: skip
    asymptotic = "mann_whitney_asymptotic"
    rows += [
        p_row(name, "age_years", 0.5127, asymptotic),
        p_row(name, "sex", 0.9999, "fisher_exact"),
        p_row(name, "target", 0.5138, "fisher_monte_carlo", low=0.5038, high=0.5238),
        p_row(name, "anc", 0.00031, asymptotic),
        p_row(name, "il6_peak", 0.0305, asymptotic),
        p_row(name, "nt", 0.3332, "fisher_exact"),
        p_row(name, "anc", 0.0004, "shapiro_wilk", group="normality", n=61),
        p_row(name, "age_years", 0.4411, "shapiro_wilk", group="normality", n=61),
    ]
    group = "multivariable"
    rows += [
        refused(name, group, one, SCREENED.format(p))
        for one, p in (("age_years", "0.513"), ("sex", "1.000"), ("target", "0.514"))
    ]
    base = {"analysis_id": name, "group": group, "n": 57}
    rows += odds_rows({**base, "variable": "anc"}, (0.4132, 0.2194, 0.7781), 0.0062, text="x (per unit)")
    late = {**base, "variable": "il6_peak", "note": LATE}
    rows += odds_rows(late, (1.00041, 0.99983, 1.00102), 0.166, text="x (per unit)")
    why = f"separation: no event-free patient at this level; {LATE}"
    nt = {"status": "not_estimable", "variable_level": "grade >= 3"}
    rows.append(refused(name, group, "nt", why, **nt))
    rows.append(ResultRow(**base, variable="nt", variable_level="none", estimate="reference"))
    sizes_of_model = {"n": 57.0, "events": 49.0, "non_events": 8.0, "terms": 3.0, "missing": 4.0}
    rows += model_rows(name, group, method="maximum_likelihood", **sizes_of_model)
    gate = "9 patients in the smaller group: a multivariable model needs 20, this one has 3 terms; it was"
    gate += " fitted as requested and is not reliable"
    rows.append(
        ResultRow(
            analysis_id=name,
            group="gate",
            variable="model",
            estimate="smaller_group",
            level=group,
            value=9,
            note=gate,
        )
    )
    return rows


def crosstab_rows() -> list[ResultRow]:
    """Return three levels against an outcome, with pairs."""
    name, variable = "by_crs", "crs"
    rows = group_sizes(name, ("Yes", "No", "All"), [(15, 15, 16), (47, 48, 47), (62, 63, 63)])
    rows.append(left_out(name, "not judged", 1))
    base: dict[str, Any] = {"analysis_id": name, "group": "counts", "variable": variable}
    rows.append(ResultRow(**base, estimate="denominator", value=62, text="Cytokine release syndrome"))
    rows.append(ResultRow(**base, estimate="missing", value=0))
    for level, event, other in (
        ("none", (1, 1, 2), (17, 18, 17)),
        ("grade 1-2", (13, 13, 13), (27, 27, 27)),
        ("grade >= 3", (1, 1, 1), (3, 3, 3)),
    ):
        for stratum, counts in (("event", event), ("no event", other)):
            for scenario, count in zip(("policy", "best", "worst"), counts, strict=True):
                key = {**base, "variable_level": level, "stratum": stratum, "scenario": scenario}
                rows.append(ResultRow(**key, estimate="count", value=count))
                total = event[0] + other[0]
                if scenario == "policy":
                    rows.append(ResultRow(**key, estimate="denominator", value=total))
                    rows.append(ResultRow(**key, estimate="percent", value=100 * count / total))
    rows.append(p_row(name, variable, 0.0644, "fisher_exact"))
    for level, p, holm in (
        ("none vs grade 1-2", 0.0254, 0.0762),
        ("none vs grade >= 3", 0.3377, 0.6754),
        ("grade 1-2 vs grade >= 3", 0.9999, 0.9999),
    ):
        pair = {"group": "pairwise", "variable_level": level}
        rows.append(p_row(name, variable, p, "chi_squared", **pair))
        rows.append(ResultRow(analysis_id=name, variable=variable, estimate="p_holm", value=holm, **pair))
    return rows


ROC_FACTORS = {
    "anc": ("Baseline neutrophils (ANC), ×10⁹/L", "higher", ">= 2.29", 2.29, (0.802, 0.685, 0.919)),
    "hemoglobin": ("Baseline hemoglobin, g/L", "higher", ">= 114.5", 114.5, (0.781, 0.661, 0.901)),
    "il6": ("Baseline IL-6, pg/mL", "lower", "< 21.43", 21.43, (0.826, 0.713, 0.939)),
    "ferritin_peak": ("Peak ferritin, ng/mL", "lower", "< 1195", 1195.0, (0.774, 0.644, 0.904)),
}
CURVE = [
    (0.0, 1.0), (0.10, 1.0), (0.21, 0.95), (0.44, 0.95), (0.62, 0.86), (0.79, 0.76), (0.90, 0.48),
    (0.97, 0.29), (1.0, 0.0),
]  # fmt: skip


def roc_rows() -> list[ResultRow]:
    """Return four curves with their cut-offs; a fifth factor has no curve."""
    name = "curves"
    rows = [ResultRow(analysis_id=name, variable="event", estimate="count", value=39, text="Recovered")]
    for factor, (title, side, label, cut, (auc, low, high)) in ROC_FACTORS.items():
        base: dict[str, Any] = {"analysis_id": name, "variable": factor}
        missing = 1 if factor == "ferritin_peak" else 0
        late = LATE if factor == "ferritin_peak" else ""
        rows.append(ResultRow(**base, estimate="n", value=60 - missing, text=title, note=late))
        rows += number_rows(base, events=39, non_events=21 - missing, missing=missing)
        rows.append(ResultRow(**base, estimate="auc", value=auc, low=low, high=high, text=side))
        rows.append(ResultRow(**base, estimate="cut", value=cut, text=label))
        rows += number_rows(base, sensitivity=0.79, specificity=0.76, youden=0.55)
        for place, (sensitivity, specificity) in enumerate(CURVE):
            key = {**base, "group": "curve", "variable_level": str(place)}
            rows += number_rows(key, threshold=place, sensitivity=sensitivity, specificity=specificity)
    lost: dict[str, Any] = {"analysis_id": name, "variable": "crp", "status": "not_estimable"}
    rows.append(ResultRow(analysis_id=name, variable="crp", estimate="n", value=0, text="Baseline CRP, mg/L"))
    rows += number_rows({"analysis_id": name, "variable": "crp"}, events=0, non_events=0, missing=60)
    rows += [
        ResultRow(**lost, estimate=estimate, note="nobody has a value" if estimate == "auc" else "")
        for estimate in ("auc", "cut", "sensitivity", "specificity", "youden")
    ]
    return rows


def cut_rows() -> list[ResultRow]:
    """Return cut factors in univariable and multivariable models, as Table III of a paper."""
    name = "cut"
    rows = group_sizes(
        name, ("Recovered", "Not recovered", "All"), [(39, 39, 37), (21, 21, 23), (60, 60, 60)]
    )
    rows.append(left_out(name, "died before landmark", 3))
    models = {
        "anc": ("< 2.29", ">= 2.29", (5, 18), (34, 42), (11.0, 3.13, 38.66), 0.00018),
        "il6": (">= 21.43", "< 21.43", (6, 21), (33, 39), (9.333, 2.436, 35.752), 0.0011),
        "ferritin_peak": ("< 1195", ">= 1195", (34, 42), (5, 17), (0.11, 0.031, 0.395), 0.00067),
    }
    for factor, (reference, level, low, high, odds, p) in models.items():
        title = ROC_FACTORS[factor][0]
        late = LATE if factor == "ferritin_peak" else ""
        for group in ("univariable", "multivariable"):
            base: dict[str, Any] = {"analysis_id": name, "group": group, "variable": factor, "note": late}
            base["n"] = 59 if late and group == "univariable" else 60
            at = {**base, "variable_level": reference}
            rows.append(ResultRow(**at, estimate="reference", text=title))
            rows += odds_rows({**base, "variable_level": level}, odds, p, text=title)
            if group == "univariable":
                for one, (events, patients) in ((reference, low), (level, high)):
                    key = {"analysis_id": name, "group": group, "variable": factor, "variable_level": one}
                    rows += number_rows(key, events=events, patients=patients)
        rows.append(
            ResultRow(
                analysis_id=name,
                group="cutpoints",
                variable=factor,
                estimate="cut",
                value=ROC_FACTORS[factor][3],
                text="youden",
            )
        )
    numbers = {"n": 59.0, "events": 39.0, "non_events": 20.0, "terms": 3.0, "missing": 1.0}
    return [*rows, *model_rows(name, "multivariable", method="maximum_likelihood", **numbers)]


def printed_rows() -> list[ResultRow]:
    """Return a claim of every verdict, at two places of a paper."""
    claims = [
        ("Results, patients", "men", "45 (71.42%)", "agrees by truncation", "45 (71.43%)", 45.0),
        ("Results, patients", "CD19 target", "11 (17.46%)", "agrees", "11 (17.46%)", 11.0),
        (
            "Table III", "Baseline ANC < 2.29, univariable OR", "11 (3.130-38.660)",
            "agrees but the printed label contradicts",
            "11.000 (3.130\N{EN DASH}38.660); this is the odds ratio of >= 2.29, the printed label says <",
            11.0,
        ),
        ("Table III", "Baseline IL-6 > 21.43, multivariable OR", "0.091 (0.100-0.802)", "differs",
         "0.085 (0.010\N{EN DASH}0.741)", 0.085),
    ]  # fmt: skip
    rows = [
        ResultRow(
            analysis_id="printed", group=where, variable=f"claim{at}", variable_level=what, text=printed,
            level=verdict, note=note, value=value, estimate="recomputed",
        )
        for at, (where, what, printed, verdict, note, value) in enumerate(claims)
    ]  # fmt: skip
    return [
        *rows,
        ResultRow(
            analysis_id="printed", group="Table III", variable="lost", variable_level="Follow-up",
            text="closed", level="not computed", estimate="recomputed", status="not_done",
            note="no date in the tables",
        ),
    ]  # fmt: skip
