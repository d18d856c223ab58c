"""The providers of messages by WhatsApp that ship with Dialtone: one row each.

An adapter's package is imported only if it is opened.
"""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from application.ports.errors import ConfigurationError, MessengerUnavailable
from entrypoints.opening.providers import TERMINAL, Provider
from entrypoints.settings.rules import Problem, check_api_base

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from application.ports.otp import Messenger
    from entrypoints.settings.settings import Settings
    from entrypoints.settings.whatsapp_cloud import WhatsAppCloudSettings

_VARIABLE: Final = "DIALTONE_WHATSAPP"


def _open_terminal(_: object) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.terminal import TerminalMessenger

    return nullcontext(TerminalMessenger(sys.stdout, channel="WhatsApp"))


_TERMINAL: Final = replace(TERMINAL, open_messenger=_open_terminal)


def _open_meta_messenger(
    settings: "WhatsAppCloudSettings",
) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.whatsapp_cloud.client import WhatsAppAccount
    from adapters.whatsapp_cloud.messenger import open_whatsapp_messenger

    account = WhatsAppAccount(
        access_token=settings.whatsapp_access_token.value,
        phone_number_id=settings.whatsapp_phone_number_id,
        business_account_id=settings.whatsapp_business_account_id,
        app_secrets=settings.whatsapp_app_secrets.value,
        verify_token=settings.whatsapp_verify_token.value,
        template=settings.whatsapp_template,
        languages=settings.whatsapp_template_languages,
        api_url=settings.whatsapp_api_base,
    )
    return open_whatsapp_messenger(account)


async def _check_meta_messenger(messenger: Any) -> str:
    try:
        await messenger.check()
    except MessengerUnavailable as error:
        raise ConfigurationError(
            f"{error} Check WHATSAPP_ACCESS_TOKEN and WHATSAPP_PHONE_NUMBER_ID, the network and, "
            "if it is set, WHATSAPP_API_BASE."
        ) from None
    note: str = await messenger.check_template()
    return note


META: Final = Provider(
    name="meta",
    open_messenger=_open_meta_messenger,
    check_messenger=_check_meta_messenger,
    required=(
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_PHONE_NUMBER_ID",
        "WHATSAPP_BUSINESS_ACCOUNT_ID",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "WHATSAPP_TEMPLATE",
    ),
    api_base="WHATSAPP_API_BASE",
)

WHATSAPP_PROVIDERS: Final[tuple[Provider, ...]] = (_TERMINAL, META)
"""All of them, in the order in which messages for operators name them."""


def find_missing(provider: object, settings: "Settings") -> Iterator[Problem]:
    """Yield the problem of each variable that this provider needs and that is not set."""
    if isinstance(provider, Provider):
        for name in provider.required:
            if not settings.is_set(name):
                yield Problem(name, f"Must be set if {_VARIABLE} is {provider.name}.")


def find_plain_http(provider: object, settings: "Settings") -> Iterator[Problem]:
    """Yield the problem of a URL to which production would send secrets without encryption."""
    if isinstance(provider, Provider) and provider.api_base:
        # Vendors' variables have no prefix, so the field has the same name.
        url = getattr(settings, provider.api_base.lower())
        yield from check_api_base(provider.api_base, url)
