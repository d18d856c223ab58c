"""The Twilio messenger: what a request has, and what it gets."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.messages.twilio.messenger import TwilioMessenger, open_twilio_messenger
from application.ports.otp import DeliveryStatus
from tests.support.builders import a_message, a_phone
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.timeouts import LONG

PHONE = a_phone()
TEXT = "012345 is your code: a&b=c+d%20e;\n\n@a.example \x00"
NUMBER = "+15005550006"


def open_messenger(
    twilio: FakeTwilio, sender: str = NUMBER
) -> AbstractAsyncContextManager[TwilioMessenger]:
    return open_twilio_messenger(
        twilio.account_sid,
        twilio.auth_token,
        sender=sender,
        api_base=twilio.url,
        timeouts=LONG,
    )


@pytest.fixture
async def messenger(twilio: FakeTwilio) -> AsyncIterator[TwilioMessenger]:
    async with open_messenger(twilio) as messenger:
        yield messenger


async def test_a_message_is_sent_as_twilio_documents_it(
    twilio: FakeTwilio, messenger: TwilioMessenger
) -> None:
    url = "https://dialtone.example.org/sms/status?delivery=4f2a"

    sent = await messenger.send(PHONE, a_message(TEXT, status_url=url))

    assert sent.status is DeliveryStatus.ACCEPTED
    assert sent.provider_message_id.startswith("SM")
    [request] = twilio.requests
    assert request.method == "POST"
    assert request.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    assert request.credentials == (twilio.account_sid, twilio.auth_token)
    assert request.form == {
        "To": PHONE.e164,
        "From": NUMBER,
        "Body": TEXT,
        "StatusCallback": url,
    }


async def test_the_sender_may_be_a_messaging_service(twilio: FakeTwilio) -> None:
    service = "MG" + "0a" * 16
    async with open_messenger(twilio, service) as messenger:
        await messenger.send(PHONE, a_message(TEXT))

    assert twilio.messages == [{"To": PHONE.e164, "MessagingServiceSid": service, "Body": TEXT}]
