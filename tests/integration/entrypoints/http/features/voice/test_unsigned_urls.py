"""Webhooks of a provider of calls that signs the body of a request, and not its URL."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from adapters.calls.call_texts import read_call_texts
from application.features.voice.feature import VoiceFeature
from application.features.voice.ports import VoicePorts
from application.ports.webhooks import SignatureCoverage, SignedRequest
from application.webhook_urls import WebhookUrls
from tests.integration.entrypoints.http.features.voice.webhooks import (
    CALLER,
    PATHS,
    PUBLIC_URL,
    SETTINGS,
)
from tests.support.app_harness import AppHarness, make_policy
from tests.support.fakes.call_provider import FakeCallProvider
from tests.support.http_app import open_http_client
from tests.support.voice.right_voice import parse_call, render_steps

CALL: Final = {"call": "c7", "from": CALLER, "to": "+15005550006"}


class BodySignatures:
    """Signs the body only."""

    signature_coverage = SignatureCoverage(url=False, time=False)

    def sign(self, body: bytes) -> str:
        return hmac.digest(b"key", body, "sha256").hex()

    def verify(self, request: SignedRequest) -> bool:
        return hmac.compare_digest(self.sign(request.body), request.headers.get("signature", ""))


class Documents:
    """Reads and renders JSON."""

    parse = staticmethod(parse_call)
    render = staticmethod(render_steps)


@dataclass(frozen=True)
class Provider:
    """Posts requests about calls, each with an id of its own."""

    http: httpx.AsyncClient
    app: AppHarness

    async def post(self, url: str, **fields: Any) -> httpx.Response:
        body = json.dumps(CALL | fields).encode()
        headers = {"Signature": BodySignatures().sign(body), "Content-Type": "application/json"}
        path = url.removeprefix(PUBLIC_URL)
        return await self.http.post(path, content=body, headers=headers)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    texts = read_call_texts(None, "Dialtone")
    policy = make_policy(call_texts=texts, webhook_urls=WebhookUrls(PUBLIC_URL))
    calls, documents = FakeCallProvider(), Documents()
    ports = VoicePorts(calls, BodySignatures(), documents, documents)
    app = AppHarness(policy=policy, call_provider=calls, voice_ports=ports)
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
