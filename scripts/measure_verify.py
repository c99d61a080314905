"""Measure how many faults `cytopenia verify` finds in papers that were right before one number was changed.

Writes docs/verify/detection.csv: for each kind of fault, in how many papers it was put, in how many of those
the check of that number said "inconsistent", and in how many anything did. Faults that leave every number
possible cannot be found by anybody; they are counted with the others. No patient stands behind the papers.

Run `python scripts/measure_verify.py --papers 2000 --seed 1`.
"""

from __future__ import annotations

import argparse
import copy
import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from correct_papers import make_paper
from numpy.random import Generator

from cytopenia.published.claims import read_paper
from cytopenia.published.verify import verify_paper

OUT = Path(__file__).parents[1] / "docs" / "verify" / "detection.csv"
Claim = dict[str, Any]
Fault = Callable[[Claim, Generator], bool]


def swap_digits(text: str, rng: Generator) -> str | None:
    """Two neighboring digits exchanged that differ."""
    places = [
        place
        for place in range(len(text) - 1)
        if text[place].isdigit() and text[place + 1].isdigit() and text[place] != text[place + 1]
    ]
    if not places:
        return None
    place = int(rng.choice(places))
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def change_digit(text: str, rng: Generator) -> str | None:
    """One digit changed to another."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    place = int(rng.choice(places))
    other = str(rng.choice([digit for digit in "0123456789" if digit != text[place]]))
    return text[:place] + other + text[place + 1 :]


def move_point(text: str, rng: Generator) -> str | None:
    """A number ten times too large or too small, with as many digits behind the point."""
    if "." not in text or text.startswith("<"):
        return None
    decimals = len(text.partition(".")[2])
    number = float(text) * (10 if rng.random() < 0.5 else 0.1)
    changed = f"{number:.{decimals}f}"
    return None if changed == text or not float(changed) else changed


def change_part(part: str, change: Callable[[str, Generator], str | None]) -> Fault:
    """A fault of one printed number of a claim."""

    def put(claim: Claim, rng: Generator) -> bool:
        changed = change(claim[part], rng) if part in claim and not claim[part].startswith("<") else None
        if changed is None or changed == claim[part] or not is_possible(changed):
            return False
        claim[part] = changed
        return True

    return put


def is_possible(text: str) -> bool:
    whole = text.lstrip("-").partition(".")[0]
    return whole == "0" or not whole.startswith("0")


def swap_limits(claim: Claim, _: Generator) -> bool:
    claim["low"], claim["high"] = claim["high"], claim["low"]
    return claim["low"] != claim["high"]


def print_reciprocal(claim: Claim, _: Generator) -> bool:
    """The estimate of the other side beside the limits of this one."""
    decimals = len(claim["odds_ratio"].partition(".")[2])
    if not float(claim["odds_ratio"]):
        return False
    changed = f"{1 / float(claim['odds_ratio']):.{decimals}f}"
    if changed == claim["odds_ratio"]:
        return False
    claim["odds_ratio"] = changed
    return True


def change_denominator(claim: Claim, rng: Generator) -> bool:
    """The percentage is of other patients than the table says."""
    if "count" not in claim or not str(claim.get("of", "")).isdigit() or not int(claim["count"]):
        return False
    claim["of"] = str(int(claim["of"]) + int(rng.choice([-3, -2, -1, 1, 2, 3])))
    return int(claim["of"]) >= int(claim["count"])


def change_count(claim: Claim, rng: Generator) -> bool:
    if "count" not in claim:
        return False
    changed = int(claim["count"]) + int(rng.choice([-1, 1]))
    claim["count"] = str(changed)
    return changed >= 0


def cross_significance(claim: Claim, rng: Generator) -> bool:
    """A P value of the other side of 0.05."""
    if "p" not in claim:
        return False
    is_low = float(claim["p"].lstrip("<")) < 0.05
    claim["p"] = f"{rng.uniform(0.06, 0.9):.3f}" if is_low else f"{rng.uniform(0.001, 0.04):.3f}"
    return True


def swap_values(claim: Claim, _: Generator) -> bool:
    """Positive and negative predictive value exchanged."""
    if "ppv" not in claim or claim["ppv"] == claim["npv"]:
        return False
    claim["ppv"], claim["npv"] = claim["npv"], claim["ppv"]
    return True


def turn_sign(part: str) -> Fault:
    """A number with the other sign."""

    def put(claim: Claim, _: Generator) -> bool:
        if part not in claim or not float(claim[part]):
            return False
        claim[part] = claim[part].removeprefix("-") if claim[part].startswith("-") else f"-{claim[part]}"
        return True

    return put


def print_spread_as_error(claim: Claim, _: Generator) -> bool:
    """A standard deviation in the place of the standard error, with the interval of the mean."""
    if "sd" not in claim or claim["sd"] == claim["se"]:
        return False
    claim["se"] = claim["sd"]
    return True


FAULTS: Mapping[str, tuple[str, Fault]] = {
    "percentage: digits exchanged": ("count_percent", change_part("percent", swap_digits)),
    "percentage: a digit changed": ("count_percent", change_part("percent", change_digit)),
    "percentage: wrong denominator": ("count_percent", change_denominator),
    "count: one more or one less": ("count_percent", change_count),
    "odds ratio: digits exchanged": ("odds_ratio", change_part("odds_ratio", swap_digits)),
    "odds ratio: point moved": ("odds_ratio", change_part("odds_ratio", move_point)),
    "odds ratio: reciprocal": ("odds_ratio", print_reciprocal),
    "lower limit: point moved": ("odds_ratio", change_part("low", move_point)),
    "upper limit: digits exchanged": ("odds_ratio", change_part("high", swap_digits)),
    "upper limit: point moved": ("odds_ratio", change_part("high", move_point)),
    "limits exchanged": ("odds_ratio", swap_limits),
    "P of an odds ratio: other side of 0.05": ("odds_ratio", cross_significance),
    "P of counts: other side of 0.05": ("test", cross_significance),
    "P of counts: a digit changed": ("test", change_part("p", change_digit)),
    "median: point moved": ("median_range", change_part("median", move_point)),
    "mean of whole numbers: a digit changed": ("mean_sd", change_part("mean", change_digit)),
    "area: digits exchanged": ("area", change_part("area", swap_digits)),
    "sensitivity: digits exchanged": ("accuracy", change_part("sensitivity", swap_digits)),
    "predictive values exchanged": ("accuracy", swap_values),
    "share: upper limit, digits exchanged": ("count_percent", change_part("high", swap_digits)),
    "standard deviation: point moved": ("mean_sd", change_part("sd", move_point)),
    "standard deviation of whole numbers: a digit changed": ("mean_sd", change_part("sd", change_digit)),
    "standard deviation as standard error": ("mean_sd", print_spread_as_error),
    "difference of means: digits exchanged": ("mean_test", change_part("difference", swap_digits)),
    "P of two means: other side of 0.05": ("mean_test", cross_significance),
    "difference of shares: digits exchanged": ("difference", change_part("difference", swap_digits)),
    "correlation: P of the other side of 0.05": ("correlation", cross_significance),
    "probability: digits exchanged": ("probability", change_part("probability", swap_digits)),
    "rate: point moved": ("rate", change_part("rate", move_point)),
    "statistic: P of the other side of 0.05": ("statistic", cross_significance),
    "coefficient: other sign": ("odds_ratio", turn_sign("coefficient")),
}


def put_fault(paper: dict[str, Any], name: str, rng: Generator) -> str | None:
    """Change one number of a paper; return the id of the claim, or None if there is none to change."""
    kind, fault = FAULTS[name]
    places = [place for place, claim in enumerate(paper["claims"]) if claim["kind"] == kind]
    for place in rng.permutation(places).tolist():
        changed = copy.deepcopy(paper["claims"][place])
        if fault(changed, rng):
            paper["claims"][place] = changed
            return str(changed["id"])
    return None


def measure(papers: int, seed: int) -> Iterator[tuple[str, int, int, int]]:
    """Kind of fault, papers with it, found at the number itself, found anywhere."""
    counts: Counter[tuple[str, str]] = Counter()
    for number in range(papers):
        rng = np.random.default_rng([seed, number])
        paper = make_paper(rng)
        for name in FAULTS:
            faulty = copy.deepcopy(paper)
            place = put_fault(faulty, name, rng)
            if place is None:
                continue
            found = verify_paper(read_paper(faulty, name="simulated")).filter(verdict="inconsistent")
            counts[name, "papers"] += 1
            counts[name, "there"] += place in found["id"].to_list()
            counts[name, "anywhere"] += not found.is_empty()
    for name in FAULTS:
        yield name, counts[name, "papers"], counts[name, "there"], counts[name, "anywhere"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--papers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    start = time.monotonic()
    OUT.parent.mkdir(exist_ok=True)
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["fault", "papers", "found_at_the_number", "found_anywhere", "share_anywhere", "seed"]
        )
        for name, papers, there, anywhere in measure(chosen.papers, chosen.seed):
            share = f"{anywhere / papers:.3f}" if papers else ""
            writer.writerow([name, papers, there, anywhere, share, chosen.seed])
            print(f"{name:45s} {anywhere}/{papers}")
    print(f"{OUT}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
