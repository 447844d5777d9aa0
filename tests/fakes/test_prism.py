"""Our REST calls, held against Twilio's own OpenAPI description by Prism, a validating proxy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.prism.trim import trim

HOME = Path(__file__).parent / "prism"
PRISM = HOME / "node_modules" / ".bin" / "prism"
CALLS = 13  # of ours, through all of plan and apply
PLANTED = {  # the wrong requests, which must be seen, and the 400 to the first
    ("request", "body.VoiceMethod"),
    ("response", ""),
    ("request", "body.VoiceUri"),
    ("request", "query.VoiceEnable"),
    ("request", "query.areacode"),
}
# Where the description contradicts Twilio itself: its own examples break these. (where, the name) of each.
QUIRKS = {
    # An empty text clears a SID (and so says the page of the resource); the pattern has no room for it.
    ("request", "VoiceApplicationSid"),
    # Absent things come as empty texts, which are no URI and no SID; addresses of pages are relative.
    *(("response", name) for name in ("uri", "first_page_uri", "sms_fallback_url", "status_callback")),
    *(("response", name) for name in ("voice_fallback_url", "sms_application_sid", "voice_application_sid")),
    # Numbers in quotes, as in the description's own example.
    *(("response", name) for name in ("latitude", "longitude")),
}


@pytest.mark.slow
def test_every_request_is_as_twilio_describes_it_and_so_are_the_fakes_answers() -> None:
    if not PRISM.exists():
        pytest.skip(f"Prism is not installed: run npm ci in {HOME}")
    judged = subprocess.run(
        ["node", str(HOME / "judge.js"), str(PRISM)], capture_output=True, text=True, check=True, timeout=120
    )
    report = json.loads(judged.stdout)
    ours, planted = report["ours"], report["planted"]
    assert _beyond_quirks(ours["violations"]) == []
    assert (report["undone"], ours["seen"]) == ("", CALLS)
    assert {_where(one) for one in ours["violations"]} == QUIRKS  # a quirk that is gone leaves this list
    assert {(one["where"], one["path"]) for one in _beyond_quirks(planted["violations"])} == PLANTED


def _beyond_quirks(violations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in violations if _where(one) not in QUIRKS]


def _where(violation: dict[str, Any]) -> tuple[str, str]:
    return violation["where"], _name(violation)


def _name(violation: dict[str, Any]) -> str:
    return str(violation["path"]).rpartition(".")[2]


def test_the_trimmed_description_keeps_what_a_validator_reads() -> None:
    trimmed = json.loads((HOME / "api.json").read_text(encoding="utf-8"))
    form = next(iter(trimmed["paths"].values()))["get"]["parameters"]
    assert {one["name"] for one in form} >= {"AreaCode", "Contains", "VoiceEnabled"}
    assert trim({**trimmed}) == trimmed  # nothing is left to cut
