"""The dependencies of handlers, which Litestar injects by name."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from application.principal import Principal
from application.use_cases import UseCases
from domain.otp.sliding_window import SlidingWindow
from entrypoints.http.client import CLIENT_IP
from entrypoints.http.library.media_file import MediaReads


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings of the HTTP side.

    - `upload_limit` is in bytes.
    - `default_region` is the ISO code of the country for phone numbers without `+`.
    - The limits are divided by the number of `workers`. None is no limit.
    - `X-Forwarded-For`, `X-Request-Id` and `traceparent` are trusted only if they come from
      `trusted_proxies`.
    - Pages of `web_origins` may use the API, beside those of the service.
    """

    version: str
    public_url: str
    upload_limit: int
    default_region: str | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    request_limit_per_identity: SlidingWindow | None = None
    refresh_limit_per_ip: SlidingWindow | None = None
    workers: int = 1
    web_origins: tuple[str, ...] = ()


# These values are ours; validating them for each request would only cost time.
UseCasesDependency: TypeAlias = NamedDependency[SkipValidation[UseCases]]
SettingsDependency: TypeAlias = NamedDependency[SkipValidation[HttpSettings]]
ClientIp: TypeAlias = NamedDependency[SkipValidation[str]]
MediaReadsDependency: TypeAlias = NamedDependency[SkipValidation[MediaReads]]
CurrentPrincipal: TypeAlias = NamedDependency[SkipValidation[Principal]]


def make_dependencies(settings: HttpSettings) -> dict[str, Provide]:
    """Return the providers of `use_cases`, `settings`, `client_ip` and `media_reads`."""
    media_reads = MediaReads()

    def use_cases(state: State) -> UseCases:
        opened: UseCases = state.use_cases
        return opened

    def client_ip(request: Request[Any, Any, Any]) -> str:
        # The middleware has resolved it.
        scope: Any = request.scope
        ip: str = scope[CLIENT_IP]
        return ip

    return {
        "use_cases": Provide(use_cases, sync_to_thread=False),
        "settings": Provide(lambda: settings, sync_to_thread=False),
        "client_ip": Provide(client_ip, sync_to_thread=False),
        "media_reads": Provide(lambda: media_reads, sync_to_thread=False),
    }
