"""Shared looks of the figures, and the way from a matplotlib figure to inline SVG."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.dom import minidom

from cytopenia.report.display import clean_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FAINT",
    "GRADE_COLORS",
    "GRID",
    "INK",
    "LINE",
    "MUTED",
    "SYNTHETIC_LABEL",
    "ReportFigure",
    "drawing",
    "finish_figure",
    "page_axes",
    "render_png",
    "render_svg",
]

POINTS_PER_INCH = 72
# A picture is made for a page of a document: at most so many inches wide and high, so many pixels per inch.
PRINT_WIDTH, PRINT_HEIGHT, PRINT_DPI = 6.7, 8.5, 300
INK, MUTED, FAINT, GRID = "#1c2430", "#5b6673", "#9aa5b1", "#e3e7eb"
LINE = "#1f4e79"
# Lightness falls from grade to grade, so the order survives gray print and color blindness.
GRADE_COLORS = ("#e1ebf3", "#f2c14e", "#e8862e", "#b8312a", "#470a1c")
SYNTHETIC_LABEL = "Synthetic data: no patient"


@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A finished figure: inline SVG with its own title and description, and the caption below it.

    `description` says in words what can be seen, for those who cannot see it. `make_png` draws the same
    figure as a picture; it is called only where a document needs one, because it takes as long as the SVG.
    """

    id: str
    title: str
    caption: str
    svg: str
    description: str = ""
    make_png: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def png(self) -> bytes:
        """The figure as PNG, drawn anew; empty where it was finished without a picture."""
        return b"" if self.make_png is None else self.make_png()


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
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The browser has the glyph of an emoji or a Chinese name even if the font measured with has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def page_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure and axes whose coordinates are points, counted from the top left corner."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), dpi=POINTS_PER_INCH)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def finish_figure(
    figure: Figure, name: str, *, title: str, caption: str, description: str, synthetic: bool
) -> ReportFigure:
    """Return a drawn figure as a report shows it: SVG now, PNG when it is asked for.

    Both show the same, the label of synthetic data included.
    """
    svg = render_svg(figure, name, title=title, description=description, synthetic=synthetic)
    return ReportFigure(
        id=name,
        title=title,
        caption=caption,
        svg=svg,
        description=description,
        make_png=partial(render_png, figure, name),
    )


def render_png(figure: Figure, name: str) -> bytes:
    """Return the figure as PNG with as many pixels as a printed page needs, and no program name or date."""
    width, height = figure.get_size_inches()
    shrink = min(1.0, PRINT_WIDTH / width, PRINT_HEIGHT / height)
    buffer = io.BytesIO()
    with drawing(name):
        figure.savefig(buffer, format="png", dpi=PRINT_DPI * shrink, metadata={"Software": None})
    return buffer.getvalue()


def render_svg(figure: Figure, name: str, *, title: str, description: str, synthetic: bool) -> str:
    """Return the figure as an SVG element for an HTML page.

    Every id carries "svg-" and `name` in front, so figures on one page do not touch each other; the
    element has the role of an image with title and description for those who cannot see it. No date, no
    program name, no style sheet that would leak into the page.
    """
    if synthetic:
        width, height = figure.get_size_inches() * POINTS_PER_INCH
        look: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 6.5, "color": MUTED}
        figure.text(1 - 4 / width, 1 - 4 / height, SYNTHETIC_LABEL, **look)
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
