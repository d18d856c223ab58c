"""Messages, the health check and the check of the template, with a server that is like Meta."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger, open_whatsapp_messenger
from application.ports.errors import ConfigurationError, MessengerUnavailable
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import SignedRequest
from tests.contract.messenger_drivers import account_of
from tests.support.builders import a_message, a_phone
from tests.support.timeouts import LONG
from tests.support.whatsapp.fake_whatsapp import FakeWhatsApp, a_status, a_template, sign

CODE = [{"type": "text", "text": "012345"}]


@asynccontextmanager
async def open_messenger(
    server: FakeWhatsApp, **fields: Any
) -> AsyncIterator[tuple[WhatsAppMessenger, list[float]]]:
    now = [0.0]
    account = account_of(server, **fields)
    opening = open_whatsapp_messenger(account, timeouts=LONG, now=lambda: now[0])
    async with opening as messenger:
        yield messenger, now


async def test_a_code_is_sent_by_the_template_in_the_language_of_the_request() -> None:
    languages = ("en_US", "pt_BR")
    with FakeWhatsApp() as server:
        server.templates = [a_template(language) for language in languages]
        async with open_messenger(server, languages=languages) as (messenger, _):
            message = a_message(requested_locale="pt-PT", reference="ab" * 16)
            result = await messenger.send(a_phone(1), message)

    assert result.status is DeliveryStatus.ACCEPTED
    assert len(result.provider_message_id) == 20
    (sent,) = server.messages
    assert sent == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": a_phone(1).e164,
        "type": "template",
        "template": {
            "name": "sign_in_code",
            "language": {"code": "pt_BR"},
            "components": [
                {"type": "body", "parameters": CODE},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": CODE},
            ],
        },
        "biz_opaque_callback_data": "ab" * 16,
    }


async def test_where_nobody_gets_messages_there_is_a_warning_and_the_check_fails_for_ten_minutes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with FakeWhatsApp() as server:
        async with open_messenger(server) as (messenger, now):
            events: list[dict[str, object]] = []
            for code, is_for_nobody in ((131026, False), (131056, False), (132015, True)):
                server.errors = {a_phone(1).e164[1:]: code}
                await messenger.check()
                await messenger.send(a_phone(1), a_message())
                events = [line.msg for line in caplog.records if isinstance(line.msg, dict)]
                assert bool(events) == is_for_nobody
            (event,) = events
            assert event["event"] == "whatsapp_sends_nothing"
            assert event["error_code"] == "132015"
            now[0] += 599
            with pytest.raises(MessengerUnavailable, match=r"paused .* \(132015\)"):
                await messenger.check()
            now[0] += 1
            await messenger.check()

            # Meta may say so in a report only.
            message = {"wamid": "wamid.1", "to": "+1", "biz_opaque_callback_data": "x"}
            body = server.report(a_status(message, "failed", 368))
            headers = {"x-hub-signature-256": sign(server.app_secret, body)}
            assert messenger.read_statuses(SignedRequest("https://x", headers, body=body))
            with pytest.raises(MessengerUnavailable, match=r"restricted.*368"):
                await messenger.check()


async def test_a_template_that_can_be_sent_in_each_language_is_right() -> None:
    languages = ("en_US", "pt_BR", "zh_HK")
    with FakeWhatsApp() as server:
        server.page_size = 2
        similar = a_template("en_US", name="sign_in_code_2", status="REJECTED")
        server.templates = [similar, *(a_template(language) for language in languages)]
        async with open_messenger(server, languages=languages) as (messenger, _):
            assert await messenger.check_template() == ""
            server.has_app = False
            assert "no app is subscribed" in await messenger.check_template()


FOOTER = {"type": "FOOTER", "code_expiration_minutes": 10}
BUTTONS = a_template()["components"][2]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "another"}, "does not exist: create it"),
        ({"status": "PAUSED"}, "has the status PAUSED"),
        ({"category": "UTILITY"}, "has the category UTILITY"),
        ({"components": []}, "has no button for the code"),
        ({"components": [{"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY"}]}]}, "no button"),
        ({"message_send_ttl_seconds": None}, "may be delivered for Meta's default time"),
        ({"message_send_ttl_seconds": 600}, "may be delivered for 600 s"),
        ({"components": [FOOTER, BUTTONS]}, "says that codes are valid for 10 minutes"),
    ],
)
async def test_each_problem_of_a_template_names_the_way_out(
    fields: dict[str, Any], problem: str
) -> None:
    with FakeWhatsApp() as server:
        server.templates = [a_template(**fields), a_template("es")]
        async with open_messenger(server, languages=("en_US", "es")) as (messenger, _):
            with pytest.raises(ConfigurationError) as raised:
                await messenger.check_template()

    text = str(raised.value)
    assert text.startswith("The template sign_in_code in en_US ")
    assert problem in text
    assert "in es" not in text
