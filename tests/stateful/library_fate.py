"""Ports in front of any adapter that refuse, fall silent, stop or take the process with them.

What becomes of the calls is decided for each run of a use case: a task has its own fate, and
whatever it begins shares it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, Final, TypeVar, cast

from application.ports.errors import MediaStorageUnavailable, PortError, StorageUnavailable
from application.ports.media_files import MediaFiles
from application.ports.repositories import Repositories
from tests.unit.application.breaking import Killed

T = TypeVar("T")
Call = Callable[[], Coroutine[Any, Any, Any]]

_ASKS_NOBODY: Final = {"url_for"}
"""What leaves the process only by name: it may die there, but nobody can refuse it."""


class Ending(Enum):
    """What happens at the chosen call."""

    DIES = "it and all after it end the process"
    REFUSED = "it is not done"
    UNANSWERED = "it is done, and nobody is told"
    DOWN = "it and all after it are not done"
    LOST = "it is done and nobody is told, and all after it are not done"
    HALTS = "it waits to be let go"


_FOR_GOOD: Final = {Ending.DOWN, Ending.LOST}
_DONE: Final = {Ending.UNANSWERED, Ending.LOST}


@dataclass
class Fate:
    """What becomes of one run: `ending` at its call number `at`, from 1 on; 0 is no call."""

    at: int = 0
    ending: Ending = Ending.DIES
    taken: int = 0
    halted_at: str = ""
    halted: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def struck(self) -> bool:
        """Whether it came to that."""
        return 0 < self.at <= self.taken

    def die(self) -> None:
        """Have the process end at the call that is halted."""
        self.ending = Ending.DIES
        self.let_go.set()

    async def carry_out(self, name: str, call: Call, error: type[PortError] | None) -> Any:
        """Make the call, or not; `error` is how its port refuses, None if it cannot."""
        self.taken += 1
        is_first = self.taken == self.at
        if not self.struck:
            return await call()
        if self.ending is Ending.HALTS and is_first:
            self.halted_at = name
            self.halted.set()
            await self.let_go.wait()
        if self.ending is Ending.DIES:
            raise Killed
        fails = self.ending is not Ending.HALTS and (is_first or self.ending in _FOR_GOOD)
        if error is None or not fails:
            return await call()
        if is_first and self.ending in _DONE:
            await call()
        raise error("as fate would have it")


_FATE: Final[ContextVar[Fate]] = ContextVar("fate")


async def under(fate: Fate, run: Coroutine[Any, Any, T]) -> T:
    """Run this under a fate; a task of its own keeps that from everything else."""
    _FATE.set(fate)
    return await run


class _Fateful:
    """A port whose calls meet the fate of whoever makes them."""

    def __init__(self, port: object, error: type[PortError]) -> None:
        self._port = port
        self._error = error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        error = None if name in _ASKS_NOBODY else self._error

        async def call(*args: object, **kwargs: object) -> Any:
            fate = _FATE.get(None)
            if fate is None:
                return await method(*args, **kwargs)
            return await fate.carry_out(name, lambda: method(*args, **kwargs), error)

        return call


def fateful_records(records: Repositories) -> Repositories:
    """The same records, each port of them under fate."""
    ports = {one.name: getattr(records, one.name) for one in fields(records)}
    return replace(
        records, **{name: _Fateful(port, StorageUnavailable) for name, port in ports.items()}
    )


def fateful_files(files: MediaFiles) -> MediaFiles:
    """The same files, under fate."""
    return cast("MediaFiles", _Fateful(files, MediaStorageUnavailable))
