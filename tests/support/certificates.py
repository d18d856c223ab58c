"""Certificates for TLS servers of tests: an authority, and certificates that it issues."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


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
