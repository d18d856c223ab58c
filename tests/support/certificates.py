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
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._sign(self._name, self._key, _DAY, basic))

    def issue(self, name: str, ip: str = LOCALHOST, *, is_expired: bool = False) -> Path:
        """Return the file of a new certificate for this IP, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ip))])
        certificate = self._sign(_name(name), key, -_DAY if is_expired else _DAY, names)
        file = self._folder / f"{name}.pem"
        file.write_bytes(to_pem(key) + certificate)
        return file

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        lifetime: timedelta,
        extension: x509.ExtensionType,
    ) -> bytes:
        ends = datetime.now(UTC) + lifetime
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - 10 * _DAY)
            .not_valid_after(ends)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
