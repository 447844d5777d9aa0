"""What a call that was placed here came to: the figures, the JSON object, the transcript. Pure.

Times are milliseconds since the stream began, as heard at the phone; the words are the gateway's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from gateway.rehearsal.line import Complaint
from gateway.rehearsal.phone import Ending, Record
from gateway.rehearsal.scene import AgentBegan, AgentSilenced, Event

HONEST = "Rehearsal: scripted, not a model"
ANSWERED = (1000, 1001)  # close codes of a gateway that ended a call as it meant to

Speaker = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as the gateway tells it. The agent's text is cut to what was heard; `heard_ms` is that length."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    heard_ms: int
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """What was rehearsed: the flow's name, the line dialled and the persona that answered."""

    flow: str
    line: str
    number: str
    persona: str


@dataclass(frozen=True, slots=True)
class Model:
    """Who spoke, where no rehearsal was. `backend` in Google's words; `at`: the host, where it isn't Google's."""

    name: str
    backend: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {self.backend}" + (f" at {self.at}" if self.at else "")


@dataclass(frozen=True, slots=True)
class Loss:
    """The model was lost, or not to be had. `kind` is that of `live.closing`, or "late"; `code` 0: no connection."""

    kind: str
    code: int
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What the gateway takes the call to have cost; None where it knows no price. `tokens` by kind and modality."""

    cost_usd: float | None
    prices_of: str | None
    tokens: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen of a call. `interrupted_at` are the model's `interrupted` on time.monotonic(), the clock
    of `record.started_at`; `ended_note` is why the call ended in the gateway's words, empty if it told nothing, and
    `bill` what it cost. `model` None: a rehearsal."""

    setting: Setting
    record: Record
    events: Sequence[Event]
    turns: Sequence[Turn]
    interrupted_at: Sequence[float] = ()
    ended_note: str = ""
    bill: Bill | None = None
    losses: Sequence[Loss] = ()
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Files:
    recording: str
    transcript: str
    summary: str


@dataclass(frozen=True, slots=True)
class Report:
    """The figures. None: there was nothing to measure."""

    setting: Setting
    ending: Ending
    ended: str
    call_sid: str
    duration_ms: int
    turns: tuple[Turn, ...]
    responses_ms: tuple[int, ...]
    barge_in_ms: int | None
    clear_ms: int | None
    complaints: tuple[Complaint, ...]
    bill: Bill | None = None
    losses: tuple[Loss, ...] = ()
    model: Model | None = None

    @property
    def well(self) -> bool:
        """The call took place, with a model, and ended as one of its sides meant it to."""
        if self.losses and not any(turn.speaker == "agent" for turn in self.turns):
            return False
        return self.ending.who == "caller" or (self.ending.who == "gateway" and self.ending.code in ANSWERED)

    @property
    def response_p50(self) -> int | None:
        return round(median(self.responses_ms)) if self.responses_ms else None

    @property
    def response_max(self) -> int | None:
        return max(self.responses_ms, default=None)


def report_of(evidence: Evidence) -> Report:
    """The figures of a call that is over."""
    record, events = evidence.record, evidence.events
    cut_in = [event.barge_in_ms for event in events if isinstance(event, AgentSilenced)]
    return Report(
        setting=evidence.setting,
        ending=record.ending,
        ended=_ended(record.ending, evidence.ended_note),
        call_sid=record.call_sid,
        duration_ms=len(record.caller) // 8,
        turns=tuple(sorted(evidence.turns, key=lambda turn: turn.start_ms)),
        responses_ms=tuple(round(ms) for ms in responses(events)),
        barge_in_ms=round(cut_in[0]) if cut_in else None,
        clear_ms=clear_ms(record, evidence.interrupted_at),
        complaints=record.complaints,
        bill=evidence.bill,
        losses=tuple(evidence.losses),
        model=evidence.model,
    )


def responses(events: Iterable[Event]) -> list[float]:
    """From the caller's last sound to the agent's first, for each turn that was answered after its end."""
    return [e.response_ms for e in events if isinstance(e, AgentBegan) and e.response_ms is not None]


def clear_ms(record: Record, interrupted_at: Sequence[float]) -> int | None:
    """From the model's first `interrupted` that was followed by a `clear` to that `clear` at the phone."""
    if record.started_at is None:
        return None
    cleared = [record.started_at + cut.at_ms / 1000 for cut in record.cuts]
    for at in sorted(interrupted_at):
        after = [moment - at for moment in cleared if moment >= at]
        if after:
            return round(min(after) * 1000)
    return None


def turn_of(note: Mapping[str, Any]) -> Turn:
    """The gateway's note `turn`. Its words stand apart, among the private fields."""
    speaker: Speaker = "caller" if note["speaker"] == "caller" else "agent"
    text = str(note.get("private", {}).get("text", ""))
    start, end, heard = int(note["start_ms"]), int(note["end_ms"]), int(note["heard_ms"])
    return Turn(speaker, text, start, end, heard, bool(note.get("interrupted", False)))


def loss_of(note: Mapping[str, Any]) -> Loss:
    """The gateway's note `model-gone`, or `model-late`. Google's words stand among the private fields."""
    reason = str(note.get("private", {}).get("reason", ""))
    return Loss(str(note.get("kind", "late")), int(note.get("code", 0)), reason, int(note.get("at_ms", 0)))


def bill_of(note: Mapping[str, Any]) -> Bill:
    """The gateway's note `call-ended`."""
    return Bill(note.get("cost_usd"), note.get("prices_of"), note.get("tokens", {}))


def as_object(report: Report, files: Files) -> dict[str, Any]:
    """The machine-readable summary."""
    setting = report.setting
    return {
        **_spoken_by(report),
        "ended": report.ended,
        "ended_detail": str(report.ending),
        "turns": [_turn_object(turn) for turn in report.turns],
        "response_ms": {"p50": report.response_p50, "max": report.response_max},
        "barge_in_ms": report.barge_in_ms,
        "clear_ms": report.clear_ms,
        "recording": files.recording,
        "transcript": files.transcript,
        "summary": files.summary,
        "duration_ms": report.duration_ms,
        "call_sid": report.call_sid,
        "line": {"flow": setting.flow, "label": setting.line, "number": setting.number, "persona": setting.persona},
        "twilio_errors": [{"code": c.code, "message": c.message, "at_ms": round(c.at_ms)} for c in report.complaints],
    }


def as_transcript(report: Report) -> str:
    """The conversation as plain text."""
    setting = report.setting
    lines = [
        str(report.model or HONEST),
        f"{setting.flow}, line {setting.line} ({setting.number}), persona {setting.persona}",
        "",
        *(f"{clock(turn.start_ms)}  {turn.speaker:<6}  {_words(turn)}" for turn in report.turns),
        f"{clock(report.duration_ms)}  {report.ending}",
    ]
    return "\n".join(lines) + "\n"


def clock(at_ms: float) -> str:
    """Minutes, seconds and tenths: 00:03.2."""
    tenths = int(at_ms // 100)
    return f"{tenths // 600:02}:{tenths // 10 % 60:02}.{tenths % 10}"


def _spoken_by(report: Report) -> dict[str, Any]:
    """What tells a rehearsal from a call with a model, and what only the latter has."""
    if report.model is None:
        return {"rehearsal": HONEST}
    model, bill = report.model, report.bill or Bill(None, None, {})
    return {
        "model": {"name": model.name, "backend": model.backend, "at": model.at or None},
        "cost_usd": bill.cost_usd,
        "prices_of": bill.prices_of,
        "tokens": dict(bill.tokens),
        "model_gone": [{"kind": loss.kind, "code": loss.code, "at_ms": loss.at_ms} for loss in report.losses],
    }


def _words(turn: Turn) -> str:
    text = turn.text or ("(nothing of it was heard)" if turn.speaker == "agent" else "(not understood)")
    return f"{text} -- (interrupted)" if turn.interrupted else text


def _turn_object(turn: Turn) -> dict[str, Any]:
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "start_ms": turn.start_ms,
        "end_ms": turn.end_ms,
        "heard_ms": turn.heard_ms,
    }


def _ended(ending: Ending, note: str) -> str:
    if ending.who == "gateway":
        return note or f"gateway-closed-{ending.code}"
    names = {"caller": "caller-hung-up", "lost": "connection-lost", "protocol": "protocol-error"}
    return names.get(ending.who, "refused")
