"""Fakes that fail, or whose process dies, at a chosen call."""

from dataclasses import dataclass, field

from application.ports.errors import MediaStorageUnavailable, StorageUnavailable
from domain.identities.identity import Identity
from domain.media.item import MediaItem
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fakes.records import (
    InMemoryDatabase,
    InMemoryIdentities,
    InMemoryMediaItems,
    InMemoryPhoneRecords,
)


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Steps:
    """Counts the calls that leave the process; `fails_at` is the one that fails.

    With `kills` that call and all after it end the process instead.
    """

    fails_at: int | None = None
    kills: bool = False
    taken: int = 0

    def fails(self) -> bool:
        """Whether the call that is made now fails."""
        self.taken += 1
        if self.fails_at is None or self.taken < self.fails_at:
            return False
        if self.kills:
            raise Killed
        return self.taken == self.fails_at

    def forget(self) -> None:
        """Begin anew; nothing fails any more."""
        self.fails_at, self.kills, self.taken = None, False, 0

    @property
    def failed(self) -> bool:
        """Whether it came to that."""
        return self.fails_at is not None and self.taken >= self.fails_at


@dataclass(slots=True)
class BreakingDatabase(InMemoryDatabase):
    """Records in memory that fail at a step."""

    steps: Steps = field(default_factory=Steps)

    async def reached(self) -> None:
        # The dataclass decorator makes the class anew for its slots: a bare super() misses it.
        await InMemoryDatabase.reached(self)
        if self.steps.fails():
            raise StorageUnavailable("broken at this step")


class BreakingFiles(InMemoryFiles):
    """Files in memory that fail at a step."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    def _reach(self) -> None:
        super()._reach()
        if self._steps.fails():
            raise MediaStorageUnavailable("broken at this step")


class ContendedPhones(InMemoryPhoneRecords):
    """Somebody else is always quicker."""

    async def replace(
        self, phone: PhoneNumber, verification: PhoneVerification, version: int
    ) -> bool:
        return False


class ContendedIdentities(InMemoryIdentities):
    """The same."""

    async def replace(self, identity: Identity, version: int) -> bool:
        return False


class ContendedItems(InMemoryMediaItems):
    """The same."""

    async def replace(self, item: MediaItem, version: int) -> bool:
        return False
