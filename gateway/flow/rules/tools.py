"""Rules for `tools`: names that nobody knows, and tools that nobody has."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.flow.model import Finding
from gateway.flow.rules.words import strangers
from gateway.flow.sections import entries
from gateway.flow.source import Data, Path


def judge(written: Data) -> Iterator[Finding]:
    """Each tool of a persona is one of the flow. A misspelt name may mean any of them: then none is unused."""
    lists = {name: entries(written, "personas", name).get("tools", []) for name in entries(written, "personas")}
    named: list[tuple[Path, Data]] = [
        (("personas", persona, "tools", n), name)
        for persona, names in lists.items()
        if isinstance(names, list)
        for n, name in enumerate(names)
    ]
    tools, used = {*entries(written, "tools")}, {name for _, name in named if isinstance(name, str)}
    yield from strangers(named, tools, "there is no such tool", "add it under tools")
    are_names = all(isinstance(names, list) for names in lists.values()) and all(isinstance(n, str) for _, n in named)
    for name in tools - used if are_names and used <= tools else ():
        hint = "list it under a persona's tools, or remove it"
        yield Finding(("tools", name), "no persona has this tool", hint, "warning", "key")
