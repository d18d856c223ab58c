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
from domain.phone import (
    DEFAULT_RULES,
    PhoneNumber,
    PhoneRules,
    parse_international_phone,
    parse_phone,
)
from entrypoints.http.client import ClientIpResolver


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings of the HTTP side.

    - `upload_limit` is in bytes.
    - `default_region` is the ISO code of the country for phone numbers without `+`.
    - `phone_rules` are the kinds of numbers that are accepted.
    - `X-Forwarded-For` is trusted only if it comes from `trusted_proxies`.
    """

    version: str
    public_url: str
    upload_limit: int
    default_region: str | None = None
    phone_rules: PhoneRules = DEFAULT_RULES
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def parse_phone(self, text: str) -> PhoneNumber:
        """Parse a number as people write it; raises InvalidValue."""
        return parse_phone(text, self.default_region, self.phone_rules)

    def parse_international_phone(self, text: str) -> PhoneNumber:
        """Parse a number as the legacy API reads it; raises InvalidValue."""
        return parse_international_phone(text, self.phone_rules)


# These values are ours; validating them for each request would only cost time.
UseCasesDependency: TypeAlias = NamedDependency[SkipValidation[UseCases]]
SettingsDependency: TypeAlias = NamedDependency[SkipValidation[HttpSettings]]
ClientIp: TypeAlias = NamedDependency[SkipValidation[str]]
CurrentPrincipal: TypeAlias = NamedDependency[SkipValidation[Principal]]


def make_dependencies(settings: HttpSettings) -> dict[str, Provide]:
    """Return the providers of `use_cases`, `settings` and `client_ip`."""
    resolver = ClientIpResolver(settings.trusted_proxies)

    def use_cases(state: State) -> UseCases:
        opened: UseCases = state.use_cases
        return opened

    def client_ip(request: Request[Any, Any, Any]) -> str:
        return resolver.resolve(request)

    return {
        "use_cases": Provide(use_cases, sync_to_thread=False),
        "settings": Provide(lambda: settings, sync_to_thread=False),
        "client_ip": Provide(client_ip, sync_to_thread=False),
    }
