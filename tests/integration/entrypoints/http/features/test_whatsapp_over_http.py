"""Codes by WhatsApp over HTTP: the channel of a request, and the webhook."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from application.webhook_urls import parse_reference
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.delivery_policy import ONLY_SMS, ChannelOrder
from entrypoints.http.features.whatsapp import MAX_BODY_BYTES, WhatsAppHttpAdditions
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings
from tests.support.whatsapp.whatsapp_app import WhatsAppHarness, whatsapp_policy

CHANNELS = ChannelOrder(ONLY_SMS, (("IN", (Channel.WHATSAPP, Channel.SMS)),))
SETTINGS = replace(
    make_http_settings(channels=CHANNELS), additions=(WhatsAppHttpAdditions(is_used=True),)
)
INDIAN, AMERICAN = "+919876543210", "+14155552671"


@pytest.fixture
def app() -> WhatsAppHarness:
    return WhatsAppHarness(policy=whatsapp_policy(CHANNELS))


@pytest_asyncio.fixture
async def http(app: WhatsAppHarness) -> AsyncIterator[httpx.AsyncClient]:
    async with open_http_client(app.use_cases, SETTINGS) as client:
        yield client


async def test_only_the_country_decides_which_channel_there_is(
    app: WhatsAppHarness, http: httpx.AsyncClient
) -> None:
    of_country = {INDIAN: "'whatsapp' or 'sms'", AMERICAN: "'sms'"}
    for phone, channel, status in (
        (INDIAN, "whatsapp", 200),
        (AMERICAN, "whatsapp", 400),
        (AMERICAN, "fax", 400),
        (AMERICAN, "voice", 400),
        (INDIAN, "voice", 400),
        (INDIAN, "fax", 400),
    ):
        response = await http.post("/auth/request-otp", json={"phone": phone, "channel": channel})
        assert response.status_code == status
        if status == 200:
            assert response.json()["channels"] == ["whatsapp", "sms"]
        if status == 400:
            (message,) = response.json()["errors"]["channel"]
            assert f"Send {of_country[phone]}, or omit the field." in message
            assert "DIALTONE_" not in message
    await app.finish()
    assert len(app.whatsapp.sent) == 1


async def test_the_webhook_records_statuses_and_answers_the_handshake(
    app: WhatsAppHarness, http: httpx.AsyncClient
) -> None:
    await http.post("/auth/request-otp", json={"phone": INDIAN})
    reference = app.whatsapp.sent[0].reference
    assert parse_reference(app.keyed_hashes, reference) is not None
    handshake = await http.get("/whatsapp/status?hub.mode=subscribe")
    assert (handshake.status_code, handshake.text) == (200, "1158201444")
    assert await app.report(ReportedStatus.FAILED)
    response = await http.post("/whatsapp/status", content=b"{}")
    assert (response.status_code, response.content) == (200, b"")
    await app.finish()
    assert len(app.messenger.sent) == 1


async def test_what_the_provider_did_not_sign_or_is_too_large_is_rejected(
    app: WhatsAppHarness, http: httpx.AsyncClient
) -> None:
    app.whatsapp.statuses = None
    for size, status in ((2, 403), (MAX_BODY_BYTES, 403), (MAX_BODY_BYTES + 1, 413)):
        response = await http.post("/whatsapp/status", content=bytes(size))
        assert (response.status_code, response.content) == (status, b"")
