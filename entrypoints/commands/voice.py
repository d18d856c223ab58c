"""`dialtone voice urls`."""

from argparse import Namespace
from collections.abc import Iterable

from application.webhook_urls import WebhookUrls
from entrypoints.settings.settings import Settings
from entrypoints.startup_error import CommandError


def show_voice_urls(settings: Settings, _: Namespace) -> Iterable[str]:
    """Show what to enter at Twilio, or what the phone line needs first."""
    if not settings.has_phone_line:
        raise CommandError(
            "There is no phone line: set DIALTONE_VOICE=twilio, TWILIO_ACCOUNT_SID, "
            "TWILIO_AUTH_TOKEN, TWILIO_VOICE_FROM and DIALTONE_PUBLIC_URL. See docs/voice.md."
        )
    urls = WebhookUrls(settings.public_url)
    yield (
        "Console of Twilio, Phone Numbers, Manage, Active numbers, "
        f"{settings.twilio_caller_id}, Voice Configuration:"
    )
    for name, url in (
        ("A call comes in", urls.voice()),
        ("Primary handler fails", urls.fallback()),
        ("Call status changes", urls.call_status()),
    ):
        yield f"{name:<23}HTTP POST  {url}"
    yield "Messages and calls from the service name their URLs themselves."
    if settings.operator is None:
        yield "DIALTONE_OPERATOR is not set: callers hear that the operator does not answer."
