"""The plan of the house: who may import whom, how long things may be, and where a cut may stand.

A new module is added to `FLOORS`, on its floor and at its place; the rest are rules and stay as they are.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path
from statistics import quantiles

import pytest

PACKAGE = "cytopenia"
ROOT = Path(__file__).parents[1] / "src" / PACKAGE

# Floor by floor. A module imports only from lower floors: never up, never from a neighbor on its own floor.
# In a folder the listed order is the order of import: a file may use the files named before it.
FLOORS: list[dict[str, list[str]]] = [
    {"errors": [], "version": [], "bedside_inputs": []},
    {
        "values": [],
        "units": [],
        "forms": [],
        "folders": [],
        "listings": [],
        "adam_metadata": [],
        "definition_forms": [
            "checking",
            "base",
            "counting",
            "grades",
            "recovery",
            "phenotypes",
            "scores",
            "clinical",
            "settings",
            "kinds",
        ],
    },
    {
        "contract": [
            "schemas",
            "finding_rule",
            "source_rules",
            "finding_rules",
            "findings",
            "data_quality",
            "texts",
            "columns",
            "patient_ids",
            "local_days",
            "days",
            "limits",
            "suspects",
            "near_names",
            "neutrophil_shares",
            "lab_account",
            "system_repeats",
            "labs",
            "courses",
            "checks",
            "prepare",
            "bedside",
        ],
        "definitions": [
            "counting_words",
            "phenotype_words",
            "describe_clinical",
            "describe_scores",
            "describe",
            "changes",
            "library",
        ],
        "results": [],
    },
    {
        "readers": [
            "codes",
            "column_names",
            "source_table",
            "paths",
            "cdisc_mapping",
            "mapping_forms",
            "labs_mapping",
            "redcap_mapping",
            "omop_mapping",
            "mapping",
            "workbook_guard",
            "sheet_marks",
            "excel",
            "headings",
            "day_columns",
            "column_findings",
            "text_files",
            "workbook_findings",
            "workbook_tables",
            "lab_parts",
            "infusions_of_labs",
            "chosen_units",
            "harmonize",
            "statistics_content",
            "statistics_files",
            "dataset_json",
            "cdisc_days",
            "cdisc_labs",
            "cdisc_domains",
            "cdisc",
            "fhir_files",
            "fhir_values",
            "fhir_labs",
            "fhir",
            "tabular",
            "redcap_dictionary",
            "redcap_records",
            "redcap_values",
            "redcap_rows",
            "redcap_tables",
            "redcap_design",
            "redcap_api",
            "redcap",
            "omop_codes",
            "omop_spark",
            "omop_server",
            "omop_queries",
            "omop_labs",
            "omop",
            "sources",
            "heading_parts",
            "column_guesses",
            "sheet_layout",
            "sheet_sources",
            "table_guesses",
            "proposal_parts",
            "infusion_days",
            "unit_questions",
            "wide_proposal",
            "labs_proposal",
            "other_proposal",
            "proposal",
            "mapping_draft",
            "mapping_sheets",
            "choice_parts",
            "column_choices",
            "word_choices",
            "mapping_choices",
            "mapping_answers",
        ],
        "grading": [
            "cuts",
            "day_grid",
            "follow_up",
            "runs",
            "gaps",
            "episodes",
            "half_lines",
            "outcome_rows",
            "day_account",
            "baseline",
            "nadirs",
            "grades",
            "grade_ranges",
            "duration_readings",
            "durations",
            "landmarks",
            "course_grades",
            "recovery",
            "recovery_time",
            "phenotype_sets",
            "phenotype_courses",
            "phenotypes",
            "scores",
            "risk_models",
            "score_frames",
            "score_tables",
            "score_cohorts",
            "clinical",
            "temperatures",
            "fever",
            "explain",
            "patient_page",
            "answer_ranges",
        ],
        "stats": [
            "describe",
            "adjustments",
            "exact",
            "compare",
            "trend",
            "shift",
            "means",
            "conventions",
            "count_effects",
            "pooled_proportions",
            "separation",
            "printable_odds",
            "likelihood",
            "logistic",
            "model_tests",
            "splines",
            "scaling",
            "collinearity",
            "ordinal",
            "proportional_odds",
            "roc",
            "rank_biserial",
            "resamples",
            "accuracy",
            "cut_resamples",
            "cut_bootstrap",
            "maximal_cut",
            "step_curves",
            "survival",
            "event_times",
            "kaplan_meier",
            "restricted_mean",
            "log_rank",
            "hazards",
            "penalized_hazards",
            "cox",
            "proportional_hazards",
            "competing_risks",
            "fine_gray",
            "agreement",
            "imputation_steps",
            "batched_designs",
            "batched_climb",
            "batched_logistic",
            "batched_roc",
            "batched_screens",
            "sample_size",
            "calibration",
            "net_benefit",
            "imputation",
            "pooling",
            "pooled_groups",
            "pooled_tests",
            "imputed_performance",
            "firth_tables",
            "imputed_models",
            "model_recipes",
            "sampled_models",
            "validation",
            "imputed_validation",
            "optimism_curves",
        ],
    },
    {
        "simulate": [
            "parameters",
            "chain",
            "draws",
            "patients",
            "support",
            "courses",
            "visits",
            "measurements",
            "printing",
            "tables",
            "cohorts",
        ],
        "published": [
            "claim_parts",
            "effect_forms",
            "accuracy_forms",
            "claim_forms",
            "relation_forms",
            "claim_sheet",
            "printed_text",
            "claim_texts",
            "claims",
            "printed_numbers",
            "printed_bounds",
            "fourfold_tables",
            "category_counts",
            "recomputed_numbers",
            "agreement",
            "check_model",
            "repairs",
            "share_checks",
            "ratio_triangle",
            "ratio_checks",
            "hidden_counts",
            "p_value_checks",
            "spread_checks",
            "area_checks",
            "accuracy_checks",
            "coefficient_checks",
            "share_limits",
            "mean_checks",
            "additive_checks",
            "correlation_checks",
            "paper_index",
            "effect_checks",
            "group_relations",
            "relation_checks",
            "paper_wide_checks",
            "verify",
            "pattern_models",
            "reconstruct",
            "factor_sheet",
            "cohort_forms",
            "cohorts",
        ],
    },
    {
        "study": [
            "factor_forms",
            "convention_forms",
            "analysis_parts",
            "prediction_forms",
            "care_forms",
            "analysis_forms",
            "protocol_forms",
            "event_checks",
            "published_questions",
            "named_tests",
            "survival_checks",
            "prediction_checks",
            "care_checks",
            "name_checks",
            "protocol",
            "plan",
            "single_plans",
            "phenotype_outcomes",
            "outcome_frames",
            "recovery_times",
            "outcomes",
            "flow",
            "derived",
            "limit_checks",
            "lab_quality",
            "coverage",
            "data_quality",
            "coverage_marks",
            "factors",
            "model_cards",
            "factor_checks",
            "days",
            "summaries",
            "curve_rows",
            "time_to_recovery",
            "groups",
            "effects",
            "group_comparisons",
            "families",
            "missingness",
            "cut_points",
            "factor_terms",
            "pipelines",
            "models",
            "model_rows",
            "external_validation",
            "final_model",
            "points",
            "prediction",
            "honest_cuts",
            "survival_times",
            "hazard_models",
            "survival",
            "recovery_groups",
            "imputed_factors",
            "imputed_groups",
            "imputed_prediction",
            "imputed_external",
            "program_conventions",
            "model_conventions",
            "associations",
            "care_rows",
            "care_models",
            "care_effects",
            "care_cuts",
            "care_selection",
            "care_patients",
            "care_unknown",
            "care_definitions",
            "read_with_care",
            "ordinal_grades",
            "answers",
            "answer_changes",
            "grade_crosstab",
            "side_by_side",
            "compare_published",
            "run_analyses",
            "card_making",
            "run_settings",
            "lineage_overlap",
            "figure_frames",
            "run",
            "definition_changes",
            "counterfactuals",
            "patient_facts",
            "subjects",
            "probes",
            "trials",
            "recovery_days",
            "questions",
            "changed_answers",
            "open_stops",
            "patient_series",
            "outline",
            "explained_days",
            "unseen_days",
            "explain",
            "patient_page",
            "new_ids",
            "suppression",
            "public_counts",
            "adam_days",
            "adam_subjects",
            "adam_rows",
            "adam_outcomes",
            "adam_texts",
        ],
        "report": [
            "journal_styles",
            "rounding",
            "plain_text",
            "display",
            "number_sources",
            "table_model",
            "table_styles",
            "lookup",
            "number_links",
            "content",
            "cells",
            "behind_numbers",
            "tables",
            "model_words",
            "association_cells",
            "effect_cells",
            "association_tables",
            "crosstab_tables",
            "group_tables",
            "convention_tables",
            "regression_tables",
            "missingness_tables",
            "printed_tables",
            "verified_tables",
            "phenotype_tables",
            "figure_formats",
            "ahead",
            "drawing",
            "flow",
            "course_panels",
            "trajectories",
            "group_trajectories",
            "spaghetti",
            "waterfall",
            "swimmer",
            "lineage_sets",
            "patient_lanes",
            "patient_timeline",
            "day_cells",
            "day_map",
            "roc_panel",
            "honest_cuts",
            "cut_panel",
            "gap_patterns",
            "recovery_curves",
            "survival_cells",
            "survival_tables",
            "survival_curves",
            "recovery_group_curves",
            "side_by_side_cells",
            "side_by_side_tables",
            "published_cells",
            "published_tables",
            "answer_strip",
            "forest_axes",
            "odds_forest",
            "published_forest",
            "model_forest",
            "spline_curves",
            "prediction_tables",
            "validation_tables",
            "prediction_curves",
            "figures",
            "summary",
            "bibliography",
            "references",
            "rules_text",
            "methods_text",
            "regression_text",
            "comparison_text",
            "published_text",
            "imputed_tables",
            "imputed_beside",
            "convention_text",
            "prediction_text",
            "side_by_side_text",
            "care_lines",
            "care_sentences",
            "care_tables",
            "care_text",
            "statistics_text",
            "survival_text",
            "methods",
            "reference_files",
            "table_words",
            "results_words_counts",
            "results_words_effects",
            "results_words_models",
            "results_words",
            "checklists",
            "sections",
            "page_frame",
            "document",
            "captions",
            "word_widths",
            "word_parts",
            "word",
            "workbook",
            "pdf_data",
            "pdf",
            "figure_files",
            "explanation_words",
            "explanation_ranges",
            "explanation_changes",
            "explanation_page",
            "public_counts",
            "page_plots",
            "page_rows",
            "page_words",
            "patient_page",
            "adam_frames",
            "adam_transport",
            "adam_json",
            "define_xml",
            "quality_content",
            "quality_figures",
            "quality_spread",
            "quality_cells",
            "quality_tables",
            "quality_course_tables",
            "quality_page",
            "quality_parts",
        ],
        "frames": [],
        "one_file": [],
    },
    {"grade_bounds": [], "grade_clinical": [], "grade_options": []},
    {"grade_file": [], "score_file": [], "score_card": [], "card_file": [], "run_content": []},
    {"study_tables": []},
    {"workflow": [], "mapping_text": [], "check_file": [], "score_words": [], "one_course": []},
    {
        "course_so_far": [],
        "large_cohort": [],
        "new_study": [],
        "spark": ["columns", "findings", "blocks", "tables", "facts", "grades"],
    },
    {"page_file": [], "public_file": [], "adam_file": []},
    {
        "app": [
            "settings",
            "texts",
            "failures",
            "form_fields",
            "security",
            "pages",
            "study_lock",
            "workspace",
            "run_worker",
            "jobs",
            "home",
            "file_cache",
            "cohort_run",
            "study_pages",
            "protocol_blocks",
            "protocol_edit",
            "protocol_entries",
            "protocol_merge",
            "protocol_controls",
            "form_layout",
            "form_offers",
            "form_notes",
            "form_problems",
            "form_view",
            "form_actions",
            "form_pages",
            "score_forms",
            "calculator_pages",
            "pasted_lists",
            "course_forms",
            "course_answers",
            "course_pages",
            "api_models",
            "cds_request",
            "cds_cards",
            "cds_hooks",
            "api",
            "study_cache",
            "cohort_view",
            "cohort_mix",
            "cohort_pages",
            "coverage_map",
            "check_pages",
            "mapping_pages",
            "day_words",
            "timeline",
            "patient_pages",
            "server",
        ],
    },
    {
        "commands": [
            "terminal",
            "studies",
            "init",
            "grade",
            "definition_pages",
            "definitions",
            "score",
            "simulate",
            "explain",
            "export",
            "adam",
            "verify_cohort",
            "verify",
            "app",
        ],
    },
    {"cli": []},
    {"__init__": [], "__main__": []},
]

# What a folder may never see, although it lies on a lower floor.
FORBIDDEN = {
    "stats": {"values", "units", "forms", "definition_forms", "contract", "definitions", "results"},
    "report": {"stats", "study"},
}

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
NINE_IN_TEN_FUNCTIONS = 25
MOST_POSITIONAL = 3
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "manager"}
# The way out to a network; the README promises that nothing leaves the machine.
CONNECTING = {
    "aiohttp",
    "ftplib",
    "http",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "urllib",
    "urllib3",
}

# The one module that connects, and only to the server that the study names.
CONNECTS = "readers.redcap_api"

# The one module that compares a value with a cut.
COMPARES = "grading.cuts"
# (module, number) -> why this number in a comparison is no clinical threshold.
NO_THRESHOLD: dict[tuple[str, float], str] = {}
HARMLESS = {-1, 0, 1, 2}
ORDERING = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
COMPARING_CALLS = {"lt", "le", "gt", "ge", "less", "less_equal", "greater", "greater_equal", "is_between"}
CUT_WORDS = {"cut", "cuts", "cutoff", "threshold", "thresholds", "below", "at_most", "above", "at_least"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


# The `__init__.py` of a folder: it passes names on to higher floors and is the last of its folder.
DOOR = "__init__"


@cache
def read_texts() -> dict[str, str]:
    return {module_name(path): path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py"))}


@cache
def parse_trees() -> dict[str, ast.Module]:
    """Every module of the package, parsed once for all rules and not before a rule asks."""
    return {module: ast.parse(text) for module, text in read_texts().items()}


@cache
def list_doors() -> list[str]:
    return [module for module in parse_trees() if module.endswith(f".{DOOR}")]


@cache
def list_rooms() -> list[str]:
    """The modules that the rules are for: all but the doors that are empty."""
    empty = {door for door in list_doors() if not parse_trees()[door].body}
    return sorted(set(parse_trees()) - empty)


def report(complaints: Iterable[str]) -> None:
    """Fail with every complaint of a rule, one a line."""
    lines = list(complaints)
    assert not lines, "\n".join(["", *lines])


def place_of(module: str) -> tuple[int, str, int] | None:
    """Floor, room (folder or single file) and order inside the folder; None if not on the plan."""
    room, _, inside = module.partition(".")
    for floor, rooms in enumerate(FLOORS):
        order = [*rooms[room], DOOR] if rooms.get(room) else [""]
        if room in rooms and inside in order:
            return floor, room, order.index(inside)
    return None


@cache
def nodes_of(module: str) -> tuple[ast.AST, ...]:
    """Every node of a module; a dozen rules walk each of them."""
    return tuple(ast.walk(parse_trees()[module]))


def imports_of(module: str) -> Iterator[str]:
    """Modules of the package that a module imports, also inside functions and for types only."""
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from inside_package(alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: line {node.lineno}: write the import in full, from {PACKAGE}"
            for alias in node.names:
                yield from inside_package(node.module or "", alias.name)


def names_imported(module: str) -> Iterator[tuple[str, str]]:
    """Module and name of everything a module takes from another module of the package."""
    for node in nodes_of(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            source = next(inside_package(node.module, None), "")
            yield from ((source, alias.name) for alias in node.names if source in list_rooms())


def inside_package(source: str, name: str | None) -> Iterator[str]:
    root, *path = source.split(".")
    if root != PACKAGE:
        return
    found = [".".join(parts) for parts in ([*path, name or ""], path, [*path, DOOR])]
    yield next((place for place in found if place in parse_trees()), ".".join(path) or DOOR)


def complaint(module: str, target: str) -> str | None:
    here, there = place_of(module), place_of(target)
    if here is None or there is None:
        return f"{module} imports {target}, which is not on the plan"
    if here[1] == there[1] and there[2] < here[2]:
        return None
    if there[1] in FORBIDDEN.get(here[1], set()):
        return f"{module} imports {target}: {here[1]} may not know {there[1]}"
    if there[0] < here[0]:
        return None
    return f"{module} (floor {here[0]}) imports {target} (floor {there[0]}): imports go down only"


def functions_of(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(module: str) -> set[int]:
    """Line numbers that hold code: no blank line, no comment, no docstring."""
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(read_texts()[module]).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in nodes_of(module):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


@cache
def function_sizes(module: str) -> dict[str, int]:
    code = code_lines(module)
    return {
        f"{module}:{node.name}": len(code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
        for node in functions_of(module)
    }


def exported(module: str) -> list[str] | None:
    for node in parse_trees()[module].body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            return list(ast.literal_eval(node.value))
    return None


def sort_names(names: list[str]) -> list[str]:
    """Constants, classes, functions; each by the alphabet, as ruff sorts them."""
    return sorted(set(names), key=lambda name: (not name.isupper(), name[:1].islower(), name))


def defined(module: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name: node for node in parse_trees()[module].body if isinstance(node, kinds)}


def test_every_module_is_on_the_plan() -> None:
    here = Path(__file__).name
    report(
        f"add {module} to FLOORS in {here}, on its floor" for module in list_rooms() if not place_of(module)
    )


def test_the_rules_look_at_every_module() -> None:
    """Else they would pass for a folder that has moved."""
    assert {COMPARES, "errors", "cli", "stats.roc", "__init__"} <= {*list_rooms()}
    assert len(list_rooms()) + len(list_doors()) >= len(list(ROOT.rglob("*.py"))) > 100


def test_imports_go_down() -> None:
    found = {complaint(module, target) for module in list_rooms() for target in imports_of(module)}
    report(sorted(found - {None}))


@pytest.mark.parametrize(
    ("module", "target", "words"),
    [
        ("units", "contract.labs", "imports go down only"),
        ("values", "units", "imports go down only"),
        ("grading.cuts", "grading.runs", "imports go down only"),
        ("readers.tabular", "grading.cuts", "imports go down only"),
        ("stats.roc", "contract.__init__", "stats may not know contract"),
        ("report.tables", "stats.roc", "report may not know stats"),
        ("report.tables", "study.plan", "report may not know study"),
        ("errors", "__init__", "imports go down only"),
        ("contract.labs", "contract.__init__", "imports go down only"),
        ("study.run", "helpers", "not on the plan"),
    ],
)
def test_a_wrong_import_is_seen(module: str, target: str, words: str) -> None:
    assert words in str(complaint(module, target))


def test_no_cycles() -> None:
    graph = {module: set(imports_of(module)) for module in list_rooms()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_folder_only_passes_names_on() -> None:
    assert list_doors()
    for_doors = ast.Expr | ast.ImportFrom | ast.Assign
    code = {
        door: [node for node in parse_trees()[door].body if not isinstance(node, for_doors)]
        for door in list_doors()
    }
    report(
        f"{door} holds a docstring, imports from its own folder and __all__" for door in code if code[door]
    )
    outside = {
        door: [target for target in imports_of(door) if folder_of(target) != folder_of(door)] for door in code
    }
    report(f"{door} passes on names of other folders: {names}" for door, names in outside.items() if names)


def folder_of(module: str) -> str:
    return module.partition(".")[0]


def test_public_names_are_listed_and_sorted() -> None:
    names = {module: exported(module) for module in list_rooms()}
    report(f"{module}: give it __all__" for module, listed in names.items() if listed is None)
    report(
        f"{module}: __all__ should be {sort_names(listed)}"
        for module, listed in names.items()
        if listed is not None and listed != sort_names(listed)
    )


def test_only_public_names_are_imported() -> None:
    report(
        f"{module} imports {name} from {source}, which does not list it in __all__"
        for module in list_rooms()
        for source, name in names_imported(module)
        if name not in (exported(source) or [])
    )


def test_public_names_are_documented() -> None:
    report(
        f"{module}: say in a docstring what the module is for"
        for module in list_rooms()
        if not ast.get_docstring(parse_trees()[module])
    )
    report(
        f"{module}: no docstring: {name}"
        for module in list_rooms()
        for name, node in defined(module).items()
        if name in (exported(module) or []) and not ast.get_docstring(node)
    )


def test_options_are_given_by_name() -> None:
    report(
        f"{module}: {name}: give what says how by name; too many by position"
        for module in list_rooms()
        for name, node in defined(module).items()
        if not name.startswith("_") and count_positional(node) > MOST_POSITIONAL
    )


def count_positional(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return 0 if isinstance(node, ast.ClassDef) else len(node.args.posonlyargs) + len(node.args.args)


def test_files_are_short() -> None:
    lines = {module: read_texts()[module].count("\n") for module in list_rooms()}
    report(
        f"{module}: {count} lines; split it by idea"
        for module, count in lines.items()
        if count > MOST_LINES_OF_A_FILE
    )


def measure_functions() -> dict[str, int]:
    return {name: size for module in list_rooms() for name, size in function_sizes(module).items()}


def test_functions_are_short() -> None:
    report(
        f"{name}: {size} lines of code; the most is {MOST_LINES_OF_A_FUNCTION}"
        for name, size in measure_functions().items()
        if size > MOST_LINES_OF_A_FUNCTION
    )


def test_nine_in_ten_functions_are_very_short() -> None:
    sizes = measure_functions()
    ninth = quantiles(sizes.values(), n=10)[-1]
    longest = sorted(sizes.items(), key=lambda item: -item[1])
    worst = list(takewhile(lambda item: item[1] > NINE_IN_TEN_FUNCTIONS, longest))
    assert ninth <= NINE_IN_TEN_FUNCTIONS, f"90th percentile {ninth:.0f} lines; the long ones: {worst}"


def test_names_say_something() -> None:
    report(
        f"{module}: name it after what it does"
        for module in list_rooms()
        if NAMES_WITHOUT_MEANING & set(module.split("."))
    )


def test_nothing_connects_to_a_network() -> None:
    report(
        f"{module}: line {line}: imports {library}"
        for module in list_rooms()
        if not module.startswith("app.") and module != CONNECTS
        for line, library in libraries_of(module)
        if library in CONNECTING
    )


def libraries_of(module: str) -> Iterator[tuple[int, str]]:
    """Line and library of every import of a module."""
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0]


def numbers_compared(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, float]]:
    """Line and number of every comparison with a number written in the code."""
    for node in nodes:
        operands: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            if any(isinstance(side, ast.Call) and called_name(side) == "random" for side in operands):
                continue
        elif isinstance(node, ast.Call) and called_name(node) in COMPARING_CALLS:
            operands = list(node.args)
        for operand in operands:
            for part in ast.walk(operand) if not isinstance(operand, ast.Call) else ():
                if isinstance(part, ast.Constant) and type(part.value) in (int, float):
                    yield node.lineno, float(part.value)


def called_name(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def is_cut(node: ast.expr) -> bool:
    """Whether an operand is called a cut; what stands inside a call is not looked at."""
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        return name in CUT_WORDS or name.endswith(("_cut", "_cuts", "_threshold"))
    parts = () if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    return any(is_cut(part) for part in parts if isinstance(part, ast.expr))


def cut_comparisons(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """Lines where something that is no cut is put in order with a cut."""
    for node in nodes:
        if isinstance(node, ast.Compare) and any(isinstance(sign, ORDERING) for sign in node.ops):
            sides = {is_cut(side) for side in (node.left, *node.comparators)}
            if sides == {True, False}:
                yield node.lineno
        elif (
            isinstance(node, ast.Call)
            and called_name(node) in COMPARING_CALLS
            and any(map(is_cut, node.args))
        ):
            yield node.lineno


def test_no_threshold_in_code() -> None:
    report(
        f"{module}: line {line}: {number:g}: a cut belongs in data/, any other number in a named constant"
        for module in list_rooms()
        if not module.startswith(("stats.", "report."))
        for line, number in numbers_compared(nodes_of(module))
        if number not in HARMLESS and (module, number) not in NO_THRESHOLD
    )


def test_only_one_module_compares_with_a_cut() -> None:
    report(
        f"{module}: line {line}: use {COMPARES}.is_met"
        for module in list_rooms()
        if module != COMPARES
        for line in cut_comparisons(nodes_of(module))
    )


@pytest.mark.parametrize(
    "code",
    ["anc < 0.5", "0.5 >= anc", "pl.col('value') <= 1.5", "value < -0.5", "column.lt(0.5)", "days >= 7"],
)
def test_a_threshold_in_code_is_seen(code: str) -> None:
    assert [number for _, number in numbers_compared(ast.walk(ast.parse(code))) if number not in HARMLESS]


@pytest.mark.parametrize(
    "code", ["value < cut", "low <= rule.below", "np.less(value, cut)", "x > anc_threshold", "x > 2 * cut"]
)
def test_a_comparison_with_a_cut_is_seen(code: str) -> None:
    assert list(cut_comparisons(ast.walk(ast.parse(code)))) == [1]


@pytest.mark.parametrize("code", ["worse.cut < milder.cut", "len(rules_below(x)) > 1", "cut == other"])
def test_other_comparisons_pass(code: str) -> None:
    assert not list(cut_comparisons(ast.walk(ast.parse(code))))
