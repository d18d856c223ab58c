"""Certificates for TLS servers of tests: an authority, and certificates that it issues."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)


class CertificateAuthority(trustme.CA):
    """An authority with a file of its own certificate, and files of those that it issues."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "ca.pem"
        self.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, ip: str = "127.0.0.1", *, is_expired: bool = False) -> Path:
        """Return the file of a new certificate for this IP, with its key."""
        ends = datetime.now(UTC) - timedelta(days=1) if is_expired else None
        file = self.file.with_name(f"{name}.pem")
        certificate = self.issue_cert(ip, common_name=name, not_after=ends)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
        return file


def subject_of(file: Path) -> str:
    """Return the subject of the certificate in a file, as MongoDB names a user by it."""
    return x509.load_pem_x509_certificates(file.read_bytes())[0].subject.rfc4514_string()


def encrypt_key(file: Path, password: str) -> Path:
    """Return a copy of a file, `….key.pem`, whose key has this password."""
    key = load_pem_private_key(file.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    encrypted = file.with_suffix(".key.pem")
    encrypted.write_bytes(key + b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    encrypted.chmod(0o600)
    return encrypted
