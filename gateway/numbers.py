"""`gateway numbers`: the account's phone numbers as the compiled flows say. A thin door to the npm script of
`twilio-functions/`, which plans and applies with Twilio's own SDK. Knows no other room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path("twilio-functions")


class NumbersError(Exception):
    """The script can't be run on this machine; the text says what to do."""


def run(action: str, options: Sequence[str] = (), *, quiet: bool = False, folder: Path = FOLDER) -> int:
    """`npm run numbers -- action options` in `folder`, with our environment and streams; `quiet`: its words
    go nowhere. Returns its exit code: 0 well, 1 something is left to do or was refused, 2 used wrongly, 3 a bug.
    Raises NumbersError."""
    npm = shutil.which("npm")
    if npm is None:
        raise NumbersError("npm is not installed: numbers need Node 20 or 22 (nodejs.org)")
    if not (folder / "package.json").is_file():
        raise NumbersError(f"there is no {folder}: run this at the root of the project")
    if not (folder / "node_modules").is_dir():
        raise NumbersError(f"{folder} is not installed: run npm ci in it")
    command = [npm, "run", "--silent", "numbers", "--", action, *options]
    stream = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, cwd=folder, check=False, stdout=stream, stderr=stream).returncode
