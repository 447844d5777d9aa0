"""A flow file's bytes as text: decoded, bounded, and able to say at which line and column an offset stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from gateway.problem import Place, Problem, Severity

# A flow is written by hand; 1 MiB is more text than any Live model takes as instructions.
MAX_BYTES = 1 << 20
MAX_SHOWN = 240  # characters of a source line that a report carries, around the fault
# What YAML 1.1 forbids in a stream (section 5.1), so that the parser below never meets it.
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]"
)  # the same but for tabs, which the caret's line repeats
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text. Offsets count characters from 0; lines end as editors see them (LF, CRLF, CR)."""

    file: str
    text: str
    starts: tuple[int, ...]

    def place(self, offset: int) -> Place:
        line = bisect_right(self.starts, offset)
        return Place(self.file, line, offset - self.starts[line - 1] + 1)

    def excerpt(self, place: Place) -> tuple[str, int]:
        """The source line for the caret, or of a long one a piece around the place; and the column it begins at. A
        character that steers a terminal stands as '?'."""
        piece, column = self._piece(place)
        return _UNSHOWN.sub("?", piece), column

    def _piece(self, place: Place) -> tuple[str, int]:
        start = self.starts[place.line - 1]
        end = self.starts[place.line] if place.line < len(self.starts) else len(self.text)
        if end - start <= MAX_SHOWN:
            return self.text[start:end].rstrip("\r\n"), 1
        first = max(start, start + place.column - 1 - MAX_SHOWN // 2)
        piece = self.text[first : min(first + MAX_SHOWN, end)].rstrip("\r\n")
        lead = "…" if first > start else ""
        return lead + piece + ("…" if first + MAX_SHOWN < end else ""), first - start + 1 - len(lead)

    def problem(self, offset: int, message: str, hint: str = "", path: str = "") -> Problem:
        return self.report(offset, path, message, hint, "error")

    def report(self, offset: int, path: str, message: str, hint: str, severity: Severity) -> Problem:
        """A fault at an offset. What it quotes from the file can't break the line or steer a terminal."""
        place = self.place(offset)
        path, message, hint = (_CONTROL.sub("?", words) for words in (path, message, hint))
        return Problem(place, path, message, hint, severity, *self.excerpt(place))


def text_of(file: str, text: str) -> Text:
    return Text(file, text, (0, *(m.end() for m in _LINE_END.finditer(text))))


def decode(raw: bytes, file: str) -> Text | Problem:
    """The bytes as text, or the one fault that stands in the way: size, encoding, a forbidden character."""
    if len(raw) > MAX_BYTES:
        return Problem(Place(file), "", "the file is larger than 1 MiB", "a flow is written by hand: split it")
    try:
        text = text_of(file, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = text_of(file, raw[: error.start].decode("utf-8"))
        return before.problem(len(before.text), "not UTF-8", "save the file as UTF-8")
    if text.text.startswith("\ufeff"):
        return Problem(Place(file), "", "the file starts with a byte order mark", "save it as UTF-8 without BOM")
    if found := FORBIDDEN.search(text.text):
        code = f"U+{ord(found.group()):04X}"
        return text.problem(found.start(), f"the character {code} is not allowed here", "remove it")
    return text
