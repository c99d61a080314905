"""Figures as files: their exact width, their letters, and the numbers that were drawn."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.dom import minidom

import polars as pl
import pytest
from PIL import Image

from cytopenia.report.day_map import plot_day_map
from cytopenia.report.document import render_report
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.figure_files import list_captions, write_figures
from cytopenia.report.figures import plot_figures
from cytopenia.report.pdf import render_pdf
from cytopenia.report.sections import ReportSection, list_sections
from report_factory import make_content, make_patient_days

CONTENT = make_content()


@cache
def sections() -> list[ReportSection]:
    return list_sections(CONTENT)


@cache
def figures() -> dict[str, ReportFigure]:
    return plot_figures(CONTENT)


def make(name: str, form: str) -> bytes:
    maker = figures()[name].make_file
    assert maker is not None
    return maker(form)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("files") / "figures"
    write_figures(CONTENT, sections(), target)
    return target


def test_every_figure_has_three_files_and_a_caption(folder: Path) -> None:
    names = [f"{name}.{form}" for name in figures() for form in ("csv", "pdf", "svg")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "captions.csv"])


def test_the_svg_is_as_wide_as_a_page_and_has_no_letters_left(folder: Path) -> None:
    for name in figures():
        root = minidom.parse(str(folder / f"{name}.svg")).documentElement
        assert root is not None
        assert root.getAttribute("width") == "175mm"
        assert float(root.getAttribute("viewBox").split()[2]) == pytest.approx(496.063, abs=1e-3)
        assert root.getElementsByTagName("text") == []
        assert root.getElementsByTagName("title")[0].firstChild.data == figures()[name].title


def test_the_pdf_is_as_wide_as_a_page_and_says_what_it_shows(
    folder: Path, find_program: Callable[[str], str]
) -> None:
    told = tell(find_program("pdfinfo"), folder / "flow.pdf")
    width = re.search(r"Page size:\s+(\S+) x", told)
    assert width is not None
    # 175 mm in points.
    assert float(width[1]) == pytest.approx(496.063, abs=1e-3)
    assert "Flow of the cohort" in told
    assert "CreationDate" not in told


def test_the_letters_of_the_pdf_are_embedded_as_truetype(
    folder: Path, find_program: Callable[[str], str]
) -> None:
    for name in figures():
        rows = tell(find_program("pdffonts"), folder / f"{name}.pdf").splitlines()[2:]
        assert rows
        assert all(re.search(r"TrueType\s+\S+\s+yes yes", row) for row in rows), rows


def tell(*command: object) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def test_the_same_figure_has_the_same_bytes() -> None:
    assert make("flow", "pdf") == make("flow", "pdf")
    assert make("flow", "svg") == make("flow", "svg")


@pytest.mark.parametrize(("form", "compression"), [("tiff", "tiff_lzw"), ("png", None)])
def test_a_picture_for_a_printer_has_600_dots_per_inch(form: str, compression: str | None) -> None:
    picture = Image.open(io.BytesIO(make("flow", form)))
    # 175 mm are 4133.9 dots.
    assert picture.width in (4133, 4134)
    assert [round(float(one)) for one in picture.info["dpi"]] == [600, 600]
    assert picture.info.get("compression") == compression


def test_a_sign_without_a_letter_is_a_box_and_changes_no_other_letter(
    tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    figure = draw_unknown_signs()
    assert figure.make_file is not None
    (tmp_path / "map.pdf").write_bytes(figure.make_file("pdf"))
    assert "\N{WHITE SQUARE}\N{WHITE SQUARE} \N{WHITE SQUARE} A" in tell(
        find_program("pdftotext"), tmp_path / "map.pdf", "-"
    )
    assert fonts_of(tmp_path / "map.pdf", find_program) == {"DejaVuSans", "DejaVuSans-Bold"}
    assert "\u4e2d\u6587 \N{DNA DOUBLE HELIX} A" in figure.svg


def test_the_report_shows_such_a_figure_in_its_own_letters(
    tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    section = ReportSection(id="s", title="Map", figures=(draw_unknown_signs(),))
    (tmp_path / "report.pdf").write_bytes(render_pdf(CONTENT, sections=[section]))
    assert fonts_of(tmp_path / "report.pdf", find_program) <= {
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
    }


def draw_unknown_signs() -> ReportFigure:
    usual = make_patient_days(1)
    rows = [("\u4e2d\u6587 \N{DNA DOUBLE HELIX} A", *row[1:]) for row in usual.rows()]
    figure = plot_day_map(make_content(patient_days=pl.DataFrame(rows, schema=usual.schema, orient="row")))
    assert figure is not None
    return figure


def fonts_of(path: Path, find_program: Callable[[str], str]) -> set[str]:
    rows = tell(find_program("pdffonts"), path).splitlines()[2:]
    return {re.sub(r"^[A-Z]+\+", "", row).split()[0] for row in rows}


def test_a_drawing_with_clipped_lines_stays_a_drawing(folder: Path) -> None:
    assert "clip-path=" in figures()["trajectories"].svg
    written = folder.joinpath("trajectories.svg").read_text("utf-8")
    assert "<path" in written
    assert "<image" not in written
    assert "data:" not in written


def test_the_data_are_the_numbers_handed_in(folder: Path) -> None:
    flow = pl.read_csv(folder / "flow.csv")
    assert flow["patients"].to_list() == [68.0, 3.0, 2.0, 63.0, 3.0, 60.0]
    assert flow["kept"].to_list() == [True, False, False, True, False, True]
    drawn = pl.read_csv(folder / "trajectories.csv")
    handed = CONTENT.results.filter(
        pl.col("analysis_id") == "trajectories", pl.col("variable") == "anc", pl.col("estimate") == "median"
    )
    assert drawn.filter(pl.col("analyte") == "anc")["median"].to_list() == handed["value"].to_list()


def test_captions_number_the_figures_as_the_word_file_does() -> None:
    rows = list_captions(CONTENT, sections())
    assert rows.columns == ["name", "number", "caption", "alt", "width_mm"]
    assert rows["number"].to_list() == [f"Figure {place}" for place in range(1, rows.height + 1)]
    assert rows["caption"].str.ends_with("Synthetic data: no patient.").all()
    assert rows["width_mm"].to_list() == [175.0] * rows.height
    real = make_content(synthetic=False)
    assert not list_captions(real, sections())["caption"].str.contains("Synthetic").any()


def test_every_figure_has_an_alternative_text_in_the_page() -> None:
    page = render_report(CONTENT, sections=sections())
    for name, figure in figures().items():
        assert figure.description
        assert f'aria-labelledby="svg-{name}-title svg-{name}-desc"' in page


def test_nothing_is_written_without_figures(tmp_path: Path) -> None:
    write_figures(CONTENT, [], tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_no_letter_is_smaller_than_six_points() -> None:
    for name, figure in figures().items():
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", figure.svg)]
        assert sizes
        assert min(sizes) >= 6, name
