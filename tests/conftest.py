"""What all tests share: `--fail-on-skip`, by which CI makes every skip a failure, and how a whole run is split in two.

Tests that wait, on sockets and processes, run one after another in one worker; those that only compute run beside them
in the other, so that no more than a core is taken from what has delays to keep. A run of less than everything has one
process, where `--pdb` and `-s` work.
"""

from __future__ import annotations

import pytest

WAITING = ("server", "rehearsal", "store", "end_to_end")  # folders
_skipped: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a skipped test fails the run (for CI)")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Of `-n auto`."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("usepdb")
    return 2 if whole else 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(config.rootpath / "tests").parts[0]
        item.add_marker(pytest.mark.xdist_group("waiting" if folder in WAITING else str(item.path)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {report.longrepr}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped and session.config.getoption("--fail-on-skip"):
        print("\nskipped, where nothing may be:", *_skipped, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
