"""The page of the race: what was measured, on what, and every row."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from textwrap import fill

from measure import Finished, Measured

HEAD = (
    "| Who | Does | first answer, s | again, s | processor, s | times ours, first | times ours, again "
    "| memory, MB | Answers |\n|---|---|---:|---:|---:|---:|---:|---:|---|"
)
GROWTH_HEAD = (
    "| Patients | Who | first answer, s | again, s | memory, MB | slope of time | slope of memory | Answers |"
    "\n"
    "|---:|---|---:|---:|---:|---:|---:|---|"
)

GROWTH_TEXT = (
    "The package grades in blocks of 300,000 rows, the others take all at once; R data.table, which reads "
    "text, is not run beyond 10,000. The slope is that of the logarithms since the size before: 1 means "
    "twice the patients, twice the time."
)


def describe_race(tasks: Sequence[Finished], growth: Sequence[Finished], *, command: str) -> str:
    """Return the page as Markdown."""
    everything = [*tasks, *growth]
    parts = [
        "# The race: the package beside what people would use instead",
        _introduce(everything, command),
        "![Time of each contender as a multiple of ours, and growth of the grading](RESULTS.svg)",
        *(_describe_task(one) for one in tasks),
        "## Growth of the grading",
        GROWTH_TEXT,
        "\n".join([GROWTH_HEAD, *_grow(growth)]),
        "## Not raced",
        _list_troubles(everything),
    ]
    return "\n\n".join(parts) + "\n"


def _introduce(everything: Sequence[Finished], command: str) -> str:
    loads = [load for one in everything for load in one.load]
    others = max(loads) > (os.cpu_count() or 1) + 1
    busy = " Other programs wanted the processor: compare the ratios, not the seconds." if others else ""
    return f"""Written by `{command}` on {time.strftime("%d %B %Y")}. Every patient is synthetic (`cytopenia
simulate`, one seed); all contenders read the same files. They take turns, each in processes of its own.
*First answer* counts from the start of the process to its first answer, with libraries and data read; *again*
is the same work once more in the same process (statistics: the call alone). Medians, in brackets the least
and the greatest; memory is the largest peak of the process. *Times ours* above 1: the contender takes longer;
below 1: it is faster than the package. Threads as each program takes them by default. What is compared stands
under *Answers*, with the precision asked for.

Machine: {_describe_machine()}. Load (processes that want a processor, over a minute) before {loads[0]:.1f},
after {loads[-1]:.1f}, at most {max(loads):.1f}.{busy}

{fill(_list_versions(everything), 110)}."""


def _describe_machine() -> str:
    model = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        names = [
            line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    memory = ""
    if hasattr(os, "sysconf"):
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"
    return f"{model}, {os.cpu_count()} cores{memory}, {platform.system()}"


def _list_versions(everything: Iterable[Finished]) -> str:
    found = {"Python": platform.python_version()}
    for one in everything:
        for measured in one.found:
            found |= measured.versions
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _describe_task(one: Finished) -> str:
    ours = one.found[0]
    lines = [f"## {one.task.title}", "", HEAD, *(_row(measured, ours) for measured in one.found)]
    floors = [measured for measured in one.found if not measured.contender.answers]
    if floors and not (ours.trouble or floors[0].trouble):
        lines += ["", _compare_with_floor(ours, floors[0])]
    if one.task.note:
        lines += ["", one.task.note]
    return "\n".join([*lines, "", f"Load before {one.load[0]:.1f}, after {one.load[1]:.1f}."])


def _compare_with_floor(ours: Measured, floor: Measured) -> str:
    said = f"The package takes {ours.usual_warm / floor.usual_warm:.1f} times the floor"
    if ours.processor and floor.processor:
        used = statistics.median(ours.processor) / statistics.median(floor.processor)
        said += f", and {used:.1f} times its processor seconds"
    return f"{said}."


def _row(measured: Measured, ours: Measured) -> str:
    who = f"| {measured.contender.name} | {measured.contender.does} "
    if measured.trouble:
        return f"{who}| | | | | | | {measured.trouble} |"
    first = again = "1" if measured is ours else ""
    if measured is not ours and not ours.trouble:
        first = say_number(measured.usual_cold / ours.usual_cold)
        again = say_number(measured.usual_warm / ours.usual_warm)
    processor = say_number(statistics.median(measured.processor)) if measured.processor else ""
    return (
        f"{who}| {_spread(measured.cold)} | {_spread(measured.warm)} | {processor} | {first} | {again} "
        f"| {measured.peak / 1e6:,.0f} | {measured.verdict} |"
    )


def _grow(growth: Sequence[Finished]) -> Iterable[str]:
    before: dict[str, tuple[int, Measured]] = {}
    for one in growth:
        size = one.task.patients or 0
        for measured in one.found:
            name = measured.contender.name
            if measured.trouble:
                yield f"| {size:,} | {name} | | | | | | {measured.trouble} |"
                continue
            slopes = ["", ""]
            if name in before:
                last, past = before[name]
                step = log(size / last)
                slopes[0] = f"{log(measured.usual_warm / past.usual_warm) / step:.2f}"
                slopes[1] = f"{log(measured.peak / past.peak) / step:.2f}"
            before[name] = (size, measured)
            yield (
                f"| {size:,} | {name} | {_spread(measured.cold)} | {_spread(measured.warm)} "
                f"| {measured.peak / 1e6:,.0f} | {slopes[0]} | {slopes[1]} | {measured.verdict} |"
            )


def _list_troubles(everything: Iterable[Finished]) -> str:
    found = {
        f"- {measured.contender.name}: {measured.trouble}"
        for one in everything
        for measured in one.found
        if measured.trouble
    }
    return "\n".join(sorted(found)) or "Every contender ran."


def _spread(times: Sequence[float]) -> str:
    if not times:
        return ""
    usual = say_number(statistics.median(times))
    if len(times) == 1:
        return usual
    return f"{usual} ({say_number(min(times))}–{say_number(max(times))})"


def say_number(number: float) -> str:
    """Two or three digits that count, never in powers of ten."""
    if number >= 10:
        return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
    return f"{number:.2f}" if number >= 1 else f"{float(f'{number:.2g}'):.10f}".rstrip("0")
