"""Cloud Run's front door, played: it ends TLS, adds X-Forwarded-Proto, and passes connections on to the core that there
is; where there is none it answers 503. Runs in a thread, so that it outlives each test's event loop."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = "127.0.0.1"
NAME = "core.example.com"  # numbers lead to no address of one machine: names/ leads the processes here
NOBODY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Edge:
    """`port`: TLS; `plain`: the same without. `core`: the port to which both lead, 0 for none; it may change.
    `logged`: what such a host's own log holds of each request."""

    def __init__(self, tls: ssl.SSLContext, certificate: Path) -> None:
        self.core = 0
        self.logged: list[str] = []
        self.port = 0
        self.plain = 0
        self.certificate = certificate
        self.up = threading.Event()
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()

    @property
    def host(self) -> str:
        return f"{NAME}:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self) -> None:
        secure = await asyncio.start_server(self._connected, HERE, 0, ssl=self._tls)
        plain = await asyncio.start_server(self._connected, HERE, 0)
        async with secure, plain:
            self.port, self.plain = (server.sockets[0].getsockname()[1] for server in (secure, plain))
            self.up.set()
            await self._end.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await self._pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever it was has gone
        finally:
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, core = await asyncio.open_connection(HERE, self.core)
        except OSError:
            writer.write(NOBODY)
            await writer.drain()
            return
        try:
            line, _, fields = head.partition(b"\r\n")
            self.logged.append(line.decode("latin1"))
            core.write(line + b"\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n" + fields)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, core), name="edge-in")
                group.create_task(_copy(answers, writer), name="edge-out")
        finally:
            core.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@contextmanager
def edge(folder: Path) -> Iterator[Edge]:
    """An edge for as long as the block lasts. Its certificate is written to `folder`."""
    certificate = folder / "edge.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    certificate.write_bytes(secret + _certificate(key).public_bytes(serialization.Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    made = Edge(tls, certificate)
    thread = threading.Thread(target=made.run, name="edge")
    thread.start()
    try:
        assert made.up.wait(10)
        yield made
    finally:
        made.stop()
        thread.join(10)


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Of the edge's name, self-signed, for a day."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the edge of an end-to-end test")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
