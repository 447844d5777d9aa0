"""What this machine shares with the core and with Twilio Functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.settings import SettingsError, address, auth_tokens, public_url, stream_secrets


@dataclass(frozen=True, slots=True)
class Address:
    """`url` is empty where the variable isn't set, or can't be used: then `fault` says what it takes."""

    url: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """Each is read by itself: a fault of one variable hides nothing that another one says."""

    core: Address
    functions: Address
    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    stream_secrets: tuple[str, ...] = field(repr=False)


def shared(env: Mapping[str, str]) -> Shared:
    account = env.get("TWILIO_ACCOUNT_SID", "")
    return Shared(
        _address(public_url, env), _address(_functions_url, env), account, auth_tokens(env), stream_secrets(env)
    )


def _functions_url(env: Mapping[str, str]) -> str:
    return address(env, "FUNCTIONS_URL", "as the deploy printed it", "Twilio has them nowhere else")


def _address(read: Callable[[Mapping[str, str]], str], env: Mapping[str, str]) -> Address:
    try:
        return Address(read(env))
    except SettingsError as wrong:
        return Address("", str(wrong).replace(": ", " ", 1))
