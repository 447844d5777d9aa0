"""`gateway new`: a commented flow file to begin with. The words are in starter.yaml."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path as FilePath

from gateway.flow.emit import line
from gateway.flow.schema import at

_TEMPLATE = FilePath(__file__).with_name("starter.yaml")
_SCHEMA = "schemas/flow.schema.json"
# Numbers of the range 555-0100 to 0199, which is kept for fiction and which nobody owns (nanpa.com).
_AREAS = ("212", "303", "312", "404", "415", "503", "602", "617", "702", "713")


def slug(words: str) -> str:
    """The flow's name that somebody most likely means by `words`; empty where there is none."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:63].strip("-")


def is_name(word: str) -> bool:
    """Whether a flow may have this name."""
    return "$" not in word and re.fullmatch(at(("name",))["pattern"], word) is not None


def starter(name: str, file: FilePath) -> str:
    """The text of a new flow of that name, to be written to `file`. Reads the flows beside it: a sample number of
    theirs is not taken again."""
    title = name.replace("-", " ").title()
    words = {
        "@TITLE@": title,
        "@BUSINESS@": line(title),  # a name may look like a number
        "@NAME@": line(name),
        "@LINE@": name,
        "@FILE@": "".join(letter if letter.isprintable() else "?" for letter in str(file)),
        "@VARIABLE@": _variable(name),
        "@NUMBER@": _number(file.parent),
    }
    text = _TEMPLATE.read_text("utf-8")
    for mark, word in words.items():
        text = text.replace(mark, word)
    return _modeline(file) + text


def _variable(name: str) -> str:
    """The environment variable for the line's number; such a name starts with a letter."""
    word = name.upper().replace("-", "_")
    return f"{word}_NUMBER" if word[0].isalpha() else f"LINE_{word}_NUMBER"


def _number(folder: FilePath) -> str:
    """The first sample number that no flow of the folder names."""
    files = [file for file in folder.iterdir() if file.suffix in (".yaml", ".yml")] if folder.is_dir() else []
    taken = "\n".join(file.read_text("utf-8", "replace") for file in files if file.is_file())
    samples = [f"+1{area}55501{n:02}" for area in _AREAS for n in range(100)]
    return next((sample for sample in samples if sample not in taken), samples[0])


def _modeline(file: FilePath) -> str:
    """What tells an editor where the schema is: in `schemas` of a folder above, if one has it."""
    folder = file.absolute().parent
    for up, parent in enumerate((folder, *folder.parents)):
        if (parent / _SCHEMA).is_file():
            return f"# yaml-language-server: $schema={'../' * up}{_SCHEMA}\n"
    return (
        "# For help while you type, in an editor that knows YAML: run  gateway schema > flow.schema.json  here,\n"
        "# and make this the first line, without the '# ' before it:\n"
        "# # yaml-language-server: $schema=flow.schema.json\n"
    )
