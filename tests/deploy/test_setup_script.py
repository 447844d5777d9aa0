"""deploy/setup.sh against a gcloud that is played: it keeps state, and refuses what Google would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
FAKE = Path(__file__).parent / "fake_gcloud.py"
pytestmark = pytest.mark.slow  # some five hundred processes

TOKEN = "MARK-of-a-token"
BUILD = "serviceAccount:gateway-build@harbour-dental.iam.gserviceaccount.com"
CORE = "serviceAccount:gateway-core@harbour-dental.iam.gserviceaccount.com"


class Project:
    """A Google Cloud project as the played gcloud keeps it."""

    def __init__(self, folder: Path) -> None:
        self.file, self.bin = folder / "gcloud.json", folder / "bin"
        self.bin.mkdir()
        gcloud = self.bin / "gcloud"  # by this very interpreter, and without site: it is started a thousand times
        gcloud.write_text(f"#!{sys.executable} -IS\n{FAKE.read_text(encoding='utf-8')}", encoding="utf-8")
        gcloud.chmod(0o755)
        empty: dict[str, Any] = {"things": ["projects harbour-dental"], "enabled": [], "bound": [], "values": {}}
        self.file.write_text(json.dumps({**empty, "calls": [], "changes": 0}), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def make(self, thing: str) -> None:
        self.file.write_text(json.dumps({**self.state, "things": [*self.state["things"], thing]}), encoding="utf-8")

    def setup(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.bin}:{os.environ['PATH']}"
        command = ["bash", str(REPO / "deploy" / "setup.sh"), "--project", "harbour-dental", *arguments]
        given = {"PATH": path, "GCLOUD_STATE": str(self.file), **env}
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str], list[str], str]:
    """A project that was set up: its state, what was shown before and told then, and all that was said."""
    project = Project(tmp_path_factory.mktemp("finished"))
    shown = project.setup("--valkey", TWILIO_AUTH_TOKEN=TOKEN)
    assert shown.returncode == 0, shown.stderr
    assert project.state["changes"] == 0
    done = project.setup("--valkey", "--apply", TWILIO_AUTH_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    return project.state, commands(shown), commands(done), shown.stdout + done.stdout + done.stderr


@pytest.fixture
def applied(project: Project, finished: tuple[dict[str, Any], list[str], list[str], str]) -> Project:
    project.file.write_text(json.dumps(finished[0]), encoding="utf-8")
    return project


def commands(of: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in of.stdout.splitlines() if line.startswith("+ ")]


def test_what_is_shown_without_apply_is_what_is_done_with_it(
    finished: tuple[dict[str, Any], list[str], list[str], str],
) -> None:
    state, shown, done, said = finished
    assert len(shown) == state["changes"] == 21
    assert done == shown
    assert "# 21 commands would be run: --apply does it\n" in said
    assert "# 21 commands were run\n" in said


def test_a_second_run_changes_nothing(applied: Project) -> None:
    before = applied.state
    done = applied.setup("--valkey", "--apply")
    assert commands(done) == []
    assert "# nothing to do\n" in done.stdout
    assert {**applied.state, "calls": 0} == {**before, "calls": 0}


def test_a_run_that_broke_off_is_taken_up(applied: Project) -> None:
    state = applied.state
    state["things"].remove("compute networks subnets gateway")
    state["bound"].remove([BUILD, "roles/run.developer", "projects harbour-dental"])
    applied.file.write_text(json.dumps(state), encoding="utf-8")
    shown = commands(applied.setup("--apply"))
    assert len(shown) == 2
    assert "roles/run.developer" in shown[0]
    assert "subnets create gateway" in shown[1]


def test_each_account_has_the_least_roles(applied: Project) -> None:
    accounts = "iam service-accounts gateway-core@harbour-dental.iam.gserviceaccount.com"
    assert applied.state["bound"] == [
        [CORE, "roles/aiplatform.user", "projects harbour-dental"],
        [BUILD, "roles/logging.logWriter", "projects harbour-dental"],
        [BUILD, "roles/run.developer", "projects harbour-dental"],
        [BUILD, "roles/artifactregistry.writer", "artifacts repositories gateway"],
        [BUILD, "roles/storage.objectViewer", "storage buckets gs://harbour-dental-gateway-source"],
        [BUILD, "roles/iam.serviceAccountUser", accounts],
        [CORE, "roles/secretmanager.secretAccessor", "secrets twilio-auth-token"],
        [CORE, "roles/secretmanager.secretAccessor", "secrets stream-secret"],
    ]


def test_the_developer_api_takes_a_key_and_no_role(project: Project) -> None:
    done = project.setup("--backend", "developer", "--apply", TWILIO_AUTH_TOKEN=TOKEN, GOOGLE_API_KEY="MARK-key")
    assert done.returncode == 0, done.stderr
    assert project.state["values"]["google-api-key"] == "MARK-key"
    assert not any("aiplatform" in str(held) for held in [*project.state["bound"], *project.state["enabled"]])


def test_secrets_are_stored_and_never_shown(finished: tuple[dict[str, Any], list[str], list[str], str]) -> None:
    state, _, _, said = finished
    assert state["values"]["twilio-auth-token"] == TOKEN
    assert len(state["values"]["stream-secret"]) >= 40
    told = said + json.dumps(state["calls"])
    assert not [value for value in state["values"].values() if value in told]


def test_what_is_left_to_do_is_said(project: Project) -> None:
    done = project.setup("--apply")
    assert "# LEFT: the secret twilio-auth-token has no value: set TWILIO_AUTH_TOKEN and run this again" in done.stdout
    assert "# LEFT: the service gateway is not deployed yet: run this again after the first build" in done.stdout
    project.make("run services gateway")
    done = project.setup("--apply", TWILIO_AUTH_TOKEN=TOKEN)
    assert "LEFT" not in done.stdout
    assert project.state["bound"][-1] == ["allUsers", "roles/run.invoker", "run services gateway"]
    assert "# 2 commands were run\n" in done.stdout


def test_a_failure_that_is_not_an_absence_ends_it(project: Project, tmp_path: Path) -> None:
    (tmp_path / "gcloud").write_text("#!/bin/sh\necho 'ERROR: PERMISSION_DENIED' >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "gcloud").chmod(0o755)
    done = project.setup("--apply", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert done.stderr == (
        "setup: gcloud projects describe harbour-dental --format=none failed: ERROR: PERMISSION_DENIED\n"
    )


@pytest.mark.parametrize("arguments", [["--region"], ["--backend", "both"], ["--what"]])
def test_a_wrong_use(project: Project, arguments: list[str]) -> None:
    done = project.setup(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: deploy/setup.sh --project PROJECT")
