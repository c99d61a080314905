"""The frame that HTML pages of this package share: templates, one style sheet, every text escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from cytopenia.report.display import clean_text
from cytopenia.report.table_model import footnote_mark

__all__ = ["load_page"]


def load_page(template: str, **parts: Any) -> str:
    """Return a page in the frame of the report: its style sheet, and every text escaped.

    Parameters
    ----------
    template : str
        Its name. It finds the style sheet as `style`, and passes SVG of this package through `as_svg`.
    **parts
        What the template shows.
    """
    from markupsafe import Markup

    environment = _make_environment()
    style, _, _ = environment.loader.get_source(environment, "report.css")
    # Both were written by this package; every other text is escaped by the template.
    page = environment.get_template(template).render(style=Markup(style), as_svg=Markup, **parts)  # noqa: S704
    return str(page).lstrip()


@cache
def _make_environment() -> Any:
    """The templates, compiled once for all reports of a process."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment: Any = Environment(
        loader=PackageLoader("cytopenia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clean"] = clean_text
    environment.filters["mark"] = footnote_mark
    environment.filters["anchor"] = _make_anchor
    return environment


def _make_anchor(text: object) -> str:
    """Return text as an id: an id of an analysis may hold anything, an HTML id no space."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in clean_text(text))
