"""What the rules choose from."""

import asyncio
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from domain.media.image import MediaKind
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT
from domain.media.page import MAX_PAGE_SIZE, ItemFilter
from tests.stateful.library_desk import EVERYTHING, UNDISTURBED, Plan
from tests.stateful.library_fate import Ending
from tests.stateful.library_model import Item, Upload
from tests.stateful.library_process import content_of
from tests.stateful.library_visitors import CHIEF, VisitorsDesk
from tests.stateful.library_worlds import Fresh
from tests.support.builders import an_id

MOST: Final = 3
PEOPLE: Final = st.integers(CHIEF, MOST)
KINDS: Final = st.sampled_from(MediaKind)
CATEGORIES: Final = st.sampled_from(
    [None, "wheels", "Wheels", "", " wheels\n", "e\u0301", "\u00e9", "\U0001f6de\u200d", "x" * 64]
)
MOSTLY: Final = st.sampled_from([True, True, False])
PER_PAGE: Final = st.sampled_from([1, 1, 2, 3, 5, MAX_PAGE_SIZE, MAX_PAGE_SIZE + 1, 10**17])
SPANS: Final = st.sampled_from(
    [
        timedelta(0),
        timedelta(milliseconds=1),
        timedelta(minutes=4),
        UPLOAD_TIMEOUT,
        FILE_DELETION_DELAY,
    ]
)
ENDINGS: Final = st.sampled_from([one for one in Ending if one is not Ending.HALTS])


def plans(first: int, last: int) -> st.SearchStrategy[Plan]:
    """What goes wrong, if anything, at one of the calls that matter."""
    disturbed = st.tuples(st.integers(first, last), ENDINGS)
    return st.one_of(st.just(UNDISTURBED), disturbed, disturbed)


class Meanwhile(Enum):
    """What may happen to an upload that takes its time."""

    LEAVES = "its owner is deleted"
    LEAVES_MUCH = "its owner is deleted, and nothing of theirs is cleared away"
    IS_SWEPT = "its owner is deleted, and all of theirs is cleared away"
    SWEEP = "a sweep"
    LATE = "its lease is over"
    LANDS = "it comes to its end"


class Choosing(RuleBasedStateMachine):
    """The service and the model, side by side, and whatever of theirs a rule is about."""

    def __init__(self, fresh: Fresh, runner: asyncio.Runner) -> None:
        super().__init__()
        self.desk = VisitorsDesk(fresh, runner)
        self.model = self.desk.model

    def happens(self, event: Meanwhile, upload: Upload) -> None:
        """While an upload is under way, if it still is."""
        flight = next((one for one in self.desk.flights if one.upload is upload), None)
        if flight is None:
            return
        people = {person: who for who, person in self.desk.people.items()}
        match event:
            case Meanwhile.LEAVES if upload.owner in people:
                self.desk.leave(people[upload.owner])
            case Meanwhile.LEAVES_MUCH if upload.owner in people:
                self.desk.leave(people[upload.owner], (4, Ending.DOWN))
            case Meanwhile.IS_SWEPT if upload.owner in people:
                self.desk.leave(people[upload.owner])
                self.desk.cleanup()
            case Meanwhile.SWEEP:
                self.desk.cleanup()
            case Meanwhile.LATE:
                self.desk.pass_time(UPLOAD_TIMEOUT)
            case Meanwhile.LANDS:
                self.desk.land(flight)

    def new_upload(
        self, principal: str, owner: str, kind: MediaKind, category: str | None
    ) -> Upload:
        serial = self.desk.new_serial()
        content = content_of(serial, kind)
        return Upload(serial, principal, owner, kind, category, self.desk.clock.now(), content)

    def one_of(self, data: st.DataObject, some: list[Any]) -> Any:
        return some[data.draw(st.integers(0, len(some) - 1))]

    def some_caller(self, data: st.DataObject) -> str:
        return self.desk.people[data.draw(st.sampled_from(sorted(self.desk.people)))]

    def some_owner(self, data: st.DataObject) -> str:
        return self.desk.people.get(data.draw(PEOPLE), an_id(99))

    def some_item(self, data: st.DataObject) -> Item:
        item: Item = self.one_of(data, self.model.listed(EVERYTHING))
        return item

    def some_choice(self, data: st.DataObject) -> ItemFilter:
        if data.draw(MOSTLY):
            return EVERYTHING
        owner = self.some_owner(data) if data.draw(st.booleans()) else None
        kind = data.draw(st.one_of(st.none(), KINDS))
        category = data.draw(st.one_of(st.none(), st.none(), CATEGORIES))
        return ItemFilter(owner, kind, category)
