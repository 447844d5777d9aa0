"""cloudbuild.yaml and service.yaml against Google's own schemas, and what the one makes of the other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import MAX_CALLS_DEFAULT, read
from tests.deploy.google import defaults, faults_of, substituted

REPO = Path(__file__).parents[2]
BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
PROJECT = {"PROJECT_ID": "harbour-dental", "PROJECT_NUMBER": "123456789012", "BUILD_ID": "b1e5"}
HIGH_WATER = 0.6  # Cloud Run's autoscaler adds an instance where this share of its streams is taken


def build() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPO / "cloudbuild.yaml").read_text(encoding="utf-8"))
    return found


def step(name: str) -> dict[str, Any]:
    return next(one for one in build()["steps"] if one["id"] == name)


def rendered(**changes: str) -> subprocess.CompletedProcess[str]:
    """What the build's own step `render` does, with these substitutions changed."""
    whole = build()
    whole["substitutions"] |= changes
    values = defaults(whole, PROJECT)
    arguments = [substituted(argument, values) for argument in step("render")["args"]]
    assert arguments[:2] == ["-euc", 'python deploy/render.py service.yaml "$@" > service.rendered.yaml\n']
    command = [sys.executable, "deploy/render.py", "service.yaml", *arguments[3:]]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


def service(**changes: str) -> dict[str, Any]:
    done = rendered(**changes)
    assert done.stderr == ""
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def environment(of: dict[str, Any]) -> dict[str, str]:
    (container,) = of["spec"]["template"]["spec"]["containers"]
    secret = {"valueFrom": "a secret's value of some length"}
    return {entry["name"]: entry.get("value") or secret["valueFrom"] for entry in container["env"]}


def test_the_build_is_what_cloud_build_takes() -> None:
    assert faults_of(build()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"_REDIS_URL": "redis://10.0.0.3:6379", "_MAX_INSTANCES": "20"},
        {"_LIVE_BACKEND": "developer", "_SECRETS": "TWILIO_AUTH_TOKEN=t:3 STREAM_SECRET=s:2 GOOGLE_API_KEY=k:1"},
    ],
    ids=["as it stands", "redis", "developer"],
)
def test_the_service_is_what_cloud_run_takes(changes: dict[str, str]) -> None:
    assert faults_of(service(**changes)) == []


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_what_google_would_refuse_is_refused_here(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    words = re.findall(r"^# refused: (.+)$", text, re.MULTILINE)
    assert words
    faults = faults_of(yaml.safe_load(text))
    assert len(faults) == len(words)
    for word, fault in zip(words, faults, strict=True):
        assert word in fault


def test_every_manifest_of_the_broken_ones_is_broken_by_its_fault_alone() -> None:
    """Without the line that is marked, each is taken."""
    for file in BROKEN:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "# <-" not in line]
        assert faults_of(yaml.safe_load("\n".join(lines))) == [], file.name


def test_tests_and_build_run_side_by_side_and_nothing_is_deployed_before_both() -> None:
    waits = {one["id"]: one["waitFor"] for one in build()["steps"]}
    assert waits == {
        "test": ["-"],
        "build": ["-"],
        "render": ["-"],
        "push": ["test", "build", "render"],
        "deploy": ["push"],
    }
    assert step("deploy")["args"][:4] == ["run", "services", "replace", "service.rendered.yaml"]
    assert build()["images"] == ["${_IMAGE}:${BUILD_ID}"]
    (container,) = service()["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "us-east4-docker.pkg.dev/harbour-dental/gateway/core:b1e5"


def test_what_the_service_asks_of_cloud_run() -> None:
    template = service()["spec"]["template"]
    spec, marks = template["spec"], template["metadata"]["annotations"]
    (container,) = spec["containers"]
    assert spec["timeoutSeconds"] == 3600
    assert spec["containerConcurrency"] == MAX_CALLS_DEFAULT
    assert spec["serviceAccountName"] == "gateway-core@harbour-dental.iam.gserviceaccount.com"
    assert container["ports"] == [{"name": "http1", "containerPort": 8080}]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["livenessProbe"]["failureThreshold"] >= 3
    assert marks["autoscaling.knative.dev/minScale"] == "1"
    assert marks["run.googleapis.com/cpu-throttling"] == "false"
    assert marks["run.googleapis.com/execution-environment"] == "gen2"
    assert marks["run.googleapis.com/vpc-access-egress"] == "private-ranges-only"
    assert json.loads(marks["run.googleapis.com/network-interfaces"]) == [
        {"network": "gateway", "subnetwork": "gateway"}
    ]
    assert service()["metadata"]["annotations"]["run.googleapis.com/ingress"] == "all"


def test_a_full_instance_has_room_for_webhooks_and_is_not_what_the_autoscaler_waits_for() -> None:
    values = build()["substitutions"]
    calls, streams = int(values["_MAX_CALLS"]), int(values["_CONCURRENCY"])
    assert streams * HIGH_WATER < calls < streams


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"_REDIS_URL": "redis://10.0.0.3:6379", "_MAX_INSTANCES": "3"},
        {"_LIVE_BACKEND": "developer", "_SECRETS": "TWILIO_AUTH_TOKEN=t:3 STREAM_SECRET=s:2 GOOGLE_API_KEY=k:1"},
    ],
    ids=["as it stands", "redis", "developer"],
)
def test_the_core_takes_the_environment_that_it_is_given_there(changes: dict[str, str]) -> None:
    given = environment(service(**changes))
    settings = read({**given, "K_SERVICE": "gateway", "PORT": "8080"})
    assert settings.host == "0.0.0.0"
    assert settings.public_url == "https://gateway-123456789012.us-east4.run.app"
    assert settings.max_calls == 36
    assert settings.redis_url == changes.get("_REDIS_URL", "")
    assert settings.backend == changes.get("_LIVE_BACKEND", "vertex")


def test_a_secret_that_is_missing_is_a_fault_of_the_start() -> None:
    given = environment(service(_SECRETS="STREAM_SECRET=s:2"))
    with pytest.raises(Exception, match="TWILIO_AUTH_TOKEN: is needed"):
        read({**given, "K_SERVICE": "gateway"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_MAX_INSTANCES": "5"}, "REDIS_URL is empty: without it there can be one instance, so MAX_INSTANCES takes 1"),
        ({"_SECRETS": "TWILIO_AUTH_TOKEN=t:latest"}, "SECRETS: TWILIO_AUTH_TOKEN takes a version's number"),
        ({"_SERVICE": "x'\n  evil: 'y"}, "SERVICE holds a quote, a space or another character"),
    ],
)
def test_a_build_stops_at_what_can_not_work(changes: dict[str, str], words: str) -> None:
    done = rendered(**changes)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""
