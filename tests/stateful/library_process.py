"""One process of the service over stores that outlive it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from tests.unit.application.breaking import Killed

from application.media.library import LibraryPage
from application.ports.errors import StorageUnavailable
from application.ports.images import PublishedImage
from application.ports.repositories import Repositories
from application.principal import Principal
from application.use_cases import UseCases
from domain.errors import DomainError
from domain.media.image import Image, ImageFormat, MediaKind
from domain.media.page import ItemFilter, PageRequest, encode_cursor, parse_cursor
from tests.stateful.library_fate import Ending, Fate, fateful_files, fateful_records, under
from tests.stateful.library_worlds import Stores
from tests.support.app_harness import AppHarness
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.randomness import SeededRandomness

Run = Callable[[UseCases], Coroutine[Any, Any, Any]]
ByCaller = Callable[[UseCases, Principal], Coroutine[Any, Any, Any]]
_HEADS: Final = {MediaKind.GIF: b"GIF89a", MediaKind.IMAGE: b"\xff\xd8\xff"}
_FORMATS: Final = {MediaKind.GIF: ImageFormat.GIF, MediaKind.IMAGE: ImageFormat.JPEG}


def by(token: str, call: ByCaller) -> Run:
    """The same as a request of whoever shows this token."""

    async def run(use_cases: UseCases) -> Any:
        return await call(use_cases, await use_cases.authenticate(token))

    return run


def content_of(serial: int, kind: MediaKind) -> bytes:
    """A picture that no other upload has."""
    return _HEADS[kind] + str(serial).encode()


class NumberedPictures:
    """Pictures as they are, each as wide as its serial number says."""

    async def publish(self, upload: BinaryIO) -> PublishedImage:
        content = upload.read()
        [kind] = [kind for kind, head in _HEADS.items() if content.startswith(head)]
        serial = int(content.removeprefix(_HEADS[kind]))
        return PublishedImage(Image(_FORMATS[kind], serial, 1, len(content)), content)


@dataclass(frozen=True, slots=True)
class _Records:
    """A database, as a AppHarness has one."""

    opened: Repositories

    def records(self) -> Repositories:
        return self.opened


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what it gave, or what it raised; `struck` is whether fate was met."""

    value: Any
    error: BaseException | None
    struck: bool
    ending: Ending

    @property
    def is_done(self) -> bool:
        """Whether the caller was told that it is done."""
        return self.error is None

    @property
    def killed(self) -> bool:
        """Whether there is no process any more."""
        return isinstance(self.error, Killed)


class Process:
    """The use cases over some stores, until the process ends; `number` makes its chance its own."""

    def __init__(self, stores: Stores, clock: MovableClock, number: int) -> None:
        self.clock = clock
        self._house = AppHarness(
            # It asks them for no more than these have.
            database=cast("Any", _Records(fateful_records(stores.records))),
            files=cast("Any", fateful_files(stores.files)),
            messenger=FakeMessenger(),
            clock=clock,
            image_publisher=NumberedPictures(),
            randomness=SeededRandomness(number),
        )
        self.use_cases = self._house.use_cases
        self.token = self._house.token

    async def page(
        self, chosen: ItemFilter, per_page: int, number: int = 1, cursor: str | None = None
    ) -> tuple[LibraryPage, str | None]:
        """A page, and the cursor of the next."""
        after = None if cursor is None else parse_cursor(cursor)
        shown = await self.use_cases.list_items(chosen, PageRequest(number, per_page, after))
        next_after = shown.page.next_cursor
        return shown, None if next_after is None else encode_cursor(next_after)

    async def content(self, key: str) -> bytes:
        """The bytes behind a key."""
        opened = await self.use_cases.open_file(key)
        return b"".join([chunk async for chunk in opened.file.chunks])

    def begin(self, run: Run, fate: Fate) -> "asyncio.Task[Outcome]":
        """Begin a run of a use case under a fate."""

        async def told() -> Outcome:
            try:
                value = await run(self.use_cases)
            except (DomainError, StorageUnavailable, Killed) as error:
                return Outcome(None, error, fate.struck, fate.ending)
            return Outcome(value, None, fate.struck, fate.ending)

        return asyncio.create_task(under(fate, told()))
