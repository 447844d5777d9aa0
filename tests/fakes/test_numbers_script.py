"""`gateway numbers` down to the script, the SDK and TLS, against the fake account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from twilio.rest import Client  # type: ignore[import-untyped]

from gateway.flow.compile import text
from gateway.flow.load import load
from gateway.numbers import run
from tests.fakes.twilio_api import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, fake_twilio

FUNCTIONS = Path(__file__).parents[2] / "twilio-functions"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (FUNCTIONS / "node_modules").exists(), reason="twilio-functions: run npm ci there"),
]
FLOW = """
version: 1
numbers:
  - { label: desk, number: "+14155550100", persona: ava }
  - { label: more, search: { country: US, area_code: "415" }, persona: ava }
personas:
  ava: { instructions: You answer the phone. }
"""


@pytest.fixture
def twilio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    with fake_twilio(tmp_path / "twilio") as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CORE_URL", "https://core.example.com")
        fake.seed(numbers={"+14155550100": {}}, sale={"+14155550111": {}})
        yield fake


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Names a file of compiled flows: the numbers are what `gateway compile` writes, not what a test thinks of it."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "clinic.yaml").write_text(FLOW)
    (tmp_path / "flows.json").write_text(text(load(flows, {})))
    return ["--flows", str(tmp_path / "flows.json")]


def numbers(action: str, *options: str) -> int:
    return run(action, options, folder=FUNCTIONS)


def owned(twilio: FakeTwilio) -> list[tuple[str, str]]:
    return [(one["phone_number"], one["friendly_name"]) for one in twilio.state()["numbers"]]


def test_plan_apply_status(twilio: FakeTwilio, options: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    options += ["--domain", "gw-dev.twil.io"]
    assert numbers("plan", *options) == 0
    said = capfd.readouterr().out
    assert "+ buy          clinic/more a local number in US, area code 415 (such as +14155550111): COSTS MONEY" in said
    assert "    voiceUrl: https://demo.twilio.com/welcome/voice/ -> https://gw-dev.twil.io/voice" in said
    assert numbers("status", *options) == 1
    assert numbers("apply", *options) == 2  # without --yes
    assert "apply needs --yes" in capfd.readouterr().err
    assert owned(twilio) == [("+14155550100", "(415) 555-0100")]

    assert numbers("apply", *options, "--yes") == 1  # the purchase is left
    assert "buying needs --buy" in capfd.readouterr().out
    assert numbers("apply", *options, "--yes", "--buy", "--json") == 0
    assert [one["number"] for one in json.loads(capfd.readouterr().out)["done"]] == ["+14155550111"]
    assert owned(twilio) == [("+14155550100", "gw:clinic/desk"), ("+14155550111", "gw:clinic/more")]
    assert numbers("status", *options) == 0
    assert capfd.readouterr().out.count("= well") == 2


def test_the_domain_is_looked_up_where_one_service_is_deployed(
    twilio: FakeTwilio, options: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert numbers("plan", *options) == 2
    assert "run npm run deploy" in capfd.readouterr().err
    client = Client(ACCOUNT_SID, AUTH_TOKEN)
    service = client.serverless.v1.services.create(unique_name="gateway-functions", friendly_name="x")
    service.environments.create(unique_name="dev-environment", domain_suffix="dev")
    client.http_client.session.close()
    assert numbers("plan", *options) == 0
    assert "-> https://gateway-functions-1000-dev.twil.io/voice\n" in capfd.readouterr().out
    monkeypatch.setenv("FUNCTIONS_URL", "https://gw-9.twil.io/")
    assert numbers("plan", *options) == 0
    assert "-> https://gw-9.twil.io/voice\n" in capfd.readouterr().out


def test_faults_of_the_operator_are_said_in_words(
    twilio: FakeTwilio, options: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert numbers("buy", *options) == 2
    assert numbers("plan", "--flows", "nowhere.json", "--domain", "gw-dev.twil.io") == 2
    assert "run gateway compile" in capfd.readouterr().err
    assert numbers("plan", *options, "--core", "http://core.example.com", "--domain", "gw-dev.twil.io") == 2
    assert numbers("plan", *options, "--domain", "gw dev") == 2
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "e" * 32)
    assert numbers("plan", *options, "--domain", "gw-dev.twil.io") == 1
    assert "does not accept the credentials" in capfd.readouterr().err
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    assert numbers("plan", *options, "--domain", "gw-dev.twil.io") == 2
