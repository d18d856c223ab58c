"""Optimistic concurrency: load a record, change it, replace it if it is unchanged."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar, overload

from application.ports.errors import ConcurrencyConflict, OperationRejected, StorageUnavailable
from application.ports.versioned import Savable, Versioned
from domain.errors import DomainError

K = TypeVar("K")
K_contra = TypeVar("K_contra", contravariant=True)
R = TypeVar("R")
T = TypeVar("T")
Changed = tuple[R, T] | Awaitable[tuple[R, T]]
"""The successor of a record, and the result: of a function or of a coroutine function."""

MAX_RETRIES: Final = 100
"""More conflicts than that are an error: 500 parallel requests need a handful each."""
NOTHING_WRITTEN: Final = (
    DomainError,
    StorageUnavailable,
    OperationRejected,
    ConcurrencyConflict,
)
"""Errors of a change that certainly wrote nothing. After any other, and after a cancellation, the
record may be written."""
_IMMEDIATE_RETRIES: Final = 3
_MAX_DELAY_SECONDS: Final = 0.02


class _WithEveryKey(Savable[K_contra, R], Protocol[K_contra, R]):
    """Records of which there is one for each key, perhaps an empty one."""

    async def load(self, key: K_contra, /) -> Versioned[R]: ...


@overload
async def change(
    records: _WithEveryKey[K, R],
    key: K,
    decide: Callable[[R], Changed[R, T]],
    *,
    loaded: Versioned[R] | None = None,
) -> T: ...


@overload
async def change(
    records: Savable[K, R],
    key: K,
    decide: Callable[[R], Changed[R, T]],
    *,
    missing: type[Exception],
    loaded: Versioned[R] | None = None,
) -> T: ...


@overload
async def change(
    records: Savable[K, R],
    key: K,
    decide: Callable[[R | None], Changed[R | None, T]],
    *,
    loaded: Versioned[R | None] | None = None,
) -> T: ...


async def change(
    records: Savable[K, Any],
    key: K,
    decide: Callable[[Any], Changed[Any, T]],
    *,
    missing: type[Exception] | None = None,
    loaded: Versioned[Any] | None = None,
) -> T:
    """Save the successor that `decide` returns, and return its result.

    - After a conflict the record is loaded and changed again, with jitter.
    - A record that `decide` leaves as it is, is not written.
    - Exceptions of `decide` propagate and nothing is written.
    - Without `missing`, `decide` gets None for a record that does not exist: what it returns then
      is added, and None adds nothing.
    - `decide` may be a coroutine function, which is awaited between the load and the write.
    - `loaded` is the record, where the caller has loaded it; None of version 0 for one that does
      not exist.

    Raises:
        ConcurrencyConflict: There were more than `MAX_RETRIES` conflicts.
    """
    for retry in range(MAX_RETRIES):
        if retry > _IMMEDIATE_RETRIES:
            await asyncio.sleep(random.uniform(0, _MAX_DELAY_SECONDS))  # noqa: S311 -- no secret
        found = loaded or await records.load(key) or Versioned(None, 0)
        loaded = None
        if found.value is None and missing is not None:
            raise missing
        decided = decide(found.value)
        successor, result = decided if isinstance(decided, tuple) else await decided
        if successor is None or successor == found.value:
            return result
        if await records.save(key, successor, found.version):
            return result
    raise ConcurrencyConflict("too many concurrent changes of one record")
