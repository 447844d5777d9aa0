"""The rules for texts with `{{name}}`: names that nobody knows, holes that are none, texts that come to nothing.

Where the environment filled a text in, a hole of the file is named and one of the environment's is not: its words may
be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice

from gateway.flow import template
from gateway.flow.environment import Filled, masked
from gateway.flow.model import Finding
from gateway.flow.near import MAX_NEAR, near
from gateway.flow.sections import announcements, entries
from gateway.flow.source import Data, Path

MAX_LISTED = 12  # variables that a hint lists
MAX_TOLD = 20  # faults of one kind in one text
_SINGLE = re.compile(r"(?<![{$])\{[ \t]*([A-Za-z_][\w.]*)[ \t]*\}(?!\})")

# The texts in which {{name}} is filled in for a call, as ways through a persona.
_TEXTS: tuple[tuple[str, ...], ...] = (("instructions",), ("greeting", "text"), ("idle", "say"))
_FIXED = "Twilio speaks these words as they were compiled: name variables only"


def texts(data: Data) -> Iterator[tuple[Path, str]]:
    """The personas' texts that may hold `{{name}}`, and their places."""
    for name, persona in entries(data, "personas").items():
        for way in _TEXTS:
            text = entries(persona, *way[:-1]).get(way[-1])
            if isinstance(text, str):
                yield ("personas", name, *way), text


def fixed_texts(data: Data) -> Iterator[tuple[Path, str]]:
    """The announcements' texts, in which `flow.build` fills variables in, and their places."""
    for path, section in announcements(data):
        if isinstance(text := section.get("say"), str):
            yield (*path, "say"), text


def judge(written: Data) -> Iterator[Finding]:
    """Everything against the flow's texts, and against `{{…}}` elsewhere. `written` is the file's data, not completed:
    what is inherited is told once, where it stands."""
    named = entries(written, "variables")
    variables = {name: text for name, text in named.items() if isinstance(text, str)}
    per_call, fixed = _Asker(tuple(named), template.BUILT_IN), _Asker(tuple(named), ())
    used: set[str] = set()
    for asker, found in ((per_call, texts(written)), (fixed, fixed_texts(written))):
        for path, text in found:
            used.update(hole.name or "" for hole in template.holes(text))
            yield from asker.text(path, text)
            yield from _silent(path, text, variables)
    for name in named:
        if name not in used:
            yield Finding(("variables", name), "no text names this variable", "remove it", "warning", "key")
    yield from _elsewhere(written)


@dataclass(slots=True)
class _Asker:
    """Looks at one flow's texts of one kind; hints stop after MAX_NEAR names, for each takes a search."""

    variables: tuple[str, ...]
    built_in: tuple[str, ...]
    asked: int = 0

    def text(self, path: Path, text: str) -> Iterator[Finding]:
        written = masked(text) if isinstance(text, Filled) else text
        known = {*self.variables, *self.built_in}
        found = list(template.holes(written))
        firsts = {hole.name: hole for hole in reversed(found) if "\0" not in hole.written}
        for name, hole in reversed(firsts.items()):
            if name == "":
                yield Finding(path, "a name is missing between {{ and }}", "write {{name}}", piece=hole.written)
            elif name is not None and name not in known:
                yield Finding(path, *self.unknown(name), piece=hole.written)
        if not {hole.name for hole in template.holes(text)} <= {*firsts, *known}:
            yield Finding(path, "the environment's text names something unknown", self.listed() or _FIXED)
        yield from _open(path, written, found) if None in firsts else _nearly(path, written, found, known)

    def unknown(self, name: str) -> tuple[str, str]:
        """Message and hint."""
        if name in template.BUILT_IN:
            return f"'{name}' is not filled in here", _FIXED
        self.asked += 1
        message = f"there is no name '{name}'"
        if self.asked <= MAX_NEAR and (nearest := near(name, (*self.built_in, *self.variables))):
            return message, f"did you mean '{nearest}'?"
        return message, "; ".join(words for words in ("add it to variables", self.listed()) if words)

    def listed(self) -> str:
        more = ("…",) if len(self.variables) > MAX_LISTED else ()
        names = (*self.variables[:MAX_LISTED], *more, *self.built_in)
        return f"known: {', '.join(names)}" if names else ""


def _open(path: Path, text: str, found: Iterable[template.Hole]) -> Iterator[Finding]:
    for hole in islice((hole for hole in found if hole.name is None), MAX_TOLD):
        nth = text.count("{{", 0, hole.start)
        yield Finding(path, "'{{' is never closed", "write {{name}}", piece="{{", nth=nth)


def _nearly(path: Path, text: str, found: Iterable[template.Hole], known: Set[str]) -> Iterator[Finding]:
    """What looks like a hole and would be read out with its braces."""
    thrice = (hole for hole in found if text[hole.start - 1 : hole.start] == "{" and text[_end(hole) :][:1] == "}")
    for hole in islice(thrice, MAX_TOLD):
        yield _spoken(path, text, (hole.start - 1, _end(hole) + 1), f"write {hole.written}")
    rest = template.without_holes(text)
    single = (match for match in _SINGLE.finditer(rest) if match[1] in known)
    for match in islice(single, MAX_TOLD):
        yield _spoken(path, text, match.span(), f"write {{{{{match[1]}}}}}")
    depth = 0
    for match in re.finditer(r"\}\}|[{}]", rest):  # of braces that balance, as in JSON, nothing is said
        depth = max(depth, 0) + (1 if match.group() == "{" else -len(match.group()))
        if depth < 0 and match.group() == "}}":
            yield _spoken(path, text, match.span(), "write {{name}}")
            return


def _end(hole: template.Hole) -> int:
    return hole.start + len(hole.written)


def _spoken(path: Path, text: str, span: tuple[int, int], hint: str) -> Finding:
    piece = text[slice(*span)]
    message = "these braces fill nothing in: they are spoken"
    return Finding(path, message, hint, "warning", piece=piece, nth=text.count(piece, 0, span[0]))


def _silent(path: Path, text: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    """A text of nothing but variables that are empty."""
    found = list(template.holes(text))
    if not text.strip() or not found or any(hole.name not in variables for hole in found):
        return
    if not template.render(text, variables).strip():
        yield Finding(path, "there is no text once {{…}} is filled in", "write one that no variable leaves empty")


def _elsewhere(data: Data) -> Iterator[Finding]:
    """`{{…}}` in a value where nothing fills it in. A description is for people alone."""
    filled = {path for path, _ in (*texts(data), *fixed_texts(data))} | {("description",)}
    for path, text in _leaves(data, ()):
        if path[:1] == ("variables",):
            if "{{" in text:
                yield Finding(path, "a variable holds no other name", "write the text out", piece="{{")
        elif path not in filled and "{{" in text:
            yield Finding(path, "no {{…}} is filled in here", "write the value out", piece="{{")


def _leaves(data: Data, path: Path) -> Iterator[tuple[Path, str]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in steps:
        yield from _leaves(value, (*path, step))
    if isinstance(data, str):
        yield path, data
