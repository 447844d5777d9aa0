"""The image before it is built: linters, what is sent to the build, and that nothing misses what is taken out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from deploy.trim import UNUSED, main

REPO = Path(__file__).parents[2]
DOCKERFILE = (REPO / "Dockerfile").read_text(encoding="utf-8")
SENT = [
    "twilio-functions/assets/flows.private.json",
    "tests/conftest.py",
    "tests/deploy/broken/build-step-misspelt.yaml",
]
KEPT = [
    *(
        ".env",
        "twilio-functions/.env",
        "recordings/call.wav",
        ".venv/bin/python",
        ".git/config",
        "service.rendered.yaml",
    ),
    *(
        "twilio-functions/node_modules/a.js",
        "key.json",
        "gateway/__pycache__/a.pyc",
        "twilio-functions/.env.production",
    ),
]


def copied() -> list[str]:
    """What the Dockerfile copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def linted(*command: str) -> str:
    program = Path(sys.executable).parent / command[0]
    return subprocess.run([program, *command[1:]], cwd=REPO, capture_output=True, text=True, check=False).stdout


def test_linters_have_nothing_to_say() -> None:
    assert linted("hadolint", "Dockerfile") == ""
    assert linted("shellcheck", "deploy/setup.sh", ".ci/container", ".ci/base_image") == ""


@pytest.mark.parametrize(("env", "code"), [({}, 1), ({"CONTAINER": "optional"}, 0)], ids=["required", "optional"])
def test_where_no_container_can_run_the_reason_is_said(tmp_path: Path, env: dict[str, str], code: int) -> None:
    for name, said in (("uv", ""), ("uname", "Linux"), ("id", "1000")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    command = ["bash", str(REPO / ".ci" / "container")]
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, env={**path, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr == "the container was NOT built and run: buildah in a chroot needs root here\n"


def test_linters_would_say_it(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /src && sudo make\n", encoding="utf-8")
    (tmp_path / "a.sh").write_text("#!/bin/sh\nrm $1\n", encoding="utf-8")
    assert "DL3006" in linted("hadolint", str(tmp_path / "Dockerfile"))
    assert "SC2086" in linted("shellcheck", str(tmp_path / "a.sh"))


def test_what_the_build_reads_is_sent_and_nothing_that_lies_about() -> None:
    ignored = GitIgnoreSpec.from_lines((REPO / ".gcloudignore").read_text(encoding="utf-8").splitlines())
    sources = [f"{source}/a" if (REPO / source).is_dir() else source for source in copied()]
    steps = ["Dockerfile", ".dockerignore", "service.yaml", "deploy/render.py", "deploy/trim.py", "cloudbuild.yaml"]
    assert [name for name in [*sources, *steps, *SENT] if ignored.match_file(name)] == []
    assert [name for name in KEPT if not ignored.match_file(name)] == []


def test_the_build_is_sent_what_it_copies_and_no_more() -> None:
    """.ci/container builds with it; here is that the list is no longer than what is copied."""
    lines = (REPO / ".dockerignore").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert told[0] == "**"
    assert sorted(line[1:].rstrip("/") for line in told if line.startswith("!")) == sorted(copied())


def test_the_image_starts_its_own_program_and_is_told_to_stop_by_a_signal() -> None:
    last = DOCKERFILE.rpartition("FROM ")[2]
    for line in ('ENTRYPOINT ["gateway"]', 'CMD ["serve"]', "STOPSIGNAL SIGTERM", "USER 10001"):
        assert f"\n{line}\n" in last
    assert "--locked" in DOCKERFILE
    assert "--no-build" in DOCKERFILE


@pytest.mark.slow
def test_the_core_needs_nothing_of_what_is_taken_out() -> None:
    """Every module of it is loaded with those parts out of reach."""
    code = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    sys.modules[name] = None
import gateway
for found in pkgutil.walk_packages(gateway.__path__, "gateway."):
    if not found.name.startswith("gateway.rehearsal") and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print("loaded", len([name for name in sys.modules if name.startswith("gateway.")]))
"""
    names = [name.replace("/", ".") for name in UNUSED]
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout.split()[1]) > 100


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    for name in (
        "twilio/rest/a",
        "twilio/twiml",
        "numpy/tests",
        "numpy/fft/tests/data",
        "scipy/io/tests",
        "scipy/io/b",
    ):
        folder = tmp_path / "lib" / "python3.13" / "site-packages" / name
        folder.mkdir(parents=True)
        (folder / "a.py").write_bytes(b"." * 1_000_000)
    return tmp_path


def test_what_is_taken_out_and_what_it_weighed(venv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(venv) == 0
    packages = venv / "lib" / "python3.13" / "site-packages"
    left = sorted(str(file.relative_to(packages)) for file in packages.rglob("*.py"))
    assert left == ["scipy/io/b/a.py", "twilio/twiml/a.py"]
    assert capsys.readouterr().out.splitlines() == [
        "   1.0 MB twilio/rest",
        "   2.0 MB numpy/**/tests",
        "   1.0 MB scipy/**/tests",
    ]
    assert main(venv) == 1
    told = "not there to be taken out: twilio/rest, numpy/**/tests, scipy/**/tests\n"
    assert capsys.readouterr().err == told
    assert main(venv / "nowhere") == 1
