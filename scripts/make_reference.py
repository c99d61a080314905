"""Write docs/definitions: a page for every definition, from its file and its worked examples, and an index.

A page says what the definition is, where it comes from, its rules, how days are counted, what had to be
assumed, how it is used, and shows the cases of `conformance/` that are marked as examples. `--check` changes
nothing and fails if a page is not current. The sha256 of a definition stands on no page: it changes with
every comment of the file, and `cytopenia definitions show` prints it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference_cases import Example, escape, read_examples, show_example, table
from reference_rules import bullets, show_rules
from reference_use import name_analytes, show_use

from cytopenia.definition_forms import (
    BedsideDefinition,
    Definition,
    FeverDefinition,
    GradesDefinition,
    NotDefinable,
    RecoveryDefinition,
    RecoveryTimeDefinition,
    ScoreDefinition,
)
from cytopenia.definitions import Library, describe_definition, load_library
from cytopenia.forms import parse_toml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "definitions"
FILES = ROOT / "src" / "cytopenia" / "data" / "definitions"
WRITTEN = "Written by `make reference` from the definition file and `conformance/`. Do not edit."

STATUS = {
    "consensus": "an expert group or an authority agreed on it",
    "published": "a publication, or the program that belongs to it, states the rule",
    "study": "the rule of one study, or of one report; not a standard",
    "assumed": "a choice of this package; no source states it",
}
KINDS = {
    "grades": "grades of blood counts",
    "recovery": "recovery at a landmark",
    "phenotype": "phenotypes of recovery",
    "fever": "fever while neutrophils are low",
    "bedside": "grades from bedside findings",
    "points": "a score: a sum of points",
    "ratio": "a score: a ratio of values",
    "model": "a score: a model of risk",
    "bounds": "a setting: bounds of unmeasured days",
    "baseline": "a setting: baseline and peak",
    "gates": "a setting: how many events a model needs",
    "not_definable": "wordings that cannot be computed",
}


def name_kind(definition: Definition) -> str:
    """Return the kind in words; a recovery asks one of two questions."""
    return "time of recovery" if isinstance(definition, RecoveryTimeDefinition) else KINDS[definition.kind]


def make_reference() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    library = load_library()
    examples = read_examples()
    parents = read_parents()
    pages = {
        f"{name}.md": write_page(definition, examples.get(name, []), parents)
        for name, definition in sorted(library.definitions.items())
    }
    return {"README.md": write_index(library), **pages}


def read_parents() -> dict[str, str]:
    """Return which definition each one extends."""
    tables = {
        path.stem: parse_toml(path.read_bytes(), name=path.name, error=ValueError)
        for path in FILES.glob("*.toml")
    }
    return {name: one["extends"] for name, one in sorted(tables.items()) if "extends" in one}


def write_page(definition: Definition, examples: list[Example], parents: dict[str, str]) -> str:
    """Return the page of one definition."""
    told = describe_definition(definition)
    assumed = [] if isinstance(definition, GradesDefinition) else told["assumed"]
    parts = [
        f"# {definition.title}",
        WRITTEN,
        _show_head(definition, parents),
        *([f"> {escape(definition.text)}"] if definition.text and not _repeats(definition) else []),
        *([f"Note: {escape(definition.note)}"] if definition.note else []),
        *show_rules(definition),
        *(["## Assumed: the source does not say it", bullets(assumed)] if assumed else []),
        "## How to use it",
        show_use(definition, examples),
    ]
    if examples:
        parts.append("## Worked example" + ("" if len(examples) == 1 else "s"))
    for example in examples:
        parts += [f"### `{example.address}`"] if len(examples) > 1 else []
        parts.append(show_example(example))
    parts.append("[All definitions](README.md)")
    return "\n\n".join(parts) + "\n"


def _repeats(definition: Definition) -> bool:
    """Whether the official sentence stands in the rules already."""
    return isinstance(definition, FeverDefinition)


def _show_head(definition: Definition, parents: dict[str, str]) -> str:
    children = [name for name, parent in parents.items() if parent == definition.id]
    rows: list[list[object]] = [
        ["Id", f"`{definition.id}`"],
        ["Kind", f"`{definition.kind}`: {name_kind(definition)}"],
        ["Version", definition.version],
        ["Status", f"**{definition.status}**: {STATUS[definition.status]}"],
        ["Source", _show_source(definition)],
    ]
    if definition.id in parents:
        parent = parents[definition.id]
        rows.append(
            ["Extends", f"[`{parent}`]({parent}.md): what its own file does not state is taken from there"]
        )
    if children:
        rows.append(["Extended by", ", ".join(f"[`{name}`]({name}.md)" for name in children)])
    if analytes := name_analytes(definition):
        rows.append(["Reads", analytes])
    rows.append(["Graded from laboratory values", say_gradable(definition)])
    return table(["", ""], rows)


def _show_source(definition: Definition) -> str:
    citation = definition.citation
    doi = f", doi [{citation.doi}](https://doi.org/{citation.doi})" if citation.doi else ""
    url = f", [{citation.url}]({citation.url})" if citation.url else ""
    return f"{citation.text}{doi}{url}"


def say_gradable(definition: Definition) -> str:
    """Return how much of the definition laboratory values decide."""
    match definition:
        case GradesDefinition():
            rules = [rule for part in definition.parts.values() for rule in part.grades]
            clinical = any(not rule.lab_gradable for rule in rules)
            return "in part: clinical clauses are never assigned" if clinical else "yes"
        case FeverDefinition():
            return "with temperatures; the clinical grades are never assigned"
        case BedsideDefinition():
            return "no: from bedside findings"
        case RecoveryDefinition() | RecoveryTimeDefinition():
            needs = any(item.support_free_days for item in definition.all_of)
            return "yes, with the table of support" if needs else "yes"
        case NotDefinable():
            return "no"
        case _:
            is_score = isinstance(definition, ScoreDefinition)
            return "yes" if is_score or definition.kind == "phenotype" else "grades nothing by itself"


def write_index(library: Library) -> str:
    """Return the index: one row per definition."""
    rows = [
        [
            f"[`{name}`]({name}.md)",
            name_kind(definition),
            definition.title,
            definition.version,
            definition.status,
            say_gradable(definition).partition(":")[0],
        ]
        for name, definition in sorted(library.definitions.items())
    ]
    states = [[f"**{name}**", words] for name, words in STATUS.items()]
    return (
        "\n\n".join(
            [
                "# Every definition",
                WRITTEN,
                "A page for each: rules with the official words, source, status, what had to be assumed,"
                " how to use it, and a worked example. How a definition file is written:"
                " [definitions.md](../definitions.md).",
                table(
                    ["Definition", "Kind", "Title", "Version", "Status", "Graded from laboratory values"],
                    rows,
                ),
                "The status says how firm the ground is:",
                table(["Status", "Means"], states),
                "Whatever the status, a source seldom says everything. What it leaves open and this"
                " package had to"
                ' decide stands on each page under "Assumed".',
            ]
        )
        + "\n"
    )


def find_stale(pages: dict[str, str]) -> list[str]:
    """Return the names of pages that are missing, not current, or of no definition."""
    there = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in {*pages, *there} if pages.get(name) != there.get(name))


def main() -> int:
    pages = make_reference()
    stale = find_stale(pages)
    if "--check" in sys.argv[1:]:
        if stale:
            names = ", ".join(stale)
            print(f"docs/definitions is not current ({names}): run `make reference` and read the difference")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        if name in pages:
            (FOLDER / name).write_text(pages[name], "utf-8", newline="\n")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
