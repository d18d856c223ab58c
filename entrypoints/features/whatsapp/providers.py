"""The providers of messages by WhatsApp that ship with Dialtone: one row each."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from application.ports.errors import ConfigurationError, MessengerUnavailable
from entrypoints.settings.providers import TERMINAL, Provider

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from application.ports.otp import Messenger
    from entrypoints.features.whatsapp.cloud_settings import WhatsAppCloudSettings


def _open_terminal(_: object) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.terminal import TerminalMessenger

    return nullcontext(TerminalMessenger(sys.stdout, channel="WhatsApp"))


_TERMINAL: Final = replace(TERMINAL, open_messenger=_open_terminal)


def _open_meta_messenger(
    settings: "WhatsAppCloudSettings",
) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.whatsapp_cloud.client import WhatsAppAccount
    from adapters.messages.whatsapp_cloud.messenger import open_whatsapp_messenger

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
