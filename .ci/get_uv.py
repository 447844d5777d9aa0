"""Bring uv into a folder of this repository, for machines that have Python and nothing else. Prints nothing when well.

Nothing of the system is touched: a virtual environment first; where the distribution split `venv` off, pip's --target,
which externally managed Pythons allow; where there is no pip either (Debian's bare python3), pip as PyPA's single file.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

VERSION = "uv>=0.9"
PIP = "https://bootstrap.pypa.io/pip/pip.pyz"
HELP = """\
uv could not be brought here: this Python has no working venv and no pip, or there is no network.
Install one of them (on Debian and Ubuntu: apt install python3-venv), or uv itself, and run make again."""


def main(folder: Path) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  this file runs before anything has checked
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    uv = folder / "bin" / "uv"
    if _venv(folder, uv) or _target(folder, uv, "-m", "pip") or _single_file(folder, uv):
        return 0
    print(HELP, file=sys.stderr)
    return 1


def _venv(folder: Path, uv: Path) -> bool:
    made = _run(sys.executable, "-m", "venv", str(folder))
    return made and _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", VERSION) and uv.exists()


def _target(folder: Path, uv: Path, *pip: str) -> bool:
    return _run(sys.executable, *pip, "install", "--quiet", "--target", str(folder), VERSION) and uv.exists()


def _single_file(folder: Path, uv: Path) -> bool:
    folder.mkdir(exist_ok=True)
    file = folder / "pip.pyz"
    try:
        with urllib.request.urlopen(PIP, timeout=60) as answer:
            file.write_bytes(answer.read())
    except OSError:
        return False
    return _target(folder, uv, str(file))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=300).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
