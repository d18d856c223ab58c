"""What a call of an adapter did, in words for its author."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call returned or raised; `words` follow the name of the method."""

    words: str
    result: object = None
    error: Exception | None = None


async def observe(call: Awaitable[object], seconds: float) -> Outcome:
    """Return the outcome of a call that has to end within these seconds."""
    calling = asyncio.ensure_future(call)
    # Unlike asyncio.timeout, this does not wait for a call that ignores its cancellation.
    await asyncio.wait([calling], timeout=seconds)
    if not calling.done():
        calling.cancel()
        return Outcome(f"did not end within {seconds:g} seconds, retries included")
    try:
        result = calling.result()
    except Exception as error:  # noqa: BLE001 -- an external adapter may raise anything
        return Outcome(f"raised {type(error).__name__}", error=error)
    return Outcome(f"returned {result!r}", result)


async def expect_errors(
    calls: Mapping[str, Awaitable[object]], *errors: type[Exception], seconds: float
) -> None:
    """Fail with the names of those calls that do not raise one of these errors in time."""
    wrong = await asyncio.gather(
        *(_find_wrong(name, call, errors, seconds) for name, call in calls.items())
    )
    if any(wrong):
        pytest.fail("\n".join(filter(None, wrong)), pytrace=False)


async def _find_wrong(
    name: str, call: Awaitable[object], errors: tuple[type[Exception], ...], seconds: float
) -> str | None:
    outcome = await observe(call, seconds)
    if isinstance(outcome.error, errors):
        return None
    expected = " or ".join(error.__name__ for error in errors)
    return f"{name} {outcome.words}, but has to raise {expected}"
