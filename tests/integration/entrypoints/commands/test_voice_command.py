"""What `check-settings` says of the phone line, also with `--connect`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.operations.system import SystemRandomness
from adapters.security.encryption import AesPhoneEncryption
from application.features.voice.call_urls import CallUrls
from application.ports.keys import KeyPurpose
from entrypoints.commands.features import voice
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.composition.read_settings import read_settings
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from tests.support.keys import FakeKeyRing, create_secrets_file
from tests.support.voice.unsigned_voice import UnsignedVoice

PHONE_LINE: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "US",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
}


def urls_in(lines: Sequence[str]) -> list[str]:
    return [line.partition("HTTP POST  ")[2] for line in lines if "HTTP POST" in line]


async def test_the_urls_to_enter_are_listed_also_if_the_provider_cannot_be_reached() -> None:
    settings = read_settings({**PHONE_LINE, "TWILIO_API_BASE": "http://127.0.0.1:1"}, None)
    with pytest.raises(StartupError) as raised:
        await connection_checks(settings)["phone line"]()

    error, place, *lines = str(raised.value).splitlines()
    assert error.startswith("DIALTONE_VOICE: ")
    assert place.startswith("Console of Twilio, Phone Numbers")
    assert [line.split("  ")[0] for line in lines[:3]] == [
        "A call comes in",
        "Primary handler fails",
        "Call status changes",
    ]
    assert urls_in(lines) == [
        "https://dialtone.example.org/app/voice",
        "https://dialtone.example.org/app/voice/fallback",
        "https://dialtone.example.org/app/voice/status",
    ]
    assert "DIALTONE_OPERATOR is not set" in lines[-1]
    assert "tops3cret" not in str(raised.value)
    assert PHONE_LINE["TWILIO_VOICE_FROM"] not in str(raised.value)


@asynccontextmanager
async def open_unsigned(*, environ: Mapping[str, str]) -> AsyncIterator[UnsignedVoice]:
    yield UnsignedVoice()


async def check_with_signatures(settings: Settings) -> list[str]:
    (option,) = voice.FEATURE_COMMANDS.check_options
    find_checks: Any = option.flag_value
    note: str = await find_checks(settings)["phone line"]()
    return note.splitlines()


async def test_urls_with_a_signature_of_the_service_are_shown_only_if_asked_for(
    tmp_path: Path,
) -> None:
    own = {
        "DIALTONE_PUBLIC_URL": PHONE_LINE["DIALTONE_PUBLIC_URL"],
        "DIALTONE_SECRETS_FILE": str(tmp_path / "secrets.json"),
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_VOICE": f"{__name__}:{open_unsigned.__name__}",
    }
    settings = read_settings(own, None)
    hidden = await connection_checks(settings)["phone line"]()
    with pytest.raises(StartupError, match="which needs its keys"):
        await check_with_signatures(settings)
    keys = create_secrets_file(tmp_path / "secrets.json")
    shown = await check_with_signatures(settings)

    assert "--show-voice-urls shows them" in hidden
    assert "signature=" not in hidden
    assert urls_in(hidden.splitlines()) == []
    (key,) = keys[KeyPurpose.PHONE_INDEX]
    hashes = AesPhoneEncryption(key.key, FakeKeyRing(), SystemRandomness())
    expected = CallUrls(settings.public_url, hashes)
    assert urls_in(shown) == [expected.voice(), expected.fallback(), expected.call_status()]
