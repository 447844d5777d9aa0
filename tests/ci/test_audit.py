"""Nothing is taken for clean that nobody judged, nothing accepted without a reason and a last day."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.ci import ROOT, script

audit = script("audit")

TODAY = date(2026, 11, 26)
BAD = audit.Finding("lib", "1.0", "PYSEC-1", "1.1")
ENTRY = '[[allow]]\npackage = "lib"\nid = "PYSEC-1"\nuntil = {until}\nreason = "not reachable"\n'


def judged(*reports: Any, until: str = "", strict: bool = False) -> tuple[list[str], bool]:
    entries = audit.allowed(ENTRY.format(until=until), TODAY) if until else []
    said = audit.judge(reports, entries, TODAY, strict=strict)
    return said.lines, said.failed


def test_a_vulnerability_is_named_and_fails() -> None:
    lines, failed = judged(audit.Report("Python", 7, (BAD,)))
    assert lines == ["Python: 7 packages judged", "  VULNERABLE lib 1.0: PYSEC-1; fixed in 1.1"]
    assert failed


def test_one_that_is_accepted_passes_until_its_day() -> None:
    lines, failed = judged(audit.Report("Python", 7, (BAD,)), until="2026-11-26")
    assert lines[1] == "  accepted until 2026-11-26: lib 1.0: PYSEC-1; fixed in 1.1 (not reachable)"
    assert not failed
    lines, failed = judged(audit.Report("Python", 7, (BAD,)), until="2026-11-25")
    assert lines[1].startswith("  EXPIRED lib 1.0: PYSEC-1")
    assert failed


def test_what_is_accepted_and_no_longer_found_fails() -> None:
    assert judged(audit.Report("Python", 7), until="2026-12-01")[1]
    unheard = audit.Report("npm", 0, (), ("npm: no route to host",))
    assert not judged(unheard, until="2026-12-01")[1]  # nobody knows
    assert judged(unheard, until="2026-11-01")[1]


def test_what_nobody_judged_is_named_and_fails_where_that_is_asked_for() -> None:
    report = audit.Report("npm, x", 0, (), ("x: no route to host",))
    assert judged(report) == (["npm, x: 0 packages judged", "  NOT JUDGED x: no route to host"], False)
    assert judged(report, strict=True)[1]


@pytest.mark.parametrize(
    "text",
    [
        '[[allow]]\npackage = "lib"\nid = "X"\nuntil = 2026-12-01\n',
        '[[allow]]\npackage = "lib"\nid = "X"\nuntil = 2026-12-01\nreason = " "\n',
        '[[allow]]\npackage = "lib"\nid = "X"\nuntil = "2026-12-01"\nreason = "r"\n',
        '[[allow]]\npackage = "lib"\nid = "X"\nuntil = 2028-12-01\nreason = "r"\n',
        '[[allow]]\npackage = "lib"\nid = "X"\nuntil = 2026-12-01\nreason = "r"\nversion = "1"\n',
    ],
    ids=["no reason", "empty reason", "no date", "for years", "unknown key"],
)
def test_an_entry_that_says_too_little_or_asks_too_much(text: str) -> None:
    with pytest.raises(audit.Wrong):
        audit.allowed(text, TODAY)


def test_the_list_that_is_here_can_be_read() -> None:
    audit.allowed((ROOT / ".ci" / "audit.toml").read_text(encoding="utf-8"), date.today())


# what the tools say: as pip-audit 2.10 and npm 11 write it

SKIPPED = {"name": "lib", "skip_reason": "Dependency not found on PyPI and could not be audited: lib (1.0)"}
CLEAN = {"name": "other", "version": "2.0", "vulns": []}
SICK = {"name": "lib", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": ["CVE-1"]}]}
LOCKED = {"lib": "1.0", "other": "2.0"}


def test_pip_audits_skipped_packages_are_not_judged() -> None:
    report = audit.of_pip_audit(json.dumps({"dependencies": [SKIPPED, CLEAN], "fixes": []}), LOCKED)
    assert (report.judged, report.found, report.open) == (1, (), ("lib 1.0",))
    report = audit.of_pip_audit(json.dumps({"dependencies": [SICK, CLEAN], "fixes": []}), LOCKED)
    assert (report.judged, report.found, report.open) == (2, (BAD,), ())
    assert audit.of_pip_audit("Traceback", LOCKED) is None


def answers(*outputs: str) -> Callable[..., Any]:
    """A pip-audit that says these, one after the other."""
    left = list(outputs)

    def run(command: list[str], **_: Any) -> Any:
        return subprocess.CompletedProcess(command, 0, left.pop(0), "requests.exceptions.ConnectionError: no route")

    return run


def test_the_second_service_is_asked_where_the_first_skips_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "locked", lambda: LOCKED)
    nothing = json.dumps({"dependencies": [SKIPPED]})
    report = audit.python(answers(nothing, json.dumps({"dependencies": [SICK, CLEAN]})))
    assert (report.judged, report.found) == (2, (BAD,))
    monkeypatch.setattr(audit, "newest", lambda packages, why: why)
    assert audit.python(answers(nothing, "")) == (
        "pypi: it skipped every package, osv: requests.exceptions.ConnectionError: no route"
    )


def test_of_newest_versions_only_those_that_are_locked_are_judged() -> None:
    advisory = {"id": "PYSEC-1", "fixed_in": ["1.1"], "withdrawn": None}
    pages = {
        "lib": {"info": {"version": "1.0"}, "vulnerabilities": [advisory, {**advisory, "withdrawn": "2026-01-01"}]},
        "other": {"info": {"version": "2.1"}, "vulnerabilities": []},
        "third": None,
    }
    report = audit.newest({**LOCKED, "third": "3"}, "why", lambda url: pages[url.split("/")[-2]])
    assert (report.judged, report.found) == (1, (BAD,))
    (line,) = report.open
    assert line.startswith("2 packages (the index tells of newest versions alone; pip-audit: why): other 2.0, third 3")


def test_npm() -> None:
    via = {
        "source": 1,
        "name": "lodash",
        "range": "<4.17.21",
        "url": "https://github.com/advisories/GHSA-x",
        "title": "",
    }
    told = {
        "auditReportVersion": 2,
        "vulnerabilities": {
            "lodash": {"name": "lodash", "severity": "high", "via": [via]},
            "async": {"name": "async", "severity": "high", "via": ["lodash"]},
        },
        "metadata": {"dependencies": {"total": 399}},
    }
    report = audit.of_npm("f", json.dumps(told))
    assert (report.judged, report.found, report.open) == (399, (audit.Finding("lodash", "<4.17.21", "GHSA-x"),), ())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"message": "405 Method Not Allowed", "error": {"summary": ""}}', "f: 405 Method Not Allowed"),
        ('{"error": {"code": "ENOLOCK"}}', "f: {'code': 'ENOLOCK'}"),
        ("", "f: npm said nothing"),
        ("npm: command not found", "f: npm: command not found"),
    ],
)
def test_npm_that_could_not_ask(text: str, why: str) -> None:
    report = audit.of_npm("f", text)
    assert (report.judged, report.found, report.open) == (0, (), (why,))


def test_every_lock_file_is_judged() -> None:
    command = ["git", "ls-files", "*package-lock.json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(f"{folder}/package-lock.json" for folder in audit.FOLDERS) == sorted(listed)
    assert {"quart", "pip-audit", "pesq"} <= set(audit.locked())


def test_other_arguments_are_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--force"]) == 2
    assert "make audit" in capsys.readouterr().err
