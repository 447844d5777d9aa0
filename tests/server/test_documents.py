"""The core writes the TwiML that Twilio Functions write: both are held to tests/contract/twiml.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest

from gateway.flow.model import Announcement
from gateway.flow.route import Route
from gateway.server import documents
from gateway.server.documents import Scene, Ticket
from gateway.twilio import twiml

CONTRACT = json.loads((Path(__file__).parent.parent / "contract" / "twiml.json").read_text("utf-8"))


def announcement(said: dict[str, Any] | None) -> Announcement | None:
    return Announcement(said["say"], said["then"], said["to"]) if said else None


def scene(at: dict[str, Any]) -> Scene:
    return Scene(
        doors=at["functions"],
        core=at["core"],
        flow=at["flow"],
        line=at["line"],
        language=at["language"],
        caller=at["from"],
        dialled=at["to"],
        fallback=announcement(at["fallback"]),
        search=at["search"],
        hash=at["hash"],
    )


def written(case: dict[str, Any]) -> str:
    at = {**CONTRACT["base"], **case["context"]}
    here = scene(at)
    match case:
        case {"route": {"outcome": "answer"}}:
            return documents.stream(here, Ticket(at["persona"], at["attempt"], at["token"]))
        case {"route": decided}:
            said = announcement(decided["announcement"])
            outcome, code = decided["outcome"], "closed"
            return documents.turned_away(Route(outcome, code, announcement=said, reason=decided["reason"]), here)  # type: ignore[arg-type]
        case {"next": {"next": "hangup"}}:
            return twiml.hang_up()
        case {"next": {"next": "fallback"}}:
            return documents.fall_back(here)
        case {"next": {"next": "dial", "to": to, "timeout_s": timeout}}:
            return twiml.dial("", here.language, twiml.Called(to, timeout, here.caller_id), here.door("/done"))
        case {"next": {"next": "voicemail", "say": say, "max_length_s": most}}:
            return documents.record(say, most, here)
        case _:
            raise AssertionError(f"a case of no known kind: {case}")


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: case["name"])
def test_the_contract(case: dict[str, Any]) -> None:
    assert canonicalize(written(case)) == canonicalize(case["xml"])
