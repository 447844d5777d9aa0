"""Every command in README.md, docs/ and their neighbours runs as it is written, in a copy of the tree, on a machine
without accounts. Those that need one, or minutes, are marked in the document; what .ci/run does is left to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, ROOT, SHELLS, Block, Command, blocks, commands

BLOCKS = [block for file in DOCUMENTS for block in blocks(file) if block.language in SHELLS]
COMMANDS = [command for block in BLOCKS for command in commands(block)]
CI = "".join((ROOT / ".ci" / name).read_text(encoding="utf-8") for name in ("run", "audit"))
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE")
VOICES = {"hello.wav": "librivox-0880.wav", "wait.wav": "cards-001.wav"}  # what a reader brings
PATIENCE_S = 240


def in_ci(command: Command) -> bool:
    """Whether CI runs it: as it is written, with other ARGS at most."""
    bare = command.text.removeprefix("make ")
    return command.text in CI or (command.text.startswith("make ") and f"make --silent {bare}" in CI)


def ran_here(block: Block) -> list[Command]:
    return [one for one in commands(block) if not one.mark and not in_ci(one)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git knows, as a reader has it, and the reader's own recordings."""
    copy = tmp_path_factory.mktemp("clone") / "gateway"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for name, voice in VOICES.items():
        shutil.copy(ROOT / "gateway" / "rehearsal" / "speech" / voice, copy / name)
    return copy


def environment() -> Mapping[str, str]:
    """A reader's: uv on the PATH, no account. uv installs nothing anew: the packages are those of this run."""
    found = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = os.pathsep.join([str(Path(found).parent), kept.pop("PATH")])
    return {**kept, "PATH": path, "UV_NO_SYNC": "1", "UV_PROJECT_ENVIRONMENT": sys.prefix, "UV_OFFLINE": "1"}


def run(tree: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tree, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_there_are_commands_and_most_are_run() -> None:
    run_here = [one for block in BLOCKS for one in ran_here(block)]
    by_ci = [one for one in COMMANDS if not one.mark and in_ci(one)]
    assert len(run_here) >= 6
    assert {"make demo", "make test"} <= {one.text for one in by_ci}


@pytest.mark.slow
@pytest.mark.parametrize("block", [one for one in BLOCKS if ran_here(one)], ids=lambda block: block.place)
def test_a_blocks_commands_run(tree: Path, block: Block) -> None:
    """One script a block, so that what one line sets the next one has."""
    done = run(tree, "\n".join(one.text for one in ran_here(block)))
    assert done.returncode == 0, f"{done.args[-1]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("command", [one for one in COMMANDS if one.mark == "until Ctrl-C"], ids=lambda one: one.place)
def test_what_goes_on_until_it_is_stopped(tree: Path, command: Command) -> None:
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command.text}"],
        cwd=tree, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if "listening" in line), "")
            assert "http://127.0.0.1:" in said, command
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


# what the README shows


def shown(after: str) -> str:
    """The block of README.md that begins so."""
    (text,) = [block.text for block in blocks(ROOT / "README.md") if block.text.startswith(after)]
    return text


@pytest.mark.slow
def test_explain_says_what_the_readme_shows(tree: Path) -> None:
    (command,) = [one.text for one in COMMANDS if "gateway explain" in one.text and one.place.startswith("README")]
    assert run(tree, command).stdout.strip() == shown("A call to the line").strip()


@pytest.mark.slow
def test_a_fault_looks_as_the_readme_shows_it(tree: Path) -> None:
    wanted = shown("flows/dental-clinic.yaml")
    place, misspelt, _ = wanted.splitlines()
    number = int(place.split(":")[1])
    file = tree / "flows" / "dental-clinic.yaml"
    before = file.read_text(encoding="utf-8")
    lines = before.splitlines()
    assert lines[number - 1].strip() == misspelt.strip().replace("vioce", "voice")
    lines[number - 1] = lines[number - 1].replace("voice", "vioce", 1)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        done = run(tree, "uv run gateway validate flows")
        assert done.returncode == 1
        assert wanted.strip() in done.stdout + done.stderr
    finally:
        file.write_text(before, encoding="utf-8")
