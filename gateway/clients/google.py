"""Application Default Credentials for Vertex AI, by google-auth: found once, refreshed before they expire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SLOW_S = 0.5  # waited for a new token where the old one is still good


class CredentialsError(OSError):
    """No credentials, or they could not be refreshed."""


@dataclass(frozen=True, slots=True)
class Bearer:
    token: str = field(repr=False)
    quota_project: str = ""


class Tokens:
    """`get` answers from memory while the token is good. A refresh runs in a thread, one at a time, and goes on for the
    others where a call that waits for it ends. It begins minutes before the token expires: until then a token server
    that is away refuses no call, and one that is slow holds none up."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._refreshing: asyncio.Future[None] | None = None

    async def get(self) -> Bearer:
        """A bearer token that is valid now. Raises CredentialsError."""
        state = self._credentials.token_state.name if self._credentials else "INVALID"  # of google.auth's TokenState
        refreshing = self._refreshing
        if refreshing is None and state != "FRESH":
            refreshing = self._begin()
        if refreshing is not None and state == "INVALID":
            await asyncio.shield(refreshing)
        elif refreshing is not None:
            await asyncio.wait({refreshing}, timeout=SLOW_S)
        return Bearer(self._credentials.token, getattr(self._credentials, "quota_project_id", None) or "")

    def _begin(self) -> asyncio.Future[None]:
        refreshing = self._refreshing = asyncio.get_running_loop().run_in_executor(None, self._refresh)
        refreshing.add_done_callback(self._end)
        return refreshing

    def _end(self, refreshing: asyncio.Future[None]) -> None:
        """Those who wait are told of a failure; where nobody does any more, nobody need be."""
        self._refreshing = None
        if not refreshing.cancelled():
            refreshing.exception()

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
