"""The settings of Meta's WhatsApp Cloud API.

They have no prefix of ours, as those of other vendors: other programs read them too.
"""

from dataclasses import dataclass
from functools import partial

from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="meta")

# Ids of the Graph API are decimal numbers.
_parse_id = parsers.pattern(
    r"[0-9]{5,20}", "Must be an id of Meta, digits only: the phone number itself is none."
)
# https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
_parse_template = parsers.pattern(
    r"[a-z0-9_]{1,512}",
    "Must be the name of a template: lower-case letters, digits and underscores.",
)
_parse_language = parsers.pattern(
    r"[a-z]{2,3}(_[A-Z]{2,3})?", "Must be a language as Meta writes it, such as en, en_US or pt_BR."
)
_parse_secret_text = parsers.pattern(r"[!-~]+", "Must be letters, digits and signs without spaces.")
_parse_app_secret = parsers.pattern(
    r"[0-9a-f]{32}", "Must be the secret of a Meta app: 32 hex digits."
)
_parse_verify_text = parsers.pattern(
    r"[!-~]{16,200}", "Must have 16 to 200 letters, digits and signs without spaces."
)


@dataclass(frozen=True, kw_only=True)
class WhatsAppCloudSettings(Settings):
    """Meta: the account, and the template of codes. They are read if Meta sends messages."""

    whatsapp_access_token: Secret[str] = _setting(
        "Access token of a system user at Meta, required for meta.",
        parsers.secret(_parse_secret_text),
        example="EAAJZCexampleexampleexample",
    )
    whatsapp_phone_number_id: str = _setting(
        "Id of the phone number that messages come from, required for meta.",
        _parse_id,
        example="106540352242922",
    )
    whatsapp_business_account_id: str = _setting(
        "Id of the WhatsApp Business account, required for meta.",
        _parse_id,
        example="102290129340398",
    )
    whatsapp_app_secrets: Secret[tuple[str, ...]] = _setting(
        "Secret of the Meta app, which signs webhooks; required for meta; or several.",
        parsers.secrets_of(_parse_app_secret),
        example="0123456789abcdef0123456789abcdef",
        variable="WHATSAPP_APP_SECRET",
    )
    whatsapp_verify_token: Secret[str] = _setting(
        "Text that you enter at Meta beside the webhook's URL; required if DIALTONE_WHATSAPP is "
        "meta.",
        parsers.secret(_parse_verify_text),
        example="$(openssl rand -hex 16)",
    )
    whatsapp_template: str = _setting(
        "Name of the authentication template, required for meta.",
        _parse_template,
        example="sign_in_code",
    )
    whatsapp_template_languages: tuple[str, ...] = _setting(
        "Languages of the template, as Meta writes them; the first one if no other fits.",
        parsers.list_of(_parse_language, once="language"),
        default="en_US",
        example="en_US,pt_BR,es",
    )
    whatsapp_api_base: str = _setting(
        "URL of a server that replaces Meta's Graph API, for example in tests.",
        parsers.parse_http_url,
        default="https://graph.facebook.com",
        example="http://127.0.0.1:9999",
    )
