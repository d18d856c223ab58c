"""The settings of the phone line."""

from datetime import timedelta

import pytest

from application.features.voice.cleanup import DEFAULT_CALL_RETENTION, DEFAULT_RECORDING_RETENTION
from domain.otp.sliding_window import SlidingWindow
from entrypoints.features.voice.feature import VoiceSettings
from entrypoints.settings.read import read_settings
from entrypoints.settings.values import Factory
from tests.support.call_texts import CALL_TEXTS
from tests.support.settings import problem, problems, settings
from tests.unit.entrypoints.settings.texts import TWILIO, VONAGE

HOUR = timedelta(hours=1)
HEX = "0123456789abcdefABCDEF0123456789"
OWN = {"DIALTONE_SMS": "our.own:factory", "DIALTONE_COUNTRIES": "IN"}
SERVICE = "TWILIO_MESSAGING_SERVICE_SID"
NUMBER = "+15005550006"


@pytest.mark.parametrize(
    ("environ", "required"),
    [
        (
            {"DIALTONE_SMS": "Twilio", "TWILIO_FROM": " "},
            ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "DIALTONE_COUNTRIES"],
        ),
        (TWILIO | {"DIALTONE_PUBLIC_URL": "", "TWILIO_FROM": NUMBER}, ["DIALTONE_PUBLIC_URL"]),
        (
            {"DIALTONE_VOICE": "Twilio"},
            [
                *("DIALTONE_PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
                *("DIALTONE_COUNTRIES", "TWILIO_VOICE_FROM"),
            ],
        ),
        ({"DIALTONE_VOICE": "our.own:factory"}, ["DIALTONE_PUBLIC_URL", "DIALTONE_COUNTRIES"]),
    ],
)
def test_a_vendor_needs_its_variables(environ: dict[str, str], required: list[str]) -> None:
    lines = problems(environ)

    assert list(lines) == required
    for name, line in lines.items():
        assert "ust be set if" in line
        assert f" Example: {name}=" in line


def test_a_hook_at_a_host_with_the_name_of_a_provider_does_not_name_it() -> None:
    environ = {"DIALTONE_SMS": "https://twilio.example.org", "DIALTONE_VOICE": "twilio"}
    assert "set if DIALTONE_VOICE names twilio." in problems(environ)["TWILIO_AUTH_TOKEN"]


@pytest.mark.parametrize(
    ("environ", "caller_id"),
    [
        ({"TWILIO_FROM": NUMBER}, NUMBER),
        *(({"TWILIO_FROM": name}, "") for name in ("55512", "MGM&Co _1+-", "1st Bank")),
        ({"TWILIO_FROM": "", SERVICE: f"MG{HEX}"}, ""),
        ({"TWILIO_FROM": NUMBER, "TWILIO_VOICE_FROM": "+14155550001"}, "+14155550001"),
    ],
)
def test_calls_come_from_a_number(environ: dict[str, str], caller_id: str) -> None:
    read = read_settings(TWILIO | environ, None).of(VoiceSettings)
    assert read.twilio_caller_id == caller_id


@pytest.mark.parametrize(
    ("environ", "has_phone_line", "has_voice_channel"),
    [
        (TWILIO | {"TWILIO_FROM": NUMBER}, True, True),
        (VONAGE, False, False),
        (TWILIO | {"DIALTONE_SMS": "twilio,console"}, False, False),
        (TWILIO | {"DIALTONE_SMS": "console,twilio"}, False, True),
        (TWILIO | {"DIALTONE_VOICE": "none", "TWILIO_FROM": NUMBER}, False, False),
        (TWILIO | {"DIALTONE_VOICE": "twilio", "TWILIO_FROM": NUMBER} | OWN, True, True),
        ({}, False, True),
        (OWN, False, False),
    ],
)
def test_calls_need_twilio_with_a_number_or_the_console(
    environ: dict[str, str], *, has_phone_line: bool, has_voice_channel: bool
) -> None:
    read = read_settings(environ, None)

    assert (read.has_phone_line, read.has_voice_channel) == (has_phone_line, has_voice_channel)


def test_calls_are_placed_by_twilio_a_factory_or_nobody() -> None:
    own = {"DIALTONE_VOICE": "our.own:factory", "DIALTONE_PUBLIC_URL": "https://a.test"} | OWN
    assert read_settings(own, None).of(VoiceSettings).voice == Factory("our.own:factory")
    assert settings(VOICE="NONE").of(VoiceSettings).voice is None
    assert problem(VOICE="acme").startswith(
        "DIALTONE_VOICE: Must be twilio, none or package.module:factory."
    )


def test_the_profile_sets_the_limits_of_calls() -> None:
    read = settings(LIMITS="medium").of(VoiceSettings)

    limits = read.otp_policy(are_messages_reported=True).rate_limits
    assert limits.calls_per_country == SlidingWindow(200, HOUR)
    assert read.voice_policy(CALL_TEXTS).call_limits.lines == 10


def test_recordings_are_not_kept_longer_than_calls() -> None:
    line = problem(CALL_RETENTION="10d")
    assert line.startswith("DIALTONE_RECORDING_RETENTION: Must not be longer than")
    assert line.endswith("Example: DIALTONE_RECORDING_RETENTION=240h")
    read = settings(CALL_RETENTION="10d", RECORDING_RETENTION="240h").of(VoiceSettings)
    assert read.call_retention == read.recording_retention
    environ = {"DIALTONE_CALL_RETENTION": "x", "DIALTONE_RECORDING_RETENTION": "y"}
    assert problems(environ).keys() == environ.keys()
    default = settings().of(VoiceSettings)
    assert default.call_retention == DEFAULT_CALL_RETENTION
    assert default.recording_retention == DEFAULT_RECORDING_RETENTION


def test_without_a_phone_line_its_texts_are_not_read() -> None:
    read_settings({"DIALTONE_CALL_TEXTS": "/nowhere"}, None, checks_files=True)
