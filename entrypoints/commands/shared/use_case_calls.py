"""How commands call use cases."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import MappingProxyType
from typing import TypeVar

from application.use_cases import UseCases
from domain.errors import DomainError
from entrypoints.commands.shared.domain_errors import explain_errors
from entrypoints.composition.use_cases import open_use_cases
from entrypoints.features.feature import Feature
from entrypoints.parts.composition import Openable
from entrypoints.settings.settings import Settings

F = TypeVar("F")
T = TypeVar("T")


def call_feature(
    settings: Settings,
    feature: Feature[F],
    call: Callable[[F], Awaitable[T]],
    texts: Mapping[type[DomainError], str] = MappingProxyType({}),
) -> T:
    """Call with the use cases of a feature; see `call_with_use_cases`."""
    return call_with_use_cases(
        settings, lambda use_cases: call(feature.of(use_cases)), [feature], texts
    )


def call_with_use_cases(
    settings: Settings,
    call: Callable[[UseCases], Awaitable[T]],
    openables: Collection[Openable] = (),
    texts: Mapping[type[DomainError], str] = MappingProxyType({}),
) -> T:
    """Call with the use cases of what is named, and of the core that is always open.

    Nothing else is opened: a command helps while the rest does not work. `texts` explain errors
    that only this command knows.
    """

    async def open_and_call() -> T:
        async with open_use_cases(settings, openables) as use_cases:
            return await call(use_cases)

    with explain_errors(texts):
        return asyncio.run(open_and_call())
