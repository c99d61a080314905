"""`cytopenia grade`: one file in, every row of it graded; or one row per patient, for whole courses."""

from __future__ import annotations

import builtins
from pathlib import Path

import polars as pl
import pytest

from study_files import EVENTS, SUPPORT, write_labs

LABS = """patient_id,day,analyte,value,unit,lln
P02,9,Platelets,48,10^9/L,150
P01,-6,ANC,3.1,10^9/L,2.0
P01,7,Sodium,140,mmol/L,135
P01,7,ANC,<0.1,10^9/L,2.0
P01,7,ANC,<0.1,10^9/L,2.0
P01,11,Hb,7.9,g/dL,12.0
P02,10,Platelets,,10^9/L,150
P02,11,Platelets,52,furlong,150
P02,12,Platelets,110,10^9/L,
"""
GRADED = [
    ("P02", 9, "Platelets", "Platelet count decreased", 3, "judged"),
    ("P01", -6, "ANC", "Neutrophil count decreased", 0, "judged"),
    ("P01", 7, "Sodium", None, None, "unknown analyte"),
    ("P01", 7, "ANC", "Neutrophil count decreased", 4, "judged"),
    ("P01", 7, "ANC", "Neutrophil count decreased", 4, "judged"),
    ("P01", 11, "Hb", "Anemia", 3, "judged"),
    ("P02", 10, "Platelets", "Platelet count decreased", None, "value missing"),
    ("P02", 11, "Platelets", "Platelet count decreased", None, "unknown unit"),
    ("P02", 12, "Platelets", "Platelet count decreased", None, "lower limit of normal missing"),
]
SHOWN = ("patient_id", "day", "analyte", "term", "grade", "reason")


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    path = tmp_path / "labs.csv"
    path.write_text(LABS, encoding="utf-8")
    return path


@pytest.fixture
def grade(command, tmp_path: Path):
    """Grade a file by a definition and return the answer and the table that was written."""

    def run(path: Path, *options: object, definition: str = "ctcae_v4", out: str = "out/graded.csv"):
        target = tmp_path / out
        answer = command("grade", path, "--definition", definition, "--out", target, *options)
        return answer, pl.read_csv(target) if target.suffix == ".csv" and target.exists() else None

    return run


def shown(table: pl.DataFrame) -> list[tuple[object, ...]]:
    return table.select(SHOWN).rows()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_row_stays_in_its_place(grade, labs: Path) -> None:
    answer, table = grade(labs)
    assert answer.code == 0
    assert shown(table) == GRADED
    assert table["source_row"].to_list() == [2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_the_counts_are_told(grade, labs: Path) -> None:
    answer, _ = grade(labs)
    assert "9 rows: grade 0: 1, grade 3: 2, grade 4: 2, not judged: 4\n" in answer.out
    assert "  not judged, unknown unit: 1\n" in answer.out
    assert "labs: labs:" not in answer.out
    assert answer.err == ""


def test_a_stated_limit_of_normal_is_used(grade, labs: Path) -> None:
    _, table = grade(labs, "--lln", "platelets=150")
    assert table["grade"].to_list()[-1] == 1


def test_a_limit_can_carry_its_unit(grade, labs: Path) -> None:
    _, table = grade(labs, "--lln", "PLT=150000 /uL", "--lln", "anc=2.0")
    assert table["grade"].to_list()[-1] == 1


def test_a_limit_of_the_file_comes_first(grade, labs: Path) -> None:
    _, table = grade(labs, "--lln", "anc=4.0")
    assert table["grade"].to_list()[1] == 0


@pytest.mark.parametrize(
    "option", ["anc", "anc=", "anc=two", "anc=2,0,0", "=2", "anc=-1", "anc=nan", "anc=0"]
)
def test_a_malformed_limit_is_refused(option: str, grade, labs: Path) -> None:
    answer, table = grade(labs, f"--lln={option}")
    assert answer.code == 13
    assert answer.err.startswith("cytopenia: --lln: ")
    assert table is None


@pytest.mark.parametrize("option", ["PLT=150,0", "PLT=150,0 K/uL"])
def test_a_limit_with_a_decimal_comma(option: str, grade, labs: Path) -> None:
    _, table = grade(labs, "--lln", option)
    assert table["grade"].to_list()[-1] == 1


@pytest.mark.parametrize("option", ["anc=1,800", "PLT=150,000 /uL", "anc=1.800", "PLT=150.000 /uL"])
def test_a_limit_with_a_mark_before_three_digits_is_not_guessed(option: str, grade, labs: Path) -> None:
    answer, _ = grade(labs, "--lln", option)
    assert answer.code == 13
    assert f"'{option}' may mean a thousand or a fraction; write thousands without a mark" in answer.err


def test_all_wrong_limits_are_told_at_once(grade, labs: Path) -> None:
    options = ("anc", "wbc=four", "PLT=2 furlong", "hemoglobin=12", "ancc=2", "crp=5")
    answer, _ = grade(labs, *(word for option in options for word in ("--lln", option)))
    assert answer.err.count("\n  - ") == 5


@pytest.mark.parametrize(("cell", "grade_of_row"), [("2.0", None), ("2000", 1)])
def test_a_limit_in_another_unit_than_its_row_hides_no_toxicity(
    cell: str, grade_of_row: int | None, grade, tmp_path: Path
) -> None:
    path = write(tmp_path / "labs.csv", f"analyte,value,unit,lln\nANC,1800,/uL,{cell}\n")
    answer, table = grade(path)
    assert table["grade"].to_list() == [grade_of_row]
    assert ("0.3 to 12 1e9/L" in answer.out) is (grade_of_row is None)


def test_one_row_and_one_patient_are_said_in_the_singular(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", "patient_id,day,analyte,value,unit\nA,1,ANC,0.4,10^9/L\n")
    assert "\n1 row: grade 4: 1\n" in grade(path)[0].out
    answer, _ = grade(path, definition="qiu2023_recovery")
    assert "1 patient was taken from the other tables" in answer.out
    assert "\nCount recovery of 1 patient: " in answer.out


def test_reasons_of_the_file_are_cut_and_never_numbers(grade, tmp_path: Path) -> None:
    rows = [f"ANC,0.4,10^9/L,{reason}" for reason in ("8.8371", "7.8371", "clumped", "q" * 90)]
    path = write(tmp_path / "labs.csv", "\n".join(["analyte,value,unit,invalid", *rows]) + "\n")
    out = grade(path)[0].out
    assert "8371" not in out
    assert "not judged, a number as reason: 2\n" in out
    assert "not judged, clumped: 1\n" in out
    assert f"not judged, {'q' * 37}...: 1\n" in out


def test_rows_of_an_unlisted_analyte_stay_and_are_a_note(grade, labs: Path) -> None:
    note = (
        "info    labs: analyte name 'Sodium' is not listed in 1 of 9 rows (row 4). These rows are not judged."
    )
    assert note in grade(labs)[0].out


@pytest.mark.parametrize("name", ["anc", "ANC"])
def test_a_limit_given_twice_is_refused(name: str, grade, labs: Path) -> None:
    answer, _ = grade(labs, "--lln", "anc=2.0", "--lln", f"{name}=1.8")
    assert answer.code == 13
    assert "is given twice; remove one" in answer.err


def test_a_limit_in_an_unknown_unit_is_refused(grade, labs: Path) -> None:
    answer, _ = grade(labs, "--lln", "anc=2.0 furlong")
    assert answer.code == 13
    assert "'furlong' is not a listed unit of anc" in answer.err


def test_one_part_of_a_definition(grade, labs: Path) -> None:
    _, table = grade(labs, definition="ctcae_v4.anemia")
    assert table["grade"].to_list() == [None, None, None, None, None, 3, None, None, None]
    assert table["reason"][0] == "no rule for this analyte in the definition"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        (
            "ctcae_v4.anaemia",
            12,
            "'ctcae_v4' has no part 'anaemia' (did you mean 'anemia'?); parts: anemia, ",
        ),
        ("qiu2023_recovery.anc", 12, "'qiu2023_recovery' has no part 'anc'; it has none"),
        ("baseline", 12, "'baseline' is of kind 'baseline'"),
    ],
)
def test_a_definition_that_grades_nothing(name: str, code: int, words: str, grade, labs: Path) -> None:
    answer, table = grade(labs, definition=name)
    assert answer.code == code
    assert words in answer.err
    assert table is None


SLIPS = """patient_id,day,analyte,value,unit,lln
P,5,ANC,350,10^9/L,2.0
P,5,WBC,4.0,10^9/L,3.0
P,5,Hb,12.5,g/L,110
P,6,PLT,4500,10^9/L,150
"""


def test_single_values_have_the_same_data_checks_as_courses(grade, tmp_path: Path) -> None:
    """The grades stay as the file says them; what is doubtful is told."""
    path = tmp_path / "slips.csv"
    path.write_text(SLIPS, encoding="utf-8")
    answer, table = grade(path, definition="ctcae_v6")
    told = answer.out + answer.err
    assert table["grade"].to_list() == [0, 0, 3, 0]
    assert "ANC is above WBC of the same draw in 1 of 4 rows (row 2)" in told
    assert "anc lies outside the usual 0.001 to 100 in '10^9/L' in 1 of 4 rows (row 2)" in told
    assert "hemoglobin lies outside the usual 30 to 220 in 'g/L' in 1 of 4 rows (row 4)" in told
    assert "platelets lies outside the usual 0.5 to 2,000 in '10^9/L' in 1 of 4 rows (row 5)" in told
    assert told.count("warning ") == 4


@pytest.mark.parametrize(
    ("head", "first", "second", "is_hit"),
    [
        ("patient_id,date", "P,2024-01-05", "P,2024-01-05", True),
        ("patient_id,date", "P,2024-01-05", "P,2024-01-06", False),
        ("patient_id,day", "P,5", "Q,5", False),
        ("day,note", "5,a", "5,b", False),  # whose row it is is not known
        ("patient_id,note", "P,a", "P,b", False),  # nor of which day
    ],
)
def test_neutrophils_and_white_cells_of_one_draw(
    head: str, first: str, second: str, is_hit: bool, grade, tmp_path: Path
) -> None:
    path = tmp_path / "draws.csv"
    rows = f"{head},analyte,value,unit,lln\n{first},ANC,5,10^9/L,2\n{second},WBC,4,10^9/L,3\n"
    path.write_text(rows, encoding="utf-8")
    answer, _ = grade(path)
    assert ("ANC is above WBC of the same draw" in answer.out + answer.err) is is_hit


def test_a_removed_term_is_the_reason(grade, tmp_path: Path) -> None:
    path = tmp_path / "lymphocytes.csv"
    path.write_text("analyte,value,unit,lln\nALC,0.3,10^9/L,1.0\nWBC,4,10^9/L,3\n", encoding="utf-8")
    answer, table = grade(path, definition="ctcae_v6")
    assert "version 6.0; use ctcae_v5.lymphocyte_count_decreased: 1" in answer.out
    assert table["reason"].to_list() == [
        "Lymphocyte count decreased was removed from CTCAE in version 6.0;"
        " use ctcae_v5.lymphocyte_count_decreased",
        "judged",
    ]
    assert table["grade"].to_list() == [None, 0]


def test_a_wide_file_becomes_long_and_keeps_its_columns(grade, tmp_path: Path) -> None:
    wide = write(
        tmp_path / "wide.csv",
        "patient_id,date,ANC (10^9/L),Hb (g/dL),ward\n1,2024-02-01,0.35,7.9,3A\n1,2024-02-02,,8.1,3B\n",
    )
    _, table = grade(wide)
    names = ["patient_id", "date", "ward", "analyte", "value", "unit", "grade"]
    assert table.select(names).rows() == [
        (1, "2024-02-01", "3A", "anc", 0.35, "1e9/L", 4),
        (1, "2024-02-01", "3A", "hemoglobin", 79.0, "g/L", 3),
        (1, "2024-02-02", "3B", "hemoglobin", 81.0, "g/L", 2),
    ]


def test_a_wide_file_of_one_analyte(grade, tmp_path: Path) -> None:
    wide = write(tmp_path / "wide.csv", "patient_id,day,ANC (10^9/L)\n1,1,0.35\n1,2,\n1,3,0.9\n")
    _, table = grade(wide)
    assert table.select("day", "analyte", "grade").rows() == [(1, "anc", 4), (3, "anc", 3)]


@pytest.mark.parametrize("name", ["labs.tsv", "labs.xlsx", "labs.parquet"])
def test_other_kinds_of_files(name: str, grade, labs: Path, tmp_path: Path) -> None:
    source, path = pl.read_csv(labs, infer_schema=False), tmp_path / name
    writers = {
        ".tsv": lambda: source.write_csv(path, separator="\t"),
        ".xlsx": lambda: source.write_excel(path),
        ".parquet": lambda: source.write_parquet(path),
    }
    writers[path.suffix]()
    _, table = grade(path)
    assert shown(table) == GRADED


@pytest.mark.parametrize("name", ["g.tsv", "g.xlsx", "g.parquet"])
def test_other_kinds_of_results(name: str, grade, labs: Path, tmp_path: Path) -> None:
    answer, _ = grade(labs, out=name)
    readers = {
        ".tsv": lambda path: pl.read_csv(path, separator="\t"),
        ".xlsx": pl.read_excel,
        ".parquet": pl.read_parquet,
    }
    table = readers[Path(name).suffix](tmp_path / name)
    assert answer.code == 0
    assert table["grade"].to_list() == [row[4] for row in GRADED]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "labs.csv"]


def test_a_failed_write_leaves_the_old_file(
    grade, labs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade(labs)
    before = (tmp_path / "out/graded.csv").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pl.DataFrame, "write_csv", fail)
    answer, _ = grade(labs)
    assert answer.code == 15
    assert "cannot be written (Permission denied). Close it if it is open in another program" in answer.err
    assert (tmp_path / "out/graded.csv").read_bytes() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["graded.csv"]


def test_a_decimal_comma(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", "analyte;value;unit;lln\nANC;0,35;10^9/L;2,0\nHb;7,9;g/dL;12,0\n")
    _, table = grade(path)
    assert table["grade"].to_list() == [4, 3]


def test_an_uncertain_decimal_mark_is_not_guessed(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", 'analyte,value,unit,lln\nANC,"1,234",10^9/L,2\n')
    _, table = grade(path)
    assert table["reason"].to_list() == ["ambiguous number"]
    _, table = grade(path, "--decimal", ",")
    assert table["grade"].to_list() == [2]


def test_a_decimal_mark_that_is_none(grade, labs: Path) -> None:
    answer, _ = grade(labs, "--decimal", ";")
    assert (answer.code, answer.err) == (13, "cytopenia: --decimal: got ';'; allowed: . or ,\n")


def test_a_mapping_file(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", "Test,Result,Unit\nSegs,0.4,K/cmm\nNa,140,mmol/L\n")
    mapping = write(
        tmp_path / "map.toml",
        '[data.labs]\ncolumns = { analyte = "Test", value = "Result", unit = "Unit" }\n'
        'analytes = { Segs = "anc", Na = "ignore" }\nunits = { "K/cmm" = "10^9/L" }\n',
    )
    answer, table = grade(path, "--map", mapping)
    assert answer.code == 0
    assert table["grade"].to_list() == [4, None]


def test_a_wrong_mapping_file(grade, labs: Path, tmp_path: Path) -> None:
    mapping = write(tmp_path / "map.toml", '[labs]\ncolumn = { analyte = "Test" }\n')
    answer, _ = grade(labs, "--map", mapping)
    assert answer.code == 13
    assert "unknown key 'labs.column' (did you mean 'columns'?)" in answer.err


def test_a_missing_column_leads_to_the_mapping(grade, tmp_path: Path) -> None:
    answer, _ = grade(write(tmp_path / "labs.csv", "Test,value,unit\nANC,0.4,K/uL\n"))
    assert answer.code == 10
    assert "labs: column 'analyte' is missing" in answer.err
    assert "add --map map.toml" in answer.err


def test_missing_limits_lead_to_the_option(grade, labs: Path) -> None:
    assert "--lln anc=2.0" in grade(labs)[0].out
    assert "--lln anc=2.0" not in grade(labs, "--lln", "platelets=150")[0].out


def test_the_limit_that_is_asked_for_is_one_that_the_definition_looks_at(grade, labs: Path) -> None:
    """Version 6 has no rule with the limit of neutrophils; that of platelets is missing in the file."""
    answer, _ = grade(labs, definition="ctcae_v6")
    assert "lower limits where the file has none: --lln platelets=150" in answer.out
    assert grade(labs, "--lln", "platelets=150", definition="ctcae_v6")[0].code == 0


def test_columns_of_the_file_are_not_overwritten(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", "analyte,value,unit,grade\nANC,0.4,10^9/L,2\n")
    _, table = grade(path)
    assert table.select("grade_in_file", "grade").row(0) == (2, 4)


def test_the_file_itself_is_not_changed(grade, labs: Path) -> None:
    grade(labs)
    assert labs.read_text("utf-8") == LABS


def test_a_file_without_rows(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "labs.csv", "analyte,value,unit\n")
    answer, _ = grade(path)
    assert (answer.code, answer.err) == (
        10,
        "cytopenia: labs.csv: the file has a header but no rows. Export it again.\n",
    )


@pytest.mark.parametrize("definition", ["ctcae_v4", "qiu2023_recovery"])
def test_a_file_that_is_not_there(definition: str, grade, tmp_path: Path) -> None:
    answer, _ = grade(tmp_path / "lbs.csv", definition=definition)
    assert answer.code == 14
    assert "lbs.csv: no such file. Check the path." in answer.err


def test_a_folder_instead_of_a_file(grade, tmp_path: Path) -> None:
    answer, _ = grade(tmp_path)
    assert answer.code == 14
    assert "is a folder. Name one file, or run a study" in answer.err


@pytest.mark.parametrize("option", ["--events", "--support"])
def test_tables_that_single_values_do_not_need(option: str, grade, labs: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "other.csv", EVENTS)
    answer, _ = grade(labs, option, table)
    assert answer.code == 12
    assert answer.err.startswith(f"cytopenia: {option}: 'ctcae_v4' grades single values")


def test_courses_with_events_and_support(grade, tmp_path: Path) -> None:
    labs = write_labs(tmp_path / "labs.csv")
    events, support = write(tmp_path / "e.csv", EVENTS), write(tmp_path / "s.csv", SUPPORT)
    answer, table = grade(
        labs, "--events", events, "--support", support, "--support-complete", definition="qiu2023_recovery"
    )
    assert answer.code == 0
    assert table["label"].to_list() == ["recovered", "not recovered", "died before landmark"]
    assert "\nRecovery of 3 patients: died before landmark: 1, not recovered: 1, recovered: 1\n" in answer.out


def test_support_on_the_landmark_days_counts(grade, tmp_path: Path) -> None:
    labs = write_labs(tmp_path / "labs.csv")
    support = write(tmp_path / "s.csv", "patient_id,start,stop,kind\nA,27,27,gcsf\n")
    _, table = grade(labs, "--support", support, definition="qiu2023_recovery")
    assert table.select("label", "reason").row(0) == ("not recovered", "under support")


def test_courses_without_support_are_count_recovery(grade, tmp_path: Path) -> None:
    answer, _ = grade(write_labs(tmp_path / "labs.csv"), definition="qiu2023_recovery")
    assert "\nCount recovery of 3 patients: " in answer.out
    assert "Called count recovery: support is not known to be complete" in answer.out


@pytest.mark.parametrize("definition", ["qiu2023_recovery", "brudno_2022_recovery"])
def test_complete_support_without_a_file_of_it_is_refused(grade, tmp_path: Path, definition: str) -> None:
    answer, _ = grade(write_labs(tmp_path / "labs.csv"), "--support-complete", definition=definition)
    assert answer.code == 12
    assert answer.err == (
        "cytopenia: --support-complete: there is no file of support that could be complete;"
        " add --support FILE, or leave it out.\n"
    )


def test_day_zero_first(grade, tmp_path: Path) -> None:
    counts = ("ANC,2,10^9/L", "Hb,100,g/L", "PLT,90,10^9/L")
    rows = [f"X,2024-03-{1 + day:02d},{count}" for day in (0, 26, 27, 28) for count in counts]
    labs = write(tmp_path / "labs.csv", "patient_id,date,analyte,value,unit\n" + "\n".join(rows) + "\n")
    answer, table = grade(labs, "--day-zero", "first", definition="qiu2023_recovery")
    assert answer.code == 0
    assert table["label"].to_list() == ["recovered"]


def test_dates_without_day_zero_are_refused(grade, tmp_path: Path) -> None:
    labs = write(tmp_path / "labs.csv", "patient_id,date,analyte,value,unit\nX,2024-03-01,ANC,2,10^9/L\n")
    answer, table = grade(labs, definition="qiu2023_recovery")
    assert answer.code == 10
    assert "--day-zero first" in answer.err
    assert table is None


@pytest.fixture
def courses(tmp_path: Path) -> Path:
    return write_labs(tmp_path / "labs.csv")


# What each kind of definition does not look at. Days of a second definition of each kind are other days.
NO_SUPPORT = [
    "icaht_2023",  # counts days
    "icaht_2023.late",
    "bcma_day90_cytopenia",  # looks at a landmark
    "cibmtr_neutrophil_recovery",  # a day of recovery, whatever the support
    "bcma_phenotypes_day56",
    "bcma_phenotypes_day56.second_dip",
    "ctcae_v5_febrile_neutropenia",
]


@pytest.mark.parametrize("definition", NO_SUPPORT)
def test_support_is_refused_by_a_definition_that_does_not_look_at_it(definition, grade, courses, tmp_path):
    support = write(tmp_path / "s.csv", SUPPORT)
    answer, table = grade(courses, "--support", support, "--support-complete", definition=definition)
    assert (answer.code, table) == (12, None)
    assert answer.err == (
        f"cytopenia: --support, --support-complete: '{definition}' does not look at support; leave it out.\n"
    )


@pytest.mark.parametrize("definition", [*NO_SUPPORT, "qiu2023_recovery", "cibmtr_platelet_recovery_20"])
def test_limits_are_refused_by_a_definition_without_a_rule_on_them(definition, grade, courses):
    answer, table = grade(courses, "--lln", "anc=2.0", "--lln", "platelets=150", definition=definition)
    assert (answer.code, table) == (12, None)
    assert answer.err == (
        f"cytopenia: --lln: '{definition}' has no rule with the lower limit of normal of anc, platelets;"
        " leave it out.\n"
    )


def test_a_limit_of_another_term_is_refused(grade, labs: Path) -> None:
    answer, _ = grade(labs, "--lln", "platelets=150", definition="ctcae_v4.anemia")
    assert answer.code == 12
    assert "--lln: 'ctcae_v4.anemia' has no rule with the lower limit of normal of platelets" in answer.err


def test_day_zero_is_refused_where_every_row_is_graded_by_itself(grade, labs: Path) -> None:
    answer, table = grade(labs, "--day-zero", "first")
    assert (answer.code, table) == (12, None)
    assert "--day-zero: 'ctcae_v4' grades single values and needs none; leave it out." in answer.err


def test_every_option_that_is_not_looked_at_is_named_at_once(grade, courses, tmp_path) -> None:
    support = write(tmp_path / "s.csv", SUPPORT)
    answer, _ = grade(courses, "--support", support, "--lln", "anc=2.0", definition="icaht_2023")
    assert "--support: 'icaht_2023' does not look at support" in answer.err
    assert "--lln: 'icaht_2023' has no rule with the lower limit of normal of anc" in answer.err


@pytest.mark.parametrize("definition", ["icaht_2023", "bcma_day90_cytopenia", "bcma_phenotypes_day56"])
def test_deaths_change_what_courses_are(definition, grade, courses, tmp_path) -> None:
    """The one option of courses that every kind looks at: whoever died is not at risk afterwards."""
    _, alive = grade(courses, definition=definition)
    deaths = write(tmp_path / "e.csv", "patient_id,day,kind\nA,14,death\nB,14,death\nC,14,death\n")
    _, table = grade(courses, "--events", deaths, definition=definition)
    assert not table.equals(alive)


def test_count_recovery_without_a_rule_on_support_does_not_ask_for_it(grade, courses) -> None:
    answer, _ = grade(courses, definition="cibmtr_neutrophil_recovery")
    assert "Called count recovery: 'cibmtr_neutrophil_recovery' does not look at support." in answer.out
    assert "--support" not in answer.out


@pytest.mark.parametrize(
    ("definition", "is_told"),
    [
        *((name, False) for name in ("icaht_2023", "bcma_phenotypes_day56", "cibmtr_neutrophil_recovery")),
        *((name, True) for name in ("qiu2023_recovery", "cibmtr_platelet_recovery_20")),
    ],
)
def test_a_missing_support_table_is_told_where_it_matters(definition, is_told, grade, courses) -> None:
    answer, _ = grade(courses, definition=definition)
    assert ("Give a support table" in answer.out) is is_told


# The days of D lie far from those of the others, before and after.
FAR = [(day, text) for day in (-40, 150, 400) for text in ("ANC,0.3,10^9/L", "PLT,300,10^9/L", "Hb,60,g/L")]
COURSES = [
    *("icaht_2023", "icaht_2023_cumulative", "icaht_liang_2024", "t_icaht_2025", "bcma_day90_cytopenia"),
    *("brudno_2022_prolonged", "marrow_failure_day42", "nagle_2021_prolonged", "strati_2021_prolonged"),
    *("qiu2023_recovery", "qiu2023_recovery_contains", "brudno_2022_recovery", "cibmtr_neutrophil_recovery"),
    *("cibmtr_platelet_recovery_20", "t_icaht_platelet_recovery_2025", "bcma_phenotypes_day56"),
    *("rejeski_2021_phenotypes", "rejeski_2021_phenotypes.second_dip", "rejeski_2021_prolonged"),
]


@pytest.mark.parametrize("definition", COURSES)
def test_another_patient_changes_no_course(definition, grade, courses: Path, tmp_path: Path) -> None:
    _, alone = grade(courses, definition=definition)
    header, *_ = courses.read_text("utf-8").splitlines()
    rows = [f"D,{day},{text}" + "," * (header.count(",") - 4) for day, text in FAR]
    more = write(tmp_path / "more.csv", courses.read_text("utf-8") + "\n".join(rows) + "\n")
    _, beside = grade(more, definition=definition)
    kept = [name for name in alone.columns if not (alone[name].is_null().all())]
    assert beside.filter(pl.col("patient_id") != "D").select(kept).rows() == alone.select(kept).rows()


def test_a_definition_beside_the_file(grade, labs: Path, tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    write(
        tmp_path / "definitions" / "own.toml",
        'id = "own"\nextends = "ctcae_v4"\nstatus = "study"\n[anemia]\n'
        'grades = [{ grade = 1, below = 78.0, text = "low" }]\n',
    )
    _, table = grade(labs, definition="own.anemia")
    assert table["grade"].to_list()[5] == 0  # 7.9 g/dL


def test_nothing_is_asked_of_the_network_or_the_user(
    grade, labs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtins, "input", lambda *_: pytest.fail("asked the user"))
    assert grade(labs)[0].code == 0


BOUNDS = """analyte,value,unit,lln,baseline
ANC,<1.0,10^9/L,2,
Hb,<10,g/dL,12,
fibrinogen,1.4,g/L,2,
fibrinogen,1.4,g/L,2,6
fibrinogen,<1.4,g/L,2,
ANC,>1.2,10^9/L,2,
ANC,0.7,10^9/L,2,
ANC,clotted,10^9/L,2,
"""


def test_a_grade_that_is_a_lower_bound_says_so(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "bounds.csv", BOUNDS)
    answer, table = grade(path, definition="ctcae_v5")
    assert table.select("grade", "grade_worst", "reason").rows()[:7] == [
        (3, 4, "at least: the value could mean grade 4"),
        (2, 3, "at least: the value could mean grade 3"),
        (2, 4, "at least: the missing baseline could mean grade 4"),
        (4, 4, "judged"),
        (2, 4, "at least: the value or the missing baseline could mean grade 4"),
        (None, 2, "the reported value does not decide the grade"),
        (3, 3, "judged"),
    ]
    assert table.select("grade", "grade_worst").row(7) == (None, None)
    assert "at least this grade, it could be higher (grade_worst): grade 2: 3, grade 3: 1\n" in answer.out


def test_the_cut_of_version_6(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "six.csv", "analyte,value,unit,lln\nANC,<0.5,10^9/L,2\nANC,<0.1,10^9/L,2\n")
    answer, table = grade(path, definition="ctcae_v6")
    assert table.select("grade", "grade_worst").rows() == [(3, 4), (4, 4)]
    assert "baseline" not in answer.out


def test_a_missing_baseline_is_told(grade, tmp_path: Path) -> None:
    path = write(tmp_path / "bounds.csv", BOUNDS)
    told = "fibrinogen rows have no baseline, which ctcae_v5.fibrinogen_decreased looks at"
    assert f"  2 of 3 {told}: give it in a column 'baseline'" in grade(path, definition="ctcae_v5")[0].out
    bare = write(tmp_path / "bare.csv", "analyte,value,unit,lln\nfibrinogen,1.4,g/L,2\n")
    assert f"  1 of 1 {told}" in grade(bare, definition="ctcae_v5")[0].out
    full = write(tmp_path / "full.csv", "analyte,value,unit,lln,baseline\nfibrinogen,1.4,g/L,2,6\n")
    assert "no baseline" not in grade(full, definition="ctcae_v5")[0].out
