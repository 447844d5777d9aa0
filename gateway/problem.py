"""A fault in something a person wrote: where it is, what is wrong, what to do. Knows no other room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


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
    `hint` says what to do and may be empty. `source` is the line of text it stands on, for the caret.
    """

    place: Place
    path: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    source: str = ""

    def __str__(self) -> str:
        where = f"{self.place.file}:{self.place.line}:{self.place.column}: "
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        label = "warning: " if self.severity == "warning" else ""
        return f"{where}{label}{path}{self.message}{hint}"

    def with_caret(self) -> str:
        """The text form, then the source line and a caret under the column, as compilers do."""
        if not self.source:
            return str(self)
        lead = "".join("\t" if c == "\t" else " " for c in self.source[: self.place.column - 1])
        return f"{self}\n    {self.source}\n    {lead}^"
