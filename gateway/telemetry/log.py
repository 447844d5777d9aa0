"""Log lines: one JSON object each (Cloud Logging's shape) or one line of text. Private fields stand apart, or stay out.

Sources of the field names: cloud.google.com/logging/docs/structured-logging,
cloud.google.com/error-reporting/docs/formatting-error-messages. A caller's words and numbers are only ever under
`private`; the text form, made for terminals, leaves them out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson

from gateway.telemetry import faults
from gateway.telemetry.trace import CURRENT, Trace

GOOGLE = "logging.googleapis.com/"
LABELS, TRACE, SPAN, SAMPLED = GOOGLE + "labels", GOOGLE + "trace", GOOGLE + "spanId", GOOGLE + "trace_sampled"
LABELLED = ("call_sid", "stream_sid")
ERROR_EVENT = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
OURS = "gateway"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who speaks: Google's project, and Cloud Run's service and revision, as far as they are known."""

    project: str = ""
    service: str = ""
    revision: str = ""


class Log:
    """Where notes go. `write` never raises and never waits for more than a line."""

    def __init__(self, trace: Trace | None = None) -> None:
        self._logger = logging.getLogger(OURS)
        self._trace = trace

    def here(self) -> Log:
        """The same log, for what is told later and elsewhere of the request that is being answered now."""
        return Log(CURRENT.get())

    def write(
        self,
        name: str,
        fields: Mapping[str, Any],
        private: Mapping[str, str],
        severity: Literal["debug", "info", "warning", "error"] = "info",
    ) -> None:
        """One note: a fixed `name`, public `fields`, `private` apart."""
        level = LEVELS[severity]
        if self._logger.isEnabledFor(level):
            self._logger.log(level, name, extra={"fields": fields, "private": private, "trace": self._trace})

    def bug(self, where: str) -> None:
        """The exception being handled is a bug of ours: its traceback; its words, which may be a caller's, apart."""
        self._logger.error("bug", exc_info=True, extra={"fields": {"where": where}, "trace": self._trace})


class JsonLines(logging.Formatter):
    """`private`: whether private fields are written at all."""

    def __init__(self, origin: Origin, *, private: bool) -> None:
        super().__init__()
        self._origin = origin
        self._private = private

    def format(self, record: logging.LogRecord) -> str:
        message, private = _told(record)
        line: dict[str, Any] = {
            **getattr(record, "fields", {}),
            "severity": record.levelname,
            "message": message,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            **self._traced(getattr(record, "trace", None) or CURRENT.get()),
        }
        if record.name != OURS:
            line["logger"] = record.name
        if labels := {key: str(line[key]) for key in LABELLED if key in line}:
            line[LABELS] = labels
        if error := _exception(record):
            line |= self._reported(error, record.levelno)
        if private and self._private:
            line["private"] = private
        return orjson.dumps(line, default=str).decode()

    def _traced(self, trace: Trace | None) -> dict[str, Any]:
        """Cloud Logging joins lines to a request by the trace's full name, which takes the project's."""
        if trace is None:
            return {}
        if not self._origin.project:
            return {"trace_id": trace.id}
        name = f"projects/{self._origin.project}/traces/{trace.id}"
        return {TRACE: name, SAMPLED: trace.sampled, **({SPAN: trace.span} if trace.span else {})}

    def _reported(self, error: BaseException, level: int) -> dict[str, Any]:
        """Error Reporting groups what has a `stack_trace` by its frames, and names the service."""
        found = {"stack_trace": faults.stack(error)}
        if level < logging.ERROR:
            return found
        context = {"service": self._origin.service or OURS, "version": self._origin.revision}
        return {**found, "@type": ERROR_EVENT, "serviceContext": {k: v for k, v in context.items() if v}}


class TextLines(logging.Formatter):
    """For terminals, without private fields. `private`: whether libraries and exceptions may say what they hold."""

    def __init__(self, *, private: bool) -> None:
        super().__init__()
        self._private = private

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "fields", {}).items())
        message, private = _told(record)
        lines = [f"{clock} {record.levelname.lower():7} {message} {fields}".rstrip()]
        if error := _exception(record):
            lines.append(faults.stack(error))
        if self._private:
            lines += [private[name] for name in ("detail", "error") if name in private]
        return "\n".join(lines)


def _told(record: logging.LogRecord) -> tuple[str, dict[str, str]]:
    """The message, and what is private. Of a library's message only the first line is taken for its own words: asyncio
    writes below it what it was doing, with values."""
    private = dict(getattr(record, "private", {}))
    message = record.getMessage()
    if record.name != OURS:
        message, _, rest = message.partition("\n")
        private |= {"detail": rest} if rest else {}
    if error := _exception(record):
        private["error"] = faults.words(error)
    return message, private


def _exception(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def configure(
    form: Literal["text", "json"],
    level: str,
    stream: TextIO | None = None,
    *,
    private: bool = True,
    origin: Origin | None = None,
) -> Log:
    """Send every logger's lines to `stream` (stdout) in one form; the libraries' own only from warnings on. Without
    `private` nothing that is marked so is written anywhere."""
    handler = logging.StreamHandler(stream or sys.stdout)
    json = form == "json"
    handler.setFormatter(JsonLines(origin or Origin(), private=private) if json else TextLines(private=private))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(LEVELS[level])
    return Log()
