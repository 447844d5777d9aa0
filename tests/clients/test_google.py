"""Application Default Credentials, by google-auth itself, against a token server of the test's own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.clients.google import CredentialsError, Tokens


class TokenServer(HTTPServer):
    """Hands out "token-1", "token-2", … that last `lifetime_s`; `status` other than 200 refuses."""

    handed = 0
    lifetime_s = 3600
    status = 200
    ready = threading.Event()  # unset: it takes its time
    ready.set()


class Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, TokenServer)
        self.rfile.read(int(self.headers["Content-Length"]))
        server.handed += 1
        server.ready.wait(20)
        body = {"access_token": f"token-{server.handed}", "expires_in": server.lifetime_s, "token_type": "Bearer"}
        if server.status != 200:
            body = {"error": "invalid_grant", "error_description": "the account is gone"}
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    """A token server, and a service account's key file that names it."""
    with TokenServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "gateway@p.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"http://127.0.0.1:{server.server_address[1]}/token",
        }
        file = tmp_path / "key.json"
        file.write_text(json.dumps(account), encoding="utf-8")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "billed")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()


@pytest.fixture
def tokens_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    with account(tmp_path, monkeypatch) as server:
        yield server


def test_a_token_is_fetched_once_and_kept(tokens_at: TokenServer) -> None:
    async def scenario() -> None:
        tokens = Tokens()
        async with asyncio.TaskGroup() as group:
            got = [group.create_task(tokens.get()) for _ in range(10)]
        assert {task.result().token for task in got} == {"token-1"}
        assert {task.result().quota_project for task in got} == {"billed"}
        assert "token-1" not in repr(got[0].result())

    asyncio.run(scenario())
    assert tokens_at.handed == 1


def test_a_token_that_is_about_to_expire_is_refreshed(tokens_at: TokenServer) -> None:
    tokens_at.lifetime_s = 1

    async def scenario() -> list[str]:
        tokens = Tokens()
        return [(await tokens.get()).token for _ in range(2)]

    assert asyncio.run(scenario()) == ["token-1", "token-2"]


def test_a_token_that_cannot_be_refreshed_is_good_until_it_expires(tokens_at: TokenServer) -> None:
    tokens_at.lifetime_s = 100

    async def scenario() -> None:
        tokens = Tokens()
        await tokens.get()
        tokens_at.status = 400
        assert (await tokens.get()).token == "token-1"
        tokens_at.status = 200
        assert (await tokens.get()).token == "token-3"

    asyncio.run(scenario())


def test_a_slow_token_server_holds_nobody_up_whose_token_is_good(tokens_at: TokenServer) -> None:
    tokens_at.lifetime_s = 100

    async def scenario() -> None:
        tokens = Tokens()
        await tokens.get()
        tokens_at.ready = threading.Event()
        async with asyncio.timeout(5):
            assert [(await tokens.get()).token for _ in range(3)] == ["token-1"] * 3
        tokens_at.ready.set()
        while (await tokens.get()).token != "token-2":
            pass

    asyncio.run(scenario())
    assert tokens_at.handed == 2


@pytest.mark.parametrize("status", [200, 400])
def test_calls_that_end_meanwhile_start_no_second_refresh(tokens_at: TokenServer, status: int) -> None:
    """A token server that hangs is asked once, however many calls give it up."""
    tokens_at.ready, tokens_at.status = threading.Event(), status

    async def scenario() -> None:
        tokens = Tokens()
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await tokens.get()
        tokens_at.ready.set()
        if status == 200:
            assert (await tokens.get()).token == "token-1"

    asyncio.run(scenario())
    assert tokens_at.handed == 1


def test_a_refusal_is_one_named_error(tokens_at: TokenServer) -> None:
    tokens_at.status = 400
    with pytest.raises(CredentialsError, match=r"Application Default Credentials: .*the account is gone"):
        asyncio.run(Tokens().get())


def test_no_credentials_are_one_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(CredentialsError, match=r"missing\.json"):
        asyncio.run(Tokens().get())
