"""What a run hands to the report: results and evidence as tables, and the names they go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import polars as pl

__all__ = ["SEVERITIES", "DefinitionText", "ReportContent", "read_definition", "sort_findings"]

SEVERITIES = ("error", "warning", "info")
# Within a severity: what can make a printed number wrong comes first, what only left rows aside comes last.
GRAVEST_RULES = (
    "suspected_unit",
    "unusual_value",
    "anc_above_wbc",
    "labs_before_infusion_only",
    "without_infusion",
    "without_labs",
    "not_in_patients",
    "patient_id_near",
    "patient_id_blanks",
    "end_of_observation_missing",
)
MILDEST_RULES = ("analyte_missing", "unknown_analyte", "mapping_unused")


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything the report prints; the report formats it and computes no result of its own.

    Attributes
    ----------
    title : str
        Title of the study.
    synthetic : bool
        True when no patient stands behind the numbers; banner and captions then say so.
    results : DataFrame
        Columns of `results.RESULT_SCHEMA`.
    outcomes : DataFrame, one row per patient and outcome
        Needs `outcome`, `policy`, `decided`, `evidence`, `label`; may be empty.
    patient_days : DataFrame, one row per patient, analyte and day
        `patient_id`, `analyte`, `day`, `state` (measured, wbc_bound, short_gap, open, not_at_risk),
        `value` in the canonical unit, `grade` of that value. Null grade: not judged.
    evidence : DataFrame, optional
        The values that each outcome rests on: `patient_id`, `outcome`, `role`, `source_row`.
    findings : DataFrame, one row per finding
        `table`, `row`, `column`, `rule`, `severity`, `rows`, `message`.
    definitions : sequence of mappings
        The definitions that ran: id, title, version, status, citation, doi, url, text, rules, assumed.
    settings : mapping
        Package version, seed, checksums, library versions; printed as given. `day_zero` (infusion, first,
        given) and `support_complete` also decide what the footnotes say.
    analyses : sequence of mappings
        id, kind, title of every analysis, in the order of the protocol; of one against an outcome also
        `outcome` and `event`. A `label` ("Table I", "Figure S1") begins its caption.
    outcome_titles : mapping
        Outcome id to title; a missing one is printed as its id.
    analyte_titles : mapping
        Analyte to (title, unit), the unit as it is to be printed.
    outcome_definitions : mapping, optional
        Outcome id (or `baseline_cytopenia`) to definition id; if empty, a table names every definition.
    windows : mapping, optional
        First and last day an outcome looks at, by outcome id; that of a nadir by its variable in the results
        (`anc`, `nadir_anc_29_60`) or by its outcome id (`nadir_anc`). A title without its days gets them.
    reference_lines : mapping, optional
        Analyte to (value, label) pairs drawn as dashed lines in the trajectories.
    answers : DataFrame, optional
        Of definitions side by side, one row per analysis, patient and outcome: `analysis_id`, `patient_id`,
        `outcome`, `answer` (event, no event, not evaluable, died before landmark), `is_open`.
    paper_checks : DataFrame, optional
        The paper of the study checked against itself, columns of `published.verify.CHECK_SCHEMA`.
    paper_remark : str
        What is known of that paper beside its checks.
    style : str
        The journal whose way of printing numbers the report takes, a name of `journal_styles.list_styles`.
    figure_frames : mapping of str to DataFrame, optional
        What the figures of courses draw, by the name of the figure: "spaghetti", "waterfall", "swimmer",
        "overlap", "groups"; a figure without rows is left out.
    show_patient_ids : bool
        False labels the rows of the patient-by-day map by rank instead of by id.
    """

    title: str
    synthetic: bool
    results: pl.DataFrame
    outcomes: pl.DataFrame
    patient_days: pl.DataFrame
    findings: pl.DataFrame
    definitions: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    analyses: Sequence[Mapping[str, Any]]
    outcome_titles: Mapping[str, str]
    analyte_titles: Mapping[str, tuple[str, str]]
    outcome_definitions: Mapping[str, str] = field(default_factory=dict[str, str])
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    reference_lines: Mapping[str, Sequence[tuple[float, str]]] = field(
        default_factory=dict[str, Sequence[tuple[float, str]]]
    )
    evidence: pl.DataFrame = field(default_factory=pl.DataFrame)
    answers: pl.DataFrame = field(default_factory=pl.DataFrame)
    paper_checks: pl.DataFrame = field(default_factory=pl.DataFrame)
    paper_remark: str = ""
    style: str = "default"
    figure_frames: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame])
    show_patient_ids: bool = True

    @property
    def patients(self) -> int:
        """Number of patients in the outcomes table, 0 where there is none."""
        return 0 if self.outcomes.is_empty() else self.outcomes["patient_id"].n_unique()


@dataclass(frozen=True, kw_only=True)
class DefinitionText:
    """One definition as the report prints it; absent parts are empty."""

    id: str
    title: str
    version: str
    status: str
    citation: str
    link: str
    text: str
    rules: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def name(self) -> str:
        """Title, version and id, as named below a table."""
        version = f", version {self.version}" if self.version else ""
        return f"{self.title}{version} [{self.id}]"


def read_definition(raw: Mapping[str, Any]) -> DefinitionText:
    """Return the printable parts of a definition; a citation may be text or a mapping with its link.

    Only a DOI or an http(s) address becomes a link; any other address stays text in the citation.

    Examples
    --------
    >>> read_definition({"id": "a", "title": "A", "doi": "10.1/x"}).link
    'https://doi.org/10.1/x'
    """
    citation: Any = raw.get("citation") or ""
    source: Mapping[str, Any] = {"text": citation}
    if isinstance(citation, Mapping):
        source = cast("Mapping[str, Any]", citation)
    doi = str(raw.get("doi") or source.get("doi") or "")
    url = str(raw.get("url") or source.get("url") or "")
    link = f"https://doi.org/{doi}" if doi else url
    identifier = str(raw.get("id", ""))
    return DefinitionText(
        id=identifier,
        title=str(raw.get("title") or identifier),
        version=str(raw.get("version") or ""),
        status=str(raw.get("status") or ""),
        citation=str(source.get("text") or ""),
        link=link if link.startswith(("https://", "http://")) else "",
        text=str(raw.get("text") or ""),
        rules=tuple(str(rule) for rule in raw.get("rules") or () if rule),
        assumed=tuple(str(sentence) for sentence in raw.get("assumed") or () if sentence),
    )


def sort_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """Return the findings with the gravest severity and rule first; those of one rule stay together.

    Rules of equal gravity stand by the rows they concern, and so do the findings of a rule.
    """
    severity = pl.col("severity").replace_strict(SEVERITIES, range(len(SEVERITIES)), default=len(SEVERITIES))
    places = {name: place for place, name in enumerate(GRAVEST_RULES, start=-len(GRAVEST_RULES))}
    places |= {name: place for place, name in enumerate(MILDEST_RULES, start=1)}
    rank = pl.col("rule").replace_strict(list(places), list(places.values()), default=0)
    rows = pl.col("rows").cast(pl.Int64).fill_null(0)
    of_rule = rows.sum().over("severity", "rule")
    falling = [False, False, True, False, True]
    return findings.sort(severity, rank, of_rule, "rule", rows, descending=falling, maintain_order=True)
