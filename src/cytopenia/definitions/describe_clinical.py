"""Clinical scales in sentences: bedside lines, and fever in neutropenia."""

from __future__ import annotations

from cytopenia.definition_forms import BedsideDefinition, BedsideLine, FeverDefinition

__all__ = ["describe_bedside", "describe_fever"]


def describe_bedside(definition: BedsideDefinition) -> tuple[list[str], list[str]]:
    """Return the rules and the assumptions of a bedside scale."""
    rules: list[str] = []
    if (need := definition.requirement) is not None:
        rules.append(f"{definition.term}, every grade: “{need.text}”")
        rules += [f"{definition.term}: “{need.hidden_text}”"] if need.hidden_text else []
    for line in definition.lines:
        rules += [f"{definition.term}, {grade}: “{text}”" for grade, text in _name_grades(line)]
    rules += [
        f"{definition.term}, grade {item.grade}: “{item.text}” (not decided by these inputs)"
        for item in definition.clinical
    ]
    rules.append("The grade is that of the worst line; a missing input may be anything.")
    return [*rules, *([definition.note] if definition.note else [])], list(definition.assumptions)


def _name_grades(line: BedsideLine) -> list[tuple[str, str]]:
    """Each grade of a line with its sentence, mildest first."""
    words = [
        (f"grade {level.grade}" + (f" to {level.up_to}" if level.up_to is not None else ""), level.text)
        for level in line.levels
        if level.most > 0
    ]
    return words + [(f"grade {rule.grade}", rule.text) for rule in line.rules]


def describe_fever(definition: FeverDefinition) -> tuple[list[str], list[str]]:
    """Return the rules and the assumptions of febrile neutropenia."""
    rules = [f"{definition.term}, grade {definition.grade}: “{definition.text or definition.title}”"]
    rules += [
        f"{definition.term}, grade {item.grade}: “{item.text}” (not decided by a reading)"
        for item in definition.clinical
    ]
    return [*rules, *([definition.note] if definition.note else [])], list(definition.assumptions)
