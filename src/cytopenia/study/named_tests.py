"""Tests that a protocol names, and families of tests: whether they fit the factors and each other."""

from __future__ import annotations

from collections.abc import Iterator, Set

from cytopenia.errors import suggest_name
from cytopenia.study.analysis_forms import Characteristics, Crosstab, RiskFactors, Roc
from cytopenia.study.protocol_forms import Protocol

__all__ = ["Tested", "check_families", "check_group_tests", "check_kinds", "check_tests"]

OF_NUMBERS = ("mann_whitney", "welch_t")
OF_LEVELS = ("chi_squared", "fisher_exact", "fisher_mid_p", "trend")
# Over groups, of which there may be more than two.
OVER_GROUPS = ("kruskal_wallis", "jonckheere_terpstra")
COUNTS_OVER_GROUPS = ("chi_squared", "fisher_exact")
TREND, MID_P, JONCKHEERE = "trend", "fisher_mid_p", "jonckheere_terpstra"
TWO = 2
Tested = RiskFactors | Crosstab | Characteristics


def check_tests(analysis: RiskFactors | Crosstab, protocol: Protocol) -> list[str]:
    """Return the problems of named tests that the protocol alone shows."""
    problems: list[str] = []
    for name, test in analysis.tests.items():
        if name not in analysis.factors:
            problems.append(
                f"tests names '{name}'{suggest_name(name, analysis.factors)}, not among the factors"
            )
            continue
        factor = protocol.factors.get(name)
        if test == TREND and (factor is None or not factor.ordered):
            problems.append(
                f"tests: a trend of '{name}' needs an order; declare it under [factors.{name}] with levels in"
                " their order and ordered = true"
            )
        levels = 0 if factor is None else len(factor.levels) or len(factor.grade_from) + bool(factor.event)
        if test == MID_P and levels > TWO:
            problems.append(f"tests: mid-P is for two levels, '{name}' has {levels}; name another test")
    return problems


def check_group_tests(analysis: Characteristics, protocol: Protocol) -> list[str]:
    """Return the problems of groups and of tests over them that the protocol alone shows."""
    problems = [
        f"tests names '{name}'{suggest_name(name, analysis.factors)}, not among the factors"
        for name in analysis.tests
        if name not in analysis.factors
    ]
    factor, outcome = protocol.factors.get(analysis.by or ""), protocol.outcomes.get(analysis.by or "")
    has_grades = outcome is not None and outcome.min_grade is None and not outcome.any_of
    is_ordered = has_grades if factor is None else factor.ordered
    if JONCKHEERE in analysis.tests.values() and not is_ordered:
        problems.append(
            "tests: a Jonckheere-Terpstra test needs groups in an order; declare it under"
            f" [factors.{analysis.by}] with levels in their order and ordered = true"
        )
    levels = 0 if factor is None else len(factor.levels) or len(factor.grade_from) + bool(factor.event)
    if levels > TWO:
        problems += [
            f"tests: '{test}' is for two groups, '{analysis.by}' has {levels}; allowed of '{name}':"
            f" {', '.join(OVER_GROUPS)}"
            for name, test in analysis.tests.items()
            if test in OF_NUMBERS
        ]
    return problems


def check_families(protocol: Protocol) -> list[str]:
    """Return the families that several analyses share but adjust by different methods."""
    found: dict[str, dict[str, list[str]]] = {}
    for analysis in protocol.analyses:
        if isinstance(analysis, Tested) and analysis.adjust and analysis.adjust.family:
            methods = found.setdefault(analysis.adjust.family, {})
            methods.setdefault(analysis.adjust.method, []).append(analysis.id)
    return [
        f"analyses: the family '{family}' is adjusted by "
        + " and by ".join(f"{method} ({', '.join(ids)})" for method, ids in methods.items())
        + "; one family has one method"
        for family, methods in found.items()
        if len(methods) > 1
    ]


def check_kinds(analysis: Tested, protocol: Protocol, *, numbers: Set[str]) -> Iterator[str]:
    """Tell which named tests do not fit: `numbers` are the factors that have numbers in the tables."""
    if isinstance(analysis, Characteristics):
        yield from _check_kinds_of_groups(analysis, numbers)
        return
    cut = _list_cut(analysis, protocol)
    for name, test in analysis.tests.items():
        if name not in analysis.factors:
            continue
        is_number = name in numbers and name not in cut
        if is_number and test not in OF_NUMBERS:
            yield f"tests: '{name}' is a number; allowed: {', '.join(OF_NUMBERS)}"
        if not is_number and test not in OF_LEVELS:
            why = "is cut into levels" if name in cut else "has levels"
            yield f"tests: '{name}' {why}; allowed: {', '.join(OF_LEVELS)}"


def _check_kinds_of_groups(analysis: Characteristics, numbers: Set[str]) -> Iterator[str]:
    for name, test in analysis.tests.items():
        if name not in analysis.factors:
            continue
        allowed = (*OF_NUMBERS, *OVER_GROUPS) if name in numbers else COUNTS_OVER_GROUPS
        if test not in allowed:
            what = "is a number" if name in numbers else "has levels"
            yield f"tests: '{name}' {what}; allowed: {', '.join(allowed)}"


def _list_cut(analysis: RiskFactors | Crosstab, protocol: Protocol) -> set[str]:
    """Factors that a cut turns into two levels."""
    if not isinstance(analysis, RiskFactors) or analysis.cutpoints is None:
        return set()
    if analysis.cutpoints.roc is None:
        return set(analysis.cutpoints.values)
    sources = [
        item for item in protocol.analyses if isinstance(item, Roc) and item.id == analysis.cutpoints.roc
    ]
    return {name for source in sources for name in source.factors}
