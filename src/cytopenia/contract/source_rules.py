"""What can be doubtful while a source is read: workbooks, statistics files, CDISC, REDCap, FHIR, OMOP."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cytopenia.contract.finding_rule import FindingRule

__all__ = ["SOURCE_RULES"]

_UNJUDGED = "These rows are not judged."

SOURCE_RULES: Mapping[str, FindingRule] = MappingProxyType(
    {
        "rows_above_headings": FindingRule("info", None, ""),
        "rows_below_last_row": FindingRule("info", None, ""),
        "headings_spread": FindingRule(
            "info",
            None,
            "Merged cells are known only in .xlsx files. Check the columns, or save the file as .xlsx.",
        ),
        "filled_down": FindingRule("info", None, ""),
        "merged_cells": FindingRule(
            "warning", None, "Only the first row of each has the value; name the column in fill_down."
        ),
        "sheets_not_read": FindingRule(
            "info", None, 'Name the sheets that count: sheets = ["...", "..."], or ["*"] for all.'
        ),
        "sheets_stacked": FindingRule("info", None, ""),
        "columns_not_in_every_sheet": FindingRule(
            "warning", None, "They are blank in the other sheets; give every sheet the same headings."
        ),
        "hidden_cells": FindingRule("warning", None, "They were read like all others; check what they are."),
        "formula_cells": FindingRule(
            "info", None, "The results stored in the file were used; nothing was computed."
        ),
        "formula_without_result": FindingRule(
            "warning",
            None,
            "These cells are missing. Open the file in the spreadsheet program, save it, and read it again.",
        ),
        "error_cells": FindingRule(
            "warning", None, "These cells (#DIV/0!, #REF! ...) are missing; correct the formulas."
        ),
        "workbook_not_checked": FindingRule(
            "warning",
            None,
            "A formula without a stored result may read as 0. Save it as .xlsx, which is checked in full.",
        ),
        "date_as_value": FindingRule(
            "warning",
            "value",
            "These rows are not judged. A spreadsheet may have turned a number such as 1.5 into a date; "
            "correct the cells and format them as numbers.",
        ),
        "columns_not_used": FindingRule("info", None, ""),
        "day_columns": FindingRule("info", "day", ""),
        "value_labels": FindingRule(
            "info", None, "Name the column in keep_codes of the mapping to read its codes instead."
        ),
        "code_without_label": FindingRule(
            "warning", None, "It stays as it stands; give it a label, or declare it as missing."
        ),
        "shared_label": FindingRule(
            "warning", None, "They cannot be told apart; give every code a label of its own."
        ),
        "labels_absent": FindingRule(
            "warning", None, "The codes stay as they are; export the file with its labels, or map the codes."
        ),
        "declared_missing": FindingRule("info", None, ""),
        "shortened_numbers": FindingRule(
            "info", None, "The shortest decimal that gives the stored bytes was taken."
        ),
        "study_day_zero": FindingRule(
            "warning", "day", "Study days have no day 0; the day is not known from it. Correct the variable."
        ),
        "study_day_disagrees": FindingRule(
            "warning", "day", "The date was used; correct the date, the study day or the reference day."
        ),
        "other_specimen": FindingRule("info", "analyte", "They were left out."),
        "standard_result_used": FindingRule("info", "unit", "The standard result was used."),
        "results_disagree": FindingRule(
            "warning", "value", "The original was used; one of the two, or its unit, is wrong."
        ),
        "derived_rows": FindingRule("info", None, "They were left out."),
        "not_infused": FindingRule(
            "warning", "patient_id", "Check that every name of the infusion is under [data.cdisc]."
        ),
        "names_not_mapped": FindingRule(
            "info", None, "They are not used; name those that count under [data.cdisc]."
        ),
        "probably_support": FindingRule(
            "warning",
            None,
            "They are not used; name growth factors and transfusions in support under [data.cdisc].",
        ),
        "redcap_fetched": FindingRule(
            "info", None, "The project is not frozen; keep this line with the results."
        ),
        "not_in_dictionary": FindingRule(
            "warning", None, "They are not used. Is the data dictionary of the same project and day?"
        ),
        "fields_not_mapped": FindingRule(
            "info", None, "They are not used; name those that count under [data.redcap]."
        ),
        "probably_labs": FindingRule(
            "warning", None, "They are not used but look like blood counts; name those that count in labs."
        ),
        "checkbox_not_asked": FindingRule("info", None, "They are missing there, not 'no'."),
        "condition_blank": FindingRule(
            "warning", None, "These rows are not used, which need not mean 'no'; fill in the field."
        ),
        "several_values": FindingRule("warning", None, "The first in the order of the export was taken."),
        "identifier_used": FindingRule(
            "warning", None, "They will stand in the results; leave them out of the mapping unless needed."
        ),
        "several_arms": FindingRule(
            "warning",
            "patient_id",
            "All their rows were taken; name the events of one arm if only one counts.",
        ),
        "event_without_day": FindingRule(
            "warning", "day", "These rows have no day and are not judged; add the events to days."
        ),
        "instances_share_day": FindingRule(
            "warning", "day", "If they are draws of different days, give the field with the date instead."
        ),
        "instrument_not_in_event": FindingRule(
            "warning", None, "Nothing is read there; check days and events."
        ),
        "record_not_infused": FindingRule(
            "warning", "patient_id", "Check that every infusion is under [data.redcap.infusions]."
        ),
        "line_not_read": FindingRule(
            "warning", None, "What stands there is not used. Correct the file, or export it again."
        ),
        "entered_in_error": FindingRule("info", None, "They were left out."),
        "older_version": FindingRule("info", None, "The newest version of each was kept."),
        "id_of_two_patients": FindingRule(
            "warning",
            "patient_id",
            "The newest was kept. Do not mix the exports of two systems in one folder.",
        ),
        "identifier_missing": FindingRule(
            "warning", "patient_id", "'Patient/' and the technical id stand in its place; correct identifier."
        ),
        "not_done": FindingRule("info", None, "They were left out; only what was done counts."),
        "preliminary": FindingRule("warning", "value", "They are used; export again when they are final."),
        "code_unlisted": FindingRule(
            "warning",
            None,
            "Not used. If it is one of ours, map it in codes = { 'system|code' = 'anc' } under [data.fhir], "
            "else map it to 'ignore'.",
        ),
        "code_left_out": FindingRule("info", None, ""),
        "code_apart": FindingRule(
            "info", "analyte", "Kept apart and not used; map the code to an analyte if it shall count."
        ),
        "name_apart": FindingRule(
            "info",
            "analyte",
            "Kept apart and not used; map the name in analytes = { 'their name' = 'hemoglobin' } if it shall "
            "count.",
        ),
        "codes_disagree": FindingRule(
            "warning", "analyte", "Not used. Map one of the codes under [data.fhir], the others to 'ignore'."
        ),
        "unit_as_text": FindingRule("info", "unit", "The text was read as a listed unit."),
        "two_units": FindingRule("warning", "unit", _UNJUDGED + " Correct the unit or its code."),
        "several_units": FindingRule("info", "unit", "Every value was converted from its own unit."),
        "limit_in_other_unit": FindingRule("warning", "lln", "The limits of these rows are not used."),
        "time_in_utc": FindingRule(
            "warning",
            "date",
            "The day is the one that is printed; a draw in the evening or at night may belong to another "
            "local day. State time_zone under [data], or export with the local time zone.",
        ),
        "local_day": FindingRule("info", "date", "The local day counts."),
        "anc_computed": FindingRule(
            "warning", "value", "Check some of them: bands may or may not be in the percentage."
        ),
        "anc_not_computed": FindingRule(
            "warning", "value", "No ANC was computed there; keep one of each, or give the ANC itself."
        ),
        "percent_as_unit": FindingRule(
            "info", "unit", "They were read as the percentage, and are no ANC by themselves."
        ),
        "percent_not_used": FindingRule("info", "value", ""),
        "death_undated": FindingRule("warning", "kind", "Give the date; without it the death is not known."),
        "age_unknown": FindingRule("info", "age_years", "It needs a full birth date and an infusion."),
        "infusion_code_missing": FindingRule(
            "warning",
            None,
            "Map the code of the infusion, codes = { 'system|code' = 'infusion' } under [data.fhir], or give "
            "an infusions table beside the files.",
        ),
        "vocabulary_missing": FindingRule(
            "warning",
            None,
            "Concepts that are not in the reviewed table are not known; map them in concepts.",
        ),
        "concept_disagrees": FindingRule(
            "warning", None, "It is not used. Map it in concepts under [data.omop] if it shall count."
        ),
        "concept_unlisted": FindingRule(
            "warning",
            None,
            "Not used. If it is one of ours, map it under [data.omop], concepts = { '3013650' = 'anc' } or "
            "source_values = { 'ANC-LAB1' = 'anc' }, else map it to 'ignore'.",
        ),
        "descendants_unknown": FindingRule(
            "warning",
            None,
            "Name every concept under [data.omop], or load concept_ancestor into vocabulary_schema.",
        ),
        "connection_lost": FindingRule("info", None, ""),
        "value_from_text": FindingRule(
            "info", "value", "There is no number, or the text has a sign that the number lacks."
        ),
        "day_of_time_apart": FindingRule(
            "warning", "date", "measurement_date was taken, without a time; check how the times were loaded."
        ),
        "age_from_year": FindingRule(
            "info", "age_years", "Their age is the difference of the years, at most one year too high."
        ),
        "infusions_on_several_days": FindingRule(
            "warning",
            "day",
            "Every day is an infusion, and the course ends at the second. Where one infusion stands in two "
            "tables with two days, name the concept of one table, or give a cohort_table.",
        ),
        "contact_from_period": FindingRule(
            "info", "kind", "Its end may be the day of the export; check that before an analysis of time."
        ),
        "drug_types": FindingRule(
            "info",
            None,
            "What was prescribed was not always given; state drug_types to keep administrations alone.",
        ),
        "number_missing": FindingRule("warning", "patient_id", "'person/' and person_id stand in its place."),
        "table_from_file": FindingRule("info", None, ""),
    }
)
