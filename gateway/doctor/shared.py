"""What this machine shares with the core and with Twilio Functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.addresses import SettingsError, address, public_url
from gateway.settings import auth_tokens, stream_secrets

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)
_ORIGIN = re.compile(rf"(https?)://({_HOST.pattern})(.*)", re.IGNORECASE)


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
    account = env.get("TWILIO_ACCOUNT_SID", "").strip()
    return Shared(
        _address(public_url, env), _address(_functions_url, env), account, auth_tokens(env), stream_secrets(env)
    )


def _functions_url(env: Mapping[str, str]) -> str:
    """As `numbers` takes it: the Domain alone will do, and capitals are none."""
    given = env.get("FUNCTIONS_URL", "").strip().rstrip("/")
    if _HOST.fullmatch(given):
        given = f"https://{given}"
    if found := _ORIGIN.fullmatch(given):
        scheme, host, *_, rest = found.groups()
        given = f"{scheme.lower()}://{host.lower()}{rest}"
    return address(
        {"FUNCTIONS_URL": given}, "FUNCTIONS_URL", "as the deploy printed it", "Twilio has them nowhere else"
    )


def is_domain(url: str) -> bool:
    """Whether this address is `https://` and a host, no port and no path: what Twilio's numbers can be pointed at."""
    return url.startswith("https://") and _HOST.fullmatch(url.removeprefix("https://")) is not None


def _address(read: Callable[[Mapping[str, str]], str], env: Mapping[str, str]) -> Address:
    try:
        return Address(read(env))
    except SettingsError as wrong:
        return Address("", str(wrong).replace(": ", " ", 1))
