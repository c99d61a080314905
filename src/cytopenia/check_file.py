"""The data-quality page of a study as a file, which replaces only an older page of its kind."""

from __future__ import annotations

from pathlib import Path

from cytopenia.errors import OutputError
from cytopenia.folders import explain_failure, replace_file
from cytopenia.report.quality_content import PAGE_MARK, QualityContent
from cytopenia.study.data_quality import measure_quality
from cytopenia.study_tables import CheckedStudy, read_checked
from cytopenia.version import __version__

__all__ = [
    "CHECK_PAGE",
    "describe_checked",
    "require_own_page",
    "write_check",
    "write_checked",
    "write_described",
]

CHECK_PAGE = "check.html"
# The mark stands in the first lines of a page.
_HEAD = 2000


def write_check(path: Path | str, *, out: Path | str | None = None) -> Path:
    """Check the tables of a study and write what to know of them as one HTML page.

    Parameters
    ----------
    path : path
        The study file, or its folder.
    out : path, optional
        The file to write, which ends in .html; `check.html` beside the study file by default. Only an older
        page of this kind is replaced.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    CytopeniaError
        As `check_study`; OutputError where the page cannot be written. Errors in the tables are no exception:
        the page names them and shows what is known.
    """
    if out is not None:
        require_own_page(Path(out))
    return write_checked(read_checked(path), None if out is None else Path(out))


def write_checked(checked: CheckedStudy, out: Path | None = None) -> Path:
    """Write the page of a study that has been read; parameters and errors are those of `write_check`."""
    target = checked.study.path.parent / CHECK_PAGE if out is None else out
    require_own_page(target)
    write_described(describe_checked(checked), target)
    return target


def describe_checked(checked: CheckedStudy) -> QualityContent:
    """Return what the page of a study that has been read is made of."""
    about = checked.study.protocol.study
    return QualityContent(
        title=about.title,
        synthetic=about.synthetic,
        quality=measure_quality(checked.study, checked.tables),
        version=__version__,
    )


def write_described(content: QualityContent, target: Path) -> None:
    """Write the page of what has been measured; errors are those of `write_check`."""
    from cytopenia.report.quality_page import render_quality

    require_own_page(target)
    replace_file(target, render_quality(content))


def require_own_page(target: Path) -> None:
    """Refuse a file that is no HTML page, or that something else has written.

    Raises
    ------
    OutputError
    """
    if target.suffix.lower() != ".html":
        raise OutputError(f"{target.name}: the page is written as .html. Name such a file with --out.")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder. Name a file with --out.")
    if not target.exists():
        return
    with explain_failure(target), target.open("rb") as file:
        head = file.read(_HEAD)
    if PAGE_MARK.encode() not in head:
        message = f"{target}: is no page of cytopenia check, and would be replaced."
        raise OutputError(f"{message} Name another file with --out.")
