"""Read a study, run it, write its folder in one step: the new results stand whole, or the old ones stay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

from cytopenia.errors import OutputError
from cytopenia.folders import explain_failure, replace_folder
from cytopenia.grading.explain import PatientExplanation
from cytopenia.listings import sum_files
from cytopenia.published.claims import Paper
from cytopenia.run_content import collect_content
from cytopenia.study.card_making import make_cards
from cytopenia.study.definition_changes import TermInPatients, compare_in_patients
from cytopenia.study.explain import explain_in_study
from cytopenia.study.outcomes import Progress
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.run import StudyRun, run_plan
from cytopenia.study_tables import read_checked, read_study_tables

__all__ = [
    "WrittenStudy",
    "analyze_study",
    "check_study",
    "compare_in_study",
    "explain_patient",
    "read_study_tables",
    "run_demo",
    "run_study",
    "write_demo_study",
    "write_run",
    "write_timeline",
    "write_verified",
]

_MARKER = "provenance.json"


@dataclass(frozen=True)
class WrittenStudy:
    """A finished run and the folder that holds it."""

    run: StudyRun
    folder: Path


def run_study(
    path: Path | str, *, out: Path | str | None = None, progress: Progress | None = None
) -> WrittenStudy:
    """Run the study of a protocol file and write its folder.

    Parameters
    ----------
    path : path
        The study file.
    out : path, optional
        The folder of the results; `results` beside the study file by default. It is replaced as a whole.
    progress : callable, optional
        Called with a label, the work done and all work.

    Raises
    ------
    CytopeniaError
        ProtocolError, DefinitionError, ReaderError, DataError or OutputError, with every problem at once.
    """
    started = datetime.now(UTC)
    study = read_protocol(path)
    # Before anything is read: what changes while the run goes on is not in its results.
    files = sum_files(study.path.parent, study.data_folder)
    target = Path(out) if out is not None else study.path.parent / "results"
    _require_own_folder(target)
    tell = progress or _say_nothing
    run = _analyze(study, progress)
    tell("writing", 0, 1)
    write_run(run, study, target, began=(started, files))
    tell("writing", 1, 1)
    return WrittenStudy(run, target)


def analyze_study(path: Path | str, *, progress: Progress | None = None) -> StudyRun:
    """Run the study of a protocol file and return what it found; nothing is written.

    Parameters
    ----------
    path : path
        The study file.
    progress : callable, optional
        Called with a label, the work done and all work.

    Raises
    ------
    CytopeniaError
        ProtocolError, DefinitionError, ReaderError or DataError, with every problem at once.
    """
    return _analyze(read_protocol(path), progress)


def _analyze(study: Study, progress: Progress | None) -> StudyRun:
    tell = progress or _say_nothing
    tell("reading", 0, 1)
    tables = read_study_tables(study)
    tell("reading", 1, 1)
    return run_plan(study, tables, progress=progress)


def check_study(path: Path | str) -> pl.DataFrame:
    """Return every finding about the tables of a study, without running it.

    Returns
    -------
    DataFrame
        `table`, `row`, `column`, `rule`, `severity`, `rows`, `message`; errors first.

    Raises
    ------
    CytopeniaError
        ProtocolError (also for a column that the study names and no table has), DefinitionError, ReaderError,
        or MissingColumnError.
    """
    return read_checked(path).findings


def compare_in_study(
    path: Path | str, old: str, new: str, *, min_grade: int, progress: Progress | None = None
) -> list[TermInPatients]:
    """Grade the patients of a study by two definitions, over the windows of the study.

    Parameters
    ----------
    path : path
        The study file, or its folder.
    old, new : str
        Addresses of definitions of kind "grades".
    min_grade : int
        The grade whose patients are counted under both.

    Raises
    ------
    CytopeniaError
        As `run_study`; DefinitionError for a definition that cannot be compared.
    """
    study = read_protocol(path)
    return compare_in_patients(
        study, read_study_tables(study), old=old, new=new, min_grade=min_grade, progress=progress
    )


def explain_patient(
    study: Path | str,
    patient_id: str,
    *,
    outcomes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PatientExplanation:
    """Explain the outcomes of one patient of a study.

    The outcomes are those of `run_study`, found by the same code on the rows of this patient alone.

    Parameters
    ----------
    study : path
        The study file, or its folder.
    patient_id : str
    outcomes : sequence of str, optional
        Names of the study file; all of them by default. The parts of a combination come with it.
    progress : callable, optional

    Returns
    -------
    PatientExplanation
        Numbers, days and rows; it holds the values of the patient.

    Raises
    ------
    CytopeniaError
        As `run_study`; DataError for an unknown patient, ProtocolError for an unknown outcome.
    """
    read = read_protocol(study)
    return explain_in_study(read, read_study_tables(read), patient_id, outcomes=outcomes, progress=progress)


def write_timeline(explained: PatientExplanation, path: Path) -> None:
    """Write the timeline of an explained patient as SVG.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    from cytopenia.report.patient_timeline import plot_timeline

    with explain_failure(path):
        path.write_text(plot_timeline(explained).svg, encoding="utf-8")


def write_verified(paper: Paper, checks: pl.DataFrame, path: Path) -> None:
    """Write the checks of a paper as an HTML page.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    from cytopenia.report.document import render_verified

    page = render_verified(
        checks, title=paper.title, citation=paper.citation, doi=paper.doi, remark=paper.remark
    )
    with explain_failure(path):
        path.write_text(page, encoding="utf-8")


def _say_nothing(label: str, done: int, total: int) -> None:
    del label, done, total


def write_run(
    run: StudyRun, study: Study, target: Path, *, began: tuple[datetime, str] | None = None
) -> None:
    """Write every file of a run into a folder, which is replaced in one step.

    Parameters
    ----------
    run : StudyRun
    study : Study
    target : path
    began : tuple of datetime and str, optional
        When reading began, and the checksum of the names and sizes of the files then: what was changed later
        may not be in the results.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    """
    from cytopenia.report.ahead import making_ahead
    from cytopenia.report.document import render_report
    from cytopenia.report.figure_files import FIGURE_FORMS, write_figures
    from cytopenia.report.methods import SYNTHETIC_BANNER, list_references, render_methods
    from cytopenia.report.pdf import render_pdf
    from cytopenia.report.reference_files import render_bibtex, render_ris
    from cytopenia.report.results_words import render_results
    from cytopenia.report.sections import WORDS, list_sections
    from cytopenia.report.word import render_word
    from cytopenia.report.workbook import render_workbook

    content = collect_content(run, study)
    more = study.protocol.report.figures
    with making_ahead(("picture", *FIGURE_FORMS, *more)) as thread:
        sections = list_sections(content)
        pdf = thread.submit(render_pdf, content, sections=sections)
        _require_own_folder(target)
        with replace_folder(target) as folder:
            _write_tables(run, folder)
            for name, card in make_cards(run.results, study, content.outcome_titles).items():
                _write_json(folder / f"{name}.card.json", card)
            if not content.paper_checks.is_empty():
                content.paper_checks.write_csv(folder / "paper_checked.csv")
            (folder / "methods.md").write_text(render_methods(content), encoding="utf-8")
            words = [part for section in sections if section.id == WORDS for part in section.texts]
            banner = SYNTHETIC_BANNER if content.synthetic else ""
            result_words = render_results(words, title=content.title, banner=banner)
            (folder / "results.md").write_text(result_words, encoding="utf-8")
            cited = list_references(content)
            (folder / "references.bib").write_text(render_bibtex(cited), encoding="utf-8")
            (folder / "references.ris").write_text(render_ris(cited), encoding="utf-8", newline="")
            (folder / "report.html").write_text(render_report(content, sections=sections), encoding="utf-8")
            (folder / "report.docx").write_bytes(render_word(content, sections=sections))
            (folder / "tables.xlsx").write_bytes(render_workbook(content, sections=sections))
            write_figures(content, sections, folder / "figures", more=more)
            (folder / "report.pdf").write_bytes(pdf.result())
            asked: dict[str, object] = {}
            if run.extractions:
                asked["extraction"] = [asdict(item) for item in run.extractions]
            asked |= {} if began is None else _tell_start(*began)
            ended = {"written": datetime.now(UTC).isoformat(timespec="seconds")}
            _write_json(folder / _MARKER, {**run.settings, **asked, **ended})


def _tell_start(started: datetime, files: str) -> dict[str, str]:
    return {"files_sha256": files, "started": started.isoformat(timespec="microseconds")}


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tables(run: StudyRun, folder: Path) -> None:
    """What was found, as numbers."""
    run.results.write_csv(folder / "results.csv")
    _pivot_patients(run.outcomes).write_csv(folder / "patients.csv")
    run.outcomes.write_csv(folder / "outcomes.csv")
    run.evidence.write_csv(folder / "evidence.csv")
    run.day_account.write_csv(folder / "day_account.csv")
    run.findings.write_csv(folder / "findings.csv")
    if not run.answers.is_empty():
        run.changes.write_csv(folder / "definition_changes.csv")


def _require_own_folder(target: Path) -> None:
    """Refuse to replace a folder that this package has not written."""
    if target.is_file():
        raise OutputError(f"{target}: is a file. Name a folder for the results with --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARKER).is_file():
        message = f"{target}: the folder holds files that are no results of cytopenia, and would be replaced."
        raise OutputError(f"{message} Name another folder with --out.")


def _pivot_patients(outcomes: pl.DataFrame) -> pl.DataFrame:
    """One row per patient, the columns of each outcome side by side, in the order of the protocol."""
    shown = (
        *("policy", "best", "worst", "label", "possible_labels"),
        *("decided", "evidence", "reason", "first_day", "last_day"),
    )
    worded = ("label", "possible_labels")
    wide = outcomes.select("patient_id").unique(maintain_order=True)
    for key, part in outcomes.partition_by("outcome", as_dict=True, maintain_order=True).items():
        name = str(key[0])
        kept = [column for column in shown if column not in worded or part[column].is_not_null().any()]
        renamed = part.select("patient_id", *(pl.col(column).alias(f"{name}_{column}") for column in kept))
        wide = wide.join(renamed, on="patient_id", how="left", maintain_order="left")
    return wide


def run_demo(folder: Path, *, progress: Progress | None = None) -> WrittenStudy:
    """Write the bundled study, a synthetic twin of the cohort of Qiu et al. 2023, and run it.

    Parameters
    ----------
    folder : path
        `study/` and `results/` are made in it.

    Raises
    ------
    OutputError
        One of the two folders holds something else, or cannot be written.
    """
    study = folder / "study"
    _require_own_folder(folder / "results")
    _require_demo_folder(study)
    write_demo_study(study)
    return run_study(study / "study.toml", out=folder / "results", progress=progress)


def write_demo_study(folder: Path) -> None:
    """Write the protocol and the synthetic tables of the bundled study; files of these names are replaced.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    with explain_failure(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for item in (resources.files("cytopenia") / "data" / "example").iterdir():
            (folder / item.name).write_bytes(item.read_bytes())


def _require_demo_folder(study: Path) -> None:
    """Refuse to write invented tables among somebody's own."""
    if study.is_dir() and any(study.iterdir()):
        protocol = study / "study.toml"
        if not protocol.is_file() or "\nsynthetic = true" not in protocol.read_text(
            "utf-8", errors="replace"
        ):
            raise OutputError(
                f"{study}: holds files that are no demonstration. Name another folder with --out."
            )
