"""Optimistic concurrency: load a record, change it, replace it if it is unchanged."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from application.ports.errors import ConcurrencyConflict
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.versioned import Records, Versioned
from domain.errors import Unauthenticated
from domain.identities.identity import Identity
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")

MAX_RETRIES: Final = 100
"""More conflicts than that are an error: 500 parallel requests need a handful each."""
_IMMEDIATE_RETRIES: Final = 3
_MAX_DELAY_SECONDS: Final = 0.02


async def update(
    load: Callable[[], Awaitable[Versioned[E]]],
    replace: Callable[[E, int], Awaitable[bool]],
    change: Callable[[E], tuple[E, T]],
    loaded: Versioned[E] | None = None,
) -> T:
    """Save what `change` makes of a record, and return the result that it gives beside it.

    - After a conflict the record is loaded and changed again, with jitter.
    - A record that `change` leaves as it is, is not written.
    - Exceptions of `change` propagate and nothing is written.

    Args:
        load: loads the record.
        replace: replaces it if it still has the version.
        change: returns the successor of a record, and the result.
        loaded: the record, where the caller has loaded it.

    Raises:
        ConcurrencyConflict: there were more than `MAX_RETRIES` conflicts.
        StorageError
    """
    for retry in range(MAX_RETRIES):
        if retry > _IMMEDIATE_RETRIES:
            await asyncio.sleep(random.uniform(0, _MAX_DELAY_SECONDS))  # noqa: S311 -- no secret
        loaded = loaded or await load()
        successor, result = change(loaded.value)
        if successor == loaded.value or await replace(successor, loaded.version):
            return result
        loaded = None
    raise ConcurrencyConflict("too many concurrent changes of one record")


async def update_phone_verification(
    verifications: PhoneVerifications,
    phone: PhoneNumber,
    change: Callable[[PhoneVerification], tuple[PhoneVerification, T]],
    loaded: Versioned[PhoneVerification] | None = None,
) -> T:
    """Update the verification of a phone, as `update` does.

    Raises:
        StorageError
    """
    load, replace = partial(verifications.load, phone), partial(verifications.replace, phone)
    return await update(load, replace, change, loaded)


async def change_identity(
    identities: Identities, identity_id: str, change: Callable[[Identity], tuple[Identity, T]]
) -> T:
    """Update an identity that is not deleted or detached, as `update` does; return the result.

    Raises:
        Unauthenticated: there is no such identity, or it is deleted or detached.
        UniqueViolation: another identity has its username.
        StorageError
    """

    def change_open(identity: Identity | None) -> tuple[Identity, T]:
        if identity is None or identity.is_closed:
            raise Unauthenticated
        return change(identity)

    return await change_record(identities, identity_id, change_open)


async def update_identity(
    identities: Identities, identity_id: str, change: Callable[[Identity], Identity]
) -> Identity:
    """Update an identity that is not deleted or detached, as `change_identity`; return it."""

    def change_and_return(identity: Identity) -> tuple[Identity, Identity]:
        successor = change(identity)
        return successor, successor

    return await change_identity(identities, identity_id, change_and_return)


async def change_record(
    records: Records[R],
    key: str,
    change: Callable[[R | None], tuple[R | None, T]],
    loaded: Versioned[R | None] | None = None,
) -> T:
    """Update a record as `update` does, or add it where it does not exist; return the result.

    Args:
        records: the repository.
        key: the id.
        change: returns the successor of a record, and the result. It gets None for a record that
            does not exist, and nothing is saved if it returns None.
        loaded: the record, or version 0 where it does not exist, if the caller has loaded it.

    Raises:
        StorageError
        CorruptRecord
    """
    return await update(partial(_load, records, key), partial(_save, records), change, loaded)


async def save_identity(
    identities: Identities,
    identity_id: str,
    change: Callable[[Identity | None], Identity],
) -> Identity:
    """Update an identity as `update` does, or add what `change` returns for None.

    Raises:
        UniqueViolation: another identity has its username.
        StorageError
    """

    def change_and_return(identity: Identity | None) -> tuple[Identity, Identity]:
        successor = change(identity)
        return successor, successor

    return await change_record(identities, identity_id, change_and_return)


async def save_record(
    records: Records[R],
    key: str,
    change: Callable[[R | None], R | None],
    loaded: Versioned[R | None] | None = None,
) -> R | None:
    """Update a record as `update` does, or add it where it does not exist; return the successor.

    `change` gets None for a record that does not exist. If it returns None, nothing is saved.
    """

    def change_and_return(record: R | None) -> tuple[R | None, R | None]:
        successor = change(record)
        return successor, successor

    load, save = partial(_load, records, key), partial(_save, records)
    return await update(load, save, change_and_return, loaded)


async def _load(records: Records[R], key: str) -> Versioned[R | None]:
    return await records.load(key) or Versioned(None, 0)


async def _save(records: Records[R], record: R | None, version: int) -> bool:
    if record is None:
        return True
    return await (records.replace(record, version) if version else records.add(record))
