"""Application Default Credentials for Vertex AI, by google-auth: found once, refreshed before they expire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class CredentialsError(OSError):
    """No credentials, or they could not be refreshed."""


@dataclass(frozen=True, slots=True)
class Bearer:
    token: str = field(repr=False)
    quota_project: str = ""


class Tokens:
    """`get` answers from memory while the token is valid; a refresh runs in a thread, one at a time."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._lock = asyncio.Lock()

    async def get(self) -> Bearer:
        """A bearer token that is valid now. Raises CredentialsError."""
        async with self._lock:
            if self._credentials is None or not self._credentials.valid:
                await asyncio.to_thread(self._refresh)
            return Bearer(self._credentials.token, getattr(self._credentials, "quota_project_id", None) or "")

    def _refresh(self) -> None:
        import google.auth  # costs 100 ms and is needed for Vertex AI only
        import google.auth.exceptions
        import google.auth.transport.requests

        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            self._credentials.refresh(google.auth.transport.requests.Request())
        except google.auth.exceptions.GoogleAuthError as failed:
            raise CredentialsError(f"Application Default Credentials: {failed}") from None
