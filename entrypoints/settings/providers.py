"""The providers of messages that ship with Dialtone: one row each, and their settings."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from application.ports.errors import ConfigurationError, MessengerUnavailable
from domain.errors import InvalidValue
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import pattern
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Factory, HttpHook, Secret

if TYPE_CHECKING:
    from application.ports.otp import Messenger

_twilio_setting = partial(setting, vendor="twilio")

# A number in E.164, a short code, or an alphanumeric sender ID
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
_parse_twilio_sender = pattern(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
    "Must be a number with + and country code, a short code, or a name of at most 11 letters, "
    "digits, spaces and + - _ &.",
)
_HEX_DIGITS: Final = "0123456789abcdef0123456789abcdef"


def _sid(kind: str) -> Callable[[str], str]:
    """Return a parser of SIDs (https://www.twilio.com/docs/glossary/what-is-a-sid)."""
    return pattern(rf"{kind}[0-9a-fA-F]{{32}}", f"Must be a SID: {kind} followed by 32 hex digits.")


@dataclass(frozen=True, kw_only=True)
class TwilioSettings(ServiceSettings):
    """Twilio: the account, and what messages come from. They are read if Twilio is used."""

    twilio_account_sid: Annotated[str, _sid("AC")] = _twilio_setting(
        "Account SID, required for twilio.", example=f"AC{_HEX_DIGITS}"
    )
    twilio_auth_tokens: Secret[tuple[str, ...]] = _twilio_setting(
        "Auth token, required for twilio; or several, the first sends.",
        example=_HEX_DIGITS,
        variable="TWILIO_AUTH_TOKEN",
    )
    twilio_from: Annotated[str, _parse_twilio_sender] = _twilio_setting(
        "Number or name that Twilio sends messages from; TWILIO_MESSAGING_SERVICE_SID replaces it.",
        example="+15005550006",
    )
    twilio_messaging_service_sid: Annotated[str, _sid("MG")] = _twilio_setting(
        "Messaging service that selects the number of a message, instead of TWILIO_FROM.",
        example=f"MG{_HEX_DIGITS}",
    )
    twilio_api_base: HttpUrl | None = _twilio_setting(
        "URL of a server that replaces Twilio's API, for example in tests.",
        example="http://127.0.0.1:9999",
    )


_vonage_setting = partial(setting, vendor="vonage")

_MIN_SECRET_LENGTH: Final = 32
_match_application_id = pattern(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "Must be the id of a Vonage application: 32 hex digits with four hyphens.",
)
_match_sender = pattern(
    r"\+?[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}",
    "Must be a number with country code, a short code, or a name of at most 11 letters, digits and "
    "spaces.",
)


def _parse_application_id(text: str) -> str:
    """Parse the id of an application. Vonage's callbacks have it in lower case."""
    return _match_application_id(text).lower()


def _parse_private_key(text: str) -> Secret[str]:
    r"""Parse a key in PEM. In an environment variable, its line breaks may be written as \n."""
    from adapters.messages.vonage.tokens import load_private_key

    key = text.replace("\\n", "\n").replace("\r\n", "\n")
    try:
        load_private_key(key)
    except ConfigurationError as error:
        raise InvalidValue(str(error)) from None
    return Secret(key)


def _parse_signature_secret(text: str) -> str:
    if len(text.encode()) < _MIN_SECRET_LENGTH:
        raise InvalidValue(
            f"Must have at least {_MIN_SECRET_LENGTH} characters (RFC 7518, section 3.2): who sees "
            "a callback could guess a shorter one. Vonage's dashboard replaces it."
        )
    return text


def _parse_vonage_sender(text: str) -> str:
    """Parse a sender. Vonage wants numbers without +."""
    return _match_sender(text).removeprefix("+")


@dataclass(frozen=True, kw_only=True)
class VonageSettings(ServiceSettings):
    """Vonage: the application, and what messages come from. They are read if Vonage is used."""

    vonage_application_id: Annotated[str, _parse_application_id] = _vonage_setting(
        "Id of the Vonage application, required for vonage.",
        example="aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    )
    vonage_private_key: Annotated[Secret[str], _parse_private_key] = _vonage_setting(
        "Private key of the application in PEM, required for vonage.",
        example='"$(cat private.key)"',
        has_lines=True,
    )
    vonage_signature_secrets: Secret[tuple[Annotated[str, _parse_signature_secret], ...]] = (
        _vonage_setting(
            "Secret that signs Vonage's callbacks, required for vonage; or several.",
            example="0123456789abcdef0123456789abcdef",
            variable="VONAGE_SIGNATURE_SECRET",
        )
    )
    vonage_from: Annotated[str, _parse_vonage_sender] = _vonage_setting(
        "Number or name that Vonage sends messages from, required for vonage.",
        example="+15005550006",
    )
    vonage_api_base: HttpUrl | None = _vonage_setting(
        "URL of a regional host of Vonage, or of a server that replaces it in tests.",
        example="https://api-eu.vonage.com",
    )


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
