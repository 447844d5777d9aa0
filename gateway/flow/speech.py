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
from gateway.flow.near import near
from gateway.flow.source import Data, Path

MAX_NEAR = 50  # unknown names of one file for which a neighbour is looked for
MAX_LISTED = 12  # variables that a hint lists
MAX_TOLD = 20  # faults of one kind in one text
_SINGLE = re.compile(r"(?<![{$])\{[ \t]*([A-Za-z_][\w.]*)[ \t]*\}(?!\})")

# The texts in which {{name}} is filled in, as ways through a persona.
_TEXTS: tuple[tuple[str, ...], ...] = (("instructions",), ("greeting", "text"), ("idle", "say"))


def entries(data: Data, *keys: str) -> dict[str, Data]:
    """The section at these keys, or nothing where there is none of that shape."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def texts(data: Data) -> Iterator[tuple[Path, str]]:
    """The personas' texts that may hold `{{name}}`, and their places."""
    for name, persona in entries(data, "personas").items():
        for way in _TEXTS:
            text = entries(persona, *way[:-1]).get(way[-1])
            if isinstance(text, str):
                yield ("personas", name, *way), text


def judge(data: Data) -> Iterator[Finding]:
    """Everything against the flow's texts, and against `{{…}}` elsewhere."""
    variables = {name: text for name, text in entries(data, "variables").items() if isinstance(text, str)}
    asker = _Asker(tuple(entries(data, "variables")), frozenset({*entries(data, "variables"), *template.BUILT_IN}))
    used: set[str] = set()
    for path, text in texts(data):
        used.update(hole.name or "" for hole in template.holes(text))
        yield from asker.text(path, text)
        yield from _silent(path, text, variables)
    for name in entries(data, "variables"):
        if name not in used:
            yield Finding(("variables", name), "no text names this variable", "remove it", "warning", "key")
    yield from _elsewhere(data)


@dataclass(slots=True)
class _Asker:
    """Looks at one flow's texts; hints stop after MAX_NEAR names, for each takes a search."""

    variables: tuple[str, ...]
    known: frozenset[str]
    asked: int = 0

    def text(self, path: Path, text: str) -> Iterator[Finding]:
        written = masked(text) if isinstance(text, Filled) else text
        found = list(template.holes(written))
        firsts = {hole.name: hole for hole in reversed(found) if "\0" not in hole.written}
        for name, hole in reversed(firsts.items()):
            if name == "":
                yield Finding(path, "a name is missing between {{ and }}", "write {{name}}", piece=hole.written)
            elif name is not None and name not in self.known:
                yield Finding(path, f"there is no name '{name}'", self.hint(name), piece=hole.written)
        if not {hole.name for hole in template.holes(text)} <= {*firsts, *self.known}:
            yield Finding(path, "the environment's text names something unknown", self.listed())
        yield from _open(path, written, found) if None in firsts else _nearly(path, written, found, self.known)

    def hint(self, name: str) -> str:
        self.asked += 1
        if self.asked <= MAX_NEAR and (nearest := near(name, (*template.BUILT_IN, *self.variables))):
            return f"did you mean '{nearest}'?"
        return f"add it to variables; {self.listed()}"

    def listed(self) -> str:
        more = ("…",) if len(self.variables) > MAX_LISTED else ()
        return f"known: {', '.join((*self.variables[:MAX_LISTED], *more, *template.BUILT_IN))}"


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
    filled = {path for path, _ in texts(data)} | {("description",)}
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
