"""The fake, judged by Twilio's own clients: the Python SDK, and `twilio-run deploy` end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from tests.fakes.twilio_api import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, fake_twilio

FUNCTIONS = Path(__file__).parents[2] / "twilio-functions"
TWILIO_RUN = FUNCTIONS / "node_modules" / ".bin" / "twilio-run"
CALL = "CA" + "1" * 32
PROJECT = {
    "functions/voice.protected.js": "exports.handler = (context, event, callback) => callback(null, 'ä');\n",
    "functions/deep/status.js": "exports.handler = (context, event, callback) => callback(null, context.COLOUR);\n",
    "functions/secret.private.js": "module.exports = 1;\n",
    "assets/flows.private.json": '{"format": 1}\n',
    "assets/two.dots.private.js": "module.exports = 2;\r\n",
    "assets/hello.txt": "hello, no line feed at the end",
    "assets/door.protected.txt": "signed only\n",
}
PACKAGE = {"name": "sample", "version": "0.0.0", "private": True, "dependencies": {"twilio": "6.2.0"}}


pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
needs_twilio_run = pytest.mark.skipif(not TWILIO_RUN.exists(), reason="twilio-functions: run npm ci there")


@pytest.fixture
def twilio(tmp_path: Path) -> Iterator[FakeTwilio]:
    with fake_twilio(tmp_path / "twilio") as fake:
        yield fake


@pytest.fixture
def client(twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    for name, value in twilio.environment().items():
        monkeypatch.setenv(name, value)
    found = Client(ACCOUNT_SID, AUTH_TOKEN)
    yield found
    found.http_client.session.close()


def refusal(error: pytest.ExceptionInfo[TwilioRestException]) -> tuple[int, int]:
    return error.value.status, error.value.code


def test_a_call_in_progress_is_redirected_and_hung_up_once(twilio: FakeTwilio, client: Client) -> None:
    twilio.seed(calls={CALL: {}})
    assert client.calls(CALL).update(twiml="<Response/>").status == "in-progress"
    assert client.calls(CALL).update(status="completed").status == "completed"
    assert [{k: v for k, v in one.items() if k != "sid"} for one in twilio.state()["updates"]] == [
        {"Twiml": "<Response/>"},
        {"Status": "completed"},
    ]
    with pytest.raises(TwilioRestException) as error:
        client.calls(CALL).update(status="completed")
    assert refusal(error) == (400, 21220)


def test_a_call_that_nobody_knows_is_not_found(client: Client) -> None:
    with pytest.raises(TwilioRestException) as error:
        client.calls(CALL).update(status="completed")
    assert refusal(error) == (404, 20404)


def test_only_the_account_itself_gets_in(twilio: FakeTwilio, client: Client) -> None:
    stranger = Client(ACCOUNT_SID, "e" * 32)
    with pytest.raises(TwilioRestException) as error:
        stranger.calls(CALL).fetch()
    stranger.http_client.session.close()
    assert refusal(error) == (401, 20003)


def test_a_bought_number_is_off_the_shelf_and_points_at_twilios_demo(twilio: FakeTwilio, client: Client) -> None:
    twilio.seed(sale={"+14155550111": {}, "+14155550112": {}})
    number = client.incoming_phone_numbers.create(phone_number="+14155550111", friendly_name="x")
    assert (number.friendly_name, number.voice_url) == ("x", "https://demo.twilio.com/welcome/voice/")
    shelf = client.available_phone_numbers("US").local.list(area_code=415)
    assert [one.phone_number for one in shelf] == ["+14155550112"]
    with pytest.raises(TwilioRestException) as error:
        client.incoming_phone_numbers.create(phone_number="+14155550111")
    assert refusal(error) == (400, 21422)


def test_the_list_takes_a_part_of_a_number_and_pages(twilio: FakeTwilio, client: Client) -> None:
    twilio.seed(numbers={f"+1415555010{n}": {} for n in range(5)})
    assert len(client.incoming_phone_numbers.list(page_size=2)) == 5
    found = client.incoming_phone_numbers.list(phone_number="+1415***0103")
    assert [one.phone_number for one in found] == ["+14155550103"]


def test_an_application_drives_out_a_trunk(twilio: FakeTwilio, client: Client) -> None:
    twilio.seed(numbers={"+14155550100": {"trunk_sid": "TK" + "1" * 32}})
    [number] = client.incoming_phone_numbers.list()
    changed = client.incoming_phone_numbers(number.sid).update(voice_application_sid="AP" + "2" * 32)
    assert (changed.trunk_sid, changed.voice_application_sid) == (None, "AP" + "2" * 32)


def test_nothing_but_twilio_is_reached_through_the_proxy(twilio: FakeTwilio) -> None:
    opener = build_opener(ProxyHandler({"https": twilio.url}))
    with pytest.raises(OSError, match="403"):
        opener.open("https://example.com/", timeout=10)


def deploy(project: Path, twilio: FakeTwilio, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(TWILIO_RUN), "deploy", "--service-name", "sample", "--environment", "dev", *options]
    return subprocess.run(
        command, cwd=project, env=env(twilio), capture_output=True, text=True, check=False, timeout=120
    )


def env(twilio: FakeTwilio) -> Mapping[str, str]:
    return {**os.environ, **twilio.environment(), "CI": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in PROJECT.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    (root / "package.json").write_text(json.dumps(PACKAGE))
    (root / ".env").write_text(f"ACCOUNT_SID={ACCOUNT_SID}\nAUTH_TOKEN={AUTH_TOKEN}\nCOLOUR=green\n")
    return root


def files(root: Path) -> dict[str, bytes]:
    folders = [root / "functions", root / "assets"]
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.slow
@needs_twilio_run
def test_a_deployed_project_is_rebuilt_byte_for_byte_and_a_second_deploy_adds_nothing(
    project: Path, twilio: FakeTwilio
) -> None:
    first = deploy(project, twilio, "--runtime", "node22")
    assert first.returncode == 0, first.stderr
    assert "successfully deployed" in first.stderr
    rebuilt = twilio.deployed / "sample-1000-dev.twil.io"
    assert files(rebuilt) == files(project)
    package = json.loads((rebuilt / "package.json").read_text())
    assert (package["dependencies"], package["runtime"]) == (PACKAGE["dependencies"], "node22")
    assert (rebuilt / ".env").read_text() == 'COLOUR="green"\n'

    (project / "assets" / "hello.txt").unlink()
    second = deploy(project, twilio, "--runtime", "node22")
    assert second.returncode == 0, second.stderr
    assert files(rebuilt) == files(project)
    state = twilio.state()
    counts = {key: len(state[key]) for key in ("services", "environments", "resources", "variables", "builds")}
    assert counts == {"services": 1, "environments": 1, "resources": len(PROJECT), "variables": 1, "builds": 2}


@pytest.mark.slow
@needs_twilio_run
def test_an_old_runtime_and_a_taken_name_are_refused(project: Path, twilio: FakeTwilio) -> None:
    old = deploy(project, twilio, "--runtime", "node18")
    assert old.returncode != 0
    assert twilio.state()["deployments"] == []
    (project / ".twiliodeployinfo").unlink(missing_ok=True)  # as on another machine
    taken = deploy(project, twilio, "--runtime", "node22")
    assert "already exists" in taken.stdout + taken.stderr
