"""What Define-XML says of a study: the rules of its grades, of its baseline and of each of its outcomes."""

from __future__ import annotations

from cytopenia.definitions import describe_definition
from cytopenia.study.adam_outcomes import code_outcomes, list_outcomes
from cytopenia.study.plan import Plan
from cytopenia.study.protocol import Study
from cytopenia.study.protocol_forms import OutcomeSpec
from cytopenia.units import load_analytes

__all__ = ["describe_outcomes", "fill_texts"]


def fill_texts(study: Study, grades: str) -> dict[str, str]:
    """Return what stands for {definition} and {baseline} in the table of variables.

    Parameters
    ----------
    study : Study
    grades : str
        The address of the definition of the toxicity grades.
    """
    baseline = describe_definition(study.library.baseline)
    return {
        "definition": (
            f"Graded by {_describe(study, grades)} The grade is the highest whose rule AVAL meets (a value"
            " reported as a limit: that all its values meet), with ANRLO and BASE where a rule needs them;"
            " values are compared after rounding to 15 significant digits. 0 means judged and none of the"
            " grades; blank means not judged, and ATOXREAS says why."
        ),
        "baseline": (
            f"Y on the record that is the baseline of the subject and parameter. {baseline['text']} Of"
            " several values of that day the latest timed one, else the worse one."
            f" {baseline['citation']}."
        ),
    }


def describe_outcomes(study: Study, plan: Plan) -> dict[str, str]:
    """Return how each outcome is derived, by its PARAMCD."""
    codes = code_outcomes(list_outcomes(plan))
    told = {name: _describe_outcome(study, spec) for name, spec in plan.specs.items()}
    for nadir in plan.nadirs:
        title, (first, last) = load_analytes()[nadir.analyte].title.lower(), nadir.window
        told[nadir.outcome] = (
            f"The lowest valid value of the {title} from day {first} to day {last} from the infusion."
        )
    return {codes[name]: text for name, text in told.items()}


def _describe_outcome(study: Study, spec: OutcomeSpec) -> str:
    if spec.definition is None:
        parts = ", ".join(spec.any_of)
        return f"1 if one of these outcomes is 1, 0 if all are 0, else missing: {parts}."
    asked = [f"By {_describe(study, spec.definition)}"]
    if spec.window is not None:
        asked.append(f"Days {spec.window[0]} to {spec.window[1]} from the infusion, both included.")
    if spec.min_grade is not None:
        asked.append(f"1 if the grade is {spec.min_grade} or higher, 0 if it is lower.")
    if spec.treatment_emergent:
        asked.append("A grade counts only above that of the baseline.")
    return " ".join(asked)


def _describe(study: Study, address: str) -> str:
    """Title, version, source, rules and assumptions of a definition or of one of its parts."""
    _, _, part = address.partition(".")
    definition = study.library.find(address)
    named = [part] if part and part in getattr(definition, "parts", {}) else []
    told = describe_definition(definition, parts=named)
    source = " ".join(text for text in (told["citation"], told["url"] or told["doi"]) if text)
    rules = f"{'; '.join(text.removesuffix('.') for text in told['rules'])}." if told["rules"] else ""
    assumed = " ".join(f"Assumed: {text.removesuffix('.')}." for text in told["assumed"])
    words = " ".join(text for text in (rules, assumed) if text)
    return f"{told['title']}, version {told['version']} ({address}). Source: {source}. {words}".rstrip()
