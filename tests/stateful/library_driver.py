"""Runs each operation on the library on the service and on the model, and compares the results.

The storage outlives every process of the service. Where the client got no response (the process
crashed, or the connection was lost), these results are allowed:

- an upload is in the library as a whole, or it never will be;
- a deletion or a category is stored or not, from that moment on.

An upload that got an error is not in the library.
"""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final

from application.media.upload_image import UploadImageCommand
from application.ports.errors import StorageError
from application.principal import Principal
from application.use_cases import UseCases
from domain.errors import (
    DomainError,
    Forbidden,
    ItemNotFound,
    ItemSaveFailed,
    MediaFileNotFound,
    MediaStorageFailed,
    ReauthenticationRequired,
    Unauthenticated,
    UserNotFound,
)
from domain.identities.identity import Role
from domain.identities.session import RECENT_LOGIN_PERIOD
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT, MediaItem
from domain.media.page import ItemFilter
from domain.page import MAX_PAGE_SIZE
from tests.stateful.backends import OpenStorage
from tests.stateful.library_model import LibraryModel, ModelItem, ModelUpload, Pagination, select
from tests.stateful.library_process import (
    NO_FAULT,
    Fault,
    FaultPlan,
    Operation,
    OperationFaults,
    Outcome,
    Process,
    UserOperation,
    as_user,
)
from tests.support.builders import a_phone
from tests.support.fakes.clock import MovableClock

ALL_ITEMS: Final = ItemFilter()
ADMINISTRATOR: Final = 0
"""The person who is promoted at each login."""
_UNKNOWN_RESULTS: Final = {Fault.CRASH, Fault.LOSE_RESPONSE, Fault.LOSE_CONNECTION}
"""After these faults only the storage shows whether the operation had its effect."""
_UNKNOWN_UPLOADS: Final = {Fault.CRASH, Fault.LOSE_CONNECTION}
"""After one lost response an upload still removes what it stored."""


@dataclass(eq=False)
class PausedUpload:
    """An upload that waits at one of its calls, and when cleanups were complete meanwhile."""

    upload: ModelUpload
    faults: OperationFaults
    task: "asyncio.Task[Outcome]"
    cleanups: list[datetime] = field(default_factory=list)

    async def finish(self) -> Outcome:
        """Wait for the end of the upload."""
        return await self.task


class LibraryDriver:
    """One process after the other over one storage. `people` maps persons to user ids."""

    def __init__(self, open_storage: OpenStorage, runner: asyncio.Runner) -> None:
        self.run = runner.run
        self._opened = AsyncExitStack()
        self.storage = self.run(self._opened.enter_async_context(open_storage()))
        self.clock = MovableClock()
        self.model = LibraryModel()
        self.people: dict[int, str] = {}
        self.administrators: set[str] = set()
        self.logged_in_at: dict[str, datetime] = {}
        self.tokens: dict[str, str] = {}
        self.uploads = 0
        self.paused_uploads: list[PausedUpload] = []
        self.paginations: list[Pagination] = []
        self._processes = 0
        self._start_process()

    def close(self) -> None:
        """Close the storage."""
        self._crash_paused_uploads()
        self.run(self._opened.aclose())

    # Processes

    def _start_process(self) -> None:
        self._processes += 1
        self.process = Process(self.storage, self.clock, self._processes)

    def crash(self) -> None:
        """End the process and start another one."""
        self._crash_paused_uploads()
        self._start_process()

    def _crash_paused_uploads(self) -> None:
        for paused in self.paused_uploads:
            paused.faults.crash()
            assert self.run(paused.finish()).is_crash
            self._note_upload(paused.upload)
        self.paused_uploads.clear()

    def run_operation(self, operation: Operation, plan: FaultPlan = NO_FAULT) -> Outcome:
        """Run an operation. After a crash another process is started."""

        async def run() -> Outcome:
            return await self.process.start(operation, OperationFaults(plan))

        outcome = self.run(run())
        if outcome.is_crash:
            self.crash()
        return outcome

    def run_as(self, user_id: str, operation: UserOperation, plan: FaultPlan) -> Outcome:
        """Run an operation of a user."""
        return self.run_operation(as_user(self.tokens[user_id], operation), plan)

    # People and time

    def wait(self, duration: timedelta) -> None:
        """Advance the clock. No upload takes longer than the cleanup expects."""
        for paused in [*self.paused_uploads]:
            if self.clock.now() + duration >= paused.upload.started_at + FILE_DELETION_DELAY:
                self.resume(paused)
        self.clock.advance(duration)

    def log_in(self, person: int) -> None:
        """Log in. It takes hours, so that no rate limit is exceeded."""
        self.wait(timedelta(hours=12))
        token = self.run(self.process.log_in(a_phone(person + 1)))
        user_id = self.run(self.process.use_cases.authenticate(token)).identity.id
        assert self.people.setdefault(person, user_id) == user_id
        self.model.user_ids.add(user_id)
        if person == ADMINISTRATOR and user_id not in self.administrators:
            self.run(self.process.use_cases.change_role(user_id, Role.ADMINISTRATOR))
            self.administrators.add(user_id)
            # The promotion has ended the session.
            token = self.run(self.process.log_in(a_phone(person + 1)))
        self.tokens[user_id] = token
        self.logged_in_at[user_id] = self.clock.now()

    def has_recent_login(self, user_id: str) -> bool:
        """Return whether the user's session is young enough for the actions of administrators."""
        return self.clock.now() - self.logged_in_at[user_id] < RECENT_LOGIN_PERIOD

    def delete_user(self, person: int, plan: FaultPlan = NO_FAULT) -> None:
        """Delete a user. Afterwards all items are visible, or none."""
        user_id = self.people[person]
        outcome = self.run_as(
            user_id, lambda use_cases, principal: use_cases.delete_user(principal), plan
        )
        is_deleted = not self._can_authenticate(user_id)
        assert is_deleted or not outcome.is_done
        assert outcome.is_done or outcome.is_fault_triggered
        if is_deleted:
            assert outcome.is_done or outcome.fault in _UNKNOWN_RESULTS
            del self.people[person]
            for item in self.model.delete_user(user_id):
                self._assert_deleted(item)

    def _can_authenticate(self, user_id: str) -> bool:
        try:
            self.run(self.process.use_cases.authenticate(self.tokens[user_id]))
        except Unauthenticated:
            return False
        return True

    def cleanup(self, plan: FaultPlan = NO_FAULT) -> None:
        """Run the cleanup. Clients see no difference, even if a fault interrupts it."""
        outcome = self.run_operation(lambda use_cases: use_cases.cleanup(), plan)
        assert outcome.is_done or outcome.is_fault_triggered
        if outcome.is_done and not outcome.is_fault_triggered:
            self.model.maybe_counted.clear()
            for paused in self.paused_uploads:
                paused.cleanups.append(self.clock.now())

    # Uploads

    def new_upload_number(self) -> int:
        """Return a number that no other upload has."""
        self.uploads += 1
        return self.uploads

    def upload(self, upload: ModelUpload, plan: FaultPlan = NO_FAULT) -> None:
        """Upload. An upload that pauses stays in `paused_uploads`."""
        file = BytesIO(upload.content)

        def operation(use_cases: UseCases, principal: Principal) -> Any:
            return use_cases.upload_image(
                UploadImageCommand(principal, upload.owner_id, file, upload.category)
            )

        async def start() -> PausedUpload:
            faults = OperationFaults(plan)
            token = self.tokens[upload.uploader_id]
            task = self.process.start(as_user(token, operation), faults)
            paused = asyncio.create_task(faults.paused.wait())
            await asyncio.wait({task, paused}, return_when=asyncio.FIRST_COMPLETED)
            paused.cancel()
            return PausedUpload(upload, faults, task)

        started = self.run(start())
        if started.task.done():
            self._compare_upload(upload, started.task.result())
        else:
            self.paused_uploads.append(started)
            self._find_upload(upload)

    def resume(self, paused: PausedUpload) -> None:
        """Resume a paused upload and wait for its end."""
        self.paused_uploads.remove(paused)
        upload = paused.upload
        paused.faults.resumed.set()
        outcome = self.run(paused.finish())
        if outcome.is_done:
            upload_deadline = outcome.value.item.created_at + UPLOAD_TIMEOUT
            # Neither an upload that a cleanup found expired nor a late one is completed.
            assert upload.item or all(time < upload_deadline for time in paused.cleanups)
            assert paused.faults.paused_method != "write" or self.clock.now() < upload_deadline
            self._add_upload(upload, outcome.value.item)
        else:
            assert isinstance(outcome.error, ItemSaveFailed | Unauthenticated | UserNotFound)
            is_late = self.clock.now() >= upload.started_at + UPLOAD_TIMEOUT
            assert is_late or not {upload.uploader_id, upload.owner_id} <= self.model.user_ids
            assert upload.item is None
            self._note_upload(upload)

    def _compare_upload(self, upload: ModelUpload, outcome: Outcome) -> None:
        if outcome.is_done:
            self._add_upload(upload, outcome.value.item)
        elif outcome.is_fault_triggered and outcome.fault in _UNKNOWN_UPLOADS:
            if outcome.is_crash:
                self.crash()
            self._find_upload(upload)
        elif outcome.is_fault_triggered:
            assert isinstance(outcome.error, MediaStorageFailed | ItemSaveFailed | StorageError)
        elif not self._may_act_for(upload.uploader_id, upload.owner_id):
            assert isinstance(outcome.error, self._error_of_forbidden(upload.uploader_id))
        else:
            assert isinstance(outcome.error, UserNotFound)
            assert upload.owner_id not in self.model.user_ids

    def _add_upload(self, upload: ModelUpload, actual: MediaItem) -> None:
        item = self._to_model(upload, actual)
        if upload.item is None and upload.owner_id in self.model.user_ids:
            self.model.add(item)
        assert upload.item in (None, item)
        self._note_upload(upload)

    def _find_upload(self, upload: ModelUpload) -> None:
        """Add an upload without a response to the model if the library has it, as a whole."""
        library_page, _ = self.run(self.process.list_items(ALL_ITEMS, MAX_PAGE_SIZE))
        for actual in library_page.page.items:
            if actual.image.width == upload.number:
                upload.item = self._to_model(upload, actual)
                self.model.add(upload.item)
                assert self.read_file(upload.item) == upload.content
        self._note_upload(upload)

    def _to_model(self, upload: ModelUpload, actual: MediaItem) -> ModelItem:
        assert upload.started_at <= actual.created_at <= self.clock.now()
        item = ModelItem(
            number=upload.number,
            id=actual.id,
            storage_key=actual.storage_key,
            owner_id=upload.owner_id,
            kind=upload.kind,
            category=upload.category,
            created_at=actual.created_at,
            content=upload.content,
        )
        assert_equal(actual, item)
        return item

    def _note_upload(self, upload: ModelUpload) -> None:
        """Note an upload of a deleted user, which the total may count."""
        if upload.owner_id not in self.model.user_ids:
            self.model.maybe_counted.append(upload)

    # Items

    def is_visible(self, item: ModelItem) -> bool:
        """Return whether the service shows an item."""
        try:
            self.run(self.process.use_cases.get_item(item.id))
        except ItemNotFound:
            return False
        return True

    def read_file(self, item: ModelItem) -> bytes | None:
        """Return the file of an item, None if it is not found."""
        try:
            return self.run(self.process.read_file(item.storage_key))
        except MediaFileNotFound:
            return None

    def categorize(
        self, user_id: str, item: ModelItem, category: str | None, plan: FaultPlan
    ) -> None:
        """Change the category of an item."""

        def operation(use_cases: UseCases, principal: Principal) -> Any:
            return use_cases.categorize_item(principal, item.id, category)

        outcome = self.run_as(user_id, operation, plan)
        if not self._is_allowed(outcome, user_id, item):
            return
        if outcome.is_done:
            stored = outcome.value.item.category
            assert stored == category
        elif outcome.fault in _UNKNOWN_RESULTS:
            stored = self.run(self.process.use_cases.get_item(item.id)).item.category
            assert stored in (category, item.category)
        else:
            return
        self.model.categorize(item, stored)
        self._note_change(item)

    def delete_item(self, user_id: str, item: ModelItem, plan: FaultPlan) -> None:
        """Delete an item. Its file is not served anymore, even while it is still stored."""

        def operation(use_cases: UseCases, principal: Principal) -> Any:
            return use_cases.delete_item(principal, item.id)

        outcome = self.run_as(user_id, operation, plan)
        if not self._is_allowed(outcome, user_id, item):
            return
        is_unknown = not outcome.is_done and outcome.fault in _UNKNOWN_RESULTS
        if outcome.is_done or (is_unknown and not self.is_visible(item)):
            self.model.delete(item)
            self._assert_deleted(item)

    def _may_act_for(self, user_id: str, owner_id: str) -> bool:
        return user_id == owner_id or (
            user_id in self.administrators and self.has_recent_login(user_id)
        )

    def _error_of_forbidden(self, user_id: str) -> type[DomainError]:
        return ReauthenticationRequired if user_id in self.administrators else Forbidden

    def _is_allowed(self, outcome: Outcome, user_id: str, item: ModelItem) -> bool:
        if self._may_act_for(user_id, item.owner_id):
            assert outcome.is_done or outcome.is_fault_triggered
            return True
        assert (
            isinstance(outcome.error, self._error_of_forbidden(user_id))
            or outcome.is_fault_triggered
        )
        assert not outcome.is_done
        return False

    def _assert_deleted(self, item: ModelItem) -> None:
        self._note_change(item)
        assert not self.is_visible(item)
        assert self.read_file(item) is None

    def _note_change(self, item: ModelItem) -> None:
        """Note that a client that reads by cursor may miss the item."""
        for pagination in self.paginations:
            pagination.unchanged_ids.discard(item.id)

    # Pages

    def to_model_items(self, actual_items: Iterable[MediaItem]) -> list[ModelItem]:
        """Return the items of the model that a page shows, after comparing each."""
        items = []
        for actual in actual_items:
            item = self.model.items[actual.id]
            assert_equal(actual, item)
            items.append(item)
        return items

    def assert_total(self, total: int, item_filter: ItemFilter) -> None:
        """Assert a total, which may count items of deleted users for a while."""
        visible = len(self.model.list_items(item_filter))
        assert visible <= total <= visible + self._hidden(item_filter)

    def has_full_pages(self, item_filter: ItemFilter) -> bool:
        """Return whether no hidden item takes a place on a page."""
        return not self._hidden(item_filter)

    def _hidden(self, item_filter: ItemFilter) -> int:
        paused_of_deleted_users = [
            paused.upload
            for paused in self.paused_uploads
            if paused.upload.owner_id not in self.model.user_ids
        ]
        hidden = [*self.model.maybe_counted, *paused_of_deleted_users]
        return len([*select(hidden, item_filter)])

    def read_pages(self, pagination: Pagination, pages: int) -> None:
        """Read up to so many more pages by cursor."""
        for _ in range(pages):
            if pagination in self.paginations:
                self._read_next_page(pagination)

    def _read_next_page(self, pagination: Pagination) -> None:
        item_filter = pagination.item_filter
        remaining = pagination.remaining(self.model.list_items(item_filter))
        library_page, pagination.cursor = self.run(
            self.process.list_items(item_filter, pagination.page_size, cursor=pagination.cursor)
        )
        page = library_page.page
        items, size = self.to_model_items(page.items), page.request.page_size
        self.assert_total(page.total, item_filter)
        assert items == remaining[: len(items)]
        assert len(items) <= size
        if self.has_full_pages(item_filter):
            assert len(items) == min(size, len(remaining))
            assert (pagination.cursor is None) == (len(remaining) <= size)
        pagination.read_items += items
        read_ids = {item.id for item in pagination.read_items}
        assert len(read_ids) == len(pagination.read_items)
        if pagination.cursor is None:
            assert len(items) == len(remaining)
            assert pagination.unchanged_ids <= read_ids
            self.paginations.remove(pagination)


def assert_equal(actual: MediaItem, item: ModelItem) -> None:
    """Assert that an item of the service is that of the model."""
    assert actual.is_ready
    assert (actual.id, actual.storage_key, actual.owner_id) == (
        item.id,
        item.storage_key,
        item.owner_id,
    )
    assert (actual.kind, actual.category, actual.created_at) == (
        item.kind,
        item.category,
        item.created_at,
    )
    assert (actual.image.width, actual.image.bytes) == (item.number, len(item.content))
