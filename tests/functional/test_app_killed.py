"""The app, its run, or a writer is killed: the folder of the study stays valid, and the next start works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app_attacks import take_snapshot, wait_until
from app_server import RunningApp, Visitor, run_app
from cytopenia.app.cohort_run import is_outdated
from cytopenia.app.failures import ConflictError
from cytopenia.app.study_lock import hold_lock
from cytopenia.app.workspace import StudyFolder
from cytopenia.folders import restore_folder
from cytopenia.workflow import run_study
from processes import SOURCE
from quick_reports import with_tables_alone
from study_files import STUDY, write_study

needs_processes = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
# One table is enough: what is killed is a run, not its contents.
SHORT = STUDY[: STUDY.index('[[analyses]]\nid = "occurrence"')]
RESULTS = {"results.csv", "patients.csv", "report.html", "report.docx", "report.pdf", "provenance.json"}


def run_python(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


RUN = (
    f"import sys; sys.path.append({str(Path(__file__).parents[1])!r})\n"
    "from quick_reports import with_tables_alone\n"
    "with with_tables_alone():\n"
    "    from cytopenia.cli import main\n"
    "    main(['run', sys.argv[1]])"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its results."""
    folder = write_study(tmp_path_factory.mktemp("finished") / "small")
    (folder / "study.toml").write_text(SHORT, encoding="utf-8")
    done = run_python(RUN, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_study_file_changed_while_it_runs_makes_the_results_outdated(
    tmp_path: Path, finished: Path
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("results"))

    def change(label: str, done: int, total: int) -> None:
        if (label, done, total) == ("writing", 0, 1):
            (folder / "study.toml").write_text(f"{SHORT}# later\n", encoding="utf-8")

    with with_tables_alone():
        run_study(folder, progress=change)
    assert is_outdated(folder)
    with with_tables_alone():
        run_study(folder)
    assert not is_outdated(folder)


def test_a_table_changed_while_it_runs_makes_the_results_outdated(tmp_path: Path, finished: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("results"))

    def change(label: str, done: int, total: int) -> None:
        if (label, done, total) == ("writing", 0, 1):
            (folder / "labs.csv").touch()

    with with_tables_alone():
        run_study(folder, progress=change)
    assert is_outdated(folder)
    with with_tables_alone():
        run_study(folder)
    assert not is_outdated(folder)
    (folder / "labs.csv").rename(tmp_path / "labs.csv")
    assert is_outdated(folder)


def list_children(parent: int) -> list[int]:
    found: list[int] = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent and words[0] != "Z":
            found.append(int(file.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def read_state(visitor: Visitor) -> dict[str, object]:
    return json.loads(visitor.ask("GET", "/studies/small/run").text)


def start_writing(app: RunningApp) -> tuple[Visitor, int]:
    """Start a run and wait until it writes; return the number of its process."""
    visitor = app.visit()
    assert visitor.send_form("/studies/small/run").status == 303
    wait_until(lambda: read_state(visitor)["label"] == "writing", "the run writes")
    (worker,) = list_children(app.process.pid)
    return visitor, worker


def drop_hidden(found: dict[str, str]) -> dict[str, str]:
    return {path: content for path, content in found.items() if not path.startswith(".")}


@pytest.mark.long
@needs_processes
@pytest.mark.parametrize("way", ["app killed", "app ended", "run killed"])
@pytest.mark.parametrize("has_earlier", [False, True])
def test_a_killed_run_leaves_the_study_as_it_was(
    finished: Path, tmp_path: Path, has_earlier: bool, way: str
) -> None:
    study = tmp_path / "small"
    shutil.copytree(finished, study)
    if not has_earlier:
        shutil.rmtree(study / "results")
    before = take_snapshot(study)
    with run_app(tmp_path) as app:
        visitor, worker = start_writing(app)
        if way == "run killed":
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: read_state(visitor)["state"] == "failed", "the page tells it")
        else:
            os.kill(app.process.pid, signal.SIGKILL if way == "app killed" else signal.SIGTERM)
            app.process.wait(30)
        wait_until(lambda: not is_running(worker), "the run has ended")
        assert drop_hidden(take_snapshot(study)) == before
    with run_app(tmp_path) as app:
        visitor = app.visit()
        page = visitor.ask("GET", "/studies/small")
        assert ("Read the report" in page.text) is has_earlier
        version = page.text.partition('name="version" value="')[2][:16]
        saved = visitor.send_form("/studies/small/protocol", text=f"{SHORT}# more\n", version=version)
        assert saved.status == 303
        assert list(study.glob(".results.*")) == []
        assert visitor.ask("GET", "/studies/small/patients").status == 200
    done = run_python(RUN, study)
    assert done.returncode == 0, done.stderr
    assert {item.name for item in (study / "results").iterdir()} >= RESULTS
    assert [item.name for item in study.glob(".*")] == [".study.lock"]


@pytest.mark.long
@needs_processes
def test_a_run_is_stopped_and_started_again_and_two_at_once_are_one(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "small")
    before = take_snapshot(tmp_path / "small")
    with run_app(tmp_path) as app:
        first, worker = start_writing(app)
        second = app.visit()
        reply = second.send_form("/studies/small/run")
        assert (reply.status, "running already" in reply.text) == (409, True)
        assert second.upload("/studies/small/files/more.csv", b"a,b\n1,2\n").status == 201
        (tmp_path / "small" / "more.csv").unlink()
        assert second.send_form("/studies/small/stop").status == 303
        assert not is_running(worker)
        assert read_state(first)["state"] == "stopped"
        assert take_snapshot(tmp_path / "small") == before
        assert first.send_form("/studies/small/run").status == 303
        wait_until(lambda: read_state(first)["state"] != "running", "the run ends", seconds=120)
        assert read_state(first)["state"] == "finished"
    after = take_snapshot(tmp_path / "small")
    assert after.keys() >= before.keys()
    assert after["results/provenance.json"] != before["results/provenance.json"]


# -- the exchange of folders and files, killed at every step ---------------------------------------

# The process ends without any clearing up when it does for the N-th time what is named.
KILL_AT = """
import os, pathlib, shutil, signal, sys
target, name, count = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
place, _, attribute = name.partition(".")
holder = {"Path": pathlib.Path, "shutil": shutil, "os": os}[place]
real, done = getattr(holder, attribute), []
def kill(*arguments, **named):
    done.append(1)
    if len(done) == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(holder, attribute, kill)
"""
REPLACE = """
from cytopenia.folders import replace_folder
with replace_folder(target) as folder:
    (folder / "a.csv").write_text("new a")
    (folder / "b.csv").write_text("new b")
"""
OLD, NEW = {"a.csv": "old a"}, {"a.csv": "new a", "b.csv": "new b"}


def read_texts(folder: Path) -> dict[str, str]:
    return {item.name: item.read_text() for item in folder.iterdir()} if folder.exists() else {}


@pytest.mark.parametrize("has_earlier", [False, True])
@pytest.mark.parametrize(
    ("step", "count"),
    [
        ("Path.mkdir", 1),
        ("Path.write_text", 1),
        ("Path.write_text", 2),
        ("Path.rename", 1),
        ("Path.rename", 2),
    ],
)
def test_a_folder_is_the_old_one_or_the_new_one(
    tmp_path: Path, step: str, count: int, has_earlier: bool
) -> None:
    target = tmp_path / "results"
    if has_earlier:
        target.mkdir()
        (target / "a.csv").write_text("old a")
    left = run_python(KILL_AT + REPLACE, target, step, count).returncode
    assert left == (0 if (step, count, has_earlier) == ("Path.rename", 2, False) else -signal.SIGKILL)
    restore_folder(target)
    assert read_texts(target) == (NEW if left == 0 else OLD if has_earlier else {})
    assert [item.name for item in tmp_path.iterdir() if item != target] == []


def test_a_folder_is_the_new_one_once_it_has_its_place(tmp_path: Path) -> None:
    target = tmp_path / "results"
    target.mkdir()
    (target / "a.csv").write_text("old a")
    assert run_python(KILL_AT + REPLACE, target, "shutil.rmtree", 1).returncode == -signal.SIGKILL
    assert read_texts(target) == NEW
    restore_folder(target)
    assert read_texts(target) == NEW
    assert list(tmp_path.iterdir()) == [target]


def test_what_another_program_is_writing_now_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f".results.new-{os.getppid()}").mkdir()
    restore_folder(tmp_path / "results")
    assert (tmp_path / f".results.new-{os.getppid()}").is_dir()


@pytest.mark.long
def test_the_app_brings_back_results_whose_exchange_was_cut_off(finished: Path, tmp_path: Path) -> None:
    study = tmp_path / "small"
    shutil.copytree(finished, study)
    before = take_snapshot(study)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (study / "results").rename(study / f".results.old-{ended.pid}")
    (study / f".results.new-{ended.pid}").mkdir()
    half = study / ".incoming-0123456789abcdef"
    half.write_bytes(b"half a file")
    fresh = study / ".incoming-fedcba9876543210"
    fresh.write_bytes(b"somebody is at it")
    os.utime(half, (time.time() - 3600,) * 2)
    with run_app(tmp_path) as app:
        assert take_snapshot(study) == {**before, fresh.name: take_snapshot(study)[fresh.name]}
        assert "Read the report" in app.visit().ask("GET", "/studies/small").text


SAVE = """
from cytopenia.app.workspace import StudyFolder
study = StudyFolder(target)
text, version = study.read_protocol()
study.save_protocol(text.replace("seed = 1", "seed = 2"), version=version)
"""
TAKE = """
import asyncio
from cytopenia.app.workspace import StudyFolder
async def chunks():
    yield b"patient_id,kind\\n"
    yield b"A,other\\n" * 10_000
asyncio.run(StudyFolder(target).take_in("events.csv", chunks(), replace=True))
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "step", "is_new"),
    [
        (SAVE, "Path.write_bytes", False),
        (SAVE, "Path.replace", False),
        (SAVE, "Path.unlink", True),
        (TAKE, "os.fdopen", False),
        (TAKE, "Path.replace", False),
        (TAKE, "Path.unlink", True),
    ],
)
def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path, code: str, step: str, is_new: bool) -> None:
    """Killed before, while and after it takes its place; whoever comes next waits for no lock."""
    study = write_study(tmp_path / "small")
    before = take_snapshot(study)
    assert run_python(KILL_AT + code, study, step, 1).returncode == -signal.SIGKILL
    after = drop_hidden(take_snapshot(study))
    changed = {path for path in before if before[path] != after[path]}
    assert changed == (({"study.toml"} if code == SAVE else {"events.csv"}) if is_new else set())
    assert after.keys() == before.keys()
    text, version = StudyFolder(study).read_protocol()
    assert StudyFolder(study).save_protocol(text + "# next\n", version=version) != version
    for left in study.glob(".*"):
        os.utime(left, (time.time() - 3600,) * 2)
    StudyFolder(study).tidy()
    assert [item.name for item in study.glob(".*")] == [".study.lock"]


def test_a_lock_ends_with_the_program_that_held_it(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from cytopenia.app.workspace import StudyFolder\n"
        "with StudyFolder(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    study = write_study(tmp_path / "small")
    command = [sys.executable, "-c", code, str(study)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ConflictError, match=r"refusal\.busy"), hold_lock(study / ".study.lock", seconds=0):
        raise AssertionError("two hold it")
    holder.kill()
    holder.communicate()
    with hold_lock(study / ".study.lock", seconds=0):
        assert holder.returncode == -signal.SIGKILL
