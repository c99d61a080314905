"""The study file: what is read, and every name that nothing has."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from cytopenia.errors import ProtocolError
from cytopenia.new_study import fill_template
from cytopenia.readers.mapping import DataSection
from cytopenia.study import protocol as forms
from cytopenia.study.protocol import read_protocol
from study_files import STUDY

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, old: str, new: str) -> str:
    """What is said when one text of the study file is replaced by another."""
    assert old in STUDY
    with pytest.raises(ProtocolError, match=r"^study\.toml: ") as raised:
        read_protocol(write(folder, STUDY.replace(old, new)))
    return str(raised.value)


def keys_of(model: Any) -> Iterator[str]:
    """Every key of a form and of the forms in it."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield field.alias or name
            yield from keys_of(field.annotation)
    for argument in get_args(model):
        yield from keys_of(argument)


def test_a_study_is_read(tmp_path: Path) -> None:
    study = read_protocol(write(tmp_path, STUDY))
    assert study.protocol.study.title == "Three invented patients"
    assert list(study.protocol.outcomes)[-1] == "recovery"
    assert study.data_folder == tmp_path
    assert study.sha256 == hashlib.sha256(STUDY.encode()).hexdigest()


def test_a_folder_stands_for_its_study_file(tmp_path: Path) -> None:
    write(tmp_path, STUDY)
    assert read_protocol(tmp_path).path == tmp_path / "study.toml"


def test_a_file_of_a_windows_editor(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbf" + STUDY.replace("\n", "\r\n").encode())
    assert read_protocol(tmp_path).protocol.study.seed == 1


def test_what_is_not_said_claims_nothing(tmp_path: Path) -> None:
    study = read_protocol(write(tmp_path, STUDY.replace("support_complete = true\n", ""))).protocol.study
    assert (study.support_complete, study.bound_anc_by_wbc, study.synthetic) == (False, False, False)
    assert study.lymphodepletion_day is None


def test_cytopenia_at_baseline_need_not_be_asked_for(tmp_path: Path) -> None:
    text = STUDY.replace('baseline_definition = "ctcae_v4"\n', "")
    assert read_protocol(write(tmp_path, text)).protocol.analyses[0].baseline_definition is None


def test_the_template_of_init_is_a_study(tmp_path: Path) -> None:
    study = read_protocol(write(tmp_path, fill_template()))
    assert [analysis.id for analysis in study.protocol.analyses] == [
        "characteristics",
        "occurrence",
        "recovery",
    ]
    assert study.protocol.outcomes["anemia"].window == (-5, 28)
    assert study.protocol.outcomes["neutropenia"].window == (0, 28)


def test_the_first_example_of_the_page_is_a_study(tmp_path: Path) -> None:
    assert (
        read_protocol(write(tmp_path, EXAMPLES[0])).protocol.outcomes["recovery"].died_before_landmark
        == "exclude"
    )


@pytest.mark.parametrize("example", EXAMPLES[1:3])
def test_the_mappings_of_the_page_are_mappings(example: str) -> None:
    assert DataSection.model_validate(tomllib.loads(example)["data"]).labs.file


def test_the_definition_of_the_page_is_one(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "strict_recovery.toml").write_text(EXAMPLES[3], encoding="utf-8")
    library = read_protocol(write(tmp_path, STUDY)).library
    assert [item.cut for item in library.find("strict_recovery").all_of] == [100]


@pytest.mark.parametrize("key", sorted(set(keys_of(forms.Protocol))))
def test_every_key_is_on_the_page(key: str) -> None:
    sections = {"study", "data", "cohort", "analyses", "factors", "outcomes", "printed", "report"}
    assert f"`{key}`" in PAGE or (key in sections and re.search(rf"^## `\[+{key}", PAGE, re.MULTILINE))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "[outcomes.neutropenia]",
            "[outcomes.Neutropenia]",
            "'outcomes.Neutropenia' is 'Neutropenia'; allowed: lower-case",
        ),
        (
            "[outcomes.neutropenia]",
            "[outcomes.nadir_anc]",
            "names that begin with 'nadir_' are given to nadirs",
        ),
        ('id = "occurrence"', 'id = "flow"', "the id 'flow' is taken by the package"),
        ('id = "occurrence"', 'id = "recovery"', "two analyses have the id 'recovery'; rename one"),
        (
            'kind = "occurrence"',
            'kind = "occurence"',
            "'analyses.2' is 'occurence'; allowed: 'characteristics'",
        ),
        ('kind = "occurrence"\n', "", "'analyses.2': 'kind' is missing"),
        (
            'outcome = "recovery"',
            'outcom = "recovery"',
            "unknown key 'analyses.3.outcom' (did you mean 'outcome'?);"
            " allowed: id, kind, label, outcome, title",
        ),
        ("seed = 1\n", "", "'study.seed' is missing"),
        ("seed = 1", "seed = -1", "'study.seed' is -1; allowed: 0 or more"),
        ("seed = 1", "seed = 1\nlymphodepletion_day = 5", "'study.lymphodepletion_day'"),
        ("[data]\nfolder", "[daten]\nfolder", "unknown key 'daten' (did you mean 'data'?)"),
        ('folder = "."', 'folder = "."\n[data.lab]', "unknown key 'data.lab' (did you mean 'labs'?)"),
        (
            'folder = "."',
            'folder = "."\n[data.labs]\nunits = { "K/cmm" = 5 }',
            "'data.labs.units.K/cmm' is 5; a text in quotation marks is needed",
        ),
        ("window = [0, 28]", "window = [28, 0]", "window [28, 0] must begin before it ends"),
        ("window = [0, 28]", "window = [0, 99999]", "'outcomes.neutropenia.window.2'"),
        ("window = [0, 28]", 'window = "0-28"', "'outcomes.neutropenia.window'"),
        (
            'definition = "qiu2023_recovery"',
            'definition = "baseline"',
            "'baseline' is of kind 'baseline' and is no outcome",
        ),
        (
            '"ctcae_v4.anemia"\nwindow',
            '"ctcae_v4"\nwindow',
            "name one part of 'ctcae_v4': ctcae_v4.neutrophil",
        ),
        (
            '"ctcae_v4.anemia"\nwindow',
            '"ctcae_v4.anaemia"\nwindow',
            "has no part 'anaemia' (did you mean 'anemia'?)",
        ),
        (
            'died_before_landmark = "exclude"\n',
            "",
            "'died_before_landmark' is missing: say which reading is the headline",
        ),
        (
            'died_before_landmark = "exclude"',
            'died_before_landmark = "exclude"\nwindow = [0, 28]',
            "'window' belongs to graded outcomes only",
        ),
        (
            'died_before_landmark = "exclude"',
            'died_before_landmark = "exclude"\ntreatment_emergent = true',
            "'treatment_emergent' belongs to graded outcomes only",
        ),
        (
            "min_grade = 3",
            'min_grade = 3\ndied_before_landmark = "exclude"',
            "'died_before_landmark' belongs to recovery outcomes only",
        ),
        ("min_grade = 3", "min_grade = 6", "'outcomes.severe_neutropenia.min_grade'"),
        (
            'any_of = ["severe_neutropenia"',
            'min_grade = 3\nany_of = ["severe_neutropenia"',
            "any_of takes everything from the outcomes it names; remove min_grade",
        ),
        (
            'any_of = ["severe_neutropenia"',
            'definition = "ctcae_v4.anemia"\nany_of = ["severe_neutropenia"',
            "needs exactly one of definition, any_of",
        ),
        (
            'any_of = ["severe_neutropenia"',
            'any_of = ["neutropenia"',
            "any_of needs yes/no outcomes; give 'neutropenia' a min_grade",
        ),
        (
            'any_of = ["severe_neutropenia"',
            'any_of = ["severe_neutropena"',
            "any_of names unknown outcome 'severe_neutropena' (did you mean 'severe_neutropenia'?)",
        ),
        (
            'any_of = ["severe_neutropenia"',
            'any_of = ["severe_cytopenia"',
            "any_of names unknown outcome 'severe_cytopenia'",
        ),
        (
            'outcomes = ["neutropenia"',
            'outcomes = ["recovery"',
            "outcome 'recovery' is a recovery; give it to an analysis of kind 'recovery'",
        ),
        (
            'outcomes = ["neutropenia", ',
            'outcomes = ["neutropenia", "neutropenia", ',
            "outcomes names 'neutropenia' twice; remove one",
        ),
        ('factors = ["age_years"', 'factors = ["sex"', "factors names 'sex' twice; remove one"),
        (
            'outcome = "recovery"',
            'outcome = "anemia"',
            "outcome 'anemia' is not a recovery; its definition must be of kind 'recovery'",
        ),
        (
            'baseline_definition = "ctcae_v4"',
            'baseline_definition = "ctcae_v44"',
            "baseline_definition: unknown definition 'ctcae_v44' (did you mean 'ctcae_v4'?)",
        ),
        (
            'baseline_definition = "ctcae_v4"',
            'baseline_definition = "qiu2023_recovery"',
            "is of kind 'recovery'; a definition of kind 'grades' is needed",
        ),
        (
            '[[analyses]]\nid = "occ',
            '[factors.x]\nanalyte = "crpp"\nat = "peak"\n\n[[analyses]]\nid = "occ',
            "factors.x: unknown analyte 'crpp' (did you mean 'crp'?)",
        ),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert words in complaint(tmp_path, old, new)


def test_an_analysis_is_told_its_own_keys(tmp_path: Path) -> None:
    message = complaint(tmp_path, 'kind = "occurrence"', 'kind = "occurrence"\nfactors = ["sex"]')
    assert "unknown key 'analyses.2.factors'; allowed: id, kind, label, outcomes, title" in message


def test_no_analysis_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="'analyses' is missing"):
        read_protocol(write(tmp_path, STUDY.partition("[[analyses]]")[0]))


def test_every_wrong_name_is_told_at_once(tmp_path: Path) -> None:
    text = STUDY.replace("min_grade = 3", "min_grade = 5").replace('outcome = "recovery"', 'outcome = "x"')
    with pytest.raises(ProtocolError, match=r"^study.toml: 3 problems\n"):
        read_protocol(write(tmp_path, text))


def test_an_unknown_definition_is_told_beside_a_wrong_key(tmp_path: Path) -> None:
    """Both at once: a wrong form must not hide a wrong name."""
    text = '[study]\ntitle = "x"\nseed = 1\nsed = 2\n[data]\n[outcomes.anemia]\ndefinition = "ctcae_v44"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError) as caught:
        read_protocol(tmp_path / "study.toml")
    assert "unknown key 'study.sed' (did you mean 'seed'?)" in str(caught.value)
    assert "outcomes.anemia: unknown definition 'ctcae_v44' (did you mean 'ctcae_v4'?)" in str(caught.value)


def test_the_paper_of_the_page_is_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(EXAMPLES[4], encoding="utf-8")
    text = STUDY + '\n[printed]\npaper = "mine.toml"\n'
    paper = read_protocol(write(tmp_path, text)).paper
    assert paper is not None
    assert [claim.id for claim in paper.claims] == ["severe_neutropenia"]
