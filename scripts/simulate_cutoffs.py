"""Measure how honest cut-offs are in 60 patients of whom 21 have the event: apparent, corrected and true.

Writes docs/simulation_study/cutoffs.csv and, from it, cutoffs.md. Run `python scripts/simulate_cutoffs.py
--help`; `--page-only` writes the page from the table that is there. The truth is known:
the number is normal with standard deviation 1, and its mean is higher with the event by the distance that
gives the true area. All numbers are simulated; no patient stands behind them.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cytopenia.stats.accuracy import MEASURES, divide_counts
from cytopenia.stats.compare import compare_counts
from cytopenia.stats.cut_bootstrap import CutBootstrap, Resampling, bootstrap_cut
from cytopenia.stats.cut_resamples import find_batch_cuts, plan_draws, sort_rows
from cytopenia.stats.maximal_cut import assess_maximal_cut
from cytopenia.stats.roc import estimate_roc

HERE = Path(__file__).resolve().parents[1]
TARGET = HERE / "docs" / "simulation_study" / "cutoffs.csv"
EVENTS, OTHERS = 21, 39
AREAS = (0.5, 0.64, 0.71, 0.78)
ALPHA = 0.05

Numbers = NDArray[np.float64]
Sums = dict[str, list[float]]


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2_000)
    parser.add_argument(
        "--tests", type=int, default=10_000, help="repetitions of the tests without an effect"
    )
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--again", type=int, default=30)
    parser.add_argument(
        "--every", type=int, default=4, help="repetitions per one with intervals, which are slow"
    )
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--page-only", action="store_true")
    given = parser.parse_args()
    if given.page_only:
        write_page(given.target)
        return
    rows = [
        row
        for area in AREAS
        for row in summarize(area, simulate_area(area, given), f"{given.resamples} resamples")
    ]
    rows += summarize(0.5, simulate_tests(given), "no effect")
    given.target.parent.mkdir(parents=True, exist_ok=True)
    with given.target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["true_auc", "quantity", "mean", "standard_error", "repetitions", "setting"])
        writer.writerows(rows)
    write_page(given.target)


def simulate_area(area: float, given: argparse.Namespace) -> Sums:
    """Bias and coverage at one true area under the curve."""
    rng = np.random.default_rng([given.seed, round(1000 * area)])
    found: Sums = defaultdict(list)
    started = time.monotonic()
    for repetition in range(given.repetitions):
        values, event = draw_cohort(rng, area)
        again = 0 if repetition % given.every else given.again
        how = Resampling(resamples=given.resamples, seed=repetition, again=again)
        cut = bootstrap_cut(values, event, high_means_event=True, how=how)
        found["no_cut"].append(float(cut.curve.cut is None))
        if cut.curve.cut is not None:
            truth = find_truth(area, cut.curve.cut)
            record_bias(found, cut, truth)
            record_other_methods(found, (values, event, how), cut, truth["youden"])
            record_coverage(found, cut, truth)
            best = math.sqrt(2) * float(ndtri(area)) / 2
            if area > 0.5:
                found["coverage_cut"].append(float(cut.cut_low <= best <= cut.cut_high))
        if repetition % 200 == 199:
            print(f"area {area}: {repetition + 1}, {time.monotonic() - started:.0f} s", flush=True)
    return found


def draw_cohort(rng: np.random.Generator, area: float) -> tuple[Numbers, Numbers]:
    """Return the number and the event of 60 patients."""
    distance = math.sqrt(2) * float(ndtri(area))
    event = np.repeat([1.0, 0.0], [EVENTS, OTHERS])
    return rng.normal(size=EVENTS + OTHERS) + distance * event, event


def find_truth(area: float, cut: float) -> dict[str, float]:
    """Return what a cut does in everybody, at the share of events of the cohort."""
    distance = math.sqrt(2) * float(ndtri(area))
    share = EVENTS / (EVENTS + OTHERS)
    sensitivity, specificity = float(ndtr(distance - cut)), float(ndtr(cut))
    hits, alarms = share * sensitivity, (1 - share) * (1 - specificity)
    misses, refusals = share * (1 - sensitivity), (1 - share) * specificity
    numbers = divide_counts([hits, misses, refusals, alarms])
    return dict(zip(MEASURES, (float(number) for number in numbers), strict=True))


def record_bias(found: Sums, cut: CutBootstrap, truth: dict[str, float]) -> None:
    """Apparent and corrected numbers, and how far each is from the truth."""
    for name in MEASURES:
        found[f"true_{name}"].append(truth[name])
        apparent, corrected = cut.apparent[name].value, cut.corrected[name].value
        if apparent is not None:
            found[f"apparent_{name}"].append(apparent)
            found[f"apparent_{name}_minus_true"].append(apparent - truth[name])
        for kind, value in (("corrected", corrected), ("out_of_bag", cut.outside[name].value)):
            if value is not None:
                found[f"{kind}_{name}"].append(value)
                found[f"{kind}_{name}_minus_true"].append(value - truth[name])
                found[f"{kind}_{name}_squared_error"].append((value - truth[name]) ** 2)


def record_other_methods(
    found: Sums, given: tuple[Numbers, Numbers, Resampling], cut: CutBootstrap, truth: float
) -> None:
    """Other ways to correct Youden's index, from resamples of the same kind."""
    values, event, how = given
    rows = sort_rows(values, event == 1, high_means_event=True)
    for name, is_stratified in (("", False), ("stratified_", True)):
        draws = plan_draws(rows, seed=how.seed, is_stratified=is_stratified)
        batch = find_batch_cuts(rows, draws.draw(how.resamples))
        inside, outside, whole = (
            divide_counts(counts)[:, -1] for counts in (batch.inside, batch.outside, batch.whole)
        )
        out_of_bag, optimism = float(np.nanmean(outside)), float(np.nanmean(inside - whole))
        pooled = float(divide_counts(batch.outside.sum(axis=0))[-1])
        apparent = cut.curve.youden or 0.0
        overfit = 1.0 if out_of_bag <= 0 else min(1.0, max(0.0, (apparent - out_of_bag) / apparent))
        weight = 0.632 / (1 - 0.368 * overfit)
        methods = {
            "out_of_bag_mean": out_of_bag,
            "out_of_bag_pooled": pooled,
            "optimism": apparent - optimism,
            "632": 0.368 * apparent + 0.632 * out_of_bag,
            "632_plus": (1 - weight) * apparent + weight * out_of_bag,
        }
        for method, value in methods.items():
            found[f"youden_by_{name}{method}_minus_true"].append(value - truth)


def record_coverage(found: Sums, cut: CutBootstrap, truth: dict[str, float]) -> None:
    """Whether the interval that takes the cut as given, and the one that does not, holds the truth."""
    for name in MEASURES:
        for kind, one in (("wilson", cut.apparent[name]), ("bootstrap", cut.corrected[name])):
            if one.low is not None and one.high is not None:
                found[f"coverage_{kind}_{name}"].append(float(one.low <= truth[name] <= one.high))
                found[f"width_{kind}_{name}"].append(one.high - one.low)


def simulate_tests(given: argparse.Namespace) -> Sums:
    """Share of P values up to 0.05 where the number has nothing to do with the event."""
    rng = np.random.default_rng([given.seed, 1])
    found: Sums = defaultdict(list)
    for repetition in range(given.tests):
        values, event = draw_cohort(rng, 0.5)
        for statistic in ("youden", "chi_squared"):
            exact = assess_maximal_cut(values, event, statistic=statistic)
            found[f"rejected_maximal_{statistic}_exact"].append(float(exact.p_value <= ALPHA))
        drawn = assess_maximal_cut(values, event, method="permutation", resamples=999, seed=repetition)
        found["rejected_maximal_youden_999_permutations"].append(float(drawn.p_value <= ALPHA))
        curve = estimate_roc(values, event, high_means_event=True)
        found["rejected_fisher_after_youden"].append(float(test_after_cut(values, event, curve.cut) <= ALPHA))
    return found


def test_after_cut(values: Numbers, event: Numbers, cut: float | None) -> float:
    """Return Fisher's P of the groups of a cut that was chosen in the same patients; 1 without a cut."""
    if cut is None:
        return 1.0
    yes = event == 1
    table = [
        [int(np.sum((values >= cut) & group)), int(np.sum((values < cut) & group))] for group in (yes, ~yes)
    ]
    return compare_counts(table, method="fisher_exact").p_value or 0.0


def summarize(area: float, found: Sums, setting: str) -> Iterator[list[str]]:
    """Mean and Monte Carlo standard error of every quantity."""
    for name, numbers in found.items():
        sample = np.array(numbers)
        error = float(sample.std(ddof=1)) / math.sqrt(sample.size) if sample.size > 1 else math.nan
        yield [f"{area:g}", name, f"{sample.mean():.5f}", f"{error:.5f}", str(sample.size), setting]


PAGE = """# Cut-offs: apparent, corrected and true

60 simulated patients, {events} with the event; a number that is normal with standard deviation 1 in
both groups, so that the truth is known. Made by `python scripts/simulate_cutoffs.py`; all numbers stand
in [cutoffs.csv](cutoffs.csv). In brackets: the Monte Carlo standard error. No patient stands behind
these numbers.

Youden index of the cut-off that was found, mean of the estimate minus the true index of that cut-off:

{bias}

Corrected is the out-of-bag mean; within 0.02 is what is asked of it. Stratified: as many events and
others are drawn as there are.

At the published cut-off, mean and root mean square of the estimate minus the truth:

{shares}

Out-of-bag means belong to cut-offs chosen anew: right on average, far from the cut-off at hand.

Share of 95% intervals that hold the truth:

{coverage}

Wilson's intervals take the cut-off as given. The true best cut-off is the middle of both means; at an
area of 0.5 there is none.

Share of P values up to 0.05 where the number has nothing to do with the event:

{tests}
"""
METHODS = {
    "apparent": "apparent_youden_minus_true",
    "optimism bootstrap": "youden_by_optimism_minus_true",
    ".632": "youden_by_632_minus_true",
    ".632+": "youden_by_632_plus_minus_true",
    "out-of-bag, 2 x 2 counts added up": "youden_by_out_of_bag_pooled_minus_true",
    "out-of-bag, stratified draws": "youden_by_stratified_out_of_bag_mean_minus_true",
    "**corrected**": "corrected_youden_minus_true",
}
TESTS = {
    "Fisher's test after Youden's cut": "rejected_fisher_after_youden",
    "best of all cuts, Youden, exact": "rejected_maximal_youden_exact",
    "best of all cuts, chi-squared, exact": "rejected_maximal_chi_squared_exact",
    "best of all cuts, Youden, 999 permutations": "rejected_maximal_youden_999_permutations",
}


def write_page(table: Path) -> None:
    """Write the page with the numbers of the table."""
    with table.open(encoding="utf-8") as file:
        found = {(row["true_auc"], row["quantity"]): row for row in csv.DictReader(file)}
    heads = [f"{area:g}" for area in AREAS]

    def line(title: str, name: str, digits: int = 3) -> list[str]:
        rows = [found.get((head, name)) for head in heads]
        return [title, *("" if row is None else show(row, digits) for row in rows)]

    coverage = [("cut-off, percentiles", "coverage_cut")]
    for name in MEASURES:
        coverage += [(f"{name}, {kind}", f"coverage_{kind}_{name}") for kind in ("wilson", "bootstrap")]
    text = PAGE.format(
        events=EVENTS,
        bias=tabulate(["true area", *heads], [line(*pair) for pair in METHODS.items()]),
        shares=tabulate(["true area", *heads], list(list_errors(found, heads))),
        coverage=tabulate(["true area", *heads], [line(*pair) for pair in coverage]),
        tests=tabulate(
            ["test", "share"], [[title, show(found["0.5", name], 3)] for title, name in TESTS.items()]
        ),
    )
    table.with_suffix(".md").write_text(text, encoding="utf-8")


def list_errors(found: dict[tuple[str, str], dict[str, str]], heads: list[str]) -> Iterator[list[str]]:
    """Bias and root mean square error of each share, at the cut and out of bag."""
    for name in MEASURES[:-1]:
        for kind in ("corrected", "out_of_bag"):
            cells = [f"{name}, {kind.replace('_', ' ')}"]
            for head in heads:
                bias = float(found[head, f"{kind}_{name}_minus_true"]["mean"])
                error = math.sqrt(float(found[head, f"{kind}_{name}_squared_error"]["mean"]))
                cells.append(f"{bias:+.3f}, {error:.3f}")
            yield cells


def show(row: dict[str, str], digits: int) -> str:
    """A mean with its standard error."""
    return f"{float(row['mean']):.{digits}f} ({float(row['standard_error']):.{digits}f})"


def tabulate(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    ruler = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ruler, *rows))


if __name__ == "__main__":
    main()
