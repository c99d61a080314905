"""New ids and shifted dates for what leaves a hospital: from a key, the same for the same patient and key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from cytopenia.errors import DataError, ReaderError
from cytopenia.forms import read_bytes
from cytopenia.grading.explain import PatientExplanation
from cytopenia.grading.patient_page import PatientPage

__all__ = ["draw_key", "find_new_id", "find_shift", "read_key", "rename_patient", "shift_dates"]

# A shorter key could be found by trying all of them.
FEWEST_KEY_BYTES = 16
MOST_SHIFT_DAYS = 364
_LETTERS = 10


def draw_key() -> bytes:
    """Return a key that nobody keeps: the ids and shifts made with it cannot be made again."""
    return secrets.token_bytes(32)


def read_key(path: Path) -> bytes:
    """Return the key in a file, without blanks around it.

    Raises
    ------
    ReaderError
        The file cannot be read.
    DataError
        The key is too short to keep anything secret.
    """
    key = read_bytes(path, error=ReaderError).strip()
    if len(key) < FEWEST_KEY_BYTES:
        raise DataError(
            f"{path.name}: the key has {len(key)} characters; it needs at least {FEWEST_KEY_BYTES}."
            " Put a long random text into the file and keep it where the patients' ids are kept."
        )
    return key


def find_new_id(patient_id: str, key: bytes) -> str:
    """Return the new id of a patient: ten letters and digits that say nothing of the old one without the key.

    Examples
    --------
    >>> find_new_id("4711", b"a key of sixteen or more")
    'P-ZAM3CM6WXY'
    """
    code = base64.b32encode(_digest("id", patient_id, key)).decode("ascii")
    return f"P-{code[:_LETTERS]}"


def find_shift(patient_id: str, key: bytes) -> int:
    """Return by how many days the dates of a patient are moved: 1 to 364 days earlier or later.

    Examples
    --------
    >>> find_shift("4711", b"a key of sixteen or more")
    -183
    """
    number = int.from_bytes(_digest("shift", patient_id, key), "big") % (2 * MOST_SHIFT_DAYS)
    return number - MOST_SHIFT_DAYS if number < MOST_SHIFT_DAYS else number - MOST_SHIFT_DAYS + 1


def _digest(purpose: str, patient_id: str, key: bytes) -> bytes:
    return hmac.new(key, f"{purpose}:{patient_id}".encode(), hashlib.sha256).digest()


def rename_patient(explained: PatientExplanation, new_id: str) -> PatientExplanation:
    """Return the explanation under a new id, also in the rows that its outcomes quote."""
    outcomes = tuple(
        replace(one, row={name: new_id if name == "patient_id" else value for name, value in one.row.items()})
        for one in explained.outcomes
    )
    return replace(explained, patient_id=new_id, outcomes=outcomes)


def shift_dates(page: PatientPage, days: int) -> PatientPage:
    """Return the page with its calendar dates moved, all by the same number of days."""
    if page.day_zero_date is None:
        return page
    return replace(page, day_zero_date=_move(page.day_zero_date, days), is_shifted=True)


def _move(day: date, days: int) -> date:
    return day + timedelta(days=days)
