"""The page at `/` of a service in development, and the web client."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from application.opened import Opened
from entrypoints.features.feature import Feature
from entrypoints.settings.providers import prints_codes
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from application.features.start import GetRecentMessage
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.features.start.api import HttpStartPageSettings
    from entrypoints.parts.composition import Composition


def http_start_page(settings: Settings) -> "HttpStartPageSettings | None":
    """Return the settings of the page, None in production."""
    if settings.env is not Environment.DEVELOPMENT:
        return None
    from entrypoints.http.features.start.api import HttpStartPageSettings

    return HttpStartPageSettings(
        port=settings.bind.port,
        prints_messages=any(map(prints_codes, settings.sms)),
        keeps_messages=keeps_messages(settings),
        has_fixed_codes=bool(settings.test_otps.value.all),
        image_sources=settings.image_sources,
    )


def keeps_messages(settings: Settings) -> bool:
    """Return whether the last messages are kept in memory, so that the page can show them.

    - Never in production.
    - Every messenger prints, so the terminal shows each message.
    - The server listens on a loopback interface only, and no proxy is known: one that adds no
      header would hide that clients are elsewhere.
    - One process has all messages. With several, the next request may reach another one.
    """
    return (
        settings.env is Environment.DEVELOPMENT
        and all(map(prints_codes, settings.sms))
        and _is_loopback(settings.bind.host)
        and not settings.trusted_proxies
        and settings.workers == 1
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Start(Feature["GetRecentMessage"]):
    name = "start"
    opens = ("otp",)

    def http_additions(
        self, settings: Settings, installed: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        del installed
        from entrypoints.http.features.start.api import StartHttpAdditions

        return (StartHttpAdditions(http_start_page(settings)),)

    async def open(self, composition: "Composition") -> Opened["GetRecentMessage"]:
        from application.features.start import open_start

        recent_messages = None
        if keeps_messages(composition.settings):
            from adapters.messages.terminal import InMemoryRecentMessages

            recent_messages = InMemoryRecentMessages()
        if composition.settings.env is Environment.DEVELOPMENT:
            composition.banner_urls["try it"] = f"{composition.settings.bind.local_url}/"
        return open_start(recent_messages)


START: Final = _Start()
