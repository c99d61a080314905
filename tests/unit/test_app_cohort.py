"""Rows of a cohort: read from a run, chosen, sorted, cut into pages; and what was read is read again."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

import pytest

from cytopenia.app import cohort_run
from cytopenia.app.cohort_mix import list_mixes
from cytopenia.app.cohort_pages import Cohorts
from cytopenia.app.cohort_run import MISSING_DAYS, CohortRun, is_outdated, natural_order, read_run
from cytopenia.app.cohort_view import PAGE, View, choose_rows, count_answers, cut_page, read_view
from cytopenia.app.failures import RefusedError
from cytopenia.app.file_cache import FileCache
from cytopenia.app.study_cache import make_study_cache
from cytopenia.grading.durations import DURATION_REASONS
from cytopenia.grading.fever import FEVER_REASONS
from cytopenia.grading.grades import GRADE_REASONS
from cytopenia.grading.landmarks import LANDMARK_REASONS
from cytopenia.grading.phenotypes import PHENOTYPE_REASONS
from cytopenia.grading.recovery import RECOVERY_REASONS
from cytopenia.grading.recovery_time import RECOVERY_TIME_REASONS
from cytopenia.listings import take_fingerprint
from explain_study import write_one_patient

SECRET = b"for tests"
WORSE = "an unmeasured day between measurements could have been worse"
HEAD = "patient_id,outcome,policy,best,worst,label,possible_labels,decided,evidence,reason,rule"
# Typed by hand: P10 is known to be of grade 2, P2 could be 3, P1 has no count, P3 died before the landmark.
ROWS = f"""
P10,neutropenia,2.0,2.0,2.0,,,true,measured,"",x
P10,recovery,0.0,0.0,1.0,recovered,,false,bracketed,a day near the landmark could have been different,
P2,neutropenia,2.0,2.0,3.0,,,false,bracketed,{WORSE},x
P2,recovery,1.0,1.0,1.0,not recovered,,true,measured,"",
P1,neutropenia,,0.0,4.0,,,false,open,no measurement in the window,
P1,recovery,,0.0,1.0,not evaluable,,false,open,unmeasured days around the landmark,
<b>&"P3,neutropenia,4.0,4.0,4.0,,,true,measured,"",x
<b>&"P3,recovery,,,,died before landmark,,false,,died on or before the landmark,
P10,nadir_anc,0.1,0.1,0.1,,,true,measured,"",
"""


PROTOCOL = '[study]\ntitle = "Typed"\n'


def write_results(folder: Path, **more: str) -> Path:
    results = folder / "results"
    results.mkdir(parents=True)
    if more:
        (folder / "study.toml").write_text(PROTOCOL, encoding="utf-8")
    lines = [line.replace('<b>&"P3', '"<b>&""P3"') for line in ROWS.strip().splitlines()]
    (results / "outcomes.csv").write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    told = {"title": "Typed", "synthetic": True, "written": "2026-11-29T11:36:35+00:00", **more}
    (results / "provenance.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> CohortRun:
    return read_run(write_results(tmp_path / "study"), SECRET)


def ids(rows: list[cohort_run.PatientRow]) -> list[str]:
    return [row.patient_id for row in rows]


def test_a_run_is_read_without_its_study_file(run: CohortRun) -> None:
    assert [(one.name, one.kind) for one in run.columns] == [
        ("neutropenia", "grade"),
        ("recovery", "recovery"),
    ]
    assert ids(list(run.patients)) == ['<b>&"P3', "P1", "P2", "P10"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("outcomes.csv", "patient_id,outcome\nP1,neutropenia\n"),
        ("outcomes.csv", ""),
        ("outcomes.csv", f"{HEAD}\nP1,neutropenia,many,0,0,,,true,measured,,x\n"),
        ("provenance.json", "{"),
        ("provenance.json", "{}"),
    ],
)
def test_results_that_are_no_run_are_refused_in_words(tmp_path: Path, name: str, content: str) -> None:
    folder = write_results(tmp_path)
    (folder / "results" / name).write_text(content, encoding="utf-8")
    with pytest.raises(RefusedError, match="run_unreadable"):
        read_run(folder, SECRET)


def test_words_of_an_answer_and_what_it_could_be(run: CohortRun) -> None:
    cells = {row.patient_id: row.cells for row in run.patients}
    told = {name: (one["neutropenia"].words, one["neutropenia"].could) for name, one in cells.items()}
    assert told == {
        "P10": ("grade 2", ""),
        "P2": ("grade 2", "between grade 2 and 3"),
        "P1": ("not judged", "between grade 0 and 4"),
        '<b>&"P3': ("grade 4", ""),
    }
    assert cells["P10"]["recovery"].could == "recovered or not recovered"
    assert cells['<b>&"P3']["recovery"].words == "died before landmark"


def test_who_is_open_because_of_missing_days(run: CohortRun) -> None:
    assert {row.patient_id: row.open_outcomes for row in run.patients} == {
        '<b>&"P3': [],
        "P1": ["neutropenia", "recovery"],
        "P2": ["neutropenia"],
        "P10": ["recovery"],
    }
    assert ids(choose_rows(run, View(open="any"))) == ["P1", "P2", "P10"]
    assert ids(choose_rows(run, View(open="recovery"))) == ["P1", "P10"]


def test_the_reasons_of_missing_days_are_those_of_the_kernel() -> None:
    every = {
        *GRADE_REASONS,
        *DURATION_REASONS,
        *LANDMARK_REASONS,
        *RECOVERY_REASONS,
        *RECOVERY_TIME_REASONS,
        *PHENOTYPE_REASONS,
        *FEVER_REASONS,
    }
    # What no further day of measurement would have removed, and what ended the course.
    others = {
        "",
        "a reported value could stand for a worse grade",
        "a reported value could stand for another grade",
        "a reported value could stand for another label",
        "a single low measurement, not confirmed by a second",
        "baseline value missing",
        "counted as lasting to the end of follow-up, which came before the end of the window",
        "died before recovery",
        "died on or before the landmark",
        "follow-up ended before the end of the window",
        "last contact before recovery",
        "lower limit of normal and baseline value missing",
        "lower limit of normal missing",
        "not at risk at the landmark",
        "not at risk in the window",
        "second infusion before recovery",
        "support without a recorded stop may have lasted",
        "the course was censored before the landmark",
        "the reported value does not decide the grade",
        "the reported values do not decide",
        "the reported values do not decide the grade",
        "the reported values do not decide the label",
        "under support",
    }
    assert every - others == MISSING_DAYS


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        # 2 (at most 2) before 2 (at most 3) before 4; who has no grade stands last either way.
        (View(sort="neutropenia"), ["P10", "P2", '<b>&"P3', "P1"]),
        (View(sort="neutropenia", down=True), ['<b>&"P3', "P2", "P10", "P1"]),
        (View(down=True), ["P10", "P2", "P1", '<b>&"P3']),
        (View(answer="neutropenia:grade 2"), ["P2", "P10"]),
        (View(answer="neutropenia:grade 2", open="any", sort="neutropenia", down=True), ["P2", "P10"]),
        (View(answer="recovery:died before landmark"), ['<b>&"P3']),
    ],
)
def test_patients_are_sorted_and_chosen(run: CohortRun, view: View, expected: list[str]) -> None:
    assert ids(choose_rows(run, view)) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [("p1", ["P1", "P10"]), ("  P10 ", ["P10"]), ("<B>", ['<b>&"P3']), ("nobody", []), ("", 4)],
)
def test_ids_are_searched(run: CohortRun, search: str, expected: list[str] | int) -> None:
    found = ids(choose_rows(run, View(), search))
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_a_query_that_the_run_does_not_know_counts_as_not_asked(run: CohortRun) -> None:
    query = {"answer": "neutropenia:grade 9", "open": "../x", "sort": "<script>", "page": "-3"}
    assert read_view(query, run) == View()
    assert read_view({"page": "9" * 400}, run).page == 100_000
    asked = View(answer="recovery:recovered", open="any", sort="recovery", down=True, page=3, found="abc")
    query = {"answer": "recovery:recovered", "open": "any", "sort": "recovery", "down": "1", "page": "3"}
    assert read_view({**query, "found": "abc"}, run) == asked


def test_pages_hold_fifty_patients_each(run: CohortRun) -> None:
    rows = list(run.patients) * 26
    first, page, pages = cut_page(rows, 1)
    assert (len(first), page, pages) == (PAGE, 1, 3)
    assert len(cut_page(rows, 3)[0]) == 4
    assert cut_page(rows, 99)[1] == 3


def test_answers_are_counted_in_their_order(run: CohortRun) -> None:
    assert count_answers(run)["neutropenia"] == {"grade 2": 2, "grade 4": 1, "not judged": 1}


def test_the_mix_has_the_rule_between_the_best_and_the_worst_case(run: CohortRun) -> None:
    grades, recovery = list_mixes(run)
    # best, rule, worst; P1 has no grade: 0 in the best case, 4 in the worst, and can have any between.
    assert [(one.words, one.counts, one.bounds) for one in grades.answers] == [
        ("grade 0", (1, 0, 0), (0, 1)),
        ("grade 1", (0, 0, 0), (0, 1)),
        ("grade 2", (2, 2, 1), (1, 3)),
        ("grade 3", (0, 0, 1), (0, 2)),
        ("grade 4", (1, 1, 2), (1, 2)),
        ("not judged", (0, 1, 0), None),
    ]
    assert [(one.words, one.counts, one.bounds) for one in recovery.answers] == [
        ("recovered", (2, 1, 0), (0, 2)),
        ("not recovered", (1, 1, 3), (1, 3)),
        ("died before landmark", (1, 1, 1), None),
        ("not evaluable", (0, 1, 0), None),
    ]
    assert (grades.open, recovery.open) == (2, 2)
    for bar in (*grades.bars, *recovery.bars):
        assert sum(part.count for part in bar.parts) == 4
        assert sum(part.width for part in bar.parts) == pytest.approx(560, abs=0.05)


def test_a_key_says_nothing_without_the_secret(tmp_path: Path, run: CohortRun) -> None:
    other = read_run(write_results(tmp_path / "other" / "study"), b"another secret")
    assert {row.key for row in run.patients}.isdisjoint(row.key for row in other.patients)
    assert all(len(row.key) == 16 and int(row.key, 16) >= 0 for row in run.patients)


def test_ids_in_the_order_that_people_expect() -> None:
    names = ["P10", "p2", "", "10", "9", "P2-10", "P2-9", "\N{SUPERSCRIPT TWO}", "P02"]
    assert sorted(names, key=natural_order) == [
        *("", "9", "10", "P02", "p2", "P2-9", "P2-10", "P10", "\N{SUPERSCRIPT TWO}"),
    ]


def test_an_id_of_very_many_digits_is_text() -> None:
    assert natural_order("9" * 5000) == ((1, 0, "9" * 5000),)


def test_a_file_written_after_the_run_is_told(tmp_path: Path) -> None:
    folder = write_results(tmp_path)
    assert not is_outdated(folder)
    (folder / "labs.csv").write_text("x", encoding="utf-8")
    ended = (folder / "results" / "provenance.json").stat().st_mtime
    os.utime(folder / "labs.csv", (ended + 5, ended + 5))
    assert is_outdated(folder)


# Of 2 January 2024, 12:00:00.5 UTC, in seconds since 1970: typed from a calendar of such seconds.
BEGAN, BEGAN_SECONDS = "2024-01-02T12:00:00.500000+00:00", 1704196800.5


def write_timed(folder: Path, name: str, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x", encoding="utf-8")
    os.utime(folder / name, (seconds, seconds))


@pytest.mark.parametrize(("after", "is_told"), [(-1.0, False), (0.25, True), (60.0, True)])
def test_a_table_changed_while_the_run_went_on_is_told(tmp_path: Path, after: float, is_told: bool) -> None:
    sha = hashlib.sha256(PROTOCOL.encode()).hexdigest()
    folder = write_results(tmp_path / "study", started=BEGAN, protocol_sha256=sha)
    write_timed(folder, "labs.csv", BEGAN_SECONDS + after)
    assert is_outdated(folder) is is_told


@pytest.mark.parametrize(("after", "is_told"), [(-1.0, False), (0.25, True)])
def test_a_table_that_lies_elsewhere_is_told(tmp_path: Path, after: float, is_told: bool) -> None:
    text = '[data]\nfolder = "../tables"\n'
    sha = hashlib.sha256(text.encode()).hexdigest()
    folder = write_results(tmp_path / "study", started=BEGAN, protocol_sha256=sha)
    (folder / "study.toml").write_bytes(text.encode())
    write_timed(tmp_path / "tables", "labs.csv", BEGAN_SECONDS + after)
    assert is_outdated(folder) is is_told


@pytest.mark.parametrize("change", ["gone", "cut", "new"])
def test_files_that_are_others_are_told_however_old_they_are(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "study"
    write_timed(folder, "support.csv", BEGAN_SECONDS - 60)
    # Of "support.csv", a zero byte, "1" for one byte, and the ends of line and folder.
    files = hashlib.sha256(b"support.csv\x001\n\n").hexdigest()
    sha = hashlib.sha256(PROTOCOL.encode()).hexdigest()
    write_results(folder, started=BEGAN, protocol_sha256=sha, files_sha256=files)
    assert not is_outdated(folder)
    if change == "gone":
        (folder / "support.csv").unlink()
    elif change == "cut":
        (folder / "support.csv").write_bytes(b"")
        os.utime(folder / "support.csv", (BEGAN_SECONDS - 60, BEGAN_SECONDS - 60))
    else:
        write_timed(folder, "events.csv", BEGAN_SECONDS - 60)
    assert is_outdated(folder)


def test_another_study_file_is_told_however_old_it_is(tmp_path: Path) -> None:
    sha = hashlib.sha256(PROTOCOL.encode()).hexdigest()
    folder = write_results(tmp_path / "study", started=BEGAN, protocol_sha256=sha)
    assert not is_outdated(folder)
    (folder / "study.toml").write_text(f"{PROTOCOL}# later\n", encoding="utf-8")
    os.utime(folder / "study.toml", (BEGAN_SECONDS - 9, BEGAN_SECONDS - 9))
    assert is_outdated(folder)


def test_a_check_after_the_run_changes_nothing(tmp_path: Path) -> None:
    folder = write_results(tmp_path)
    (folder / "check.html").write_text("x", encoding="utf-8")
    ended = (folder / "results" / "provenance.json").stat().st_mtime
    os.utime(folder / "check.html", (ended + 5, ended + 5))
    assert not is_outdated(folder)


def test_searched_words_are_kept_for_a_while() -> None:
    cohorts = Cohorts()
    words = [cohorts.hold_search(f"id {place}") for place in range(201)]
    assert cohorts.find_search(words[0]) is None
    assert cohorts.find_search(words[-1]) == "id 200"
    assert cohorts.find_search("") is None


class Reader:
    """Counts how often a folder is read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, folder: Path) -> str:
        self.read.append(folder.name)
        return (folder / "labs.csv").read_text(encoding="utf-8")


def make_folder(folder: Path, text: str = "1") -> Path:
    folder.mkdir()
    (folder / "labs.csv").write_text(text, encoding="utf-8")
    return folder


def watch(folder: Path, read: str | None) -> tuple[tuple[str, int, int], ...]:
    del read
    return take_fingerprint([folder])


def test_a_folder_is_read_once_until_a_file_changes(tmp_path: Path) -> None:
    reader, folder = Reader(), make_folder(tmp_path / "a")
    cache = FileCache(load=reader, watch=watch)
    assert [cache.read(folder) for _ in range(3)] == ["1", "1", "1"]
    assert reader.read == ["a"]
    (folder / "labs.csv").write_text("22", encoding="utf-8")
    assert cache.read(folder) == "22"
    (folder / "new.csv").write_text("x", encoding="utf-8")
    cache.read(folder)
    (folder / "new.csv").unlink()
    cache.read(folder)
    assert len(reader.read) == 4


def test_results_and_hidden_files_are_no_part_of_a_study(tmp_path: Path) -> None:
    reader, folder = Reader(), make_folder(tmp_path / "a")
    cache = FileCache(load=reader, watch=watch)
    cache.read(folder)
    (folder / ".study.lock").touch()
    write_results(folder)
    cache.read(folder)
    assert reader.read == ["a"]


def test_two_studies_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    reader = Reader()
    cache = FileCache(load=reader, watch=watch, most=2)
    a, b, c = (make_folder(tmp_path / name) for name in "abc")
    for folder in (a, b, a, c, a, b):
        cache.read(folder)
    assert reader.read == ["a", "b", "c", "b"]


def test_many_who_ask_at_once_wait_for_one_reading(tmp_path: Path) -> None:
    reader, folder = Reader(), make_folder(tmp_path / "a")
    may_end = threading.Event()

    def load(path: Path) -> str:
        may_end.wait(10)
        return reader(path)

    cache = FileCache(load=load, watch=watch)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(cache.read(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    may_end.set()
    for thread in threads:
        thread.join(10)
    assert found == ["1"] * 8
    assert reader.read == ["a"]


def test_what_fails_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    reader = Reader()
    cache = FileCache(load=reader, watch=watch)
    with pytest.raises(FileNotFoundError, match=r"labs\.csv"):
        cache.read(folder)
    (folder / "labs.csv").write_text("1", encoding="utf-8")
    assert cache.read(folder) == "1"


def test_tables_that_lie_elsewhere_are_watched_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    grade = '[outcomes.grade]\ndefinition = "ctcae_v5.neutrophil_count_decreased"\nwindow = [0, 5]\n'
    write_one_patient(tmp_path / "data", [("anc", 1, 0.4)], grade)
    folder = tmp_path / "study"
    folder.mkdir()
    protocol = (tmp_path / "data" / "study.toml").read_text("utf-8")
    (folder / "study.toml").write_text(protocol.replace('folder = "."', 'folder = "../data"'), "utf-8")
    cache = make_study_cache()
    first = cache.read(folder)
    assert cache.read(folder) is first
    labs = tmp_path / "data" / "labs.csv"
    labs.write_text(labs.read_text("utf-8") + "\n", "utf-8")
    assert cache.read(folder) is not first
