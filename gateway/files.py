"""Files that are there whole or not at all, also for who reads while they are written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal


def replace(path: Path, text: str) -> None:
    """The file holds `text` (UTF-8, as it is) from one moment to the next; folders above it are made. A link stays
    one: what it leads to is replaced. Raises OSError."""
    target = path.resolve()
    _folder(target.parent)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def create(path: Path, text: str) -> None:
    """A new file; folders above it are made. Raises FileExistsError where there is one, and OSError."""
    _folder(path.parent)
    with path.open("xb") as stream:
        stream.write(text.encode())


def compare(path: Path, text: str) -> Literal["missing", "stale", "current"]:
    """Whether the file holds `text`. Raises OSError."""
    try:
        return "current" if path.read_bytes() == text.encode() else "stale"
    except FileNotFoundError:
        return "missing"


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error
