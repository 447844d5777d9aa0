"""What a schema can't say of one file: references, overlaps, what is unused. For texts with {{…}} see `flow.speech`.

One module for each section. Rules read data that the schema may have found fault with, and pass over wrong shapes.
What may be inherited they read as it is written, so that nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.flow.model import Finding
from gateway.flow.rules import hours, limits, lines, personas, tools, whole
from gateway.flow.sections import numbers
from gateway.flow.source import Data

__all__ = ["judge", "numbers"]


def judge(data: Data, file: str, written: Data = None) -> list[Finding]:
    """Everything the rules have against one file, in no order.

    `data` is complete (`inherit.complete`), `written` as the file has it, with the environment filled in.
    """
    found = [finding for rule in _OF_COMPLETE for finding in rule(data)]
    found += [finding for rule in _OF_WRITTEN for finding in rule(written)]
    return [*found, *whole.file_name(data, file)]


Rule = Callable[[Data], Iterator[Finding]]
_OF_COMPLETE: tuple[Rule, ...] = (personas.languages, limits.judge, whole.loops, whole.unused)
_OF_WRITTEN: tuple[Rule, ...] = (
    *(lines.judge, personas.overruled, personas.unheard, personas.context),
    *(tools.judge, hours.judge, whole.timezones, whole.announcements),
)
