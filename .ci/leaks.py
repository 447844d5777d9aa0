"""Secrets that were left in the tree: every line of every file that git knows is read by detect-secrets.

    make leaks                what is not in leaks.json is named and fails; so does what is gone from there
    make leaks ARGS=--accept  writes leaks.json anew: look at the difference before it is committed

leaks.json holds what was looked at and is no secret (words of tests, forms of URLs): file, kind and the hash of the
text, never the text or its line, so that an edit elsewhere in the file changes nothing.

Left out: lock files, which are hashes from end to end, and the two judges of entropy, to which this project's many ids,
hashes and tokens of tests are all alike. Google's keys are looked for by our own pattern.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / ".ci" / "leaks.json"
LEFT_OUT = ("uv.lock", "package-lock.json", ".ci/leaks.json")
TOO_MANY = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
GOOGLE = re.compile(r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{28}")

Found = tuple[str, str, str]  # file, kind, hash of the text


def scan(root: Path, file: str) -> dict[Found, int]:
    """What looks like a secret in one file, and its first line."""
    lines = (root / file).read_bytes().decode(errors="replace").splitlines()
    plugins = sorted(one.__name__ for one in get_mapping_from_secret_type_to_class().values())
    found: dict[Found, int] = {}
    with transient_settings({"plugins_used": [{"name": name} for name in plugins if name not in TOO_MANY]}):
        for number, line in enumerate(lines, 1):
            for kind, text in _of(line):
                digest = hashlib.sha256(f"{kind}:{text}".encode()).hexdigest()[:32]
                found.setdefault((file, kind, digest), number)
    return found


def _of(line: str) -> Iterator[tuple[str, str]]:
    yield from ((one.type, one.secret_value or "") for one in scan_line(line))
    yield from (("Google Key", match[0]) for match in GOOGLE.finditer(line))


def tracked(root: Path) -> list[str]:
    """The files that git knows, or would take: one that isn't committed yet is the one to be warned of."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in listed if name and not name.endswith(LEFT_OUT) and (root / name).is_file()]


def scan_all(root: Path) -> dict[Found, int]:
    found: dict[Found, int] = {}
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(partial(scan, root), tracked(root), chunksize=16):
            found |= part
    return found


def judge(found: Mapping[Found, int], known: set[Found]) -> list[str]:
    """What is wrong: a line each."""
    new = [
        f"{file}:{line}: {kind}" for (file, kind, digest), line in found.items() if (file, kind, digest) not in known
    ]
    gone = [f"leaks.json: {file}: this {kind} is no longer there" for file, kind, digest in sorted(known - set(found))]
    return sorted(new) + gone


def read(text: str) -> set[Found]:
    return {(file, kind, digest) for file, kinds in json.loads(text).items() for kind, digest in map(tuple, kinds)}


def write(found: Mapping[Found, int]) -> str:
    files: dict[str, list[list[str]]] = {}
    for file, kind, digest in sorted(found):
        files.setdefault(file, []).append([kind, digest])
    return json.dumps(files, indent=1) + "\n"


def main(arguments: Sequence[str]) -> int:
    if set(arguments) - {"--accept"}:
        print(__doc__, file=sys.stderr)
        return 2
    found = scan_all(ROOT)
    if "--accept" in arguments:
        KNOWN.write_text(write(found), encoding="utf-8")
        print(f"{KNOWN.name}: {len(found)} accepted")
        return 0
    faults = judge(found, read(KNOWN.read_text(encoding="utf-8")))
    print("\n".join(faults) if faults else f"no secret in the tree ({len(found)} known and harmless)")
    if faults:
        print("Take it out, and take the secret out of use; if it is none: make leaks ARGS=--accept", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
