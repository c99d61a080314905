"""A page of the app as a browser without scripts has it: the fields of its last form, and how it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from app_server import Reply, Visitor

KIND = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Select:
    options: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    chosen: str = ""


@dataclass
class FormPage(HTMLParser):
    """Hidden fields, selects and the textarea of the forms of a page."""

    reply: Reply
    hidden: dict[str, str] = field(default_factory=dict)
    selects: dict[str, Select] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, list[str]] = field(default_factory=dict)
    _select: str = ""
    _text: str = ""
    _in_option: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.reply.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "input" and found.get("type") == "hidden":
            self.hidden[name] = found["value"]
        elif tag == "input" and found.get("type") == "checkbox" and name:
            self.boxes.setdefault(name, []).append(found["value"])
        elif tag == "select":
            self._select, self.selects[name] = name, Select()
        elif tag == "option":
            self._in_option = True
            self.selects[self._select].options.append(found["value"])
            self.selects[self._select].words.append("")
            if "selected" in found:
                self.selects[self._select].chosen = found["value"]
        elif tag == "textarea":
            self._text, self.texts[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        self._text = "" if tag == "textarea" else self._text
        self._in_option = self._in_option and tag != "option"

    def handle_data(self, data: str) -> None:
        if self._text:
            # A browser drops the line break behind the tag.
            self.texts[self._text] += data if self.texts[self._text] else data.removeprefix("\n")
        elif self._in_option:
            self.selects[self._select].words[-1] += data

    def find(self, kind: str, *slot: str) -> Select:
        return self.selects[name_of(kind, *slot)]

    def send(
        self,
        visitor: Visitor,
        path: str,
        button: str,
        *,
        text: str | None = None,
        settled: tuple[str, ...] = (),
        **chosen: str,
    ) -> Reply:
        """Send the form as a browser would; `chosen` has the names that `name_of` gives."""
        unknown = {*chosen} - {*self.selects}
        assert not unknown, f"no such control: {unknown}; there are: {[*self.selects]}"
        texts = dict(self.texts) if text is None else {"text": text}
        fields = {
            **self.hidden,
            **{name: one.chosen for name, one in self.selects.items()},
            **texts,
            **chosen,
            "csrf": visitor.csrf,
            button: "1",
        }
        sent = [(name, value.replace("\n", "\r\n")) for name, value in fields.items()]
        body = urlencode([*sent, *(("settled", one) for one in settled)])
        return visitor.ask("POST", path, body=body, headers=KIND)


def name_of(kind: str, *slot: str) -> str:
    return f"{kind} {json.dumps(slot)}"
