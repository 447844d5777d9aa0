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
    """`get` answers from memory while the token is valid; a refresh runs in a thread, one at a time, and goes on for
    the others where a call that waits for it ends."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._refreshing: asyncio.Future[None] | None = None

    async def get(self) -> Bearer:
        """A bearer token that is valid now. Raises CredentialsError."""
        refreshing = self._refreshing
        if refreshing is None and (self._credentials is None or not self._credentials.valid):
            refreshing = self._begin()
        if refreshing is not None:
            await asyncio.shield(refreshing)
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
        """A refresh comes minutes before the token expires: where it fails, the token is still good for a while."""
        import google.auth  # costs 100 ms and is needed for Vertex AI only
        import google.auth.credentials
        import google.auth.exceptions
        import google.auth.transport.requests

        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            self._credentials.refresh(google.auth.transport.requests.Request())
        except google.auth.exceptions.GoogleAuthError as failed:
            if self._credentials and self._credentials.token_state is google.auth.credentials.TokenState.STALE:
                return
            raise CredentialsError(f"Application Default Credentials: {failed}") from None
