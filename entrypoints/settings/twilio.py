"""The settings of Twilio, which have no prefix of ours: other programs read them too."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import pattern
from entrypoints.settings.readers import HttpUrl, Reader
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="twilio")

# A number in E.164, a short code, or an alphanumeric sender ID
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
_Sender = Annotated[
    str,
    Reader(
        pattern(
            r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
            "Must be a number with + and country code, a short code, or a name of at most 11 "
            "letters, digits, spaces and + - _ &.",
        ),
        "+15005550006",
    ),
]


def _sid(kind: str) -> Reader:
    """Return a reader of SIDs (https://www.twilio.com/docs/glossary/what-is-a-sid)."""
    message = f"Must be a SID: {kind} followed by 32 hex digits."
    return Reader(
        pattern(rf"{kind}[0-9a-fA-F]{{32}}", message), f"{kind}0123456789abcdef0123456789abcdef"
    )


@dataclass(frozen=True, kw_only=True)
class TwilioSettings(ServiceSettings):
    """Twilio: the account, and what messages come from. They are read if Twilio is used."""

    twilio_account_sid: Annotated[str, _sid("AC")] = _setting("Account SID, required for twilio.")
    twilio_auth_tokens: Secret[tuple[str, ...]] = _setting(
        "Auth token, required for twilio; or several, the first sends.",
        example="0123456789abcdef0123456789abcdef",
        variable="TWILIO_AUTH_TOKEN",
    )
    twilio_from: _Sender = _setting(
        "Number or name that Twilio sends messages from; TWILIO_MESSAGING_SERVICE_SID replaces it."
    )
    twilio_messaging_service_sid: Annotated[str, _sid("MG")] = _setting(
        "Messaging service that selects the number of a message, instead of TWILIO_FROM."
    )
    twilio_api_base: HttpUrl | None = _setting(
        "URL of a server that replaces Twilio's API, for example in tests.",
        example="http://127.0.0.1:9999",
    )
