"""The HTTP application in this process, over fakes, and a provider that signs its requests."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from adapters.calls.call_texts import read_call_texts
from adapters.messages.twilio.messenger import open_twilio_messenger
from adapters.messages.twilio.signatures import TwilioSignatures
from adapters.messages.twilio.voice.markup import TwimlMarkup
from adapters.messages.twilio.voice.webhook_parser import TwilioWebhookParser
from application.features.voice.ports import VoicePorts
from application.webhook_urls import WebhookUrls
from entrypoints.http.features.voice.api import VoiceHttpAdditions
from tests.support.app_harness import AppHarness, make_policy
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.http_app import open_http_client
from tests.support.http_settings import make_http_settings
from tests.support.servers.fake_twilio.server import FormFields, sign_webhook

PUBLIC_URL: Final = "https://dialtone.example.org:8443/app"
NOTHING: Final[Mapping[str, Any]] = {}
ACCOUNT: Final = "AC" + "0" * 30 + "da"
TOKEN: Final = "the-token"
CALLER: Final = "+14155550001"
REPORT_ID: Final = "0f" * 16
FORM: Final = (
    ("AccountSid", ACCOUNT),
    ("CallSid", "CA" + "1" * 32),
    ("From", CALLER),
    ("To", "+15005550006"),
    ("CallStatus", "ringing"),
    ("Digits", ""),
)
CALL_PATHS: Final = (
    "/voice",
    "/voice/continue?state=join&visit=1&repeat=0",
    f"/voice/calls/{'0f' * 12}",
    "/voice/fallback",
)
REPORT_PATHS: Final = ("/voice/status", "/voice/recording", f"/sms/status?delivery={REPORT_ID}")
PATHS: Final = CALL_PATHS + REPORT_PATHS
SETTINGS: Final = replace(
    make_http_settings(PUBLIC_URL), additions=(VoiceHttpAdditions(has_phone_line=True),)
)


@dataclass(frozen=True)
class WebhookDriver:
    """A provider that sends requests to the application, whose `harness` has the fakes."""

    http: httpx.AsyncClient
    harness: AppHarness

    async def post(
        self,
        path: str,
        form: FormFields = FORM,
        *,
        signed_url: str | None = None,
        token: str = TOKEN,
        headers: Mapping[str, str] = NOTHING,
    ) -> httpx.Response:
        """Post a form that is signed for `signed_url`, by default the public URL of the path."""
        signature = sign_webhook(token, signed_url or PUBLIC_URL + path, form)
        return await self.send(path, urlencode(form).encode(), signature, headers=headers)

    async def send(
        self,
        path: str,
        content: bytes,
        signature: str | None,
        media_type: str = "application/x-www-form-urlencoded",
        headers: Mapping[str, str] = NOTHING,
    ) -> httpx.Response:
        """Post a body with a signature."""
        signed = {} if signature is None else {"X-Twilio-Signature": signature}
        all_headers = {"Content-Type": media_type, **signed, **headers}
        return await self.http.post(path, content=content, headers=all_headers)


@asynccontextmanager
async def open_webhooks(use_cases: Mapping[str, Any] = NOTHING) -> AsyncIterator[WebhookDriver]:
    """Run the application with these use cases instead of those over fakes."""
    texts = read_call_texts(None, "Dialtone")
    policy = make_policy(call_texts=texts, webhook_urls=WebhookUrls(PUBLIC_URL))
    async with open_twilio_messenger(ACCOUNT, TOKEN, sender="Dialtone") as messenger:
        calls = FakeCallProvider()
        signatures = TwilioSignatures(ACCOUNT, TOKEN)
        harness = AppHarness(
            policy=policy,
            status_callbacks={"twilio": messenger},
            call_provider=calls,
            voice_ports=VoicePorts(calls, signatures, TwilioWebhookParser(), TwimlMarkup()),
        )
        for feature in (harness.voice, harness.otp):
            replaced = vars(feature).keys() & use_cases.keys()
            vars(feature).update({name: use_cases[name] for name in replaced})
        async with open_http_client(harness.use_cases, SETTINGS) as http:
            yield WebhookDriver(http, harness)


def without(form: Sequence[tuple[str, str]], name: str) -> FormFields:
    """Return the form without a field."""
    return [(field, text) for field, text in form if field != name]
