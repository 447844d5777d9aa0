"""`POST /twiml` answers each case that Twilio Functions are held to (tests/contract/route-*.json) with what it says:
twilio-functions/test/voice-contract.test.js asks the Function the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.flow.load import Flows
from gateway.flow.model import Persona
from gateway.flow.route import Usage
from gateway.server import reception
from gateway.twilio import twiml
from tests.flow.test_route import FILES, contract, flows_of
from tests.server.world import World, http, play


def staffed(flows: Flows, someone: Persona) -> Flows:
    """The cases say who answers by name alone."""
    names = {line.persona for flow in flows.flows for line in flow.numbers} | {"night"}
    personas = {name: replace(someone, name=name) for name in names}
    return Flows(tuple(replace(flow, personas=personas) for flow in flows.flows))


def told(xml: str) -> dict[str, Any]:
    """What a document says of its route, as the cases have it."""
    first, *more = twiml.verbs(xml)
    match first.tag:
        case "Connect":
            given = twiml.read_connect(xml).parameters
            return {"answer": (given["flow"], given["line"], given["persona"])}
        case "Reject":
            return {"refuse": first.get("reason")}
        case _:
            then = {"Hangup": "hangup", "Record": "voicemail", "Dial": "dial"}[more[0].tag]
            return {"announce": {"say": first.text, "then": then, "to": more[0].text or ""}}


def wanted(case: dict[str, Any]) -> dict[str, Any]:
    expect = case["expect"]
    match expect["outcome"]:
        case "answer":
            return {"answer": (case["flow"], case["line"], expect["persona"])}
        case "refuse":
            return {"refuse": expect["reason"]}
        case _:
            return {"announce": expect["announcement"]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_cases_through_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    found = contract(file)

    async def scenario(world: World) -> None:
        someone = world.exchange.flows.flows[0].personas["ava"]
        flows = staffed(flows_of(found["artefact"]), someone)
        world.exchange.generations.swap(flows, 0.0)
        wrong = {}
        for case in found["cases"]:
            moment, usage = datetime.fromisoformat(case["at"]), Usage(**case.get("usage", {}))

            class Then(datetime):
                @classmethod
                def now(cls, tz: tzinfo | None = None, *, at: datetime = moment) -> datetime:  # type: ignore[override]
                    return at.astimezone(tz)

            monkeypatch.setattr(reception, "datetime", Then)
            monkeypatch.setattr(world.exchange, "usage", lambda *_, used=usage: used)
            line = flows.labelled(case["flow"], case["line"])
            assert line is not None
            form = {"To": line[1].number, "From": case["from"], "CallSid": "CA1", "AccountSid": "AC1"}
            status, xml = await http(world.url + "/twiml", urlencode(form).encode())
            if (status, told(xml)) != (200, wanted(case)):
                wrong[case["name"]] = xml
        assert wrong == {}

    play(tmp_path, scenario)
