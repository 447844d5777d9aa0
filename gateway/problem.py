"""A fault in something a person wrote: where it is, what is wrong, what to do. Knows no other room."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Form = Literal["text", "json", "sarif", "github"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in a text file. Lines and columns count from 1; columns count characters, as editors do."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `str(problem)` is the one text form: `file:line:column: path: message (hint)`.

    `path` is the way through the document (`personas.ava.vad.silence`), empty for the document itself.
    `hint` says what to do and may be empty. `source` is the line of text it stands on, for the caret, or of a long
    line an excerpt, which begins at the column `shown`.
    """

    place: Place
    path: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    source: str = ""
    shown: int = 1

    def __str__(self) -> str:
        where = f"{self.place.file}:{self.place.line}:{self.place.column}: "
        label = "warning: " if self.severity == "warning" else ""
        return f"{where}{label}{self.words()}"

    def words(self) -> str:
        """What is wrong and what to do, without the place."""
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{path}{self.message}{hint}"

    def with_caret(self) -> str:
        """The text form, then the source line and a caret under the column, as compilers do."""
        if not self.source:
            return str(self)
        lead = "".join(_blank(c) for c in self.source[: max(self.place.column - self.shown, 0)])
        return f"{self}\n    {self.source}\n    {lead}^"


def _blank(character: str) -> str:
    """What takes as much room on a terminal as the character, and shows nothing."""
    if character == "\t" or character.isascii():
        return "\t" if character == "\t" else " "
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # it stands on the one before it, or has no width
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


def render(problems: Sequence[Problem], form: Form) -> str:
    """The problems as one report, without a last line feed: for people, for programs, for code scanning, for GitHub."""
    return _FORMS[form](problems)


def _text(problems: Sequence[Problem]) -> str:
    return "\n".join(problem.with_caret() for problem in problems)


def _json(problems: Sequence[Problem]) -> str:
    """An object with `problems`, a list in the order given; every field is always there."""
    return json.dumps({"problems": [_plain(problem) for problem in problems]}, indent=2)


def _plain(problem: Problem) -> dict[str, str | int]:
    return {
        "file": _printable(problem.place.file),
        "line": problem.place.line,
        "column": problem.place.column,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity,
    }


_RULE = "A flow file says what the gateway can't do, or says it in a way that it can't read."


def _sarif(problems: Sequence[Problem]) -> str:
    """SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): one run, one rule."""
    rule = {"id": "flow", **{name: {"text": _RULE} for name in ("shortDescription", "fullDescription", "help")}}
    driver = {"name": "gateway", "rules": [rule]}
    results = [_result(problem) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(problem: Problem) -> dict[str, object]:
    region = {"startLine": problem.place.line, "startColumn": problem.place.column}
    location = {"artifactLocation": {"uri": _uri(problem.place.file)}, "region": region}
    return {
        "ruleId": "flow",
        "level": problem.severity,
        "message": {"text": problem.words().replace("{", "{{").replace("}", "}}")},  # SARIF 3.11.5: placeholders
        "locations": [{"physicalLocation": location}],
    }


def _uri(file: str) -> str:
    from urllib.parse import quote  # here, for only this form needs it

    return quote(file.replace("\\", "/"), safe="/", errors="surrogateescape")


def _printable(file: str) -> str:
    """A file's name that any reader takes: bytes that are no UTF-8 stand as `\\xff`."""
    return file.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _github(problems: Sequence[Problem]) -> str:
    """Workflow commands, one a line (docs.github.com: workflow commands, setting an error message)."""
    return "\n".join(_command(problem) for problem in problems)


def _command(problem: Problem) -> str:
    place = problem.place
    file = _escaped(_printable(place.file)).replace(":", "%3A").replace(",", "%2C")
    return f"::{problem.severity} file={file},line={place.line},col={place.column}::{_escaped(problem.words())}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


_FORMS: dict[Form, Callable[[Sequence[Problem]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
