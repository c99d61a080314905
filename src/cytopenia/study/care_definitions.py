"""Panel F of "Read with care": events and odds ratios under other named definitions, none of them a vote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cytopenia.results import ResultRow
from cytopenia.study.care_models import CareInput, list_published, pick_headlines, refit_published
from cytopenia.study.care_rows import refuse_panel, report_effects
from cytopenia.study.groups import Sides

__all__ = ["OtherDefinition", "summarize_careful_definitions"]

NONE_DECLARED = "no other definition was declared"


@dataclass(frozen=True)
class OtherDefinition:
    """Another outcome of the protocol, and its sides with the event of the analysis.

    `never_below` is how many of the patients of a recovery were never below its cuts: they are on the side of
    the recovered.
    """

    outcome: str
    title: str
    sides: Sides
    never_below: int = 0


def summarize_careful_definitions(
    given: CareInput, definitions: Sequence[OtherDefinition]
) -> Iterator[ResultRow]:
    """Return events and the published odds ratios under each definition, the published one first.

    Rows of group `care_f`; `scenario` is the outcome. Models, terms and cuts are the published ones; nothing
    is counted over the definitions.
    """
    key = given.begin_row("f")
    if not definitions:
        yield refuse_panel(key, NONE_DECLARED)
        return
    own = OtherDefinition(given.analysis.outcome, "", given.sides)
    for one in (own, *definitions):
        patients = replace(key, scenario=one.outcome, variable="patients", text=one.title)
        policy = one.sides.policy
        yield replace(patients, estimate="events", value=int((policy == 1).sum()))
        yield replace(patients, estimate="count", value=int((~np.isnan(policy)).sum()))
        yield replace(patients, estimate="never_below", value=one.never_below)
    lines = pick_headlines(list_published(given))
    for one in definitions:
        row = replace(key, scenario=one.outcome)
        for line, effect in refit_published(given, one.sides, lines).items():
            yield from report_effects(line.begin_row(row), line.effect, effect)
