"""The check of the phone line, for `check-settings --connect`."""

from collections.abc import Mapping
from functools import partial

from application.voice.call_urls import CallUrls
from entrypoints.commands.connection_checks import Check, check_own_adapter
from entrypoints.features.voice import VoiceSettings, open_voice
from entrypoints.opening.factories import name_variable
from entrypoints.opening.phone_providers import PhoneProvider


def connection_checks(settings: VoiceSettings) -> Mapping[str, Check]:
    """Return the check of the phone line, if there is one."""
    return {"phone line": partial(_check_phone_line, settings)} if settings.has_phone_line else {}


async def _check_phone_line(settings: VoiceSettings) -> str:
    with name_variable("DIALTONE_VOICE"):
        async with open_voice(settings) as voice:
            if voice is None:
                return ""
            if isinstance(settings.voice, PhoneProvider):
                return await settings.voice.check_voice(voice.calls, CallUrls(settings.public_url))
            return await check_own_adapter(voice.calls)
