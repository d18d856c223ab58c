"""The settings of Vonage, which have no prefix of ours: other programs read them too."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from application.ports.errors import ConfigurationError
from domain.errors import InvalidValue
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import pattern
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="vonage")

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


def _parse_sender(text: str) -> str:
    """Parse a sender. Vonage wants numbers without +."""
    return _match_sender(text).removeprefix("+")


@dataclass(frozen=True, kw_only=True)
class VonageSettings(ServiceSettings):
    """Vonage: the application, and what messages come from. They are read if Vonage is used."""

    vonage_application_id: Annotated[str, _parse_application_id] = _setting(
        "Id of the Vonage application, required for vonage.",
        example="aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    )
    vonage_private_key: Annotated[Secret[str], _parse_private_key] = _setting(
        "Private key of the application in PEM, required for vonage.",
        example='"$(cat private.key)"',
        has_lines=True,
    )
    vonage_signature_secrets: Secret[tuple[Annotated[str, _parse_signature_secret], ...]] = (
        _setting(
            "Secret that signs Vonage's callbacks, required for vonage; or several.",
            example="0123456789abcdef0123456789abcdef",
            variable="VONAGE_SIGNATURE_SECRET",
        )
    )
    vonage_from: Annotated[str, _parse_sender] = _setting(
        "Number or name that Vonage sends messages from, required for vonage.",
        example="+15005550006",
    )
    vonage_api_base: HttpUrl | None = _setting(
        "URL of a regional host of Vonage, or of a server that replaces it in tests.",
        example="https://api-eu.vonage.com",
    )
