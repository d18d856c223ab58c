"""The settings of HTTP, from all settings."""

from entrypoints.http.settings import (
    HttpIdentitySettings,
    HttpOtpSettings,
    HttpServerSettings,
    HttpSettings,
)
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment


def make_http_settings(settings: Settings) -> HttpSettings:
    """Return the settings of the HTTP side, without what the processes of the server share."""
    return HttpSettings(
        server=HttpServerSettings(
            public_url=settings.public_url,
            is_public_url_set=settings.is_set("DIALTONE_PUBLIC_URL"),
            web_origins=settings.web_origins,
            trusted_proxies=settings.trusted_proxies,
            request_limit_per_identity=settings.request_limit_per_identity,
            refresh_limit_per_ip=settings.refresh_limit_per_ip,
            workers=settings.workers,
            keeps_docs_token=settings.env is Environment.DEVELOPMENT,
        ),
        otp=HttpOtpSettings(
            default_region=settings.default_region,
            phone_rules=settings.phone_rules,
            otp_length=settings.otp_length,
            channels=settings.channel_order,
        ),
        identities=HttpIdentitySettings(
            username_rules=settings.username_rules, token_issuer=settings.token_issuer
        ),
    )
