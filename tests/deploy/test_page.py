"""docs/deploy.md: every command says who runs it, and those that a test runs are run here as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
WHO = ("test", "google", "twilio", "test (.ci/container)")


def who(block: str) -> str:
    return block.splitlines()[0].removeprefix("# ")


RUN_HERE = [block for _, block in BLOCKS if who(block) == "test"]


def test_every_block_is_of_commands_and_says_who_runs_it() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh"}
    assert [who(block) for _, block in BLOCKS if who(block) not in WHO] == []
    assert len(RUN_HERE) == 2


def test_what_needs_an_account_is_marked_so() -> None:
    for _, block in BLOCKS:
        asks_google = re.search(r"^(\w+=.*)?gcloud |\$\(gcloud |setup\.sh", block, re.MULTILINE)
        assert not asks_google or who(block) == "google"
        assert not re.search(r"npm run deploy|numbers |doctor", block) or who(block) == "twilio"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the commands read of a checkout, and a `uv` that runs what is installed here."""
    shutil.copytree(REPO / "flows", tmp_path / "flows")
    (tmp_path / "twilio-functions" / "assets").mkdir(parents=True)
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} -m gateway "$@"\n', encoding="utf-8")
    uv.chmod(0o755)
    return tmp_path


def test_the_commands_in_their_order(clone: Path) -> None:
    env = {**os.environ, "PATH": f"{clone / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(REPO)}
    for block in RUN_HERE:
        assert all(line.startswith("uv run gateway ") for line in block.splitlines()[1:])
        subprocess.run(["bash", "-euc", block], cwd=clone, env=env, check=True, capture_output=True)
    artefact = clone / "twilio-functions" / "assets" / "flows.private.json"
    assert '"front-desk"' in artefact.read_text(encoding="utf-8")


def test_names_on_the_page_are_those_of_the_files() -> None:
    build = (REPO / "cloudbuild.yaml").read_text(encoding="utf-8")
    setup = (REPO / "deploy" / "setup.sh").read_text(encoding="utf-8")
    assert [name for name in set(re.findall(r"\b_[A-Z][A-Z_]+\b", PAGE)) if f"  {name}:" not in build] == []
    assert [flag for flag in re.findall(r"setup\.sh .*?(--[a-z]+)", PAGE) if f"{flag}" not in setup] == []
    for account in ("gateway-core", "gateway-build"):
        assert f"{account}@$project" in setup
