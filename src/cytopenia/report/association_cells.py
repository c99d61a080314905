"""Cells of tables that set factors against an outcome: groups, tests, models, and what each of them owes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    Counted,
    clean_text,
    format_bounds,
    format_median,
    format_number,
    format_odds_ratio,
    format_p,
    format_range,
    format_share,
)
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.model_words import (
    JOINT_TESTS,
    PER_UNIT,
    TREND,
    describe_curve,
    describe_step,
    split_step,
)
from cytopenia.report.table_model import Cell, Footnotes

__all__ = [
    "GROUPS",
    "MODEL",
    "MODELS",
    "MODEL_METHODS",
    "OWN_P",
    "PATIENTS",
    "Association",
    "absent_cell",
    "after_infusion_marks",
    "clean_note",
    "count_bounds",
    "find_analysis",
    "is_about_recovery",
    "p_cell",
    "read_association",
    "read_method",
    "table_label",
]

GROUPS = ("total", "event", "no event")
MODELS = ("univariable", "multivariable")
# Names of rows that are no factor: the sizes of the groups, the numbers of a whole model.
PATIENTS, MODEL = "patients", "model"
AFTER_INFUSION = "known only after infusion"
# The P of each factor stands in the table; without it the footnote is the same for all.
OWN_P = re.compile(r"\bP = [0-9.]+ in the screen, ")
MONTE_CARLO = "fisher_monte_carlo"
TEST_TEXTS = {
    "mann_whitney_asymptotic": "Mann-Whitney U test, asymptotic, tie-corrected, without continuity "
    "correction",
    "mann_whitney_continuity": "Mann-Whitney U test, asymptotic, tie-corrected, with continuity correction",
    "mann_whitney_exact": "Mann-Whitney U test, exact",
    "pooled_area": "Area under the ROC curve of the completed tables, pooled on the logit scale",
    "pooled_difference": "Difference between the sides, pooled by Rubin's rules (Barnard and Rubin)",
    "d1": "Wald's test of all levels, pooled (D1), logistic regression by maximum likelihood",
    "d1_firth": "Wald's test of all levels, pooled (D1), logistic regression with Firth's penalty",
    "chi_squared": "Chi-squared test, without Yates' correction",
    "chi_squared_yates": "Chi-squared test with Yates' correction",
    "fisher_exact": "Fisher's exact test",
    MONTE_CARLO: "Fisher's exact test by Monte Carlo sampling",
    "fisher_mid_p": "Fisher's exact test with mid-P",
    "cochran_armitage": "Cochran-Armitage test for trend over the levels in their order",
    "welch_t": "Welch's t test",
    "kruskal_wallis": "Kruskal-Wallis test",
    "jonckheere_terpstra": "Jonckheere-Terpstra test over the groups in their order",
    "shapiro_wilk": "Shapiro-Wilk test",
    "one_sample_wilcoxon": "One-sample Wilcoxon signed-rank test against the sample mean",
}
MODEL_METHODS = {
    "maximum_likelihood": "Logistic regression by maximum likelihood; Wald interval and Wald test",
    "maximum_likelihood_profile": "Logistic regression by maximum likelihood; profile likelihood interval, "
    "likelihood ratio test",
    "firth": "Logistic regression with Firth's penalty; profile penalized likelihood interval, penalized "
    "likelihood ratio test",
}
# What a P value of a model was computed from tells how the model was fitted.
METHOD_OF_P = {
    "wald": "maximum_likelihood",
    "likelihood_ratio": "maximum_likelihood_profile",
    "penalized_likelihood_ratio": "firth",
}
MISSING_REASONS = {"not_estimable": "not estimable", "not_done": "not done", "suppressed": "suppressed"}
RECOVERY_EVENTS = {"recovered", "not_recovered"}
GROUP_NAMES = {"total": "All", "event": "Event", "no event": "No event"}


def find_analysis(content: ReportContent, analysis_id: str) -> Mapping[str, Any]:
    """Return what the content says of an analysis; only its id where it says nothing."""
    named: Mapping[str, Any] = {"id": analysis_id}
    return next((one for one in content.analyses if one["id"] == analysis_id), named)


def table_label(analysis: Mapping[str, Any]) -> str:
    """Return the label a journal would print, such as "Table I", without the point behind it.

    Examples
    --------
    >>> table_label({"id": "a", "label": "Table I."}), table_label({"id": "a"})
    ('Table I', '')
    """
    return clean_text(analysis.get("label") or "").rstrip(".: ")


def is_about_recovery(analysis: Mapping[str, Any]) -> bool:
    """Return whether the event of an analysis is recovery or its absence."""
    return analysis.get("event") in RECOVERY_EVENTS


@dataclass(frozen=True)
class Association:
    """The numbers of one analysis of factors against an outcome, by the group of rows they stand in.

    Every cell is found by factor and level; the empty level is the factor itself.
    """

    analysis: Mapping[str, Any]
    notes: Footnotes
    groups: ResultLookup
    tests: ResultLookup
    models: Mapping[str, ResultLookup]
    effects: ResultLookup

    @property
    def factors(self) -> list[str]:
        """Factors in the order of the results."""
        lookups = (self.groups, self.effects, self.tests, *self.models.values())
        found = chain.from_iterable(lookup.variables for lookup in lookups)
        return [name for name in dict.fromkeys(found) if name not in {PATIENTS, MODEL}]

    def levels(self, factor: str) -> list[str]:
        """Levels of a factor in groups or models, in the order of the results."""
        lookups = (self.groups, self.effects, *self.models.values())
        return list(dict.fromkeys(chain.from_iterable(lookup.levels(factor) for lookup in lookups)))

    def title(self, factor: str) -> str:
        """Title of a factor, from wherever the results carry it; else its name."""
        texts = [self.groups.title(factor), self.effects.title(factor)]
        for lookup in self.models.values():
            named = {key[4]: one.text for key, one in lookup.estimates.items() if key[1] == factor}
            # A number carries its unit of change behind its title.
            texts += [named.get("reference", ""), split_step(named.get("odds_ratio", ""))[0]]
        return clean_text(next((text for text in texts if text not in {"", factor}), factor))

    def factor_marks(self, factor: str) -> tuple[int, ...]:
        """Return the footnotes of a factor as a whole: when it is known, and who has no value."""
        lookups = (self.groups, self.effects, *self.models.values())
        marks = after_infusion_marks(lookups, factor, self.notes)
        missing = {name: self.groups.value(factor, "missing", stratum=name) or 0 for name in GROUPS}
        if any(missing.values()):
            total = missing["total"] or missing["event"] + missing["no event"]
            parts = (
                f"{self.group_name(name)} {format_number(missing[name])}" for name in ("event", "no event")
            )
            marks += self.notes.mark(f"Without a value: {format_number(total)} ({', '.join(parts)})")
        return marks

    @property
    def has_groups(self) -> bool:
        """Whether the factors are described by group."""
        return any(name != PATIENTS for name in self.groups.variables)

    @property
    def has_numbers(self) -> bool:
        """Whether some odds ratio is one per unit of a number."""
        return any(
            key[4] == "odds_ratio" and split_step(one.text)[1] == PER_UNIT
            for lookup in self.models.values()
            for key, one in lookup.estimates.items()
        )

    def group_name(self, stratum: str) -> str:
        """Return the printed name of a group."""
        found = self.groups.get(PATIENTS, "count", stratum=stratum)
        return clean_text(found.text if found and found.text else GROUP_NAMES.get(stratum, stratum))

    def group_cell(self, factor: str, level: str, *, stratum: str) -> Cell:
        """Return "0.64 (0.02-2.31)" of a numeric factor, "38 (82.6%)" with bounds of a level."""
        if not level:
            return self._median_cell(factor, stratum)
        policy = self.groups.counted(factor, level=level, stratum=stratum)
        if policy is None:
            found = self.groups.get(factor, "count", level=level, stratum=stratum)
            return absent_cell(found, self.notes)
        percent = "" if policy.percent is None else format_share(policy.percent)
        bounds = count_bounds(self.groups, self.notes, factor, level=level, stratum=stratum)
        return Cell(f"{format_number(policy.count)}{percent}", bounds)

    def _median_cell(self, factor: str, stratum: str) -> Cell:
        median, low, high = (
            self.groups.value(factor, name, stratum=stratum) for name in ("median", "minimum", "maximum")
        )
        if median is None:
            return absent_cell(self.groups.get(factor, "median", stratum=stratum), self.notes)
        return Cell(format_median(median, low, high))

    def test_cell(self, factor: str, level: str) -> Cell:
        """Return the P value of the test between the groups; it stands beside the factor, not its levels."""
        return Cell() if level else p_cell(self.tests.get(factor, "p_value"), self.notes)

    def events_cell(self, factor: str, level: str) -> Cell:
        """Return the events among the patients of a level, as the univariable model counted them."""
        lookup = self.models["univariable"]
        events, patients = (lookup.value(factor, name, level=level) for name in ("events", "patients"))
        return Cell() if events is None else Cell(f"{format_number(events)}/{format_number(patients)}")

    def odds_cell(self, factor: str, level: str, *, model: str) -> Cell:
        """Return an odds ratio with its interval, the reference, or a dash with its reason."""
        lookup = self.models[model]
        if lookup.get(factor, "reference", level=level) is not None:
            return Cell("1 (reference)", tone="quiet")
        found = lookup.get(factor, "odds_ratio", level=level)
        if level == TREND:
            found = lookup.get(factor, "trend_odds_ratio")
        if found is None or found.value is None:
            return absent_cell(found, self.notes)
        step = "; ".join(
            filter(None, (describe_step(split_step(found.text)[1]), describe_curve(lookup, factor)))
        )
        marks = self.notes.mark(step) + self.notes.mark(clean_note(found.note))
        return Cell(format_odds_ratio(found.value, found.low, found.high), marks=marks)

    def model_p_cell(self, factor: str, level: str, *, model: str) -> Cell:
        """Return the P value of a model; it names its method only where the column mixes methods."""
        lookup = self.models[model]
        found = lookup.get(factor, "p_value", level=level)
        if level == TREND:
            return self._trend_cell(lookup, factor)
        if found is None and not level:
            return self._whole_cell(lookup, factor)
        if found is None:
            return Cell()
        if found.value is None:
            return absent_cell(found, self.notes)
        method = MODEL_METHODS.get(METHOD_OF_P.get(found.text, found.text), "")
        marks = self.notes.mark(method) if len(self.methods(model)) > 1 else ()
        return Cell(format_p(found.value), marks=marks)

    def has_trend(self, factor: str) -> bool:
        """Whether a trend over the levels of a factor was asked for."""
        return any("trend_odds_ratio" in lookup.names(factor) for lookup in self.models.values())

    def _trend_cell(self, lookup: ResultLookup, factor: str) -> Cell:
        found, rest = lookup.get(factor, "p_trend"), lookup.get(factor, "p_deviation")
        if found is None or found.value is None:
            return absent_cell(found, self.notes)
        note = "Odds ratio per level, the levels scored 0, 1, 2, … in their order"
        if rest is not None and rest.value is not None:
            note += f"; P that the levels depart from this line {format_p(rest.value)}"
        return Cell(format_p(found.value), marks=self.notes.mark(note))

    def _whole_cell(self, lookup: ResultLookup, factor: str) -> Cell:
        """The P of all levels together, where it was asked for."""
        found = lookup.get(factor, "p_overall")
        if found is None:
            return Cell()
        if found.value is None:
            return absent_cell(found, self.notes)
        note = f"All levels together: {JOINT_TESTS.get(found.text, found.text)}"
        return Cell(format_p(found.value), marks=self.notes.mark(note))

    def methods(self, model: str) -> list[str]:
        """Return the methods by which the odds ratios of a column were estimated."""
        lookup = self.models[model]
        whole = lookup.get(MODEL, "n")
        found = [
            METHOD_OF_P.get(one.text, "") for key, one in lookup.estimates.items() if key[4] == "p_value"
        ]
        return list(dict.fromkeys(filter(None, found))) or ([whole.text] if whole and whole.text else [])


def read_association(content: ReportContent, analysis_id: str) -> Association:
    """Return the numbers of one analysis of risk factors, a cross table, or characteristics by groups."""
    results = content.results
    groups = select_results(results, analysis_id, group="groups")
    models = {name: select_results(results, analysis_id, group=name) for name in MODELS}
    tests = select_results(results, analysis_id, group="test")
    effects = select_results(results, analysis_id, group="effect")
    return Association(find_analysis(content, analysis_id), Footnotes(), groups, tests, models, effects)


def read_method(text: str) -> str:
    """Return the method of a model, told by what its P value was computed from.

    Examples
    --------
    >>> read_method("wald"), read_method("chi_squared")
    ('maximum_likelihood', '')
    """
    return METHOD_OF_P.get(text, "")


def after_infusion_marks(lookups: Iterable[ResultLookup], factor: str, notes: Footnotes) -> tuple[int, ...]:
    """Return the footnote of a factor that nobody can know at baseline, none for any other."""
    found = (one.note for lookup in lookups for key, one in lookup.estimates.items() if key[1] == factor)
    is_late = any(AFTER_INFUSION in note for note in found)
    return notes.mark(AFTER_INFUSION[:1].upper() + AFTER_INFUSION[1:]) if is_late else ()


def count_bounds(
    lookup: ResultLookup, notes: Footnotes, variable: str, *, stratum: str, level: str = ""
) -> str:
    """Return "bounds 47-50" of a count, empty where best and worst case agree or are not given."""
    counts = [
        lookup.value(variable, "count", level=level, scenario=scenario, stratum=stratum)
        for scenario in ("policy", "best", "worst")
    ]
    known = [Counted(count) for count in counts if count is not None]
    if len(known) < len(counts):
        return ""
    bounds = format_bounds(*known)
    notes.has_bounds |= bool(bounds)
    return bounds


def p_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    """Return a P value whose footnote names its test; a dash with its reason, or an empty cell."""
    if found is None or found.value is None:
        return absent_cell(found, notes)
    text = TEST_TEXTS.get(found.text, clean_text(found.text).replace("_", " "))
    if found.low is not None and found.high is not None:
        text += f", 95% interval of P {format_range(found.low, found.high, _p_decimals(found))}"
    reason = clean_note(found.note)
    return Cell(format_p(found.value), marks=notes.mark(f"{text}; {reason}" if text and reason else text))


def _p_decimals(found: Estimate) -> int:
    """Three decimals, or as many as tell the ends of a simulated interval apart."""
    ends = (found.low or 0, found.high or 0)
    return next((digits for digits in (3, 4, 5) if len({round(end, digits) for end in ends}) > 1), 6)


def absent_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    """Return a dash with its reason; a number that was never asked for is an empty cell."""
    if found is None:
        return Cell()
    reason = clean_note(found.note) or MISSING_REASONS.get(found.status, "no value given")
    shared = OWN_P.sub("P in the screen ", reason)
    return Cell(NO_VALUE, marks=notes.mark(f"{NO_VALUE} {shared}"))


def clean_note(note: str) -> str:
    """Return a note without the words that stand beside the factor already.

    Examples
    --------
    >>> clean_note("known only after infusion; separation"), clean_note("known only after infusion")
    ('separation', '')
    """
    return clean_text(note.replace(AFTER_INFUSION, "")).strip("; ,.")
