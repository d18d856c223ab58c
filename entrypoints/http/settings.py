"""The settings of the HTTP side: those that all requests share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Protocol
from urllib.parse import urlsplit

from domain.identities.username import UsernameRules
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.delivery import Channel
from domain.otp.delivery_policy import ChannelOrder
from domain.otp.sliding_window import SlidingWindow
from domain.phone import DEFAULT_RULES, PhoneRules
from domain.token_issuers import DEFAULT_ISSUER

MAX_JSON_BYTES: Final = 64 * 1024
"""Bytes of all request bodies but uploads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServerSettings:
    """The settings of all requests.

    - With `is_public_url_set`, the service's own pages have that origin, whatever the Host header.
    - Pages of `web_origins` may use the API, beside those of the service.
    - `X-Forwarded-For`, `X-Request-Id` and `traceparent` are trusted only if they come from
      `trusted_proxies`.
    - The request limits are divided by the number of `workers`. None is no limit.
    - `keeps_docs_token` is whether `/docs` keeps the access token when the page is loaded again.
    """

    public_url: str
    is_public_url_set: bool = False
    web_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    request_limit_per_identity: SlidingWindow | None = None
    refresh_limit_per_ip: SlidingWindow | None = None
    workers: int = 1
    keeps_docs_token: bool = False

    @property
    def has_tls(self) -> bool:
        return self.public_url.startswith("https://")

    def public_path(self, path: str) -> str:
        """Return a path of this service as its clients see it: below that of `public_url`.

        It has no host (RFC 9110 §10.2.2), because clients may reach the service by several names.
        """
        return urlsplit(self.public_url).path.rstrip("/") + path


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOtpSettings:
    """The settings of phones and codes. `default_region` is that of numbers without `+`."""

    default_region: str | None = None
    phone_rules: PhoneRules = DEFAULT_RULES
    otp_length: int = DEFAULT_OTP_LENGTH
    channels: ChannelOrder = field(default_factory=ChannelOrder)

    @property
    def has_voice_channel(self) -> bool:
        return Channel.VOICE in self.channels.all


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpIdentitySettings:
    """The settings of users in requests."""

    username_rules: UsernameRules = field(default_factory=UsernameRules)
    token_issuer: str = DEFAULT_ISSUER


class RequestObserver(Protocol):
    """Measures requests."""

    def observe_request(
        self, method: str, route: str, status: int, seconds: float, error: type[Exception] | None, /
    ) -> None:
        """Observe a request that has ended; never waits and never raises.

        Args:
            method: as the client sent it.
            route: the template of the path, `-` for a path that does not exist.
            status: of the response, 499 if the client closed the connection before.
            seconds: how long it took.
            error: the class of the error that became the response.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The settings of the HTTP side, and what the processes of the server share."""

    server: HttpServerSettings
    otp: HttpOtpSettings = HttpOtpSettings()
    identities: HttpIdentitySettings = field(default_factory=HttpIdentitySettings)
    is_stopping: Callable[[], bool] = lambda: False
    request_observer: RequestObserver | None = None
