"""Self-signed certificates for https: one for this host, one for another."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """``certificate`` is a PEM file that a client may trust; ``wrong`` is for another name, trusted by nobody."""

    good: ssl.SSLContext
    wrong: ssl.SSLContext
    certificate: Path
    folder: Path

    def remove_files(self) -> None:
        """Remove the certificates' files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def make_contexts() -> TlsContexts:
    """Make fresh certificates in a temporary folder, which stays until ``remove_files``."""
    folder = Path(tempfile.mkdtemp(prefix="simulated-provider-"))
    good = _write_certificate(folder / "provider.pem", ["localhost"], ["127.0.0.1", "::1"])
    wrong = _write_certificate(folder / "elsewhere.pem", ["elsewhere.invalid"], [])
    return TlsContexts(_context(good), _context(wrong), good, folder)


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
