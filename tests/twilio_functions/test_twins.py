"""What Twilio Functions write, the core reads: tokens, knocks, a compiled flow's documents. Runs the real scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway.flow.compile import fingerprint, text
from gateway.flow.load import Flows, load
from gateway.twilio import knock, token, twiml

ROOT = Path(__file__).parent.parent.parent
FUNCTIONS = ROOT / "twilio-functions"
NODE = shutil.which("node") or ""
SECRET = "a-secret-of-both"
CALL = {"CallSid": "CA" + "c" * 32, "AccountSid": "AC" + "a" * 32, "From": "+14155550199"}

needs_node = pytest.mark.skipif(not NODE, reason="Node.js is not installed")
needs_packages = pytest.mark.skipif(
    not NODE or not (FUNCTIONS / "node_modules").is_dir(), reason="npm ci has not run in twilio-functions"
)

MINT = """
const { mint } = require('./assets/token.private.js');
const [secret, claims, nowMs, nonce] = JSON.parse(process.argv[1]);
process.stdout.write(mint(secret, claims, nowMs, nonce));
"""
ASK = """
const { ask } = require('./test/rig.js');
const { name, form, env, artefact, said } = JSON.parse(process.argv[1]);
const asked = [];
const core = async (url, { headers, body }) => (asked.push([url, headers, body]), new Response(JSON.stringify(said)));
ask(name, form, { env, artefact, core }).then(({ body }) => process.stdout.write(JSON.stringify({ body, asked })));
"""


def node(script: str, *given: object) -> str:
    command = [NODE, "-e", script, *(json.dumps(one) for one in given)]
    return subprocess.run(command, cwd=FUNCTIONS, capture_output=True, text=True, check=True, timeout=30).stdout


def ask(name: str, form: dict[str, str], artefact: str, said: object = None) -> dict[str, Any]:
    """One request to a Function: its document, and what it asked the core."""
    env = {"STREAM_SECRET": SECRET, "CORE_URL": "https://core.example.com", "PREWARM_MS": "500"}
    found: dict[str, Any] = json.loads(
        node(ASK, {"name": name, "form": {**CALL, **form}, "env": env, "artefact": artefact, "said": said})
    )
    return found


@pytest.fixture(scope="module")
def flows() -> Flows:
    return load(ROOT / "flows", {})


def now() -> float:
    return datetime.now(UTC).timestamp()


def names(claims: token.StreamClaims) -> Sequence[object]:
    return claims.flow, claims.line, claims.persona, claims.attempt


@needs_node
@pytest.mark.parametrize("flow", ["dental", "réception-受付", 'a"b\\c\u2028'])
def test_both_mint_the_same_token(flow: str) -> None:
    claims = token.StreamClaims("CA1", "AC1", flow, "front-desk", "ava", 3)
    said = {"callSid": "CA1", "accountSid": "AC1", "flow": flow, "line": "front-desk", "persona": "ava", "attempt": 3}
    minted = node(MINT, [SECRET, said, 1_700_000_000_999, "nonce"])
    assert minted == token.mint(SECRET, claims, 1_700_000_000.999, "nonce")
    assert token.verify(minted, [SECRET], "CA1", "AC1", 1_700_000_059.9) == claims
    with pytest.raises(token.TokenError, match="bad signature"):
        token.verify(minted, ["another"], "CA1", "AC1", 1_700_000_000)
    with pytest.raises(token.TokenError, match="expired"):
        token.verify(minted, [SECRET], "CA1", "AC1", 1_700_000_060)


@needs_packages
def test_a_compiled_flow_opens_a_stream_that_the_core_takes(flows: Flows) -> None:
    flow = flows.flows[0]
    line = flow.numbers[0]
    connect = twiml.read_connect(ask("voice", {"To": line.number}, text(flows))["body"])
    given = dict(connect.parameters)
    claims = token.verify(given.pop("token"), [SECRET], CALL["CallSid"], CALL["AccountSid"], now())
    assert names(claims) == (flow.name, line.label, given["persona"], 1)
    assert (given["flow"], given["line"], given["attempt"]) == (flow.name, line.label, "1")
    assert (given["from"], given["to"], given["hash"]) == (CALL["From"], line.number, fingerprint(flows))
    assert connect.url == "wss://core.example.com/ws/twilio"
    assert given["persona"] in flow.personas


@needs_packages
def test_the_core_knows_who_knocks(flows: Flows) -> None:
    form = {"To": flows.flows[0].numbers[0].number, "attempt": "1"}
    asked = ask("after", form, text(flows), {"next": "stream", "attempt": 2})
    url, headers, _ = asked["asked"][0]
    path = f"/calls/{CALL['CallSid']}/next?attempt=1"
    assert url == f"https://core.example.com{path}"
    given = (headers[knock.TIME_HEADER], headers[knock.SIGNATURE_HEADER])
    assert knock.valid([SECRET], "GET", path, given, now())
    assert not knock.valid([SECRET], "GET", path.replace("=1", "=2"), given, now())
    again = token.verify(
        twiml.read_connect(asked["body"]).parameters["token"], [SECRET], CALL["CallSid"], CALL["AccountSid"], now()
    )
    assert again.attempt == 2


@needs_packages
def test_the_core_hears_of_the_stream_that_will_come(flows: Flows) -> None:
    """With the words of the stream itself: a session of another setup would be of no use to it."""
    asked = ask("voice", {"To": flows.flows[0].numbers[0].number}, text(flows), {"warming": True})
    ((url, headers, body),) = asked["asked"]
    path = f"/calls/{CALL['CallSid']}/warm"  # names no number: the core's host logs it
    assert url == f"https://core.example.com{path}"
    given = (headers[knock.TIME_HEADER], headers[knock.SIGNATURE_HEADER])
    assert knock.valid_form([SECRET], path, body, given, now())
    stream = twiml.read_connect(asked["body"]).parameters
    told = dict(parse_qsl(body, keep_blank_values=True))
    assert told == {name: stream[name] for name in ("flow", "line", "persona", "from", "to")}
