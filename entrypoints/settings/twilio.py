"""The settings of Twilio, which have no prefix of ours: other programs read them too."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import pattern
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="twilio")

# A number in E.164, a short code, or an alphanumeric sender ID
# (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id).
_parse_from = pattern(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}",
    "Must be a number with + and country code, a short code, or a name of at most 11 letters, "
    "digits, spaces and + - _ &.",
)


def _sid(kind: str) -> Callable[[str], str]:
    """Return a parser of SIDs (https://www.twilio.com/docs/glossary/what-is-a-sid)."""
    return pattern(rf"{kind}[0-9a-fA-F]{{32}}", f"Must be a SID: {kind} followed by 32 hex digits.")


@dataclass(frozen=True, kw_only=True)
class TwilioSettings(ServiceSettings):
    """Twilio: the account, and what messages come from. They are read if Twilio is used."""

    twilio_account_sid: str = _setting(
        "Account SID, required for twilio.",
        _sid("AC"),
        example="AC0123456789abcdef0123456789abcdef",
    )
    twilio_auth_tokens: Secret[tuple[str, ...]] = _setting(
        "Auth token, required for twilio; or several, the first sends.",
        parsers.secrets_of(str),
        example="0123456789abcdef0123456789abcdef",
        variable="TWILIO_AUTH_TOKEN",
    )
    twilio_from: str = _setting(
        "Number or name that Twilio sends messages from; TWILIO_MESSAGING_SERVICE_SID replaces it.",
        _parse_from,
        example="+15005550006",
    )
    twilio_messaging_service_sid: str = _setting(
        "Messaging service that selects the number of a message, instead of TWILIO_FROM.",
        _sid("MG"),
        example="MG0123456789abcdef0123456789abcdef",
    )
    twilio_api_base: str | None = _setting(
        "URL of a server that replaces Twilio's API, for example in tests.",
        parsers.parse_http_url,
        example="http://127.0.0.1:9999",
    )
