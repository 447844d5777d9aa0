"""Rules for `personas`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.flow.model import Finding
from gateway.flow.schema import at
from gateway.flow.sections import entries
from gateway.flow.source import Data, Path


def languages(data: Data) -> Iterator[Finding]:
    """The primary language, own or inherited, is among the allowed ones."""
    for name, persona in entries(data, "personas").items():
        section = entries(persona, "languages")
        primary, allowed = section.get("primary"), section.get("allowed")
        codes = [primary, *allowed] if isinstance(allowed, list) else []
        if codes and primary not in codes[1:] and all(_is_code(code) for code in codes):
            path = ("personas", name, "languages", "allowed")
            yield Finding(path, "the primary language is missing", "add it")


def _is_code(code: Data) -> bool:
    """Whether nobody else has something against a language."""
    pattern = at(("defaults", "language"))["pattern"]
    return isinstance(code, str) and "${" not in code and re.search(pattern, code) is not None


def overruled(written: Data) -> Iterator[Finding]:
    """A greeting that says it may be interrupted, where nothing may be."""
    shared = entries(written, "defaults", "barge_in").get("enabled")
    for name, persona in entries(written, "personas").items():
        if entries(persona, "barge_in").get("enabled", shared) is not False:
            continue
        if entries(persona, "greeting").get("interruptible") is True:
            path = ("personas", name, "greeting", "interruptible")
            yield Finding(path, "it has no effect while barge_in is off", "remove one of the two", "warning")


def unheard(written: Data) -> Iterator[Finding]:
    """Sensitivities, which are the model's, where the gateway listens: a persona's own, and those of `defaults` where
    it does so for everyone."""
    shared = entries(written, "defaults", "vad")
    owners: list[tuple[Path, dict[str, Data], Data]] = []
    for name in entries(written, "personas"):
        vad = entries(written, "personas", name, "vad")
        owners.append((("personas", name, "vad"), vad, vad.get("mode", shared.get("mode"))))
    if owners and all(mode == "gateway" for *_, mode in owners):
        owners.append((("defaults", "vad"), shared, "gateway"))
    for path, vad, mode in owners:
        for key in ("start_sensitivity", "end_sensitivity"):
            if mode == "gateway" and key in vad:
                yield Finding((*path, key), "it has no effect with mode: gateway", "remove it", "warning", "key")


def context(written: Data) -> Iterator[Finding]:
    """What is left of the context is less than what was there."""
    for name in entries(written, "personas"):
        path: Path = ("personas", name, "model", "context")
        section = entries(written, *("personas", name, "model", "context"))
        trigger, target = _tokens(path, section, "trigger"), _tokens(path, section, "target")
        if trigger is None or target is None or target < trigger:
            continue
        if "target" in section:
            yield Finding((*path, "target"), "nothing would fall out", "make it less than trigger")
        else:
            default = at((*path, "target"))["default"]
            yield Finding((*path, "trigger"), "nothing would fall out", f"write a target, which is {default} otherwise")


def _tokens(path: Path, section: dict[str, Data], key: str) -> int | float | None:
    """Written or the default; nothing where the schema has something against it."""
    schema = at((*path, key))
    tokens = section.get(key, schema["default"])
    if not isinstance(tokens, int | float) or isinstance(tokens, bool):
        return None
    return tokens if schema["minimum"] <= tokens <= schema["maximum"] else None
