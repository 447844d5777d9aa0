"""What goes wrong with the Live API, played over real sockets: each call goes on, or ends with the fallback in time,
and the call beside it notices nothing. Many rows are played at once, and the gateway's own times are shrunk."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.call import link, memory, recovery
from gateway.call.turn import Patience
from gateway.rehearsal.standin.hostile import HOSTILE
from gateway.server import bridge, live_socket, plans
from gateway.telemetry.log import Log, configure
from tests.server.hostile_world import LEAD_MS, Lookup, Play, Played, lines, play

AT_ONCE = 12  # rows in play: most of them wait, but the machine may have two slow cores
PATIENCE_S = 4.0  # of a caller, for one answer
EXCHANGE_S = 12.0  # until a call that can't go on must have ended
WELL_S = 4.0  # for an answer to the call that must not notice

# The gateway's own times, a fourth to a tenth of what they are; the order of sizes is the same.
PATIENCE = {"opening": 3.0, "greeting": 1.0, "answering": 1.0, "speaking": 0.8}
LINK = {"READY_S": 1.8, "FIRST_BUDGET_S": 2.5, "BUDGET_S": 4.0, "STEADY_S": 1.0, "MARGIN_S": 1.0, "PREPARE_S": 0.2}
PAUSES_S = (0.0, 0.1, 0.2, 0.4)
FILLER_AFTER_S = 0.5
OPEN_TIMEOUT_S = 1.6


@dataclass(frozen=True)
class Row:
    """`play`: the troubles, by connection. `then`: what becomes of the call. `knocks`: connections at most. `model`:
    its name after `gemini-`."""

    play: str
    then: Literal["on", "fallback", "either"]
    knocks: int = 1
    rounds: int = 2  # of the caller's
    model: str = "3.8-live"

    @property
    def name(self) -> str:
        return self.play if self.model == "3.8-live" else f"{self.play} {self.model}"


# fmt: off
ROWS = (
    # Silence; these rows take longest
    Row("lost-answer", "on"), Row("no-answer@1", "on", 2), Row("no-answer@1 no-answer@2", "on", 3),
    Row("no-answer", "fallback", 3), Row("mute@1", "on", 2), Row("mute", "fallback", 3),
    Row("stall@1#5", "on", 2), Row("stall", "either", 12),
    Row("phantom@1#5", "on", 2), Row("mute-after-tool@1", "on", 2), Row("mute-after-word", "on"),
    # Sound
    Row("bursts", "on"), Row("wrong-rate@1", "on", 2), Row("wrong-rate", "fallback", 5), Row("odd", "on"),
    Row("empty", "on"), Row("thrash", "on"), Row("burst-cut@1#5", "on"),
    # The upgrade: what may pass is tried again, the rest is not
    Row("http-503@1", "on", 2), Row("http-500@1", "on", 2), Row("http-503", "fallback", 9),
    Row("http-429", "fallback"), Row("http-401", "fallback"), Row("http-403", "fallback"), Row("http-404", "fallback"),
    Row("slow-upgrade", "on"), Row("no-pong", "on"), Row("no-upgrade@1", "on", 2), Row("no-upgrade", "fallback", 9),
    # The setup
    Row("no-ready@1", "on", 2), Row("no-ready", "fallback", 9), Row("garbage-first", "fallback"),
    Row("sound-first", "on"), Row("bad-key", "fallback"), Row("bad-setup", "fallback"), Row("no-model", "fallback"),
    Row("quota", "fallback"), Row("cut-at-setup@1", "on", 2), Row("cut-at-setup", "fallback", 9),
    # Resumption
    Row("cut@1#5 handle-refused@2", "on", 3), Row("cut@1#5 handle-refused@2+", "on", 3),
    Row("cut@1#5 in-use@2", "on", 3), Row("never-resumable@1", "on", 2, rounds=4),
    Row("cut@1#5 greets-again@2", "on", 2),
    Row("cut@1#2", "on", 2), Row("cut@1#5 http-503@2", "on", 3), Row("cut@1#5 http-503@2+", "fallback", 12),
    Row("cut@1#5 quota@2+", "fallback", 2), Row("cut@1#5 no-ready@2", "on", 3),
    Row("cut@1#5 history-refused@2+", "on", 3), Row("cut@1#11 forgets@2", "on", 3, rounds=5),
    # On the models that take no history in mid-call, and texts otherwise
    *(Row(play, "on", knocks, model=model)
        for model in ("3.1-flash-live-preview", "2.5-flash-native-audio-preview-12-2025")
        for play, knocks in (("lost-answer", 1), ("stall@1#5", 2), ("cut@1#5", 2), ("cut@1#5 handle-refused@2", 3))),
    # The end, in mid-call
    *(Row(f"{name}@1#5", "on", 2) for name in (
        "internal-error", "deadline-expired", "unavailable", "keepalive", "aborted", "closed", "restart",
        "context-full", "cut", "after-close", "gone-away",
    )),
    Row("not-implemented@1", "on", 2), Row("going-away@1#2", "on", 3), Row("going-away@1#5", "on", 3),
    Row("quota-later@1#5", "fallback"),
    Row("short-life", "on", 3),
    Row("internal-error", "either", 12),
    # Messages
    *(Row(name, "on") for name in (
        "error-object", "novel", "flood", "huge", "contradicting", "no-end", "no-usage", "odd-usage", "thoughts",
        "foreign", "phantom-words",
    )),
    *(Row(f"{name}@1#5", "on", 2) for name in ("garbage", "garbage-bytes", "no-object", "wrong-shape", "too-huge")),
    # Tools
    *(Row(name, "on") for name in ("tool-twice", "tool-again", "tool-swept", "tool-cancelled")),
    Row("tool-nameless@1", "on", 2),
)
# fmt: on

# Rows that wait for something, and what for. Until then their calls may be mute, but must not break. Empty it.
WAITING: Mapping[str, str] = {}

# The nineteen problems that are known from the field, and the troubles that play them.
FIELD: Mapping[str, str] = {
    "1 server faults in mid-call": "internal-error deadline-expired unavailable",
    "2 keepalive": "no-pong keepalive no-upgrade",
    "3 operation not implemented": "not-implemented",
    "4 ten minutes": "going-away gone-away aborted short-life restart closed",
    "5 resumption fails": "handle-refused never-resumable in-use forgets",
    "6 second greeting": "greets-again",
    "7 reading stops after a turn": "no-end contradicting",
    "8 silence, phantom interruption": "phantom no-answer lost-answer mute",
    "9 slow barge-in": "burst-cut",
    "10 thrash": "thrash",
    "11 wrong transcripts": "foreign phantom-words",
    "12 repeated tool calls": "tool-twice tool-again tool-swept",
    "13 tool results": "mute-after-tool mute-after-word tool-cancelled",
    "14 history in mid-call": "history-refused context-full",
    "15 model and setup": "no-model bad-setup",
    "16 stalls, bursts": "stall bursts",
    "17 quota": "quota quota-later http-429",
    "18 thoughts spoken": "thoughts",
    "19 usage": "no-usage odd-usage",
}
ANSWERED = {"tool-twice": ["d-1"], "tool-again": ["d-1", "d-2"], "tool-swept": [f"s-{n}" for n in range(5)]}


class Failed(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="module")
def broken() -> Iterator[Sequence[logging.LogRecord]]:
    """What the stand-in's library says of handlers that failed."""
    failed = Failed(logging.ERROR)
    logger = logging.getLogger("websockets.server")
    logger.addHandler(failed)
    yield failed.records
    logger.removeHandler(failed)


@pytest.fixture(scope="module")
def played(
    broken: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Played], list[dict[str, Any]]]]:
    """All rows, played, and every note."""
    out = io.StringIO()
    log = configure("json", "info", out)
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        found = asyncio.run(_all(tmp_path_factory.mktemp("hostile"), log))
        notes = lines(out.getvalue())
        yield {name: replace(one, notes=notes) for name, one in found.items()}, notes


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as a person would."""
    patch.setattr(bridge, "KINDS", {"hangup": Lookup()})
    patch.setattr(plans, "Patience", partial(Patience, **PATIENCE))
    for name, value in LINK.items():
        patch.setattr(link, name, value)
    patch.setattr(link, "PAUSES_S", PAUSES_S)
    patch.setattr(memory, "LEAST", 20)  # tokens: a call of three turns
    patch.setattr(memory, "RISES", 1)
    patch.setattr(recovery, "FILLER_AFTER_S", FILLER_AFTER_S)
    patch.setattr(live_socket, "OPEN_TIMEOUT_S", OPEN_TIMEOUT_S)


async def _all(folder: Path, log: Log) -> dict[str, Played]:
    found: dict[str, Played] = {}
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, row: Row) -> None:
        async with room:
            (folder / str(number)).mkdir()
            what = Play(row.play.split(), row.rounds, PATIENCE_S, f"gemini-{row.model}")
            found[row.name] = await play(folder / str(number), f"H{number}", what, log)

    async with asyncio.TaskGroup() as group:
        for number, row in enumerate(ROWS):
            group.create_task(one(number, row))
    return found


Rows = Mapping[str, Played]
Everything = tuple[dict[str, Played], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def row_of(played: Everything) -> Rows:
    return played[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_call_ends_well(row: Row, played: Everything) -> None:
    call = played[0][row.name]
    on = call.bad.next == "hangup" and len(call.bad.rounds) == row.rounds and call.bad.rounds[-1] is not None
    fallback = call.bad.next == "fallback" and (call.bad.ended_after_s or EXCHANGE_S) < EXCHANGE_S
    if row.play in WAITING:
        assert call.bad.next in ("hangup", "fallback"), (call.bad, WAITING[row.play])
    else:
        assert {"on": on, "fallback": fallback, "either": on or fallback}[row.then], call.bad
        assert call.knocks <= row.knocks


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_call_beside_it_notices_nothing(row: Row, played: Everything) -> None:
    good = played[0][row.name].good
    assert (good.greeted, good.next) == (True, "hangup")
    assert [answer is not None and answer < WELL_S for answer in good.rounds] == [True] * row.rounds


def test_the_stand_in_plays_every_trouble_to_its_end(played: Everything, broken: Sequence[logging.LogRecord]) -> None:
    """One that breaks in the middle of its part looks like a connection that does."""
    assert [str(record.exc_info) for record in broken] == []


def test_nothing_of_it_is_a_bug_of_ours(played: Everything) -> None:
    assert [note for note in played[1] if note["message"].startswith("bug")] == []


@pytest.mark.parametrize("name", ANSWERED)
def test_every_tool_call_is_answered_once(name: str, played: Everything) -> None:
    answers = played[0][name].told("tool-response", "id")
    if name in WAITING:
        answers = sorted(set(answers))
    assert sorted(answers) == ANSWERED[name]


def test_a_caller_need_not_speak_again_after_one_moment(played: Everything) -> None:
    assert None not in played[0]["mute-after-word"].bad.rounds


def test_sound_that_was_cut_does_not_reach_the_phone(played: Everything) -> None:
    """Three turns of 540 ms, and of the twelve seconds no more than may be ahead."""
    assert played[0]["burst-cut@1#5"].bad.sound_s < 3.0


def test_nothing_is_heard_of_a_connection_after_its_close(row_of: Rows) -> None:
    row = row_of["after-close@1#5"]
    assert [gone["code"] for gone in row.noted("model-gone")] == [1011]
    assert not any("not here any more" in turn["private"]["text"] for turn in row.noted("turn"))


def test_history_that_was_refused_is_not_sent_again(played: Everything) -> None:
    row = played[0]["cut@1#5 history-refused@2+"]
    assert row.told("content", "turns") == [2]
    assert row.knocks == 3


def test_a_session_that_took_its_handle_and_forgot_is_noticed(played: Everything) -> None:
    forgot = {note["call_sid"] for note in played[1] if note["message"] == "session-forgot"}
    row = played[0]["cut@1#11 forgets@2"]
    assert forgot == {row.sid}
    assert row.knocks == 3  # left for a fresh session


def test_nothing_that_we_send_is_refused(row_of: Rows) -> None:
    """Whatever the model takes of texts and history (14): the stand-in refuses what the real one does. A call without
    id and name has no right answer."""
    refused = {name for name, row in row_of.items() if row.told("closing", "code")}
    assert refused - {"tool-nameless@1"} == set()


def test_no_more_than_the_lead_waits_at_the_phone(row_of: Rows) -> None:
    """However fast it comes (16)."""
    assert {name: row.bad.ahead_s for name, row in row_of.items() if row.bad.ahead_s > LEAD_MS / 1000 + 0.15} == {}


def test_of_a_burst_nothing_is_lost(row_of: Rows) -> None:
    assert row_of["bursts"].bad.sound_s == pytest.approx(row_of["no-pong"].bad.sound_s, abs=0.3)


def test_nobody_waits_for_a_pong(row_of: Rows) -> None:
    assert row_of["no-pong"].noted("model-gone") == []


AFTER_A_LOSS = ("going-away@1#2", "cut@1#5", "cut@1#5 handle-refused@2", "cut@1#5 in-use@2", "cut@1#5 greets-again@2")


@pytest.mark.parametrize("name", [*AFTER_A_LOSS, "never-resumable@1", "short-life", "closed@1#5", "internal-error@1#5"])
def test_nobody_is_asked_to_greet_twice(name: str, row_of: Rows) -> None:
    assert [text[:5] for text in row_of[name].told("cue", "text") if text.startswith("hello")] == ["hello"]


@pytest.mark.parametrize("name", ["cut@1#5", "cut@1#5 greets-again@2", "internal-error@1#5"])
def test_history_asks_for_no_answer(name: str, row_of: Rows) -> None:
    assert row_of[name].told("content", "complete") == [False]


@pytest.mark.parametrize("name", ["going-away@1#2", "going-away@1#5"])
def test_a_move_after_goaway_loses_and_doubles_nothing(name: str, row_of: Rows) -> None:
    row = row_of[name]
    assert row.told("setup", "resumed") == [False, True]
    spoken = [event["text"] for event in row.events if event["event"] == "heard" and event["by"] == "speech"]
    assert spoken == ["ten of clubs"] * 2
    (back,) = row.noted("model-back")
    assert (back["how"], back["why"]) == ("resumed", "going-away")
    ends = [(event["event"], event["connection"]) for event in row.events if event["event"] in ("closed", "setup")]
    assert ends.index(("closed", 1)) < ends.index(("setup", 2))  # one connection a session at a time


@pytest.mark.parametrize(
    ("name", "by_handle"),
    [
        ("cut@1#5", [False, True]),
        ("cut@1#5 in-use@2", [False, True, True]),
        ("cut@1#5 handle-refused@2", [False, True, False]),
        ("cut@1#5 handle-refused@2 3.1-flash-live-preview", [False, True, False]),
        ("never-resumable@1", [False, False]),
    ],
)
def test_a_session_is_had_by_its_handle_or_is_told_the_call(name: str, by_handle: list[bool], row_of: Rows) -> None:
    row = row_of[name]
    assert row.told("setup", "resumed") == by_handle
    if not by_handle[-1]:
        told = row.told("setup", "instructions")[-1]
        assert "agent: hello hello" in told
        assert "caller: ten of clubs" in told


@pytest.mark.parametrize("name", ["foreign", "phantom-words"])
def test_transcripts_are_a_log_and_drive_nothing(name: str, row_of: Rows) -> None:
    row = row_of[name]
    assert [event for event in row.events if event["event"] == "heard" and event["by"] == "text"] == []
    assert row.noted("model-stuck") == []
    wrong = {"foreign": "चलो ठीक है", "phantom-words": "Thanks for watching!"}[name]
    assert wrong in [turn["private"]["text"] for turn in row.noted("turn")]


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("tool-twice", ["Monday"]),
        ("tool-again", ["Monday"]),
        ("tool-swept", [f"{n} May" for n in range(5)]),
        ("not-implemented@1", ["Monday"]),
    ],
)
def test_a_tool_is_used_once(name: str, uses: list[str], row_of: Rows) -> None:
    assert sorted(row_of[name].uses) == uses


@pytest.mark.parametrize("name", ["odd-usage", "no-usage"])
def test_a_bill_takes_no_nonsense(name: str, row_of: Rows) -> None:
    (ended,), (usual,) = row_of[name].noted("call-ended"), row_of["no-pong"].noted("call-ended")
    counts = ("prompt_tokens", "response_tokens")
    assert [ended[count] for count in counts] == ([0, 0] if name == "no-usage" else [usual[count] for count in counts])
    assert all(tokens > 0 for tokens in ended["tokens"].values())
    assert ended["cost_usd"] >= (0 if name == "no-usage" else usual["cost_usd"])


def test_thoughts_and_json_are_no_speech(played: Everything) -> None:
    sid = played[0]["thoughts"].sid
    said = [note["private"]["text"] for note in played[1] if note["message"] == "turn" and note["call_sid"] == sid]
    assert said
    assert not any("lookup" in text or "seems sad" in text for text in said)


def test_every_trouble_is_played_and_every_problem_of_the_field_has_one() -> None:
    assert {name for names in FIELD.values() for name in names.split()} <= set(HOSTILE)
    assert {part.split("@")[0].split("#")[0] for row in ROWS for part in row.play.split()} == set(HOSTILE)


def test_whoever_waits_is_in_the_table() -> None:
    assert set(WAITING) <= {row.play for row in ROWS}
