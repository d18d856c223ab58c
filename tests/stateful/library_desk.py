"""The service and the model side by side, over stores that outlive every process."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.errors import ItemNotFound, MediaFileNotFound
from domain.media.item import MediaItem
from domain.media.page import ItemFilter
from tests.stateful.library_fate import Ending, Fate
from tests.stateful.library_model import Item, LibraryModel, Upload, Walk, chosen_of
from tests.stateful.library_process import Outcome, Process, Run, by
from tests.stateful.library_worlds import Fresh
from tests.support.fakes.clock import MovableClock

EVERYTHING: Final = ItemFilter()
Plan = tuple[int, Ending]
"""At which call of a run what happens; call 0 never comes."""
UNDISTURBED: Final = (0, Ending.DIES)


@dataclass(eq=False)
class Flight:
    """An upload that waits at some call; `swept` is when sweeps came to their end meanwhile."""

    upload: Upload
    fate: Fate
    task: "asyncio.Task[Outcome]"
    swept: list[datetime] = field(default_factory=list)

    async def landed(self) -> Outcome:
        """How it ended."""
        return await self.task


class LibraryDesk:
    """Processes one after the other, the model, and how one looks into both."""

    def __init__(self, fresh: Fresh, runner: asyncio.Runner) -> None:
        self.wait_for = runner.run
        self._opened = AsyncExitStack()
        self.stores = self.wait_for(self._opened.enter_async_context(fresh()))
        self.clock = MovableClock()
        self._processes = 0
        self._start()
        self.model = LibraryModel()
        self.people: dict[int, str] = {}
        self.chiefs: set[str] = set()
        self.tokens: dict[str, str] = {}
        self.serials = 0
        self.flights: list[Flight] = []
        self.walks: list[Walk] = []

    def close(self) -> None:
        """Leave the stores."""
        self._let_flights_die()
        self.wait_for(self._opened.aclose())

    # Processes, and what becomes of their calls

    def _start(self) -> None:
        self._processes += 1
        self.process = Process(self.stores, self.clock, self._processes)

    def crash(self) -> None:
        """End the process wherever it is; another one starts."""
        self._let_flights_die()
        self._start()

    def attempt(self, run: Run, plan: Plan = UNDISTURBED) -> Outcome:
        """Have it done; where the process dies of it another one starts."""

        async def done() -> Outcome:
            return await self.process.begin(run, Fate(*plan))

        outcome = self.wait_for(done())
        if outcome.killed:
            self.crash()
        return outcome

    def attempt_by(self, principal: str, call: Any, plan: Plan = UNDISTURBED) -> Outcome:
        """The same as a request of this caller."""
        return self.attempt(by(self.tokens[principal], call), plan)

    def _let_flights_die(self) -> None:
        for flight in self.flights:
            flight.fate.die()
            assert self.wait_for(flight.landed()).killed
            self.may_be_counted(flight.upload)
        self.flights.clear()

    # What is to be seen

    def opened(self, item: Item) -> bytes | None:
        """The bytes behind its key, or None where there are none."""
        try:
            return self.wait_for(self.process.content(item.key))
        except MediaFileNotFound:
            return None

    def is_there(self, item: Item) -> bool:
        """Whether the service shows it."""
        try:
            self.wait_for(self.process.use_cases.get_item(item.id))
        except ItemNotFound:
            return False
        return True

    def is_total(self, total: int, chosen: ItemFilter) -> None:
        """Only what was somebody's who is deleted is counted and not shown, for a while."""
        least = len(self.model.listed(chosen))
        assert least <= total <= least + self._uncounted(chosen)

    def hides_nothing(self, chosen: ItemFilter) -> bool:
        """Whether every page is as long as asked for."""
        return not self._uncounted(chosen)

    def _uncounted(self, chosen: ItemFilter) -> int:
        under_way = [one.upload for one in self.flights]
        dead = [one for one in under_way if one.owner not in self.model.living]
        return len([*chosen_of([*self.model.uncounted, *dead], chosen)])

    def known(self, items: Iterable[MediaItem]) -> list[Item]:
        """The model's own of what is shown, which says the same of each."""
        shown = list(items)
        found = [self.model.items[told.id] for told in shown]
        for item, told in zip(found, shown, strict=True):
            is_shown(item, told)
        return found

    def may_be_counted(self, upload: Upload) -> None:
        """Nobody sees it whose owner is deleted, but the total may know of it."""
        if upload.owner not in self.model.living:
            self.model.uncounted.append(upload)


def is_shown(item: Item, told: MediaItem) -> None:
    """See that the service says of an item what the model does."""
    assert told.is_ready
    assert (told.id, told.storage_key, told.owner_id) == (item.id, item.key, item.owner)
    assert (told.kind, told.category, told.created_at) == (item.kind, item.category, item.created)
    assert (told.image.width, told.image.bytes) == (item.serial, len(item.content))
