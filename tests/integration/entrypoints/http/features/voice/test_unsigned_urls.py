"""Webhooks of a provider of calls that signs the body of a request, and not its URL."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from application.features.voice.feature import VoiceFeature
from application.features.voice.ports import VoicePorts
from application.webhook_urls import WebhookUrls
from tests.integration.entrypoints.http.features.voice.webhooks import (
    CALLER,
    PATHS,
    PUBLIC_URL,
    SETTINGS,
)
from tests.support.app_harness import AppHarness, make_policy
from tests.support.http_app import open_http_client
from tests.support.voice.unsigned_voice import UnsignedVoice

CALL: Final = {"call": "c7", "from": CALLER, "to": "+15005550006"}


@dataclass(frozen=True)
class Provider:
    """Posts requests about calls, each with an id of its own."""

    http: httpx.AsyncClient
    app: AppHarness

    async def post(self, url: str, **fields: Any) -> httpx.Response:
        body = json.dumps(CALL | fields).encode()
        headers = {"Signature": UnsignedVoice().sign(body), "Content-Type": "application/json"}
        path = url.removeprefix(PUBLIC_URL)
        return await self.http.post(path, content=body, headers=headers)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    policy = make_policy(webhook_urls=WebhookUrls(PUBLIC_URL))
    voice = UnsignedVoice()
    ports = VoicePorts(voice, voice, voice, voice)
    app = AppHarness(policy=policy, call_provider=voice, voice_ports=ports)
    async with open_http_client(app.use_cases, SETTINGS) as http:
        yield Provider(http, app)


async def test_only_urls_of_the_service_are_accepted(provider: Provider) -> None:
    for path in PATHS:
        if path.startswith("/voice"):
            assert (await provider.post(path)).status_code == 403, path
    urls = provider.app.use_cases.of(VoiceFeature).urls_at(PUBLIC_URL)
    fixed = {urls.voice(): 200, urls.fallback(): 200, urls.call_status(): 204}
    for number, (url, status) in enumerate(fixed.items()):
        assert (await provider.post(url, id=number)).status_code == status
