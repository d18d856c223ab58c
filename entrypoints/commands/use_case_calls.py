"""How commands call use cases."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from application.use_cases import UseCases
from entrypoints.bootstrap import Part, open_use_cases
from entrypoints.settings.settings import Settings

T = TypeVar("T")


def call_with_use_cases(
    settings: Settings, parts: Collection[Part], call: Callable[[UseCases], Awaitable[T]]
) -> T:
    """Call with the parts that the use case needs: a command helps while others do not work."""

    async def open_and_call() -> T:
        async with open_use_cases(settings, parts=parts) as use_cases:
            return await call(use_cases)

    return asyncio.run(open_and_call())
