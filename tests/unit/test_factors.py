"""Factors come from columns and from markers; a name that nothing has is told with its neighbor."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.errors import ProtocolError
from cytopenia.workflow import run_study
from study_files import change, write_study


def test_an_unknown_factor_and_column_are_told_at_once(tmp_path: Path) -> None:
    file = write_study(tmp_path) / "study.toml"
    text = file.read_text("utf-8").replace("[data]", '[cohort]\nrequire = ["patients.agee"]\n\n[data]', 1)
    text += '\n[[analyses]]\nid = "table"\nkind = "characteristics"\nfactors = ["age_year"]\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"(?s)age_year'.*did you mean 'age_years'.*patients\.agee'"):
        run_study(file)


def test_baseline_needs_the_start_of_lymphodepletion(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    change(folder / "infusions.csv", ",lymphodepletion_day", "")
    change(folder / "infusions.csv", ",-5", "")
    file = folder / "study.toml"
    text = file.read_text("utf-8")
    text += '\n[[analyses]]\nid = "table"\nkind = "characteristics"\nbaseline_definition = "ctcae_v4"\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match="baseline values need the start of lymphodepletion"):
        run_study(file)
