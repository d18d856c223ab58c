"""The settings of Vonage: the key of the application, the signature secrets, the sender."""

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

from entrypoints.opening import providers
from entrypoints.settings.read import read_settings
from tests.support.keys import to_pem
from tests.support.servers.fake_vonage import private_pem
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import TWILIO, VONAGE

KEY = private_pem()
NAME = "VONAGE_PRIVATE_KEY"


def test_messages_go_by_twilio_and_then_by_vonage() -> None:
    number = {"TWILIO_FROM": "+15005550006", "DIALTONE_SMS": "twilio, Vonage"}

    assert read_settings(VONAGE | TWILIO | number, None).sms == (
        providers.TWILIO,
        providers.VONAGE,
    )
    assert read_settings(VONAGE, None).sms == (providers.VONAGE,)


def test_each_part_of_an_account_must_be_set() -> None:
    unset = [name for name in VONAGE if name.startswith("VONAGE")]
    lines = problems(VONAGE | dict.fromkeys(unset, " "))
    assert list(lines) == unset
    for line in lines.values():
        assert "ust be set if DIALTONE_SMS " in line
        assert "DIALTONE_VOICE" not in line
        assert "  " not in line


def test_the_id_of_an_application_is_in_lower_case_as_in_callbacks() -> None:
    written = VONAGE["VONAGE_APPLICATION_ID"].upper()
    read = read_settings(VONAGE | {"VONAGE_APPLICATION_ID": written}, None)
    assert written != read.vonage_application_id == written.lower()


@pytest.mark.parametrize("text", [KEY.strip(), KEY.replace("\n", "\\n"), f"\n{KEY}"])
def test_a_key_may_have_its_lines_or_escaped_ones(text: str) -> None:
    read = read_settings(VONAGE | {NAME: text}, None)
    assert read.vonage_private_key.value.strip() == KEY.strip()
    assert KEY.splitlines()[1] not in repr(read)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_key_is_the_file_that_the_dashboard_offers(tmp_path: Path, newline: str) -> None:
    file = tmp_path / "private.key"
    file.write_bytes(KEY.replace("\n", newline).encode())
    file.chmod(0o600)
    read = read_settings(VONAGE | {NAME: "", f"{NAME}_FILE": str(file)}, None)
    assert read.vonage_private_key.value.strip() == KEY.strip()

    file.write_text("no key\nin two lines")
    line = problems(VONAGE | {NAME: "", f"{NAME}_FILE": str(file)})[f"{NAME}_FILE"]
    assert line.startswith(
        f"{NAME}_FILE: In {file}: Must be the private key of the application, in PEM"
    )


def test_another_key_is_rejected_and_not_shown() -> None:
    encrypted = generate_rsa(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"tops3cret")
    )
    short = generate_rsa(65537, 1024)  # noqa: S505 - it is rejected
    others = {
        "in PEM and without a password": [
            "MIIEvQIBADANBg",
            KEY[:200],
            encrypted.decode(),
            short.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "\x00\ud800",
        ],
        "an RSA key of at least 2048 bits": [
            to_pem(generate_private_key(SECP256R1())).decode(),
            short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        ],
    }
    for expected, texts in others.items():
        for text in texts:
            line = problems(VONAGE | {NAME: text})[NAME]
            assert expected in line
            assert line.endswith(f'Example: {NAME}="$(cat private.key)"')
            assert not any(part in line for part in text.splitlines() if part)


@pytest.mark.parametrize(
    ("text", "sender"),
    [("+15005550006", "15005550006"), ("15005550006", "15005550006"), ("Acme 24", "Acme 24"),
     ("12345", "12345")],
)  # fmt: skip
def test_a_sender_is_a_number_without_plus_or_a_name(text: str, sender: str) -> None:
    assert read_settings(VONAGE | {"VONAGE_FROM": text}, None).vonage_from == sender
