"""YAML text -> plain data, and a table of places beside it, keyed by path.

YAML's traps are closed: a value without quotes is true, false, null, a plain decimal number or a string, nothing else.
`+15551234567`, `no`, `09:30`, `0123` and `2026-12-25` stay as written.

An alias (`*name`) is taken: it stands for a copy of its anchor's value. One within itself is refused, and copies count
towards the bound on values, so that a short file can't grow large. Merge keys (`<<`) are refused: they hide what holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field

from gateway.flow.compose import Mapping, Node, Scalar, Sequence, compose
from gateway.flow.model import Finding
from gateway.flow.text import Text, decode, text_of
from gateway.problem import Problem

Data = None | bool | int | float | str | list["Data"] | dict[str, "Data"]
Path = tuple[str | int, ...]

# More digits than a float holds exactly are a number in name only (a card, an account).
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_WORDS: dict[str, Data] = {"": None, "~": None, "null": None, "true": True, "false": False}
_LOST = re.compile(r"[ \t]+#\S")
# Pieces of a text that findings name, in an order that a text is read but once for: a text may hold thousands.
_PIECES = (re.compile(r"\{\{[^{}]*\}\}"), re.compile(r"\$\{[^}]*\}?"))
MAX_SEARCHES = 200  # in one text, of pieces that stand there in other characters: nobody is told of more
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry stands: its key (for an item of a list, its value), and its value's first and last offset."""

    key: int
    start: int
    end: int


@dataclass(slots=True)
class _Pieces:
    """The pieces of one text: where each stands, in order, and how many were looked for in vain."""

    places: dict[str, list[int]]
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One file, read. `spots` holds every path of `data`; the document's own path is `()`."""

    text: Text
    data: Data
    spots: MappingType[Path, Spot]
    _pieces: dict[Spot, _Pieces] = field(default_factory=dict, init=False, repr=False, compare=False)

    def problem(self, finding: Finding) -> Problem:
        """The finding at its place. What is not written stands at its nearest ancestor's key."""
        return self.text.report(
            self._offset(finding), path_text(finding.path), finding.message, finding.hint, finding.severity
        )

    def _offset(self, finding: Finding) -> int:
        path = finding.path
        while path not in self.spots:
            if not path:
                return 0
            path = path[:-1]
        spot = self.spots[path]
        if path != finding.path or finding.at == "key":
            return spot.key
        if finding.piece:
            return self._within(finding.piece, finding.nth, spot)
        return spot.start

    def _within(self, piece: str, nth: int, spot: Spot) -> int:
        """Where a piece stands in the value; its start where the file has it in other characters (escaped, folded)."""
        if spot not in self._pieces:
            self._pieces[spot] = _Pieces(self._places(spot))
        known = self._pieces[spot]
        if nth < len(places := known.places.get(piece, [])):
            return places[nth]
        known.searches += 1
        return self._search(piece, nth, spot) if known.searches <= MAX_SEARCHES else spot.start

    def _places(self, spot: Spot) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for shape in _PIECES:
            for match in shape.finditer(self.text.text, spot.start, spot.end):
                places.setdefault(match.group().split("\n")[0], []).append(match.start())
        return places

    def _search(self, piece: str, nth: int, spot: Spot) -> int:
        found = spot.start - len(piece)
        for _ in range(nth + 1):
            found = self.text.text.find(piece, found + len(piece), spot.end)
            if found < 0:
                return spot.start
        return found


def path_text(path: Path) -> str:
    """`personas.ava.vad.silence`, `numbers[0].persona`; a key that is no plain word stands in quotes."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        elif _BARE.fullmatch(step):
            words += f".{step}" if words else step
        else:
            words += f"[{json.dumps(step, ensure_ascii=False)}]"
    return words


def read(raw: bytes, file: str) -> tuple[Source, list[Problem]]:
    """The file's data and every fault of its YAML. Any bytes will do; what can't be read gives `data` None."""
    text = decode(raw, file)
    if isinstance(text, Problem):
        return Source(text_of(file, ""), None, {}), [text]
    root, problems = compose(text)
    reader = _Reader(text, {}, problems)
    if root is None or (isinstance(root, Scalar) and _scalar(root) is None):
        if not problems:
            problems.append(text.problem(0, "the file is empty", "start with: version: 1"))
        return Source(text, None, {}), problems
    data = reader.value(root, (), root.start)
    return Source(text, data, reader.spots), problems


def _scalar(node: Scalar) -> Data:
    if not node.plain:
        return node.value
    if node.value in _WORDS:
        return _WORDS[node.value]
    if _INTEGER.fullmatch(node.value):
        return int(node.value)
    return float(node.value) if _DECIMAL.fullmatch(node.value) else node.value


@dataclass(frozen=True, slots=True)
class _Reader:
    text: Text
    spots: dict[Path, Spot]
    problems: list[Problem]

    def value(self, node: Node, path: Path, key: int) -> Data:
        self.spots[path] = Spot(key, node.start, node.end)
        match node:
            case Scalar():
                value = _scalar(node)
                self.comment(node, path)
                if value is None:  # it has no characters of its own: the key stands for it
                    self.spots[path] = Spot(key, key, node.end)
                return value
            case Sequence():
                return [self.value(item, (*path, n), item.start) for n, item in enumerate(node.items)]
            case Mapping():
                return self.mapping(node, path)

    def comment(self, node: Scalar, path: Path) -> None:
        """`Press #1 for help`: what was meant to be said is a comment."""
        if node.plain and node.value and (found := _LOST.match(self.text.text, node.end)):
            message, hint = "what follows '#' is a comment", "put the value in quotes"
            self.problems.append(self.text.report(found.end() - 2, path_text(path), message, hint, "warning"))

    def mapping(self, node: Mapping, path: Path) -> Data:
        found: dict[str, Data] = {}
        for key, value in node.pairs:
            name = self.key(key, path)
            if name is None:
                continue
            if name in found:
                line = self.text.place(self.spots[*path, name].key).line
                self.fault(key, (*path, name), f"written twice (first on line {line})", "")
                continue
            found[name] = self.value(value, (*path, name), key.start)
        return found

    def key(self, node: Node, path: Path) -> str | None:
        """A key's name as written (`no`, `0123`), or None and a fault where it can't be one."""
        if not isinstance(node, Scalar):
            twice = self.text.text[node.start - 1 : node.start + 1] == "{{"
            hint = "put text with {{…}} in quotes" if twice else "a key is a word"
            self.fault(node, path, "a list or mapping can't be a key", hint)
        elif node.plain and node.value in ("", "~", "null"):
            self.fault(node, path, "a key is missing before ':'", "write key: value")
        elif node.plain and node.value == "<<":
            self.fault(node, (*path, "<<"), "merge keys are not taken", "write the keys out")
        elif node.value.startswith("\u00a0"):
            self.fault(node, path, "U+00A0 where a space belongs", "indent with plain spaces")
        else:
            return node.value
        return None

    def fault(self, node: Node, path: Path, message: str, hint: str) -> None:
        self.problems.append(self.text.problem(node.start, message, hint, path_text(path)))
