"""The shortest flow that is well, and ways to load what a test writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.flow.load import FlowError, Flows, Judge, load

NUMBER = 'numbers:\n  - { label: desk, number: "+14155550100", persona: ava }\n'
PERSONA = "personas:\n  ava:\n    instructions: You answer the phone.\n"
SHORTEST = f"version: 1\n{NUMBER}{PERSONA}"


def flows(folder: Path, text: str, env: Mapping[str, str] | None = None, judges: Sequence[Judge] = ()) -> Flows:
    (folder / "desk.yaml").write_text(text, encoding="utf-8")
    return load(folder / "desk.yaml", env or {}, judges)


def said(path: Path, env: Mapping[str, str] | None = None) -> list[str]:
    """What `load` has against a path, files by their base names."""
    try:
        problems = load(path, env or {}).warnings
    except FlowError as error:
        problems = error.problems
    folder = path if path.is_dir() else path.parent
    return [str(problem).replace(f"{folder}/", "") for problem in problems]
