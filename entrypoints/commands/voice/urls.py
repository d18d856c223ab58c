"""`dialtone voice urls`."""

from argparse import Namespace
from collections.abc import Iterable, Iterator

from application.voice.call_urls import CallUrls
from entrypoints.features.voice import VoiceSettings
from entrypoints.opening.phone_providers import PHONE_PROVIDERS, PhoneProvider
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory


def show_voice_urls(settings: Settings, _: Namespace) -> Iterable[str]:
    """Show what to enter at the provider, or what the phone line needs first."""
    voice = settings.of(VoiceSettings)
    match voice.voice:
        case None:
            raise CommandError("\n".join(_missing_lines()))
        case PhoneProvider() as provider:
            yield provider.place_of_urls.format(caller_id=voice.caller_id)
        case Factory(path=path):
            yield f"At the provider of {path}, for the number of the phone line:"
    urls = CallUrls(settings.public_url)
    for name, url in (
        ("A call comes in", urls.voice()),
        ("Primary handler fails", urls.fallback()),
        ("Call status changes", urls.call_status()),
    ):
        yield f"{name:<23}HTTP POST  {url}"
    yield "Messages and calls from the service name their URLs themselves."
    if voice.operator is None:
        yield "DIALTONE_OPERATOR is not set: callers hear that the operator does not answer."


def _missing_lines() -> Iterator[str]:
    for known in PHONE_PROVIDERS:
        needed = ", ".join((*known.provider.required, known.caller_id_variable))
        yield (
            f"There is no phone line: set DIALTONE_VOICE={known.name}, {needed} and "
            "DIALTONE_PUBLIC_URL. See docs/voice.md."
        )
