"""Every message of docs/errors.md: the mistake is made, and the command says what the page says it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cdisc_files import LB, write_json
from study_files import STUDY, change

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
Mistake = Callable[[Path], list[object]]


@dataclass(frozen=True)
class Entry:
    """One heading of the page: exit code and message, "..." for what changes from case to case."""

    code: int
    message: str

    @property
    def pattern(self) -> str:
        return re.escape(self.message).replace(r"\.\.\.", ".*?")


def read_page() -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for section in re.split(r"^## Exit code ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        code = int(re.match(r"\d+", section)[0])  # type: ignore[index]
        found = re.findall(
            r"^### (.+?)\n.*?```text\n(.*?)\n```\n\n\*\*Do\*\* .+?\n", section, re.DOTALL | re.MULTILINE
        )
        entries |= {heading: Entry(code, message) for heading, message in found}
    return entries


ENTRIES = read_page()
MISTAKES: dict[str, Mistake] = {}


def mistake(heading: str) -> Callable[[Mistake], Mistake]:
    def note(make: Mistake) -> Mistake:
        MISTAKES[heading] = make
        return make

    return note


def run(folder: Path) -> list[object]:
    return ["run", folder / "study.toml"]


def in_protocol(old: str, new: str) -> Mistake:
    def make(folder: Path) -> list[object]:
        change(folder / "study.toml", old, new)
        return run(folder)

    return make


def in_table(name: str, old: str, new: str) -> Mistake:
    def make(folder: Path) -> list[object]:
        change(folder / name, old, new)
        return run(folder)

    return make


def to_adam(old: str = "", new: str = "", *options: str) -> Mistake:
    """The study as ADaM, after one text was changed in all of its files."""

    def make(folder: Path) -> list[object]:
        for path in folder.iterdir() if old else ():
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
        return ["adam", folder, "--out", folder.parent / "adam", *options]

    return make


def side_by_side(outcomes: str) -> Mistake:
    def make(folder: Path) -> list[object]:
        path = folder / "study.toml"
        analysis = f'\n[[analyses]]\nid = "sides"\nkind = "definitions"\noutcomes = [{outcomes}]\n'
        path.write_text(path.read_text("utf-8") + analysis, "utf-8")
        return run(folder)

    return make


HEAD = 'id = "mine"\nkind = "grades"\ntitle = "Mine"\nversion = "1"\nstatus = "assumed"\n'
CITATION = 'citation = { text = "Here" }\n'
RULE = '{ grade = 1, below = 1.0, text = "a" }'
RULES = f'[anc]\ntitle = "ANC"\nanalyte = "anc"\nunit = "1e9/L"\ngrades = [{RULE}]\n'
EASIER = RULE + ', { grade = 2, below = 1.5, text = "b" }'


def with_definition(text: str, name: str = "mine.toml") -> Mistake:
    def make(folder: Path) -> list[object]:
        (folder / "definitions").mkdir()
        (folder / "definitions" / name).write_text(text, encoding="utf-8")
        return run(folder)

    return make


@mistake("A second definition goes in a circle")
def _(folder: Path) -> list[object]:
    (folder / "definitions").mkdir()
    for name, parent in (("one", "two"), ("two", "one")):
        (folder / "definitions" / f"{name}.toml").write_text(
            f'id = "{name}"\nextends = "{parent}"\nstatus = "study"\n'
        )
    return run(folder)


RISK = """[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "recovery"
event = "{event}"
columns = ["univariable"]
factors = ["age_years"]
{more}
"""
PREDICTION = """[[analyses]]
id = "model"
kind = "prediction"
outcome = "recovery"
event = "recovered"
factors = ["{factor}"]
resamples = 200
{more}
"""
CURVES = """[[analyses]]
id = "curves"
kind = "roc"
outcome = "recovery"
event = "recovered"
lower_means_event = ["sex"]
"""


def with_analysis(text: str) -> Mistake:
    def make(folder: Path) -> list[object]:
        file = folder / "study.toml"
        file.write_text(file.read_text("utf-8") + "\n" + text, encoding="utf-8")
        return run(folder)

    return make


def grading(*options: object, definition: str = "ctcae_v4") -> Mistake:
    def make(folder: Path) -> list[object]:
        command = ["grade", folder / "labs.csv", "--definition", definition, "--out", folder / "graded.csv"]
        return [*command, *options]

    return make


def cut_stata(folder: Path) -> list[object]:
    (folder / "labs.csv").unlink()
    (folder / "labs.dta").write_bytes(b"<stata_dta><header><release>118</release>")
    return run(folder)


def keep_a_trial(folder: Path) -> list[object]:
    for table in folder.glob("*.csv"):
        table.unlink()
    write_json(folder, "lb", LB)
    return run(folder)


MISTAKES |= {
    # exit code 10
    "A column is missing": in_table("labs.csv", "analyte", "what"),
    "A patient has two rows": in_table("patients.csv", "B,48,male", "B,48,male\nB,48,male"),
    "Nobody's values can be read": lambda folder: [
        (folder / "labs.csv").write_text("patient_id,day,analyte,value,unit\n") and "run",
        folder / "study.toml",
    ],
    "No analyte is known": lambda folder: [
        (folder / "labs.csv").write_text("patient_id,day,analyte,value,unit\nA,1,Sodium,140,mmol/L\n")
        and "run",
        folder / "study.toml",
    ],
    "The first infusion is not day 0": lambda folder: [
        (folder / "infusions.csv").write_text("patient_id,day\nA,1\nB,0\nC,0\n") and "run",
        folder / "study.toml",
    ],
    "The order of day and month is not certain": in_table("infusions.csv", "2024-01-10", "03/04/2024"),
    "An event is not known": in_table("events.csv", "C,20,death", "C,20,exitus"),
    "Death is before the infusion": in_table("events.csv", "C,20,death", "C,-20,death"),
    # exit code 12
    "A definition is unknown": lambda folder: [
        *("grade", folder / "labs.csv", "--definition", "ctcae4", "--out", folder / "graded.csv"),
    ],
    "A key of a definition is unknown": with_definition(HEAD + CITATION + RULES.replace("below", "beneath")),
    "A number is true or in quotation marks": with_definition(
        HEAD + CITATION + RULES.replace("grade = 1", "grade = true")
    ),
    "A higher grade is easier to reach": with_definition(HEAD + CITATION + RULES.replace(RULE, EASIER)),
    "No value, or every value, lies beyond a cut": with_definition(
        HEAD + CITATION + RULES.replace("below = 1.0", "below = -5")
    ),
    "An analyte of a definition is unknown": with_definition(
        HEAD + CITATION + RULES.replace('"anc"', '"ancc"')
    ),
    "A unit of a definition is unknown": with_definition(HEAD + CITATION + RULES.replace("1e9/L", "furlong")),
    "A definition names no source": with_definition(HEAD + RULES),
    "The address of a source is none": with_definition(
        HEAD + 'citation = { text = "Here", url = "htp:/x" }\n' + RULES
    ),
    "A recovery asks no question, or two": with_definition(
        'id = "mine"\nextends = "qiu2023_recovery"\nstatus = "study"\n'
        'reached = { from = 0, until = 100, after = "first_failing", status = "assumed" }\n'
    ),
    "A model card is none": lambda folder: ["score", "--card", folder / "study.toml"],
    "A score has no item of this name": lambda folder: ["score", "easix", "--value", "crp=5 mg/L"],
    "A definition does not say where its source is": with_definition(
        HEAD.replace("assumed", "study") + CITATION + RULES
    ),
    "The id is not the name of the file": with_definition(HEAD + CITATION + RULES, "yours.toml"),
    "An id has a dot": with_definition(
        (HEAD + CITATION + RULES).replace('"mine"', '"mine.v2"'), "mine.v2.toml"
    ),
    "A definition extends what does not exist": with_definition(
        'id = "mine"\nextends = "ctcae4"\nstatus = "study"\n'
    ),
    "A kind of support is unknown": with_definition(
        'id = "mine"\nextends = "qiu2023_recovery"\nstatus = "study"\n[[all_of]]\n'
        'analyte = "anc"\nunit = "1e9/L"\n'
        "at_least = 1.0\nsupport_free_days = { gcfs = 7 }\n"
    ),
    "A definition file is no TOML": with_definition("id = mine\n"),
    "An option does not belong to the definition": grading("--support-complete"),
    "The definition does not look at support": grading("--support-complete", definition="icaht_2023"),
    "Complete support is claimed without a file of it": grading(
        "--support-complete", definition="qiu2023_recovery"
    ),
    "The definition has no rule with the limit": grading("--lln", "anc=2.0", definition="icaht_2023"),
    # exit code 13
    "The protocol names an unknown definition": in_protocol('"qiu2023_recovery"', '"qiu2023_recovry"'),
    "The study file is absent": lambda folder: ["run", folder / "stdy.toml"],
    "A key of the protocol is unknown": in_protocol("min_grade", "min_grad"),
    "The study file is no TOML": in_protocol("seed = 1", "seed = one"),
    "A word is not allowed": in_protocol('"exclude"', '"excluded"'),
    "A switch is neither true nor false": in_protocol("support_complete = true", 'support_complete = "no"'),
    "A list is empty": in_protocol(
        'outcomes = ["neutropenia", "anemia", "thrombocytopenia", "severe_cytopenia"]', "outcomes = []"
    ),
    "A combination has keys of its own": in_protocol("any_of = [", "window = [0, 28]\nany_of = ["),
    "Keys of a factor do not go together": with_analysis(
        '[factors.crp]\nanalyte = "crp"\nat = "peak"\nscale = "sd"\nspline_knots = 3\n'
    ),
    "A column has no model": with_analysis(
        RISK.format(event="recovered", more='multivariable = { terms = ["age_years"] }')
    ),
    "A test has no column": with_analysis(
        RISK.format(event="recovered", more='tests = { age_years = "welch_t" }')
    ),
    "The level of conclusions is missing": with_analysis(
        RISK.format(event="recovered", more='parity = "compare"')
    ),
    "The careful model names another factor": with_analysis(
        RISK.format(event="recovered", more='read_with_care = { terms = ["sex"], resamples = 200 }')
    ),
    "A prediction does not say what is expected": with_analysis(
        PREDICTION.format(factor="age_years", more="")
    ),
    "A prediction uses what is known later": with_analysis(
        PREDICTION.format(factor="crp", more="expected_c = 0.75")
        + '[factors.crp]\nanalyte = "crp"\nat = "peak"\n'
    ),
    "A validation has no score": with_analysis(
        RISK.replace('"risk_factors"', '"validation"').partition("columns")[0].format(event="recovered")
        + 'score = "age_years"\n'
    ),
    "Groups of survival are known later": with_analysis(
        '[[analyses]]\nid = "alive"\nkind = "survival"\nendpoint = "overall_survival"\n'
        'times = [180]\nby = "recovery"\n'
    ),
    "An ordinal model needs grades": with_analysis(
        '[[analyses]]\nid = "steps"\nkind = "ordinal"\noutcome = "severe_anemia"\nfactors = ["age_years"]\n'
    ),
    "A recovery stands in the wrong kind of analysis": in_protocol(
        'kind = "recovery"\noutcome', 'kind = "time_to_recovery"\ndays = [28]\noutcome'
    ),
    "A window is missing": in_protocol("min_grade = 3\nwindow = [0, 28]", "min_grade = 3"),
    "No laboratory value reaches the grade": in_protocol(
        '"ctcae_v4.anemia"\nmin_grade = 3', '"ctcae_v4.anemia"\nmin_grade = 4'
    ),
    "An analysis names an unknown outcome": in_protocol('outcome = "recovery"', 'outcome = "recvery"'),
    "A factor is no column": in_protocol('"sex"]', '"gender"]'),
    "The event is no side of the outcome": with_analysis(RISK.format(event="yes", more="")),
    "The cuts come from no curve": with_analysis(
        RISK.format(event="recovered", more='cutpoints = { rule = "youden", roc = "curves" }')
    ),
    "A curve needs numbers": with_analysis(CURVES),
    "Levels leave values out": with_analysis(
        '[factors.who]\ncolumn = "sex"\nlevels = { women = ["female"] }\n'
    ),
    "An event factor does not say what its absence means": with_analysis(
        '[factors.crs]\nevent = "crs"\nwindow = [0, 28]\n'
    ),
    "The paper is unknown": with_analysis('[printed]\npaper = "qiu2024"\n'),
    "The day of lymphodepletion is missing": lambda folder: [
        (folder / "infusions.csv").write_text("patient_id,infusion_date\nA,2024-01-10\n") and "run",
        folder / "study.toml",
    ],
    "A limit of normal is no number": grading("--lln", "anc"),
    "A limit of normal is in another unit": grading("--lln", "hemoglobin=12"),
    "A limit of normal has an unknown analyte": grading("--lln", "ancc=2"),
    "Day zero is not known": grading("--day-zero", "last", definition="qiu2023_recovery"),
    "The mapping file is absent": grading("--map", "map.toml"),
    "The patient is not in the study": lambda folder: ["explain", folder / "study.toml", "D"],
    "An explanation asks for an unknown outcome": lambda folder: [
        *("explain", folder / "study.toml", "A", "--outcome", "recvery"),
    ],
    "Too few definitions stand side by side": side_by_side('"severe_neutropenia"'),
    "Definitions side by side need a yes and a no": side_by_side('"severe_neutropenia", "neutropenia"'),
    "A published incidence is unknown": with_analysis(
        '[[analyses]]\nid = "beside"\nkind = "compare_published"\noutcome = "severe_neutropenia"\n'
        'published = ["nagle_2021.neutropenia"]\n'
    ),
    "A recovery needs its event named": side_by_side('"severe_neutropenia", "recovery"'),
    # exit code 14
    "The file is empty": lambda folder: [
        (folder / "labs.csv").write_text("") or "run",
        folder / "study.toml",
    ],
    "The file is not UTF-8": lambda folder: [
        (folder / "patients.csv").write_bytes("patient_id,sex\nA,mänlich\n".encode("cp1252")) and "run",
        folder / "study.toml",
    ],
    "There is no labs table": lambda folder: [(folder / "labs.csv").unlink() or "run", folder / "study.toml"],
    "A file is not what its name says": lambda folder: [
        (folder / "labs.csv").rename(folder / "labs.sav") and "run",
        folder / "study.toml",
    ],
    "A part of a file is missing": cut_stata,
    "The infusion of a trial is not named": keep_a_trial,
    "Two files could be the same table": lambda folder: [
        (folder / "labs.tsv").write_text("patient_id\n") and "run",
        folder / "study.toml",
    ],
    "A file holds no FHIR resource": lambda folder: [
        (folder / "labs.csv").unlink() or ((folder / "Observation.ndjson").write_text("{\n}\n") and "run"),
        folder / "study.toml",
    ],
    "Laboratory values stand in two kinds of files": lambda folder: [
        (folder / "Observation.ndjson").write_text("{}\n") and "run",
        folder / "study.toml",
    ],
    "A line has too few cells": in_table("labs.csv", "A,7,Hb,92,g/L,120", "A,7,Hb"),
    "A file of the command is absent": lambda folder: [
        *("grade", folder / "labs.csv", "--definition", "qiu2023_recovery"),
        *("--out", folder / "courses.csv", "--events", folder / "evnts.csv"),
    ],
    # exit code 15
    "The timeline is no SVG file": lambda folder: [
        *("explain", folder / "study.toml", "A", "--svg", folder / "x.png"),
    ],
    "The folder of results holds other files": lambda folder: [*run(folder), "--out", folder],
    "The folder of data sets holds other files": lambda folder: ["adam", folder, "--out", folder],
    "The toxicity grades are not named": to_adam("ctcae_v4.platelet", "ctcae_v5.platelet"),
    "The data sets have no study identifier": to_adam(),
    "An id has letters that a transport file cannot hold": to_adam("\nC,", "\nÇ,", "--study-id", "T-1"),
    "The results are to replace a file": lambda folder: [*run(folder), "--out", folder / "labs.csv"],
    "There is a study file already": lambda folder: ["init", folder],
    "The demonstration would overwrite files": lambda folder: [
        "demo",
        "--out",
        folder.rename(folder.parent / "study").parent,
    ],
    "A file of this type is not written": lambda folder: [*grading()(folder)[:-1], "graded.docx"],
    "The file to write is the file that is read": lambda folder: [
        *grading()(folder)[:-1],
        folder / "labs.csv",
    ],
}


def test_every_heading_of_the_page_is_tested_here() -> None:
    assert sorted(ENTRIES) == sorted(MISTAKES)


@pytest.mark.parametrize("heading", sorted(MISTAKES))
def test_the_command_says_what_the_page_says(heading: str, command, study: Path) -> None:
    arguments = MISTAKES[heading](study)
    before = {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()}
    answer = command(*arguments)
    entry = ENTRIES[heading]
    assert answer.code == entry.code
    assert re.search(entry.pattern, answer.err, re.DOTALL), answer.err
    assert {path: path.read_bytes() for path in study.parent.rglob("*") if path.is_file()} == before


def test_all_problems_are_told_at_once(command, study: Path) -> None:
    text = STUDY.replace("seed = 1", 'seed = "one"').replace("title", "titel")
    (study / "study.toml").write_text(text, encoding="utf-8")
    answer = command("run", study)
    assert answer.err.count("\n  - ") == 5
    assert "'study.title' is missing" in answer.err
    assert "unknown key 'outcomes.recovery.titel' (did you mean 'title'?)" in answer.err
