"""The fields of a form that a page has sent."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request

__all__ = ["read_form"]


async def read_form(request: Request) -> dict[str, list[str]]:
    """Return the values of each field, as sent; its size was limited at the door."""
    body = (await request.body()).decode("utf-8", errors="replace")
    return parse_qs(body, keep_blank_values=True)
