"""The command that writes a study as CDISC ADaM."""

from __future__ import annotations

from pathlib import Path

from cytopenia.commands.terminal import Bar

__all__ = ["adam"]


def adam(study: Path, *, out: Path, grades: str | None = None, study_id: str | None = None) -> None:
    """Write a study as CDISC ADaM: ADSL, ADLB with toxicity grades, the outcomes, and Define-XML.

    Example: `cytopenia adam study.toml --grades ctcae_v5 --study-id ABC-123 --out adam`

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    out
        Folder of the data sets, replaced as a whole.
    grades
        Definition of the toxicity grades of the laboratory rows; by default the one of the outcomes.
    study_id
        The study identifier (STUDYID); by default that of the source, where it has one.
    """
    from cytopenia.adam_file import AdamRequest, write_adam

    request = AdamRequest(study=study, out=out, grades=grades, study_id=study_id)
    with Bar() as bar:
        written = write_adam(request, progress=bar)
    adlb = written.frames["ADLB"]
    judged = adlb["ATOXGR"].count()
    print(f"Toxicity grades by {written.grades}: {judged} of {adlb.height} rows of ADLB judged")
    for name, frame in written.frames.items():
        print(f"{name}: {frame.height} rows, {frame.width} variables")
    for line in written.lines:
        print(line)
    print(f"Data sets: {out}")
