"""Lines that dial each other, in one file or in several: a call that no agent takes would go round for ever.

A line dials another where its fallback does, and where its hours do when they are closed. With the core down every line
falls back: a ring of fallbacks alone is a fault. Any other needs lines that are closed, and hours may see to it that
they never are at the same time: that is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.flow.model import Finding
from gateway.flow.sections import entries, numbers
from gateway.flow.source import Data, Path

Line = tuple[int, Path]  # the file's index, and the line's place in it


@dataclass(frozen=True, slots=True)
class Ring:
    """`place`, in the file of `line`, holds the number by which `line` dials `dialled`, which leads back to it."""

    line: Line
    place: Path
    dialled: Line
    sure: bool  # every call goes round where the core is down

    def finding(self, dialled: str, line: str) -> Finding:
        """In words; both are names of the lines for whoever reads this file."""
        hint = "write a number that is no line here"
        if self.sure:
            message = f"the fallback of {dialled} leads back to this line: the call would go round for ever"
            return Finding(self.place, message, hint)
        message = (
            f"{line} dials {dialled}, which may dial it back: with nobody at either a call would go round for ever"
        )
        return Finding(self.place, message, hint, "warning")


def rings(files: Sequence[Data]) -> Iterator[Ring]:
    """Each ring at the place that closes it, read from the first line on. The data is complete."""
    dials = _dials(files)
    fallbacks = {line: [one for one in found if one.sure] for line, found in dials.items()}
    told = set[tuple[int, Path]]()
    for one in (*_closing(fallbacks), *(Ring(o.line, o.place, o.dialled, False) for o in _closing(dials))):
        place = one.line[0], one.place
        if place not in told:
            told.add(place)
            yield one


def _dials(files: Sequence[Data]) -> Mapping[Line, list[Ring]]:
    """For each line those that it dials. A line that dials itself is told by `rules.whole`."""
    owners: dict[str, Line] = {}
    for n, data in enumerate(files):
        for path, number in numbers(data):
            if isinstance(own := number.get("number"), str):
                owners.setdefault(own, (n, path))
    found: dict[Line, list[Ring]] = {}
    for n, data in enumerate(files):
        for path, number in numbers(data):
            ways = [(place, to, place == (*path, "fallback", "to")) for place, to in _ways(data, path, number)]
            found[n, path] = [
                Ring((n, path), place, owners[to], sure)
                for place, to, sure in ways
                if to in owners and owners[to] != (n, path)
            ]
    return found


def _ways(data: Data, path: Path, number: dict[str, Data]) -> Iterator[tuple[Path, str]]:
    """The numbers that a line dials by itself, and where they stand."""
    sections: list[tuple[Path, dict[str, Data]]] = [((*path, "fallback"), entries(number, "fallback"))]
    if isinstance(hours := number.get("hours"), str):
        sections.append((("hours", hours, "closed"), entries(data, "hours", hours, "closed")))
    for place, section in sections:
        if section.get("then") == "dial" and isinstance(to := section.get("to"), str):
            yield (*place, "to"), to


def _closing(dials: Mapping[Line, list[Ring]]) -> Iterator[Ring]:
    """Those that lead back to a line on the way to them: depth first, without recursion, each line once."""
    done, open_ = set[Line](), set[Line]()
    for start in dials:
        way: list[tuple[Line, Iterator[Ring]]] = [] if start in done else [(start, iter(dials[start]))]
        open_.update(line for line, _ in way)
        while way:
            here, left = way[-1]
            if (one := next(left, None)) is None:
                way.pop()
                open_.discard(here)
                done.add(here)
            elif one.dialled in open_:
                yield one
            elif one.dialled not in done:
                open_.add(one.dialled)
                way.append((one.dialled, iter(dials[one.dialled])))
