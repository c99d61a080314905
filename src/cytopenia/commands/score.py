"""The command that scores one patient, or every patient of a laboratory file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cytopenia.commands.terminal import print_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cytopenia.one_file import FileOptions
    from cytopenia.score_card import CardScore
    from cytopenia.score_file import ModelRequest, PatientScore
    from cytopenia.study.model_cards import CardInput

__all__ = ["score"]

_RESEARCH = "For research. Not a medical device; no decision about a patient should rest on it alone."
_BASELINE = "Values are taken as given: the last before lymphodepletion."


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
    print(_RESEARCH)


def _score_by_card(card: Path, values: tuple[str, ...], *, json: bool) -> None:
    from cytopenia.score_card import score_card

    found = score_card(card, values)
    if json:
        from json import dumps

        print(dumps(_record_card(found), ensure_ascii=False, indent=2))
        return
    for line in _tell_card(found):
        print(line)


def _record_card(found: CardScore) -> dict[str, Any]:
    card = found.card
    return {
        "card": card.id,
        "title": card.title,
        "outcome": card.outcome,
        "event": card.event,
        "probability": found.probability,
        "values": found.values,
        "warnings": found.warnings,
        "performance": card.performance.model_dump(),
        "population": card.population.model_dump(),
        "remarks": list(card.remarks),
        "synthetic": card.synthetic,
        "use": _RESEARCH,
    }


def _tell_card(found: CardScore) -> list[str]:
    """The probability, and beside it what it is worth."""
    card, worth = found.card, found.card.performance
    left_out = "" if worth.c_pairs_left_out is None else f"; with pairs left out {worth.c_pairs_left_out:.2f}"
    people = f"{card.population.patients} patients, {card.population.events} with the event"
    lines = [f"{card.title}: {found.probability:.1%}", f"Of: {card.outcome}: {card.event}", ""]
    lines += [_tell_input(item, found.values[item.name]) for item in card.inputs]
    lines += ["", *(f"Warning: {warning}." for warning in found.warnings)]
    lines += [
        f"C statistic: {worth.c_corrected:.2f} corrected for optimism{left_out}"
        f" ({worth.c_apparent:.2f} apparent)",
        f"Slope of calibration: {worth.slope_corrected:.2f} corrected; the coefficients are shrunken by"
        f" {card.shrinkage:.2f}",
        f"Made from: {people}",
    ]
    lines += [f"Note: {remark}" for remark in card.remarks]
    lines += ["Synthetic data: no patient stands behind this model."] if card.synthetic else []
    return [*lines, f"Source: {card.software}, card '{card.id}'", _RESEARCH]


def _tell_input(item: CardInput, value: float | str) -> str:
    from cytopenia.units import show_unit

    unit = show_unit(item.unit) if item.unit else ""
    shown = value if isinstance(value, str) else f"{value:.6g} {unit}".rstrip()
    return f"  {item.title}: {shown}"


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

    found = score_one(name, values, model=model, folder=Path())
    if json:
        from json import dumps

        print(dumps(_as_record(found), ensure_ascii=False, indent=2))
        return
    for line in _tell(found):
        print(line)


def _as_record(found: PatientScore) -> dict[str, Any]:
    """Everything the text says, for a machine."""
    from cytopenia.definitions import describe_definition

    definition = found.scores.definition
    told = describe_definition(definition)
    row = found.scores.scores.drop("patient_id").row(0, named=True)
    items = found.scores.items.drop("patient_id", "score", "day", "source_row")
    return {
        **row,
        "title": definition.title,
        "version": definition.version,
        "items": items.to_dicts(),
        "predicts": definition.predicts,
        "population": definition.population,
        "citation": told["citation"],
        "doi": told["doi"],
        "assumed": told["assumed"],
        "warnings": found.warnings,
        "use": _RESEARCH,
    }


def _tell(found: PatientScore) -> list[str]:
    """The score in sentences, its items as a table, and what a reader must know beside."""
    from cytopenia.definitions import describe_definition

    definition = found.scores.definition
    told = describe_definition(definition)
    row = found.scores.scores.row(0, named=True)
    items = found.scores.items.to_dicts()
    days = {need.analyte: need.day for need in definition.inputs_needed}
    lines = [_headline(found, row), "", *_list_items(items, days), ""]
    lines += [f"Warning: {warning}" for warning in found.warnings]
    word = "Extrapolated" if row["decided"] else "Open"
    lines += [] if row["reason"] == "scored" else [f"{word}: {_explain(row, items)}"]
    lines += [_BASELINE] if any(need.day is None for need in definition.inputs_needed) else []
    lines += [f"Predicts: {definition.predicts}", f"Tested in: {definition.population}"]
    lines += [f"Note: {definition.note}"] if definition.note else []
    lines += [f"Assumed: {text}" for text in told["assumed"]]
    doi = f" doi:{told['doi']}" if told["doi"] else ""
    return [*lines, f"Source: {told['citation']}{doi}", _RESEARCH]


def _headline(found: PatientScore, row: dict[str, Any]) -> str:
    from cytopenia.definition_forms import ModelDefinition, PointsDefinition

    definition = found.scores.definition
    title = definition.title
    if row["policy"] is None and row["best"] is None:
        return f"{title}: no score"
    match definition:
        case PointsDefinition():
            points = _span(row["best"], row["worst"], "g")
            return f"{title}: {points} of {definition.most_points} points{_name_group(row)}"
        case ModelDefinition():
            return f"{title}: {row['policy']:.1%}"
        case _:
            return f"{title}: {_span(row['best'], row['worst'], '.4g')}{_take_logarithm(found, row)}"


def _take_logarithm(found: PatientScore, row: dict[str, Any]) -> str:
    """Its logarithm to base 2 beside a ratio, as most publications analyze it."""
    from math import log2

    is_plain = getattr(found.scores.definition, "transform", "") == "none"
    return f" (log2 {log2(row['policy']):.3g})" if is_plain and row["policy"] else ""


def _name_group(row: dict[str, Any]) -> str:
    if row["group"] is not None:
        agree = "" if row["decided"] else " (whatever the open items are)"
        return f", risk group {row['group']}{agree}"
    if row["group_best"] is None:
        return ""
    return f", risk group open: {row['group_best']} or {row['group_worst']}"


def _span(best: float, worst: float | None, form: str) -> str:
    if worst is None:
        return f"{best:{form}} or more"
    return f"{best:{form}}" if best == worst else f"{best:{form}} to {worst:{form}}"


def _explain(row: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """The reason, and what each open item can add."""
    adds = [
        f"{item['item']} can add {item['points_best']:g} to {item['points_worst']:g}"
        f" {'point' if item['points_worst'] == 1 else 'points'}"
        for item in items
        if item["problem"] is not None and item["points_worst"] is not None
    ]
    return "; ".join([row["reason"], *adds]) + "."


def _list_items(items: list[dict[str, Any]], days: dict[str, int | None]) -> list[str]:
    """One line per item: name, value in the unit of the score, points, sentence."""
    from cytopenia.units import load_analytes, show_unit

    cells: list[tuple[str, str, str, str]] = []
    for item in items:
        number = "-" if item["value"] is None else f"{item['value']:.6g}"
        sign = item["comparator"] if item["comparator"] in ("<", "<=", ">", ">=") else ""
        points = ""
        if item["points_worst"] is not None:
            points = _span(item["points_best"], item["points_worst"], "g")
        shown = number if item["value"] is None else f"{sign}{number} {show_unit(item['unit'])}"
        words = item["rule"] or item["problem"] or ""
        day = days[item["item"]]
        title = load_analytes()[item["item"]].title + ("" if day is None else f", day {day}")
        cells.append((title, shown, points, words))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    return [
        f"  {title:<{widths[0]}}  {shown:<{widths[1]}}  {points:>{widths[2]}}  {words}".rstrip()
        for title, shown, points, words in cells
    ]
