"""What the page of the form shows: each field with its words, what can be chosen, and what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from cytopenia.app.form_layout import MORE, Field, FormBlock, FormSection, gather_typed, list_fields
from cytopenia.app.form_offers import OPEN, Offer, find_offer
from cytopenia.app.form_problems import Problem
from cytopenia.app.protocol_controls import Control, describe_protocol
from cytopenia.app.texts import Say

__all__ = ["FormView", "list_new_factors"]


@dataclass(frozen=True, kw_only=True)
class FormView:
    """The state of one page; its methods are asked by the template.

    Attributes
    ----------
    sections : tuple of FormSection
    offers : mapping
        What can be chosen, by the name of the list.
    say : callable
    keys : mapping
        The texts of the language, to see which there are.
    sent : mapping
        What was sent where it was not taken; the fields show it again.
    faults : mapping
        By field, what is wrong with what was typed.
    problems : sequence of Problem
    opened : frozenset of str
        Blocks that stand open.
    """

    sections: tuple[FormSection, ...]
    offers: Mapping[str, Sequence[Offer]]
    say: Say
    keys: Mapping[str, str]
    sent: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: Sequence[Problem] = ()
    opened: frozenset[str] = frozenset()

    def typed(self, one: Field) -> list[str]:
        """Return what the inputs of a field hold."""
        typed = gather_typed(one, self.sent) if one.id in self.faults else None
        return list(one.shown) if typed is None else typed

    def more(self, one: Field) -> str:
        """Return the name of the input for names that are not offered."""
        return f"{one.id}{MORE}"

    def words(self, control: Control) -> str:
        """Return a key as words."""
        return control.key.replace("_", " ").capitalize()

    def is_shown(self, one: Field) -> bool:
        """Return whether a field stands above the further keys."""
        is_told = one.id in self.faults or any(one.id == problem.target for problem in self.problems)
        return one.is_given or one.control.is_needed or is_told or any(map(self.is_told, one.parts))

    def is_told(self, one: Field) -> bool:
        """Return whether something is wrong with a field or a part of it."""
        return bool(self.said(one)) or any(map(self.is_told, one.parts))

    def said(self, one: Field) -> list[str]:
        """Return what is wrong with a field."""
        fault = [self.say(f"form.fault_{self.faults[one.id]}")] if one.id in self.faults else []
        return [*fault, *(problem.text for problem in self.problems if problem.target == one.id)]

    def place(self, target: str) -> str:
        """Return where something is, as the page names it: entries by their names, as in the file."""
        blocks = [block for section in self.sections for block in section.blocks]
        own = next((one for one in blocks if one.name and f"{target}.".startswith(f"{one.id}.")), None)
        if own is None or own.id == own.path[0]:
            return target
        return f"{own.path[0]}.{own.name}{target.removeprefix(own.id)}"

    def is_open(self, block: FormBlock) -> bool:
        """Return whether a block stands open: it was changed, or something in it is wrong."""
        targets = [*self.faults, *(problem.target or "" for problem in self.problems)]
        return block.id in self.opened or any(f"{target}.".startswith(f"{block.id}.") for target in targets)

    def help(self, one: Field) -> str:
        """Return one line about a key, and what holds where it is left blank."""
        control = one.control
        if not one.is_known and not control.forms:
            return self.say("form.not_a_key")
        blank = self.say("form.blank", what=self.what_holds(control))
        if control.is_needed:
            blank = self.say("form.needed_inside" if one.is_inside else "form.needed")
        lines = [self._find("key_help", control), self._say_range(control), blank]
        if control.kind == "names":
            lines.append(self.say("form.order_help"))
        if not one.is_known:
            lines.insert(0, self.say("form.raw_help"))
        return " ".join(line for line in lines if line)

    def what_holds(self, control: Control) -> str:
        """Return what holds without a key, as a few words."""
        if isinstance(control.default, bool):
            return self.say("form.yes" if control.default else "form.no")
        if control.default is not None:
            return str(control.default)
        return self._find("key_blank", control) or self.say("form.blank_nothing")

    def options(self, one: Field) -> list[Offer]:
        """Return what can be chosen for a field, with what it holds now first where that is no offer."""
        control = one.control
        offered = self.offers.get(find_offer(control) or "", ())
        offers = [Offer(str(choice)) for choice in control.choices] or list(offered)
        known = {offer.value for offer in offers}
        typed = [text for text in self.typed(one) if text]
        if control.kind in ("names", "choices"):
            by_name = {offer.value: offer for offer in offers}
            chosen = [by_name.get(text, Offer(text)) for text in typed]
            return [*chosen, *(offer for offer in offers if offer.value not in typed)]
        strange = [Offer(text, self.say("form.unknown", value=text)) for text in typed if text not in known]
        return [*strange, *offers]

    def offer_name(self, one: Field) -> str:
        """Return the list of a field whose value may be another as well; "" where only offers are allowed."""
        name = find_offer(one.control) or ""
        return name if name in OPEN else ""

    def is_choice(self, one: Field) -> bool:
        """Return whether a field is a list to choose one of."""
        control = one.control
        if control.kind == "text":
            return find_offer(control) is not None and not self.offer_name(one)
        return control.kind in ("flag", "choice")

    def lists_used(self) -> list[str]:
        """Return the lists that inputs of this page name."""
        names = {self.offer_name(one) for one in list_fields(self.sections) if one.control.kind == "text"}
        return sorted(names - {""})

    def title(self, block: FormBlock) -> str:
        """Return what a block is called: its title, or where it comes from."""
        content = block.content
        for key in ("title", "definition", "score", "analyte", "column", "event"):
            if isinstance(content.get(key), str):
                return content[key]
        any_of: Any = content.get("any_of")
        return ", ".join(map(str, cast("list[Any]", any_of))) if isinstance(any_of, list) else ""

    def _find(self, table: str, control: Control) -> str:
        names = [*(f"{form}.{control.key}" for form in control.forms), control.key]
        return next((self.keys[f"{table}.{name}"] for name in names if f"{table}.{name}" in self.keys), "")

    def _say_range(self, control: Control) -> str:
        bounds = dict(control.bounds)
        if control.kind not in ("whole", "number") or not bounds:
            return ""
        # In the order of the alphabet: those from below stand before those from above.
        text = self.say(f"form.range_{''.join(sorted(bounds))}", **bounds)
        return f"{text[0].upper()}{text[1:]}."


def list_new_factors(offers: Mapping[str, Sequence[Offer]]) -> list[Offer]:
    """Return what a new factor can come from: key and value of its first line."""
    factor = next(section for section in describe_protocol() if section.name == "factors").kinds[""]
    events = next(control.choices for control in factor if control.key == "event")
    sources = {
        "analyte": [offer.value for offer in offers["analytes"]],
        "event": [str(choice) for choice in events],
        "score": [offer.value for offer in offers["scores"]],
        "column": [offer.value for offer in offers["columns"]],
    }
    return [Offer(f"{key}={value}", value, key) for key, values in sources.items() for value in values]
