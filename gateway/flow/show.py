"""A flow with everything that holds, and where each value comes from: the file, `defaults`, or the schema's default.

What the environment fills in is shown as written, `${NAME}`: a value of the environment may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.flow.emit import as_written, line
from gateway.flow.environment import Filled, fill
from gateway.flow.inherit import complete, origin
from gateway.flow.near import did_you_mean
from gateway.flow.schema import at
from gateway.flow.source import Data, Path, Source, path_text, read

Kind = Literal["written", "inherited", "default", "file-name", "primary"]
MOST = 72  # characters of a text that are shown on its line
COLUMN = 56  # where comments begin, if the value is not longer
_NAMES = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")


class NoSuchLine(LookupError):
    """The flow has no line of that label."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: `path` is where it is written, at `line`; 0 and the own path where nowhere."""

    kind: Kind
    path: Path
    line: int = 0
    environment: tuple[tuple[str, bool], ...] = ()  # the variables that its text names, and whether each is set

    def words(self, own: Path) -> str:
        match self.kind:
            case "default":
                return "default"
            case "file-name":
                return "the file's name"
            case "primary":
                return "the primary language"
        place = f"line {self.line}" if self.path == own else f"{path_text(self.path)}, line {self.line}"
        named = (f"${{{name}}}{'' if is_set else ' (not set)'}" for name, is_set in self.environment)
        return ", ".join((*named, place))


@dataclass(frozen=True, slots=True)
class Value:
    """One value, as written; `over` are those further back that it stands before, nearest first."""

    name: str
    path: Path
    value: Data
    origin: Origin
    over: tuple[tuple[Data, Origin], ...] = ()

    def words(self) -> str:
        """`name: value    # where from`: a line of YAML. A long text is cut."""
        key = self.name if re.fullmatch(r"[\w.\[\]-]+", self.name) else line(self.name)
        value, notes = as_written(self.value), self.origin.words(self.path)
        if isinstance(value, str) and (len(value) > MOST or "\n" in value.rstrip("\n")):
            notes += f", cut: {len(value)} characters"
            value = value[:MOST].split("\n")[0] + "…"
        for other, where in self.over:
            notes += f"; over {path_text(where.path)}: {line(other)}, {where.words(where.path)}"
        return f"{f'{key}: {line(value)}':<{COLUMN}}  # {notes}"

    def plain(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": as_written(self.value),
            **_plain(self.origin),
            "over": [{"value": as_written(other), **_plain(where)} for other, where in self.over],
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """`values`: everything that holds; `lines`: for each line what its calls are answered with."""

    file: str
    values: tuple[Value, ...]
    lines: tuple[Value, ...]

    def words(self) -> str:
        """YAML: one mapping, a key and a comment on each line."""
        head = "# " + "".join(letter if letter.isprintable() else "?" for letter in self.file)
        lines = ["", "# what each line is answered with", *(value.words() for value in self.lines)]
        return "\n".join([head, *(value.words() for value in self.values), *(lines if self.lines else ())])

    def plain(self) -> dict[str, object]:
        return {
            "file": self.file,
            "values": [value.plain() for value in self.values],
            "lines": [value.plain() for value in self.lines],
        }


def show(raw: bytes, file: str, env: Mapping[str, str], label: str = "") -> Shown:
    """A sound file's values, or only those that concern the line `label`. Raises NoSuchLine."""
    source, _ = read(raw, file)
    filled, _ = fill(source.data, env)
    sheet = _Sheet(source, complete(filled, file), env)
    chosen = [n for n, number in sheet.numbers() if not label or number.get("label") == label]
    if label and not chosen:
        labels = [_text(as_written(number.get("label"))) for _, number in sheet.numbers()]
        raise NoSuchLine(f"{file} has no line of that label ({did_you_mean(label, labels) or 'see its numbers'})")
    within = {place for n in chosen for place in sheet.concerned(n)} if label else set()
    values = (value for value in sheet.values() if not label or value.path[:1] in within or value.path[:2] in within)
    return Shown(file, tuple(values), tuple(value for n in chosen for value in sheet.chains(n)))


@dataclass(frozen=True, slots=True)
class _Sheet:
    source: Source
    data: Data  # complete
    env: Mapping[str, str]

    def values(self) -> Iterator[Value]:
        for path, value in _leaves(self.data, ()):
            yield Value(path_text(path), path, value, self.origin(path, value))

    def numbers(self) -> list[tuple[int, Mapping[str, Data]]]:
        numbers = self.get(("numbers",))
        found = enumerate(numbers if isinstance(numbers, list) else ())
        return [(n, number) for n, number in found if isinstance(number, dict)]

    def concerned(self, n: int) -> Iterator[Path]:
        """The places that bear on a line: its own, its personas' and their tools', its hours', and what holds for the
        whole flow."""
        yield from (("version",), ("name",), ("variables",), ("limits",), ("numbers", n))
        hours = _text(self.get(("numbers", n, "hours")))
        yield "hours", hours
        for way in (("numbers", n, "persona"), ("hours", hours, "closed", "persona")):
            persona = _text(self.get(way))
            yield "personas", persona
            tools = self.get(("personas", persona, "tools"))
            yield from (("tools", _text(name)) for name in (tools if isinstance(tools, list) else ()))

    def chains(self, n: int) -> Iterator[Value]:
        """What holds on a line, and on the way there: the number's own, the persona's, that of `defaults`."""
        label = _text(as_written(self.get(("numbers", n, "label"))))
        persona = _text(self.get(("numbers", n, "persona")))
        for key, ways in _CHAINS.items():
            paths = [tuple(_step(step, n, persona) for step in way) for way in ways]
            found = [(value := self.get(path), self.origin(path, value)) for path in paths if path in self.source.spots]
            if not found:
                default = at(paths[-1]).get("default", _WITHOUT.get(key))
                found = [(default, Origin("default", paths[-1]))]
            value, where = found[0]
            yield Value(f"lines.{label}.{key}", ("lines", label, key), value, where, tuple(found[1:]))

    def get(self, path: Path) -> Data:
        found = self.data
        for step in path:
            if isinstance(found, dict) and isinstance(step, str):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int):
                found = found[step]
            else:
                return None
        return {key: found[key] for key in _ordered(found, path)} if isinstance(found, dict) else found

    def origin(self, path: Path, value: Data) -> Origin:
        spots = self.source.spots
        if path in spots:
            return self._written("written", path, value)
        if path == ("name",):
            return Origin("file-name", path)
        if path[0] == "personas" and path[2:4] == ("languages", "allowed"):
            return Origin("primary", path)
        is_own = path[0] == "numbers" and path[:3] in spots  # a number inherits a section whole
        home = path if is_own else origin(path)
        return self._written("inherited", home, value) if home in spots else Origin("default", path)

    def _written(self, kind: Kind, path: Path, value: Data) -> Origin:
        names = _NAMES.findall(value.written) if isinstance(value, Filled) else ()
        where = self.source.text.place(self.source.spots[path].start).line
        return Origin(kind, path, where, tuple((name, bool(self.env.get(name))) for name in dict.fromkeys(names)))


# What holds on a line: whose own word comes first. N is the number, P its persona.
_CHAINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "persona": (("numbers", "N", "persona"),),
    "language": (("numbers", "N", "language"), ("personas", "P", "languages", "primary"), ("defaults", "language")),
    "model": (("personas", "P", "model", "name"), ("defaults", "model")),
    "voice": (("personas", "P", "voice", "name"), ("defaults", "voice", "name")),
    "hours": (("numbers", "N", "hours"), ("defaults", "hours")),
    "timezone": (("numbers", "N", "timezone"), ("defaults", "timezone")),
    "fallback": (("numbers", "N", "fallback"), ("defaults", "fallback")),
}
_WITHOUT: dict[str, Data] = {"hours": "always", "fallback": None}  # what holds where nothing is written


def _step(step: str, number: int, persona: str) -> str | int:
    return number if step == "N" else persona if step == "P" else step


def _leaves(data: Data, path: Path) -> Iterator[tuple[Path, Data]]:
    """Every value that holds no other, in the schema's order; an empty list or section is one."""
    inner: list[tuple[str | int, Data]] = []
    if isinstance(data, dict):
        inner = [(key, data[key]) for key in _ordered(data, path)]
    elif isinstance(data, list):
        inner = list(enumerate(data))
    if not inner:
        yield path, data
    for step, value in inner:
        yield from _leaves(value, (*path, step))


def _ordered(data: Mapping[str, Data], path: Path) -> list[str]:
    """A section's keys as the schema lists them, then the rest as written. Where a persona answers, nothing follows."""
    known = list(at(path).get("properties", ()))
    moot = ("then",) if path[:1] == ("hours",) and path[2:] == ("closed",) and "persona" in data else ()
    ranks = {key: n for n, key in enumerate(known)}
    return sorted((key for key in data if key not in moot), key=lambda key: ranks.get(key, len(known)))


def _text(value: Data) -> str:
    return str(value) if isinstance(value, str) else ""


def _plain(origin: Origin) -> dict[str, object]:
    return {
        "from": origin.kind,
        "at": path_text(origin.path),
        "line": origin.line or None,
        "environment": dict(origin.environment),
    }
