"""The commands as a person types them: words, exit codes, and never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.settings import child_environment

ROOT = Path(__file__).parent.parent
GOOD = """version: 1
numbers: [{ label: a, number: "+14155550100", persona: ava }]
personas: { ava: { instructions: Hi. } }
"""
BAD = GOOD.replace("instructions", "instrutions")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        env=child_environment(**env),
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_validate_a_clean_folder() -> None:
    done = run("validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 flows, no faults\n", "")


def test_validate_names_the_fault_and_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD, encoding="utf-8")
    done = run("validate", str(file))
    assert done.returncode == 1
    assert f"{file}:3:20: personas.ava.instrutions: unknown key (did you mean 'instructions'?)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_validate_for_programs(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--format", form]) == 1
    json.loads(capsys.readouterr().out)
    (tmp_path / "bad.yaml").write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--format", form]) == 0
    json.loads(capsys.readouterr().out)


def test_json_is_short_for_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"problems": []}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "words"),
    [
        (
            ["validate", "/no/such/folder"],
            {},
            1,
            "/no/such/folder:1:1: there is no such file or folder (check the path)",
        ),
        (["serve", "--port", "http"], {}, 2, "gateway: PORT: takes a whole number from 0 to 65535, not 'http'"),
        (["serve"], {"LIVE_BACKEND": "nothing"}, 2, "gateway: LIVE_BACKEND: takes one of rehearsal, developer, vertex"),
        (["serve", "--flows", "/no/such/folder"], {}, 1, "there is no such file or folder"),
        (["sing"], {}, 2, "invalid choice: 'sing'"),
        ([], {}, 2, "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: list[str], env: dict[str, str], code: int, words: str) -> None:
    done = run(*arguments, **env)
    said = done.stdout + done.stderr
    assert done.returncode == code
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["demo", "validate", "serve"])
def test_each_command_helps_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "example:\n  " in capsys.readouterr().out


def test_validate_loads_neither_numpy_nor_google() -> None:
    script = (
        "import sys; from gateway.cli import main; code = main(['validate']); "
        "heavy = {'numpy', 'scipy', 'google', 'quart', 'hypercorn', 'asyncio', 'twilio'} & set(sys.modules); "
        "sys.exit(f'{code} {sorted(heavy)}' if code or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_bug_becomes_a_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("gateway.catalog.load", broken)
    assert main(["validate"]) == 3
    words = capsys.readouterr().err
    assert "a bug of ours: RuntimeError: boom" in words
    report = Path(words.rsplit("the report is in ", 1)[1].strip())
    assert "Traceback" in report.read_text(encoding="utf-8")
    report.unlink()


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.catalog.load", interrupted)
    assert main(["validate"]) == 130


def test_a_terminal_without_the_character_shows_its_code(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD + "# 🦷\nnmae: 🦷\n", encoding="utf-8")
    done = run("validate", str(tmp_path), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert "    nmae: \\U0001f9b7\n    ^" in done.stdout


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_a_file_whose_name_is_no_text(tmp_path: Path, form: str) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.yaml"
    try:
        Path(os.fsdecode(name)).write_text(BAD, encoding="utf-8")
    except OSError:  # a file system that takes text only
        return
    done = run("validate", str(tmp_path), "--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    assert "unknown key" in done.stdout


def test_a_report_of_a_bug_takes_any_character(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("🦷 \udcff")

    monkeypatch.setattr("gateway.catalog.load", broken)
    monkeypatch.setattr("sys.stdout", io.StringIO())  # in its place somebody put one that can't be reconfigured
    assert main(["validate"]) == 3
    report = Path(capsys.readouterr().err.rsplit("the report is in ", 1)[1].strip())
    assert "🦷 \\udcff" in report.read_text(encoding="utf-8")
    report.unlink()
