"""jsonschema's errors in our words. Apart from `schema`, for its import is the slow one.

Messages don't repeat values: a value may come from the environment and be a secret; the caret shows what is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from gateway.flow.durations import milliseconds, with_unit
from gateway.flow.emit import line
from gateway.flow.environment import Filled
from gateway.flow.guess import GUESS
from gateway.flow.hours import CLOSED
from gateway.flow.keys import NOT_YET, PLANNED_TYPES
from gateway.flow.model import Finding
from gateway.flow.near import did_you_mean
from gateway.flow.schema import Schema, at, document, unknown
from gateway.flow.sections import entries
from gateway.flow.source import Data, Path

MAX_GUESSED = 64  # characters: nobody's typing error is longer


def faults(data: Data) -> Iterator[Finding]:
    """The findings, in the schema's order."""
    astray = dict(_astray(data))
    yield from astray.values()
    kept = {kind: [key for key in entries(data, kind) if (kind, key) not in astray] for kind in ("personas", "hours")}
    names = {kind: next(iter(keys), "") for kind, keys in kept.items()}
    for error in _validator().iter_errors(data):
        path = tuple(error.absolute_path)
        if path[:2] not in astray:
            yield from (_named(found, names) for found in _SAY[str(error.validator)](error, path))


def _astray(data: Data) -> Iterator[tuple[Path, Finding]]:
    """Keys of a persona that stand where personas do: they are indented too little."""
    for key, value in entries(data, "personas").items():
        is_persona = isinstance(value, dict) and "instructions" in value
        if key in at(("personas", key))["properties"] and not is_persona:
            path = ("personas", key)
            yield path, Finding(path, "a persona's key among the personas", "indent it under the persona", at="key")


@cache
def _validator() -> Validator:
    words = {"pattern": _pattern, "durationMinimum": _bounds}
    known: Any = extend  # jsonschema's stubs leave it without types
    return cast(Validator, known(Draft202012Validator, words)(document()))


def _pattern(_: Validator, pattern: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    """As in ECMAScript, which JSON Schema means: `$` is the very end, not before a last line feed."""
    exact = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and not re.search(exact, value):
        yield ValidationError("pattern")


def _bounds(_: Validator, low: str, value: Any, schema: Schema) -> Iterator[ValidationError]:
    length = milliseconds(value) if isinstance(value, str) else None
    least, most = milliseconds(low), milliseconds(schema["durationMaximum"])
    if length is not None and least is not None and most is not None and not least <= length <= most:
        yield ValidationError("bounds")


def _type(error: ValidationError, path: Path) -> Iterator[Finding]:
    if error.instance is None and path:
        yield Finding(path, "has no value", "write one, or remove the key", at="key")
        return
    kinds: Any = error.validator_value
    wanted = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    schema = at(path)
    if wanted == "string" and "durationMinimum" in schema and isinstance(error.instance, int | float):
        yield Finding(path, "a duration carries a unit", _unit(error.instance, schema))
        return
    yield Finding(path, f"takes {_TYPES[wanted]}", _type_hint(wanted, error.instance, path))


_TYPES = {
    "object": "keys and values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string or array": "text, or a list of texts",
    "string or object": "text, or keys and values",
}


def _type_hint(wanted: str, value: Any, path: Path) -> str:
    schema = at(path)
    match wanted, value:
        case "boolean" | "integer" | "number", Filled():
            return f"what ${{…}} fills in is text: write {_PLAINLY[wanted]} here"
        case "object", _ if "properties" in schema:
            return _section_hint(path, schema, value)
        case "object", _:
            return "write name: value"
        case "array", _:
            return "start each item with '- '"
        case "boolean", _:
            return _boolean_hint(value)
        case "integer" | "number", str() if _NUMBER[wanted].fullmatch(value):
            return f"write {value}, without quotes"
        case "string", bool() | int() | float() if "enum" not in schema and re.search(
            schema.get("pattern", ""), str(value)
        ):
            return "put it in quotes"
        case _:
            return _such_as(schema)


_PLAINLY = {"boolean": "true or false", "integer": "the number", "number": "the number"}


_NUMBER = {"integer": re.compile("0|[1-9][0-9]{0,8}"), "number": re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?")}


def _section_hint(path: Path, schema: Schema, value: Any) -> str:
    """A section's shape: the key that it must have, or its first one; what is written, where it can mean that alone."""
    if not path or isinstance(path[-1], int):
        return f"its keys: {', '.join(schema['properties'])}"
    first = (*schema.get("required", ()), *schema["properties"])[0]
    alone = schema.get("required", list(schema["properties"])) == [first]
    meant = line({first: value})[1:-1] if alone and _fits(value, at((*path, first))) else f"{first}: …"
    return f"write {path[-1]}: {{ {meant} }}"


def _fits(value: Any, schema: Schema) -> bool:
    """Whether a value is the file's own, short, and what the schema takes. A duration is nobody's words."""
    if isinstance(value, bool):
        return schema.get("type") == "boolean"
    if not isinstance(value, str) or isinstance(value, Filled) or milliseconds(value) is not None:
        return False
    known, shape = schema.get("enum", [value]), schema.get("pattern", "")
    short = len(value) <= MAX_GUESSED and schema.get("type") == "string"
    return short and value in known and re.search(shape, value) is not None


def _boolean_hint(value: Any) -> str:
    word = str(value).lower()
    if value in ("true", "false"):  # as text, so it stands in quotes
        return f"write {value}, without quotes"
    if word in ("true", "yes", "on", "y", "1"):
        return "write true"
    return "write false" if word in ("false", "no", "off", "n", "0") else "write true or false, without quotes"


def _unit(number: float | str, schema: Schema) -> str:
    text = with_unit(number, schema["examples"][0], schema["durationMinimum"], schema["durationMaximum"])
    return f"write {text}"


def _such_as(schema: Schema) -> str:
    examples = schema.get("examples", ())
    return f"such as {examples[0]}" if examples and not isinstance(examples[0], dict | list) else ""


def _extra(error: ValidationError, path: Path) -> Iterator[Finding]:
    known, section = at(path)["properties"], cast(dict[str, Any], error.instance)
    if path[:1] == ("tools",) and section.get("type") in PLANNED_TYPES:
        return  # its type is told: the keys are those of a tool to come
    for key in _keys(error):
        if key not in known:
            yield unknown(path, key)


def _named(finding: Finding, names: Mapping[str, str]) -> Finding:
    """With names of this flow in its hint: those of the entry it speaks of, else the first ones of their sections."""
    hint, (section, own, *_) = finding.hint, (*finding.path, "", "")
    for kind, first in names.items():
        name = str(own) if kind == section and own else first
        hint = hint.replace(f"{kind}.<name>", f"{kind}.{name}") if name else hint
    return replace(finding, hint=hint)


def _required(error: ValidationError, path: Path) -> Iterator[Finding]:
    """jsonschema reports each missing key by itself, in words alone: the key is the one its message begins with."""
    for key in at(path)["required"]:
        if key not in _keys(error) and error.message.startswith(repr(key)):
            yield Finding((*path, key), "missing key", _example(key, at((*path, key))), at="key")


def _keys(error: ValidationError) -> tuple[str, ...]:
    return tuple(error.instance) if isinstance(error.instance, dict) else ()


def _example(key: str, schema: Schema) -> str:
    example = schema["examples"][0]
    if isinstance(example, dict | list):
        return f"write {key}: and what belongs under it"
    return f"such as {key}: {example}" if "const" not in schema else f"write {key}: {example}"


def _misshapen(error: ValidationError, path: Path) -> Iterator[Finding]:
    schema, written = at(path), str(error.instance)
    if "propertyNames" in error.absolute_schema_path:
        names = schema["propertyNames"]
        hint = _guessed(written, names) or "rename it"
        yield Finding((*path, written), names["patternErrorMessage"], hint, at="key")
    elif "durationMinimum" in schema and written.isdecimal():
        hint = _such_as(schema) if isinstance(error.instance, Filled) else _unit(written, schema)
        yield Finding(path, "a duration carries a unit", hint)
    else:
        yield Finding(
            path, schema["patternErrorMessage"], _guessed(cast(str, error.instance), schema) or _such_as(schema)
        )


def _guessed(written: str, schema: Schema) -> str:
    """Not of what the environment filled in: its words may be a secret."""
    if isinstance(written, Filled):
        return ""
    if written == CLOSED:
        return "closed stands alone, not in a list"
    guess, shape = GUESS.get(schema["patternErrorMessage"]), schema["pattern"]
    if guess is None or len(written) > MAX_GUESSED:
        return ""
    if "array" in schema.get("type", ()) and "," in written:
        several = [guess(one.strip()) for one in written.split(",")]
        fits = all(re.search(shape, one) for one in several)
        return f"did you mean {json.dumps(several)}?" if fits else ""
    found = guess(written)
    return f"did you mean '{found}'?" if re.search(shape, found) else ""


def _enum(error: ValidationError, path: Path) -> Iterator[Finding]:
    known = at(path)["enum"]
    takes = f"takes {' or '.join(filter(None, (', '.join(known[:-1]), known[-1])))}"
    if path[:1] == ("tools",) and error.instance in PLANNED_TYPES:
        yield Finding(path, NOT_YET, f"until then it {takes}")
    elif isinstance(error.instance, str):
        hint = did_you_mean(error.instance, known)
        yield Finding(path, takes, "" if hint.startswith("known") else hint)


def _const(error: ValidationError, path: Path) -> Iterator[Finding]:
    if type(error.instance) is type(error.validator_value):
        yield Finding(path, "not a version of the format that is known here", f"write {error.validator_value}")


def _range(_: ValidationError, path: Path) -> Iterator[Finding]:
    schema = at(path)
    least = schema["minimum"] if "minimum" in schema else f"more than {schema['exclusiveMinimum']}, and up"
    yield Finding(path, f"takes {least} to {schema['maximum']}", schema.get("rangeReason") or _such_as(schema))


def _duration(_: ValidationError, path: Path) -> Iterator[Finding]:
    schema = at(path)
    message = f"takes {schema['durationMinimum']} to {schema['durationMaximum']}"
    yield Finding(path, message, schema["durationReason"])


def _empty(_: ValidationError, path: Path) -> Iterator[Finding]:
    yield Finding(path, "is empty", "write at least one, or remove the key")


def _twice(_: ValidationError, path: Path) -> Iterator[Finding]:
    yield Finding(path, "names one thing twice", "remove one")


_SAY: dict[str, Callable[[ValidationError, Path], Iterator[Finding]]] = {
    "type": _type,
    "additionalProperties": _extra,
    "required": _required,
    "pattern": _misshapen,
    "enum": _enum,
    "const": _const,
    "minimum": _range,
    "exclusiveMinimum": _range,
    "maximum": _range,
    "durationMinimum": _duration,
    "minProperties": _empty,
    "minItems": _empty,
    "uniqueItems": _twice,
}
