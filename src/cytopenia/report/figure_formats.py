"""One drawing, every format: PDF, letters as paths, and pictures are made of the SVG of the page."""

from __future__ import annotations

import base64
import io
import json
import re
from functools import cache, lru_cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from cytopenia.report.display import clean_text

__all__ = [
    "convert_figure",
    "find_fonts",
    "keep_known_signs",
    "list_known_signs",
    "load_fonts",
    "read_view_box",
]

# Pixels per inch of a picture in a document, and of the files for a printer.
PRINT_DPI, FILE_DPI = 200, 600
POINTS_PER_INCH, MM_PER_INCH = 72, 25.4
VIEW_BOX = re.compile(r'viewBox="(0 0 [\d.]+ [\d.]+)"')
# Where Typst shows a PDF within an SVG: as an SVG of its own, whose letters are paths.
INNER_SVG = re.compile(rb"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")
SIZES = re.compile(r'\s(?:width|height)="[^"]*"')
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
# Shown in place of a sign that the font has not.
BOX = "\N{WHITE SQUARE}"


def convert_figure(svg: str, form: str, *, title: str, description: str) -> bytes:
    """Return a figure of the page in another format, the same bytes each time.

    Parameters
    ----------
    svg : str
        An SVG of `render_svg`; one point of its view box is one point on paper.
    form : str
        "picture" for a document, or a file: "svg" with letters as paths and its size in millimeters, "pdf"
        with its letters embedded as TrueType, "tiff" and "png" with 600 dots per inch.
    title, description : str
        Written into SVG and PDF.
    """
    texts = (clean_text(title), clean_text(description))
    match form:
        case "picture":
            return _set(svg, texts, format="png", ppi=PRINT_DPI)
        case "pdf":
            return _set_pdf(svg, texts)
        case "svg":
            return _write_paths(svg, texts)
        case _:
            return _write_picture(_set(svg, texts, format="png", ppi=FILE_DPI), form)


def _set(svg: str, texts: tuple[str, str], **settings: Any) -> bytes:
    return _compile(keep_known_signs(svg), "svg", size=_read_size(svg), texts=texts, **settings)


# The letters as paths are taken from the PDF, and both files are made one after the other.
@lru_cache(maxsize=1)
def _set_pdf(svg: str, texts: tuple[str, str]) -> bytes:
    return _set(svg, texts, format="pdf")


def _compile(
    picture: str | bytes, kind: str, *, size: tuple[float, float], texts: tuple[str, str], **settings: Any
) -> bytes:
    import typst

    # JSON holds no bytes, but a list of numbers is as good to Typst.
    shown = picture if isinstance(picture, str) else list(picture)
    data = {"picture": shown, "format": kind, "width": size[0], "height": size[1]}
    data |= {"title": texts[0], "description": texts[1]}
    compile_with_warnings: Any = typst.compile_with_warnings
    made: tuple[bytes, object] = compile_with_warnings(
        resources.files("cytopenia.report").joinpath("templates", "figure.typ").read_bytes(),
        font_paths=load_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        **settings,
    )
    return made[0]


def read_view_box(svg: str) -> str:
    """Return the view box of an SVG: "0 0", then width and height in points; empty where it has none.

    Examples
    --------
    >>> read_view_box('<svg viewBox="0 0 640 72.5">')
    '0 0 640 72.5'
    """
    found = VIEW_BOX.search(svg)
    return found[1] if found else ""


def _read_size(svg: str) -> tuple[float, float]:
    """Return width and height of an SVG in points."""
    box = read_view_box(svg)
    if not box:
        raise ValueError("the SVG of a figure has no view box that begins at 0 0")
    _, _, width, height = map(float, box.split())
    return width, height


def _write_paths(svg: str, texts: tuple[str, str]) -> bytes:
    """The figure as a file: its size in millimeters, letters as paths, title and description inside."""
    size = _read_size(svg)
    outer = _compile(_set_pdf(svg, texts), "pdf", size=size, texts=texts, format="svg")
    inner = INNER_SVG.search(outer)
    # A Typst that shows a PDF in another way still gives a figure that looks the same.
    text = (base64.b64decode(inner[1]) if inner else outer).decode()
    end = text.index(">", text.index("<svg")) + 1
    width, height = (f"{round(one / POINTS_PER_INCH * MM_PER_INCH, 3):g}mm" for one in size)
    head = SIZES.sub("", text[:end]).removesuffix(">")
    head += f' width="{width}" height="{height}" role="img">'
    title, description = (escape(one, quote=False) for one in texts)
    return f"{head}<title>{title}</title><desc>{description}</desc>{text[end:]}".encode()


def _write_picture(png: bytes, form: str) -> bytes:
    """The picture with its dots per inch, and without the channel of transparency that no figure uses."""
    from PIL import Image

    buffer = io.BytesIO()
    settings: dict[str, Any] = {"compression": "tiff_lzw"} if form == "tiff" else {}
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").save(buffer, form, dpi=(FILE_DPI, FILE_DPI), **settings)
    return buffer.getvalue()


def keep_known_signs(text: str) -> str:
    r"""Return text with a box for every sign that the font has not.

    Else Typst takes all letters of that text from another font.

    Examples
    --------
    >>> keep_known_signs("ANC \N{GREATER-THAN OR EQUAL TO} 1 \N{DNA DOUBLE HELIX}")
    'ANC ≥ 1 □'
    """
    known = _list_signs_of_figures()
    return text if known.issuperset(text) else "".join(sign if sign in known else BOX for sign in text)


@cache
def load_fonts() -> Any:
    """The fonts that come with the drawing library, read once for all documents of a process."""
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[str(find_fonts())])


def find_fonts() -> Path:
    """Return the folder of the fonts that come with the drawing library."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@cache
def list_known_signs(face: str = FACES[0]) -> frozenset[str]:
    """Return the signs that a font has."""
    from matplotlib.ft2font import FT2Font

    font: Any = FT2Font(str(find_fonts() / face))
    known: dict[int, int] = font.get_charmap()
    return frozenset(map(chr, known))


@cache
def _list_signs_of_figures() -> frozenset[str]:
    """Signs that the regular and the bold letters have, and those between the tags of an SVG."""
    regular, bold = map(list_known_signs, FACES)
    return (regular & bold) | set("\t\n\r")
