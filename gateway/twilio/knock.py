"""How our Twilio Functions knock at the core's doors: an HMAC of the request and its time, with the stream's secret.

Signature: base64url(HMAC-SHA256(secret, METHOD "\\n" path with query "\\n" Unix seconds)), without padding; the body of
a form follows after another "\\n". A caller's number is in a form, never in a path: hosts log those. A knock heard
again within its minute tells nothing new.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence

TIME_HEADER = "X-Gateway-Time"
SIGNATURE_HEADER = "X-Gateway-Signature"
MAX_SKEW_S = 60  # clocks of Functions and core, and the request's way


def sign(secret: str, method: str, path: str, at: int, body: str = "") -> str:
    """The signature of a request at `at` (Unix seconds). `path` begins with '/' and holds the query."""
    lines = (method, path, str(at), *((body,) if body else ()))
    said = "\n".join(lines).encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hmac.digest(secret.encode(), said, "sha256")).rstrip(b"=").decode()


def valid(secrets: Sequence[str], method: str, path: str, given: tuple[str, str], now: float) -> bool:
    """Whether one of `secrets` signed it within a minute. `given`: the headers' values, time and signature."""
    return _signed(given, now, [(secret, method, path, "") for secret in secrets])


def valid_form(secrets: Sequence[str], path: str, body: str, given: tuple[str, str], now: float) -> bool:
    """The same for a form that was posted."""
    return _signed(given, now, [(secret, "POST", path, body) for secret in secrets])


def _signed(given: tuple[str, str], now: float, wanted: Sequence[tuple[str, str, str, str]]) -> bool:
    at, signature = given
    if not at.isascii() or not at.isdigit() or len(at) > 12 or abs(now - int(at)) > MAX_SKEW_S:
        return False
    given_bytes = signature.encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(sign(secret, method, path, int(at), body).encode(), given_bytes)
        for secret, method, path, body in wanted
        if secret
    ]
    return any(matches)
