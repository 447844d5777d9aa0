"""How `serve` is put together: what it warns of, and that a bad flow or setting stops it before anything listens."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway import run
from gateway.addresses import SettingsError
from gateway.catalog import load
from gateway.flow.load import FlowError, Flows
from gateway.server.watch import Found, look
from gateway.settings import Settings, read
from gateway.telemetry.log import Log

FLOW = """version: 1
numbers: [{ label: a, number: "+14155550100", persona: ava }]
personas: { ava: { instructions: Hi. } }
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("gateway")
    before = root.handlers[:], root.level, ours.level
    yield
    gc.enable()
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings with which the server would have been started."""
    seen: list[Settings] = []

    async def serve(settings: Settings, *_: Any) -> None:
        seen.append(settings)

    monkeypatch.setattr(run, "_serve", serve)
    return seen


def notes(text: str) -> dict[str, dict[str, Any]]:
    return {line["message"]: line for line in map(json.loads, text.splitlines())}


def folder(tmp_path: Path, flow: str = FLOW) -> str:
    (tmp_path / "one.yaml").write_text(flow, encoding="utf-8")
    return str(tmp_path)


def test_changes_override_the_environment(tmp_path: Path, served: list[Settings]) -> None:
    assert run.run_server({"FLOWS_DIR": folder(tmp_path), "PORT": "4321", "HOST": None}) == 0
    assert (served[0].port, served[0].host) == (4321, "127.0.0.1")


def test_the_server_gets_the_flows_and_how_the_files_looked_before_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Found] = []

    async def serve(_: Settings, found: Found, log: Log) -> None:
        given.append(found)

    def slow(path: Path, env: Mapping[str, str]) -> Flows:
        flows = load(path, env)
        folder(tmp_path, FLOW + "# edited while it was read\n")
        return flows

    monkeypatch.setattr(run, "_serve", serve)
    monkeypatch.setattr("gateway.server.watch.load", slow)
    run.run_server({"FLOWS_DIR": folder(tmp_path), "EXTRA": "x"})
    (found,) = given
    assert found.flows == load(tmp_path, {})
    assert found.seen != look(tmp_path)
    assert (found.source.path, found.source.env["EXTRA"]) == (tmp_path, "x")


def test_without_an_auth_token_it_says_that_calls_will_be_refused(
    tmp_path: Path, served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    run.run_server({"FLOWS_DIR": folder(tmp_path), "LOG_FORMAT": "json"})
    assert "every call will be refused" in notes(capsys.readouterr().out)["auth-without-token"]["why"]
    run.run_server({"FLOWS_DIR": folder(tmp_path), "LOG_FORMAT": "json", "TWILIO_AUTH_TOKEN": "t"})
    assert capsys.readouterr().out == ""


def test_a_flows_warnings_are_in_the_log(
    tmp_path: Path, served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    run.run_server({"FLOWS_DIR": folder(tmp_path, FLOW + "variables: { unused: x }\n"), "LOG_FORMAT": "json"})
    assert "unused" in notes(capsys.readouterr().out)["flow-warning"]["problem"]


def test_a_bad_flow_or_setting_stops_it(tmp_path: Path, served: list[Settings]) -> None:
    with pytest.raises(FlowError):
        run.run_server({"FLOWS_DIR": folder(tmp_path, "version: 2\n")})
    with pytest.raises(SettingsError):
        run.run_server({"FLOWS_DIR": folder(tmp_path), "PORT": "many"})
    assert served == []


def test_the_stand_in_takes_the_models_place() -> None:
    assert run.rehearsing(read({}), "ws://127.0.0.1:7").google.base_url == "ws://127.0.0.1:7"
