"""Ways into a flow's data that hold for data of any shape: what is not there, or is something else, is passed over."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.flow.source import Data, Path


def entries(data: Data, *keys: str) -> dict[str, Data]:
    """The section at these keys, or nothing where there is none of that shape."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def items(data: Data, *keys: str) -> list[Data]:
    """The list at these keys, or nothing where there is none."""
    found = entries(data, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []


def numbers(data: Data) -> Iterator[tuple[Path, dict[str, Data]]]:
    """The lines of a flow and their places."""
    for n, number in enumerate(items(data, "numbers")):
        if isinstance(number, dict):
            yield ("numbers", n), number


def announcements(data: Data) -> Iterator[tuple[Path, dict[str, Data]]]:
    """What Twilio says and does by itself, and its places: each line's fallback, that of `defaults`, who is closed."""
    owners: list[tuple[Path, dict[str, Data], str]] = [(("defaults",), entries(data, "defaults"), "fallback")]
    owners += [(path, number, "fallback") for path, number in numbers(data)]
    owners += [(("hours", name), entries(data, "hours", name), "closed") for name in entries(data, "hours")]
    for path, owner, key in owners:
        if found := entries(owner, key):
            yield (*path, key), found
