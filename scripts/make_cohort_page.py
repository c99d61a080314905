"""Write docs/published_cohorts.md: every published cohort with its figures, and what is left out, and why.

`--check` changes nothing and fails if the page is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference_cases import escape, table

from cytopenia.published.cohort_forms import (
    AMONG_WORDS,
    DEATH_WORDS,
    EVIDENCE_WORDS,
    LINEAGE_WORDS,
    Cohort,
    Incidence,
)
from cytopenia.published.cohorts import list_incidences, list_left_out, load_cohorts

PAGE = Path(__file__).parents[1] / "docs" / "published_cohorts.md"
WRITTEN = "Written by `make reference` from `src/cytopenia/data/cohorts`. Do not edit."
HEAD = """# Published cohorts

Incidences of cytopenia after CAR-T that a study can be set beside with `kind = "compare_published"`
([protocol.md](protocol.md#kind--compare_published)). Each line is one printed figure: what counted, on
which days, among whom, and where it was read. `cytopenia.published.cohorts.list_incidences()` gives the
same in Python.

**Read this first.** The cohorts differ in disease, product, schedule of blood counts and support, and
most of all in what they call cytopenia. Two reports of one trial are two lines and never an average, and
no cohort counts twice in a summary.

## How a count is known

A source that prints 18 of 31 gives the count. Where it prints 58% of 31 only, the count is taken if one
whole number alone rounds to it; else the percentage stands as printed, without an interval and in no
summary. If a source cut its percentages off instead of rounding them, its count may be one more.

## How a study is compared

- Where the protocol has an outcome with the definition in the column "Graded by" (with its least grade
  and its days), the patients of the study are graded under it. Of several definitions any one is the
  event.
- Else the study's own outcome stands beside, and every difference of definition, days, denominator and
  early deaths is told.
- Incidences with the same name in the column "Question" have the same definition and days. Only they can
  be summarized: by a logistic model with a random intercept and the exact binomial likelihood, from three
  cohorts on, each patient once.
- The study's percentage has Wilson's interval, and beside it the bounds from unmeasured days and patients
  not judged.

The bundled example has `published.toml` (**its patients are synthetic**):

```
cytopenia demo --out demo
cytopenia run demo/study/published.toml
```

The heart of it:

```toml
[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[outcomes.late_neutropenia]
definition = "nagle_2021_prolonged.neutropenia"
min_grade = 1

[[analyses]]
id = "prolonged"
kind = "compare_published"
outcome = "recovery"
published = [
    "qiu_2023.not_recovered_day_28",     # graded as they did: by the outcome recovery
    "nagle_2021.late_neutropenia",       # graded as they did: by the outcome late_neutropenia
    "brudno_2022.late_neutropenia",      # who asked the same as Nagle
    "transcend.cytopenia_day_29",        # its definition was not read: recovery stands beside it
]
```

A prediction interval from three cohorts is nearly the whole axis. That is no defect: three cohorts say
little about a fourth."""
FIGURES_OF = "Where the figures come from"


def make_page() -> str:
    """Return the text of the page."""
    left = [[one.name, one.says, one.reason] for one in list_left_out()]
    evidence = [[words, str(_count_evidence(name))] for name, words in EVIDENCE_WORDS.items()]
    parts = [
        HEAD,
        f"## {FIGURES_OF}",
        table(["", "Figures"], evidence),
        "## The cohorts",
        WRITTEN,
        *(part for cohort in load_cohorts().values() for part in _show_cohort(cohort)),
        "## Left out",
        "Read, and not given as a cohort:",
        table(["What", "Says", "Why it is left out"], left),
    ]
    return "\n\n".join(parts) + "\n"


def _count_evidence(name: str) -> int:
    return sum(item.incidence.evidence == name for item in list_incidences())


def _show_cohort(cohort: Cohort) -> list[str]:
    link = f" [{cohort.link}]({cohort.link})" if cohort.link else ""
    shared = [f"`{name}`" for name in cohort.shares_patients_with]
    told = [
        f"{escape(cohort.citation)}.{link}",
        f"{cohort.disease}; {cohort.product}.",
        *([f"Shares patients, or may, with {', '.join(shared)}."] if shared else []),
        *([escape(cohort.note)] if cohort.note else []),
    ]
    headings = [
        "Address",
        "What counts",
        "Days",
        "n/N",
        "Printed",
        "The count is",
        "Among",
        "Question",
        "Graded by",
        "Read",
    ]
    rows = [_show_incidence(cohort, one) for one in cohort.incidences]
    return [f"### {cohort.name}", " ".join(told), table(headings, rows)]


def _show_incidence(cohort: Cohort, one: Incidence) -> list[str]:
    count = one.counted.count
    graded = ", ".join(f"`{address}`" for address in one.graded_by)
    beside = [
        *([f"grade {one.min_grade} or higher"] if one.min_grade is not None else []),
        *([f"`window = {list(one.days)}`"] if one.days is not None else []),
        *([f'`died_before_landmark = "{one.died_before_landmark}"`'] if one.died_before_landmark else []),
    ]
    note = f" ({one.note.rstrip('.')})" if one.note else ""
    source = f"[{one.source}]({one.url})" if one.url else one.source
    among = f"{one.who} ({AMONG_WORDS[one.among]}); {DEATH_WORDS[one.deaths]}"
    return [
        f"`{cohort.id}.{one.id}`",
        f"{LINEAGE_WORDS[one.lineage]}: {one.definition}{note}",
        one.window,
        f"{'–' if count is None else count}/{one.denominator}",
        "" if one.percent is None else f"{one.percent}%",
        one.counted.words,
        among,
        f"`{one.question}`" if one.question else "",
        "; ".join([graded, *beside]) if graded else "",
        f"{EVIDENCE_WORDS[one.evidence]}: {source}",
    ]


def main() -> int:
    page = make_page()
    is_current = PAGE.is_file() and PAGE.read_text("utf-8") == page
    if "--check" in sys.argv[1:]:
        if not is_current:
            print("docs/published_cohorts.md is not current: run `make reference` and read the difference")
        return 0 if is_current else 1
    PAGE.write_text(page, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
