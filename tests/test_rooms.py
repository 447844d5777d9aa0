"""Who may know whom, and what the pure rooms may not touch. Read from the code with `ast`; see docs/design.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "gateway"

# A room may import itself and these. A dotted name is one module, not its room.
MAY_KNOW: dict[str, set[str]] = {
    "problem": set(),
    "addresses": set(),
    "settings": {"addresses"},
    "files": set(),
    "commands": set(),
    "numbers": set(),
    "release": set(),
    "doctor": {"settings", "addresses", "flow", "twilio", "catalog", "numbers", "release"},
    "twilio": set(),
    "audio": set(),
    "clients": set(),
    "telemetry": set(),
    "store": set(),
    "flow": {"problem"},
    "live": {"flow.model"},
    "call": {"flow.model", "twilio", "live", "audio"},
    "tools": {"flow.model", "clients"},
    "catalog": {"flow", "live", "problem", "files"},
    "server": {
        *(
            "settings",
            "addresses",
            "flow",
            "twilio",
            "live",
            "audio",
            "call",
            "tools",
            "clients",
            "telemetry",
            "problem",
            "catalog",
        ),
        *("store", "release"),
    },
    "rehearsal": {"settings", "addresses", "flow", "twilio", "live", "audio", "problem", "catalog"},
    "run": {"settings", "flow", "catalog", "server", "rehearsal", "telemetry", "problem"},
    "bug": {"settings", "flow"},
    "cli": {
        "addresses",
        "settings",
        "flow",
        "catalog",
        "rehearsal",
        "run",
        "problem",
        "files",
        "commands",
        "numbers",
        "doctor",
        "bug",
    },
    "__main__": {"cli"},
}
PURE = {"problem", "twilio", "audio", "live", "call"}
IMPURE_MODULES = {"asyncio", "time", "random", "secrets", "os", "logging", "socket", "threading", "subprocess"}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0]
    return part.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Full names of everything that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(room: str, name: str) -> bool:
    inside = name.removeprefix("gateway.")
    if inside.split(".")[0] == room:
        return True
    return any(inside == known or inside.startswith(known + ".") for known in MAY_KNOW[room])


def test_every_room_is_in_the_table() -> None:
    assert {room_of(path) for path in FILES} - {"__init__"} == set(MAY_KNOW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_who_knows_whom(path: Path) -> None:
    room = room_of(path)
    foreign = [name for name in imports(path) if name.startswith("gateway.") and not is_allowed(room, name)]
    assert foreign == []


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) in PURE], ids=lambda p: str(p.name))
def test_pure_rooms_touch_no_clock_socket_or_environment(path: Path) -> None:
    assert [name for name in imports(path) if name.split(".")[0] in IMPURE_MODULES] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path.name == "settings.py":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    reads = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert reads == []


def test_the_guard_itself_notices() -> None:
    assert not is_allowed("twilio", "gateway.live.messages")
    assert not is_allowed("live", "gateway.flow.load")
    assert is_allowed("live", "gateway.flow.model.Persona")
    assert not is_allowed("server", "gateway.rehearsal.phone")
