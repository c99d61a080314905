"""The command that invents a cohort whose tables print as a paper does."""

from __future__ import annotations

import json as json_text
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cytopenia.published.reconstruct import Closeness, JointCohort, PrintedFactor

__all__ = ["cohort"]


def cohort(  # noqa: PLR0913 - one argument per option of the command
    factors: Path,
    /,
    *,
    groups: tuple[int, int],
    seed: int,
    rounds: int = 2000,
    near: tuple[float, float] = (0.04, 0.06),
    missing: int = 0,
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Invent a cohort that prints a univariable table exactly and a multivariable one nearly.

    Example: `cytopenia verify cohort factors.csv --groups 39 21 --seed 1 --missing 1 --out cohort.csv`

    How the factors meet in one patient is not printed. Each round of the search sets out from a cohort with
    the right counts of every factor in both groups, and exchanges one factor between two patients of a group
    as long as that brings the multivariable odds ratios and their limits nearer. Every patient is invented:
    the cohort shows that the two tables can belong together, not who was in the study.

    Parameters
    ----------
    factors
        A TOML or CSV file of factors with two levels: the counts or the univariable odds ratio of each, and
        its multivariable odds ratio. `docs/verify.md` says how to write one.
    groups
        Patients with and without the event of the model.
    seed
        A whole number; the same seed finds the same cohort.
    rounds
        At most so many.
    near
        How far odds ratios, and limits, may be off as shares of the printed numbers. 0 0 wants every digit.
    missing
        At most how many patients have no value of a factor whose univariable odds ratio is given.
    out
        The file to write, one row per invented patient: .csv, .tsv, .xlsx or .parquet.
    json
        Print JSON.
    """
    from cytopenia.one_file import require_writable, write_table
    from cytopenia.published.factor_sheet import read_printed_factors, tabulate_cohort
    from cytopenia.published.reconstruct import Nearness, search_joint_counts

    if out is not None:
        require_writable(out, {"FACTORS": factors})
    printed = read_printed_factors(factors, groups, missing=missing)
    with Bar() as bar:
        found = search_joint_counts(printed, seed=seed, rounds=rounds, near=Nearness(*near), progress=bar)
    if out is not None:
        write_table(tabulate_cohort(found), out)
    if json:
        _print_json(found, printed)
    else:
        _tell(found, printed, near, out)


def _print_json(found: JointCohort, printed: Sequence[PrintedFactor]) -> None:
    factors = [
        {**_blank(one), "counts": factor.alone.counts, "printed": factor.together._asdict()}
        for one, factor in zip(found.factors, printed, strict=True)
    ]
    content = {
        "invented": True,
        "is_close": found.is_close,
        "rounds": found.rounds,
        "patients": len(found.records),
        "factors": factors,
    }
    print(json_text.dumps(content, ensure_ascii=False, indent=2))


def _blank(one: Closeness) -> dict[str, float | str | None]:
    """The numbers of a factor; null where the model has no finite estimate."""
    if isnan(one.odds_ratio):
        return {**dict.fromkeys(one._fields), "name": one.name}
    return one._asdict()


def _tell(
    found: JointCohort, printed: Sequence[PrintedFactor], near: tuple[float, float], out: Path | None
) -> None:
    print(f"{len(found.records)} invented patients; the counts of each factor alone are exact.")
    for one, factor in zip(found.factors, printed, strict=True):
        a, b, c, d = factor.alone.counts
        estimate, low, high = factor.together
        print(f"  {one.name}: {a} of {a + b} and {c} of {c + d}")
        found_words = f"found {_print_alike(one, factor)}, {_say_off(one)}"
        words = "no finite estimate" if isnan(one.odds_ratio) else found_words
        print(f"    printed {estimate} ({low} to {high}), {words}")
    asked = f"{near[0]:.0%} of each odds ratio and {near[1]:.0%} of each limit"
    words = (
        f"As near as asked, within {asked}" if found.is_close else f"Not within {asked}; more --rounds help"
    )
    print(f"{words}. Rounds: {found.rounds}.")
    if out is not None:
        print(f"Written: {out}. Every patient is invented.")


def _print_alike(one: Closeness, factor: PrintedFactor) -> str:
    """The numbers with as many decimals as the paper prints."""
    decimals = [len(text.partition(".")[2]) for text in factor.together]
    texts = [f"{number:.{digits}f}" for number, digits in zip(one[1:4], decimals, strict=True)]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _say_off(one: Closeness) -> str:
    if not one.estimate_off and not one.limit_off:
        return "every digit the same"
    return f"off by {one.estimate_off:.1%} and {one.limit_off:.1%}"
