"""A small study on disk, typed by hand, and the command run inside the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cytopenia.cli import main
from study_files import SECRET, write_study


@dataclass(frozen=True)
class Answer:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command; it may print neither a traceback nor the value of a patient."""

    def run(*arguments: object) -> Answer:
        with pytest.raises(SystemExit, match=r"^\d*$") as left:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        assert SECRET not in printed.out + printed.err
        code = left.value.code
        return Answer(0 if code is None else int(code), printed.out, printed.err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of the small study."""
    return write_study(tmp_path / "cohort")
