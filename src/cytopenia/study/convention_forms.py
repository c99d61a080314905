"""Whose conventions an analysis follows, or that those of several programs stand side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cytopenia.definition_forms import Form, Number
from cytopenia.definition_forms.checking import check
from cytopenia.study.factor_forms import Parity

__all__ = ["COMPARE", "ComparedConventions", "TestedConventions"]

COMPARE = "compare"


class ComparedConventions(Form):
    """One program's conventions, or with `compare` those of all beside the analysis by default."""

    parity: Parity | Literal["compare"] = "default"

    @property
    def own_parity(self) -> Parity:
        """The conventions of the analysis itself."""
        return "default" if self.parity == "compare" else self.parity

    @property
    def compares_programs(self) -> bool:
        """Whether what each program gives is listed."""
        return self.parity == COMPARE


class TestedConventions(ComparedConventions):
    """Conventions of tests: the level at which conclusions are drawn is declared where they are compared."""

    significance_level: Number | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)

    @check
    def _level_is_declared_where_conclusions_are_compared(self) -> Iterator[str]:
        if self.compares_programs and self.significance_level is None:
            yield (
                'parity = "compare" says which conclusions depend on the program: give the level at which'
                " they are drawn, such as significance_level = 0.05"
            )
        if self.significance_level is not None and not self.compares_programs:
            yield 'significance_level goes with parity = "compare"; remove it'
