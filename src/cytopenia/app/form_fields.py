"""The fields of a form that a page has sent."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request

from cytopenia.app.failures import RefusedError

__all__ = ["parse_fields", "read_form"]

_MOST_FIELDS = 5000


def parse_fields(body: bytes) -> dict[str, list[str]]:
    """Return the values of each field of a form.

    Raises
    ------
    RefusedError
        There are more fields than any page of ours has.

    Examples
    --------
    >>> parse_fields(b"name=My+cohort&kind=")
    {'name': ['My cohort'], 'kind': ['']}
    """
    try:
        text = body.decode("utf-8", errors="replace")
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as cause:
        raise RefusedError(422, "refusal.many_fields") from cause


async def read_form(request: Request) -> dict[str, list[str]]:
    """Return the values of each field, as sent; its size was limited at the door."""
    return parse_fields(await request.body())
