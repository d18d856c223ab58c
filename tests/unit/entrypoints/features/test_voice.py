"""The settings of the phone line."""

import pytest

from entrypoints.composition.read_settings import read_settings
from entrypoints.features.voice.feature import VoiceSettings
from entrypoints.settings.values import Factory
from tests.unit.entrypoints.settings.texts import TWILIO, VONAGE

OWN = {"DIALTONE_SMS": "our.own:factory", "DIALTONE_COUNTRIES": "IN"}
OWN_VOICE = {"DIALTONE_VOICE": "our.own:calls", "DIALTONE_PUBLIC_URL": "https://a.test"}
NUMBER = "+15005550006"
WITH_NUMBER = TWILIO | {"TWILIO_FROM": NUMBER}


@pytest.mark.parametrize(
    ("environ", "caller_id", "has_voice_channel"),
    [
        (WITH_NUMBER, NUMBER, True),
        (WITH_NUMBER | {"TWILIO_VOICE_FROM": "+14155550001"}, "+14155550001", True),
        (TWILIO, "", False),  # a name cannot call
        (VONAGE, "", False),
        (WITH_NUMBER | {"DIALTONE_VOICE": "NONE"}, "", False),
        (WITH_NUMBER | OWN | {"DIALTONE_VOICE": "twilio"}, NUMBER, True),
        (TWILIO | {"DIALTONE_SMS": "twilio,console"}, "", False),
        (TWILIO | {"DIALTONE_SMS": "console,twilio"}, "", True),
        ({}, "", True),
        (OWN | OWN_VOICE, "", True),
        (OWN, "", False),
    ],
)
def test_calls_are_placed_by_twilio_with_a_number_a_factory_the_console_or_nobody(
    environ: dict[str, str], caller_id: str, *, has_voice_channel: bool
) -> None:
    read = read_settings(environ, None).of(VoiceSettings)

    assert (read.caller_id, read.has_voice_channel) == (caller_id, has_voice_channel)
    assert read.has_phone_line is (bool(caller_id) or isinstance(read.voice, Factory))
