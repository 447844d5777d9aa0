"""What PyYAML says of text that is no YAML, in the words of someone who writes a flow."""

from __future__ import annotations

import re

import yaml

from gateway.flow.text import Text
from gateway.problem import Problem

# PyYAML's words -> ours, and what to do. The first match counts. `\1` is what it found.
_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"found character '\\t'", "a tab where spaces belong", "indent with spaces"),
    (r"found character '(.)' that cannot start", r"a value can't start with '\1'", "put the value in quotes"),
    ("mapping values are not allowed", "': ' within a value, or wrong indentation", "put the value in quotes"),
    ("could not find expected ':'", "a key without ': ' after it", "write key: value"),
    (r"expected ',' or '([\]}])'", r"a ',' or '\1' is missing before this", "check the brackets"),
    ("expected the node content", "a value is missing here", "check the brackets and commas"),
    ("expected <block end>", "this fits neither the line above nor its indentation", "indent it like its siblings"),
    ("found unexpected end of stream", "the quotes are never closed", "close them"),
    ("found unexpected document separator", "the quotes are never closed", "close them"),
    ("found unknown escape character", "a backslash that means nothing here", "double it, or use single quotes"),
    ("expected escape sequence", "a backslash escape with too few digits", "double it, or use single quotes"),
    ("sequence entries are not allowed", "a '- ' where no list can start", "put it on a line of its own"),
    ("block sequence entries are not", "a '- ' where no list can start", "put it on a line of its own"),
    ("mapping keys are not allowed", "a '? ' where no key can start", "put the value in quotes"),
    ("undefined tag handle", "a tag is not taken", "remove it"),
    ("expected '<document start>'", "text after the end of the document", "one file holds one flow"),
    ("directive|incompatible YAML|YAML version", "a directive ('%') that is not taken", "remove it"),
    ("(anchor|alias)", "the name of an anchor is missing or wrong", "write the value out"),
    ("tag|URI", "a tag is not taken", "remove it"),
    ("expected alphabetic or numeric|chomping or indentation", "'&', '*', '|' or '>' followed by something else", ""),
)
_OPENING = ("quotes are never closed",)


def explain(error: yaml.MarkedYAMLError, text: Text) -> Problem:
    """The fault at its place: for quotes that nobody closes, where they were opened."""
    said = error.problem or ""
    message, hint = _ours(said, error.context or "")
    marks = [error.problem_mark, error.context_mark]
    if any(words in message for words in _OPENING):
        marks.reverse()
    offset = min(next((mark.index for mark in marks if mark is not None), 0), len(text.text))
    here = text.text[max(offset - 1, 0) : offset + 1]
    if said.startswith("expected ','") and (here == "${" or here.endswith("?")):  # a plain value ends there
        message, hint = f"a '{here[-1]}' within brackets", "put the value in quotes"
    return text.problem(offset, message, hint)


def _ours(said: str, context: str) -> tuple[str, str]:
    for theirs, message, hint in _WORDS:
        if match := re.search(theirs, said) or (re.search(theirs, context) if "anchor" in theirs else None):
            return match.expand(message), hint
    return f"not YAML: {said}", "check quotes, brackets and indentation"
