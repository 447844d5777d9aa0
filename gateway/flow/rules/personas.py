"""Rules for `personas`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.flow.model import Finding
from gateway.flow.schema import at
from gateway.flow.sections import entries
from gateway.flow.source import Data


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
