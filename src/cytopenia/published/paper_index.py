"""The printed numbers of a paper by their ids."""

from __future__ import annotations

from collections.abc import Iterable

from cytopenia.errors import suggest_name
from cytopenia.published.claim_forms import Claim

__all__ = ["PaperIndex"]


class PaperIndex:
    """Claims by id, and the numbers of patients that they print."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._claims = {claim.id: claim for claim in claims}

    def find(self, name: str) -> Claim | None:
        """Return the claim of an id."""
        return self._claims.get(name)

    def explain(self, name: str) -> str:
        """Return what is wrong with an id that names no claim."""
        return f"no claim has the id '{name}'{suggest_name(name, self._claims)}"

    def count(self, text: str | None) -> int | None:
        """Return a number of patients, given as printed or by the id of the claim that prints it.

        Examples
        --------
        >>> PaperIndex([]).count("63"), PaperIndex([]).count("patients")
        (63, None)
        """
        if text is None or text.isdigit():
            return None if text is None else int(text)
        claim = self._claims.get(text)
        printed = None if claim is None else claim.parts.get("count")
        return None if printed is None else int(printed)

    def part(self, address: str) -> str | None:
        """Return a printed text by the id of its claim, and a part of it: "age.median".

        Examples
        --------
        >>> PaperIndex([]).part("age.median") is None
        True
        """
        name, _, part = address.partition(".")
        claim = self._claims.get(name)
        if claim is None or not claim.parts:
            return None
        return claim.parts.get(part) if part else next(iter(claim.parts.values()))
