"""The phone line that the settings open."""

import pytest

from adapters.calls.call_texts import read_call_texts
from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import SignedRequest
from application.webhook_urls import WebhookUrls
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.voice.feature import find_recordings, open_voice
from tests.integration.entrypoints.http.features.voice.webhooks import PUBLIC_URL, SETTINGS
from tests.support.app_harness import AppHarness, make_policy
from tests.support.builders import a_phone
from tests.support.http_app import open_http_client
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.server import sign_webhook
from tests.support.voice.right_voice import KEY, post_of

URL = f"{PUBLIC_URL}/voice"


@pytest.fixture
def environ(twilio: FakeTwilio) -> dict[str, str]:
    return {
        "DIALTONE_PUBLIC_URL": PUBLIC_URL,
        "DIALTONE_SMS": "twilio,console",
        "DIALTONE_COUNTRIES": "US",
        **twilio.environ,
        "TWILIO_FROM": "Acme",
    }


async def test_calls_come_from_the_number_for_calls_by_the_first_token_and_all_verify(
    twilio: FakeTwilio, environ: dict[str, str]
) -> None:
    tokens = (twilio.auth_token, "the-former-token")
    several = {"TWILIO_VOICE_FROM": "+14155550001", "TWILIO_AUTH_TOKEN": ",".join(tokens)}
    fields = (("AccountSid", twilio.account_sid),)

    async with open_voice(read_settings(environ | several, None)) as voice:
        assert voice is not None
        result = await voice.calls.place_call(a_phone(), URL, f"{URL}/status")
        accepted = [
            voice.signatures.verify(
                SignedRequest(URL, {"x-twilio-signature": sign_webhook(token, URL, fields)}, fields)
            )
            for token in (*tokens, "another-token")
        ]

    assert result.status is DeliveryStatus.ACCEPTED
    assert twilio.placed[0].form["From"] == "+14155550001"
    assert accepted == [True, True, False]


async def test_a_provider_of_the_operators_own_answers_in_its_markup() -> None:
    own = {
        "DIALTONE_PUBLIC_URL": PUBLIC_URL,
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_VOICE": "tests.support.voice.right_voice:open_right_voice",
    }
    texts = read_call_texts(None, "Chess Club")
    policy = make_policy(call_texts=texts, webhook_urls=WebhookUrls(PUBLIC_URL))
    call = {"call": "c7", "from": "+14155550001", "to": "+14155550006", "status": "ringing"}
    async with open_voice(read_settings(own, None)) as voice:
        harness = AppHarness(policy=policy, voice_ports=voice)
        async with open_http_client(harness.use_cases, SETTINGS) as http:
            signed, foreign = (post_of(URL, call, key) for key in (KEY, "another"))
            answered, rejected = [
                await http.post(
                    "/voice",
                    content=request.body,
                    headers={"Content-Type": "application/json", **request.headers},
                )
                for request in (signed, foreign)
            ]
    assert answered.headers["content-type"].startswith("application/json")
    assert "Welcome to Chess Club" in answered.json()["steps"][0]["say"]
    assert rejected.status_code == 403


async def test_without_a_number_there_is_no_phone_line(environ: dict[str, str]) -> None:
    for without_calls in ({}, environ):
        async with open_voice(read_settings(without_calls, None)) as voice:
            assert voice is None


async def test_recordings_of_a_former_phone_line_are_read_and_deleted(
    twilio: FakeTwilio, environ: dict[str, str]
) -> None:
    recording_id = twilio.add_recording(b"sound")
    recordings = find_recordings(read_settings(environ, None), voice=None)

    assert recordings is not None
    async with recordings.open_recording(recording_id) as recording:
        assert b"".join([chunk async for chunk in recording.chunks]) == b"sound"
    await recordings.delete_recording(recording_id)
    with pytest.raises(RecordingNotFound):
        async with recordings.open_recording(recording_id):
            pass
    twilio.close()
    with pytest.raises(CallProviderUnavailable):
        await recordings.delete_recording(recording_id)
    assert find_recordings(read_settings({}, None), voice=None) is None
