"""YAML text -> a tree of nodes with offsets, on PyYAML's parser. Bounded in depth and size, so that no text is a bomb.

What YAML allows and a flow does not (tags, several documents, aliases within themselves) becomes a Problem here;
the tree goes on without it, so that one reading finds all faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import yaml

from gateway.flow.syntax import explain
from gateway.flow.text import FORBIDDEN, Text
from gateway.problem import Problem

MAX_DEPTH = 32  # the deepest place of the format is 5
MAX_VALUES = 20_000  # aliases counted as often as they are used


@dataclass(frozen=True, slots=True)
class Scalar:
    start: int
    end: int
    value: str
    plain: bool  # written without quotes or block style
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    start: int
    end: int
    items: tuple[Node, ...]
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class Mapping:
    start: int
    end: int
    pairs: tuple[tuple[Node, Node], ...]
    size: int
    depth: int


Node = Scalar | Sequence | Mapping


class _Stop(Exception):
    """A fault after which there is no tree."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def compose(text: Text) -> tuple[Node | None, list[Problem]]:
    """The document's tree and its faults; no tree where the text is no YAML, too deep or too large."""
    composer = _Composer(text, yaml.parse(text.text, Loader=yaml.SafeLoader))
    try:
        return composer.document(), composer.problems
    except _Stop as stop:
        return None, [*composer.problems, stop.problem]
    except yaml.MarkedYAMLError as error:
        return None, [*composer.problems, explain(error, text)]


@dataclass(slots=True)
class _Composer:
    text: Text
    events: Iterator[yaml.Event]
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    swallowed: list[tuple[str, int]] = field(default_factory=list)  # anchors before text without quotes, their offsets
    count: int = 0

    def document(self) -> Node | None:
        next(self.events)  # the stream's start
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        root = self.node(next(self.events), 1)
        next(self.events)  # the document's end
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.fault(after, "a second document starts here", "one file holds one flow")
        for name, start in self.swallowed:
            if name not in self.used:
                hint = "put the value in quotes, or remove it"
                self.problems.append(self.text.problem(start, f"'&{name}' is no part of the text after it", hint))
        return root

    def node(self, event: yaml.Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.stop(event, f"nested more than {MAX_DEPTH} deep", "a flow is flat: is a bracket open?")
        self.count += 1
        if self.count > MAX_VALUES:  # at once, and not when the whole file is read
            raise self.stop(event, f"more than {MAX_VALUES} values", "a flow is written by hand")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise TypeError(f"PyYAML sent {event} where a node belongs")
        if event.tag is not None:
            self.tag(event)
        if event.anchor is None:
            return self.content(event, depth)
        self.open.add(event.anchor)
        node = self.content(event, depth)
        self.open.discard(event.anchor)
        self.anchors[event.anchor] = node
        if isinstance(node, Scalar) and node.plain and node.value:
            self.swallowed.append((event.anchor, node.start))
        return node

    def content(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, depth: int) -> Node:
        start = _start(event)
        if isinstance(event, yaml.ScalarEvent):
            if escaped := FORBIDDEN.search(event.value):
                code = f"U+{ord(escaped.group()):04X}"
                hint = "write the character itself" if "\ud800" <= escaped.group() <= "\udfff" else "remove it"
                self.fault(event, f"an escape for the character {code}, which is not allowed", hint)
            return Scalar(start, _end(event), event.value, event.style is None)
        if isinstance(event, yaml.SequenceStartEvent):
            items, end = self.items(depth)
            return self.bounded(event, Sequence(start, end, items, *_measure(items)))
        items, end = self.items(depth)
        pairs = tuple(zip(items[::2], items[1::2], strict=True))
        return self.bounded(event, Mapping(start, end, pairs, *_measure(items)))

    def items(self, depth: int) -> tuple[tuple[Node, ...], int]:
        """The nodes up to the collection's end, and where that is."""
        found: list[Node] = []
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            found.append(self.node(event, depth + 1))
        return tuple(found), _end(event)

    def bounded(self, event: yaml.Event, node: Node) -> Node:
        if node.size > MAX_VALUES:
            raise self.stop(event, f"more than {MAX_VALUES} values, aliases counted", "a flow is written by hand")
        if node.depth > MAX_DEPTH:
            raise self.stop(event, f"nested more than {MAX_DEPTH} deep, aliases counted", "write the values out")
        return node

    def alias(self, event: yaml.AliasEvent) -> Node:
        start, end, name = _start(event), _end(event), event.anchor or ""
        self.used.add(name)
        if node := self.anchors.get(name):
            return replace(node, start=start, end=end)
        message = f"'{name}' stands within itself" if name in self.open else f"there is no anchor '&{name}'"
        self.fault(event, message, "write the value out")
        return Scalar(start, end, "", plain=False)

    def tag(self, event: yaml.Event) -> None:
        start = _start(event)
        written = re.compile(r"![^\s,\[\]{}]*").search(self.text.text, start)
        shown, start = (written.group(), written.start()) if written else ("!", start)
        hint = "remove it, or put the value in quotes"
        self.problems.append(self.text.problem(start, f"the tag '{shown}' is not taken", hint))

    def fault(self, event: yaml.Event, message: str, hint: str) -> None:
        self.problems.append(self.text.problem(_start(event), message, hint))

    def stop(self, event: yaml.Event, message: str, hint: str) -> _Stop:
        return _Stop(self.text.problem(_start(event), message, hint))


def _measure(nodes: tuple[Node, ...]) -> tuple[int, int]:
    """The size and depth of a collection of these."""
    return 1 + sum(n.size for n in nodes), 1 + max((n.depth for n in nodes), default=0)


def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0
