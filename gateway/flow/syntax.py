"""What PyYAML says of text that is no YAML, in the words of someone who writes a flow.

First the slips that people make often, each known by what stands around the fault; then PyYAML's words in ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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
    ("undefined tag handle", "a tag is not taken", "remove it, or put the value in quotes"),
    ("expected '<document start>'", "text after the end of the document", "one file holds one flow"),
    ("directive|incompatible YAML|YAML version", "a directive ('%') that is not taken", "remove it"),
    ("(anchor|alias)", "the name of an anchor is missing or wrong", "write the value out"),
)
# Faults that PyYAML notices late: they stand where the thing was begun.
_BEGUN = ("found unexpected end of stream", "found unexpected document separator", "could not find expected ':'")

_QUOTED = re.compile(r"""(?<![^\s,:\[{])("(?:\\.|[^"\\])*"|'(?:[^']|'')*')""")
_COMMENT = re.compile(r"(?<!\S)#.*")
_KEY = re.compile(r"[ \t]*(?:- +)*[\w.-]+[ \t]*:(?:\s|\Z)")
_WORD = re.compile(r"[ \t]*(?:- +)*[\w-]+[ \t]*\Z")

Said = tuple[int, str, str]  # the offset, the message, the hint


@dataclass(frozen=True, slots=True)
class _Slip:
    """What PyYAML said, the offset it said it of, and the one at which it was in the midst of something."""

    said: str
    context: str
    at: int
    begun: int
    text: Text

    def lines(self, offset: int) -> tuple[str, str, str]:
        """Of the line of an offset: the one before it that says something, what stands before the offset, the rest."""
        place = self.text.place(offset)
        start = self.text.starts[place.line - 1]
        above = [line for line in self.text.text[:start].splitlines() if line.strip()]
        rest = self.text.text[offset:].split("\n", 1)[0]
        return above[-1] if above else "", self.text.text[start:offset], rest

    def stops_early(self) -> bool:
        return self.said.startswith(("expected <block end>", "expected ',' or"))


def explain(error: yaml.MarkedYAMLError, text: Text) -> Problem:
    """The fault at its place."""
    end = len(text.text)
    marks = [min(mark.index, end) if mark else None for mark in (error.problem_mark, error.context_mark)]
    at = next((offset for offset in marks if offset is not None), 0)
    begun = marks[1] if marks[1] is not None else at
    slip = _Slip(error.problem or "", error.context or "", at, begun, text)
    for known in _SLIPS:
        if found := known(slip):
            return text.problem(*found)
    message, hint = _ours(slip.said, slip.context)
    late = any(words in slip.said for words in _BEGUN) or at == end
    return text.problem(begun if late else at, message, hint)


def _ours(said: str, context: str) -> tuple[str, str]:
    for theirs, message, hint in _WORDS:
        if match := re.search(theirs, said) or (re.search(theirs, context) if "anchor" in theirs else None):
            return match.expand(message), hint
    return f"not YAML: {said}", "check quotes, brackets and indentation"


def _no_break_space(slip: _Slip) -> Said | None:
    _, before, rest = slip.lines(slip.at)
    line = before + rest
    if (found := line.find("\u00a0")) < 0 or line[:found].strip():
        return None
    return slip.at - len(before) + found, "U+00A0 where a space belongs", "indent with plain spaces"


def _hash(slip: _Slip) -> Said | None:
    """A bracket whose closing one has become a comment."""
    if not slip.said.startswith(("expected ',' or", "expected the node content")):
        return None
    if (bracket := _open_bracket(slip.text.text, slip.at)) is None:
        return None
    _, _, rest = slip.lines(bracket)
    comment = _COMMENT.search(_without_quotes(rest))
    if comment and re.search(r"[\]}]", comment.group()):
        return bracket, "the bracket is never closed", "'#' begins a comment: put the value in quotes"
    ends = not slip.text.text[slip.at :].strip()
    return (bracket, "the bracket is never closed", "close it") if ends else None


def _open_bracket(text: str, end: int) -> int | None:
    """The innermost bracket that is open at `end`."""
    stack: list[int] = []
    shown = _COMMENT.sub(lambda found: " " * len(found.group()), _without_quotes(text[:end]))
    for found in re.finditer(r"[\[\]{}]", shown):
        if found.group() in "[{":
            stack.append(found.start())
        elif stack:
            stack.pop()
    return stack[-1] if stack else None


def _without_quotes(text: str) -> str:
    return _QUOTED.sub(lambda found: re.sub(r"[^\n]", '"', found.group()), text)


def _braces(slip: _Slip) -> Said | None:
    _, before, rest = slip.lines(slip.at)
    found = _without_quotes(before + rest[:2]).find("{{")
    if not slip.stops_early() or found < 0:
        return None
    return slip.at - len(before) + found, "'{{' begins no text", "put text with {{…}} in quotes"


def _quotes(slip: _Slip) -> Said | None:
    """`'Good day, I'm Ava'`: what follows the second quote belongs to the text."""
    _, before, rest = slip.lines(slip.at)
    mark = before.rstrip()[-1:]
    if not slip.stops_early() or mark not in ("'", '"') or _is_next_key(slip, rest):
        return None
    return slip.at, "the quotes end before this", "double the quote inside: ''" if mark == "'" else 'write \\" inside'


def _bracket_first(slip: _Slip) -> Said | None:
    _, before, rest = slip.lines(slip.at)
    mark = before.rstrip()[-1:]
    if not slip.stops_early() or mark not in ("]", "}") or "<scalar>" not in slip.said or _is_next_key(slip, rest):
        return None
    return slip.at, f"text after '{mark}'", "put the value in quotes"


def _is_next_key(slip: _Slip, rest: str) -> bool:
    """Whether only a comma is missing, between two keys in brackets."""
    return slip.said.startswith("expected ',' or") and _KEY.match(rest) is not None


def _end_of_plain(slip: _Slip) -> Said | None:
    """Within brackets a value without quotes ends at '{' and at '?'."""
    here = slip.text.text[max(slip.at - 1, 0) : slip.at + 1]
    if slip.said.startswith("expected ','") and (here == "${" or here.endswith("?")):
        return slip.at, f"a '{here[-1]}' within brackets", "put the value in quotes"
    return None


def _star(slip: _Slip) -> Said | None:
    """`*Welcome*`, `& now`, `!{x}`, `>hello`: signs of YAML's own, where text was meant."""
    signs = "expected alphabetic or numeric|chomping or indentation|indentation indicator"
    if re.search(signs, slip.said) or slip.context.endswith(" tag"):
        return slip.begun, f"a value can't start with '{slip.text.text[slip.begun]}'", "put the value in quotes"
    return None


def _bar(slip: _Slip) -> Said | None:
    if slip.said.startswith("expected a comment or a line break"):
        mark = slip.text.text[slip.begun]
        return slip.at, f"text after '{mark}' belongs on the next lines, indented", f"or remove the '{mark}'"
    return None


def _colon(slip: _Slip) -> Said | None:
    """`key: value` where no key can be: a key without ':' above it, or wrong indentation, or a ': ' within text."""
    above, before, rest = slip.lines(slip.at)
    if not slip.said.startswith("mapping values are not allowed") or not _KEY.fullmatch(before + rest[:2]):
        return None
    start = slip.at - len(before.lstrip())
    if _WORD.match(above):
        return slip.text.text.rindex(above, 0, start) + len(above) - len(above.lstrip()), *_NO_COLON
    return start, "this continues the line above", _SIBLINGS


_NO_COLON = ("a key without ': ' after it", "write key: value")
_SIBLINGS = "indent it like its siblings; is a ':' or a space after '-' missing above?"

_SLIPS: tuple[Callable[[_Slip], Said | None], ...] = (
    _no_break_space,
    _hash,
    _braces,
    _quotes,
    _bracket_first,
    _end_of_plain,
    _star,
    _bar,
    _colon,
)
