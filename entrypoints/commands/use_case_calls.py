"""How commands call use cases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from application.use_cases import UseCases
from entrypoints.bootstrap import open_use_cases
from entrypoints.features.feature import Feature
from entrypoints.settings.settings import Settings

T = TypeVar("T")


def call_with_use_cases(
    settings: Settings,
    call: Callable[[UseCases], Awaitable[T]],
    features: Collection[Feature] = (),
) -> T:
    """Call with the use cases of the core and of the features that are named.

    Nothing else is opened: a command helps while the rest does not work.
    """

    async def open_and_call() -> T:
        async with open_with_features(settings, features) as use_cases:
            return await call(use_cases)

    return asyncio.run(open_and_call())


@asynccontextmanager
async def open_with_features(
    settings: Settings, features: Collection[Feature], **options: Any
) -> AsyncIterator[UseCases]:
    """Open the use cases of the core and of the features that are named, until the block ends."""
    async with open_use_cases(settings, features, **options) as use_cases:
        yield use_cases
