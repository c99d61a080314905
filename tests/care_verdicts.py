"""What a reader concludes from the printed numbers of "Read with care", and from nothing else."""

from __future__ import annotations

import re


def judge_printed(text: str) -> int | None:
    """Return the side of 1 of "5.812 (2.030-22.547)", and -1 of a P or q below 0.05; None without either."""
    p = re.search(r"[Pq] (<|= )([\d.]+)", text)
    if p is not None:
        return -1 if p[1] == "<" or float(p[2]) < 0.05 else 0
    limits = re.search(r"\(([\d.]+)\N{EN DASH}([\d.]+)\)", text)
    if limits is None:
        return None
    low, high = map(float, limits.groups())
    return 1 if low > 1 else -1 if high < 1 else 0


def compare_sides(before: int | None, after: int | None) -> str:
    """Return the word that stands in the last column."""
    if before is None or after is None:
        return "not comparable"
    if before == after:
        return "same"
    if not after:
        return "weaker"
    return "reversed" if before else "stronger"
