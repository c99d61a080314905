"""The tables of a study, as its study file names them: to be run, or looked at with all their errors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cytopenia.contract import Tables, check_tables, require_tables
from cytopenia.errors import ProtocolError
from cytopenia.readers.sources import read_tables
from cytopenia.study.factor_checks import LACKS_LYMPHODEPLETION, check_factors
from cytopenia.study.limit_checks import add_missing_limits
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study, read_protocol

__all__ = [
    "CheckedStudy",
    "list_unfollowed",
    "look_at_study",
    "read_checked",
    "read_study_tables",
    "require_lymphodepletion",
    "set_lymphodepletion_day",
]

# What a table that comes with our names and units leaves to be said, or makes needless.
_SOURCES = ("fhir", "cdisc", "redcap", "omop")
_BEGINS = frozenset({"lymphodepletion_day", "lymphodepletion_date"})
_OF_FILES = {"file", "sheet", "encoding", "separator", "decimal", "lln"}


@dataclass(frozen=True)
class CheckedStudy:
    """A study, its tables as they were read, and the findings on them."""

    study: Study
    tables: Tables
    findings: pl.DataFrame


def read_checked(path: Path | str) -> CheckedStudy:
    """Return a study, its tables with or without errors, and every finding.

    Raises
    ------
    CytopeniaError
        ProtocolError (also for a column that the study names and no table has), DefinitionError, ReaderError,
        or MissingColumnError.
    """
    checked = _read(path)
    check_factors(checked.study, checked.tables)
    return checked


def look_at_study(path: Path | str) -> tuple[CheckedStudy, str]:
    """Return what `read_checked` does, and what its analyses lack instead of raising it.

    The data can be looked at before the study file names the factors of an analysis rightly.
    """
    checked = _read(path)
    try:
        check_factors(checked.study, checked.tables)
    except ProtocolError as cause:
        return checked, str(cause)
    return checked, ""


def _read(path: Path | str) -> CheckedStudy:
    study = read_protocol(path)
    read = read_tables(study.data_folder, study.protocol.data)
    tables = set_lymphodepletion_day(read, study.protocol.study.lymphodepletion_day)
    findings = add_missing_limits(check_tables(read), tables, study=study, plan=build_plan(study))
    return CheckedStudy(study, tables, findings)


def read_study_tables(study: Study) -> Tables:
    """Return the tables of a study, with the day of lymphodepletion that its protocol states."""
    tables = require_tables(read_tables(study.data_folder, study.protocol.data))
    return set_lymphodepletion_day(tables, study.protocol.study.lymphodepletion_day)


def list_unfollowed(study: Study) -> list[str]:
    """Return the keys of `[data]` that name or change columns and words, which only readers of files follow.

    Tables that come as they are, with the columns of the contract, cannot follow them.
    """
    data = study.protocol.data
    sources = [name for name in _SOURCES if name in data.model_fields_set]
    return [
        *(f"[data.{name}]" for name in sources),
        *(
            f"[data.{name}] {key}"
            for name, form in data.tables.items()
            for key in sorted(form.model_fields_set - _OF_FILES)
        ),
    ]


def require_lymphodepletion(study: Study, known: Collection[str]) -> None:
    """Raise where an outcome rests on values before lymphodepletion and nothing says when it began.

    Parameters
    ----------
    study : Study
    known : collection of str
        The columns of the infusions that have a value.

    Raises
    ------
    ProtocolError
    """
    is_asked = any(spec.treatment_emergent for spec in study.protocol.outcomes.values())
    is_known = study.protocol.study.lymphodepletion_day is not None or not _BEGINS.isdisjoint(known)
    if is_asked and not is_known:
        raise ProtocolError(f"{study.path.name}: {LACKS_LYMPHODEPLETION}")


def set_lymphodepletion_day(tables: Tables, day: int | None) -> Tables:
    """Return the tables with the day of lymphodepletion of the protocol where the infusions give none."""
    if day is None:
        return tables
    infusions = tables.infusions
    known = pl.col("lymphodepletion_day") if "lymphodepletion_day" in infusions.columns else pl.lit(None)
    stated = pl.coalesce(known, pl.lit(day)).cast(pl.Int32).alias("lymphodepletion_day")
    return replace(tables, infusions=infusions.with_columns(stated))
