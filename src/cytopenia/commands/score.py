"""The command that scores one patient, or every patient of a laboratory file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cytopenia.commands.terminal import print_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cytopenia.one_file import FileOptions
    from cytopenia.score_file import ModelRequest

__all__ = ["score"]


def score(  # noqa: PLR0913 - one argument per option of the command
    name: str | None = None,
    /,
    *,
    card: Path | None = None,
    value: Annotated[list[str] | None, Parameter(name="--value", negative="")] = None,
    labs: Path | None = None,
    out: Path | None = None,
    items: Path | None = None,
    lymphodepletion_day: Annotated[int | None, Parameter(allow_leading_hyphen=True)] = None,
    infusions: Path | None = None,
    patients: Path | None = None,
    map_: Annotated[Path | None, Parameter(name="--map")] = None,
    day_zero: str | None = None,
    decimal: str | None = None,
    category: Annotated[list[str] | None, Parameter(name="--category", negative="")] = None,
    coefficients: Path | None = None,
    allow_outside: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Score one patient, or every patient of a laboratory file; or give a probability by a model card.

    Example: `cytopenia score car_hematotox --value "platelets=110 10^9/L" --value "crp=4.2 mg/dL"`

    Example: `cytopenia score car_hematotox --labs labs.csv --lymphodepletion-day -5 --out scores.csv`

    Example: `cytopenia score --card results/model.card.json --value "ferritin=540 ng/mL" --value "stage=II"`

    Example: `cytopenia score --card model.card.json --labs labs.csv --lymphodepletion-day -5 --out risk.csv`

    A missing item is never counted as 0: the score is then an interval, and a risk group is named only if
    every completion agrees. Every value needs its unit.

    Parameters
    ----------
    name
        Id of a score: car_hematotox, easix, m_easix, s_easix, eipm_pre, eipm_post.
    card
        The card of a model, from the results of an analysis of kind "prediction", instead of the id. Every
        input of the model must be given, or with --labs be the last laboratory value before lymphodepletion.
    value
        One value of the patient with its unit: --value "ferritin=540 ng/mL", --value "crp=<0.5 mg/dL".
    labs
        A laboratory file instead of values, long or wide, as for `cytopenia grade`.
    out
        Of a laboratory file: the table to write, one row per patient: .csv, .tsv, .xlsx or .parquet.
    items
        A second file with one row per patient and item: value, day, points, row of the source.
    lymphodepletion_day
        First day of lymphodepletion (-5: five days before the infusion) where no infusions table says it.
    infusions
        A table of infusions, for files with dates.
    patients
        A table of patients; a column named like a category of a model (disease) is used.
    map_
        A TOML file that says which column is which; `cytopenia init` shows its form under [data].
    day_zero
        "first": the first day of each patient is day 0. Otherwise the file counts days from infusion.
    decimal
        The decimal mark of the values of the file, "." or ",", where the file alone does not settle it.
    category
        A category of a model: --category disease=ALL
    coefficients
        A TOML file with the coefficients of a model (eipm_pre, eipm_post); without it there is no score.
    allow_outside
        Score values outside the range a model was made for, and say so, instead of refusing them.
    json
        Print the score of one patient as JSON.
    """
    from cytopenia.score_file import ModelRequest

    model = ModelRequest(
        coefficients=coefficients, allow_outside=allow_outside, categories=tuple(category or ())
    )
    files = {
        "--out": out,
        "--items": items,
        "--infusions": infusions,
        "--patients": patients,
        "--map": map_,
        "--day-zero": day_zero,
        "--decimal": decimal,
        "--lymphodepletion-day": lymphodepletion_day,
    }
    if name is None or card is not None:
        unfit = {
            "the id of a score": name,
            "--category": category,
            "--coefficients": coefficients,
            "--allow-outside": allow_outside or None,
            "--items": items,
        }
        _require_card(card, unfit)
        if labs is not None:
            _require_file_options(out, value=value, json=json)
            _score_labs_by_card(card or Path(), labs, files)
            return
        _require_alone(files)
        _score_by_card(card or Path(), tuple(value or ()), json=json)
        return
    if labs is None:
        _require_alone(files)
        _score_values(name, tuple(value or ()), model, json=json)
        return
    _require_file_options(out, value=value, json=json)
    _score_labs(name, labs, files, model=model)


def _score_labs(name: str, labs: Path, files: Mapping[str, Any], *, model: ModelRequest) -> None:
    from cytopenia.score_file import ScoreFileRequest, score_file

    request = ScoreFileRequest(
        score=name,
        files=_read_options(labs, files),
        out=files["--out"] or Path(),
        items=files["--items"],
        lymphodepletion_day=files["--lymphodepletion-day"],
        model=model,
    )
    summary = score_file(request)
    print_findings(summary.findings)
    for line in summary.lines:
        print(line)


def _read_options(labs: Path, files: Mapping[str, Any]) -> FileOptions:
    from cytopenia.one_file import FileOptions

    tables = {"infusions": files["--infusions"], "patients": files["--patients"]}
    return FileOptions(
        labs=labs,
        tables={table: path for table, path in tables.items() if path is not None},
        mapping=files["--map"],
        day_zero=files["--day-zero"],
        decimal=files["--decimal"],
    )


def _require_card(card: Path | None, unfit: Mapping[str, object]) -> None:
    from cytopenia.errors import ProtocolError

    if card is None:
        raise ProtocolError("score: name a score, such as car_hematotox, or a model card with --card FILE.")
    given = [option for option, content in unfit.items() if content is not None]
    if given:
        raise ProtocolError(f"{', '.join(given)}: does not go with --card; leave it out.")


def _score_labs_by_card(card: Path, labs: Path, files: Mapping[str, Any]) -> None:
    from cytopenia.card_file import CardFileRequest, score_card_file
    from cytopenia.score_words import RESEARCH

    request = CardFileRequest(
        card=card,
        files=_read_options(labs, files),
        out=files["--out"] or Path(),
        lymphodepletion_day=files["--lymphodepletion-day"],
    )
    summary = score_card_file(request)
    print_findings(summary.findings)
    for line in summary.lines:
        print(line)
    print(RESEARCH)


def _score_by_card(card: Path, values: tuple[str, ...], *, json: bool) -> None:
    from cytopenia.score_card import score_card
    from cytopenia.score_words import print_card, record_card

    found = score_card(card, values)
    if json:
        from json import dumps

        print(dumps(record_card(found), ensure_ascii=False, indent=2))
        return
    for line in print_card(found):
        print(line)


def _require_alone(files: Mapping[str, object]) -> None:
    """Options of a file make no sense without one."""
    from cytopenia.errors import ProtocolError

    given = [option for option, content in files.items() if content is not None]
    if given:
        raise ProtocolError(f"{', '.join(given)}: needs a laboratory file; add --labs FILE, or leave it out.")


def _require_file_options(out: Path | None, *, value: list[str] | None, json: bool) -> None:
    from cytopenia.errors import ProtocolError

    if value:
        raise ProtocolError("--value and --labs: give the values of one patient, or a file, not both.")
    if json:
        raise ProtocolError("--json: is for one patient; the scores of a file are written with --out.")
    if out is None:
        raise ProtocolError("--out: is missing; name the file for the scores, such as --out scores.csv.")


def _score_values(name: str, values: tuple[str, ...], model: ModelRequest, *, json: bool) -> None:
    from cytopenia.score_file import score_one
    from cytopenia.score_words import print_score, record_score

    found = score_one(name, values, model=model, folder=Path())
    if json:
        from json import dumps

        print(dumps(record_score(found), ensure_ascii=False, indent=2))
        return
    for line in print_score(found):
        print(line)
