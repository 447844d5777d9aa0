"""What the stand-in says: replies to known lines, and words for all else. Pure, but for reading the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway.rehearsal.ears import normal
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.rehearsal.standin.trouble import Part, read_part

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_MARK = re.compile(r"\{\{\s*(heard|seconds|result)\s*\}\}")
_REPLY_KEYS = {"hear", "say", "tool", "go_away"}


class ScriptError(Exception):
    """The script file can't be used. `str(fault)` is `file: path: what is wrong`."""

    def __init__(self, file: str, path: str, message: str) -> None:
        self.file, self.path, self.message = file, path, message
        super().__init__(f"{file}: {path}: {message}" if path else f"{file}: {message}")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function to call before the words are said."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What follows a line: `tool` is called first and `say` then answers its result; `go_away_s` announces the end
    of the connection in that many seconds."""

    hear: str
    say: str
    tool: Tool | None = None
    go_away_s: float | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """`otherwise` is said in turn, one a turn. Texts may hold {{heard}}, {{seconds}} and, with a tool, {{result}}.
    `hostile`: how connections go wrong; the first part that is for a connection is played on it."""

    replies: tuple[Reply, ...]
    otherwise: tuple[str, ...]
    hostile: tuple[Part, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(reply.hear for reply in self.replies)

    def answer(self, heard: str, turn: int) -> Reply:
        """The reply to `heard` in turn `turn` (from 0)."""
        words = normal(heard)
        for reply in self.replies:
            if words and normal(reply.hear) == words:
                return reply
        return Reply(heard, self.otherwise[turn % len(self.otherwise)])


def fill(text: str, heard: str, seconds: float, result: str = "") -> str:
    """The text with its marks replaced."""
    values = {"heard": heard.rstrip(".!? "), "seconds": f"{seconds:.1f}", "result": result}
    return _MARK.sub(lambda mark: values[mark[1]], text)


DEFAULT = Script(
    (),
    (
        "This is a rehearsal: I am a script, not a model. I heard you say {{heard}}. "
        "You can interrupt me at any time. Please go on.",
        "Still the rehearsal, and still a script. This time I heard {{heard}}. "
        "A real model would answer you here. Please go on.",
    ),
)


def load(file: Path) -> Script:
    """The script in a YAML or JSON file. Raises ScriptError."""
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise ScriptError(str(file), "", f"can't be read: {fault}") from fault
    except (yaml.YAMLError, ValueError) as fault:  # ValueError: a date such as 2026-13-01
        raise ScriptError(str(file), "", f"is neither YAML nor JSON: {fault}") from fault
    return _Reader(str(file)).script(data)


class _Reader:
    """Plain data -> Script, with the place of a fault."""

    def __init__(self, file: str) -> None:
        self._file = file

    def script(self, data: Any) -> Script:
        top = self._object(data, "", {"replies", "otherwise", "hostile"})
        replies = self._list(top.get("replies", []), "replies")
        otherwise = self._list(top.get("otherwise", list(DEFAULT.otherwise)), "otherwise")
        hostile = self._list(top.get("hostile", []), "hostile")
        if not otherwise:
            raise ScriptError(self._file, "otherwise", "must hold at least one text")
        return Script(
            tuple(self._reply(item, f"replies[{at}]") for at, item in enumerate(replies)),
            tuple(self._text(item, f"otherwise[{at}]") for at, item in enumerate(otherwise)),
            tuple(self._part(item, f"hostile[{at}]") for at, item in enumerate(hostile)),
        )

    def _reply(self, data: Any, path: str) -> Reply:
        reply = self._object(data, path, _REPLY_KEYS)
        return Reply(
            self._text(reply.get("hear"), f"{path}.hear"),
            self._text(reply.get("say"), f"{path}.say"),
            self._tool(reply["tool"], f"{path}.tool") if "tool" in reply else None,
            self._duration(reply["go_away"], f"{path}.go_away") if "go_away" in reply else None,
        )

    def _tool(self, data: Any, path: str) -> Tool:
        tool = self._object(data, path, {"name", "args"})
        args = tool.get("args", {})
        if not isinstance(args, dict):
            raise ScriptError(self._file, f"{path}.args", "must be a mapping")
        return Tool(self._text(tool.get("name"), f"{path}.name"), self._json(args, f"{path}.args"))

    def _part(self, data: Any, path: str) -> Part:
        try:
            return read_part(self._text(data, path), HOSTILE)
        except ValueError as fault:
            raise ScriptError(self._file, path, str(fault)) from fault

    def _json(self, data: Any, path: str) -> Any:
        try:
            return json.loads(json.dumps(data, default=str, allow_nan=False))
        except (TypeError, ValueError) as fault:
            raise ScriptError(self._file, path, f"is nothing that JSON can hold: {fault}") from fault

    def _duration(self, data: Any, path: str) -> float:
        found = _DURATION.fullmatch(data) if isinstance(data, str) else None
        if found is None:
            raise ScriptError(self._file, path, 'must be a duration with a unit ("5s", "500ms")')
        return float(found[1]) * _SECONDS[found[2]]

    def _object(self, data: Any, path: str, keys: set[str]) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            raise ScriptError(self._file, path, "must be a mapping")
        unknown = [key for key in data if key not in keys]
        if unknown:
            raise ScriptError(self._file, path, f"unknown key {unknown[0]!r} (known: {', '.join(sorted(keys))})")
        return data

    def _list(self, data: Any, path: str) -> Sequence[Any]:
        if not isinstance(data, list):
            raise ScriptError(self._file, path, "must be a list")
        return data

    def _text(self, data: Any, path: str) -> str:
        if not isinstance(data, str) or not data.strip():
            raise ScriptError(self._file, path, "must be a text (in quotes where YAML reads another kind)")
        return data.strip()
