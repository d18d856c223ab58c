"""The settings of Twilio, which have no prefix of ours: other programs read them too."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import pattern
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="twilio")

# A number in E.164, a short code, or an alphanumeric sender ID
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
_parse_sender = pattern(
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

    twilio_account_sid: Annotated[str, _sid("AC")] = _setting(
        "Account SID, required for twilio.", example=f"AC{_HEX_DIGITS}"
    )
    twilio_auth_tokens: Secret[tuple[str, ...]] = _setting(
        "Auth token, required for twilio; or several, the first sends.",
        example=_HEX_DIGITS,
        variable="TWILIO_AUTH_TOKEN",
    )
    twilio_from: Annotated[str, _parse_sender] = _setting(
        "Number or name that Twilio sends messages from; TWILIO_MESSAGING_SERVICE_SID replaces it.",
        example="+15005550006",
    )
    twilio_messaging_service_sid: Annotated[str, _sid("MG")] = _setting(
        "Messaging service that selects the number of a message, instead of TWILIO_FROM.",
        example=f"MG{_HEX_DIGITS}",
    )
    twilio_api_base: HttpUrl | None = _setting(
        "URL of a server that replaces Twilio's API, for example in tests.",
        example="http://127.0.0.1:9999",
    )
