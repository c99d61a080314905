"""What a report of each bundled study is made from; every study is run once, whoever asks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from cytopenia.report.content import ReportContent
from cytopenia.run_content import collect_content
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import analyze_study
from more_tables import write_figures, write_more

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
# Studies that exist for tests: the bundled cohort with other analyses.
WRITTEN: Mapping[str, Callable[[Path, Path], Path]] = {"more": write_more, "figures": write_figures}


@cache
def content_of(study: str) -> ReportContent:
    """Run a bundled study, or one of `more_tables`."""
    if study not in WRITTEN:
        return _collect(EXAMPLE / f"{study}.toml")
    with tempfile.TemporaryDirectory() as folder:
        return _collect(WRITTEN[study](EXAMPLE, Path(folder) / study))


def _collect(path: Path) -> ReportContent:
    return collect_content(analyze_study(path), read_protocol(path))
