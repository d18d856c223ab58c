"""What a call of an adapter did, in words for its author."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import pytest

from adapters.operations.logging.configuration import RecordFormatter

CHECK_SECONDS: Final = 15
"""Seconds after which readiness cancels a health check."""


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """What a call returned or raised; `words` follow the name of the method."""

    words: str
    result: object = None
    error: BaseException | None = None


async def observe(call: Awaitable[object], seconds: float) -> ObservedCall:
    """Return the outcome of a call that has to end within these seconds."""
    calling = asyncio.ensure_future(_observe(call))
    # Unlike asyncio.timeout, this does not wait for a call that ignores its cancellation.
    await asyncio.wait([calling], timeout=seconds)
    if not calling.done():
        calling.cancel()
        return ObservedCall(f"did not end within {seconds:g} seconds, retries included")
    return calling.result()


async def _observe(call: Awaitable[object]) -> ObservedCall:
    try:
        result = await call
    # As the error of a task, SystemExit would end the event loop.
    except BaseException as error:  # noqa: BLE001 -- an external adapter may raise anything
        return ObservedCall(f"raised {type(error).__name__}", error=error)
    return ObservedCall(f"returned {result!r}", result)


async def expect_errors(
    calls: Mapping[str, Awaitable[object]], *errors: type[Exception], seconds: float
) -> list[BaseException]:
    """Return what the calls raise.

    Fail with the names of those that do not raise one of these errors in time.
    """
    outcomes = await asyncio.gather(*(observe(call, seconds) for call in calls.values()))
    expected = " or ".join(error.__name__ for error in errors)
    wrong = [
        f"{name} {outcome.words}, but has to raise {expected}"
        for name, outcome in zip(calls, outcomes, strict=True)
        if not isinstance(outcome.error, errors)
    ]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    return [outcome.error for outcome in outcomes if outcome.error is not None]


class _TextFinder(logging.Handler):
    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self._texts = texts
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):  # its arguments may be wrong
            if any(text in record.getMessage() for text in self._texts):
                line = RecordFormatter().format(record)  # it hides some, and takes time
                self.found += [text for text in self._texts if text in line]


@contextmanager
def find_logged(texts: Sequence[str]) -> Iterator[list[str]]:
    """Find which of these texts the service would log until the end of the block."""
    finder = _TextFinder(texts)
    logging.getLogger().addHandler(finder)
    try:
        yield finder.found
    finally:
        logging.getLogger().removeHandler(finder)
