"""A session of the unmodified SDK with a TLS server in this process that plays the Live API and notes what it hears."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google import genai
from google.genai import types
from google.genai.live import AsyncSession
from google.oauth2.credentials import Credentials
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from gateway.flow.model import Persona, Tool
from gateway.live import messages as live
from gateway.live.config import connect_config
from gateway.live.models import Backend
from gateway.live.setup import Session
from tests.live.samples import PLAIN

SESSIONS = {
    "developer": Session("developer"),
    "vertex": Session("vertex", "p", "us-central1"),
}


def certify(folder: Path) -> Path:
    """A self-signed certificate with its key, for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return pem


@dataclass
class Peer:
    """What the server heard: the upgrade's path and headers, the setup, and the frames after it."""

    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    setup: bytes = b""
    frames: list[bytes] = field(default_factory=list)


def client(backend: Backend, base_url: str, trust: ssl.SSLContext) -> genai.Client:
    options = types.HttpOptions(base_url=base_url, async_client_args={"ssl": trust, "proxy": None})
    if backend == "vertex":
        credentials = Credentials(token="fake")  # type: ignore[no-untyped-call]
        return genai.Client(
            vertexai=True, project="p", location="us-central1", credentials=credentials, http_options=options
        )
    options.api_version = "v1beta"
    return genai.Client(api_key="k", http_options=options)


Act = Callable[[AsyncSession], Awaitable[Any]]


@dataclass(frozen=True)
class Stage:
    """One session of the SDK with our server: it gets `replies` after its setup and does `act`."""

    certificate: Path
    backend: Backend = "developer"
    persona: Persona = PLAIN
    tools: Sequence[Tool] = ()
    replies: Sequence[bytes] = ()

    def play(self, act: Act, session: Session | None = None) -> tuple[Peer, Any]:
        return asyncio.run(asyncio.wait_for(self._play(act, session or SESSIONS[self.backend]), 20))

    async def _play(self, act: Act, session: Session) -> tuple[Peer, Any]:
        peer = Peer()
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(self.certificate)

        async def serve_one(socket: ServerConnection) -> None:
            assert socket.request is not None
            peer.path, peer.headers = socket.request.path, dict(socket.request.headers)
            peer.setup = await socket.recv(decode=False)
            await socket.send(live.build_server(live.Ready("s")))
            for reply in self.replies:
                await socket.send(reply)
            try:
                while True:
                    peer.frames.append(await socket.recv(decode=False))
            except ConnectionClosed:
                return

        async with serve(serve_one, "127.0.0.1", 0, ssl=ours) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            trust = ssl.create_default_context(cafile=str(self.certificate))
            sdk = client(self.backend, f"https://localhost:{port}", trust)
            config = connect_config(self.persona, "You are Ava.", session, self.tools)
            async with sdk.aio.live.connect(model=self.persona.model.name, config=config) as connected:
                result = await act(connected)
            await sdk.aio.aclose()
            sdk.close()
        return peer, result
