"""How to use a definition: the section of a study file, and the command, that really work for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_cases import Example

from cytopenia.definition_forms import (
    BaselineDefinition,
    BedsideDefinition,
    BoundsDefinition,
    Definition,
    FeverDefinition,
    GatesDefinition,
    GradesDefinition,
    ModelDefinition,
    NotDefinable,
    PhenotypeDefinition,
    PointsDefinition,
    RatioDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.grade_options import show_limit
from cytopenia.units import load_analytes

_SEVERE = 3
_CURVE_DAYS = (14, 28, 60, 100)
_SHORT = {"anc": "neutropenia", "hemoglobin": "anemia", "platelets": "thrombocytopenia"}
_TOML = "```toml\n{}\n```"
_SHELL = "```sh\n{}\n```"


def show_use(definition: Definition, examples: list[Example]) -> str:
    """Return the section "How to use it": prose, TOML and commands in Markdown."""
    return "\n\n".join(_USES[type(definition)](definition, examples))


def _command(definition: Definition, *options: str) -> str:
    file = "bedside.csv" if isinstance(definition, BedsideDefinition) else "labs.csv"
    return _SHELL.format(
        " ".join([f"cytopenia grade {file} --definition {definition.id} --out graded.csv", *options])
    )


_EVENTS = "--events events.csv"
_SUPPORT = "--support support.csv --support-complete"
_TELL_EVENTS = (
    "`--events` gives deaths, last contacts, progressions and next therapies, after which days no longer"
    " count; leave it out if nothing of the kind is known."
)
_TELL_SUPPORT = (
    " `--support-complete` says that the support file holds all growth factors and transfusions; without"
    " it the outcome is called count recovery."
)


def _study(outcome: str, keys: list[str], kind: str, *more: str) -> str:
    which = f'outcomes = ["{outcome}"]' if kind == "occurrence" else f'outcome = "{outcome}"'
    lines = [
        f"[outcomes.{outcome}]",
        *keys,
        "",
        "[[analyses]]",
        f'id = "{outcome}"',
        f'kind = "{kind}"',
        which,
        *more,
    ]
    return _TOML.format("\n".join(lines))


def _use_grades(definition: GradesDefinition, examples: list[Example]) -> list[str]:
    named = [example.part for example in examples if example.part in definition.parts]
    name = named[0] if named else next(iter(definition.parts))
    part = definition.parts[name]
    most = max(rule.grade for rule in part.lab_rules)
    grade = _SEVERE if most >= _SEVERE else 1
    keys = [f'definition = "{definition.id}.{name}"', f"min_grade = {grade}"]
    if part.own_window is None:
        keys.append("window = [0, 28]")
    outcome = _SHORT.get(part.analyte, name)
    without = "Without `min_grade` the outcome is the grade itself."
    if part.own_window is not None:
        without += " The definition names its own days, so that there is no `window`."
    others = [f"`{definition.id}.{key}`" for key in definition.parts if key != name]
    also = [f"The other terms are used alike: {', '.join(others)}."] if others else []
    told, option = f"One file, one row per patient and term. {_TELL_EVENTS}", _EVENTS
    if part.own_window is None:
        told = "One file, every row graded. `--lln` gives the lower limit of normal of rows that have none:"
        option = show_limit(definition.parts)
    return [
        f"In a study file. {without}",
        _study(outcome, keys, "occurrence"),
        *also,
        told,
        _command(definition, option),
    ]


def _use_recovery(definition: RecoveryDefinition, _: list[Example]) -> list[str]:
    keys = [f'definition = "{definition.id}"', 'died_before_landmark = "exclude"']
    return [
        "In a study file. `died_before_landmark` says what the headline does with patients who died on or"
        " before"
        ' the landmark: `"exclude"`, `"not_recovered"` or `"competing_event"`; all three are printed.',
        _study("recovery", keys, "recovery"),
        f"One file, one row per patient. {_TELL_EVENTS}{_TELL_SUPPORT}",
        _command(definition, _EVENTS, _SUPPORT),
    ]


def _use_time(definition: RecoveryTimeDefinition, _: list[Example]) -> list[str]:
    needs_support = any(item.support_free_days for item in definition.all_of)
    days = [day for day in _CURVE_DAYS if day <= definition.reached.until]
    options = [_EVENTS, *([_SUPPORT] if needs_support else [])]
    return [
        "In a study file. The cumulative incidence is given on these days, with death before recovery as"
        " competing event:",
        _study("recovery", [f'definition = "{definition.id}"'], "time_to_recovery", f"days = {days}"),
        f"One file, one row per patient. {_TELL_EVENTS}{_TELL_SUPPORT if needs_support else ''}",
        _command(definition, *options),
    ]


def _use_phenotypes(definition: PhenotypeDefinition, _: list[Example]) -> list[str]:
    return [
        f"In a study file. The second dip alone, yes or no, is `{definition.id}.second_dip`.",
        _study("phenotype", [f'definition = "{definition.id}"'], "occurrence"),
        f"One file, one row per patient. {_TELL_EVENTS}",
        _command(definition, _EVENTS),
        "More on phenotypes: [phenotypes.md](../phenotypes.md).",
    ]


def _use_fever(definition: FeverDefinition, _: list[Example]) -> list[str]:
    return [
        "In a study file. The laboratory table holds the temperatures, as rows of the analyte"
        " `temperature` with a time of day:",
        _study("febrile_neutropenia", [f'definition = "{definition.id}"', "window = [0, 28]"], "occurrence"),
        "One file, one row per patient, over the days from the first to the last temperature of the patient:",
        _command(definition),
        "More on fever: [bedside.md](../bedside.md).",
    ]


def _use_bedside(definition: BedsideDefinition, _: list[Example]) -> list[str]:
    return [
        "One file of bedside findings, a row per patient and moment, a column per input of the table above."
        " Every row is graded; `graded_patients.csv` has the highest grade of each patient:",
        _command(definition),
        "The columns and their words: [bedside.md](../bedside.md). A study carries recorded grades as events"
        " (`[factors.crs]` with `event`), it does not grade bedside findings.",
    ]


def _use_score(
    definition: PointsDefinition | RatioDefinition | ModelDefinition, examples: list[Example]
) -> list[str]:
    keys = [f"[factors.{definition.id}]", f'score = "{definition.id}"']
    command = f"cytopenia score {definition.id}"
    for row in examples[0].tables["values"]:
        unit = "10^9/L" if row["unit"] == "1e9/L" else row["unit"]
        command += f' \\\n  --value "{row["analyte"]}={row["value"]} {unit}"'
    told = "One patient; every value with its unit:"
    if isinstance(definition, ModelDefinition):
        command += " \\\n  --category disease=Other --coefficients coefficients.toml"
        keys.append('coefficients = "coefficients.toml"')
        told = (
            "One patient. The coefficients are a file of your own; the published ones are not part of this"
            " package. Its form is in [scores.md](../scores.md):"
        )
    shown = [*keys, "", "[[analyses]]", 'id = "characteristics"', 'kind = "characteristics"']
    shown.append(f'factors = ["{definition.id}"]')
    return [
        told,
        _SHELL.format(command),
        "In a study file, as a factor:",
        _TOML.format("\n".join(shown)),
        "More on scores: [scores.md](../scores.md).",
    ]


def _use_setting(definition: Definition, _: list[Example]) -> list[str]:
    return [
        "Every study uses it, without being asked. To change it, write"
        f" `definitions/{definition.id}.toml` beside the study file: a file of the same id replaces this"
        " one as a whole, and stands in Methods with its citation. The file of the package, to start from:",
        _TOML.format(_read_file(definition.id)),
    ]


def _read_file(identity: str) -> str:
    from importlib.resources import files

    return (files("cytopenia") / "data" / "definitions" / f"{identity}.toml").read_text("utf-8").strip()


def _use_none(definition: NotDefinable, _: list[Example]) -> list[str]:
    first = definition.entries[0].id
    return [
        "None of them can be used. Whoever asks for one is told why:",
        _SHELL.format(f"cytopenia definitions show {first}"),
        "If you mean a certain rule, write it into a definition of your own:"
        " [definitions.md](../definitions.md).",
    ]


def name_analytes(definition: Definition) -> str:
    """Return what the definition reads, by the titles of the analytes."""
    known = load_analytes()
    names = dict.fromkeys(analyte for analyte, _ in definition.analyte_units)
    return ", ".join(f"{known[name].title} (`{name}`)" for name in names)


_USES: dict[type[Any], Callable[[Any, list[Example]], list[str]]] = {
    GradesDefinition: _use_grades,
    RecoveryDefinition: _use_recovery,
    RecoveryTimeDefinition: _use_time,
    PhenotypeDefinition: _use_phenotypes,
    FeverDefinition: _use_fever,
    BedsideDefinition: _use_bedside,
    PointsDefinition: _use_score,
    RatioDefinition: _use_score,
    ModelDefinition: _use_score,
    BoundsDefinition: _use_setting,
    BaselineDefinition: _use_setting,
    GatesDefinition: _use_setting,
    NotDefinable: _use_none,
}
