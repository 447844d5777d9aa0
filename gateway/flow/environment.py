"""What the environment fills into a flow's texts: `${NAME}` and `${NAME:-default}`. Environment values never appear in
a finding. A placeholder left from a sample (REPLACEME) is found here too, as it may come from either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from gateway.flow.model import Finding
from gateway.flow.source import Data, Path

_OPEN = re.compile(r"\$\{([^}]*)(\}?)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?", re.DOTALL)
_PLACEHOLDER = "REPLACEME"
# The gateway's own secrets: what a flow says is spoken, sent to the model and kept.
SECRETS = frozenset(
    {
        *("GOOGLE_API_KEY", "GEMINI_API_KEY", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS", "TWILIO_API_SECRET"),
        *("STREAM_SECRET", "STREAM_SECRET_PREVIOUS", "REDIS_URL", "TWILIO_SHARED_KEYS", "ADMIN_SECRET"),
    }
)


class Filled(str):
    """A text into which the environment filled something; `written` is how it stands in the file."""

    __slots__ = ("written",)
    written: str


def masked(text: Filled) -> str:
    """The text as written, with a NUL for each character of a `${…}`: offsets are those of the file's."""
    return _OPEN.sub(lambda match: "\0" * len(match.group()), text.written)


def fill(data: Data, env: Mapping[str, str]) -> tuple[Data, list[Finding]]:
    """The data with every `${…}` replaced, and what could not be. Keys are left alone; a filled text is `Filled`."""
    findings: list[Finding] = []
    return _filled(data, (), env, findings), list(dict.fromkeys(findings))


def plain(data: Data) -> Data:
    """The data with nothing to tell where a text came from."""
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [plain(value) for value in data]
    return str(data) if isinstance(data, Filled) else data


def _filled(data: Data, path: Path, env: Mapping[str, str], findings: list[Finding]) -> Data:
    if isinstance(data, dict):
        return {key: _filled(value, (*path, key), env, findings) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, (*path, n), env, findings) for n, value in enumerate(data)]
    return _text(data, path, env, findings) if isinstance(data, str) else data


def _text(text: str, path: Path, env: Mapping[str, str], findings: list[Finding]) -> str:
    def one(match: re.Match[str]) -> str:
        value = _value(match, env)
        if isinstance(value, str):
            return value
        findings.append(Finding(path, *value, piece=match.group().split("\n")[0]))
        return match.group()

    filled = _OPEN.sub(one, text)
    if _PLACEHOLDER in filled:
        findings.append(Finding(path, f"{_PLACEHOLDER} was left from a sample", "write your own", piece=_PLACEHOLDER))
    if "${" not in text:
        return text
    result = Filled(filled)
    result.written = text
    return result


def _value(match: re.Match[str], env: Mapping[str, str]) -> str | tuple[str, str]:
    """What stands for one `${…}`, or message and hint."""
    inner, closed = cast(tuple[str, str], match.groups())
    if not closed:
        return "'${' is never closed", "write ${NAME}"
    if inner.startswith("secret:"):
        return "a secret can't stand here", "secrets belong to HTTP tools and webhooks, which are planned"
    parts = _NAME.fullmatch(inner)
    if parts is None or "${" in inner:
        return "not the name of an environment variable", "write ${NAME} or ${NAME:-default}"
    name, has_default, default = parts.groups()
    if name in SECRETS:
        return f"{name} can't stand here", "a secret of the gateway's own is never spoken"
    if value := env.get(name, ""):
        return value if "${" not in value else (f"the environment variable {name} holds '${{' itself", "write it out")
    if has_default:
        return str(default)
    state = "empty" if name in env else "not set"
    return f"the environment variable {name} is {state}", f"set it, or write ${{{name}:-default}}"
