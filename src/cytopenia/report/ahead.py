"""Files of figures made by a second thread, while the next figure is drawn and the report is written."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["make_ahead", "making_ahead"]

MakeFile = Callable[[str], bytes]

_AHEAD: ContextVar[Callable[[MakeFile], MakeFile] | None] = ContextVar("files ahead", default=None)


@contextmanager
def making_ahead(forms: Sequence[str]) -> Generator[ThreadPoolExecutor]:
    """Have each figure that is finished inside the block made in these forms at once, by another thread.

    A figure is asked for its files as ever, and waits for those that are not ready; an error comes then. The
    thread is given for more that lets others run, as the typesetter does. Bytes are those made without it.

    Parameters
    ----------
    forms : sequence of str
        Those of `convert_figure`.
    """
    # One thread: what it runs takes a core to itself, and the writing of the report has the other.
    thread = ThreadPoolExecutor(max_workers=1)

    def begin(make: MakeFile) -> MakeFile:
        begun = {form: thread.submit(make, form) for form in forms}
        return lambda form: begun[form].result() if form in begun else make(form)

    token = _AHEAD.set(begin)
    try:
        yield thread
    finally:
        _AHEAD.reset(token)
        thread.shutdown(cancel_futures=True)


def make_ahead(make: MakeFile) -> MakeFile:
    """Return what makes the files of a figure: begun already inside `making_ahead`, else as given."""
    begin = _AHEAD.get()
    return make if begin is None else begin(make)
