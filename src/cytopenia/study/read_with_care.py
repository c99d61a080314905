"""The page "Read with care": six panels beside the published numbers of an analysis of risk factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cytopenia.results import ResultRow
from cytopenia.study.care_cuts import summarize_careful_cuts
from cytopenia.study.care_definitions import OtherDefinition, summarize_careful_definitions
from cytopenia.study.care_effects import summarize_careful_effects
from cytopenia.study.care_models import CareInput
from cytopenia.study.care_patients import HadBefore, OtherReading, summarize_careful_patients
from cytopenia.study.care_selection import summarize_careful_model
from cytopenia.study.care_unknown import summarize_careful_unknown

__all__ = ["summarize_read_with_care"]


def summarize_read_with_care(
    given: CareInput,
    *,
    reading: OtherReading | None,
    before: HadBefore | None,
    definitions: Sequence[OtherDefinition],
) -> Iterator[ResultRow]:
    """Return the rows of the panels A to F, each in a group of its own, `care_a` to `care_f`.

    A line of a panel is a row of stratum `published`, one of stratum `careful` and, where there is a
    conclusion, one whose estimate begins with `change_of_` and whose text is the verdict. A panel, or a part
    of one, that cannot be done is a row `not_done` with the reason.
    """
    size = replace(given.begin_row("gate"), variable="model", estimate="smaller_group")
    smaller = given.sides.smaller_group
    yield replace(size, value=smaller)
    allowed = smaller // given.gates.per_term if smaller >= given.gates.multivariable_from else 0
    yield replace(size, estimate="terms_allowed", value=allowed)
    yield from summarize_careful_effects(given)
    yield from summarize_careful_cuts(given)
    yield from summarize_careful_model(given)
    yield from summarize_careful_patients(given, reading, before)
    yield from summarize_careful_unknown(given)
    yield from summarize_careful_definitions(given, definitions)
