"""Who inherits what: `defaults` hand down to personas and numbers what these don't write themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from gateway.flow.schema import with_defaults
from gateway.flow.sections import entries, numbers
from gateway.flow.source import Data, Path

# Sections that a persona takes from `defaults` key by key.
SECTIONS = ("voice", "vad", "barge_in")
# Keys that a number takes from `defaults` whole.
OF_NUMBERS = ("hours", "fallback", "timezone")  # and hours the last one
# Keys of a persona that stand elsewhere in `defaults`.
_HANDED_DOWN: dict[Path, Path] = {
    ("model", "name"): ("defaults", "model"),
    ("languages", "primary"): ("defaults", "language"),
}


def complete(data: Data, file: str) -> Data:
    """The data with everything that holds without being written: `defaults`, the schema's defaults, the file's name.

    Data that is not what the schema says stays as it is where it is not, so that rules can look at the rest.
    """
    full = with_defaults(_handed_down(data))
    if not isinstance(full, dict):
        return full
    full.setdefault("name", PurePath(file).stem)
    defaults = full["defaults"]
    if isinstance(defaults, dict):
        for persona in _all(full, "personas"):
            _inherit(persona, defaults)
        for zoned in (*_all(full, "hours"), *(number for _, number in numbers(full))):
            zoned.setdefault("timezone", defaults["timezone"])
    return full


def origin(path: Path) -> Path:
    """The place in `defaults` that a place in a persona, a number or hours inherits from, else the place itself."""
    match path:
        case ("personas", _, *rest):
            if tuple(rest) in _HANDED_DOWN:
                return _HANDED_DOWN[tuple(rest)]
            return ("defaults", *rest) if rest and rest[0] in SECTIONS else path
        case ("numbers", _, key, *rest) if key in OF_NUMBERS:
            return ("defaults", key, *rest)
        case ("hours", _, "timezone"):
            return ("defaults", "timezone")
        case _:
            return path


def _handed_down(data: Data) -> Data:
    """The data with what is written under `defaults` copied to those who don't write it."""
    if not isinstance(data, dict) or not isinstance(defaults := data.get("defaults"), dict):
        return data
    personas, lines = data.get("personas"), data.get("numbers")
    full = dict(data)
    if isinstance(personas, dict):
        full["personas"] = {name: _with_sections(persona, defaults) for name, persona in personas.items()}
    if isinstance(lines, list):
        full["numbers"] = [_with_keys(line, defaults) for line in lines]
    return full


def _with_sections(persona: Data, defaults: Mapping[str, Data]) -> Data:
    if not isinstance(persona, dict):
        return persona
    full = dict(persona)
    for name in SECTIONS:
        own, shared = persona.get(name, {}), defaults.get(name)
        if isinstance(own, dict) and isinstance(shared, dict):
            full[name] = {**shared, **own}
    return full


def _with_keys(line: Data, defaults: Mapping[str, Data]) -> Data:
    if not isinstance(line, dict):
        return line
    return {**{key: defaults[key] for key in OF_NUMBERS if key in defaults}, **line}


def _inherit(persona: dict[str, Data], defaults: Mapping[str, Data]) -> None:
    languages, model = persona["languages"], persona["model"]
    if isinstance(languages, dict):
        languages.setdefault("primary", defaults["language"])
        languages.setdefault("allowed", [languages["primary"]])
    if isinstance(model, dict):
        model.setdefault("name", defaults["model"])


def _all(data: Data, section: str) -> Iterator[dict[str, Data]]:
    yield from (entry for entry in entries(data, section).values() if isinstance(entry, dict))
