"""The option of a command for calls."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import click

from application.features.voice.call_urls import CallUrls
from entrypoints.features.voice.feature import VoiceSettings, check_phone_line
from entrypoints.parts.keys import load_encryption
from entrypoints.settings.rules import Check
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError


def _check_with_signatures(settings: Settings) -> Mapping[str, Check]:

    def sign_urls() -> CallUrls:
        encryption = load_encryption(settings)
        if encryption is None:
            raise StartupError(
                "The provider does not sign URLs, so they have a signature of the service, which "
                "needs its keys: see the line of the keys. The first start in development creates "
                "them."
            )
        return CallUrls(settings.public_url, encryption)

    return {"phone line": partial(check_phone_line, settings.of(VoiceSettings), sign_urls)}


SHOW_VOICE_URLS: Final = click.Option(
    ["--show-voice-urls"],
    flag_value=_check_with_signatures,
    help="Also show the URLs to enter at the provider of calls if they have a signature of the "
    "service, which is a secret; implies --connect.",
)
