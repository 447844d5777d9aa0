"""The numbers' admin Function, deployed: who holds its secret looks, and changes only when told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

import pytest

from tests.end_to_end.world import ADMIN_SECRET, DESK, World

pytestmark = pytest.mark.slow


class AnyStatus(HTTPErrorProcessor):
    """A refusal is an answer."""

    def http_response(self, request: Request, response: Any) -> Any:
        return response


def ask(here: World, secret: str, **form: str) -> tuple[int, Mapping[str, Any]]:
    """The Function's answer to whoever knows `secret`."""
    headers = {"Host": here.domain, "Authorization": f"Bearer {secret}"}
    request = Request(f"http://127.0.0.1:{here.gate}/numbers", urlencode(form).encode(), headers)
    with build_opener(ProxyHandler({}), AnyStatus).open(request, timeout=20) as answer:
        return answer.status, json.load(answer)


def kinds(answer: Mapping[str, Any]) -> list[str]:
    return [change["kind"] for change in answer["plan"]["changes"]]


def test_a_number_changed_by_hand_is_seen_and_mended(here: World) -> None:
    voice = f"https://{here.domain}/voice"
    here.by_hand(DESK, VoiceUrl="https://elsewhere.example.com/")
    for secret in ("", "x" * 40, ADMIN_SECRET[:-1], ADMIN_SECRET + "x"):
        status, told = ask(here, secret, apply="yes")
        assert (status, "plan" in told) == (401, False)
    status, told = ask(here, ADMIN_SECRET)
    assert (status, kinds(told)) == (200, ["drift", "noop", "noop"])
    assert here.number(DESK).voice_url == "https://elsewhere.example.com/"  # a dry run
    status, told = ask(here, ADMIN_SECRET, apply="yes")
    assert (status, [change["number"] for change in told["done"]], told["left"]) == (200, [DESK], [])
    assert here.number(DESK).voice_url == voice
    assert kinds(ask(here, ADMIN_SECRET, apply="yes")[1]) == ["noop"] * 3
    assert [one for one in here.twilio.state()["requests"] if one["method"] == "DELETE"] == []
