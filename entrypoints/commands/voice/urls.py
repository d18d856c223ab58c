"""`dialtone voice urls`."""

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Iterator

from application.ports.webhooks import coverage_of
from application.voice.call_urls import CallUrls
from entrypoints.features.voice import VoiceSettings, open_voice
from entrypoints.opening.keys import load_encryption
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.phone_providers import PHONE_PROVIDERS, PhoneProvider
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory


def show_voice_urls(settings: Settings, _: Namespace) -> Iterable[str]:
    """Show what to enter at the provider, or what the phone line needs first."""
    voice, urls = settings.of(VoiceSettings), CallUrls(settings.public_url)
    match voice.voice:
        case None:
            raise CommandError("\n".join(_missing_lines()))
        case PhoneProvider() as provider:
            yield provider.place_of_urls.format(caller_id=voice.caller_id)
        case Factory(path=path):
            urls = asyncio.run(_find_urls(settings))
            yield f"At the provider of {path}, for the number of the phone line:"
    for name, url in (
        ("A call comes in", urls.voice()),
        ("Primary handler fails", urls.fallback()),
        ("Call status changes", urls.call_status()),
    ):
        yield f"{name:<23}HTTP POST  {url}"
    yield "Messages and calls from the service name their URLs themselves."
    if voice.operator is None:
        yield "DIALTONE_OPERATOR is not set: callers hear that the operator does not answer."


async def _find_urls(settings: Settings) -> CallUrls:
    """Return the URLs as the adapter needs them: signed, if its provider does not sign them."""
    with name_variable("DIALTONE_VOICE"):
        async with open_voice(settings) as ports:
            is_signed = ports is None or coverage_of(ports.signatures).url
    if is_signed:
        return CallUrls(settings.public_url)
    encryption = load_encryption(settings)
    if encryption is None:
        raise CommandError(
            "The provider does not sign URLs, so they have a signature of the service, which needs "
            "its keys: `dialtone check-settings --connect` says what is wrong with them. The first "
            "start in development creates them."
        )
    return CallUrls(settings.public_url, encryption)


def _missing_lines() -> Iterator[str]:
    for known in PHONE_PROVIDERS:
        needed = ", ".join((*known.provider.required, known.caller_id_variable))
        yield (
            f"There is no phone line: set DIALTONE_VOICE={known.name}, {needed} and "
            "DIALTONE_PUBLIC_URL. See docs/voice.md."
        )
