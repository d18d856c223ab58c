"""What `check-settings` says of the phone line, also with `--connect`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.operations.system import SystemRandomness
from adapters.security.encryption import AesPhoneEncryption
from application.features.voice.call_urls import CallUrls
from application.ports.keys import KeyPurpose
from application.ports.webhooks import SignatureCoverage
from entrypoints.commands.features import voice
from entrypoints.commands.operations.checks import connection_checks
from entrypoints.composition.read_settings import read_settings
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError
from tests.support.keys import FakeKeyRing, create_secrets_file
from tests.support.voice.right_voice import RightVoice


def urls_in(lines: Sequence[str]) -> list[str]:
    return [line.partition("HTTP POST  ")[2] for line in lines if "HTTP POST" in line]


class UnsignedUrls(RightVoice):
    signature_coverage = SignatureCoverage(url=False)


@asynccontextmanager
async def open_unsigned(*, environ: Mapping[str, str]) -> AsyncIterator[UnsignedUrls]:
    yield UnsignedUrls()


async def check_with_signatures(settings: Settings) -> list[str]:
    (option,) = voice.FEATURE_COMMANDS.check_options
    find_checks: Any = option.flag_value
    note: str = await find_checks(settings)["phone line"]()
    return note.splitlines()


async def test_urls_with_a_signature_of_the_service_are_shown_only_if_asked_for(
    tmp_path: Path,
) -> None:
    own = {
        "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
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
