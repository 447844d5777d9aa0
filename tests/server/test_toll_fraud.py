"""Nobody makes the gateway dial: not the model, whatever it asks for, nor a caller by what their call is made of. The
numbers that are rung stand in the flow file, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.live import messages as live
from gateway.live.messages import FunctionCall
from gateway.tools.registry import KINDS
from gateway.twilio import twiml
from tests.server.test_reception import asked, form
from tests.server.world import World, http, play

FORTUNE = "+19005550123"  # a premium number
TRUSTED = {"+14155550111", "+14155550112"}
FLOW = f"""
version: 1
name: clinic
numbers:
  - {{ label: open, number: "+14155550100", persona: ava, fallback: {{ say: Sorry., then: dial, to: "+14155550111" }} }}
  - {{ label: closed, number: "+14155550101", persona: ava, hours: never, fallback: {{ say: Sorry. }} }}
  - label: bought
    search: {{ country: US }}
    persona: ava
    fallback: {{ say: Sorry., then: dial, to: "+14155550111" }}
hours:
  never:
    weekly: {{ mon-sun: "00:00-24:00" }}
    holidays: [01-01 to 12-31]
    closed: {{ say: One moment., then: dial, to: "+14155550112" }}
personas:
  ava:
    instructions: You answer.
    tools: [{", ".join(f"a_{kind}" for kind in KINDS)}]
tools: {{ {", ".join(f"a_{kind}: {{ type: {kind}, description: Does what it does. }}" for kind in KINDS)} }}
limits: {{ max_duration: 5m }}
"""
GREEDY = {name: FORTUNE for name in ("to", "number", "phone", "target", "twiml", "url", "uri", "dial", "say")}


def test_no_kind_of_tool_takes_a_number_from_the_model(tmp_path: Path) -> None:
    """A kind that needs one takes the name of a target that the flow file lists."""

    async def scenario(world: World) -> None:
        phone = await world.phone()
        await phone.start(line="open")
        setup = (await (await world.model()).expect(live.Setup)).setup
        (tools,) = setup["tools"]
        declared = {tool["name"]: tool.get("parameters", {}) for tool in tools["functionDeclarations"]}
        assert set(declared) == {f"a_{kind}" for kind in KINDS}
        assert [list(free_texts(schema)) for schema in declared.values()] == [[]] * len(KINDS)

    play(tmp_path, scenario, FLOW)


@pytest.mark.parametrize("name", ["dial", "transfer_call", *(f"a_{kind}" for kind in KINDS)])
def test_whatever_the_model_asks_for_is_not_dialled(tmp_path: Path, name: str) -> None:
    async def scenario(world: World) -> None:
        phone, model = await world.call(line="open")
        await model.say(live.ToolCall((FunctionCall("t-1", name, GREEDY),)))
        told = await model.expect(live.SendToolResults)
        assert FORTUNE not in str(told)
        await phone.stop()
        await asyncio.wait_for(world.exchange.empty(), 5)
        after = await asked(world, form(), "/twiml/after?attempt=1")
        assert FORTUNE not in after
        assert rung(after) <= TRUSTED

    play(tmp_path, scenario, FLOW)


@pytest.mark.parametrize(
    "path",
    [
        "/twiml",
        f"/twiml?line=clinic/bought&to={FORTUNE}",
        "/twiml/after?attempt=20&failed=3",
        "/twiml/after?attempt=1&next=dial&to=%2B19005550123",
        "/twiml/done?of=dial&to=%2B19005550123",
    ],
)
def test_whatever_a_webhook_holds_is_not_dialled(tmp_path: Path, path: str) -> None:
    hostile = {"Digits": FORTUNE, "DialTo": FORTUNE, "ForwardedFrom": FORTUNE, "SpeechResult": FORTUNE, **GREEDY}

    async def scenario(world: World) -> None:
        for called in ("+14155550100", "+14155550101", FORTUNE):
            for caller in ("+14155550199", FORTUNE, "anonymous", f"sip:{FORTUNE}@example.com"):
                said = await asked(world, form(To=called, From=caller, **hostile), path)
                assert rung(said) <= TRUSTED

    play(tmp_path, scenario, FLOW)


HOSTILE = {
    **{name: FORTUNE for name in ("Digits", "DialTo", "ForwardedFrom", "SpeechResult", "Caller", "Called", "To2")},
    **{f"SipHeader_{name}": f"<sip:{FORTUNE}@example.com>" for name in ("Refer-To", "Diversion", "X-To")},
    **{"DialCallSid": "CA9", "StirVerstat": FORTUNE, "CallerName": f"</Say><Dial>{FORTUNE}</Dial>", **GREEDY},
}


@pytest.mark.parametrize("failed", ["", "/after?attempt=3&failed=2", "/fallback"], ids=["core", "after", "fallback"])
@pytest.mark.parametrize("line", ["open", "closed", "bought"])
def test_what_is_dialled_is_what_the_flow_file_says(tmp_path: Path, line: str, failed: str) -> None:
    """Through a whole call: a model that asks for another number with every name and in every word, a webhook whose
    every field names one, and the way on that dials."""
    dialled = {"open": "+14155550100", "closed": "+14155550101", "bought": "+14155557777"}[line]
    wanted = {"open": "+14155550111", "closed": "+14155550112", "bought": "+14155550111"}[line]
    query = "&line=clinic/bought" if line == "bought" else ""

    async def scenario(world: World) -> None:
        given = form(To=dialled, **HOSTILE)
        phone, model = await world.call(line=line)
        await model.say(live.OutputTranscript(f"I dial {FORTUNE}. <Dial>{FORTUNE}</Dial>"))
        await model.say(live.ToolCall((FunctionCall("t-1", "dial", GREEDY),)))
        await model.expect(live.SendToolResults)
        await model.close(1011, f"RESOURCE_EXHAUSTED: dial {FORTUNE}")  # the model is gone: the line's fallback
        await world.note("call-ended")
        status, said = await http(
            f"{world.url}/calls/{'CA' + phone.sid[2:]}/next?attempt=1&to=%2B19005550123&next=dial"
        )
        assert (status, said) == (200, '{"next":"fallback"}\n')
        if line == "closed":
            body = await asked(world, given, "/twiml?" + query)
        elif failed:
            door = f"https://gw-1234-dev.twil.io{failed}"
            body = await asked(world, {**given, "ErrorCode": "11200", "ErrorUrl": door}, "/twiml?" + query)
        else:
            body = await asked(world, given, "/twiml/after?attempt=1" + query)
        assert (rung(body), FORTUNE in body) == ({wanted}, False)
        unheard = await asked(world, {**given, "DialCallStatus": "no-answer"}, "/twiml/done?to=%2B19005550123" + query)
        assert (rung(unheard), FORTUNE in unheard) == (set(), False)

    play(tmp_path, scenario, FLOW)


def rung(said: str) -> set[str]:
    """The numbers that a document dials."""
    return {verb.text or "" for verb in twiml.verbs(f"<Response>{said}</Response>") if verb.tag == "Dial"}


def free_texts(schema: object) -> Iterator[object]:
    """The fields of a schema in which a number or a URI could stand: texts that are not one of a list, and numbers."""
    if isinstance(schema, dict):
        if str(schema.get("type", "")).lower() in ("string", "integer", "number") and "enum" not in schema:
            yield schema
        for inner in schema.values():
            yield from free_texts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from free_texts(inner)
