"""The phone line that the settings open."""

import pytest

from application.ports.errors import CallProviderUnavailable, RecordingNotFound
from application.ports.otp import DeliveryStatus
from application.ports.webhooks import SignedRequest
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.voice.feature import find_recordings, open_voice
from tests.integration.entrypoints.http.features.voice.webhooks import PUBLIC_URL
from tests.support.builders import a_phone
from tests.support.servers.fake_twilio import FakeTwilio
from tests.support.servers.fake_twilio.server import sign_webhook

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
