"""A function around each call of a store: a measurement, a circuit breaker, repetitions."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from adapters.records.record_store import RecordStore
from application.ports.limits import LimitStore

P = ParamSpec("P")
T = TypeVar("T")

_RECORD_READS: Final = ("load", "scan", "find", "count", "estimate_size")
_RECORD_WRITES: Final = (
    "add",
    "replace",
    "replace_all",
    "delete",
    "delete_expired",
    "overwrite",
    "move",
)
_LIMIT_READS: Final = ("next_available", "count_used")
_LIMIT_WRITES: Final = ("acquire", "release", "delete_expired")
_RECORD_METHODS: Final = (*_RECORD_READS, *_RECORD_WRITES)
_LIMIT_METHODS: Final = (*_LIMIT_READS, *_LIMIT_WRITES)
READS: Final = frozenset((*_RECORD_READS, *_LIMIT_READS))
"""The methods that change nothing."""


class AroundCall(Protocol):
    """Makes a call of a method, when and as often as it likes."""

    def __call__(self, method: str, call: Callable[[], Awaitable[T]], /) -> Awaitable[T]:
        """Return what the call returns."""
        ...


def wrap_records(store: RecordStore, around: AroundCall) -> RecordStore:
    """Return a record store with a function around each call, also of its optional methods."""
    methods = wrap_methods(store, _RECORD_METHODS, around)
    return cast("RecordStore", SimpleNamespace(**methods))


def wrap_limits(store: LimitStore, around: AroundCall) -> LimitStore:
    """Return a limit store with a function around each call."""
    methods = wrap_methods(store, _LIMIT_METHODS, around)
    return cast("LimitStore", SimpleNamespace(**methods))


def wrap_methods(
    store: object, methods: Iterable[str], around: AroundCall
) -> Mapping[str, Callable[..., Awaitable[Any]]]:
    """Return those of the methods that a store has, with a function around each call."""
    return {
        name: _wrap_method(name, getattr(store, name), around)
        for name in methods
        if hasattr(store, name)
    }


def _wrap_method(
    name: str, method: Callable[P, Awaitable[T]], around: AroundCall
) -> Callable[P, Awaitable[T]]:
    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return around(name, partial(method, *args, **kwargs))

    return call
