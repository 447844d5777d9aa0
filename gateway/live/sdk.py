"""What the SDK's own types say of a `model.gemini` block. Importing them costs about a second and 80 MB, so this
happens inside the functions, and only where a flow has such a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

import orjson

from gateway.flow.model import Finding
from gateway.live.fields import camel
from gateway.live.near import near
from gateway.live.passthrough import REFUSED, Object, Path, without

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_FEW = 6  # values that are told one by one


def check(gemini: Object) -> Iterator[Finding]:
    """Unknown keys and values, and values of a wrong type, at paths as written. The block holds nothing `refused`.

    The SDK only warns of a value that its enumeration doesn't hold, and fails on one that is no text: these are told
    here, and it never sees them.
    """
    from google.genai import types

    named = tuple(_names(gemini, types.LiveConnectConfig, ()))
    yield from named
    yield from _shape(without(gemini, {finding.path for finding in named}), types.LiveConnectConfig)


def _names(value: object, kind: type | None, path: Path) -> Iterator[Finding]:
    from pydantic import BaseModel

    if kind is None:
        return
    if issubclass(kind, Enum):
        yield from _value(value, kind, path)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _names(item, kind, (*path, n))
    elif issubclass(kind, BaseModel) and isinstance(value, Mapping):
        kinds = {key: _kind(field.annotation) for key, field in _fields(kind).items()}
        for key, inner in value.items():
            if key in kinds:
                yield from _names(inner, kinds[key], (*path, key))
            else:
                yield Finding((*path, key), "unknown key", _neighbour(key, kind, path), at="key")


def _fields(kind: type[BaseModel]) -> Mapping[str, Any]:
    """Fields by both of their names."""
    return {key: field for name, field in kind.model_fields.items() for key in (name, camel(name))}


def _kind(annotation: object) -> type | None:
    """The one class that an annotation speaks of, alone, optional or in a list; None where there are several."""
    inner = [argument for argument in get_args(annotation) if argument is not NoneType]
    if inner:
        return _kind(inner[0]) if len(inner) == 1 else None
    return annotation if isinstance(annotation, type) else None


def _value(value: object, kind: type[Enum], path: Path) -> Iterator[Finding]:
    known = [str(one.value) for one in kind if not one.name.endswith("UNSPECIFIED")]
    if value in known:
        return
    nearest = near(value, known) if isinstance(value, str) else ""
    hint = f"did you mean {nearest}?" if nearest else ""
    if len(known) <= _FEW:
        yield Finding(path, f"takes {', '.join(known[:-1])} or {known[-1]}", hint)
    else:
        yield Finding(path, "not a value known here", hint or f"such as {known[0]}")


def _neighbour(key: str, kind: type[BaseModel], path: Path) -> str:
    snake = "_" in key or key == key.lower()
    names = [name for name in _fields(kind) if name == (name.lower() if snake else camel(name))]
    nearest = near(key, names)
    place = tuple(camel(step) if isinstance(step, str) else step for step in (*path, nearest))
    if place in REFUSED:
        return REFUSED[place][1]
    if nearest:
        return f"did you mean '{nearest}'?"
    allowed = [name for name in names if (*place[:-1], camel(name)) not in REFUSED]
    return f"known here: {', '.join(allowed)}"


def _shape(gemini: Object, kind: type[BaseModel]) -> Iterator[Finding]:
    """Types are judged as JSON's: what is written goes to the Live API as it is, so nothing is converted."""
    from pydantic import ValidationError

    try:
        kind.model_validate_json(orjson.dumps(gemini), strict=True)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            yield _fault(fault)


def _fault(fault: ErrorDetails) -> Finding:
    """An error of pydantic's in our words: its own may repeat the value."""
    wanted = fault["type"].split("_")[0]
    message, hint = _WORDS.get(wanted, _SECTION)
    return Finding(fault["loc"], message, "put it in quotes" if wanted == "string" and _plain(fault["input"]) else hint)


def _plain(value: object) -> bool:
    return isinstance(value, bool | int | float)


_SECTION = ("takes keys and values", "write name: value")
_WORDS = {
    "int": ("takes a whole number", "write the number here, without quotes"),
    "float": ("takes a number", "write the number here, without quotes"),
    "bool": ("takes true or false", "write it here, without quotes"),
    "string": ("takes text", ""),
    "list": ("takes a list", "start each item with '- '"),
}
