"""Run random operations on the library, with faults and crashes, on the service and the model."""

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import Enum
from typing import Final, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from domain.media.image import MediaKind
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT
from domain.media.page import ItemFilter
from domain.page import MAX_PAGE_SIZE
from tests.stateful.backends import (
    OpenStorage,
    StorageBackend,
    embedded_storage,
    run_machine,
    storage_in_memory,
    storage_on_servers,
)
from tests.stateful.library_driver import (
    ADMINISTRATOR,
    ALL_ITEMS,
    LibraryDriver,
    PausedUpload,
    assert_equal,
)
from tests.stateful.library_model import ModelItem, ModelUpload, Pagination
from tests.stateful.library_process import NO_FAULT, Fault, FaultPlan, image_content
from tests.support.builders import an_id

T = TypeVar("T")

LAST_PERSON: Final = 3
PEOPLE: Final = st.integers(ADMINISTRATOR, LAST_PERSON)
KINDS: Final = st.sampled_from(MediaKind)
CATEGORIES: Final = st.sampled_from(
    [None, "wheels", "Wheels", "", " wheels\n", "e\u0301", "\u00e9", "\U0001f6de\u200d", "x" * 64]
)
MOSTLY_TRUE: Final = st.sampled_from([True, True, False])
PAGE_SIZES: Final = st.sampled_from([1, 1, 2, 3, 5, MAX_PAGE_SIZE, MAX_PAGE_SIZE + 1, 10**17])
PAGE_COUNTS: Final = st.integers(1, 6)
DURATIONS: Final = st.sampled_from(
    [
        timedelta(0),
        timedelta(milliseconds=1),
        timedelta(minutes=4),
        UPLOAD_TIMEOUT,
        FILE_DELETION_DELAY,
    ]
)
FAULTS: Final = st.sampled_from(
    [Fault.CRASH, Fault.FAIL, Fault.LOSE_RESPONSE, Fault.GO_DOWN, Fault.LOSE_CONNECTION]
)


def plans(first_call: int, last_call: int) -> st.SearchStrategy[FaultPlan]:
    """Return plans with no fault, or a fault at one of these calls."""
    faults = st.builds(FaultPlan, st.integers(first_call, last_call), FAULTS)
    return st.one_of(st.just(NO_FAULT), faults, faults)


class Event(Enum):
    """What happens while an upload is paused."""

    DELETE_OWNER = "its owner is deleted"
    DELETE_OWNER_PARTLY = "its owner is deleted, but not the owner's items"
    CLEAN_UP_OWNER = "its owner is deleted, and a cleanup runs"
    CLEANUP = "a cleanup runs"
    TIMEOUT = "its deadline passes"
    RESUME = "it is resumed"


class LibraryMachine(RuleBasedStateMachine):
    """Up to four people with a library each; one of them is an administrator."""

    def __init__(self, open_storage: OpenStorage, runner: asyncio.Runner) -> None:
        super().__init__()
        self.driver = LibraryDriver(open_storage, runner)
        self.model = self.driver.model

    def teardown(self) -> None:
        try:
            if sys.exception() is None:
                self.assert_final_state()
        finally:
            self.driver.close()

    # Rules for people and time

    @initialize(category=CATEGORIES)
    def log_in_and_upload(self, category: str | None) -> None:
        for person in (ADMINISTRATOR + 1, ADMINISTRATOR):
            self.driver.log_in(person)
            user_id = self.driver.people[person]
            for kind in MediaKind:
                self.driver.upload(self.new_upload(user_id, user_id, kind, category))

    @precondition(lambda self: len(self.driver.people) <= LAST_PERSON)
    @rule(data=st.data())
    def log_in(self, data: st.DataObject) -> None:
        logged_out = {*range(LAST_PERSON + 1)} - {*self.driver.people}
        self.driver.log_in(data.draw(st.sampled_from(sorted(logged_out))))

    @precondition(lambda self: self.has_administrator_without_recent_login())
    @rule()
    def log_in_administrator_again(self) -> None:
        self.driver.log_in(ADMINISTRATOR)

    @precondition(lambda self: self.driver.people)
    @rule(data=st.data(), plan=plans(2, 8))
    def delete_user(self, data: st.DataObject, plan: FaultPlan) -> None:
        self.driver.delete_user(data.draw(st.sampled_from(sorted(self.driver.people))), plan)

    @rule(duration=DURATIONS)
    def wait(self, duration: timedelta) -> None:
        self.driver.wait(duration)

    @rule(duration=DURATIONS, plan=plans(2, 9))
    def wait_and_cleanup(self, duration: timedelta, plan: FaultPlan) -> None:
        self.driver.wait(duration)
        self.driver.cleanup(plan)

    # Rules for uploads

    @precondition(lambda self: self.driver.people)
    @rule(data=st.data(), kind=KINDS, category=CATEGORIES, plan=plans(1, 8))
    def upload(
        self, data: st.DataObject, kind: MediaKind, category: str | None, plan: FaultPlan
    ) -> None:
        uploader_id = self.draw_user_id(data)
        owner_id = uploader_id if data.draw(MOSTLY_TRUE) else self.draw_owner_id(data)
        self.driver.upload(self.new_upload(uploader_id, owner_id, kind, category), plan)

    @precondition(lambda self: self.driver.people)
    @rule(
        data=st.data(),
        kind=KINDS,
        category=CATEGORIES,
        call_number=st.integers(1, 6),
        events=st.lists(st.sampled_from(Event), max_size=3),
    )
    def upload_slowly(
        self,
        data: st.DataObject,
        kind: MediaKind,
        category: str | None,
        call_number: int,
        events: list[Event],
    ) -> None:
        uploader_id = owner_id = self.draw_user_id(data)
        if uploader_id in self.driver.administrators and not data.draw(MOSTLY_TRUE):
            owner_id = draw_from(data, sorted(self.model.user_ids))
        upload = self.new_upload(uploader_id, owner_id, kind, category)
        self.driver.upload(upload, FaultPlan(call_number, Fault.PAUSE))
        for event in events:
            paused = self.find_paused(upload)
            if paused is not None:
                self.run_event(event, paused)

    @precondition(lambda self: self.driver.paused_uploads)
    @rule(data=st.data())
    def resume_upload(self, data: st.DataObject) -> None:
        self.driver.resume(draw_from(data, self.driver.paused_uploads))

    @precondition(lambda self: self.driver.paused_uploads)
    @rule()
    def crash(self) -> None:
        self.driver.crash()

    # Rules for items

    @precondition(lambda self: self.model.items and self.driver.people)
    @rule(data=st.data(), category=CATEGORIES, plan=plans(2, 5))
    def categorize_item(self, data: st.DataObject, category: str | None, plan: FaultPlan) -> None:
        user_id, item = self.draw_user_id(data), self.draw_item(data)
        self.driver.categorize(user_id, item, category, plan)

    @precondition(lambda self: self.model.items and self.driver.people)
    @rule(data=st.data(), plan=plans(2, 6))
    def delete_item(self, data: st.DataObject, plan: FaultPlan) -> None:
        self.driver.delete_item(self.draw_user_id(data), self.draw_item(data), plan)

    @precondition(lambda self: self.model.items)
    @rule(data=st.data())
    def get_item(self, data: st.DataObject) -> None:
        item, use_cases = self.draw_item(data), self.driver.process.use_cases
        assert_equal(self.driver.run(use_cases.get_item(item.id)).item, item)
        assert self.driver.read_file(item) == item.content

    @precondition(lambda self: self.model.deleted_items)
    @rule(data=st.data())
    def get_deleted_item(self, data: st.DataObject) -> None:
        item = draw_from(data, self.model.deleted_items)
        assert not self.driver.is_visible(item)
        assert self.driver.read_file(item) is None

    # Rules for pages

    @rule(data=st.data(), page_size=PAGE_SIZES)
    def read_all_pages_by_number(self, data: st.DataObject, page_size: int) -> None:
        item_filter, size = self.draw_filter(data), min(page_size, MAX_PAGE_SIZE)
        expected, read_items = self.model.list_items(item_filter), list[ModelItem]()
        number, total_pages = 0, 0
        while number <= total_pages:
            number += 1
            library_page, cursor = self.driver.run(
                self.driver.process.list_items(item_filter, page_size, number)
            )
            page, total_pages = library_page.page, library_page.page.total_pages
            self.driver.assert_total(page.total, item_filter)
            assert total_pages == (page.total + size - 1) // size
            assert len(page.items) <= size
            if self.driver.has_full_pages(item_filter):
                assert len(page.items) == len(expected[(number - 1) * size : number * size])
            assert (cursor is None) == (number >= total_pages)
            read_items += self.driver.to_model_items(page.items)
        assert read_items == expected

    @rule(data=st.data(), page_size=PAGE_SIZES, pages=PAGE_COUNTS)
    def start_reading_by_cursor(self, data: st.DataObject, page_size: int, pages: int) -> None:
        item_filter = self.draw_filter(data)
        item_ids = {item.id for item in self.model.list_items(item_filter)}
        pagination = Pagination(item_filter, page_size, item_ids)
        self.driver.paginations.append(pagination)
        self.driver.read_pages(pagination, pages)

    @precondition(lambda self: self.driver.paginations)
    @rule(data=st.data(), pages=PAGE_COUNTS)
    def continue_reading_by_cursor(self, data: st.DataObject, pages: int) -> None:
        self.driver.read_pages(draw_from(data, self.driver.paginations), pages)

    # Invariants

    @invariant()
    def visible_items_are_those_of_the_model(self) -> None:
        library_page, _ = self.driver.run(self.driver.process.list_items(ALL_ITEMS, MAX_PAGE_SIZE))
        items = self.driver.to_model_items(library_page.page.items)
        assert items == self.model.list_items(ALL_ITEMS)
        self.driver.assert_total(library_page.page.total, ALL_ITEMS)

    def assert_final_state(self) -> None:
        """Assert that cleanups leave the files of the items and nothing else.

        All clients that read by cursor reach the end, and the cleanup does after crashes.
        """
        driver, media_cleanup = self.driver, self.driver.storage.repositories.media_cleanup
        driver.crash()
        driver.paginations.append(Pagination(ALL_ITEMS, 1, {*self.model.items}))
        max_pages = len(self.model.items) + len(self.model.maybe_counted) + 1
        for pagination in [*driver.paginations]:
            driver.read_pages(pagination, max_pages)
            assert pagination not in driver.paginations
        for duration in (UPLOAD_TIMEOUT, FILE_DELETION_DELAY):
            driver.wait(duration)
            for call_number in range(1, 7):
                driver.cleanup(FaultPlan(call_number, Fault.CRASH))
            driver.cleanup()
        items = self.model.items.values()
        assert driver.storage.stored_keys() == {item.storage_key for item in items}
        far_future = driver.clock.now() + timedelta(days=9999)
        assert not driver.run(media_cleanup.list_expired_uploads(far_future, 1))
        assert not driver.run(media_cleanup.list_deleting(far_future, 1))
        for item in items:
            assert driver.read_file(item) == item.content

    # Paused uploads

    def find_paused(self, upload: ModelUpload) -> PausedUpload | None:
        return next(
            (paused for paused in self.driver.paused_uploads if paused.upload is upload), None
        )

    def run_event(self, event: Event, paused: PausedUpload) -> None:
        people = {user_id: person for person, user_id in self.driver.people.items()}
        owner = people.get(paused.upload.owner_id)
        match event:
            case Event.DELETE_OWNER if owner is not None:
                self.driver.delete_user(owner)
            case Event.DELETE_OWNER_PARTLY if owner is not None:
                self.driver.delete_user(owner, FaultPlan(4, Fault.GO_DOWN))
            case Event.CLEAN_UP_OWNER if owner is not None:
                self.driver.delete_user(owner)
                self.driver.cleanup()
            case Event.CLEANUP:
                self.driver.cleanup()
            case Event.TIMEOUT:
                self.driver.wait(UPLOAD_TIMEOUT)
            case Event.RESUME:
                self.driver.resume(paused)

    # Drawing

    def new_upload(
        self, uploader_id: str, owner_id: str, kind: MediaKind, category: str | None
    ) -> ModelUpload:
        number = self.driver.new_upload_number()
        content, started_at = image_content(number, kind), self.driver.clock.now()
        return ModelUpload(number, uploader_id, owner_id, kind, category, started_at, content)

    def has_administrator_without_recent_login(self) -> bool:
        user_id = self.driver.people.get(ADMINISTRATOR)
        return user_id is not None and not self.driver.has_recent_login(user_id)

    def draw_user_id(self, data: st.DataObject) -> str:
        return self.driver.people[data.draw(st.sampled_from(sorted(self.driver.people)))]

    def draw_owner_id(self, data: st.DataObject) -> str:
        return self.driver.people.get(data.draw(PEOPLE), an_id(99))

    def draw_item(self, data: st.DataObject) -> ModelItem:
        return draw_from(data, self.model.list_items(ALL_ITEMS))

    def draw_filter(self, data: st.DataObject) -> ItemFilter:
        if data.draw(MOSTLY_TRUE):
            return ALL_ITEMS
        owner_id = self.draw_owner_id(data) if data.draw(st.booleans()) else None
        kind = data.draw(st.one_of(st.none(), KINDS))
        category = data.draw(st.one_of(st.none(), st.none(), CATEGORIES))
        return ItemFilter(owner_id, kind, category)


def draw_from(data: st.DataObject, values: list[T]) -> T:
    """Draw one of these values by index: they may have no useful representation."""
    return values[data.draw(st.integers(0, len(values) - 1))]


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    ("backend", "example_count"),
    [
        pytest.param(storage_in_memory, 50, id="in_memory"),
        pytest.param(embedded_storage, 24, id="embedded"),
        pytest.param(storage_on_servers, 8, id="on_servers"),
    ],
)
def test_the_library_behaves_like_its_model(
    backend: StorageBackend, example_count: int, request: pytest.FixtureRequest
) -> None:
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        open_storage = runner.run(opened.enter_async_context(backend(request)))
        try:
            run_machine(lambda: LibraryMachine(open_storage, runner), example_count)
        finally:
            runner.run(opened.aclose())
