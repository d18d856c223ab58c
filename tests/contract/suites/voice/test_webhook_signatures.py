"""The promises of the port that verifies a provider's requests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from application.ports.webhooks import MAX_SIGNATURE_AGE, SignedRequest, coverage_of
from tests.contract.suites.promises import not_promised
from tests.contract.suites.signed_headers import find_accepted_parts, with_headers_of
from tests.contract.suites.voice.drivers import VoiceDriver

URL: Final = "https://dialtone.example.org/app/voice/c1?state=menu%20one&visit=2"
MINUTE: Final = timedelta(minutes=1)
UNSIGNED_FORM: Final = (("CallSid", "CA" + "1" * 32), ("From", "+14155550001"), ("Digits", ""))
UNSIGNED_JSON: Final = b'{"MessageSid": "SM1", "MessageStatus": "delivered"}'


def expect_rejected(voice_driver: VoiceDriver, requests: Mapping[str, SignedRequest]) -> None:
    """Fail with what is different in each request that is taken for authentic."""
    accepted = [how for how, request in requests.items() if voice_driver.signatures.verify(request)]
    assert accepted == [], f"verify accepted a request {', '.join(accepted)}"


async def test_a_request_with_another_signature_or_body_is_not(voice_driver: VoiceDriver) -> None:
    signed = await voice_driver.sign(URL)
    assert voice_driver.signatures.verify(signed), "verify rejected a request of sign_webhook()"

    other_form = [*signed.form, ("Another", "field")] if signed.form else ()
    other_headers = {name: f"{text}0" for name, text in signed.headers.items()}
    expect_rejected(
        voice_driver,
        {
            "without a signature": replace(signed, headers={}),
            "with an empty signature": replace(signed, headers=dict.fromkeys(signed.headers, "")),
            "with another signature": replace(signed, headers=other_headers),
            "with another body": replace(signed, body=signed.body + b" ", form=other_form),
        },
    )
    parts = find_accepted_parts(signed, voice_driver.signatures.verify)
    assert parts == [], f"verify accepted a request with a part of its header {parts}"


async def test_a_request_with_another_url_is_not_authentic(voice_driver: VoiceDriver) -> None:
    if not coverage_of(voice_driver.signatures).url:
        not_promised("it declares that its provider does not sign the URL")
    signed = await voice_driver.sign(URL)
    expect_rejected(
        voice_driver,
        {
            "with another query": replace(signed, url=URL.replace("visit=2", "visit=3")),
            "with another path": replace(signed, url=URL.replace("/app/", "/")),
            "with another scheme": replace(signed, url=URL.replace("https", "http")),
        },
    )


async def test_a_request_may_be_late(voice_driver: VoiceDriver) -> None:
    late = await voice_driver.sign(URL, signed_at=datetime.now(UTC) - MINUTE)
    assert voice_driver.signatures.verify(late), "verify rejected a request of a minute ago"


async def test_an_old_request_is_not_authentic(voice_driver: VoiceDriver) -> None:
    if not coverage_of(voice_driver.signatures).time:
        not_promised("it declares that its provider signs no time")
    for difference in (-MAX_SIGNATURE_AGE - MINUTE, MAX_SIGNATURE_AGE + MINUTE):
        other = await voice_driver.sign(URL, signed_at=datetime.now(UTC) + difference)
        assert not voice_driver.signatures.verify(other), (
            f"verify accepted a request that was signed {difference // MINUTE:+} minutes from now. "
            "If its provider signs no time, the adapter has the attribute "
            "signature_coverage = SignatureCoverage(time=False)"
        )


async def test_an_old_request_gets_no_new_time(voice_driver: VoiceDriver) -> None:
    if not coverage_of(voice_driver.signatures).time:
        not_promised("it declares that its provider signs no time")
    old_time = datetime.now(UTC) - MAX_SIGNATURE_AGE - MINUTE
    old = await voice_driver.sign(URL, signed_at=old_time)
    later = await voice_driver.sign(f"{URL}0")
    if coverage_of(voice_driver.signatures).url or old.body != later.body:
        expect_rejected(voice_driver, with_headers_of(old, later))


async def test_a_request_without_a_signature_is_not_authentic(voice_driver: VoiceDriver) -> None:
    for request in (
        SignedRequest(URL, {}),
        SignedRequest(URL, {}, UNSIGNED_FORM),
        SignedRequest(URL, {}, body=UNSIGNED_JSON),
    ):
        accepted = voice_driver.signatures.verify(request)
        assert accepted is False, f"verify returned {accepted!r} for a request without a signature"


@pytest.mark.parametrize(
    "url", ["", "/voice", "https://[::", "https://host:port/", "https://\ud800/"]
)
async def test_a_malformed_request_raises_no_exception(voice_driver: VoiceDriver, url: str) -> None:
    for text in ("", "é", "\ud800", "\x00", "=" * 10_000):
        names = (await voice_driver.sign(URL)).headers
        headers = dict.fromkeys((*names, "x-signature"), text)
        for request in (
            SignedRequest(url, headers, UNSIGNED_FORM),
            SignedRequest(url, headers, (("\ud800", "\udfff"),)),
            SignedRequest(url, headers, body=b"[" * 100_000),
            SignedRequest(url, headers, body=b"\xff\xfe"),
        ):
            assert voice_driver.signatures.verify(request) is False
