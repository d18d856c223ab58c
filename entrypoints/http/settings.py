"""The settings of the HTTP side."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from application.ports.voice import Webhooks
from domain import phone
from domain.identities.identity import Identity
from domain.identities.username import Username, UsernameRules, parse_username
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.sliding_window import SlidingWindow


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings of the HTTP side.

    - `upload_limit` is in bytes, `upload_min_rate` in bytes a second, `otp_length` in digits.
    - `upload_lock_file` is an empty file that all server processes share, if there are several.
    - `default_region` is the ISO code of the country for phone numbers without `+`.
    - `phone_rules` are the kinds of numbers that are accepted, `username_rules` the names.
    - The request limits are divided by the number of `workers`. None is no limit.
    - `X-Forwarded-For`, `X-Request-Id` and `traceparent` are trusted only if they come from
      `trusted_proxies`.
    - `webhooks` is None if no provider sends requests about calls. It does with `has_phone_line`.
    - `has_voice_channel` is whether a code can be delivered by a call.
    - `keeps_docs_token` is whether `/docs` keeps the access token when the page is loaded again.
    - `media_cache_control` is the header of files that need no access token.
    - `is_stopping` returns whether a stop signal has arrived.
    - With `is_public_url_set`, the service's own pages have that origin, whatever the Host header.
    - Pages of `web_origins` may use the API, beside those of the service.
    """

    public_url: str
    upload_limit: int
    upload_min_rate: int = 32_000
    default_region: str | None = None
    phone_rules: phone.PhoneRules = phone.DEFAULT_RULES
    username_rules: UsernameRules = field(default_factory=UsernameRules)
    otp_length: int = DEFAULT_OTP_LENGTH
    upload_lock_file: int | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    request_limit_per_identity: SlidingWindow | None = None
    refresh_limit_per_ip: SlidingWindow | None = None
    workers: int = 1
    web_origins: tuple[str, ...] = ()
    is_public_url_set: bool = False
    webhooks: Webhooks | None = None
    has_phone_line: bool = False
    has_voice_channel: bool = True
    keeps_docs_token: bool = False
    media_cache_control: str = "public, max-age=31536000, immutable"
    is_stopping: Callable[[], bool] = lambda: False

    def public_path(self, path: str) -> str:
        """Return a path of this service as its clients see it: below that of `public_url`.

        It has no host (RFC 9110 §10.2.2), because clients may reach the service by several names.
        """
        return urlsplit(self.public_url).path.rstrip("/") + path

    def parse_phone(self, text: str) -> phone.PhoneNumber:
        """Parse a number as people write it; raises InvalidValue."""
        return phone.parse_phone(text, self.default_region, self.phone_rules)

    def parse_international_phone(self, text: str) -> phone.PhoneNumber:
        """Parse a number as the legacy API reads it; raises InvalidValue."""
        return phone.parse_international_phone(text, self.default_region, self.phone_rules)

    def parse_username(self, text: str, caller: Identity) -> Username:
        """Parse a name, which is valid if it is the caller's already; raises InvalidValue."""
        own = caller.user.username if caller.user else None
        return parse_username(text, self.username_rules, own)
