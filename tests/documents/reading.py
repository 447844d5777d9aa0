"""Documents as tests need them: fenced blocks with their commands, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SHELLS = ("sh", "bash", "shell", "console")
MARKS = ("needs an account", "takes minutes", "until Ctrl-C")
COMMANDS = (
    "uv|make|gateway|npm|npx|node|python3?|pip|git|cd|docker|gcloud|terraform|twilio|curl|redis-cli|kubectl|export"
)

_FENCE = re.compile(r"^(`{3,}|~{3,})\s*([\w+-]*)[^\n]*$")
_BEFORE = re.compile(r"<!--\s*(.+?)\s*-->")
_MARK = re.compile(rf"\s#\s+({'|'.join(MARKS)})\b.*$")
_ASSIGNED = r"(?:[A-Z_][A-Z0-9_]*=\S*\s+)*"
_COMMAND = re.compile(rf"^\s*\$?\s*{_ASSIGNED}(?:{COMMANDS})\s")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is its first line's number, `mark` a comment above it that goes for the whole."""

    file: Path
    line: int
    language: str
    text: str
    mark: str = ""

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a block, its continued lines joined; `mark` is empty where it is to be run."""

    place: str
    text: str
    mark: str


def blocks(file: Path) -> Iterator[Block]:
    lines = file.read_text(encoding="utf-8").splitlines()
    fence, begin, language = "", 0, ""
    for number, line in enumerate(lines, 1):
        found = _FENCE.match(line)
        if not fence and found:
            fence, begin, language = found[1], number, found[2]
        elif fence and line.strip() == fence:
            yield Block(file, begin + 1, language, "\n".join(lines[begin : number - 1]), _above(lines[: begin - 1]))
            fence = ""
    assert not fence, f"{file}:{begin}: a block without an end"


def _above(lines: list[str]) -> str:
    """The mark above a block: the last line that isn't empty, where it is a comment."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    found = _BEFORE.fullmatch(last.strip())
    return found[1] if found else ""


def commands(block: Block) -> Iterator[Command]:
    """A block's commands; comments and empty lines are none."""
    whole = next((mark for mark in MARKS if block.mark.startswith(mark)), "")
    text, begin = "", block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        begin = number if not text else begin
        if line.endswith("\\"):
            text += line[:-1] + " "
            continue
        command, mark = _marked(text + line)
        text = ""
        if command:
            yield Command(f"{block.file.relative_to(ROOT)}:{begin}", command, whole or mark)


def _marked(line: str) -> tuple[str, str]:
    found = _MARK.search(line)
    bare = line[: found.start()] if found else re.sub(r"(^|\s)#\s.*$", "", line)
    return bare.strip().removeprefix("$ "), found[1] if found else ""


def looks_like_commands(block: Block) -> bool:
    """Whether a block that isn't called one has commands in it."""
    return any(_COMMAND.match(line) for line in block.text.splitlines())


def prose(file: Path) -> str:
    """A document without its blocks and its code, with as many lines."""
    kept, fence = [], ""
    for line in file.read_text(encoding="utf-8").splitlines():
        found = _FENCE.match(line)
        closes = fence and line.strip() == fence
        kept.append("" if fence or found else line)
        fence = "" if closes else fence or (found[1] if found else "")
    return "\n".join(kept)


def links(file: Path) -> Iterator[tuple[int, str]]:
    """Every link and the number of its line."""
    for number, line in enumerate(prose(file).splitlines(), 1):
        for found in _LINK.finditer(_CODE.sub("", line)):
            yield number, found[1] or found[2]


def anchors(file: Path) -> set[str]:
    """What `#...` may name: GitHub's rule for headings."""
    found: set[str] = set()
    for line in prose(file).splitlines():
        if match := re.match(r"#{1,6}\s+(.+?)\s*#*$", line):
            text = re.sub(r"[^\w\- ]", "", match[1].lower()).replace(" ", "-")
            nth = sum(1 for one in found if re.fullmatch(re.escape(text) + r"(-\d+)?", one))
            found.add(f"{text}-{nth}" if nth else text)
    return found


def first_cells(file: Path) -> list[str]:
    """What stands in back-ticks in the first column of the document's tables."""
    rows = [line for line in prose(file).splitlines() if line.startswith("|")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
