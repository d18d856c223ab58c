"""Run random operations on the library, with faults and crashes, on the service and the model.

The model has no rules of its own: it remembers what the service returned. Each interruption alone
has a test in `tests/unit/application/media`, and the pages of each database one in the contract.

An operation that fails at a call had no effect, and one whose process is killed there may have had
it as a whole. An upload that got an error is not in the library.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import BinaryIO, Final, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from application.media.library import LibraryPage
from application.ports.errors import PortError
from application.principal import Principal
from domain.cursor import MAX_PAGE_SIZE, Cursor
from domain.errors import DomainError, Unauthenticated
from domain.identities.role import Role
from domain.media.errors import ItemNotFound, MediaFileNotFound
from domain.media.image import MediaKind
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, MediaItem
from domain.media.page import ItemFilter, PageRequest
from tests.stateful.library_model import LibraryModel, Pagination
from tests.stateful.runs import run_machine
from tests.support.app_harness import GIF, AppHarness
from tests.support.builders import a_phone, an_id
from tests.support.fakes.media_files import InMemoryFiles
from tests.support.fault_injector import ProcessKilled
from tests.support.images import plain_jpeg
from tests.support.media.stored import stored_items
from tests.support.stored_files import read_opened

T = TypeVar("T")

ALL_ITEMS: Final = ItemFilter()
ADMINISTRATOR: Final = 0
CONTENTS: Final = {MediaKind.GIF: GIF, MediaKind.IMAGE: plain_jpeg(8, 6)}
PEOPLE: Final = st.integers(ADMINISTRATOR, 3)
KINDS: Final = st.sampled_from(MediaKind)
CATEGORIES: Final = st.sampled_from([None, "wheels", "Wheels", " wheels\n", "\U0001f6de\u200d"])
MOSTLY_TRUE: Final = st.sampled_from([True, True, False])
PAGE_SIZES: Final = st.sampled_from([1, 1, 2, 3, 5, MAX_PAGE_SIZE, MAX_PAGE_SIZE + 1])
DURATIONS: Final = st.sampled_from(
    [timedelta(milliseconds=1), timedelta(minutes=4), UPLOAD_TIMEOUT, FILE_DELETION_DELAY]
)
EVENTS: Final = st.sampled_from(["delete the owner", "clean up", "wait"])
Plan = tuple[str | None, bool]
"""The operation that fails, if any, and whether the process is killed there."""


def plans(*operations: str) -> st.SearchStrategy[Plan]:
    """Return plans with no fault, or a fault at one of these operations."""
    return st.tuples(st.sampled_from([None, *operations]), st.booleans())


NO_FAULT: Final[Plan] = (None, False)
CHANGES: Final = ("media_items.replace", "media_files.delete")
CLEANUP_OPERATIONS: Final = (
    "media_items.list_expired_uploads",
    "media_items.replace",
    "media_files.delete",
    "media_items.delete",
    "identities.list_unpurged",
    "media_items.list_owned_by",
    "identities.replace",
)


class InterruptedFiles(InMemoryFiles):
    """Files whose next write runs an action before it or after it."""

    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None

    async def write(self, storage_key: str, content: BinaryIO, content_type: str) -> None:
        before, after, self.before, self.after = self.before, self.after, None, None
        if before:
            await before()
        await super().write(storage_key, content, content_type)
        if after:
            await after()


class LibraryMachine(RuleBasedStateMachine):
    """Up to four people with a library each, by their tokens; one is an administrator."""

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self.run = runner.run
        self.files = InterruptedFiles()
        self.app = AppHarness(files=self.files)
        self.model = LibraryModel()
        self.tokens: dict[int, str] = {}
        self.user_ids: dict[int, str] = {}
        self.has_fired = False  # whether the last operation reached the call that fails

    # People and time

    @initialize(category=CATEGORIES)
    def log_in_and_upload(self, category: str | None) -> None:
        for person in (ADMINISTRATOR, ADMINISTRATOR + 1):
            self.log_in(person)
            for kind in MediaKind:
                self.upload(person, person, kind, category, NO_FAULT)

    @rule(person=PEOPLE)
    def log_in(self, person: int) -> None:
        principal = self.run(self.app.log_in(a_phone(person + 1)))
        user_id = principal.identity.id
        assert self.user_ids.setdefault(person, user_id) == user_id
        if person == ADMINISTRATOR:
            self.run(self.app.identities.operator_actions.change_role(user_id, Role.ADMINISTRATOR))
        self.tokens[person] = self.run(self.app.access_token(a_phone(person + 1)))

    @rule(duration=DURATIONS, plan=plans(*CLEANUP_OPERATIONS))
    def wait_and_clean_up(self, duration: timedelta, plan: Plan) -> None:
        self.app.clock.advance(duration)
        is_done = self.attempt(self.app.operations.cleanup, plan) != []
        if is_done and not self.has_fired:
            self.model.hidden.clear()

    @precondition(lambda self: self.tokens)
    @rule(
        data=st.data(),
        plan=plans("identities.replace", "media_items.list_owned_by", *CHANGES),
    )
    def delete_user(self, data: st.DataObject, plan: Plan) -> None:
        person = self.draw_person(data)
        principal = self.principal(person)
        is_done = self.attempt(lambda: self.app.identities.delete_user(principal), plan) != []
        is_killed = self.has_fired and plan[1]
        try:
            self.principal(person)
        except Unauthenticated:
            assert is_done or is_killed
            self.forget(person)
        else:
            assert not is_done

    # Uploads

    @precondition(lambda self: self.tokens)
    @rule(
        data=st.data(),
        kind=KINDS,
        category=CATEGORIES,
        plan=plans("media_items.add", "identities.load", "media_files.write", *CHANGES),
    )
    def upload_somewhere(
        self, data: st.DataObject, kind: MediaKind, category: str | None, plan: Plan
    ) -> None:
        uploader = self.draw_person(data)
        owner = uploader if data.draw(MOSTLY_TRUE) else data.draw(PEOPLE)
        self.upload(uploader, owner, kind, category, plan)

    def upload(
        self, uploader: int, owner: int, kind: MediaKind, category: str | None, plan: Plan
    ) -> None:
        principal, owner_id = self.principal(uploader), self.user_ids.get(owner, an_id(99))
        may_upload = owner in self.user_ids and self.may_act_for(principal, owner_id)
        uploaded = self.attempt(
            lambda: self.app.upload_image(principal, CONTENTS[kind], owner_id, category), plan
        )
        for library_item in uploaded:
            self.model.add(library_item.item)
        assert (uploaded != []) == (may_upload and not self.has_fired)

    @precondition(lambda self: self.tokens)
    @rule(
        data=st.data(),
        kind=KINDS,
        category=CATEGORIES,
        is_stored=st.booleans(),
        events=st.lists(EVENTS, min_size=1, max_size=3),
    )
    def upload_while_something_happens(
        self,
        data: st.DataObject,
        kind: MediaKind,
        category: str | None,
        is_stored: bool,
        events: list[str],
    ) -> None:
        owner = self.draw_person(data)
        principal, owner_id = self.principal(owner), self.user_ids[owner]

        async def happen() -> None:
            for event in events:
                if event == "clean up":
                    await self.app.operations.cleanup()
                elif event == "wait":
                    self.app.clock.advance(UPLOAD_TIMEOUT)
                elif owner in self.user_ids:
                    await self.app.identities.delete_user(principal)
                    self.forget(owner)

        self.files.before, self.files.after = (None, happen) if is_stored else (happen, None)
        uploaded = self.result_of(
            lambda: self.app.upload_image(principal, CONTENTS[kind], owner_id, category)
        )
        is_deleted = owner not in self.user_ids
        if is_deleted:
            self.model.hidden.append(ItemFilter(owner_id, kind, category))
        for library_item in uploaded:
            assert "wait" not in events  # a late upload is never completed
            if not is_deleted:
                self.model.add(library_item.item)
        assert uploaded or is_deleted or "wait" in events

    # Items

    @precondition(lambda self: self.model.items and self.tokens)
    @rule(data=st.data(), category=CATEGORIES, plan=plans("media_items.load", *CHANGES))
    def categorize_item(self, data: st.DataObject, category: str | None, plan: Plan) -> None:
        principal, item = self.principal(self.draw_person(data)), self.draw_item(data)
        categorized = self.attempt(
            lambda: self.app.media.categorize_item(principal, item.id, category), plan
        )
        may_change = self.may_act_for(principal, item.owner_id)
        assert (categorized != []) == (may_change and not self.has_fired)
        if categorized:
            self.model.change(item.categorize(category))

    @precondition(lambda self: self.model.items and self.tokens)
    @rule(data=st.data(), plan=plans("media_items.load", *CHANGES))
    def delete_item(self, data: st.DataObject, plan: Plan) -> None:
        principal, item = self.principal(self.draw_person(data)), self.draw_item(data)
        is_done = self.attempt(lambda: self.app.media.delete_item(principal, item.id), plan)
        is_killed = self.has_fired and plan[1]
        may_delete = self.may_act_for(principal, item.owner_id)
        assert not is_done or may_delete
        if not self.is_visible(item):
            assert may_delete
            assert is_done or is_killed
            self.model.delete(item)
        else:
            assert not is_done

    @rule()
    def read_all_files(self) -> None:
        for item in self.model.items.values():
            assert self.read_file(item) is not None
        for item in self.model.deleted_items:
            assert not self.is_visible(item)
            assert self.read_file(item) is None

    # Pages

    @rule(data=st.data(), page_size=PAGE_SIZES)
    def start_reading_by_cursor(self, data: st.DataObject, page_size: int) -> None:
        item_filter = self.draw_filter(data)
        unchanged_ids = {item.id for item in self.model.list_items(item_filter)}
        pagination = Pagination(item_filter, page_size, unchanged_ids)
        self.model.paginations.append(pagination)
        self.read_next_page(pagination)

    @precondition(lambda self: self.model.paginations)
    @rule(data=st.data())
    def continue_reading_by_cursor(self, data: st.DataObject) -> None:
        self.read_next_page(draw_from(data, self.model.paginations))

    def read_next_page(self, pagination: Pagination) -> None:
        item_filter, size = pagination.item_filter, min(pagination.page_size, MAX_PAGE_SIZE)
        remaining = self.model.list_after(item_filter, pagination.cursor)
        page = self.list_page(item_filter, pagination.page_size, cursor=pagination.cursor)
        assert [shown.item for shown in page.items] == remaining[: len(page.items)]
        assert len(page.items) <= size
        if not self.model.count_hidden(item_filter):
            assert len(page.items) == min(size, len(remaining))
        pagination.cursor = page.next_cursor
        pagination.read_ids += [shown.item.id for shown in page.items]
        assert len({*pagination.read_ids}) == len(pagination.read_ids)
        if page.next_cursor is None:
            assert len(page.items) == len(remaining)
            assert pagination.unchanged_ids <= {*pagination.read_ids}
            self.model.paginations.remove(pagination)

    def list_page(
        self,
        item_filter: ItemFilter,
        page_size: int,
        cursor: Cursor | None = None,
    ) -> LibraryPage:
        """Return a page. Its total may count items of deleted users for a while."""
        request = PageRequest(1, page_size, cursor)
        page: LibraryPage = self.run(self.app.list_items(item_filter, request))
        visible = len(self.model.list_items(item_filter))
        assert (page.total is None) == (cursor is not None)
        if page.total is not None:
            assert visible <= page.total <= visible + self.model.count_hidden(item_filter)
        return page

    # What is always true, and what is true in the end

    @invariant()
    def visible_items_are_those_of_the_model(self) -> None:
        page = self.list_page(ALL_ITEMS, MAX_PAGE_SIZE)
        assert [shown.item for shown in page.items] == self.model.list_items(ALL_ITEMS)

    def teardown(self) -> None:
        """Cleanups leave the files of the items and nothing else, also after crashes."""
        for duration in (UPLOAD_TIMEOUT, FILE_DELETION_DELAY):
            self.app.clock.advance(duration)
            for operation in CLEANUP_OPERATIONS:
                self.attempt(self.app.operations.cleanup, (operation, True))
            self.run(self.app.operations.cleanup())
        assert self.app.files.contents.keys() == {
            item.storage_key for item in self.model.items.values()
        }
        assert stored_items(self.app.database).keys() == self.model.items.keys()

    # Attempts

    def attempt(self, operation: Callable[[], Awaitable[T]], plan: Plan) -> list[T]:
        """Run an operation with a fault; return its result in a list, or none after an error."""
        operation_name, kill = plan
        self.app.faults.reset()
        if operation_name is not None:
            self.app.faults.fail_on(operation_name, kill=kill)
        return self.result_of(operation)

    def result_of(self, operation: Callable[[], Awaitable[T]]) -> list[T]:
        async def run() -> T:
            return await operation()

        try:
            return [self.run(run())]
        except (DomainError, PortError, ProcessKilled):
            return []
        finally:
            self.has_fired = self.app.faults.has_fired
            self.app.faults.reset()

    def may_act_for(self, principal: Principal, owner_id: str) -> bool:
        own_id = principal.identity.id
        is_administrator = own_id == self.user_ids.get(ADMINISTRATOR)
        return owner_id == own_id or (is_administrator and principal.has_recent_login)

    def principal(self, person: int) -> Principal:
        principal: Principal = self.run(self.app.identities.authenticate(self.tokens[person]))
        return principal

    def forget(self, person: int) -> None:
        """Forget a deleted user, and the items that nobody sees anymore."""
        self.model.delete_user(self.user_ids.pop(person))
        del self.tokens[person]

    def is_visible(self, item: MediaItem) -> bool:
        try:
            self.run(self.app.get_item(item.id))
        except ItemNotFound:
            return False
        return True

    def read_file(self, item: MediaItem) -> bytes | None:
        try:
            return self.run(read_opened(self.app.media.open_file, item.storage_key))
        except MediaFileNotFound:
            return None

    # Drawing

    def draw_person(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.tokens)))

    def draw_item(self, data: st.DataObject) -> MediaItem:
        return draw_from(data, self.model.list_items(ALL_ITEMS))

    def draw_filter(self, data: st.DataObject) -> ItemFilter:
        if data.draw(MOSTLY_TRUE):
            return ALL_ITEMS
        owner_id = self.user_ids.get(data.draw(PEOPLE))
        return ItemFilter(owner_id, data.draw(KINDS), data.draw(CATEGORIES))


def draw_from(data: st.DataObject, values: list[T]) -> T:
    """Draw one of these values by index: they may have no useful representation."""
    return values[data.draw(st.integers(0, len(values) - 1))]


@pytest.mark.hypothesis
def test_the_library_behaves_like_its_model() -> None:
    with asyncio.Runner() as runner:
        run_machine(lambda: LibraryMachine(runner), 20)
