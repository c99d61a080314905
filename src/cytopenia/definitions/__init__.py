"""Definitions as data: load the files, check them, say what they mean."""

from __future__ import annotations

from cytopenia.definitions.describe import describe_definition
from cytopenia.definitions.library import Library, load_definition, load_library

__all__ = ["Library", "describe_definition", "load_definition", "load_library"]
