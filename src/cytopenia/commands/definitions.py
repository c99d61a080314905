"""The commands about definitions: list them, show one, say what changes from one to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cytopenia.commands.terminal import Bar

__all__ = ["definitions"]

_SEVERE = 3

definitions = App(
    name="definitions",
    help_format="markdown",
    help="""List the definitions, show one with its sources, or say what changes from one to another.

Example: `cytopenia definitions compare ctcae_v5 ctcae_v6 --study study.toml`

Without a word behind it, the command lists every definition.
""",
)

Json = Annotated[bool, Parameter(negative="")]


@definitions.default
@definitions.command(name="list")
def list_definitions(*, study: Path | None = None, json: Json = False) -> None:
    """List every definition: id, kind, title, version, status, source.

    Example: `cytopenia definitions list`

    Parameters
    ----------
    study
        A study file or its folder, whose own `definitions/` are listed as well.
    json
        Print one JSON array.
    """
    from cytopenia.commands.definition_pages import print_json, print_list
    from cytopenia.definitions import describe_definition, load_library

    library = load_library(_find_folder(study))
    rows = [
        {"kind": definition.kind, **describe_definition(definition), "sha256": library.sha256[name]}
        for name, definition in sorted(library.definitions.items())
    ]
    if json:
        print_json(rows)
    else:
        print_list(rows)


@definitions.command
def show(address: str, *, study: Path | None = None, json: Json = False) -> None:
    """Show one definition: its rules with the official sentences, its source, and what had to be assumed.

    Example: `cytopenia definitions show ctcae_v5.anemia`

    Parameters
    ----------
    address
        Id of a definition, or with one of its parts: ctcae_v5, ctcae_v5.anemia.
    study
        A study file or its folder, whose own `definitions/` are known as well.
    json
        Print JSON.
    """
    from cytopenia.commands.definition_pages import print_definition, print_json
    from cytopenia.definitions import describe_definition, list_rules, load_library

    library = load_library(_find_folder(study))
    definition = library.find(address)
    name, _, part = address.partition(".")
    page = {
        "kind": definition.kind,
        **describe_definition(definition, parts=[part] if part else []),
        "sha256": library.sha256[name],
        "grades": list_rules(library.find_parts(address)) if definition.kind == "grades" else [],
    }
    if json:
        print_json(page)
    else:
        print_definition(page)


@definitions.command
def compare(
    old: str,
    new: str,
    *,
    study: Path | None = None,
    min_grade: int = _SEVERE,
    json: Json = False,
) -> None:
    """Say what changes from one graded definition to another, in words and in the patients of a study.

    Example: `cytopenia definitions compare ctcae_v5 ctcae_v6 --study study.toml`

    Everything is read from the two files: terms of one analyte belong together; ranges of values are found
    by grading with both. With a study, its patients are graded by both over the windows of the study.

    Parameters
    ----------
    old
        Id of a definition of kind grades, with or without a part.
    new
        The definition to compare it with.
    study
        A study file or its folder; its own `definitions/` are known as well.
    min_grade
        The grade whose patients are counted under both definitions.
    json
        Print JSON.
    """
    from cytopenia.commands.definition_pages import collect_comparison, print_comparison, print_json
    from cytopenia.definitions import load_library
    from cytopenia.workflow import compare_in_study

    library = load_library(_find_folder(study))
    page = collect_comparison(library, old, new)
    if study is not None:
        with Bar() as bar:
            page["patients"] = compare_in_study(study, old, new, min_grade=min_grade, progress=bar)
    if json:
        print_json(page)
    else:
        print_comparison(page, library, study)


def _find_folder(study: Path | None) -> Path | None:
    if study is None:
        return None
    return study if study.is_dir() else study.parent
