"""The providers of messages that ship with Dialtone: one row each."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from application.ports.errors import ConfigurationError, MessengerUnavailable
from entrypoints.settings.values import Factory, HttpHook

if TYPE_CHECKING:
    from application.ports.otp import Messenger
    from entrypoints.settings.twilio import TwilioSettings
    from entrypoints.settings.vonage import VonageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of messages. Its functions take all settings.

    They have names: settings are sent to processes, which a lambda cannot be.

    Attributes:
        check_messenger: Returns a note or an empty text if messages can be sent. Raises
            ConfigurationError.
        prints_codes: Whether it prints messages to stdout. It costs nothing, and is not for
            production.
        senders: Variables of which one must be set for messages, and only one.
        api_base: The variable with the URL of another server than the provider's. It gets secrets
            with each request, so production accepts only https.
    """

    name: str
    open_messenger: "Callable[[Any], AbstractAsyncContextManager[Messenger]]"
    check_messenger: Callable[[Any], Awaitable[str]]
    prints_codes: bool = False
    required: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    api_base: str = ""
    extra: str = ""

    def __str__(self) -> str:
        return self.name


def _open_terminal(_: object) -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.terminal import TerminalMessenger

    return nullcontext(TerminalMessenger(sys.stdout))


async def _check_terminal(_: object) -> str:
    return ""


TERMINAL: Final = Provider(
    name="console",
    open_messenger=_open_terminal,
    check_messenger=_check_terminal,
    prints_codes=True,
)


def _open_twilio_messenger(settings: "TwilioSettings") -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.twilio.messenger import open_twilio_messenger

    auth_token, *others = settings.twilio_auth_tokens.value
    return open_twilio_messenger(
        settings.twilio_account_sid,
        auth_token,
        sender=settings.twilio_from or settings.twilio_messaging_service_sid,
        other_auth_tokens=others,
        api_base=settings.twilio_api_base,
    )


async def _check_twilio_messenger(messenger: Any) -> str:
    try:
        await messenger.check()
    except MessengerUnavailable as error:
        raise ConfigurationError(
            f"{error} Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, the network and, if it is "
            "set, TWILIO_API_BASE."
        ) from None
    note: str = await messenger.check_sender()
    return note


TWILIO: Final = Provider(
    name="twilio",
    open_messenger=_open_twilio_messenger,
    check_messenger=_check_twilio_messenger,
    required=("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    senders=("TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID"),
    api_base="TWILIO_API_BASE",
    extra="twilio",
)


def _open_vonage_messenger(settings: "VonageSettings") -> "AbstractAsyncContextManager[Messenger]":
    from adapters.messages.vonage.messenger import open_vonage_messenger

    return open_vonage_messenger(
        settings.vonage_application_id,
        settings.vonage_private_key.value,
        sender=settings.vonage_from,
        signature_secrets=settings.vonage_signature_secrets.value,
        api_base=settings.vonage_api_base,
    )


async def _check_vonage_messenger(messenger: Any) -> str:
    try:
        await messenger.check()
    except MessengerUnavailable as error:
        raise ConfigurationError(
            f"{error} Check VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY, the credit of the "
            "account, the network and, if it is set, VONAGE_API_BASE."
        ) from None
    return "VONAGE_FROM is not checked: Vonage does not list an application's senders"


VONAGE: Final = Provider(
    name="vonage",
    open_messenger=_open_vonage_messenger,
    check_messenger=_check_vonage_messenger,
    required=("VONAGE_APPLICATION_ID", "VONAGE_PRIVATE_KEY", "VONAGE_SIGNATURE_SECRET"),
    senders=("VONAGE_FROM",),
    api_base="VONAGE_API_BASE",
)


PROVIDERS: Final[tuple[Provider, ...]] = (TERMINAL, TWILIO, VONAGE)
"""All of them, in the order in which messages for operators name them."""


def provider_name(provider: Provider | Factory | HttpHook | None) -> str:
    """Return the name of a provider in log, metrics and statistics: as in the settings, no URL."""
    return "none" if provider is None else str(provider)


def prints_codes(provider: object) -> bool:
    """Return whether a provider prints messages to stdout."""
    return isinstance(provider, Provider) and provider.prints_codes
