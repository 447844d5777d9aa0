"""Known vulnerabilities in what the lock files name: all of Python's, and each of npm's folders.

    make audit                  what is found is named and fails; what can't be asked about is named, and passes
    make audit ARGS=--strict    what can't be asked about fails too

Python: pip-audit asks the index that uv.lock names for the advisories of each locked version, and OSV where that is out
of reach. An index may know only the newest version of each project (a mirror often does); then those that are locked in
their newest version are judged, and the others are named. npm: `npm audit`. Nothing is taken for clean that nobody
judged: pip-audit itself says "no known vulnerabilities" of packages that it skipped.

What is accepted stands in audit.toml, with a reason and a last day.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

ROOT = Path(__file__).parents[1]
FOLDERS = ("twilio-functions", "tests/editor", "tests/fakes/prism")
ALLOWED = ROOT / ".ci" / "audit.toml"
LONGEST = timedelta(days=180)  # that anything may be accepted without being looked at again
TIMEOUT_S = 20


@dataclass(frozen=True, order=True)
class Finding:
    package: str
    version: str
    id: str
    fixed: str = ""

    def __str__(self) -> str:
        fix = f"; fixed in {self.fixed}" if self.fixed else ""
        return f"{self.package} {self.version}: {self.id}{fix}"


@dataclass(frozen=True)
class Report:
    """`judged`: how many packages. `open`: what could not be judged, and why, a line each."""

    what: str
    judged: int
    found: tuple[Finding, ...] = ()
    open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Allowed:
    package: str
    id: str
    until: date
    reason: str


class Wrong(Exception):
    """audit.toml can't be read as what it is for."""


@dataclass
class Judgement:
    lines: list[str] = field(default_factory=list)
    failed: bool = False

    def fail(self, line: str) -> None:
        self.lines.append(line)
        self.failed = True


# the allow-list


def allowed(text: str, today: date) -> list[Allowed]:
    """The entries of audit.toml. Raises Wrong of one that lacks something, or is to hold for longer than LONGEST."""
    entries = []
    for entry in tomllib.loads(text).get("allow", []):
        if set(entry) != {"package", "id", "until", "reason"} or not str(entry["reason"]).strip():
            raise Wrong(f"an entry takes package, id, until and reason: {entry}")
        until = entry["until"]
        if not isinstance(until, date) or until > today + LONGEST:
            raise Wrong(f"{entry['id']}: until takes a day (2027-01-31), at most {LONGEST.days} days from now")
        entries.append(Allowed(entry["package"], entry["id"], until, entry["reason"]))
    return entries


def judge(reports: Sequence[Report], entries: Sequence[Allowed], today: date, *, strict: bool) -> Judgement:
    """What is to be said, and whether it is a failure."""
    said, unused = Judgement(), {(entry.package, entry.id): entry for entry in entries}
    for report in reports:
        said.lines.append(f"{report.what}: {report.judged} packages judged")
        for finding in sorted(report.found):
            entry = unused.pop((finding.package, finding.id), None)
            if entry is None:
                said.fail(f"  VULNERABLE {finding}")
            elif entry.until < today:
                said.fail(f"  EXPIRED {finding}: accepted until {entry.until} ({entry.reason})")
            else:
                said.lines.append(f"  accepted until {entry.until}: {finding} ({entry.reason})")
        for line in report.open:
            (said.fail if strict else said.lines.append)(f"  NOT JUDGED {line}")
    whole = not any(report.open for report in reports)
    for entry in unused.values():
        if whole or entry.until < today:
            said.fail(f"  audit.toml: {entry.package} {entry.id} is no longer found, or has expired: take it out")
    return said


# Python


def locked() -> dict[str, str]:
    """Every package of uv.lock that comes from an index, and its version."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages if "registry" in package["source"]}


def index() -> str:
    """The index that uv.lock names, where its JSON is."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    sources = {package["source"]["registry"] for package in packages if "registry" in package["source"]}
    return min(sources).removesuffix("/simple") + "/pypi"


def python(run: Callable[..., Any] = subprocess.run) -> Report:
    """pip-audit's judgement, by the first of its services that answers; then what only the newest versions tell."""
    packages, why = locked(), []
    for service in ("pypi", "osv"):
        done = run(_pip_audit(service), input=_requirements(packages), capture_output=True, text=True, check=False)
        report = of_pip_audit(done.stdout, packages)
        if report is not None and report.judged:
            return report
        last = "it skipped every package" if report else (done.stderr.strip().splitlines() or ["nothing"])[-1]
        why.append(f"{service}: {last.partition('(')[0]}")
    return newest(packages, ", ".join(why))


def _pip_audit(service: str) -> list[str]:
    how = ["--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", str(TIMEOUT_S)]
    return [sys.executable, "-m", "pip_audit", "-r", "/dev/stdin", "-f", "json", "-s", service, *how]


def _requirements(packages: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in packages.items())


def of_pip_audit(text: str, packages: Mapping[str, str]) -> Report | None:
    """None of what isn't its JSON: it broke off."""
    try:
        told = json.loads(text)["dependencies"]
    except (ValueError, KeyError):
        return None
    found = [
        Finding(one["name"], one["version"], bad["id"], ", ".join(bad["fix_versions"]))
        for one in told
        for bad in one.get("vulns", ())
    ]
    judged = {one["name"] for one in told if "skip_reason" not in one}
    skipped = sorted(set(packages) - judged)
    return Report("Python", len(judged), tuple(found), tuple(f"{name} {packages[name]}" for name in skipped))


def newest(packages: Mapping[str, str], why: str, get: Callable[[str], Any] | None = None) -> Report:
    """By what the index says of each project's newest version."""
    get = get or _json
    with ThreadPoolExecutor(8) as pool:
        told = dict(zip(packages, pool.map(lambda name: get(f"{index()}/{name}/json"), packages), strict=True))
    judged = [name for name in packages if told[name] and told[name]["info"]["version"] == packages[name]]
    found = [
        Finding(name, packages[name], bad["id"], ", ".join(bad["fixed_in"]))
        for name in judged
        for bad in told[name]["vulnerabilities"]
        if not bad["withdrawn"]
    ]
    rest = [f"{name} {packages[name]}" for name in packages if name not in judged]
    reason = f"(the index tells of newest versions alone; pip-audit: {why})"
    said = (f"{len(rest)} packages {reason}: {', '.join(rest)}",) if rest else ()
    return Report("Python, the newest versions", len(judged), tuple(found), said)


def _json(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except (URLError, OSError, ValueError):
        return None


# npm


def npm(folder: str, run: Callable[..., Any] = subprocess.run) -> Report:
    command = ["npm", "audit", "--json", "--package-lock-only"]
    done = run(command, cwd=ROOT / folder, capture_output=True, text=True, check=False)
    return of_npm(folder, done.stdout or done.stderr)


def of_npm(folder: str, text: str) -> Report:
    what = f"npm, {folder}"
    try:
        told = json.loads(text)
    except ValueError:
        return Report(what, 0, (), (f"{folder}: {text.strip()[:200] or 'npm said nothing'}",))
    if "vulnerabilities" not in told:
        return Report(what, 0, (), (f"{folder}: {told.get('message') or told.get('error')}",))
    found = {
        Finding(bad["name"], bad["range"], bad["url"].rsplit("/", 1)[-1])
        for one in told["vulnerabilities"].values()
        for bad in one["via"]
        if isinstance(bad, dict)
    }
    return Report(what, told["metadata"]["dependencies"]["total"], tuple(sorted(found)))


def main(arguments: Sequence[str]) -> int:
    if set(arguments) - {"--strict"}:
        print(__doc__, file=sys.stderr)
        return 2
    today = date.today()
    try:
        entries = allowed(ALLOWED.read_text(encoding="utf-8"), today)
    except (Wrong, tomllib.TOMLDecodeError) as wrong:
        print(f"{ALLOWED.name}: {wrong}", file=sys.stderr)
        return 1
    said = judge([python(), *map(npm, FOLDERS)], entries, today, strict="--strict" in arguments)
    print("\n".join(said.lines))
    return 1 if said.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
