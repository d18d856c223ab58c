"""The time limit of an operator's own database or limit store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from adapters.records.call_deadlines import CallDeadlines
from adapters.records.overload_log import OverloadLog
from adapters.records.store_calls import AroundCall
from application.ports.errors import StorageOverloaded, StorageTimeout
from application.tasks import call_adapter, is_ended

T = TypeVar("T")

CALL_TIMEOUT: Final = 15.0
"""Seconds for all calls of a request, as long as a write of SQLite has. Apps wait for 20 s."""
_NO_ANSWER: Final = f"no answer within {CALL_TIMEOUT:g} seconds"


def limit_calls(store: str) -> AroundCall:
    """Return what makes the calls of a store that may hang, or be cancelled by what it calls.

    Args:
        store: Its name in the log of overloads.
    """
    overload = OverloadLog(store)
    deadlines = CallDeadlines(CALL_TIMEOUT, overload)

    async def limit(method: str, call: Callable[[], Awaitable[T]]) -> T:
        async def call_until(deadline: float) -> T:
            seconds = deadline - asyncio.get_running_loop().time()
            try:
                return await call_adapter(f"own_{method}", call, seconds)
            except TimeoutError:
                raise StorageTimeout(_NO_ANSWER) from None
            except StorageOverloaded as error:
                overload.count(str(error))
                raise
            except Exception:
                raise
            except BaseException as error:  # SystemExit would end the process
                if is_ended():
                    raise
                raise StorageTimeout(f"it was ended by {type(error).__name__}") from error

        return await deadlines.limit(call_until)

    return limit
