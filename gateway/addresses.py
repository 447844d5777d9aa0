"""Variables that hold an address, and the fault of one that can't work."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

_PUBLIC_URL = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?(/[0-9A-Za-z._~/-]*)?")
_REDIS_DATABASE = re.compile(r"(/[0-9]{0,4})?")
REDIS_OPTIONS = ("ssl_ca_certs",)  # the file of the authorities that a private server's certificate is signed by


class SettingsError(Exception):
    """A variable with a value that can't work. `variable` names it; the text says what it takes."""

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(f"{variable}: {message}")
        self.variable = variable


def public_url(env: Mapping[str, str]) -> str:
    """PUBLIC_URL alone. Raises SettingsError."""
    return address(env, "PUBLIC_URL", "as Twilio sees it", "Twilio streams to wss:// only")


def address(env: Mapping[str, str], name: str, which: str, why: str) -> str:
    """A variable that takes `which` address; `why` must it be https? Raises SettingsError, which never repeats it."""
    url = env.get(name, "").strip().rstrip("/")
    parts = _parts(url) if not url or _PUBLIC_URL.fullmatch(url) else None  # twilio.twiml refuses the rest
    if parts is None:
        raise SettingsError(name, f"takes https://HOST {which}: no user, query or spaces")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(name, f"must be https:// ({why}); http:// is for this machine")
    return url


def _parts(url: str) -> SplitResult | None:
    """None for one whose host or port is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None  # raises ValueError above 65535
    except ValueError:
        return None


def redis_url(env: Mapping[str, str]) -> str:
    """Faults never repeat it: it may hold a password."""
    url = env.get("REDIS_URL", "").strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # raises ValueError of a port that is none
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        host, options = None, {}
    whole = url.isascii() and url.isprintable() and " " not in url
    if not whole or not host or parts.scheme not in ("redis", "rediss") or not _REDIS_DATABASE.fullmatch(parts.path):
        form = "redis://HOST:PORT or, with TLS, rediss://USER:PASSWORD@HOST:PORT/DATABASE"
        raise SettingsError("REDIS_URL", f"takes {form} (%-escape what is special in a password)")
    if parts.fragment or (options and (parts.scheme != "rediss" or set(options) - set(REDIS_OPTIONS))):
        raise SettingsError("REDIS_URL", f"takes no options but {', '.join(REDIS_OPTIONS)}, with rediss://")
    if (file := options.get("ssl_ca_certs")) is not None and not Path(file).is_file():
        raise SettingsError("REDIS_URL", "ssl_ca_certs names no file")
    return url


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
