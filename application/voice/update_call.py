"""Change calls with optimistic concurrency."""

from collections.abc import Callable
from typing import TypeVar

from application.ports.versioned import Versioned
from application.ports.voice import Calls
from application.update import change_record, save_record
from domain.voice.call import Call

T = TypeVar("T")


async def update_call(calls: Calls, call_id: str, change: Callable[[Call], Call]) -> Call | None:
    """Update a call as `update` does, and return it, or None if there is no such call.

    Raises:
        StorageError
        CorruptRecord
    """
    return await save_record(calls, call_id, lambda call: call and change(call))


async def change_call(
    calls: Calls,
    call_id: str,
    change: Callable[[Call], tuple[Call, T]],
    loaded: Versioned[Call] | None = None,
) -> T | None:
    """Update a call as `update` does, and return the result of the change that was saved.

    It is None if there is no such call.

    Raises:
        StorageError
        CorruptRecord
    """

    def change_existing(call: Call | None) -> tuple[Call | None, T | None]:
        return (None, None) if call is None else change(call)

    return await change_record(calls, call_id, change_existing, loaded)
