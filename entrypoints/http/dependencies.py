"""What handlers ask for by name."""

from typing import Any, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from application.principal import Principal
from application.use_cases import UseCases
from entrypoints.http.client_address import ClientAddresses
from entrypoints.http.http_settings import HttpSettings

# What is ours needs no checking at each request.
Cases: TypeAlias = NamedDependency[SkipValidation[UseCases]]
Settings: TypeAlias = NamedDependency[SkipValidation[HttpSettings]]
ClientAddress: TypeAlias = NamedDependency[SkipValidation[str]]
SignedInCaller: TypeAlias = NamedDependency[SkipValidation[Principal]]


def dependencies(settings: HttpSettings) -> dict[str, Provide]:
    """Give `use_cases`, `settings` and `client_address` (as budgets count it)."""
    addresses = ClientAddresses(settings)

    def use_cases(state: State) -> UseCases:
        opened: UseCases = state.use_cases
        return opened

    def client_address(request: Request[Any, Any, Any]) -> str:
        return addresses.of(request)

    return {
        "use_cases": Provide(use_cases, sync_to_thread=False),
        "settings": Provide(lambda: settings, sync_to_thread=False),
        "client_address": Provide(client_address, sync_to_thread=False),
    }
