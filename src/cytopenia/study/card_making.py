"""The cards of a run: each prediction model that was made, from its rows of the result table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.study.analysis_forms import Factor, Prediction
from cytopenia.study.model_cards import CARD_FORMAT, ModelCard, seal_card
from cytopenia.study.protocol import Study
from cytopenia.units import load_analytes
from cytopenia.version import __version__

__all__ = ["make_cards"]

Key = tuple[str, str, str, str]
KNOTS = ("knot_1", "knot_2", "knot_3", "knot_4", "knot_5")
# Behind the groups of rows of a model made from imputed values, and behind the id of its card.
IMPUTED = "_imputed"
IMPUTED_REMARK = (
    "{incomplete} patients lacked an input of a candidate; their values were imputed {tables} times, and the"
    " coefficients pooled. A patient who is asked about must have every input"
)
EVENTS = {"yes": "yes", "no": "no", "recovered": "recovered", "not_recovered": "not recovered"}


def make_cards(results: pl.DataFrame, study: Study, titles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the card of each prediction of a run by the id of its analysis; none where no model was made.

    A model made from imputed values has a card of its own, with `_imputed` behind the id.

    Parameters
    ----------
    results : DataFrame
        The long result table.
    study : Study
    titles : mapping of outcome to str
    """
    cards: dict[str, dict[str, Any]] = {}
    for analysis in study.protocol.analyses:
        if isinstance(analysis, Prediction):
            for suffix in ("", IMPUTED):
                rows = _Rows.of(results, analysis.id, suffix)
                if rows.get("coefficients", "shrinkage") is not None:
                    name = f"{analysis.id}{suffix}"
                    cards[name] = _make_card(analysis, rows, study, titles[analysis.outcome])
    return cards


@dataclass(frozen=True)
class _Rows:
    """Rows of one analysis by (group, variable, level, estimate); `suffix` was taken from the groups."""

    found: Mapping[Key, Mapping[str, Any]]
    suffix: str

    @classmethod
    def of(cls, results: pl.DataFrame, analysis_id: str, suffix: str) -> _Rows:
        is_own = pl.col("group").str.ends_with(IMPUTED) if suffix else ~pl.col("group").str.ends_with(IMPUTED)
        own = results.filter(pl.col("analysis_id") == analysis_id, is_own)
        return cls(
            {
                (
                    row["group"].removesuffix(suffix),
                    row["variable"],
                    row["variable_level"],
                    row["estimate"],
                ): row
                for row in own.iter_rows(named=True)
            },
            suffix,
        )

    @property
    def remarks(self) -> list[str]:
        """What a user of the model must know."""
        gate = self.found["gate", "model", "", "smaller_group"]["note"]
        found = [gate] if gate else []
        incomplete, tables = self.get("size", "incomplete"), self.get("performance", "imputations")
        if incomplete is not None and tables is not None:
            found.append(IMPUTED_REMARK.format(incomplete=int(incomplete), tables=int(tables)))
        return found

    def get(self, group: str, estimate: str, variable: str = "model", level: str = "") -> float | None:
        row = self.found.get((group, variable, level, estimate))
        return None if row is None else row["value"]

    def list_levels(self, group: str, estimate: str, variable: str) -> list[str]:
        return [key[2] for key in self.found if key == (group, variable, key[2], estimate)]


def _make_card(analysis: Prediction, rows: _Rows, study: Study, outcome: str) -> dict[str, Any]:
    inputs = list(dict.fromkeys(key[1] for key in rows.found if key[0] == "inputs"))
    synthetic = study.protocol.study.synthetic
    content: dict[str, Any] = {
        "format": CARD_FORMAT,
        "id": f"{analysis.id}{rows.suffix}",
        "title": analysis.title or analysis.id.replace("_", " ").capitalize(),
        "outcome": outcome,
        "event": EVENTS[analysis.event],
        "synthetic": synthetic,
        "method": rows.found["performance", "model", "", "method"]["text"],
        "population": {
            "patients": int(rows.get("size", "n") or 0),
            "events": int(rows.get("size", "events") or 0),
            "left_out_for_missing": int(rows.get("size", "missing") or 0),
        },
        "inputs": [_make_input(name, rows, study.protocol.factors.get(name)) for name in inputs],
        "terms": [term for name in inputs for term in _make_terms(name, rows)],
        "intercept": rows.get("coefficients", "coefficient", "intercept"),
        "shrunken_intercept": rows.get("coefficients", "shrunken_coefficient", "intercept"),
        "shrinkage": rows.get("coefficients", "shrinkage"),
        "performance": {
            "c_apparent": rows.get("performance", "apparent", "c_statistic"),
            "c_corrected": rows.get("performance", "corrected", "c_statistic"),
            "c_pairs_left_out": rows.get("performance", "pairs_left_out", "c_statistic"),
            "slope_corrected": rows.get("performance", "corrected", "slope"),
            "intercept_corrected": rows.get("performance", "corrected", "intercept"),
            "brier_corrected": rows.get("performance", "corrected", "brier"),
            "resamples": int(rows.get("performance", "resamples") or 0),
        },
        "remarks": rows.remarks,
        "software": f"cytopenia {__version__}",
        "protocol_sha256": study.sha256,
    }
    plain = ModelCard.model_validate({**content, "seal": ""}).model_dump(mode="json", exclude={"seal"})
    return {**plain, "seal": seal_card(plain)}


def _make_input(name: str, rows: _Rows, factor: Factor | None) -> dict[str, Any]:
    levels = rows.list_levels("inputs", "count", name)
    analyte = None if factor is None else factor.analyte
    title = next(row["text"] for key, row in rows.found.items() if key[:2] == ("inputs", name))
    return {
        "name": name,
        "title": title,
        "analyte": analyte,
        "when": "last value before lymphodepletion" if analyte is not None else "",
        "unit": "" if analyte is None else load_analytes()[analyte].unit,
        "minimum": rows.get("inputs", "minimum", name),
        "maximum": rows.get("inputs", "maximum", name),
        "levels": {level: int(rows.get("inputs", "count", name, level) or 0) for level in levels},
    }


def _make_terms(name: str, rows: _Rows) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for level in rows.list_levels("coefficients", "coefficient", name):

        def get(estimate: str, level: str = level) -> float | None:
            return rows.get("coefficients", estimate, name, level)

        part = get("part")
        found.append(
            {
                "input": name,
                "kind": rows.found["coefficients", name, level, "coefficient"]["text"],
                "level": level,
                "step": get("step"),
                "cut": get("cut"),
                "knots": [knot for knot in map(get, KNOTS) if knot is not None],
                "part": None if part is None else int(part),
                "coefficient": get("coefficient"),
                "shrunken_coefficient": get("shrunken_coefficient"),
            }
        )
    return found
