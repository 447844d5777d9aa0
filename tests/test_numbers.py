"""The door to the npm script: what it is asked, and what is said where it can't be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.numbers import NumbersError, run

NPM = """#!/bin/sh
printf '%s\\n' "$PWD" "$@" > "$(dirname "$0")/said"
exit 1
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Functions, and an npm on the PATH that writes down what it is asked and exits with 1."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    folder = tmp_path / "functions"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    return folder


def test_the_script_gets_action_and_options_and_its_exit_code_comes_back(project: Path) -> None:
    assert run("apply", ["--yes", "--domain", "gw-dev.twil.io"], folder=project) == 1
    asked = (project.parent / "bin" / "said").read_text().splitlines()
    assert asked == [str(project), "run", "--silent", "numbers", "--", "apply", "--yes", "--domain", "gw-dev.twil.io"]


def test_quiet_shows_only_the_exit_code(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    npm = project.parent / "bin" / "npm"
    npm.write_text("#!/bin/sh\necho words\necho faults >&2\n")
    assert run("status", folder=project) == 0
    assert capfd.readouterr() == ("words\n", "faults\n")
    assert run("status", quiet=True, folder=project) == 0
    assert capfd.readouterr() == ("", "")


def test_a_machine_without_npm_is_told_what_to_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(NumbersError, match="npm is not installed"):
        run("plan", folder=project)


def test_a_folder_without_functions_or_their_packages_is_named(project: Path) -> None:
    (project / "node_modules").rmdir()
    with pytest.raises(NumbersError, match="run npm ci in it"):
        run("plan", folder=project)
    (project / "package.json").unlink()
    with pytest.raises(NumbersError, match="root of the project"):
        run("plan", folder=project)
