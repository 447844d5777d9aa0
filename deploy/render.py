"""Fill a template in: `python deploy/render.py service.yaml NAME=value … > rendered.yaml`. Standard library only.

Every `${NAME}` must be given, and what is given must stand in the template. A value can't change the document's shape:
it holds no quote, space or line end. A line `- ${SECRETS}` becomes one line for each `VARIABLE=secret:version` of its
value, separated by spaces. Comment lines fall away, and so does a line whose `${REDIS_URL}` is empty. All faults are
told at once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LIST = "SECRETS"
MAY_BE_EMPTY = ("REDIS_URL",)
NUMBERS = ("CONCURRENCY", "MAX_CALLS", "MIN_INSTANCES", "MAX_INSTANCES")

_NAME = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_VALUE = re.compile(r"[A-Za-z0-9._:/@%+=,?&~-]*")
_SECRET = re.compile(r"(?P<variable>[A-Z][A-Z0-9_]*)=(?P<secret>[a-z][a-z0-9-]*):(?P<version>\S*)")
_ENTRY = "- {{name: {variable}, valueFrom: {{secretKeyRef: {{name: {secret}, key: '{version}'}}}}}}"


class RenderError(Exception):
    """Everything that is wrong with a template and its values. `faults` holds one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def render(template: str, given: Mapping[str, str]) -> str:
    """The template with its values. Raises RenderError."""
    lines = [line for line in template.splitlines() if not line.lstrip().startswith("#")]
    faults = [*_names(lines, given), *_values(given)]
    if not faults:
        faults += _together(given)
    if faults:
        raise RenderError(faults)
    return "".join(f"{filled}\n" for line in lines for filled in _filled(line, given))


def _names(lines: Sequence[str], given: Mapping[str, str]) -> Iterator[str]:
    text = "\n".join(lines)
    wanted = dict.fromkeys(_NAME.findall(text))
    for name in wanted:
        if name not in given:
            yield f"{name} stands in the template, and is not given"
    for name in given:
        if name not in wanted:
            yield f"{name} is given, and stands nowhere in the template"
    if "$" in _NAME.sub("", text):
        yield "a $ stands in the template that begins no ${NAME}"
    if any(f"${{{LIST}}}" in line and line.strip() != f"- ${{{LIST}}}" for line in lines):
        yield f"{LIST} takes a line of its own: - ${{{LIST}}}"


def _values(given: Mapping[str, str]) -> Iterator[str]:
    """Values themselves are not repeated: somebody may have pasted a secret."""
    for name, value in given.items():
        if name == LIST:
            yield from _secrets(value)
        elif not value and name not in MAY_BE_EMPTY:
            yield f"{name} is empty"
        elif not _VALUE.fullmatch(value):
            yield f"{name} holds a quote, a space or another character that no value here needs"
        elif name in NUMBERS and not value.isdigit():
            yield f"{name} takes a whole number"


def _secrets(value: str) -> Iterator[str]:
    found = [_SECRET.fullmatch(entry) for entry in value.split()]
    if not found or not all(found):
        yield f"{LIST} takes VARIABLE=secret:version, several with spaces between them"
        return
    named = [one["variable"] for one in found if one]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield f"{LIST} names {name} twice"
    for one in found:
        if one and not one["version"].isdigit():
            yield f"{LIST}: {one['variable']} takes a version's number: 'latest' changes under running instances"


def _together(given: Mapping[str, str]) -> Iterator[str]:
    number = {name: int(given[name]) for name in NUMBERS if name in given}
    if number.get("MIN_INSTANCES", 0) > number.get("MAX_INSTANCES", 1000):
        yield "MIN_INSTANCES is above MAX_INSTANCES"
    if number.get("MAX_CALLS", 0) > number.get("CONCURRENCY", 1000):
        yield "MAX_CALLS is above CONCURRENCY: Cloud Run would never let so many streams in"
    secrets = [entry.partition("=")[0] for entry in given.get(LIST, "").split()]
    for name in secrets:
        if given.get(name):
            yield f"{name} is given twice: as a value and in {LIST}"
    if given.get("REDIS_URL") == "" and "REDIS_URL" not in secrets and number.get("MAX_INSTANCES", 1) != 1:
        yield "REDIS_URL is empty: without it there can be one instance, so MAX_INSTANCES takes 1"


def _filled(line: str, given: Mapping[str, str]) -> Iterator[str]:
    if line.strip() != f"- ${{{LIST}}}":
        if all(given[name] for name in _NAME.findall(line)):
            yield _NAME.sub(lambda found: given[found[1]], line)
        return
    indent = line[: len(line) - len(line.lstrip())]
    for entry in given[LIST].split():
        if found := _SECRET.fullmatch(entry):
            yield indent + _ENTRY.format(**found.groupdict())


def main(arguments: Sequence[str]) -> int:
    """0; 1 where something is wrong, 2 where this was called wrongly."""
    pairs = [argument.partition("=") for argument in arguments[1:]]
    names = [name for name, _, _ in pairs]
    if not arguments or not all(equals for _, equals, _ in pairs) or len(set(names)) != len(names):
        print("usage: python deploy/render.py TEMPLATE NAME=value …, each name once", file=sys.stderr)
        return 2
    try:
        print(render(Path(arguments[0]).read_text(encoding="utf-8"), {n: v for n, _, v in pairs}), end="")
    except (OSError, RenderError) as wrong:
        print("\n".join(f"{arguments[0]}: {line}" for line in str(wrong).splitlines()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
