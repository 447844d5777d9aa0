"""Plain data -> YAML that any reader takes as it was meant: `gateway show` and the reference write with it."""

from __future__ import annotations

import yaml

from gateway.flow.environment import Filled, plain
from gateway.flow.source import Data

_WIDE = 1 << 30  # columns: nothing is folded


def line(value: Data) -> str:
    """The value on one line. What the environment filled in stands as the file has it."""
    written = as_written(value)
    style = '"' if isinstance(written, str) and not written.isprintable() else None
    return _dump(written, True, style).removesuffix("\n...\n").rstrip("\n")


def block(value: Data) -> str:
    """The value over as many lines as it takes, each with its end; lists are indented."""
    return _dump(plain(value), False)


def as_written(value: Data) -> Data:
    """The data with each text as the file has it: what the environment filled in may be a secret."""
    if isinstance(value, dict):
        return {key: as_written(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    return value.written if isinstance(value, Filled) else value


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> str:
        style = str(super().choose_scalar_style())
        return '"' if style == "'" else style

    def ignore_aliases(self, data: object) -> bool:
        return True


def _dump(value: Data, flow: bool, style: str | None = None) -> str:
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=flow,
        default_style=style,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDE,
        indent=2,
    )
    return str(text)
