"""A core or the Functions that are gone, hang, or are replaced: the caller is never left alone."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace

import pytest

from gateway.rehearsal.caller import Caller, Manner
from gateway.rehearsal.phone import Person
from gateway.rehearsal.scene import Event
from gateway.rehearsal.webhook import Dialled, ask
from gateway.twilio import twiml
from tests.end_to_end.calls import (
    CALLER,
    CONVERSATION,
    CUT_OFF,
    FALLBACK,
    SAID,
    UNREACHED,
    dial,
    functions_log,
    listener,
    spoken,
)
from tests.end_to_end.people import Listener, talker
from tests.end_to_end.world import CLOSED, DESK, ON_SALE, PREWARM_MS, Core, World
from tests.fakes.twilio_api import ACCOUNT_SID

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("asks_action", [True, False], ids=["action", "next-verb"])
def test_a_core_that_is_killed_in_mid_call_is_tried_once_more_then_twilio_speaks(
    here: World, core: Core, asks_action: bool
) -> None:
    def kill() -> bool:
        core.process.kill()
        return True

    call = dial(here, here.number(DESK), lambda stream: Listener(kill), Manner(asks_action=asks_action))
    assert list(call.script) == [
        "POST /voice 200",
        CUT_OFF,
        "POST /after?attempt=1 200",
        f"stream gw-2: {UNREACHED}",
        "POST /after?attempt=2&failed=1&unheard=1 200",
        *FALLBACK,
    ]
    assert [report.form["StreamEvent"] for report in call.reports[:3]] == [
        "stream-started",
        "stream-stopped",
        "stream-error",
    ]
    assert [line["heard_core"] for line in functions_log(here, call.call_sid, "stream-over")] == [False, False]


@pytest.mark.parametrize(
    ("with_signal", "ending"),
    [(signal.SIGKILL, CUT_OFF), (signal.SIGTERM, "stream gw-1: the gateway ended the stream (1001)")],
    ids=["killed", "drained"],
)
def test_another_core_goes_on_with_the_call_of_one_that_goes(
    here: World, core: Core, cores: list[Core], with_signal: signal.Signals, ending: str
) -> None:
    cores.append(here.core())
    here.edge.core = core.port

    def replaced() -> bool:
        here.edge.core = cores[-1].port
        core.process.send_signal(with_signal)
        return True

    happened: list[Event] = []
    call = dial(here, here.number(DESK), lambda stream: Listener(replaced) if stream == 1 else talker(happened))
    assert list(call.script) == [
        "POST /voice 200",
        ending,
        "POST /after?attempt=1 200",
        "stream gw-2: the caller hung up",
        "POST /after?attempt=2&failed=1 200",
        "the caller has gone",
    ]
    assert [type(event) for event in happened] == CONVERSATION
    assert spoken(cores[-1], call) == SAID
    assert "<Hangup" in call.documents[-1].answer


def test_a_core_that_hangs_delays_nobody(here: World, core: Core) -> None:
    owned, form = here.number(DESK), Dialled("CA" + "5" * 32, CALLER, DESK).form(ACCOUNT_SID)
    exchange = here.account().exchange(owned.voice_url)

    def timed(url: str) -> tuple[float, str]:
        began = time.monotonic()
        status, document = asyncio.run(ask(exchange, url, form))
        assert status == 200
        return time.monotonic() - began, twiml.read_connect(document).parameters["attempt"]

    core.process.send_signal(signal.SIGSTOP)
    try:
        answered_s, attempt = timed(owned.voice_url)
        assert (answered_s < PREWARM_MS / 1000 + 1.5, attempt) == (True, "1")  # so long, and no longer
        answered_s, attempt = timed(f"https://{here.domain}/after?attempt=1")
        assert (2.0 <= answered_s < PREWARM_MS / 1000 + 3.5, attempt) == (True, "2")
    finally:
        core.process.send_signal(signal.SIGCONT)


def test_a_core_that_is_not_there_leaves_the_caller_with_the_fallback(here: World) -> None:
    here.edge.core = 0
    call = dial(here, here.number(DESK), listener)
    assert list(call.script) == [
        "POST /voice 200",
        f"stream gw-1: {UNREACHED}",
        "POST /after?attempt=1 200",
        f"stream gw-2: {UNREACHED}",
        "POST /after?attempt=2&failed=1&unheard=1 200",
        *FALLBACK,
    ]
    bought = dial(here, here.number(ON_SALE), listener)
    assert list(bought.script[-2:]) == ["say en-US: Please call the desk.", "hang up"]


def test_without_functions_the_core_itself_answers(here: World, core: Core) -> None:
    happened: list[Event] = []
    call = dial(here, here.number(DESK), lambda stream: talker(happened), down=here.domain)
    assert list(call.script) == [
        "POST /voice no answer",
        "POST /twiml 200",
        "stream gw-1: the caller hung up",
        "POST /twiml/after?attempt=1 200",
        "the caller has gone",
    ]
    assert [type(event) for event in happened] == CONVERSATION
    assert spoken(core, call) == SAID
    assert [report.status for report in call.reports] == [200, 200]

    closed = dial(here, here.number(CLOSED), listener, down=here.domain)
    assert list(closed.script[1:]) == [
        "POST /twiml 200",
        "say en-US: The workshop is closed.",
        "record 3 s",
        "POST /twiml/done 200",
        "hang up",
    ]
    hangs_up = dial(here, here.number(ON_SALE), lambda stream: Listener(lambda: False), down=here.domain)
    assert list(hangs_up.script[1:3]) == [
        "POST /twiml?line=clinic/overflow 200",
        "stream gw-1: the caller hung up",
    ]


def test_functions_that_go_in_mid_call_are_stood_in_for_by_the_core(here: World, core: Core, cores: list[Core]) -> None:
    """Twilio asks the fallback URL then: who has heard a goodbye is not greeted anew, and a broken call goes on."""
    hosts = dict(here.account().hosts)
    account = replace(here.account(), hosts=hosts)

    def gone() -> bool:
        hosts.pop(here.domain, None)
        return True

    over = asyncio.run(Caller(account, here.number(ON_SALE), lambda stream: Listener(gone), CALLER).call())
    assert list(over.script) == [
        "POST /voice?line=clinic/overflow 200",
        "stream gw-1: the gateway ended the stream (1000)",
        "POST /after?attempt=1&line=clinic/overflow no answer",
        "POST /twiml?line=clinic/overflow 200",
        "hang up",
    ]
    assert core.notes("call-ended", over.call_sid)[0]["ended"] == "idle"

    cores.append(here.core())
    here.edge.core = core.port

    def killed() -> bool:
        here.edge.core = cores[-1].port
        core.process.kill()
        return gone()

    hosts.update(here.account().hosts)
    happened: list[Event] = []
    people: dict[int, Person] = {1: Listener(killed), 2: talker(happened)}
    broken = asyncio.run(Caller(account, here.number(DESK), lambda stream: people[stream], CALLER).call())
    assert list(broken.script) == [
        "POST /voice 200",
        CUT_OFF,
        "POST /after?attempt=1 no answer",
        "POST /twiml 200",
        "stream gw-2: the caller hung up",
        "POST /twiml/after?attempt=2&failed=1 200",
        "the caller has gone",
    ]
    assert [type(event) for event in happened] == CONVERSATION


def test_without_functions_and_core_the_call_ends(here: World) -> None:
    here.edge.core = 0
    call = dial(here, here.number(DESK), listener, down=here.domain)
    assert list(call.script) == [
        "POST /voice no answer",
        "POST /twiml 503",
        "an application error has occurred",
    ]
