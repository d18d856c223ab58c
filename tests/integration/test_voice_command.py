"""`dialtone flow check` and `dialtone voice` as an operator uses them."""

from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from adapters.encryption import AesPhoneEncryption
from adapters.http import Timeouts, open_transport
from adapters.system import SystemRandomness
from application.ports.keys import KeyPurpose
from application.ports.webhooks import SignatureCoverage
from application.voice.call_urls import CallUrls
from entrypoints.commands.arguments import make_parser
from entrypoints.commands.voice.flow import check_flow
from entrypoints.commands.voice.urls import show_voice_urls
from entrypoints.opening.file_checks import FILE_CHECKS
from entrypoints.opening.startup_error import CommandError, StartupError
from entrypoints.settings.read import read_settings
from pytest_dialtone.examples.acme_voice import AcmeVoice
from tests.support.keys import FakeKeyRing, create_secrets_file

PHONE_LINE: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org/app",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "US",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
}


def check(*arguments: str) -> list[str]:
    parsed = make_parser().parse_args(["flow", "check", *arguments])
    return list(check_flow(read_settings({}, None), parsed))


def test_a_flow_is_checked_with_what_may_be_a_mistake() -> None:
    valid, *contained = check()
    assert valid.startswith("The call flow is valid: ")
    assert "main_menu.choices: 'leave' (4) is inside 'leave feedback' (3)" in "\n".join(contained)


def test_the_problems_of_a_flow_are_lines_of_an_error(tmp_path: Path) -> None:
    flow_file = tmp_path / "flow.toml"
    flow_file.write_text('default_locale = "en"\n')
    with pytest.raises(StartupError) as of_file:
        check(str(flow_file))
    with pytest.raises(StartupError) as of_setting:
        read_settings(PHONE_LINE | {"DIALTONE_CALL_FLOW": str(flow_file)}, None, FILE_CHECKS)

    lines = str(of_file.value).splitlines()
    assert f"{flow_file}, nodes: there is none; add a table [nodes.NAME]." in lines
    assert str(of_setting.value).startswith("DIALTONE_CALL_FLOW: ")
    assert len(lines) == len(str(of_setting.value).splitlines()) == 4


def test_it_shows_the_urls_to_enter_at_twilio_or_what_is_missing() -> None:
    caller_id, *lines = show_voice_urls(read_settings(PHONE_LINE, None), Namespace())

    assert "+14155550006" in caller_id
    assert [line.split("  ")[0] for line in lines[:3]] == [
        "A call comes in",
        "Primary handler fails",
        "Call status changes",
    ]
    assert [line.partition("HTTP POST  ")[2] for line in lines[:3]] == [
        "https://dialtone.example.org/app/voice",
        "https://dialtone.example.org/app/voice/fallback",
        "https://dialtone.example.org/app/voice/status",
    ]
    assert "DIALTONE_OPERATOR is not set" in lines[-1]
    assert "tops3cret" not in "".join([caller_id, *lines])
    without_number = read_settings(PHONE_LINE | {"TWILIO_VOICE_FROM": ""}, None)
    with pytest.raises(CommandError, match="TWILIO_VOICE_FROM"):
        list(show_voice_urls(without_number, Namespace()))


class UnsignedUrls(AcmeVoice):
    signature_coverage = SignatureCoverage(url=False)


@asynccontextmanager
async def open_unsigned(*, environ: Mapping[str, str]) -> AsyncIterator[AcmeVoice]:
    async with open_transport(Timeouts()) as transport:
        yield UnsignedUrls(transport, environ)


def test_urls_that_the_provider_does_not_sign_have_a_signature(tmp_path: Path) -> None:
    keys = create_secrets_file(tmp_path / "secrets.json")
    own = {
        "DIALTONE_PUBLIC_URL": PHONE_LINE["DIALTONE_PUBLIC_URL"],
        "DIALTONE_SECRETS_FILE": str(tmp_path / "secrets.json"),
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_VOICE": f"{__name__}:{open_unsigned.__name__}",
        **dict.fromkeys(("ACME_VOICE_URL", "ACME_VOICE_KEY", "ACME_VOICE_NUMBER"), "x"),
        "ACME_VOICE_SECRET": "tops3cret",
    }
    settings = read_settings(own, None)
    lines = list(show_voice_urls(settings, Namespace()))[1:4]

    (key,) = keys[KeyPurpose.PHONE_INDEX]
    hashes = AesPhoneEncryption(key.key, FakeKeyRing(), SystemRandomness())
    expected = CallUrls(settings.public_url, hashes)
    assert [line.partition("HTTP POST  ")[2] for line in lines] == [
        expected.voice(),
        expected.fallback(),
        expected.call_status(),
    ]
