"""jsonschema's errors in our words. Apart from `schema`, for its import is the slow one.

Messages don't repeat values: a value may come from the environment and be a secret; the caret shows what is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from gateway.flow.durations import milliseconds, with_unit
from gateway.flow.environment import Filled
from gateway.flow.model import Finding
from gateway.flow.near import did_you_mean
from gateway.flow.schema import Schema, at, document, unknown
from gateway.flow.source import Data, Path


def faults(data: Data) -> Iterator[Finding]:
    """The findings, in the schema's order."""
    astray = dict(_astray(data))
    yield from astray.values()
    personas = data.get("personas") if isinstance(data, dict) else None
    name = next((key for key in personas if ("personas", key) not in astray), "") if isinstance(personas, dict) else ""
    for error in _validator().iter_errors(data):
        path = tuple(error.absolute_path)
        if path[:2] not in astray:
            yield from (replace(found, hint=named(found, name)) for found in _SAY[str(error.validator)](error, path))


def _astray(data: Data) -> Iterator[tuple[Path, Finding]]:
    """Keys of a persona that stand where personas do: they are indented too little."""
    personas = data.get("personas") if isinstance(data, dict) else None
    for key, value in personas.items() if isinstance(personas, dict) else ():
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
    wanted = str(error.validator_value)
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
}


def _type_hint(wanted: str, value: Any, path: Path) -> str:
    schema = at(path)
    match wanted, value:
        case "boolean" | "integer" | "number", Filled():
            return f"what ${{…}} fills in is text: write {_PLAINLY[wanted]} here"
        case "object", _ if "properties" in schema:
            return _section_hint(path, schema)
        case "object", _:
            return "write name: value"
        case "array", _:
            return "start each item with '- '"
        case "boolean", _:
            return _boolean_hint(value)
        case "string", bool() | int() | float() if "pattern" not in schema and "enum" not in schema:
            return "put it in quotes"
        case _:
            return _such_as(schema)


_PLAINLY = {"boolean": "true or false", "integer": "the number", "number": "the number"}


def _section_hint(path: Path, schema: Schema) -> str:
    """A section's shape: the key that it must have, or its first one."""
    if not path or isinstance(path[-1], int):
        return f"its keys: {', '.join(schema['properties'])}"
    first = (*schema.get("required", ()), *schema["properties"])[0]
    return f"write {path[-1]}: {{ {first}: … }}"


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
    known = at(path)["properties"]
    for key in _keys(error):
        if key not in known:
            yield unknown(path, key)


def named(finding: Finding, persona: str) -> str:
    """The hint with a persona of this flow in the place of `<name>`: the one it speaks of, or the first."""
    own = str(finding.path[1]) if finding.path[:1] == ("personas",) and len(finding.path) > 1 else persona
    return finding.hint.replace("<name>", own) if own else finding.hint


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
        yield Finding((*path, written), schema["propertyNames"]["patternErrorMessage"], "rename it", at="key")
    elif "durationMinimum" in schema and written.isdecimal():
        hint = _such_as(schema) if isinstance(error.instance, Filled) else _unit(written, schema)
        yield Finding(path, "a duration carries a unit", hint)
    else:
        code = _language(written) if schema["patternErrorMessage"] == "not a language code" else ""
        hint = f"did you mean '{code}'?" if code and not isinstance(error.instance, Filled) else _such_as(schema)
        yield Finding(path, schema["patternErrorMessage"], hint)


def _language(written: str) -> str:
    """The code that `en_us` or `EN-us` stands for; empty where none is like it."""
    parts = re.split("[-_]", written)
    shaped = [parts[0].lower(), *(part.title() if len(part) == 4 else part.upper() for part in parts[1:])]
    code = "-".join(shaped)
    return code if re.search(at(("defaults", "language"))["pattern"], code) else ""


def _enum(error: ValidationError, path: Path) -> Iterator[Finding]:
    known = [str(value) for value in at(path)["enum"]]
    hint = did_you_mean(error.instance, known) if isinstance(error.instance, str) else ""
    yield Finding(path, f"takes {' or '.join(known)}", "" if hint.startswith("known") else hint)


def _const(error: ValidationError, path: Path) -> Iterator[Finding]:
    if type(error.instance) is type(error.validator_value):
        yield Finding(path, "not a version of the format that is known here", f"write {error.validator_value}")


def _range(_: ValidationError, path: Path) -> Iterator[Finding]:
    schema = at(path)
    yield Finding(path, f"takes {schema['minimum']} to {schema['maximum']}", _such_as(schema))


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
    "maximum": _range,
    "durationMinimum": _duration,
    "minProperties": _empty,
    "minItems": _empty,
    "uniqueItems": _twice,
}
