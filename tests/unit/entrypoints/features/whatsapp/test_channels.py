"""The channels of each country."""

import pytest

from domain.otp.channel_order import ChannelOrder
from domain.otp.delivery import Channel
from entrypoints.composition.read_settings import read_settings
from tests.support.settings import problems
from tests.unit.entrypoints.settings.texts import META, TWILIO

SMS, VOICE, WHATSAPP = Channel.SMS, Channel.VOICE, Channel.WHATSAPP
CONSOLE = {"DIALTONE_SMS": "console", "DIALTONE_WHATSAPP": "console"}


def order(environ: dict[str, str]) -> ChannelOrder:
    return read_settings(environ, None).channel_order


def test_each_country_has_its_channels_in_order() -> None:
    text = " in, BR = WhatsApp, sms,voice ; DE=sms;*=sms,whatsapp; "
    found = order(CONSOLE | {"DIALTONE_CHANNELS": text})
    assert found.of("IN") == found.of("BR") == (WHATSAPP, SMS, VOICE)
    assert (found.of("DE"), found.of("US")) == ((SMS,), (SMS, WHATSAPP))


@pytest.mark.parametrize(
    ("environ", "channels"),
    [
        (TWILIO, (SMS,)),
        ({"DIALTONE_SMS": "console"}, (SMS, VOICE)),
        (TWILIO | META, (SMS, WHATSAPP)),
        (CONSOLE, (SMS, WHATSAPP, VOICE)),
        (CONSOLE | {"DIALTONE_CHANNELS": "IN=sms"}, (SMS, WHATSAPP, VOICE)),
    ],
)
def test_without_an_entry_the_sms_comes_first(
    environ: dict[str, str], channels: tuple[Channel, ...]
) -> None:
    assert order(environ).of("US") == channels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("IN=sms;;*=sms", "between two such entries"),
        ("India=sms", "ISO code"),
        ("IN=fax,sms", "IN: Value 1: Must be sms, voice or whatsapp."),
        ("IN=sms;in=sms", "IN must be named once."),
        ("IN=sms,sms", "IN: Must name each channel once."),
        ("IN=voice,sms", "IN: voice must be the last channel."),
        ("IN=whatsapp", "IN has no sms: add it"),
    ],
)
def test_an_error_names_the_country_and_the_way_out(text: str, message: str) -> None:
    line = problems({"DIALTONE_CHANNELS": text})["DIALTONE_CHANNELS"]
    assert message in line
