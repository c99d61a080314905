"""The one look of all figures, and the way from a matplotlib figure to inline SVG, files and pictures."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any
from xml.dom import minidom

import polars as pl

from cytopenia.report.display import clean_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FAINT",
    "FULL_WIDTH",
    "GRADE_COLORS",
    "GRID",
    "INK",
    "LINE",
    "MUTED",
    "NARROW_WIDTH",
    "POINTS_PER_INCH",
    "SERIES",
    "SYNTHETIC_LABEL",
    "ReportFigure",
    "drawing",
    "finish_figure",
    "make_canvas",
    "page_axes",
    "render_file",
    "render_png",
    "render_svg",
]

POINTS_PER_INCH = 72
MM_PER_INCH = 25.4
# The two widths that journals print, in points: one column (85 mm) and the page (175 mm).
NARROW_WIDTH, FULL_WIDTH = (mm / MM_PER_INCH * POINTS_PER_INCH for mm in (85, 175))
# Pixels per inch of a picture in a document, and of the files for a printer.
PRINT_DPI, FILE_DPI = 200, 600
INK, MUTED, FAINT, GRID = "#1c2430", "#5b6673", "#9aa5b1", "#e3e7eb"
LINE = "#1f4e79"
# Lightness falls from grade to grade, so the order survives gray print and color blindness.
GRADE_COLORS = ("#e1ebf3", "#f2c14e", "#e8862e", "#b8312a", "#470a1c")
# Colors that the color-blind tell apart (Okabe and Ito 2008), each with a line and a mark of its own, so
# that they are told apart in gray as well: color, dashes, mark.
SERIES: tuple[tuple[str, Any, str], ...] = (
    ("#0072b2", "solid", "o"),
    ("#d55e00", (0, (5, 2)), "s"),
    ("#009e73", (0, (1.2, 1.4)), "^"),
    ("#1c2430", (0, (6, 1.6, 1.2, 1.6)), "D"),
    ("#cc79a7", (0, (3, 1.2)), "v"),
    ("#e69f00", (0, (8, 2)), "P"),
)
FAMILY, FONT_FILES = "Cytopenia Sans", ("CytopeniaSans.ttf", "CytopeniaSans-Bold.ttf")
SYNTHETIC_LABEL = "Synthetic data: no patient"


@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A finished figure: inline SVG with its own title and description, and the caption below it.

    `description` says in words what can be seen, for those who cannot see it; it is the alternative text of
    every format. `data` holds the numbers that were drawn. `make_file` draws the same figure in a format for
    a file or a document; it is called only where one is needed, because it takes as long as the SVG.
    """

    id: str
    title: str
    caption: str
    svg: str
    description: str = ""
    width_mm: float = 0.0
    data: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False, compare=False)
    make_file: Callable[[str], bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def png(self) -> bytes:
        """The figure as a picture for a document, drawn anew; empty where it was finished without one."""
        return b"" if self.make_file is None else self.make_file("picture")

    def with_data(self, rows: Iterable[Mapping[str, Any]]) -> ReportFigure:
        """Return the figure with the numbers that it shows, one mapping per mark."""
        return replace(self, data=pl.DataFrame(list(rows), infer_schema_length=None))


@contextmanager
def drawing(name: str) -> Generator[None]:
    """Set matplotlib up for one figure, and put its settings back afterwards.

    Ids inside the SVG are derived from `name`, so the same figure gives the same bytes.
    """
    import matplotlib as mpl

    _add_fonts()
    settings: dict[Any, Any] = {
        "svg.hashsalt": name,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "font.family": [FAMILY, "sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 8,
        # A name such as "$IL_6" is text, never a formula.
        "text.parse_math": False,
        "text.color": INK,
        "axes.linewidth": 0.6,
        "hatch.linewidth": 0.5,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The browser has the glyph of an emoji or a Chinese name even if the font measured with has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


@cache
def _add_fonts() -> None:
    """Tell matplotlib of the letters of the package, once."""
    from matplotlib.font_manager import fontManager

    for name in FONT_FILES:
        with resources.as_file(resources.files("cytopenia") / "data" / "fonts" / name) as path:
            fontManager.addfont(path)


def make_canvas(height: float, width: float = FULL_WIDTH) -> Figure:
    """Return an empty figure as wide as a page or column of a journal; sizes in points."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), dpi=POINTS_PER_INCH)


def page_axes(height: float, width: float = FULL_WIDTH) -> tuple[Figure, Axes]:
    """Return a figure and axes whose coordinates are points, counted from the top left corner."""
    figure = make_canvas(height, width)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def finish_figure(
    figure: Figure, name: str, *, title: str, caption: str, description: str, synthetic: bool
) -> ReportFigure:
    """Return a drawn figure as a report shows it: SVG now, files and pictures when they are asked for.

    All show the same, the label of synthetic data included.
    """
    svg = render_svg(figure, name, title=title, description=description, synthetic=synthetic)
    return ReportFigure(
        id=name,
        title=title,
        caption=caption,
        svg=svg,
        description=description,
        width_mm=round(figure.get_size_inches()[0] * MM_PER_INCH, 3),
        make_file=partial(_make_file, figure, name, title, description),
    )


def _make_file(figure: Figure, name: str, title: str, description: str, form: str) -> bytes:
    if form == "picture":
        return render_png(figure, name)
    return render_file(figure, name, form, title=title, description=description)


def render_png(figure: Figure, name: str) -> bytes:
    """Return the figure as PNG with as many pixels as a printed page needs, and no program name or date."""
    return _save(figure, name, format="png", dpi=PRINT_DPI, metadata={"Software": None})


def render_file(figure: Figure, name: str, form: str, *, title: str, description: str) -> bytes:
    """Return the figure as a file of its own: "svg" with letters as paths, "pdf", "tiff" or "png".

    The letters of a PDF are embedded as TrueType; TIFF and PNG have 600 dots per inch.
    """
    match form:
        case "svg":
            return _write_svg(figure, name, (clean_text(title), clean_text(description)))
        case "pdf":
            shown = {"Title": clean_text(title), "Subject": clean_text(description)}
            hidden = {"Creator": None, "Producer": None, "CreationDate": None}
            return _save(figure, name, format="pdf", metadata={**shown, **hidden})
        case "tiff":
            pillow = {"compression": "tiff_lzw"}
            return _save(figure, name, format="tiff", dpi=FILE_DPI, pil_kwargs=pillow)
        case _:
            return _save(figure, name, format="png", dpi=FILE_DPI, metadata={"Software": None})


def _save(figure: Figure, name: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    with drawing(name):
        figure.savefig(buffer, **settings)
    return buffer.getvalue()


def render_svg(figure: Figure, name: str, *, title: str, description: str, synthetic: bool) -> str:
    """Return the figure as an SVG element for an HTML page.

    Every id carries "svg-" and `name` in front, so figures on one page do not touch each other; the
    element has the role of an image with title and description for those who cannot see it. No date, no
    program name, no style sheet that would leak into the page.
    """
    if synthetic:
        width, height = figure.get_size_inches() * POINTS_PER_INCH
        look: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 6, "color": MUTED}
        figure.text(1 - 4 / width, 1 - 3 / height, SYNTHETIC_LABEL, **look)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    document = minidom.parseString(buffer.getvalue())  # noqa: S318  our own output
    root: Any = document.documentElement
    prefix = f"svg-{name}"
    for tag in ("metadata", "style"):
        for node in list(root.getElementsByTagName(tag)):
            node.parentNode.removeChild(node)
    _prefix_ids(root, prefix)
    for key in ("width", "height", "version"):
        root.removeAttribute(key)
    _describe(document, root, prefix, (clean_text(title), clean_text(description)))
    return str(root.toxml())


def _write_svg(figure: Figure, name: str, texts: tuple[str, str]) -> bytes:
    """The figure as a file: its size in millimeters, letters as paths, title and description inside."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with drawing(name), mpl.rc_context({"svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    width, height = (f"{round(float(size), 3):g}mm" for size in figure.get_size_inches() * MM_PER_INCH)
    end = text.index(">", text.index("<svg")) + 1
    head = re.sub(r'\b(width|height)="[^"]*"', "", text[:end]).removesuffix(">")
    head += f' width="{width}" height="{height}" role="img">'
    title, description = (escape(one, quote=False) for one in texts)
    return f"{head}<title>{title}</title><desc>{description}</desc>{text[end:]}".encode()


def _prefix_ids(root: Any, prefix: str) -> None:
    for node in root.getElementsByTagName("*"):
        for key, value in list(node.attributes.items()):
            if key == "id":
                node.setAttribute(key, f"{prefix}-{value}")
            elif key == "xlink:href" and value.startswith("#"):
                node.setAttribute(key, f"#{prefix}-{value[1:]}")
            elif "url(#" in value:
                node.setAttribute(key, value.replace("url(#", f"url(#{prefix}-"))


def _describe(document: Any, root: Any, prefix: str, texts: tuple[str, str]) -> None:
    first = root.firstChild
    for tag, text in zip(("title", "desc"), texts, strict=True):
        node = document.createElement(tag)
        node.setAttribute("id", f"{prefix}-{tag}")
        node.appendChild(document.createTextNode(text))
        root.insertBefore(node, first)
    root.setAttribute("id", prefix)
    root.setAttribute("role", "img")
    root.setAttribute("aria-labelledby", f"{prefix}-title {prefix}-desc")
    root.setAttribute("stroke-linejoin", "round")
