"""Texts with `{{name}}`: what is filled in for one call. There is no logic in them, nor a way to write any."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What the call itself knows. `call.from` may be "anonymous"; date and time are those of the flow's time zone.
BUILT_IN = ("call.from", "call.to", "call.line", "call.date", "call.time")
_HOLE = re.compile(r"\{\{([^{}]*)\}\}")


class TemplateError(ValueError):
    """A text that can't be rendered. `piece` is the part of it that is wrong."""

    def __init__(self, message: str, piece: str) -> None:
        super().__init__(message, piece)
        self.message = message
        self.piece = piece

    def __str__(self) -> str:
        return f"{self.message}: {self.piece}"


def names(text: str) -> tuple[str, ...]:
    """The names in order of appearance, repeats included. Raises TemplateError where a `{{` is never closed."""
    rest = _HOLE.sub("", text)
    if "{{" in rest:
        raise TemplateError("'{{' is never closed", "{{" + rest.split("{{", 1)[1].split("\n", 1)[0])
    return tuple(match[1].strip() for match in _HOLE.finditer(text))


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with every name replaced, once: a value's own braces stay. Raises TemplateError for a missing name."""
    names(text)

    def one(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name not in values:
            raise TemplateError("there is no such name", match.group())
        return values[name]

    return _HOLE.sub(one, text)
