"""An adapter of somebody else, which the contract suites run with."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.operations.system import SystemRandomness
from adapters.security.encryption import AesPhoneEncryption
from application.ports.keys import Key
from application.ports.webhooks import SignedRequest
from entrypoints.parts.factories import health_check_of, open_adapter
from entrypoints.settings.values import Factory
from tests.contract.suites.blocked_loop import find_blocking_calls
from tests.contract.suites.port import PORTS, Port
from tests.contract.suites.promises import unproven

ADAPTER: Final = "DIALTONE_TEST_ADAPTER"
PORT: Final = "DIALTONE_TEST_PORT"
PLACE: Final = "DIALTONE_TEST_PLACE"
OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
"""Opens a database, which is empty at first. It may be open twice."""
_NO_RECORDS: Final[Any] = object()
"""The records beside a limit store. Its suites use none."""


class AuthorMethodFailed(Exception):
    """A method that only tests call has failed: it is no failure of the adapter's port."""


@dataclass(frozen=True, slots=True)
class _SameKey:
    """A `KeyRing`. A database that is opened again has to have the same keys."""

    key: Key = Key("contract", datetime(2026, 5, 1, tzinfo=UTC), bytes(range(32)))

    def signing(self) -> Key:
        return self.key

    def accepted(self) -> Sequence[Key]:
        return (self.key,)


def make_phone_encryption(index_key: bytes = bytes(32)) -> PhoneEncryption:
    """Return the encryption that a factory of a database gets."""
    return AesPhoneEncryption(index_key, _SameKey(), SystemRandomness())


def is_given() -> bool:
    """Return whether the suites run with an external adapter, not with ours."""
    return ADAPTER in os.environ


def given_port() -> Port:
    """Return the port of the external adapter."""
    return PORTS[os.environ[PORT]]


def is_limit_store() -> bool:
    """Return whether the external adapter is a limit store alone."""
    return os.environ.get(PORT) == "limits"


@asynccontextmanager
async def open_external_adapter(
    folder: Path, phone_encryption: PhoneEncryption | None = None
) -> AsyncIterator[Any]:
    """Open the adapter for a folder. It is empty for a new folder, and keeps what it has stored.

    A database gets this encryption, or the same one each time.

    The factory finds the path of the folder in the environment, as DIALTONE_TEST_PLACE. Errors
    name the setting of the adapter. Calls that block the event loop are noticed meanwhile.
    """
    port = given_port()
    arguments: dict[str, Any] = {"environ": {**os.environ, PLACE: str(folder)}}
    if port.protocol is Database:
        arguments["phone_encryption"] = phone_encryption or make_phone_encryption()
    opened = open_adapter(Factory(os.environ[ADAPTER]), port.setting, port.protocol, **arguments)
    async with opened as adapter:
        with find_blocking_calls():
            yield adapter if isinstance(adapter, Database) else WithHealthCheck(adapter)


@asynccontextmanager
async def open_external_database(
    folder: Path, phone_encryption: PhoneEncryption | None = None
) -> AsyncIterator[Database]:
    """Open an adapter that is a database, or a limit store without records beside it."""
    async with open_external_adapter(folder, phone_encryption) as adapter:
        if isinstance(adapter, Database):
            yield adapter
        else:
            yield Database(_NO_RECORDS, limits=adapter, health=adapter)


class WithHealthCheck:
    """An adapter with the health check that the service would use."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.has_health_check = hasattr(adapter, "check")
        self.check = health_check_of(adapter).check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def __repr__(self) -> str:
        return repr(self._adapter)


async def call_test_method(adapter: Any, name: str, *arguments: object) -> Any:
    """Call a method that an adapter may have for tests. It returns, or is awaited.

    What a test needs it for is unproven if there is no such method.
    """
    assert adapter is not None, f"a driver of ours lacks what {name}() does"
    method = getattr(adapter, name, None)
    if method is None:
        unproven(f"no helper {name}()")
    try:
        result = method(*arguments)
        return await result if isawaitable(result) else result
    except Exception as error:
        raise AuthorMethodFailed(f"{name}() raised {type(error).__name__}") from error


async def sign_by(adapter: Any, name: str, *arguments: object) -> SignedRequest:
    """Return a request that a method for tests has signed."""
    signed = await call_test_method(adapter, name, *arguments)
    if not isinstance(signed, SignedRequest):
        raise AuthorMethodFailed(f"{name}() returned {signed!r} instead of a SignedRequest")
    return signed
