"""A data set as CDISC Dataset-JSON 1.1: the texts whole and in UTF-8, dates in ISO 8601."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from cytopenia.report.adam_frames import FittedDataset

__all__ = ["render_dataset_json"]

_VERSION = "1.1.0"
_TYPES = {
    "text": "string",
    "integer": "integer",
    "float": "double",
    "date": "date",
    "datetime": "datetime",
}
_FORMATS = {"date": "DATE9.", "datetime": "DATETIME20."}


def render_dataset_json(fitted: FittedDataset, *, study: str, written: str, version: str) -> str:
    """Return the data set as Dataset-JSON 1.1.

    Parameters
    ----------
    fitted : FittedDataset
    study : str
        STUDYID.
    written : str
        Date and time in ISO 8601.
    version : str
        Of this package.
    """
    keys = {name: number for number, name in enumerate(fitted.dataset.keys, 1)}
    columns: list[dict[str, Any]] = []
    for one in fitted.variables:
        column: dict[str, Any] = {
            "itemOID": f"IT.{fitted.name}.{one.name}",
            "name": one.name,
            "label": one.label,
            "dataType": _TYPES[one.type],
        }
        if one.type in _FORMATS:
            column |= {"targetDataType": "integer", "displayFormat": _FORMATS[one.type]}
        if one.type == "text":
            column["length"] = fitted.length(one)
        if one.name in keys:
            column["keySequence"] = keys[one.name]
        columns.append(column)
    head = {
        "datasetJSONCreationDateTime": written,
        "datasetJSONVersion": _VERSION,
        "sourceSystem": {"name": "cytopenia", "version": version},
        "studyOID": f"ST.{study}",
        "metaDataVersionOID": f"MDV.{study}",
        "metaDataRef": "../define.xml",
        "itemGroupOID": f"IG.{fitted.name}",
        "records": fitted.frame.height,
        "name": fitted.name,
        "label": fitted.label,
        "columns": columns,
    }
    rows = _write_dates(fitted.frame).rows()
    return json.dumps({**head, "rows": [list(row) for row in rows]}, ensure_ascii=False) + "\n"


def _write_dates(frame: pl.DataFrame) -> pl.DataFrame:
    dates = [name for name, dtype in frame.schema.items() if dtype == pl.Date]
    moments = [name for name, dtype in frame.schema.items() if dtype == pl.Datetime]
    return frame.with_columns(
        *(pl.col(name).dt.strftime("%Y-%m-%d") for name in dates),
        *(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S") for name in moments),
    )
