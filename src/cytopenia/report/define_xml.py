"""Define-XML 2.1: what the data sets hold, where each variable comes from, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from cytopenia.adam_metadata import AdamVariable
from cytopenia.report.adam_frames import FittedDataset

__all__ = ["DefineWords", "render_define"]

_ODM = "http://www.cdisc.org/ns/odm/v1.3"
_DEF = "http://www.cdisc.org/ns/def/v2.1"
_XLINK = "http://www.w3.org/1999/xlink"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_STANDARD = "STD.ADAMIG"
_FORMATS = {"date": "DATE9.", "datetime": "DATETIME20."}
# Numbers of SAS dates are integers for Define-XML; the format says that they are dates.
_TYPES = {"text": "text", "integer": "integer", "float": "float", "date": "integer", "datetime": "integer"}
_DIGITS = 17


@dataclass(frozen=True, kw_only=True)
class DefineWords:
    """What the document says beside the data sets.

    Attributes
    ----------
    study : str
        STUDYID.
    title : str
    written : str
        Date and time in ISO 8601.
    version : str
        Of this package.
    filled : mapping of str to str
        What stands for {definition} and {baseline}.
    """

    study: str
    title: str
    written: str
    version: str
    filled: Mapping[str, str]


def render_define(datasets: Sequence[FittedDataset], words: DefineWords) -> bytes:
    """Return the document."""
    for prefix, space in (("", _ODM), ("def", _DEF), ("xlink", _XLINK)):
        ET.register_namespace(prefix, space)
    root = ET.Element(
        _odm("ODM"),
        {
            "FileType": "Snapshot",
            "FileOID": f"DEFINE.{words.study}",
            "CreationDateTime": words.written,
            "ODMVersion": "1.3.2",
            "SourceSystem": "cytopenia",
            "SourceSystemVersion": words.version,
            _def("Context"): "Other",
        },
    )
    version = _begin(root, words)
    for fitted in datasets:
        _add_dataset(version, fitted)
    for fitted in datasets:
        for one in fitted.variables:
            _add_variable(version, fitted, one, words)
    _add_codelists(version, datasets)
    _add_methods(version, datasets, words)
    _add_comments(version, datasets, words)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _odm(name: str) -> str:
    return f"{{{_ODM}}}{name}"


def _def(name: str) -> str:
    return f"{{{_DEF}}}{name}"


def _add(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, _odm(name), attributes)


def _describe(parent: ET.Element, text: str, *, element: str = "Description") -> None:
    told = ET.SubElement(_add(parent, element), _odm("TranslatedText"), {_LANG: "en"})
    told.text = text


def _begin(root: ET.Element, words: DefineWords) -> ET.Element:
    study = _add(root, "Study", OID=f"ST.{words.study}")
    names = _add(study, "GlobalVariables")
    for name, text in (
        ("StudyName", words.study),
        ("StudyDescription", words.title),
        ("ProtocolName", words.study),
    ):
        _add(names, name).text = text
    version = ET.SubElement(
        study,
        _odm("MetaDataVersion"),
        {
            "OID": f"MDV.{words.study}",
            "Name": f"Study {words.study}, Data Definitions",
            _def("DefineVersion"): "2.1.0",
        },
    )
    standards = ET.SubElement(version, _def("Standards"))
    ET.SubElement(
        standards,
        _def("Standard"),
        {"OID": _STANDARD, "Name": "ADaMIG", "Type": "IG", "Version": "1.3", "Status": "Final"},
    )
    return version


def _add_dataset(version: ET.Element, fitted: FittedDataset) -> None:
    name = fitted.name
    group = ET.SubElement(
        version,
        _odm("ItemGroupDef"),
        {
            "OID": f"IG.{name}",
            "Name": name,
            "Repeating": "No" if name == "ADSL" else "Yes",
            "IsReferenceData": "No",
            "SASDatasetName": name,
            "Purpose": "Analysis",
            _def("Structure"): fitted.dataset.structure,
            _def("StandardOID"): _STANDARD,
            _def("ArchiveLocationID"): f"LF.{name}",
        },
    )
    _describe(group, fitted.label)
    keys = {key: str(number) for number, key in enumerate(fitted.dataset.keys, 1)}
    for number, one in enumerate(fitted.variables, 1):
        reference = {
            "ItemOID": f"IT.{name}.{one.name}",
            "OrderNumber": str(number),
            "Mandatory": "Yes" if one.name in keys and one.name != "ADY" else "No",
        }
        if one.name in keys:
            reference["KeySequence"] = keys[one.name]
        if one.origin == "Derived":
            reference["MethodOID"] = f"MT.{name}.{one.name}"
        if one.own:
            reference[_def("IsNonStandard")] = "Yes"
        ET.SubElement(group, _odm("ItemRef"), reference)
    kind = ET.SubElement(group, _def("Class"), {"Name": fitted.dataset.dataset_class})
    if fitted.dataset.subclass:
        ET.SubElement(kind, _def("SubClass"), {"Name": fitted.dataset.subclass})
    file = f"{name.lower()}.xpt"
    leaf = ET.SubElement(group, _def("leaf"), {"ID": f"LF.{name}", f"{{{_XLINK}}}href": file})
    ET.SubElement(leaf, _def("title")).text = file


def _add_variable(version: ET.Element, fitted: FittedDataset, one: AdamVariable, words: DefineWords) -> None:
    attributes = {
        "OID": f"IT.{fitted.name}.{one.name}",
        "Name": one.name,
        "SASFieldName": one.name,
        "DataType": _TYPES[one.type],
        "Length": str(fitted.length(one)),
    }
    if one.type == "float":
        attributes |= {"Length": str(_DIGITS), "SignificantDigits": str(_DIGITS - 2)}
    if one.type in _FORMATS:
        attributes[_def("DisplayFormat")] = _FORMATS[one.type]
    if one.origin == "Assigned":
        attributes[_def("CommentOID")] = f"COM.{fitted.name}.{one.name}"
    item = ET.SubElement(version, _odm("ItemDef"), attributes)
    _describe(item, one.label)
    if one.codelist:
        _add(item, "CodeListRef", CodeListOID=f"CL.{one.codelist}")
    source = {} if one.origin == "Predecessor" else {"Source": "Sponsor"}
    origin = ET.SubElement(item, _def("Origin"), {"Type": one.origin, **source})
    if one.origin == "Predecessor":
        _describe(origin, _fill(one, words))


def _fill(one: AdamVariable, words: DefineWords) -> str:
    """The derivation, with what the run used in the place of {definition} and {baseline}."""
    text = one.how
    for name, told in words.filled.items():
        text = text.replace(f"{{{name}}}", told)
    return text


def _add_codelists(version: ET.Element, datasets: Sequence[FittedDataset]) -> None:
    lists = {name: one for fitted in datasets for name, one in fitted.codelists.items()}
    numbers = {one.codelist for fitted in datasets for one in fitted.variables if one.type == "integer"}
    for name, one in lists.items():
        attributes = {
            "OID": f"CL.{name}",
            "Name": one.title if "." not in name else f"{one.title} of {name.partition('.')[0]}",
            "DataType": "integer" if name in numbers else "text",
            _def("IsNonStandard"): "Yes",
        }
        codelist = ET.SubElement(version, _odm("CodeList"), attributes)
        for value, meaning in one.terms.items():
            _describe(_add(codelist, "CodeListItem", CodedValue=value), meaning, element="Decode")


def _add_methods(version: ET.Element, datasets: Sequence[FittedDataset], words: DefineWords) -> None:
    for fitted in datasets:
        for one in fitted.variables:
            if one.origin == "Derived":
                method = _add(
                    version,
                    "MethodDef",
                    OID=f"MT.{fitted.name}.{one.name}",
                    Name=f"Derivation of {fitted.name}.{one.name}",
                    Type="Computation",
                )
                _describe(method, _fill(one, words))


def _add_comments(version: ET.Element, datasets: Sequence[FittedDataset], words: DefineWords) -> None:
    for fitted in datasets:
        for one in fitted.variables:
            if one.origin == "Assigned":
                comment = ET.SubElement(version, _def("CommentDef"), {"OID": f"COM.{fitted.name}.{one.name}"})
                _describe(comment, _fill(one, words))
