"""The closed list of what can be doubtful in the data: every rule has a severity and says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cytopenia.contract.finding_rule import FindingRule
from cytopenia.contract.source_rules import SOURCE_RULES

__all__ = ["RULES", "FindingRule"]

_UNJUDGED = "These rows are not judged."

RULES: Mapping[str, FindingRule] = MappingProxyType(
    {
        "file_read": FindingRule("info", None, ""),
        "mapping_unused": FindingRule("warning", None, "Correct the name in the mapping, or remove it."),
        **SOURCE_RULES,
        "patient_id_absent": FindingRule(
            "info",
            "patient_id",
            "Rows are judged one by one; whole courses need patient_id and day (or date).",
        ),
        "day_absent": FindingRule(
            "info", "day", "Rows are judged one by one; whole courses need patient_id and day (or date)."
        ),
        "patient_id_missing": FindingRule("error", "patient_id", "Fill in patient_id, or remove these rows."),
        "patient_id_blanks": FindingRule(
            "warning",
            "patient_id",
            "They are read as one patient; if they are two, correct patient_id.",
        ),
        "patient_id_near": FindingRule(
            "warning",
            "patient_id",
            "They could be one patient and are read as two; if they are one, write patient_id in one way.",
        ),
        "patients_from_labs": FindingRule(
            "info", "patient_id", "Give a patients table to describe the cohort."
        ),
        "infusions_from_patients": FindingRule("info", "infusion_date", ""),
        "duplicate_patients": FindingRule(
            "error", "patient_id", "Keep one row per patient; put repeated infusions in the infusions table."
        ),
        "not_in_patients": FindingRule(
            "warning", "patient_id", "Add them to the patients table, or correct the spelling of patient_id."
        ),
        "without_infusion": FindingRule(
            "warning", "patient_id", "Their dates cannot be placed; add their infusion, or remove them."
        ),
        "without_labs": FindingRule(
            "warning", "patient_id", "Their outcomes cannot be judged; check the spelling of patient_id."
        ),
        "infusion_date_missing": FindingRule(
            "error", "infusion_date", "Fill in infusion_date (or day), or remove the row."
        ),
        "no_infusion_date": FindingRule(
            "error",
            "date",
            "Give infusion_date in an infusions or patients table, or days instead of dates. Only where none "
            'can be had: day_zero = "first" (--day-zero first) counts from each patient\'s first '
            "laboratory day, and windows, day 28 and ICAHT with it.",
        ),
        "day_zero_first": FindingRule(
            "warning",
            "day",
            "Day 0 is each patient's first laboratory day, not the infusion: windows, day 28 and ICAHT count "
            "from it. Give infusion_date in an infusions or patients table, and take day_zero away.",
        ),
        "chosen_unit_not_certain": FindingRule(
            "warning",
            "unit",
            "The values alone cannot tell; see a printout of the laboratory for the unit.",
        ),
        "infusion_column_unused": FindingRule(
            "warning",
            "date",
            "If it is, name it: under [data.infusions] the same file, and under [data.infusions.columns] "
            "infusion_date and patient_id; take day_zero away.",
        ),
        "infusion_date_in_other_rows": FindingRule("info", "infusion_date", ""),
        "day_zero_given": FindingRule("info", "day", "Give an infusions table to state it."),
        "duplicate_infusions": FindingRule("info", "day", "One row of each was kept."),
        "second_infusion": FindingRule("info", "day", "Their courses end at the second infusion."),
        "lymphodepletion_after_infusion": FindingRule(
            "error",
            "lymphodepletion_day",
            "Days before the infusion are negative (-5 is five days before); correct the day or date.",
        ),
        "first_infusion_not_day_0": FindingRule(
            "error",
            "day",
            "Days count from the first infusion, which is day 0; correct day, or give dates.",
        ),
        "day_and_date_disagree": FindingRule(
            "error", "day", "Remove one of the two columns, or correct them."
        ),
        "fractional_day": FindingRule(
            "warning",
            "day",
            "They were counted to the calendar day they fall in (0.4 is day 0, -0.5 is day -1).",
        ),
        "date_missing": FindingRule("warning", "date", _UNJUDGED),
        "date_not_read": FindingRule(
            "warning",
            "date",
            "Write dates as 2024-01-31 or 31.01.2024, or state date_format in the mapping, as %d.%m.%y. "
            "These rows have no day.",
        ),
        "ambiguous_date": FindingRule(
            "error",
            "date",
            'State date_format = "%d/%m/%Y" or date_format = "%m/%d/%Y" in the mapping of this table '
            "(%y for years of two digits).",
        ),
        "date_is_a_number": FindingRule(
            "error",
            "date",
            "Format the column as a date in the spreadsheet, or give days in the column 'day'.",
        ),
        "empty_labs": FindingRule("error", None, "Nothing can be judged."),
        "empty_table": FindingRule("info", None, ""),
        "analyte_missing": FindingRule("warning", "analyte", _UNJUDGED + " Fill in the name of the analyte."),
        "unknown_analyte": FindingRule(
            "warning",
            "analyte",
            _UNJUDGED + " If it is one of ours, map it in analytes = { 'their name' = 'anc' }, "
            "else map it to 'ignore'.",
        ),
        "unit_missing": FindingRule(
            "warning", "unit", _UNJUDGED + " Fill in the unit, or state it in default_units of the mapping."
        ),
        "unknown_unit": FindingRule(
            "warning",
            "unit",
            _UNJUDGED + " If it is another spelling of a listed unit, map it in units = "
            "{ 'their text' = 'listed unit' }.",
        ),
        "suspected_unit": FindingRule(
            "warning",
            "unit",
            "The unit may be wrong for the whole column; check it against the laboratory's own printout.",
        ),
        "unusual_value": FindingRule(
            "warning", "unit", "Is the unit right? The values are used as they stand; check them."
        ),
        "marked_invalid": FindingRule("info", "invalid", _UNJUDGED),
        "value_missing": FindingRule("info", "value", _UNJUDGED),
        "value_not_a_number": FindingRule(
            "warning",
            "value",
            _UNJUDGED
            + " Write 0.35, 0,35, <0.1 or >2000; put a reason such as 'clotted' into the column 'invalid'.",
        ),
        "ambiguous_number": FindingRule(
            "warning",
            "value",
            _UNJUDGED + ' A text such as 1,234 may be 1.234 or 1234: state decimal = "," or decimal = "." '
            "in the mapping.",
        ),
        "negative_value": FindingRule("warning", "value", _UNJUDGED),
        "implausible_value": FindingRule("warning", "value", _UNJUDGED + " Check the value and its unit."),
        "limit_not_a_number": FindingRule(
            "warning", "lln", "The limit is not used; give one number each in lln and uln."
        ),
        "limit_implausible": FindingRule(
            "warning", "lln", "The limit is not used; it must be in the unit of its row."
        ),
        "baseline_unusable": FindingRule(
            "warning", "baseline", "The baseline is not used; give one number in the unit of its row."
        ),
        "limit_missing": FindingRule(
            "warning",
            "lln",
            "Such grades are not judged. Map the column of the limits in columns = { lln = 'their column' }, "
            "or state the limit of your laboratory under [data.labs]: lln = { anc = { value = ..., "
            'unit = "1e9/L" } }.',
        ),
        "limits_reversed": FindingRule("warning", "lln", "Both limits are not used; lln must be below uln."),
        "limit_stated": FindingRule("info", "lln", ""),
        "duplicate_rows": FindingRule("info", None, "The first of each was kept."),
        "duplicate_between_systems": FindingRule(
            "info",
            None,
            "The one that is printed with more digits was kept, else the one with a time, else that of the "
            "system whose name comes first.",
        ),
        "rows_counted_on": FindingRule("info", None, ""),
        "systems_disagree": FindingRule(
            "warning", "value", "Both are kept, and the worse of the day counts; check which is right."
        ),
        "anc_above_wbc": FindingRule(
            "warning", "value", "Neutrophils cannot outnumber white cells; check the unit and the sample."
        ),
        "labs_before_infusion_only": FindingRule(
            "warning", "day", "Check the infusion dates of these patients."
        ),
        "labs_after_death": FindingRule(
            "warning", "day", "These values are not used; check the date of death."
        ),
        "death_before_infusion": FindingRule("error", "day", "Check the dates of death and infusion."),
        "several_deaths": FindingRule("error", "day", "Keep one death per patient."),
        "end_of_observation_missing": FindingRule(
            "warning",
            "kind",
            "Add an event 'death' or 'last_contact'; without it days without labs cannot be told from "
            "the end of observation.",
        ),
        "unknown_kind": FindingRule(
            "error",
            "kind",
            "These rows were left out. Correct the word, or map it in kinds "
            "(to 'ignore' if it is not needed).",
        ),
        "unknown_response": FindingRule(
            "error", "response", "These rows were left out. Correct the word, or map it in kinds."
        ),
        "grade_not_a_number": FindingRule(
            "warning", "grade", "The grade is treated as missing; write 0 to 5."
        ),
        "stop_before_start": FindingRule("error", "stop", "Correct start or stop."),
        "stop_missing": FindingRule(
            "warning",
            "stop",
            "Only the start day is certain, and it may have gone on in worst; fill in stop, for a single"
            " transfusion the day of start.",
        ),
        "start_missing": FindingRule("warning", "start", "These rows were left out; fill in start."),
        "day_missing": FindingRule("warning", "day", "These rows were left out; fill in the day or date."),
        "baseline_on_lymphodepletion_day": FindingRule(
            "info", "day", "Whether they were drawn before the first dose is not known; check the times."
        ),
        "bedside_word": FindingRule(
            "warning", None, "It is unknown on these rows. Correct the word, or map it in words."
        ),
        "bedside_value": FindingRule(
            "warning", None, "It is unknown on these rows. Check the value and its unit."
        ),
        "bedside_input_absent": FindingRule(
            "info", None, "A grade is given only where what is absent cannot change it."
        ),
        "bedside_column": FindingRule(
            "warning", None, "Correct the name of the column, or map it in columns."
        ),
        "no_support_table": FindingRule(
            "info", None, "Give a support table (G-CSF, transfusions) to judge recovery without support."
        ),
    }
)
