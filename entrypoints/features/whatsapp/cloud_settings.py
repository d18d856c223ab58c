"""The settings of Meta's WhatsApp Cloud API, without our prefix: other programs read them too."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.readers import HttpUrl
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Secret

_setting = partial(setting, vendor="meta")

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
_parse_token = parsers.pattern(r"[!-~]+", "Must be letters, digits and signs without spaces.")
_parse_app_secret = parsers.pattern(
    r"[0-9a-f]{32}", "Must be the secret of a Meta app: 32 hex digits."
)
_parse_verify_text = parsers.pattern(
    r"[!-~]{16,200}", "Must have 16 to 200 letters, digits and signs without spaces."
)


@dataclass(frozen=True, kw_only=True)
class WhatsAppCloudSettings(Settings):
    """Meta: the account, and the template of codes. They are read if Meta sends messages."""

    whatsapp_access_token: Secret[Annotated[str, _parse_token]] = _setting(
        "Access token of a system user at Meta, required for meta.",
        example="EAAJZCexampleexampleexample",
    )
    whatsapp_phone_number_id: Annotated[str, _parse_id] = _setting(
        "Id of the phone number that messages come from, required for meta.",
        example="106540352242922",
    )
    whatsapp_business_account_id: Annotated[str, _parse_id] = _setting(
        "Id of the WhatsApp Business account, required for meta.", example="102290129340398"
    )
    whatsapp_app_secrets: Secret[tuple[Annotated[str, _parse_app_secret], ...]] = _setting(
        "Secret of the Meta app, which signs webhooks; required for meta; or several.",
        example="0123456789abcdef0123456789abcdef",
        variable="WHATSAPP_APP_SECRET",
    )
    whatsapp_verify_token: Secret[Annotated[str, _parse_verify_text]] = _setting(
        "Text that you enter at Meta beside the webhook's URL; required if DIALTONE_WHATSAPP is "
        "meta.",
        example="$(openssl rand -hex 16)",
    )
    whatsapp_template: Annotated[str, _parse_template] = _setting(
        "Name of the authentication template, required for meta.", example="sign_in_code"
    )
    whatsapp_template_languages: Annotated[
        tuple[str, ...], parsers.list_of(_parse_language, once="language")
    ] = _setting(
        "Languages of the template, as Meta writes them; the first one if no other fits.",
        "en_US",
        example="en_US,pt_BR,es",
    )
    whatsapp_api_base: HttpUrl = _setting(
        "URL of a server that replaces Meta's Graph API, for example in tests.",
        "https://graph.facebook.com",
        example="http://127.0.0.1:9999",
    )
