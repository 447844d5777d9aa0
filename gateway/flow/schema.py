"""Data x schemas/flow.schema.json -> findings in plain words. The schema is the one source of keys and defaults.

Beyond JSON Schema 2020-12 it holds `patternErrorMessage` (which editors show as well) and, for durations,
`durationMinimum`, `durationMaximum` and `durationReason`, and for other bounds that need one a `rangeReason`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from copy import deepcopy
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from gateway.flow.keys import hint
from gateway.flow.model import Finding
from gateway.flow.source import Data, Path

Schema = dict[str, Any]
UNKNOWN = "unknown key"

_PACKAGE = FilePath(__file__).resolve().parent.parent
# Installed, the schema lies within the package; in a checkout, beside it.
_HOMES = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")


@cache
def document() -> Schema:
    """The schema's document."""
    for home in _HOMES:
        file = home / "flow.schema.json"
        if file.is_file():
            return dict(json.loads(file.read_text("utf-8")))
    raise FileNotFoundError(f"flow.schema.json is missing from {_HOMES[0]}")


def check(data: Data) -> list[Finding]:
    """Every way in which the data is not what the schema says, in no order."""
    from gateway.flow.validate import faults  # jsonschema takes 0.1 s to import: only who checks pays

    return list(faults(data))


def resolved(schema: Schema) -> Schema:
    """The schema with what its `$ref` names merged under its own words."""
    if "$ref" not in schema:
        return schema
    target = document()["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return {**resolved(target), **schema}


def below(schema: Schema, step: str | int) -> Schema:
    """The schema of a key or an item; empty where there is none."""
    if isinstance(step, int):
        return resolved(schema.get("items", {}))
    found = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
    return resolved(found) if isinstance(found, dict) else {}


def at(path: Path) -> Schema:
    """The schema of a place; empty where the schema knows of none."""
    schema = resolved(document())
    for step in path:
        schema = below(schema, step)
    return schema


def section_of(path: Path) -> str:
    """The place of a section as people read it: `numbers[]`, `personas.<name>.vad`."""
    words = ""
    schema = document()
    for step in path:
        if isinstance(step, int):
            words += "[]"
        else:
            name = step if step in schema.get("properties", {}) else "<name>"
            words += f".{name}" if words else name
        schema = below(schema, step)
    return words


def walk(schema: Schema, place: str = "") -> Iterator[tuple[str, str, Schema]]:
    """Every key of the schema: the section it stands in, its name, its own schema."""
    for name, raw in schema.get("properties", {}).items():
        inner = resolved(raw)
        yield place, name, inner
        yield from walk(inner, f"{place}.{name}" if place else name)
    if isinstance(extra := schema.get("additionalProperties"), dict):
        yield from walk(resolved(extra), f"{place}.<name>")
    if "items" in schema:
        yield from walk(resolved(schema["items"]), f"{place}[]")


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """For each key the sections that take it; `defaults` only where no other does."""
    found: dict[str, tuple[str, ...]] = {}
    for place, name, _ in sorted(walk(document()), key=lambda key: key[0].startswith("defaults")):
        if not (name in found and place.startswith("defaults")):
            found[name] = (*found.get(name, ()), place)
    return found


def unknown(path: Path, key: str) -> Finding:
    known = at(path).get("properties", {})
    return Finding((*path, key), UNKNOWN, hint(key, section_of(path), known, homes()), at="key")


def repaired(data: Data, wrong: Set[Path], path: Path = ()) -> Data:
    """The data without what is wrong: left out, or where the key is required, its example from the schema."""
    if isinstance(data, list):
        return [repaired(item, wrong, (*path, n)) for n, item in enumerate(data) if (*path, n) not in wrong]
    if not isinstance(data, dict):
        return data
    kept = {key: repaired(value, wrong, (*path, key)) for key, value in data.items() if (*path, key) not in wrong}
    examples = {key: at((*path, key))["examples"][0] for key in at(path).get("required", ()) if key not in kept}
    return {**kept, **deepcopy(examples)}


def with_defaults(data: Data, schema: Schema | None = None) -> Data:
    """The data with the schema's defaults filled in, as deep as the data goes. A wrong shape stays as it is."""
    schema = document() if schema is None else schema
    if isinstance(data, list):
        return [with_defaults(item, below(schema, 0)) for item in data]
    if not isinstance(data, dict):
        return data
    keys = {key: resolved(raw) for key, raw in schema.get("properties", {}).items()}
    full = {**{key: inner["default"] for key, inner in keys.items() if "default" in inner}, **data}
    return {key: with_defaults(value, below(schema, key)) for key, value in full.items()}
