"""Requests about calls, where the provider does not sign the URL."""

from dataclasses import replace

from application.features.voice.call_urls import ClaimWebhook
from application.ports.webhooks import SignedRequest
from domain.features.voice.call import USED_WEBHOOK_TTL
from tests.support.app_harness import AppHarness
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.voice.stored import voice_repositories

REQUEST = SignedRequest("https://dialtone.example.org/voice/continue?state=a", {}, body=b"1")
ELSEWHERE = replace(REQUEST, url="https://dialtone.example.org/voice/continue?state=b")


async def test_a_request_counts_at_the_url_where_it_came_first(app: AppHarness) -> None:
    used_webhooks = voice_repositories(app.database).used_webhooks
    claim = ClaimWebhook(used_webhooks, app.use_cases.keyed_hashes, app.clock)

    for request_id in ("", "event 1"):
        assert await claim(REQUEST, request_id)
        assert not await claim(ELSEWHERE, request_id)
        # The provider repeats it.
        assert await claim(REQUEST, request_id)
    assert await claim(replace(ELSEWHERE, body=b"2"), "")
    assert await claim(ELSEWHERE, "event 2")

    app.clock.advance(USED_WEBHOOK_TTL)
    assert (await app.operations.cleanup())["expired_webhooks"] == 4


async def test_nobody_can_guess_what_a_stored_request_says_without_the_key(app: AppHarness) -> None:
    used_webhooks = voice_repositories(app.database).used_webhooks
    for request, key in ((REQUEST, b"one"), (ELSEWHERE, b"another")):
        assert await ClaimWebhook(used_webhooks, FakePhoneEncryption(key), app.clock)(request, "")
