"""Take out of a virtual environment what no call needs, and say what it weighed: `python deploy/trim.py /app/.venv`.

Only whole parts that nothing of the gateway imports; tests/deploy/test_trim.py imports everything without them, and
.ci/container holds a call in the image. A part that isn't there is a fault: then the list is out of date.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

UNUSED = ("twilio/rest",)  # Twilio's REST client: the core checks signatures and writes TwiML
TESTED = ("numpy", "scipy")  # packages that bring their own tests


def main(venv: Path) -> int:
    """0; 1 where something of the list isn't there."""
    packages = next(iter(sorted(venv.glob("lib/python*/site-packages"))), None)
    if packages is None:
        print(f"{venv} is no virtual environment", file=sys.stderr)
        return 1
    found = {name: [packages / name] for name in UNUSED}
    found |= {f"{name}/**/tests": sorted((packages / name).glob("**/tests")) for name in TESTED}
    missing = [name for name, folders in found.items() if not folders or not all(map(Path.is_dir, folders))]
    if missing:
        print(f"not there to be taken out: {', '.join(missing)}", file=sys.stderr)
        return 1
    for name, folders in found.items():
        print(f"{sum(map(_remove, folders)) / 1e6:6.1f} MB {name}")
    return 0


def _remove(folder: Path) -> int:
    """Takes the folder away, and says how many bytes it held (none, where one above it went first)."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder, ignore_errors=not folder.exists())
    return size


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
