"""What Twilio does with a call, document by document. Streams are as long and end as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest

from gateway.rehearsal.failure.caller import Caller
from gateway.rehearsal.failure.twilio import Account, AfterLoss, Call, Streamed
from gateway.rehearsal.phone import Ending
from gateway.rehearsal.webhook import Dialled, Exchange
from gateway.twilio import signature
from tests.rehearsal.failure.servers import Asked, serving

PUBLIC = "https://gateway.example.com"
CLOSED, BROKE, LEFT = Ending("gateway", 1001), Ending("lost", 1006), Ending("caller")
REFUSED = Ending("refused", 503, "31920")


def connect(action: str, after: str = "") -> str:
    stream = f'<Stream url="wss://gateway.example.com/ws/twilio"/></Connect>{after}</Response>'
    return f'<Response><Connect action="{action}">{stream}'


HANG_UP = "<Response><Hangup/></Response>"


class Scripted(Call):
    """Its streams end as they are told to."""

    endings: list[Ending]

    async def _stream(self, verb: ElementTree.Element) -> Streamed:
        return Streamed(0.0, 1.0, self.endings.pop(0), b"", 0)


Said = tuple[int, str] | None  # None: hangs up without an answer


class Several(list[Said]):
    """Answers in turn."""


def ring(
    answers: Mapping[str, Said | Several],
    *endings: Ending,
    after_loss: AfterLoss = "continue",
) -> tuple[Call, list[Asked]]:
    """The whole call; `answers` by path, one or several in turn."""
    left = {path: Several(said) if isinstance(said, Several) else said for path, said in answers.items()}

    def answer(asked: Asked) -> tuple[int, str] | None:
        said = left[asked.path]
        return said.pop(0) if isinstance(said, Several) else said

    async def run() -> tuple[Call, list[Asked]]:
        async with serving(answer) as server:
            exchange = Exchange("127.0.0.1", server.port, PUBLIC, "AC1", "secret")
            dialled = Dialled("CA1", "+14155560001", "+14155550100")
            call = Scripted(Account(exchange, after_loss), Caller(lambda: 0.0), dialled)
            call.endings = list(endings)
            await call.run()
            return call, server.asked

    return asyncio.run(run())


def paths(asked: list[Asked]) -> list[str]:
    return [one.path for one in asked]


def test_a_caller_who_hangs_up() -> None:
    call, asked = ring({"/twiml": (200, connect("/twiml/after?attempt=1"))}, LEFT)
    assert (call.end, paths(asked)) == ("caller", ["/twiml"])


def test_webhooks_are_signed_over_the_public_url() -> None:
    answers: dict[str, Said | Several] = {
        "/twiml": (200, connect("/twiml/after?attempt=1")),
        "/twiml/after?attempt=1": (200, HANG_UP),
    }
    _, asked = ring(answers, CLOSED)
    for one, status in zip(asked, ("ringing", "in-progress"), strict=True):
        form = {name: values[0] for name, values in parse_qs(one.body).items()}
        assert one.headers["x-twilio-signature"] == signature.sign(PUBLIC + one.path, form, "secret")
        assert (one.headers["host"], form["CallStatus"]) == ("gateway.example.com", status)


def test_action_says_how_the_call_goes_on() -> None:
    answers: dict[str, Said | Several] = {
        "/twiml": (200, connect("/twiml/after?attempt=1")),
        "/twiml/after?attempt=1": (200, connect(f"{PUBLIC}/twiml/after?attempt=2")),
        "/twiml/after?attempt=2": (200, HANG_UP),
    }
    call, asked = ring(answers, CLOSED, CLOSED)
    assert call.end == "hung up by the gateway"
    assert paths(asked) == ["/twiml", "/twiml/after?attempt=1", "/twiml/after?attempt=2"]
    assert len(call.streams) == 2


@pytest.mark.parametrize("ending", [BROKE, REFUSED])
def test_after_a_loss_twilio_goes_on_or_hangs_up(ending: Ending) -> None:
    answers: dict[str, Said | Several] = {"/twiml": (200, connect("/after")), "/after": (200, connect("/after"))}
    assert ring(answers, ending, LEFT)[0].end == "caller"
    call, asked = ring(answers, ending, after_loss="hang-up")
    assert (call.end, paths(asked)) == ("lost with its stream", ["/twiml"])


def test_without_action_the_next_verb_follows() -> None:
    after = '<Redirect method="POST">/again</Redirect>'
    answers: dict[str, Said | Several] = {"/twiml": (200, connect("", after)), "/again": (200, HANG_UP)}
    assert paths(ring(answers, CLOSED)[1]) == ["/twiml", "/again"]


def test_a_connection_that_fails_is_tried_once_more() -> None:
    call, asked = ring({"/twiml": Several([None, (200, connect("/after"))])}, LEFT)
    assert (call.end, paths(asked), call.faults) == ("caller", ["/twiml", "/twiml"], [])


def test_a_failed_fetch_goes_to_the_fallback_url() -> None:
    answers: dict[str, Said | Several] = {
        "/twiml": Several([(200, connect("/after")), (200, HANG_UP)]),
        "/after": (503, ""),
    }
    call, asked = ring(answers, CLOSED)
    assert paths(asked) == ["/twiml", "/after", "/twiml"]
    told = parse_qs(asked[-1].body)
    assert (told["ErrorCode"], told["ErrorUrl"]) == (["11200"], [f"{PUBLIC}/after"])
    assert call.faults[-1] == "11200: /after answered 503"


def test_a_fallback_that_fails_as_well_ends_the_call() -> None:
    call, asked = ring({"/twiml": Several([(500, ""), None, None])})
    assert (call.end, len(asked)) == ("11205: no answer from /twiml (ValueError)", 3)


@pytest.mark.parametrize(
    ("document", "end"),
    [
        ("<Response><Say>Sorry.</Say><Hangup/></Response>", "hung up by the gateway, which said: Sorry."),
        ('<Response><Reject reason="busy"/></Response>', "rejected"),
        ("<Response><Dial>+14155550101</Dial></Response>", "dialled"),
        ("<Response><Say>Bye.</Say></Response>", "the document ended"),
        ("Not found", "12100: the document is not XML: syntax error: line 1, column 0"),
        ("<Response><Redirect>/twiml</Redirect></Response>", "20 documents"),
    ],
)
def test_documents_that_end_a_call(document: str, end: str) -> None:
    assert ring({"/twiml": (200, document)})[0].end == end
