"""The provider's https door: a self-signed certificate, and the ways in which a handshake goes wrong."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import shutil
import ssl
import tempfile
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from upstream.simulator.faults import Drawn
from upstream.simulator.wire_faults import drip, hang

if TYPE_CHECKING:
    from upstream.simulator.server import Connection


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """``certificate`` is a PEM file that a client may trust; ``wrong`` is for another name, trusted by nobody."""

    good: ssl.SSLContext
    wrong: ssl.SSLContext
    certificate: Path
    folder: Path

    def forget(self) -> None:
        """Remove the certificates' files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def make_contexts() -> TlsContexts:
    """Make fresh certificates in a temporary folder, which stays until ``forget``."""
    place = Path(tempfile.mkdtemp(prefix="simulated-provider-"))
    good = _write_certificate(place / "provider.pem", ["localhost"], ["127.0.0.1", "::1"])
    wrong = _write_certificate(place / "elsewhere.pem", ["elsewhere.invalid"], [])
    return TlsContexts(_context(good), _context(wrong), good, place)


def _context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _write_certificate(path: Path, names: list[str], addresses: list[str]) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, no_secret = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_secret)
    path.write_bytes(secret + certificate.public_bytes(encoding))
    path.chmod(0o600)
    return path


class TlsDoor(asyncio.Protocol):
    """Stands before a Connection and upgrades it, so that a fault can strike before or during the handshake."""

    def __init__(self, contexts: TlsContexts, connection: Connection) -> None:
        self._contexts = contexts
        self._connection = connection
        self._task: asyncio.Task[None] | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        transport.pause_reading()
        drawn = self._connection.server.accepted()
        if drawn and self._spoil(transport, drawn):
            return
        context = self._contexts.wrong if drawn and drawn.name == "tls_bad_cert" else self._contexts.good
        self._task = asyncio.get_running_loop().create_task(self._upgrade(transport, context))

    def _spoil(self, transport: asyncio.Transport, drawn: Drawn) -> bool:
        seconds = float(drawn.argument or 120)
        if drawn.name == "tls_not_tls":
            transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks plain HTTP\r\n")
            hang(transport, 1.0)
            transport.resume_reading()
        elif drawn.name == "tls_drip":
            # A handshake record of full length announced, its content one byte at a time.
            transport.write(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
            drip(transport, repeat(b"\x00"), seconds)
        elif drawn.name != "tls_bad_cert":
            self._connection.transport = transport
            self._connection.meet(drawn)
        else:
            return False
        return True

    async def _upgrade(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            secure = await loop.start_tls(
                transport, self._connection, context, server_side=True, ssl_handshake_timeout=10
            )
        except (OSError, asyncio.CancelledError):
            # The client did not like us, or left: what a provider sees of that is a connection without a request.
            self._connection.server.sim.record.unread += 1
            transport.abort()
            return
        if secure is not None:
            self._upgraded = True
            self._connection.connection_made(secure)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._upgraded and self._task is None:
            self._connection.server.sim.record.unread += 1
