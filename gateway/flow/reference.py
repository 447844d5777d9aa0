"""docs/flow-reference.md from the schema: every key with what it takes, its default and an example.

The words around the keys are in reference.md, beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath

from gateway.flow import emit, keys
from gateway.flow.inherit import origin
from gateway.flow.schema import Schema, document, resolved
from gateway.flow.source import path_text

_TEMPLATE = FilePath(__file__).with_name("reference.md")
_HEADING = re.compile(r"(##+) (.+)")
_TYPES = {"string": "text", "boolean": "`true` or `false`", "object": "keys and values", "array": "a list"}
_TIMEZONE = "#/$defs/timezone"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `place` is its section's (`personas.<name>.vad`), `inner` the place of its own keys, if it has some."""

    place: str
    name: str
    schema: Schema
    required: bool
    inner: str = ""
    body: Schema | None = None  # the schema of what `inner` holds

    @property
    def path(self) -> str:
        return f"{self.place}.{self.name}" if self.place else self.name

    @property
    def home(self) -> str:
        """Where its own keys are told: at `inner`, or at another place that holds the same; empty where it has none."""
        return _homes().get((self.body or {}).get("$ref", ""), self.inner)

    @property
    def is_section(self) -> bool:
        return self.body is not None and self.home == self.inner

    @property
    def link(self) -> str:
        return "#" + anchor(self.inner if self.is_section else self.path)


def reference() -> str:
    """The page, in Markdown."""
    top = document()
    marks = {
        "@SHORTEST@": emit.block(top["examples"][0]),
        "@KEYS@": "\n".join(_section("", top)),
        "@PLANNED@": "\n".join(_planned()),
        "@FOREIGN@": "\n".join(_foreign()),
        "@ABSENT@": ", ".join(f"`{name}`" for name in keys.ABSENT),
    }
    page = _TEMPLATE.read_text("utf-8")
    for mark, words in marks.items():
        page = page.replace(mark, words)
    return page.replace("@CONTENTS@", "\n".join(_contents(page)))


def anchor(heading: str) -> str:
    """What GitHub links a heading by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def keys_of(place: str, schema: Schema) -> Iterator[Key]:
    """The keys of a section, in the schema's order."""
    for name, raw in schema.get("properties", {}).items():
        inner = resolved(raw)
        path = f"{place}.{name}" if place else name
        required = name in schema.get("required", ())
        if "properties" in inner:
            yield Key(place, name, inner, required, path, inner)
        elif "properties" in (item := resolved(inner.get("items", {}))):
            yield Key(place, name, inner, required, f"{path}[]", item)
        elif isinstance(extra := inner.get("additionalProperties"), dict) and "properties" in resolved(extra):
            yield Key(place, name, inner, required, f"{path}.<name>", resolved(extra))
        else:
            yield Key(place, name, inner, required)


@cache
def _homes() -> dict[str, str]:
    """Sections that stand in several places are told once, where `defaults` don't: by their $ref, that place."""
    found: dict[str, str] = {}

    def look(place: str, schema: Schema) -> None:
        for key in sorted(keys_of(place, schema), key=lambda one: one.path == "defaults"):
            if key.body is not None:
                if "$ref" in key.body:
                    found.setdefault(key.body["$ref"], key.inner)
                look(key.inner, key.body)

    look("", document())
    return found


def _section(place: str, schema: Schema) -> Iterator[str]:
    """A table of the keys, each key that holds no others, then the sections below."""
    found = list(keys_of(place, schema))
    yield "| key | takes | default |\n|---|---|---|"
    yield from (_row(key) for key in found)
    yield ""
    for key in found:
        if not key.is_section:
            yield from _entry(key)
    for key in found:
        if key.is_section and key.body is not None:
            yield f"### `{key.inner}`\n\n{_about(key, key.body)}\n"
            yield from _examples(key)
            yield from _section(key.inner, key.body)


def _about(key: Key, body: Schema) -> str:
    """What a section is, and what each of its entries is."""
    words = dict.fromkeys((key.schema["description"], body.get("description", "")))
    return " ".join(filter(None, (*words, _necessity(key), _inherited(key))))


def _row(key: Key) -> str:
    return f"| [`{key.name}`]({key.link}) | {takes(key)} | {'required' if key.required else _default(key.schema)} |"


def _entry(key: Key) -> Iterator[str]:
    reason = " ".join(f" ({key.schema[word]})" for word in ("durationReason", "rangeReason") if word in key.schema)
    yield f"#### `{key.path}`\n\n{key.schema['description']}\n"
    yield " ".join(filter(None, (f"Takes {takes(key)}{reason}.", _necessity(key), _inherited(key)))) + "\n"
    yield from _examples(key)


def _necessity(key: Key) -> str:
    if key.required:
        return "Required."
    return f"Default: {default}." if (default := _default(key.schema)) else "Optional."


def _inherited(key: Key) -> str:
    """Where a key is taken from that is not written. What a number inherits, it inherits whole."""
    steps = tuple(0 if step == "[]" else step for step in re.findall(r"\[\]|[^.\[\]]+", key.path))
    home = origin(steps) if steps[0] != "numbers" or len(steps) < 4 else steps
    return f"Inherited from `{path_text(home)}`." if home != steps else ""


def _default(schema: Schema) -> str:
    """Nothing where it is that there is none."""
    return f"`{emit.line(schema['default'])}`" if schema.get("default", {}) not in ({}, []) else ""


def takes(key: Key) -> str:
    """What may be written, in plain words."""
    if key.home != key.inner:
        return f"the keys of [`{key.home}`](#{anchor(key.home)})"
    if key.inner.endswith("[]"):
        return f"a list, each with [these keys]({key.link})"
    if key.inner.endswith("<name>"):
        return f"names of yours, each with [these keys]({key.link})"
    return f"[these keys]({key.link})" if key.inner else _takes(key.schema)


def _takes(schema: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if "durationMinimum" in schema:
        return f"a duration, `{schema['durationMinimum']}` to `{schema['durationMaximum']}`"
    match schema.get("type"):
        case "integer" | "number" as kind:
            bounds = f", {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""
            if "exclusiveMinimum" in schema:
                bounds = f", more than {schema['exclusiveMinimum']}, and up to {schema['maximum']}"
            return f"{'a whole number' if kind == 'integer' else 'a number'}{bounds}"
        case "array":
            return f"a list of these: {_takes(resolved(schema['items']))}"
        case "object" if isinstance(extra := schema.get("additionalProperties"), dict):
            whose = "days" if "mon" in schema.get("propertyNames", {}).get("pattern", "") else "names of yours"
            return f"{whose}, each with {_takes(resolved(extra))}"
        case [*kinds] if "array" in kinds:
            return f"{_text(schema)}, or a list of them"
        case "string":
            return _text(schema)
        case kind:
            return _TYPES[str(kind)]


def _text(schema: Schema) -> str:
    """A kind of text, from what is said of one that is none."""
    if schema.get("$ref") == _TIMEZONE:
        return "the name of a time zone"
    words = str(schema.get("patternErrorMessage", ""))
    for lead in ("not ", "takes "):
        if words.startswith(lead):
            return words.removeprefix(lead)
    return "text"


def _examples(key: Key) -> Iterator[str]:
    """The first example; then further ones, short ones in one line."""
    first, *others = key.schema["examples"]
    yield f"```yaml\n{emit.block({key.name: first})}```\n"
    short = [f"`{emit.line(example)}`" for example in others if not isinstance(example, dict | list)]
    if short:
        yield f"Or: {', '.join(short)}.\n"
    for example in others:
        if isinstance(example, dict | list):
            yield f"Or:\n\n```yaml\n{emit.block({key.name: example})}```\n"


def _contents(page: str) -> Iterator[str]:
    for match in _HEADING.finditer(page):
        marks, title = match.groups()
        if len(marks) < 4 and title != "Contents":
            yield f"{'  ' * (len(marks) - 2)}- [{title}](#{anchor(title)})"


def _planned() -> Iterator[str]:
    for place, names in keys.PLANNED.items():
        where = f"under `{place}`" if place else "at the top"
        yield f"- {where}: {', '.join(f'`{name}`' for name in names)}"
    yield f"- types of `tools`: {', '.join(f'`{name}`' for name in keys.PLANNED_TYPES)}"


def _foreign() -> Iterator[str]:
    everywhere = [(f"`{name}`", place) for name, place in keys.FOREIGN.items()]
    somewhere = [(f"`{name}` under `{place}`", ours) for (place, name), ours in keys.FOREIGN_IN.items()]
    yield from (f"| {theirs} | `{ours}` |" for theirs, ours in (*everywhere, *somewhere))
