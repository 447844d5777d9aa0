"""What several rule sets say alike: names that nobody knows, and a key that is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gateway.flow.model import Finding
from gateway.flow.near import MAX_NEAR, did_you_mean
from gateway.flow.schema import at
from gateway.flow.source import Data, Path


def strangers(
    named: Iterable[tuple[Path, Data]], known: Collection[str], message: str, otherwise: str = ""
) -> Iterator[Finding]:
    """A fault for each text that is none of `known`. A neighbour is looked for MAX_NEAR times; `otherwise` is the hint
    where nothing at all is known."""
    lost = 0
    for path, name in named:
        if isinstance(name, str) and name not in known:
            lost += 1
            hint = did_you_mean(name, known) if lost <= MAX_NEAR else ""
            yield Finding(path, message, hint if known else otherwise)


def missing(path: Path, more: str = "") -> Finding:
    """A key that must be written here, with the schema's example."""
    return Finding(path, "missing key", f"such as {path[-1]}: {at(path)['examples'][0]}{more}")
