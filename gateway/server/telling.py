"""What operators are told of a call: each of its notes as a line of the log, and what they add up to as metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.call.facts import Note
from gateway.telemetry.families import HandoverReason
from gateway.telemetry.log import Log
from gateway.telemetry.metrics import Metrics


class Telling:
    """One stream's. `labels` stand in every line; `first`: no stream of this call came before."""

    __slots__ = ("_awaited", "_labels", "_log", "_metrics")

    def __init__(self, log: Log, metrics: Metrics, labels: Mapping[str, str], *, first: bool) -> None:
        self._log = log
        self._metrics = metrics
        self._labels = labels
        self._awaited = first  # the agent's first sound

    def tell(self, note: Note) -> None:
        self._log.write(note.name, {"at_ms": note.at_ms, **self._labels, **note.fields}, note.private, note.severity)
        if count := COUNTED.get(note.name):
            count(self, note)

    def handed_over(self, reason: HandoverReason, *, resumed: bool, gap_s: float | None = None) -> None:
        """This stream goes on with a call that another one carried; see `Metrics.handed_over`."""
        gap = {} if gap_s is None else {"gap_ms": round(gap_s * 1000)}
        self._log.write("handed-over", {**self._labels, "reason": reason, "resumed": resumed, **gap}, {})
        self._metrics.handed_over(reason, resumed=resumed, gap_s=gap_s)

    def _turn(self, note: Note) -> None:
        metrics, fields = self._metrics, note.fields
        speaker = fields["speaker"]
        metrics.add("gateway_turns_total", speaker=speaker)
        if speaker != "agent":
            return
        if fields["response_ms"] is not None:
            metrics.observe("gateway_turn_response_latency_seconds", fields["response_ms"] / 1000)
        if self._awaited and fields["heard_ms"]:
            self._awaited = False
            metrics.observe("gateway_call_time_to_first_audio_seconds", fields["start_ms"] / 1000)

    def _barge_in(self, note: Note) -> None:
        self._metrics.add("gateway_barge_in_total")

    def _model_back(self, note: Note) -> None:
        fields = note.fields
        self._metrics.add("gateway_model_reconnects_total", how=fields["how"])
        if fields["why"] == "going-away":
            self._metrics.handed_over("goaway", resumed=fields["how"] == "resumed", gap_s=fields["gap_ms"] / 1000)

    def _forgot(self, note: Note) -> None:
        self._metrics.add("gateway_sessions_forgotten_total")

    def _turn_billed(self, note: Note) -> None:
        for name, tokens in note.fields["tokens"].items():
            kind, _, modality = name.partition("/")
            self._metrics.add("gateway_tokens_total", tokens, kind=kind, modality=modality.lower())

    def _call_ended(self, note: Note) -> None:
        """The note's sums are the whole call's, of all its streams; what is counted here is this stream's own."""
        self._metrics.add("gateway_calls_ended_total", reason=note.fields["ended"])
        self._metrics.observe("gateway_call_duration_seconds", note.at_ms / 1000)


# The notes that are counted; the others are lines of the log alone.
COUNTED: dict[str, Callable[[Telling, Note], None]] = {
    "turn": Telling._turn,
    "barge-in": Telling._barge_in,
    "model-back": Telling._model_back,
    "session-forgot": Telling._forgot,
    "turn-billed": Telling._turn_billed,
    "call-ended": Telling._call_ended,
}
