"""How commands call use cases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from application.use_cases import UseCases
from entrypoints.bootstrap import Part, open_use_cases
from entrypoints.features.feature import Feature
from entrypoints.settings.settings import Settings

T = TypeVar("T")


class _Otp(Feature):
    name = "otp"


class _Limits(Feature):
    name = "limits"


OTP: Final = _Otp()
LIMITS: Final = _Limits()
_PARTS: Final = {
    "otp": (Part.MESSAGES,),
    "limits": (Part.LIMITS,),
    "media": (Part.MEDIA, Part.IMAGES),
    "voice": (Part.CALLS,),
}


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
    parts = [part for feature in features for part in _PARTS.get(feature.name, ())]
    async with open_use_cases(settings, parts=parts, **options) as use_cases:
        yield use_cases
