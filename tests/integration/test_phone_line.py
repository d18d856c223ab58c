"""The phone line that the settings open."""

import pytest

from application.ports.otp import DeliveryStatus
from entrypoints.bootstrap import make_webhooks, open_call_provider
from entrypoints.settings.read import read_settings
from tests.support.builders import a_phone
from tests.support.servers.fake_twilio import FakeTwilio

PUBLIC_URL = "https://dialtone.example.org"
URL = f"{PUBLIC_URL}/voice"


@pytest.fixture
def environ(twilio: FakeTwilio) -> dict[str, str]:
    return {
        "DIALTONE_PUBLIC_URL": PUBLIC_URL,
        "DIALTONE_SMS": "twilio,console",
        "DIALTONE_COUNTRIES": "US",
        **twilio.environ,
        "TWILIO_FROM": "Acme",
    }


async def test_calls_come_from_the_number_for_calls(
    twilio: FakeTwilio, environ: dict[str, str]
) -> None:
    settings = read_settings(environ | {"TWILIO_VOICE_FROM": "+14155550001"}, None)

    async with open_call_provider(settings) as calls:
        assert calls is not None
        result = await calls.place_call(a_phone(), URL, f"{URL}/status")

    assert result.status is DeliveryStatus.ACCEPTED
    assert twilio.placed[0].form["From"] == "+14155550001"


async def test_without_its_settings_there_are_no_calls_and_no_webhooks(
    environ: dict[str, str],
) -> None:
    no_public_url = {name: text for name, text in environ.items() if name != "DIALTONE_PUBLIC_URL"}
    for without_webhooks in ({}, no_public_url):
        assert make_webhooks(read_settings(without_webhooks, None)) is None
    for without_calls in ({}, environ):
        async with open_call_provider(read_settings(without_calls, None)) as calls:
            assert calls is None
