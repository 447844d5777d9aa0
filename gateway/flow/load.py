"""The door: a folder of flow files -> Flows, or FlowError with every Problem of every file.

Each file runs through all stages, also after a fault, so that one reading names all that is wrong. Of two stages that
have something against the same place the earlier one is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.flow import environment, rules, schema
from gateway.flow.build import build, complete
from gateway.flow.model import Finding, Flow, Number
from gateway.flow.source import Data, Source, read
from gateway.flow.text import MAX_BYTES
from gateway.problem import Place, Problem

Judge = Callable[[Flow], Iterable[Finding]]
_ENDINGS = (".yaml", ".yml")


class FlowError(Exception):
    """Flow files with faults. `problems` holds all of them, warnings too, in the files' order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of a folder, in their files' order, and what is odd about them but no fault."""

    flows: tuple[Flow, ...]
    warnings: tuple[Problem, ...] = ()

    def line(self, number: str) -> tuple[Flow, Number] | None:
        """Who answers an E.164 number."""
        return next(((flow, line) for flow in self.flows for line in flow.numbers if line.number == number), None)

    def named(self, name: str) -> Flow | None:
        return next((flow for flow in self.flows if flow.name == name), None)


@dataclass(frozen=True, slots=True)
class _Draft:
    """One file on its way through the stages."""

    source: Source
    data: Data = None
    problems: list[Problem] = field(default_factory=list)
    broken: frozenset[Place] = frozenset()  # where the YAML itself is at fault: what stands there means nothing

    @property
    def file(self) -> str:
        return self.source.text.file

    @property
    def sound(self) -> bool:
        return all(problem.severity == "warning" for problem in self.problems)

    def add(self, findings: Iterable[Finding]) -> None:
        """Those at places that no earlier stage named."""
        named = {problem.path for problem in self.problems if problem.path}
        fresh = [self.source.problem(finding) for finding in findings]
        self.problems.extend(p for p in fresh if p.path not in named and p.place not in self.broken)


def load(path: Path, env: Mapping[str, str], judges: Sequence[Judge] = ()) -> Flows:
    """The flows of a folder (its *.yaml and *.yml, not those of folders within) or of one file.

    `env` fills `${NAME}`; a judge says what another room has against a flow that is otherwise sound.
    Raises FlowError where anything is an error; mere warnings come with the flows.
    """
    files, faults = _files(path)
    drafts = [draft for file in files if (draft := _draft(file, env, faults)) is not None]
    _across(drafts)
    flows = [flow for draft in drafts for flow in _built(draft, judges)]
    problems = [*faults, *(problem for draft in drafts for problem in draft.problems)]
    problems.sort(key=lambda problem: problem.place)
    if any(problem.severity == "error" for problem in problems):
        raise FlowError(problems)
    return Flows(tuple(flows), tuple(problems))


def _files(path: Path) -> tuple[list[Path], list[Problem]]:
    place = Place(str(path))
    try:
        if path.is_dir():
            names = [entry for entry in path.iterdir() if entry.suffix in _ENDINGS and not entry.name.startswith(".")]
            empty = Problem(place, "", "there is no flow in this folder", "add a file that ends in .yaml")
            return sorted(names), [] if names else [empty]
        if path.exists():
            return [path], []
    except (OSError, ValueError) as error:
        return [], [_unreadable(place, error)]
    return [], [Problem(place, "", "there is no such file or folder", "check the path")]


def _draft(path: Path, env: Mapping[str, str], faults: list[Problem]) -> _Draft | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        faults.append(_unreadable(Place(str(path)), error))
        return None
    return _checked(raw, str(path), env)


def _unreadable(place: Place, error: OSError | ValueError) -> Problem:
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(place, "", f"can't be read: {reason}", "check the path and who may read it")


def _checked(raw: bytes, file: str, env: Mapping[str, str]) -> _Draft:
    """One file through the stages that look at it alone."""
    source, problems = read(raw, file)
    if source.data is None:
        return _Draft(source, None, problems)
    filled, missing = environment.fill(source.data, env)
    broken = frozenset(problem.place for problem in problems)
    draft = _Draft(source, complete(filled, file), problems, broken)
    shape = schema.check(filled)
    unknown = {finding.path for finding in shape if finding.message == schema.UNKNOWN}
    draft.add(finding for finding in missing if not _within(finding.path, unknown))
    draft.add(shape)
    draft.add(rules.judge(draft.data, file))
    return draft


def _within(path: tuple[str | int, ...], places: set[tuple[str | int, ...]]) -> bool:
    return any(path[:length] in places for length in range(1, len(path) + 1))


def _across(drafts: Sequence[_Draft]) -> None:
    """What must be unique in the folder: a flow's name, a line's number."""
    seen: dict[tuple[str, str], str] = {}
    for draft in drafts:
        findings = []
        for kind, path, value in _unique(draft.data):
            first = seen.setdefault((kind, value), here := _where(draft, path))
            if first is not here:
                findings.append(Finding(path, f"{first} has this {kind} already", _UNIQUE[kind]))
        draft.add(findings)


_UNIQUE = {"name": "a name belongs to one flow", "number": "a number belongs to one line"}


def _unique(data: Data) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    if isinstance(data, dict) and isinstance(name := data.get("name"), str):
        yield "name", ("name",), name
    for path, number in rules.numbers(data):
        if isinstance(value := number.get("number"), str):
            yield "number", (*path, "number"), value


def _where(draft: _Draft, path: tuple[str | int, ...]) -> str:
    place = draft.source.problem(Finding(path, "")).place
    return f"{place.file}:{place.line}"


def _built(draft: _Draft, judges: Sequence[Judge]) -> Iterator[Flow]:
    if draft.data is None or not draft.sound:
        return
    flow = build(draft.data, draft.file)
    for judge in judges:
        draft.add(judge(flow))
    yield flow
