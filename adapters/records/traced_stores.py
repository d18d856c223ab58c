"""The spans of calls to the database and the limit store.

They are those of our ports, and not of a driver: statements of several requests go out together, in
tasks and threads that belong to none of them. So a span has the time that its request waited, names
the operation and the kind of records, and has no statement and no value.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any, Final, cast

from adapters.records.record_kind import RecordKind
from adapters.records.record_store import RecordStore
from adapters.records.store_calls import LIMIT_METHODS, RECORD_METHODS
from application.ports.errors import UniqueViolation
from application.ports.limits import LimitStore
from application.tracing import trace_call

_LIMITS: Final = "limits"


def trace_records(records: RecordStore, system: str) -> RecordStore:
    """Return a record store whose calls are spans.

    Args:
        records: The store.
        system: What it is, by the semantic conventions, such as `postgresql`.
    """
    return cast("RecordStore", SimpleNamespace(**_trace(records, RECORD_METHODS, system)))


def trace_limits(limits: LimitStore, system: str) -> LimitStore:
    """Return a limit store whose calls are spans."""
    return cast("LimitStore", SimpleNamespace(**_trace(limits, LIMIT_METHODS, system)))


def _trace(
    store: object, methods: tuple[str, ...], system: str
) -> dict[str, Callable[..., Awaitable[Any]]]:
    return {
        name: _trace_method(name, getattr(store, name), system)
        for name in methods
        if hasattr(store, name)
    }


def _trace_method(
    operation: str, method: Callable[..., Awaitable[Any]], system: str
) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        kind = args[0] if args else None
        collection = kind.name if isinstance(kind, RecordKind) else _LIMITS
        attributes = {
            "db.system.name": system,
            "db.operation.name": operation,
            "db.collection.name": collection,
        }
        with trace_call(f"{operation} {collection}", attributes):
            try:
                return await method(*args, **kwargs)
            except UniqueViolation as error:
                taken = error  # it is a result
        raise taken

    return call
