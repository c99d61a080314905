"""docs/scores.md: its example prints what it says, its files are read, its claims hold."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from cytopenia.cli import main
from cytopenia.definitions import load_library
from cytopenia.grading.risk_models import load_coefficients
from cytopenia.study.protocol_forms import Protocol
from score_cases import score_of

PAGE = (Path(__file__).parents[2] / "docs" / "scores.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = shlex.split(blocks("sh")[0].replace("\\\n", " "))
    with pytest.raises(SystemExit, match=r"^0$"):
        main(arguments[1:])
    assert capsys.readouterr().out.startswith(blocks("text")[0])


def test_every_score_is_on_the_page_with_its_kind() -> None:
    definitions = load_library().definitions.values()
    scores = {item.id: item.kind for item in definitions if item.kind in ("points", "ratio", "model")}
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+)", PAGE, re.MULTILINE))
    assert listed == scores


def test_the_definitions_of_the_page_are_read(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    texts = [text for text in blocks("toml") if "extends" in text]
    for text in texts:
        name = re.search(r'^id = "(\w+)"', text).group(1)
        (tmp_path / "definitions" / f"{name}.toml").write_text(text, "utf-8")
    library = load_library(tmp_path)
    easix = score_of(library.find_score("log2_easix"), ldh="300", creatinine="0.8", platelets="120")
    assert easix["policy"] == pytest.approx(1)
    sick = {"platelets": "60", "anc": "700", "hemoglobin": "8.5", "crp": "2.4", "ferritin": "1400"}
    assert score_of(library.find_score("car_hematotox_three_groups"), **sick)["group"] == "ultra-high"


def test_the_coefficient_file_of_the_page_is_read(tmp_path: Path) -> None:
    text = next(text for text in blocks("toml") if "intercept" in text)
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    found = load_coefficients(tmp_path / "mine.toml", load_library().find_score("eipm_pre"))
    assert (found.intercept, set(found.coefficients.values())) == (0.0, {0.0})


def test_the_factors_of_the_page_are_read() -> None:
    text = next(text for text in blocks("toml") if "[factors" in text)
    content = {
        "study": {"title": "x", "seed": 1},
        "data": {},
        "analyses": [{"id": "a", "kind": "characteristics"}],
        **tomllib.loads(text),
    }
    factors = Protocol.model_validate(content).factors
    assert [(item.score, item.as_) for item in factors.values()] == [
        ("car_hematotox", None),
        ("car_hematotox", "group"),
    ]


@pytest.mark.parametrize(
    ("left_out", "points", "group"),
    [((), (3, 3), "high"), (("ferritin",), (3, 5), "high"), (("anc", "crp"), (1, 3), None)],
)
def test_the_table_of_missing_items(left_out, points, group) -> None:
    values = {"platelets": "110", "anc": "950", "hemoglobin": "10.1", "crp": "4.2", "ferritin": "540"}
    found = score_of(
        "car_hematotox", **{name: value for name, value in values.items() if name not in left_out}
    )
    assert ((found["best"], found["worst"]), found["group"]) == (points, group)
