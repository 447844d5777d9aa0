"""The door: a folder of flow files -> Flows, or FlowError with every Problem of every file.

Each file runs through all stages, also after a fault, so that one reading names all that is wrong. Of two stages that
have something against the same place the earlier one is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path as FilePath

from gateway.flow import environment, rules, schema, speech
from gateway.flow.build import build
from gateway.flow.inherit import complete, origin
from gateway.flow.model import Finding, Flow, Number
from gateway.flow.rings import rings
from gateway.flow.source import Data, Path, Source, path_text, read
from gateway.flow.text import MAX_BYTES
from gateway.problem import Place, Problem, Severity

Judge = Callable[[Flow], Iterable[Finding]]
_ENDINGS = (".yaml", ".yml")
_COPY = "put the file itself here"
MAX_PROBLEMS = 200  # told of one file: nobody reads more before mending some


class FlowError(Exception):
    """Flow files with faults. `problems` holds all of them, warnings too, in the files' order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of a folder, in their files' order, and what is odd about them but no fault. Looking one up is O(1)."""

    flows: tuple[Flow, ...]
    warnings: tuple[Problem, ...] = ()
    _numbers: Mapping[str, tuple[Flow, Number]] = field(init=False, repr=False, compare=False)
    _labels: Mapping[tuple[str, str], tuple[Flow, Number]] = field(init=False, repr=False, compare=False)
    _names: Mapping[str, Flow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = [(flow, line) for flow in self.flows for line in flow.numbers]
        object.__setattr__(self, "_numbers", {line.number: (flow, line) for flow, line in lines if line.number})
        object.__setattr__(self, "_labels", {(flow.name, line.label): (flow, line) for flow, line in lines})
        object.__setattr__(self, "_names", {flow.name: flow for flow in self.flows})

    def line(self, number: str) -> tuple[Flow, Number] | None:
        """The line of an E.164 number."""
        return self._numbers.get(number)

    def labelled(self, flow: str, label: str) -> tuple[Flow, Number] | None:
        """The line `label` of the flow of that name."""
        return self._labels.get((flow, label))

    def named(self, name: str) -> Flow | None:
        return self._names.get(name)


@dataclass(frozen=True, slots=True)
class _Draft:
    """One file on its way through the stages."""

    source: Source
    written: Data = None  # as the file has it, ${…} filled in
    data: Data = None  # the same, complete
    problems: list[Problem] = field(default_factory=list)
    broken: frozenset[Place] = frozenset()  # where the YAML itself is at fault: what stands there means nothing
    wrong: set[Path] = field(default_factory=set)  # the places of all errors, told or not

    pieces: set[str] = field(default_factory=set)  # the paths of texts in which a piece is at fault

    @property
    def file(self) -> str:
        return self.source.text.file

    @property
    def sound(self) -> bool:
        return all(problem.severity == "warning" for problem in self.problems)

    def add(self, findings: Iterable[Finding]) -> None:
        """Those at places that no earlier stage named; of pieces of one text each is told."""
        earlier = {problem.path for problem in self.problems if problem.path and problem.severity == "error"}
        in_pieces, known = set(self.pieces), set(self.problems)
        for finding in findings:
            problem = self.source.problem(finding)
            if finding.severity == "error":
                self.wrong.add(finding.path)
            told = problem.path in earlier and not (finding.piece and problem.path in in_pieces)
            if told or problem.place in self.broken or problem in known:
                continue
            self.problems.append(problem)
            known.add(problem)
            if finding.piece:
                self.pieces.add(problem.path)


def load(path: FilePath, env: Mapping[str, str], judges: Sequence[Judge] = ()) -> Flows:
    """The flows of a folder (its *.yaml and *.yml, not those of folders within) or of one file.

    `env` fills `${NAME}`; a judge says what another room has against a flow (one with faults it sees without them).
    Raises FlowError where anything is an error; mere warnings come with the flows.
    """
    files, faults = _files(path)
    drafts = [draft for file in files if (draft := _draft(file, env, faults)) is not None]
    _across(drafts)
    flows = [flow for draft in drafts for flow in _built(draft, judges)]
    problems = [*faults, *(problem for draft in drafts for problem in draft.problems)]
    problems.sort(key=lambda problem: (problem.place, problem.path, problem.message))
    told = [problem for _, group in groupby(problems, lambda problem: problem.place.file) for problem in _some(group)]
    if any(problem.severity == "error" for problem in problems):
        raise FlowError(told)
    return Flows(tuple(flows), tuple(told))


def _some(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The first of one file's problems, and how many more there are."""
    found = list(problems)
    yield from found[:MAX_PROBLEMS]
    if rest := found[MAX_PROBLEMS:]:
        severity: Severity = "error" if any(problem.severity == "error" for problem in rest) else "warning"
        yield Problem(rest[0].place, "", f"and {len(rest)} more", "mend these first", severity)


def _files(path: FilePath) -> tuple[list[FilePath], list[Problem]]:
    place = Place(str(path))
    try:
        if path.is_dir():
            seen = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
            names = sorted(entry for entry in seen if entry.suffix.lower() in _ENDINGS)
            empty = Problem(place, "", "there is no flow in this folder", "add a file that ends in .yaml")
            home = path.resolve()
            astray = {entry: problem for entry in names if (problem := _astray(entry, home))}
            return [entry for entry in names if entry not in astray], [*astray.values()] if names else [empty]
        if path.exists():
            return [path], []
    except (OSError, ValueError) as error:
        return [], [_unreadable(place, error)]
    return [], [Problem(place, "", "there is no such file or folder", "check the path")]


def _astray(entry: FilePath, home: FilePath) -> Problem | None:
    """What is wrong with an entry of the folder before it is read: a link astray, or what would never end (a pipe)."""
    place = Place(str(entry))
    try:
        leads_out = not entry.resolve().is_relative_to(home)
        is_special = entry.exists() and not entry.is_file() and not entry.is_dir()
    except (OSError, RuntimeError) as error:  # a link to itself is a RuntimeError up to Python 3.12
        return _unreadable(place, error)
    if leads_out:
        return Problem(place, "", "a link that leads out of the folder", _COPY)
    return Problem(place, "", "no file, but a pipe or a device", _COPY) if is_special else None


def _draft(path: FilePath, env: Mapping[str, str], faults: list[Problem]) -> _Draft | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        faults.append(_unreadable(Place(str(path)), error))
        return None
    return _checked(raw, str(path), env)


def _unreadable(place: Place, error: OSError | ValueError | RuntimeError) -> Problem:
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(place, "", f"can't be read: {reason}", "check the path and who may read it")


def _checked(raw: bytes, file: str, env: Mapping[str, str]) -> _Draft:
    """One file through the stages that look at it alone."""
    source, problems = read(raw, file)
    if source.data is None:
        return _Draft(source, problems=problems)
    filled, missing = environment.fill(source.data, env)
    broken = frozenset(problem.place for problem in problems if problem.severity == "error")
    draft = _Draft(source, filled, complete(filled, file), problems, broken)
    shape = schema.check(filled)
    unknown = {finding.path for finding in shape if finding.message == schema.UNKNOWN}
    draft.add(finding for finding in missing if not _within(finding.path, unknown))
    draft.add(shape)
    draft.add(speech.judge(filled))
    draft.add(_where_written(finding, source) for finding in rules.judge(draft.data, file, filled))
    return draft


def _within(path: Path, places: set[Path]) -> bool:
    return any(path[:length] in places for length in range(1, len(path) + 1))


def _across(drafts: Sequence[_Draft]) -> None:
    """What must be unique in the folder: a flow's name, a line's number. And lines that dial each other in a ring."""
    seen: dict[tuple[str, str], tuple[_Draft, Path]] = {}
    for draft in drafts:
        findings = []
        for kind, path, value in _unique(draft.data):
            first, where = seen.setdefault((kind, value), (draft, path))
            if first is not draft or where != path:
                words = path_text(where[:-1]) if first is draft else _where(first, where)
                findings.append(Finding(path, f"{words} has this {kind} already", _UNIQUE[kind]))
        draft.add(findings)
    for ring in rings([draft.data for draft in drafts]):
        draft = drafts[ring.line[0]]
        names = [_line(drafts, draft, *line) for line in (ring.dialled, ring.line)]
        draft.add([_where_written(ring.finding(*names), draft.source)])


def _line(drafts: Sequence[_Draft], reader: _Draft, n: int, path: Path) -> str:
    """A line's name to who reads one of the files."""
    return path_text(path) if drafts[n] is reader else _where(drafts[n], path)


_UNIQUE = {"name": "a name belongs to one flow", "number": "a number belongs to one line"}


def _unique(data: Data) -> Iterator[tuple[str, Path, str]]:
    if isinstance(data, dict) and isinstance(name := data.get("name"), str):
        yield "name", ("name",), name
    for path, number in rules.numbers(data):
        if isinstance(value := number.get("number"), str):
            yield "number", (*path, "number"), value


def _where(draft: _Draft, path: Path) -> str:
    place = draft.source.problem(Finding(path, "")).place
    return f"{place.file}:{place.line}"


def _built(draft: _Draft, judges: Sequence[Judge]) -> Iterator[Flow]:
    """The flow of a sound draft. Of any other a flow without what is wrong is judged, so that all is told at once."""
    if not isinstance(draft.written, dict):
        return
    sound = draft.sound
    data = draft.data if sound else complete(schema.repaired(draft.written, draft.wrong), draft.file)
    flow = build(environment.plain(data), draft.file)
    for judge in judges:
        draft.add(_where_written(finding, draft.source) for finding in judge(flow))
    if sound:
        yield flow


def _where_written(finding: Finding, source: Source) -> Finding:
    """What a persona or a number has from `defaults` is at fault there."""
    path, spots = finding.path, source.spots
    if path in spots or (path[:1] == ("numbers",) and path[:3] in spots):  # a number inherits a section whole
        return finding
    return replace(finding, path=home) if (home := origin(path)) in spots else finding
