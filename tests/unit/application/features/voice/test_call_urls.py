"""The URLs that a provider of calls requests, and requests of providers that do not sign them."""

from dataclasses import replace
from urllib.parse import urlsplit

from application.features.voice.call_urls import CallUrls, ClaimWebhook
from application.ports.webhooks import SignedRequest
from application.webhook_urls import PhoneLabels
from domain.features.voice.call import USED_WEBHOOK_TTL
from domain.features.voice.instructions import Position
from tests.support.app_harness import AppHarness
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.voice.stored import voice_repositories

URLS = CallUrls("https://dialtone.example.org")
SIGNED = CallUrls("https://dialtone.example.org/app", FakePhoneEncryption())
LABELS = PhoneLabels("IN", "0123456789abcdef")
POSITION = Position("join", visit=2, repeat=1)


def test_signed_urls_are_accepted_as_they_were_made_and_for_their_call() -> None:
    call, other = SIGNED.of_call("c1"), SIGNED.of_call("c2")
    of_no_call = [SIGNED.voice(), SIGNED.call_status("c1", LABELS), SIGNED.code_call("c1")]
    of_this_call = [call.continue_call(POSITION), call.recording(), call.code_call("c1", POSITION)]

    assert all(map(call.accepts, [*of_no_call, *of_this_call]))
    assert [url for url in of_this_call if other.accepts(url)] == []
    signature = urlsplit(SIGNED.voice()).query
    for url in (
        *map(URLS.make_url, ("/voice", "/voice/continue")),
        f"{SIGNED.public_url}/voice",
        f"{SIGNED.public_url}/voice/status?{signature}",
        f"{SIGNED.voice()}&state=join",
        f"{SIGNED.voice()}&{signature}",
        f"{SIGNED.voice()}&",
        SIGNED.voice().replace("/voice?", "/voice/?"),
        SIGNED.voice().replace("signature", "%73ignature"),
        SIGNED.voice().replace("/app/", "/"),
        f"{SIGNED.voice()[:-4]}&signature={SIGNED.voice()[-4:]}",
        call.continue_call(POSITION).replace("state=join&visit=2", "visit=2&state=join"),
        call.continue_call(POSITION).replace("state=join", "state=%6Aoin"),
        call.continue_call(POSITION).replace("visit=2", "visit=3"),
        call.continue_call(POSITION).replace("/voice/continue", "/voice/calls/c1"),
        call.code_call("c1", POSITION).replace("/c1", "/c2"),
    ):
        assert not call.accepts(url), url


def test_urls_that_the_provider_signs_have_no_signature() -> None:
    assert URLS.accepts(URLS.continue_call(POSITION))
    assert "signature" not in URLS.voice()


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
