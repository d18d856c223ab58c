"""The key of a Vonage application."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from entrypoints.composition.read_settings import read_settings
from tests.support.keys import to_pem
from tests.support.servers.fake_vonage import private_pem
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import VONAGE

KEY = private_pem()
NAME = "VONAGE_PRIVATE_KEY"
ENCRYPTED = generate_rsa(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"tops3cret")
)
SHORT = generate_rsa(65537, 1024)  # noqa: S505 - it is rejected
SHORT_PUBLIC = SHORT.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SHORT_PRIVATE = SHORT.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\\n"])
def test_a_key_is_the_file_that_the_dashboard_offers_or_its_text(
    tmp_path: Path, newline: str
) -> None:
    file, text = tmp_path / "private.key", KEY.replace("\n", newline)
    file.write_bytes(text.encode())
    file.chmod(0o600)
    for environ in ({NAME: f"\n{text}"}, {NAME: "", f"{NAME}_FILE": str(file)}):
        read = read_settings(VONAGE | environ, None)
        assert read.vonage_private_key.value.strip() == KEY.strip()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["MIIEvQIBADANBg", KEY[:200], ENCRYPTED.decode(), SHORT_PUBLIC.decode(), "\x00\ud800"],
            "in PEM and without a password",
        ),
        (
            [to_pem(generate_private_key(SECP256R1())).decode(), SHORT_PRIVATE.decode()],
            "an RSA key of at least 2048 bits",
        ),
    ],
    ids=["no key", "another key"],
)
def test_another_key_is_rejected_and_not_shown(texts: list[str], expected: str) -> None:
    for text in texts:
        line = problems(VONAGE | {NAME: text})[NAME]
        assert expected in line
        assert line.endswith(f'Example: {NAME}="$(cat private.key)"')
        assert not any(part in line for part in text.splitlines() if part)
