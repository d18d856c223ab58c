"""Certificates for TLS servers of tests: an authority, and certificates that it issues."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.keys import to_pem

LOCALHOST: Final = "127.0.0.1"
_DAY: Final = timedelta(days=1)


class CertificateAuthority:
    """An authority with a file of its own certificate, and files of those that it issues."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        """Make the key and the certificate of the authority in this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = (
            _builder(self._name, self._name, self._key.public_key(), datetime.now(UTC) + _DAY)
            .add_extension(basic, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, ip: str = LOCALHOST, *, is_expired: bool = False) -> Path:
        """Return the file of a new certificate for this IP, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        ends = datetime.now(UTC) + (-_DAY if is_expired else _DAY)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ip))])
        certificate = (
            _builder(_name(name), self._name, key.public_key(), ends)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{name}.pem"
        file.write_bytes(to_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        return file


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - 10 * _DAY)
        .not_valid_after(ends)
    )
