"""Log lines: one JSON object each (Cloud Logging's shape) or one line of text. Private fields stand apart, or stay out.

Source of the field names: cloud.google.com/logging/docs/structured-logging. A caller's words and numbers are only ever
under `private`; the text form, made for terminals, leaves them out.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson

LABELS = "logging.googleapis.com/labels"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Log:
    """Where notes go. `write` never raises and never waits for more than a line."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("gateway")

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
            self._logger.log(level, name, extra={"fields": fields, "private": private})

    def bug(self, where: str) -> None:
        """The exception being handled is a bug of ours: its traceback, which names no caller."""
        self._logger.error("bug", exc_info=True, extra={"fields": {"where": where}})


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            **getattr(record, "fields", {}),
        }
        labels = {key: line[key] for key in ("call_sid", "stream_sid") if key in line}
        if labels:
            line[LABELS] = labels
        if private := getattr(record, "private", {}):
            line["private"] = dict(private)
        if record.exc_info:
            line["message"] += "\n" + self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "fields", {}).items())
        text = f"{clock} {record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(form: Literal["text", "json"], level: str, stream: TextIO | None = None) -> Log:
    """Send every logger's lines to `stream` (stdout) in one form; the libraries' own only from warnings on."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(LEVELS[level])
    return Log()
