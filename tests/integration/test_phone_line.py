"""The phone line that the settings open."""

from collections.abc import Iterator

import pytest

from application.ports.call_provider import PlacementStatus
from application.ports.webhook_signatures import SignedRequest
from entrypoints.bootstrap import make_webhooks, open_call_provider
from entrypoints.settings import read_settings
from tests.support.builders import a_phone
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.webhooks import sign_webhook

PUBLIC_URL = "https://dialtone.example.org"
URL = f"{PUBLIC_URL}/voice"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


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

    assert result.status is PlacementStatus.PLACED
    assert twilio.calls[0].form["From"] == "+14155550001"


def test_both_tokens_sign_webhooks(twilio: FakeTwilio, environ: dict[str, str]) -> None:
    settings = read_settings(environ | {"TWILIO_AUTH_TOKEN_SECONDARY": "the-next-token"}, None)
    form = [("AccountSid", twilio.account_sid), ("CallSid", "CA1")]

    webhooks = make_webhooks(settings)

    assert webhooks is not None
    assert webhooks.markup.render([], lambda _: URL).media_type == "text/xml"
    verified = []
    for token in (twilio.auth_token, "the-next-token", "another-token"):
        headers = {"x-twilio-signature": sign_webhook(token, URL, form)}
        verified.append(webhooks.signatures.verify(SignedRequest(URL, headers, form)))
    assert verified == [True, True, False]


async def test_without_a_number_to_call_from_there_are_no_calls(environ: dict[str, str]) -> None:
    async with open_call_provider(read_settings(environ, None)) as calls:
        assert calls is None


async def test_the_console_has_neither_calls_nor_webhooks() -> None:
    settings = read_settings({}, None)

    assert make_webhooks(settings) is None
    async with open_call_provider(settings) as calls:
        assert calls is None


def test_without_a_public_url_there_are_no_webhooks(environ: dict[str, str]) -> None:
    del environ["DIALTONE_PUBLIC_URL"]

    assert make_webhooks(read_settings(environ, None)) is None
