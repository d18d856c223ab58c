"""The phone line that the settings open."""

from collections.abc import Iterator

import pytest

from application.ports.call_provider import PlacementStatus
from application.ports.webhook_signatures import SignedRequest
from entrypoints.bootstrap import open_phone_line
from entrypoints.settings import read_settings
from tests.support.builders import a_phone
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.webhooks import sign_webhook

PHONE = a_phone()
URL = "https://dialtone.example.org/voice"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


async def test_twilio_places_calls_and_both_of_its_tokens_sign(twilio: FakeTwilio) -> None:
    environ = {
        "DIALTONE_SMS": "twilio,console",
        "DIALTONE_COUNTRIES": "US",
        **twilio.environ,
        "TWILIO_FROM": "Acme",
        "TWILIO_VOICE_FROM": "+14155550001",
        "TWILIO_AUTH_TOKEN_SECONDARY": "the-next-token",
    }
    form = [("AccountSid", twilio.account_sid), ("CallSid", "CA1")]

    async with open_phone_line(read_settings(environ, None)) as phone_line:
        assert phone_line is not None
        result = await phone_line.call_provider.place_call(PHONE, URL, f"{URL}/status")
        assert phone_line.markup is not None
        assert phone_line.markup.render([], lambda _: URL).media_type == "text/xml"
        assert phone_line.signatures is not None
        verified = [
            phone_line.signatures.verify(
                SignedRequest(URL, {"x-twilio-signature": sign_webhook(token, URL, form)}, form)
            )
            for token in (twilio.auth_token, "the-next-token", "another-token")
        ]

    assert result.status is PlacementStatus.PLACED
    assert twilio.calls[0].form["From"] == "+14155550001"
    assert verified == [True, True, False]


async def test_the_console_prints_calls(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_phone_line(read_settings({}, None)) as phone_line:
        assert phone_line is not None
        assert (phone_line.markup, phone_line.signatures) == (None, None)
        await phone_line.call_provider.place_call(PHONE, URL, f"{URL}/status")

    assert URL in capsys.readouterr().out


async def test_without_a_number_to_call_from_there_is_no_phone_line(twilio: FakeTwilio) -> None:
    environ = {"DIALTONE_SMS": "twilio", "DIALTONE_COUNTRIES": "US", **twilio.environ}

    settings = read_settings({**environ, "TWILIO_FROM": "Acme"}, None)

    async with open_phone_line(settings) as phone_line:
        assert phone_line is None
