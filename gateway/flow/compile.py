"""Flows <-> the artefact: the one JSON that Twilio Functions and the core both read, and its hash.

The same flows give the same bytes: keys are sorted, and no path, time or machine stands in it. What the environment
filled in stands in it (a line is found by its number); a secret can't stand in a flow yet, and will by its name alone.
"""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal

from gateway.flow.countries import calling_codes
from gateway.flow.load import Flows
from gateway.flow.model import Flow

FORMAT = 1
_NOT_IN_IT = ("file",)


class ArtefactError(ValueError):
    """A text that is no artefact of this format, or not the one its hash was made of. It quotes nothing of the text;
    `line` and `column` say where it stops being JSON, 1 and 1 where it is."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def compile_flows(flows: Flows) -> dict[str, Any]:
    """The artefact as plain data: `format`, `hash` (SHA-256, hex, of all the rest in canonical JSON), `flows` by name,
    `lines` (E.164 -> [flow, label]) and `calling_codes` (digits -> country)."""
    lines = {line.number: [flow.name, line.label] for flow in flows.flows for line in flow.numbers if line.number}
    content: dict[str, Any] = {
        "format": FORMAT,
        "flows": {flow.name: _plain(flow) for flow in flows.flows},
        "lines": lines,
        "calling_codes": dict(calling_codes()),
    }
    return {**content, "hash": _hash(content)}


def text(flows: Flows) -> str:
    """The artefact as it is written to a file: ASCII, so that no encoding changes a byte."""
    return json.dumps(compile_flows(flows), sort_keys=True, indent=1) + "\n"


def read(raw: str | bytes) -> Flows:
    """The flows of an artefact, in the order of their names. Raises ArtefactError."""
    content = _parsed(raw)
    try:
        if content["format"] != FORMAT:
            raise ArtefactError(f"it is of another format: this gateway reads format {FORMAT}")
        if content.pop("hash") != _hash(content):
            raise ArtefactError("its hash is not that of its content: it was edited or cut")
        return Flows(tuple(_built(Flow, {**flow, "file": ""}) for _, flow in sorted(content["flows"].items())))
    except (KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise ArtefactError("this is no compiled flow of this version of the gateway") from wrong


def _parsed(raw: str | bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except json.JSONDecodeError as wrong:
        raise ArtefactError("this is no JSON", wrong.lineno, wrong.colno) from wrong
    except (ValueError, RecursionError) as wrong:  # no UTF-8; a number of thousands of digits; brackets without end
        raise ArtefactError("this is no JSON") from wrong
    if not isinstance(content, dict):
        raise ArtefactError("this is no compiled flow")
    return content


def fingerprint(flows: Flows) -> str:
    """The artefact's hash."""
    return str(compile_flows(flows)["hash"])


def _hash(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        found = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _NOT_IN_IT}
        return {name: _plain(inner) for name, inner in found.items()}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _built(kind: Any, value: Any) -> Any:
    """The value as its annotation says: dataclasses from objects, tuples from lists, numbers and texts as they are."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _built(next(part for part in parts if part is not type(None)), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(kind)
        return tuple(_built(parts[0], inner) for inner in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _built(parts[1], inner) for key, inner in value.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        hints, required = _shape(kind)
        if not required <= set(value) <= set(hints):
            raise KeyError(kind.__name__)
        return kind(**{name: _built(hints[name], inner) for name, inner in value.items()})
    return _scalar(kind, origin, parts, value)


@cache
def _shape(kind: type) -> tuple[Mapping[str, Any], frozenset[str]]:
    """The fields' types, and those that must be there."""
    found = [one for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    return typing.get_type_hints(kind), frozenset(one.name for one in found)


def _scalar(kind: Any, origin: Any, parts: tuple[Any, ...], value: Any) -> Any:
    if origin is Literal:
        right = value in parts
    else:
        right = kind in (object, type(value)) or (kind is float and type(value) is int)
    if not right:
        raise TypeError(kind)
    return float(value) if kind is float else value
