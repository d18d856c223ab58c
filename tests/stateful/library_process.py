"""One process of the service over storage that outlives it, and the faults of its calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, BinaryIO, Final, NamedTuple, cast

from application.media.library import LibraryPage
from application.ports.errors import (
    MediaStorageUnavailable,
    PortError,
    StorageError,
    StorageUnavailable,
)
from application.ports.images import PublishedImage
from application.principal import Principal
from application.use_cases import UseCases
from domain.errors import DomainError
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.page import ItemFilter, PageRequest
from domain.page import encode_cursor, parse_cursor
from tests.stateful.backends import Storage
from tests.support.app_harness import AppHarness
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.randomness import SeededRandomness
from tests.support.fault_injector import ProcessKilled
from tests.support.stored_files import read_opened

Operation = Callable[[UseCases], Coroutine[Any, Any, Any]]
UserOperation = Callable[[UseCases, Principal], Coroutine[Any, Any, Any]]

_LOCAL_METHODS: Final = {"url_for"}
"""They call no server, so they cannot fail; the process can still crash there."""
_OPENING_METHODS: Final = {"open_file"}
"""They return a context manager, which makes the call when it is entered."""
_MAGIC_BYTES: Final = {MediaKind.GIF: b"GIF89a", MediaKind.IMAGE: b"\xff\xd8\xff"}
_FORMATS: Final = {MediaKind.GIF: ImageFormat.GIF, MediaKind.IMAGE: ImageFormat.JPEG}


class Fault(Enum):
    """What happens at the chosen call of an operation."""

    CRASH = "the call and all later ones end the process"
    FAIL = "the call has no effect and fails"
    LOSE_RESPONSE = "the call has its effect and fails"
    GO_DOWN = "the call and all later ones have no effect and fail"
    LOSE_CONNECTION = "the call has its effect and fails; all later ones have none and fail"
    PAUSE = "the call waits until it is resumed"

    @property
    def is_permanent(self) -> bool:
        """Whether later calls fail as well."""
        return self in (Fault.GO_DOWN, Fault.LOSE_CONNECTION)

    @property
    def has_effect(self) -> bool:
        """Whether the failed call has its effect."""
        return self in (Fault.LOSE_RESPONSE, Fault.LOSE_CONNECTION)


class FaultPlan(NamedTuple):
    """The number of the call that has a fault, from 1. There is no call 0."""

    call_number: int
    fault: Fault


NO_FAULT: Final = FaultPlan(0, Fault.CRASH)


@dataclass
class OperationFaults:
    """Counts the calls of one operation and injects the fault of its plan."""

    plan: FaultPlan
    fault: Fault = field(init=False)
    calls: int = 0
    paused_method: str = ""
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.fault = self.plan.fault

    @property
    def is_triggered(self) -> bool:
        """Whether the operation reached the call with the fault."""
        return 0 < self.plan.call_number <= self.calls

    def crash(self) -> None:
        """End the process at the paused call."""
        self.fault = Fault.CRASH
        self.resumed.set()

    async def call(
        self,
        method: str,
        make_call: Callable[[], Coroutine[Any, Any, Any]],
        error: type[PortError] | None,
    ) -> Any:
        """Make a call, or inject the fault; `error` is None for a call that cannot fail."""
        self.calls += 1
        if not self.is_triggered:
            return await make_call()
        is_first = self.calls == self.plan.call_number
        if self.fault is Fault.PAUSE and is_first:
            self.paused_method = method
            self.paused.set()
            await self.resumed.wait()
        if self.fault is Fault.CRASH:
            raise ProcessKilled
        fails = self.fault is not Fault.PAUSE and (is_first or self.fault.is_permanent)
        if error is None or not fails:
            return await make_call()
        if is_first and self.fault.has_effect:
            await make_call()
        raise error("injected fault")


_FAULTS: Final[ContextVar[OperationFaults]] = ContextVar("faults")


class _FaultyPort:
    """A port whose calls go through the faults of the operation that makes them."""

    def __init__(self, port: object, error: type[PortError]) -> None:
        self._port = port
        self._error = error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        error = None if name in _LOCAL_METHODS else self._error

        async def call(*args: object, **kwargs: object) -> Any:
            faults = _FAULTS.get(None)
            if faults is None:
                return await method(*args, **kwargs)
            return await faults.call(name, lambda: method(*args, **kwargs), error)

        @asynccontextmanager
        async def open_(*args: object, **kwargs: object) -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:

                async def enter() -> Any:
                    return await stack.enter_async_context(method(*args, **kwargs))

                faults = _FAULTS.get(None)
                yield await (faults.call(name, enter, error) if faults else enter())

        return open_ if name in _OPENING_METHODS else call


@dataclass(frozen=True)
class Outcome:
    """The value that an operation returned, or the error that it raised."""

    value: Any
    error: BaseException | None
    is_fault_triggered: bool
    fault: Fault

    @property
    def is_done(self) -> bool:
        """Whether the caller got a success."""
        return self.error is None

    @property
    def is_crash(self) -> bool:
        """Whether the process ended."""
        return isinstance(self.error, ProcessKilled)


class Process:
    """The use cases over a storage until the process ends; `number` seeds its randomness."""

    def __init__(self, storage: Storage, clock: MovableClock, number: int) -> None:
        repositories = {
            port.name: _FaultyPort(getattr(storage.repositories, port.name), StorageUnavailable)
            for port in fields(storage.repositories)
        }
        harness = AppHarness(
            repositories=replace(storage.repositories, **cast("dict[str, Any]", repositories)),
            files=cast("Any", _FaultyPort(storage.files, MediaStorageUnavailable)),
            messenger=FakeMessenger(),
            clock=clock,
            image_publisher=NumberedImages(),
            randomness=SeededRandomness(number),
        )
        self.use_cases = harness.use_cases
        self.log_in = harness.access_token

    def start(self, operation: Operation, faults: OperationFaults) -> "asyncio.Task[Outcome]":
        """Start an operation. Its task has its own context, so it has its own faults."""

        async def run() -> Outcome:
            _FAULTS.set(faults)
            value, error = None, None
            try:
                value = await operation(self.use_cases)
            except (DomainError, StorageError, ProcessKilled) as raised:
                error = raised
            return Outcome(value, error, faults.is_triggered, faults.fault)

        return asyncio.create_task(run())

    async def list_items(
        self, item_filter: ItemFilter, page_size: int, number: int = 1, cursor: str | None = None
    ) -> tuple[LibraryPage, str | None]:
        """Return a page and the cursor of the next one."""
        after = None if cursor is None else parse_cursor(cursor)
        request = PageRequest(number, page_size, after)
        library_page = await self.use_cases.list_items(item_filter, request)
        next_cursor = library_page.page.next_cursor
        return library_page, None if next_cursor is None else encode_cursor(next_cursor)

    async def read_file(self, storage_key: str) -> bytes:
        """Return the bytes of a file."""
        return await read_opened(self.use_cases.open_file, storage_key)


def as_user(token: str, operation: UserOperation) -> Operation:
    """Return an operation that authenticates with this token first."""

    async def run(use_cases: UseCases) -> Any:
        return await operation(use_cases, await use_cases.authenticate(token))

    return run


def image_content(number: int, kind: MediaKind) -> bytes:
    """Return the bytes of the image with this number."""
    return _MAGIC_BYTES[kind] + str(number).encode()


class NumberedImages:
    """Publishes images unchanged. Each is as wide as its number."""

    async def publish(self, upload: BinaryIO, identity_id: str) -> PublishedImage:
        content = upload.read()
        [kind] = [kind for kind, magic in _MAGIC_BYTES.items() if content.startswith(magic)]
        number = int(content.removeprefix(_MAGIC_BYTES[kind]))
        return PublishedImage(Image(_FORMATS[kind], number, 1, len(content)), content)
