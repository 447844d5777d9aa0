"""Passwords of a store that takes access tokens (Memorystore for Valkey with IAM): a fresh one for each connection, for
tokens end after an hour."""

from __future__ import annotations

from redis.credentials import CredentialProvider

from gateway.store.door import Token

USER = "default"


class Passwords(CredentialProvider):
    def __init__(self, token: Token) -> None:
        self._token = token

    def get_credentials(self) -> tuple[str, str]:
        raise NotImplementedError("asyncio alone signs in here")

    async def get_credentials_async(self) -> tuple[str, str]:
        return USER, await self._token()
