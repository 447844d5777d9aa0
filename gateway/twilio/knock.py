"""How our Twilio Functions knock at the core's doors: an HMAC of the request and its time, with the stream's secret.

Signature: base64url(HMAC-SHA256(secret, METHOD "\\n" path with query "\\n" Unix seconds)), without padding. Reads only
through these doors, so that a knock heard again within its minute tells nothing new.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence

TIME_HEADER = "X-Gateway-Time"
SIGNATURE_HEADER = "X-Gateway-Signature"
MAX_SKEW_S = 60  # clocks of Functions and core, and the request's way


def sign(secret: str, method: str, path: str, at: int) -> str:
    """The signature of a request at `at` (Unix seconds). `path` begins with '/' and holds the query."""
    said = f"{method}\n{path}\n{at}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hmac.digest(secret.encode(), said, "sha256")).rstrip(b"=").decode()


def valid(secrets: Sequence[str], method: str, path: str, given: tuple[str, str], now: float) -> bool:
    """Whether one of `secrets` signed it within a minute. `given`: the headers' values, time and signature."""
    at, signature = given
    if not at.isascii() or not at.isdigit() or len(at) > 12 or abs(now - int(at)) > MAX_SKEW_S:
        return False
    given_bytes = signature.encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(sign(secret, method, path, int(at)).encode(), given_bytes) for secret in secrets if secret
    ]
    return any(matches)
