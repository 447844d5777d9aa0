"""Texts with `{{name}}`: what is filled in for one call. There is no logic in them, nor a way to write any."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# What the call itself knows. `call.from` is "withheld" where the caller's number is; date and time are those of the
# flow's time zone.
BUILT_IN = ("call.from", "call.to", "call.line", "call.date", "call.time")
_HOLE = re.compile(r"\{\{([^{}]*)\}\}")
# A '{{' that opens no hole; of more than two braces the last two.
_TOKEN = re.compile(_HOLE.pattern + r"|\{\{(?!\{)")


@dataclass(frozen=True, slots=True)
class Hole:
    """One `{{name}}` at offset `start` as `written`. A `{{` that is never closed has the name None."""

    start: int
    written: str
    name: str | None


class TemplateError(ValueError):
    """A text that can't be rendered. `piece` is the part of it that is wrong."""

    def __init__(self, message: str, piece: str) -> None:
        super().__init__(message, piece)
        self.message = message
        self.piece = piece

    def __str__(self) -> str:
        return f"{self.message}: {self.piece}"


def holes(text: str) -> Iterator[Hole]:
    """The holes in order of appearance, repeats included."""
    for match in _TOKEN.finditer(text):
        yield Hole(match.start(), match.group(), None if match[1] is None else match[1].strip())


def without_holes(text: str) -> str:
    """The text with blanks where its holes are: offsets stay."""
    return _HOLE.sub(lambda match: " " * len(match.group()), text)


def names(text: str) -> tuple[str, ...]:
    """The names in order of appearance, repeats included. Raises TemplateError where a `{{` is never closed."""
    found = list(holes(text))
    for hole in found:
        if hole.name is None:
            raise TemplateError("'{{' is never closed", "{{" + re.split(r"\n|\{\{", text[hole.start + 2 :])[0])
    return tuple(hole.name for hole in found if hole.name is not None)


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with every name replaced, once: a value's own braces stay. Raises TemplateError for a missing name."""
    names(text)

    def one(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name not in values:
            raise TemplateError("there is no such name", match.group())
        return values[name]

    return _HOLE.sub(one, text)
