"""What callers said, who they are and what they pressed is in no message, label or field, but under `private`; with
LOG_PRIVATE=drop it is nowhere. Proved on real calls with everything that a caller, or a model that repeats one, may
hand in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.call import call as call_module
from gateway.live import messages as live
from gateway.twilio import media, signature
from tests.server.test_telling import SPEECH, sound
from tests.server.world import FLOW, World, http, play

CALLER, STRAY = "+14155557117", "+14155557227"  # who calls; a number of no line
WORDS = ("tangerine", "periwinkle", "cucumber", "marmalade", "pomegranate", "xylophone", "quicksilver", "gooseberry")
SAID, TOLD, TOOL, ARGUMENT, REASON, BUG, BROKEN, STREAM_ERROR = WORDS
FULL = FLOW.replace("instructions: You listen.", "instructions: You listen.\n    tools: [goodbye]") + (
    "tools:\n  goodbye: { type: hangup, description: Ends the call. }\n"
)
TOKEN = "0123456789abcdef0123456789abcdef"


async def talk(world: World) -> None:
    """A conversation: words both ways, an interruption, a key, a tool that there is and one that there is not, the end
    of a connection, and a goodbye."""
    phone, model = await world.call(line="quiet", **{"from": CALLER, "to": STRAY})
    await world.note("model-ready")
    await model.say(live.OutputTranscript(f"{TOLD}?"), sound(240), live.GenerationComplete(), live.TurnComplete())
    for _ in range(2):  # its end, and the filter's tail
        await phone.played((await phone.expect(media.Mark)).name)
    await world.note("turn")
    await model.say(live.OutputTranscript("And more."), *[sound(240)] * 3)
    await phone.expect(media.Play)
    for _ in range(20):
        await phone.say(SPEECH)
    await phone.press("7")
    await model.say(live.InputTranscript(f"My word is {SAID}."), live.Interrupted())
    await phone.expect(media.Clear)
    await model.say(
        live.ToolCall((live.FunctionCall("1", TOOL, {}), live.FunctionCall("2", "goodbye", {"a": ARGUMENT})))
    )
    await world.note("tool-answered")
    await model.close(1011, f"Internal error near {REASON}")
    again = await world.model()
    await again.expect(live.Setup)
    await again.say(live.Ready())
    await world.note("model-back")
    await phone.stop()
    await world.note("call-ended")


async def break_down(world: World) -> None:
    """A bug of ours that says what it stumbled over, and frames that are none."""
    phone, _ = await world.call(line="quiet", **{"from": CALLER})
    await phone.press("9")  # see the test
    assert (await phone.closed())[0] == 1011
    await world.note("bug")
    broken, _ = await world.call(line="quiet", **{"from": CALLER})
    await broken.socket.send(json.dumps({"event": "dtmf", "dtmf": {"digit": BROKEN}, "sequenceNumber": "3"}))
    await world.note("phone-fault")
    early = await world.phone()
    await early.socket.send(json.dumps({"event": "start", "start": {"customParameters": {"from": CALLER}}}))
    await world.note("stream-refused")


async def knock(world: World) -> None:
    """Webhooks: of a number of no line, of a stream that failed, of a line; and the same of who isn't Twilio."""
    form = {"From": CALLER, "To": STRAY, "CallSid": "CA9", "AccountSid": "AC1", "CallerName": SAID, "Digits": "77"}
    for path, more in (
        ("/twiml", {}),
        ("/twiml", {"To": "+14155550100"}),
        ("/twiml/after?attempt=1", {}),
        ("/twiml/done", {}),
        ("/twiml/stream-status", {"StreamSid": "MZ9", "StreamError": f"{STREAM_ERROR} from {CALLER}"}),
    ):
        url, fields = world.url + path, {**form, **more}
        given = {signature.HEADER: signature.sign(url, fields, TOKEN)}
        assert (await http(url, urlencode(fields).encode(), given))[0] == 200
        await http(url, urlencode(fields).encode(), {signature.HEADER: "forged"})


def stumble(*_: Any) -> Any:
    raise KeyError(f"{BUG} of {CALLER}")


@pytest.mark.parametrize("private", ["keep", "drop"])
@pytest.mark.parametrize(("scenario", "told"), [(talk, WORDS[:5]), (break_down, (BUG,)), (knock, (STREAM_ERROR,))])
def test_nothing_of_a_callers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Any, told: tuple[str, ...], private: str
) -> None:
    if scenario is break_down:
        monkeypatch.setitem(call_module.HANDLERS, media.Digit, stumble)

    async def whole(world: World) -> None:
        await scenario(world)
        text = world.text()
        public = json.dumps([{k: v for k, v in line.items() if k != "private"} for line in world.lines()])
        found = [secret for secret in (*WORDS, CALLER[1:], STRAY[1:]) if secret in public]
        assert found == []
        assert [line for line in world.notes("digit") if "digit" in line] == []
        assert [secret for secret in told if secret in text] == ([*told] if private == "keep" else [])
        if private == "drop":
            assert "private" not in text

    required = {"AUTH": "required", "TWILIO_AUTH_TOKEN": TOKEN, "STREAM_SECRET": "s"} if scenario is knock else {}
    play(tmp_path, whole, FULL, LOG_PRIVATE=private, LOG_LEVEL="debug", **required)
