"""The one look of all figures, and the way from a matplotlib figure to inline SVG, files and pictures."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.ahead import make_ahead
from cytopenia.report.display import clean_text
from cytopenia.report.figure_formats import convert_figure

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
    "fill_limits",
    "finish_figure",
    "make_canvas",
    "page_axes",
    "render_svg",
]

POINTS_PER_INCH = 72
MM_PER_INCH = 25.4
# The two widths that journals print, in points: one column (85 mm) and the page (175 mm).
NARROW_WIDTH, FULL_WIDTH = (mm / MM_PER_INCH * POINTS_PER_INCH for mm in (85, 175))
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
SYNTHETIC_LABEL = "Synthetic data: no patient"
# What the drawing library writes and a page must not have; a text in its SVG never holds "<" or ">" as such.
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
STYLE_SHEET = re.compile(r"\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
LEFT_OUT = re.compile(r'\s(?:width|height|version)="[^"]*"')
TAG = re.compile(r"<[a-z][^>]*>")
REFERENCE = re.compile(r'(\sid="|xlink:href="#|url\(#)')


@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A finished figure: inline SVG with its own title and description, and the caption below it.

    `description` says in words what can be seen, for those who cannot see it; it is the alternative text of
    every format. `data` holds the numbers that were drawn. `make_file` turns the SVG into a format for a file
    or a document, "picture" being the one of a document.
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
        """The figure as a picture for a document; empty where it was finished without one."""
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

    settings: dict[Any, Any] = {
        "svg.hashsalt": name,
        "svg.fonttype": "none",
        "font.family": "sans-serif",
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


def make_canvas(height: float, width: float = FULL_WIDTH) -> Figure:
    """Return an empty figure as wide as a page or column of a journal; sizes in points."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), dpi=POINTS_PER_INCH)


def fill_limits(values: Sequence[float], limits: Sequence[float | None]) -> list[float]:
    """Return the limits of a band as they are drawn: without width where there is no interval.

    Examples
    --------
    >>> fill_limits([0.0, 0.5, 1.0], [0.0, 0.25, None])
    [0.0, 0.25, 1.0]
    """
    return [value if limit is None else limit for value, limit in zip(values, limits, strict=True)]


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
        make_file=make_ahead(partial(_convert, svg, title, description)),
    )


def _convert(svg: str, title: str, description: str, form: str) -> bytes:
    return convert_figure(svg, form, title=title, description=description)


def render_svg(figure: Figure, name: str, *, title: str, description: str, synthetic: bool) -> str:
    """Return the figure as an SVG element for an HTML page.

    Every id carries "svg-" and `name` in front, so figures on one page do not touch each other; the
    element has the role of an image with title and description for those who cannot see it. No date, no
    program name, no style sheet that would leak into the page.
    """
    width, height = figure.get_size_inches() * POINTS_PER_INCH
    if synthetic:
        look: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 6, "color": MUTED}
        figure.text(1 - 4 / width, 1 - 3 / height, SYNTHETIC_LABEL, **look)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    head, _, body = buffer.getvalue().partition("<svg")[2].partition(">")
    prefix = f"svg-{name}"
    for part in (METADATA, STYLE_SHEET):
        body = part.sub("", body, count=1)
    body = TAG.sub(lambda tag: REFERENCE.sub(rf"\1{prefix}-", tag[0]), body.rstrip())
    first = f'<svg{LEFT_OUT.sub("", head)} id="{prefix}" role="img" stroke-linejoin="round"'
    texts = zip(("title", "desc"), (clean_text(title), clean_text(description)), strict=True)
    described = "".join(
        f'<{tag} id="{prefix}-{tag}">{escape(text, quote=False)}</{tag}>' for tag, text in texts
    )
    return f'{first} aria-labelledby="{prefix}-title {prefix}-desc">{described}{body}'
